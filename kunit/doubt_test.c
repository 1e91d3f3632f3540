// SPDX-License-Identifier: GPL-2.0-only
/* What several extends and reads that went wrong amount to together. */
#include <linux/delay.h>

#include "fault.h"
#include "fixture.h"

/* The pauses in front of the reads of one doubt, all together. */
#define READ_PAUSES_MS	3150

static u64 missing(const struct fixture *f)
{
	return f->log->regs[TEST_PCR]->missing;
}

static void expect_diverged(struct kunit *test, struct fixture *f, u64 first_missing, u64 count,
			    unsigned int extends)
{
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = count, .health = AAEL_HEALTH_DIVERGED, .violations = !first_missing,
		.extends = extends });
	KUNIT_EXPECT_EQ(test, missing(f), first_missing);
}

static void reads_that_fail_and_recover_decide(struct kunit *test)
{
	for (int failing = 0; failing <= AAEL_READ_TRIES - 2; failing++) {
		struct fixture *f = fixture_sha256(test);

		fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
		fake_script(&f->fake, FAKE_TIMEOUT_LOST);
		f->fake.failing_reads = failing;
		KUNIT_EXPECT_EQ(test, fixture_append(f, "applied"), 0);
		KUNIT_EXPECT_EQ(test, f->fake.reads, failing + 2);
		f->fake.failing_reads = failing;
		KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
		fixture_expect_sound(test, f);
		fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 2 });
		/* One fixture at a time has the fake. */
		kunit_release_action(test, fixture_destroy, f);
	}
}

static void one_good_read_at_the_end_is_not_enough(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	f->fake.failing_reads = AAEL_READ_TRIES - 1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, f->fake.reads, AAEL_READ_TRIES);
	KUNIT_EXPECT_EQ(test, fixture_paused_ms, READ_PAUSES_MS);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), 0);
	fixture_expect_text(test, f, 1, "test op first");
	fixture_expect_text(test, f, 2, "test op second");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

/* Until the register can be read, nothing is sent; then the entry's fate is known. */
static void expect_pending(struct kunit *test, enum fake_act act, u64 count)
{
	struct fixture *f = fixture_sha256(test);
	u64 sequence = 0;

	fake_script(&f->fake, act);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, AAEL_INDEX_DEFAULT, NULL, "test", "first",
						&sequence), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, sequence, 1);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	for (int i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fixture_append(f, "meanwhile"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), -ETIMEDOUT);
	/* Only the first waits for long; whoever comes behind it is told at once. */
	KUNIT_EXPECT_EQ(test, fixture_paused_ms, READ_PAUSES_MS);
	KUNIT_EXPECT_EQ(test, f->fake.reads, AAEL_READ_TRIES + 4);
	fixture_expect(test, f, &(struct expected) {
		.health = AAEL_HEALTH_UNKNOWN, .pending = 1, .extends = 1 });
	KUNIT_EXPECT_EQ(test, notified.health, AAEL_HEALTH_UNKNOWN);
	f->fake.failing_reads = 0;
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->snapshot.count, count);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = count, .extends = 1 });
	KUNIT_EXPECT_EQ(test, notified.health, AAEL_HEALTH_CONSISTENT);
}

static void undecided_entry_that_was_applied_is_logged(struct kunit *test)
{
	expect_pending(test, FAKE_TIMEOUT_APPLIED, 1);
}

static void undecided_entry_that_was_lost_is_not_logged(struct kunit *test)
{
	expect_pending(test, FAKE_TIMEOUT_LOST, 0);
}

static void undecided_entry_beside_a_foreign_extend_diverges(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), -ETIMEDOUT);
	f->fake.failing_reads = 0;
	fake_foreign_extend(&f->fake, TEST_PCR);
	expect_diverged(test, f, 0, 0, 1);
}

static void undecided_entry_outlasts_a_failing_hash(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), -ETIMEDOUT);
	f->fake.failing_reads = 0;
	/* The first hash is of the event under way. */
	fault_set_hash(2);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), -EIO);
	KUNIT_EXPECT_EQ(test, f->log->pending_sequence, 1);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void first_read_may_be_another_commands_reply(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	f->fake.lying_reads = 1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "applied"), 0);
	f->fake.lying_reads = 2;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
	f->fake.lying_reads = 1;
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 2 });
}

static void last_entry_that_is_missing_is_extended_again(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_LIE);
	for (int i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->snapshot.health, AAEL_HEALTH_CONSISTENT);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 3, .repairs = 1, .extends = 4 });
}

static void missing_entry_is_found_without_being_asked(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	f->log->confirm_delay_ms = AAEL_CONFIRM_DELAY_MS;
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	for (int i = 0; i < 200 && !READ_ONCE(f->log->repairs); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, f->log->repairs, 1);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void missing_entry_is_repaired_before_the_next_is_decided(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), -EIO);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 1, .repairs = 1, .extends = 3 });
}

static void repair_that_fails_is_tried_again(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_REFUSE);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "meanwhile"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), 0);
	fixture_expect_text(test, f, 2, "test op second");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 2, .repairs = 1, .extends = 5 });
}

static void foreign_extend_during_a_repair_diverges(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_FOREIGN_AFTER);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	expect_diverged(test, f, 0, 1, 2);
}

static void missing_entry_in_front_of_others_is_named(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "third"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "fourth"), 0);
	expect_diverged(test, f, 2, 4, 4);
}

static void one_of_several_identical_entries_is_made_up_for(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_LIE);
	for (int i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fixture_append(f, "same"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 4, .repairs = 1, .extends = 5 });
}

static void first_of_several_missing_entries_is_named(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_LIE);
	for (int i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	expect_diverged(test, f, 2, 4, 4);
}

static void entry_of_another_register_is_never_the_missing_one(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, f->admin, "test", "x", NULL), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	expect_diverged(test, f, 3, 4, 4);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, 9));
}

static void missing_entry_behind_one_in_doubt_is_never_silent(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), -EIO);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, v.match, 0);
	KUNIT_EXPECT_EQ(test, missing(f), 1);
}

static void missing_entry_is_named_however_many_others_have(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v = { .index = 9 };

	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, f->admin, "test", "x", NULL), 0);
	KUNIT_EXPECT_EQ(test, aael_query_verify(f->log, &v, true), 0);
	for (int i = 0; i < 300; i++)
		KUNIT_ASSERT_EQ(test, fixture_append(f, "other"), 0);
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, f->admin, "test", "lost", NULL), 0);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, f->admin, "test", "x", NULL), 0);
	KUNIT_EXPECT_EQ(test, aael_query_verify(f->log, &v, true), 0);
	KUNIT_EXPECT_EQ(test, v.health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->regs[9]->missing, 302);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void foreign_extend_is_found_and_stays_on_record(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	u8 expected[32];
	struct aael_verify v;

	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	memcpy(expected, f->fake.regs[TEST_PCR][0], sizeof(expected));
	fake_foreign_extend(&f->fake, TEST_PCR);
	expect_diverged(test, f, 0, 1, 1);
	KUNIT_EXPECT_MEMEQ(test, f->log->regs[TEST_PCR]->expected[0], expected, 32);
	KUNIT_EXPECT_MEMEQ(test, f->log->regs[TEST_PCR]->seen[0], f->fake.regs[TEST_PCR][0], 32);
	KUNIT_EXPECT_EQ(test, notified.health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 0);
	KUNIT_EXPECT_MEMEQ(test, v.live[0].value, f->fake.regs[TEST_PCR][0], 32);
	KUNIT_EXPECT_MEMEQ(test, v.replayed[0].value, expected, 32);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), 0);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->violations, 1);
}

static void time_outs_are_decidable_after_divergence(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_FOREIGN_TIMEOUT);
	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "applied"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "repaired"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 2, .health = AAEL_HEALTH_DIVERGED, .violations = 1, .repairs = 1,
		.extends = 5 });
}

static struct kunit_case doubt_cases[] = {
	KUNIT_CASE(reads_that_fail_and_recover_decide),
	KUNIT_CASE(one_good_read_at_the_end_is_not_enough),
	KUNIT_CASE(undecided_entry_that_was_applied_is_logged),
	KUNIT_CASE(undecided_entry_that_was_lost_is_not_logged),
	KUNIT_CASE(undecided_entry_beside_a_foreign_extend_diverges),
	KUNIT_CASE(undecided_entry_outlasts_a_failing_hash),
	KUNIT_CASE(first_read_may_be_another_commands_reply),
	KUNIT_CASE(last_entry_that_is_missing_is_extended_again),
	KUNIT_CASE(missing_entry_is_found_without_being_asked),
	KUNIT_CASE(missing_entry_is_repaired_before_the_next_is_decided),
	KUNIT_CASE(repair_that_fails_is_tried_again),
	KUNIT_CASE(foreign_extend_during_a_repair_diverges),
	KUNIT_CASE(missing_entry_in_front_of_others_is_named),
	KUNIT_CASE(one_of_several_identical_entries_is_made_up_for),
	KUNIT_CASE(first_of_several_missing_entries_is_named),
	KUNIT_CASE(entry_of_another_register_is_never_the_missing_one),
	KUNIT_CASE(missing_entry_behind_one_in_doubt_is_never_silent),
	KUNIT_CASE(missing_entry_is_named_however_many_others_have),
	KUNIT_CASE(foreign_extend_is_found_and_stays_on_record),
	KUNIT_CASE(time_outs_are_decidable_after_divergence),
	{}
};

static struct kunit_suite doubt_suite = {
	.name = "aael_doubt",
	.test_cases = doubt_cases,
};

kunit_test_suites(&doubt_suite);
