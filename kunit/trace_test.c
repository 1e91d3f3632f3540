// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoint: one event for every outcome of an append, with number and errno. */
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "fault.h"
#include "fixture.h"
#include "trace.h"

#define TRACED_MAX	8

static struct {
	u64 sequence;
	u32 reg;
	int outcome;
	int err;
} traced[TRACED_MAX];

static unsigned int traced_count;

static void probe(void *data, u64 sequence, u32 reg, int outcome, int err)
{
	if (traced_count < TRACED_MAX) {
		traced[traced_count].sequence = sequence;
		traced[traced_count].reg = reg;
		traced[traced_count].outcome = outcome;
		traced[traced_count].err = err;
	}
	traced_count++;
}

static int trace_init(struct kunit *test)
{
	traced_count = 0;
	return register_trace_aael_append(probe, NULL);
}

static void trace_exit(struct kunit *test)
{
	unregister_trace_aael_append(probe, NULL);
	tracepoint_synchronize_unregister();
}

static void expect_traced(struct kunit *test, unsigned int i, u64 sequence, int outcome, int err)
{
	KUNIT_ASSERT_LT(test, i, traced_count);
	KUNIT_EXPECT_EQ_MSG(test, traced[i].sequence, sequence, "event %u", i);
	KUNIT_EXPECT_EQ_MSG(test, traced[i].outcome, outcome, "event %u", i);
	KUNIT_EXPECT_EQ_MSG(test, traced[i].err, err, "event %u", i);
}

static void success_refusal_and_rejection_are_told_apart(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_APPLY);
	fake_script(&f->fake, FAKE_REFUSE);
	fixture_append(f, "logged");
	fixture_append(f, "refused");
	fixture_append(f, "");
	fault_set_memory(1);
	fixture_append(f, "no memory");
	KUNIT_EXPECT_EQ(test, traced_count, 4);
	expect_traced(test, 0, 1, AAEL_TRACE_LOGGED, 0);
	KUNIT_EXPECT_EQ(test, traced[0].reg, TEST_PCR);
	expect_traced(test, 1, 0, AAEL_TRACE_NOT_APPLIED, -EIO);
	expect_traced(test, 2, 0, AAEL_TRACE_REJECTED, -EINVAL);
	expect_traced(test, 3, 0, AAEL_TRACE_REJECTED, -ENOMEM);
}

static void undecided_entry_is_traced_twice(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	f->fake.failing_reads = -1;
	fixture_append(f, "first");
	fixture_append(f, "meanwhile");
	f->fake.failing_reads = 0;
	fixture_append(f, "second");
	KUNIT_EXPECT_EQ(test, traced_count, 4);
	expect_traced(test, 0, 1, AAEL_TRACE_UNDECIDED, -ETIMEDOUT);
	expect_traced(test, 1, 0, AAEL_TRACE_REJECTED, -EIO);
	expect_traced(test, 2, 1, AAEL_TRACE_SETTLED, 0);
	expect_traced(test, 3, 2, AAEL_TRACE_LOGGED, 0);
}

static void late_and_repaired_entries_are_traced(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	fixture_append(f, "late");
	fake_apply_late(&f->fake);
	fixture_expect_sound(test, f);
	fake_script(&f->fake, FAKE_LIE);
	fixture_append(f, "missing");
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, traced_count, 4);
	expect_traced(test, 0, 0, AAEL_TRACE_NOT_APPLIED, -EIO);
	expect_traced(test, 1, 1, AAEL_TRACE_LATE, 0);
	expect_traced(test, 2, 2, AAEL_TRACE_LOGGED, 0);
	expect_traced(test, 3, 2, AAEL_TRACE_REPAIRED, 0);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(success_refusal_and_rejection_are_told_apart),
	KUNIT_CASE(undecided_entry_is_traced_twice),
	KUNIT_CASE(late_and_repaired_entries_are_traced),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "aael_trace",
	.init = trace_init,
	.exit = trace_exit,
	.test_cases = trace_cases,
};

kunit_test_suites(&trace_suite);
