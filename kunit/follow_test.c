// SPDX-License-Identifier: GPL-2.0-only
/* A device that reports every extend: all of them are in the log, in its order. */
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "fault.h"
#include "fixture.h"

static struct fixture *followed(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA384 };
	struct fixture *f = fixture_unbound(test, algs, ARRAY_SIZE(algs));
	const char *why;

	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, AAEL_INDEX_DEFAULT, &why), 0);
	f->fake.reads = 0;
	return f;
}

static bool is_foreign(struct fixture *f, u64 sequence)
{
	static const char start[] = "aael foreign-extend {\"comm\":\"";
	struct aael_entry_view view;
	u64 pos = aael_query_offset(f->log, sequence);
	char text[sizeof(start) - 1];

	if (!aael_query_view(f->log, pos, &view) || view.text_len < sizeof(text))
		return false;
	aael_store_read(&f->log->stream, pos + view.text_offset, text, sizeof(text));
	return !memcmp(text, start, sizeof(text));
}

static void expect_order(struct kunit *test, enum fake_act act, u64 ours)
{
	struct fixture *f = followed(test);
	u64 sequence = 0;

	fake_script(&f->fake, act);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, AAEL_INDEX_DEFAULT, NULL, "test", "ours",
						&sequence), 0);
	KUNIT_EXPECT_EQ(test, sequence, ours);
	fixture_expect_text(test, f, ours, "test op ours");
	KUNIT_EXPECT_TRUE(test, is_foreign(f, 3 - ours));
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 2, .violations = 1, .extends = 1 });
}

static void foreign_extend_in_front_of_ours_comes_first(struct kunit *test)
{
	expect_order(test, FAKE_FOREIGN_BEFORE, 2);
}

static void foreign_extend_behind_ours_comes_after(struct kunit *test)
{
	expect_order(test, FAKE_FOREIGN_AFTER, 1);
}

static void foreign_extend_is_logged_without_being_asked(struct kunit *test)
{
	struct fixture *f = followed(test);

	fake_foreign_extend(&f->fake, TEST_PCR);
	fake_foreign_extend(&f->fake, 9);
	for (int i = 0; i < 200 && READ_ONCE(f->log->count) < 2; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, f->log->count, 2);
	KUNIT_EXPECT_TRUE(test, is_foreign(f, 1));
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, 9));
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .violations = 2 });
}

static void foreign_extend_before_enable_is_logged(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA384 };
	struct fixture *f = fixture_unbound(test, algs, ARRAY_SIZE(algs));
	const char *why;

	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, AAEL_INDEX_DEFAULT, &why), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_EXPECT_TRUE(test, is_foreign(f, 1));
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 2, .violations = 1, .extends = 1 });
}

static void beginning_is_a_value_that_nothing_overlaps(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA384 };
	struct fixture *f = fixture_unbound(test, algs, ARRAY_SIZE(algs));
	struct aael_register *r;

	/* Those of the survey, and two that disturb the beginning. */
	f->fake.foreign_reads = AAEL_REGISTERS_MAX + 2;
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		r = f->log->regs[nr];
		KUNIT_ASSERT_NOT_NULL(test, r);
		KUNIT_EXPECT_MEMEQ(test, r->running[0], f->fake.regs[nr][0], 48);
		KUNIT_EXPECT_TRUE(test, r->unexplained_base);
	}
}

static void device_that_is_never_quiet_cannot_be_bound(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA384 };
	struct fixture *f = fixture_unbound(test, algs, ARRAY_SIZE(algs));

	f->fake.foreign_reads = UINT_MAX;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_followed, true), -EBUSY);
	KUNIT_EXPECT_NULL(test, f->fake.follow);
	KUNIT_EXPECT_EQ(test, f->fake.bound, 0);
	KUNIT_EXPECT_NULL(test, f->log->regs[TEST_PCR]);
	f->fake.foreign_reads = 0;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
}

static void report_counts_and_not_the_answer(struct kunit *test)
{
	struct fixture *f = followed(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	fake_script(&f->fake, FAKE_REFUSE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "applied"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -EIO);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "refused"), -EIO);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 3 });
}

static void device_that_left_is_opened_again(struct kunit *test)
{
	struct fixture *f = followed(test);

	fake_script(&f->fake, FAKE_GONE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "lost"), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_GONE);
	f->fake.may_reopen = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "back"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 2 });
}

static void flood_that_loses_reports_diverges(struct kunit *test)
{
	struct fixture *f = followed(test);

	fake_script(&f->fake, FAKE_FOREIGN_FLOOD);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "ours"), 0);
	KUNIT_EXPECT_GE(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->count, AAEL_FOLLOW_MAX + 1);
}

/* Nothing is published meanwhile: this is a transaction itself. */
static int flood_of_another(struct aael_log *log, void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i <= AAEL_FOLLOW_MAX; i++)
		fake_foreign_extend(&f->fake, 9);
	return 0;
}

static void lost_report_of_another_register_diverges(struct kunit *test)
{
	struct fixture *f = followed(test);

	KUNIT_ASSERT_EQ(test, aael_txn_run(f->log, flood_of_another, f), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "ours"), 0);
	KUNIT_EXPECT_GE(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_TRUE(test, f->log->regs[9]->diverged);
	KUNIT_EXPECT_EQ(test, f->log->count, AAEL_FOLLOW_MAX + 1);
}

static void foreign_extend_without_room_diverges(struct kunit *test)
{
	struct fixture *f = followed(test);

	f->log->max_log_bytes = 100;
	fake_foreign_extend(&f->fake, TEST_PCR);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.health = AAEL_HEALTH_DIVERGED, .violations = 1 });
}

static void own_extend_that_cannot_be_logged_is_no_success(struct kunit *test)
{
	struct fixture *f = followed(test);

	f->fake.fail_hash = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "ours"), -EIO);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
}

static void name_of_a_process_is_escaped(struct kunit *test)
{
	static const char name[] = "a\"b\\c\n\x7f\xff";
	struct fixture *f = followed(test);
	char comm[TASK_COMM_LEN], text[160] = "";
	struct aael_entry_view view;

	memcpy(comm, current->comm, sizeof(comm));
	strscpy(current->comm, name, sizeof(current->comm));
	fake_foreign_extend(&f->fake, TEST_PCR);
	memcpy(current->comm, comm, sizeof(comm));
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_ASSERT_TRUE(test, aael_query_view(f->log, f->log->own_offset, &view));
	KUNIT_ASSERT_LT(test, view.text_len, sizeof(text));
	aael_store_read(&f->log->stream, f->log->own_offset + view.text_offset, text,
			view.text_len);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "\"a\\u0022b\\u005cc\\u000a\\u007f\\u00ff\""));
}

static struct kunit_case follow_cases[] = {
	KUNIT_CASE(foreign_extend_in_front_of_ours_comes_first),
	KUNIT_CASE(foreign_extend_behind_ours_comes_after),
	KUNIT_CASE(foreign_extend_is_logged_without_being_asked),
	KUNIT_CASE(foreign_extend_before_enable_is_logged),
	KUNIT_CASE(beginning_is_a_value_that_nothing_overlaps),
	KUNIT_CASE(device_that_is_never_quiet_cannot_be_bound),
	KUNIT_CASE(report_counts_and_not_the_answer),
	KUNIT_CASE(device_that_left_is_opened_again),
	KUNIT_CASE(flood_that_loses_reports_diverges),
	KUNIT_CASE(lost_report_of_another_register_diverges),
	KUNIT_CASE(foreign_extend_without_room_diverges),
	KUNIT_CASE(own_extend_that_cannot_be_logged_is_no_success),
	KUNIT_CASE(name_of_a_process_is_escaped),
	{}
};

static struct kunit_suite follow_suite = {
	.name = "aael_follow",
	.test_cases = follow_cases,
};

kunit_test_suites(&follow_suite);
