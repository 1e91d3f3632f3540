// SPDX-License-Identifier: GPL-2.0-only
/* Every way in which one extend can end, in one bank and in several. */
#include "fixture.h"

struct outcome_case {
	const char *name;
	enum fake_act act;
	int ret;
	/* After the append, a comparison, and another append that works. */
	struct expected e;
	int next;
	bool reads;		/* the answer cannot be had without a read */
};

static const struct outcome_case outcome_cases[] = {
	{ "applied", FAKE_APPLY, 0, { .count = 2, .extends = 2 } },
	{ "refused", FAKE_REFUSE, -EIO, { .count = 1, .extends = 2 }, .reads = true },
	{ "not sent", FAKE_NOT_SENT, -EIO, { .count = 1, .extends = 2 } },
	{ "time-out, applied", FAKE_TIMEOUT_APPLIED, 0, { .count = 2, .extends = 2 },
	  .reads = true },
	{ "time-out, not applied", FAKE_TIMEOUT_LOST, -EIO, { .count = 1, .extends = 2 },
	  .reads = true },
	{ "success, not applied", FAKE_LIE, 0, { .count = 2, .repairs = 1, .extends = 3 } },
	{ "slow success", FAKE_SLOW, 0, { .count = 2, .extends = 2 }, .reads = true },
	{ "slow success, not applied", FAKE_SLOW_LIE, 0, { .count = 2, .extends = 3 },
	  .reads = true },
	{ "error, applied in front of the next", FAKE_LATE, -EIO,
	  { .count = 1, .health = AAEL_HEALTH_DIVERGED, .violations = 1, .extends = 2 },
	  .reads = true },
	{ "foreign extend before ours", FAKE_FOREIGN_BEFORE, 0,
	  { .count = 2, .health = AAEL_HEALTH_DIVERGED, .violations = 1, .extends = 2 } },
	{ "foreign extend after ours", FAKE_FOREIGN_AFTER, 0,
	  { .count = 2, .health = AAEL_HEALTH_DIVERGED, .violations = 1, .extends = 2 } },
	{ "foreign extend instead of ours", FAKE_FOREIGN_TIMEOUT, -EIO,
	  { .count = 1, .health = AAEL_HEALTH_DIVERGED, .violations = 1, .extends = 2 },
	  .reads = true },
	{ "device gone", FAKE_GONE, -ENODEV,
	  { .count = 0, .health = AAEL_HEALTH_GONE, .extends = 1 }, .next = -ENODEV },
	{ "applied, device gone", FAKE_GONE_APPLIED, -ETIMEDOUT,
	  { .count = 0, .health = AAEL_HEALTH_GONE, .pending = 1, .extends = 1 },
	  .next = -ENODEV, .reads = true },
};

KUNIT_ARRAY_PARAM_DESC(outcome, outcome_cases, name);

static void expect_outcome(struct kunit *test, struct fixture *f, const struct outcome_case *c)
{
	struct aael_verify v;

	fake_script(&f->fake, c->act);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), c->ret);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 1 + (c->act == FAKE_SLOW_LIE));
	KUNIT_EXPECT_EQ(test, f->fake.reads > 0, c->reads);
	/* An event that was acknowledged can be read, another one never. */
	KUNIT_EXPECT_EQ(test, f->log->count, !c->ret);
	if (!c->ret)
		fixture_expect_text(test, f, 1, "test op first");
	fixture_verify(f, true, &v);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), c->next);
	if (!c->next)
		fixture_expect_text(test, f, f->log->count, "test op second");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &c->e);
}

static void one_bank(struct kunit *test)
{
	expect_outcome(test, fixture_sha256(test), test->param_value);
}

static void three_banks(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA384, ALG_SHA1, ALG_SHA256 };

	expect_outcome(test, fixture_enabled(test, algs, ARRAY_SIZE(algs)), test->param_value);
}

static void banks_that_went_different_ways_diverge(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256, ALG_SHA384 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));

	fake_script(&f->fake, FAKE_HALF);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "half"), -EIO);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.health = AAEL_HEALTH_DIVERGED, .violations = 1, .extends = 1 });
}

static void refusals_in_a_row_leave_no_trace(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	for (int i = 0; i < 10; i++)
		fake_script(&f->fake, i % 2 ? FAKE_REFUSE : FAKE_NOT_SENT);
	for (int i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, fixture_append(f, "refused"), -EIO);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .extends = 10 });
}

static void every_outcome_in_one_log(struct kunit *test)
{
	static const enum fake_act acts[] = {
		FAKE_APPLY, FAKE_REFUSE, FAKE_TIMEOUT_APPLIED, FAKE_NOT_SENT, FAKE_APPLY,
		FAKE_TIMEOUT_LOST, FAKE_TIMEOUT_APPLIED, FAKE_APPLY, FAKE_REFUSE, FAKE_APPLY,
	};
	struct fixture *f = fixture_sha256(test);
	u64 sequence, logged = 0;

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		fake_script(&f->fake, acts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		int ret = fixture_append_as(f, AAEL_INDEX_DEFAULT, NULL, "test", "x", &sequence);

		if (ret)
			KUNIT_EXPECT_EQ(test, ret, -EIO);
		else
			KUNIT_EXPECT_EQ(test, sequence, ++logged);
	}
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 6, .extends = ARRAY_SIZE(acts) });
}

static struct kunit_case outcome_test_cases[] = {
	KUNIT_CASE_PARAM(one_bank, outcome_gen_params),
	KUNIT_CASE_PARAM(three_banks, outcome_gen_params),
	KUNIT_CASE(banks_that_went_different_ways_diverge),
	KUNIT_CASE(refusals_in_a_row_leave_no_trace),
	KUNIT_CASE(every_outcome_in_one_log),
	{}
};

static struct kunit_suite outcome_suite = {
	.name = "aael_outcome",
	.test_cases = outcome_test_cases,
};

kunit_test_suites(&outcome_suite);
