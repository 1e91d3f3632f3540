// SPDX-License-Identifier: GPL-2.0-only
/* A device that goes away, and comes back as it was or not. */
#include <linux/string.h>

#include "fixture.h"

static void nothing_is_lost_while_the_device_is_gone(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	KUNIT_EXPECT_EQ(test, fixture_append(f, "before"), 0);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "while"), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_GONE);
	KUNIT_EXPECT_EQ(test, notified.health, AAEL_HEALTH_GONE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "while"), -ENODEV);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), -ENODEV);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 2);
	fixture_expect_text(test, f, 1, "test op before");
	f->fake.may_reopen = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "after"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 3 });
	KUNIT_EXPECT_EQ(test, notified.health, AAEL_HEALTH_CONSISTENT);
}

static void device_that_comes_back_reset_diverges(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	KUNIT_EXPECT_EQ(test, fixture_append(f, "before"), 0);
	fixture_expect_sound(test, f);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "while"), -ENODEV);
	memset(f->fake.regs, 0, sizeof(f->fake.regs));
	f->fake.may_reopen = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "after"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 2, .health = AAEL_HEALTH_DIVERGED, .violations = 1, .extends = 3 });
}

static void device_that_comes_back_is_compared_before_it_is_used(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	KUNIT_EXPECT_EQ(test, fixture_append(f, "before"), 0);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "while"), -ENODEV);
	f->fake.may_reopen = true;
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "unreadable"), -EIO);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 2);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	f->fake.failing_reads = 0;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "readable"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 3 });
}

static void expect_fate(struct kunit *test, enum fake_act act, bool reset, struct expected *e)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, act);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "before"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "while"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, f->log->pending_sequence, 2);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_GONE);
	if (reset)
		memset(f->fake.regs, 0, sizeof(f->fake.regs));
	f->fake.may_reopen = true;
	fixture_expect_sound(test, f);
	fixture_expect(test, f, e);
}

static void undecided_entry_is_decided_by_the_device_that_comes_back(struct kunit *test)
{
	expect_fate(test, FAKE_GONE_APPLIED, false,
		    &(struct expected) { .count = 2, .extends = 2 });
}

static void first_entry_on_a_device_that_was_reset_is_extended_again(struct kunit *test)
{
	/* The reset register lacks the first entry and the pending one. */
	expect_fate(test, FAKE_GONE_APPLIED, true, &(struct expected) {
		.count = 1, .health = AAEL_HEALTH_CONSISTENT, .repairs = 1, .extends = 3 });
}

static void device_gone_between_extend_and_comparison(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	KUNIT_EXPECT_EQ(test, fixture_append(f, "before"), 0);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_GONE);
	f->fake.may_reopen = true;
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->snapshot.count, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void device_gone_during_a_repair(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_GONE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_GONE);
	f->fake.may_reopen = true;
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = 1, .repairs = 1, .extends = 3 });
}

static void device_without_reopen_stays_gone(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };
	static struct aael_provider provider;
	struct fixture *f = fixture_unbound(test, algs, 1);
	const char *why;

	provider = fake_provider;
	provider.reopen = NULL;
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &provider, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "while"), -ENODEV);
	f->fake.gone = false;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "after"), -ENODEV);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 1);
}

static void log_without_entries_does_not_pin_the_module(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_GONE);
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "gone"), -ENODEV);
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	f->fake.may_reopen = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "back"), 0);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
}

static void entry_that_may_turn_up_pins_the_module(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_REFUSE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "refused"), -EIO);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(nothing_is_lost_while_the_device_is_gone),
	KUNIT_CASE(device_that_comes_back_reset_diverges),
	KUNIT_CASE(device_that_comes_back_is_compared_before_it_is_used),
	KUNIT_CASE(undecided_entry_is_decided_by_the_device_that_comes_back),
	KUNIT_CASE(first_entry_on_a_device_that_was_reset_is_extended_again),
	KUNIT_CASE(device_gone_between_extend_and_comparison),
	KUNIT_CASE(device_gone_during_a_repair),
	KUNIT_CASE(device_without_reopen_stays_gone),
	KUNIT_CASE(log_without_entries_does_not_pin_the_module),
	KUNIT_CASE(entry_that_may_turn_up_pins_the_module),
	{}
};

static struct kunit_suite device_suite = {
	.name = "aael_device",
	.test_cases = device_cases,
};

kunit_test_suites(&device_suite);
