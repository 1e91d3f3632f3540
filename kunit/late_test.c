// SPDX-License-Identifier: GPL-2.0-only
/* An entry that was refused when it was sent, and turns up in the register later. */
#include <linux/delay.h>
#include <linux/string.h>

#include "fault.h"
#include "fixture.h"

static void refused_entry_that_turns_up_is_logged(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	fake_apply_late(&f->fake);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 1);
	KUNIT_EXPECT_EQ(test, v.count, 1);
	fixture_expect_text(test, f, 1, "test op late");
	KUNIT_EXPECT_EQ(test, fixture_append(f, "next"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

static void late_entry_is_found_while_another_is_decided(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
	fixture_expect_text(test, f, 1, "test op late");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 2 });
}

static void late_entry_comes_before_the_next(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	fake_apply_late(&f->fake);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "next"), 0);
	fixture_expect_text(test, f, 1, "test op late");
	fixture_expect_text(test, f, 2, "test op next");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

static void each_of_two_late_entries_is_found(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), -EIO);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	fake_apply_late(&f->fake);
	fixture_expect_sound(test, f);
	fixture_expect_text(test, f, 2, "test op second");
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

/* Reading before every append ends when there is nothing left to wait for. */
static void refused_entry_is_forgotten_behind_a_confirmed_one(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	unsigned int reads;

	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "next"), 0);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_NULL(test, f->log->regs[TEST_PCR]->refused);
	reads = f->fake.reads;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "another"), 0);
	KUNIT_EXPECT_EQ(test, f->fake.reads, reads);
}

static void late_entry_waits_for_the_hash(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	fake_apply_late(&f->fake);
	fault_set_hash(1);
	KUNIT_EXPECT_NE(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void late_entry_is_found_without_being_asked(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	f->log->confirm_delay_ms = AAEL_CONFIRM_DELAY_MS;
	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	fake_apply_late(&f->fake);
	for (int i = 0; i < 200 && !READ_ONCE(f->log->count); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void snapshot_looks_for_a_late_entry(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	fake_apply_late(&f->fake);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->snapshot.count, 1);
	KUNIT_EXPECT_MEMEQ(test, f->regs[0].running[0].value, f->fake.regs[TEST_PCR][0], 32);
}

/* One read may be the reply to a command that was sent before the entry was applied. */
static void late_entry_is_found_behind_a_stale_read(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	memcpy(f->fake.stale, f->fake.regs[TEST_PCR], sizeof(f->fake.stale));
	f->fake.stale_reads = 1;
	fake_apply_late(&f->fake);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "next"), 0);
	fixture_expect_text(test, f, 1, "test op late");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

static void late_entry_behind_a_repair_is_found(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	fake_script(&f->fake, FAKE_REFUSE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), -EIO);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, f->log->repairs, 1);
	KUNIT_ASSERT_NOT_NULL(test, f->log->regs[TEST_PCR]->refused);
	fake_apply(&f->fake, TEST_PCR, f->log->regs[TEST_PCR]->refused->digests);
	fixture_expect_sound(test, f);
	fixture_expect_text(test, f, 2, "test op second");
	fixture_expect(test, f, &(struct expected) {
		.count = 2, .repairs = 1, .extends = 4 });
}

static struct kunit_case late_cases[] = {
	KUNIT_CASE(refused_entry_that_turns_up_is_logged),
	KUNIT_CASE(late_entry_is_found_while_another_is_decided),
	KUNIT_CASE(late_entry_comes_before_the_next),
	KUNIT_CASE(each_of_two_late_entries_is_found),
	KUNIT_CASE(refused_entry_is_forgotten_behind_a_confirmed_one),
	KUNIT_CASE(late_entry_waits_for_the_hash),
	KUNIT_CASE(late_entry_is_found_without_being_asked),
	KUNIT_CASE(snapshot_looks_for_a_late_entry),
	KUNIT_CASE(late_entry_is_found_behind_a_stale_read),
	KUNIT_CASE(late_entry_behind_a_repair_is_found),
	{}
};

static struct kunit_suite late_suite = {
	.name = "aael_late",
	.test_cases = late_cases,
};

kunit_test_suites(&late_suite);
