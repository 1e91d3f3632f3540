// SPDX-License-Identifier: GPL-2.0-only
/* SNAPSHOT, VERIFY and INFO: what is answered, from where, and to whom. */
#include <linux/string.h>

#include "fixture.h"

static void snapshot_confirms_what_it_says(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA384, ALG_SHA256 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));

	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 0);
	KUNIT_ASSERT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 1);
	KUNIT_EXPECT_EQ(test, f->snapshot.health, AAEL_HEALTH_CONSISTENT);
	KUNIT_EXPECT_EQ(test, f->snapshot.count, 1);
	KUNIT_EXPECT_EQ(test, f->snapshot.bytes, aael_store_len(&f->log->stream));
	KUNIT_ASSERT_EQ(test, f->snapshot.reg_count, 1);
	KUNIT_EXPECT_EQ(test, f->regs[0].reg, TEST_PCR);
	KUNIT_EXPECT_EQ(test, f->regs[0].health, AAEL_HEALTH_CONSISTENT);
	KUNIT_ASSERT_EQ(test, f->regs[0].bank_count, 2);
	KUNIT_EXPECT_EQ(test, f->regs[0].running[0].alg, ALG_SHA384);
	KUNIT_EXPECT_EQ(test, f->regs[0].running[0].size, 48);
	KUNIT_EXPECT_MEMEQ(test, f->regs[0].running[0].value, f->fake.regs[TEST_PCR][0], 48);
	KUNIT_EXPECT_EQ(test, f->regs[0].running[1].alg, ALG_SHA256);
	KUNIT_EXPECT_MEMEQ(test, f->regs[0].running[1].value, f->fake.regs[TEST_PCR][1], 32);
	/* Nothing new: no read. */
	KUNIT_ASSERT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 1);
}

static void snapshot_of_a_diverged_log_is_what_the_log_replays_to(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	u8 replayed[32];

	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	memcpy(replayed, f->fake.regs[TEST_PCR][0], sizeof(replayed));
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_ASSERT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->regs[0].health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_MEMEQ(test, f->regs[0].running[0].value, replayed, sizeof(replayed));
}

static void snapshot_has_every_register_in_use(struct kunit *test)
{
	static const u32 used[] = { 9, 11, TEST_PCR };
	struct fixture *f = fixture_sha256(test);

	KUNIT_ASSERT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_EQ(test, f->snapshot.reg_count, 1);
	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		KUNIT_EXPECT_EQ(test, fixture_append_as(f, used[i], f->admin, "test", "x", NULL),
				0);
	/* One of them was acknowledged without being extended: it is put right first. */
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 11, f->admin, "test", "lost", NULL), 0);
	fake_foreign_extend(&f->fake, 9);
	KUNIT_ASSERT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_ASSERT_EQ(test, f->snapshot.reg_count, ARRAY_SIZE(used));
	KUNIT_EXPECT_EQ(test, f->snapshot.count, 4);
	KUNIT_EXPECT_EQ(test, f->snapshot.health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->repairs, 1);
	for (size_t i = 0; i < ARRAY_SIZE(used); i++) {
		KUNIT_EXPECT_EQ(test, f->regs[i].reg, used[i]);
		KUNIT_EXPECT_EQ(test, f->regs[i].bank_count, 1);
		KUNIT_EXPECT_EQ(test, f->log->regs[used[i]]->unconfirmed, 0);
	}
	KUNIT_EXPECT_EQ(test, f->regs[0].health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->regs[1].health, AAEL_HEALTH_CONSISTENT);
	KUNIT_EXPECT_EQ(test, f->regs[2].health, AAEL_HEALTH_CONSISTENT);
	KUNIT_EXPECT_MEMEQ(test, f->regs[1].running[0].value, f->fake.regs[11][0], 32);
	KUNIT_EXPECT_MEMEQ(test, f->regs[2].running[0].value, f->fake.regs[TEST_PCR][0], 32);
}

static void verify_compares_live_and_replayed(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	static struct aael_verify v;

	KUNIT_ASSERT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 1);
	KUNIT_EXPECT_EQ(test, v.count, 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_ASSERT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 1);
	KUNIT_EXPECT_EQ(test, v.count, 1);
	KUNIT_EXPECT_EQ(test, v.reg, TEST_PCR);
	KUNIT_EXPECT_EQ(test, v.bank_count, 1);
	KUNIT_EXPECT_MEMEQ(test, v.live[0].value, f->fake.regs[TEST_PCR][0], 32);
	KUNIT_EXPECT_MEMEQ(test, v.replayed[0].value, f->fake.regs[TEST_PCR][0], 32);
}

static void unprivileged_verify_may_be_a_second_old(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	static struct aael_verify v;

	KUNIT_ASSERT_EQ(test, fixture_verify(f, true, &v), 0);
	f->fake.reads = 0;
	fake_foreign_extend(&f->fake, TEST_PCR);
	for (int i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, fixture_verify(f, false, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 1);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 0);
	/* As if that second had passed. */
	f->log->regs[TEST_PCR]->verified_at -= msecs_to_jiffies(AAEL_VERIFY_CACHE_MS) + 1;
	KUNIT_ASSERT_EQ(test, fixture_verify(f, false, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 0);
	KUNIT_EXPECT_EQ(test, v.health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_GT(test, f->fake.reads, 0);
}

static void privileged_verify_always_reads(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	static struct aael_verify v;

	KUNIT_ASSERT_EQ(test, fixture_verify(f, true, &v), 0);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_ASSERT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 0);
}

static void unprivileged_verify_sees_a_new_entry_at_once(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	static struct aael_verify v;

	KUNIT_ASSERT_EQ(test, fixture_verify(f, false, &v), 0);
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_ASSERT_EQ(test, fixture_verify(f, false, &v), 0);
	KUNIT_EXPECT_EQ(test, v.count, 1);
	KUNIT_EXPECT_EQ(test, v.match, 1);
	KUNIT_EXPECT_EQ(test, f->log->repairs, 1);
}

/* The register, or the errno. */
static int verify(struct fixture *f, u32 index, bool privileged)
{
	static struct aael_verify v;
	int ret;

	memset(&v, 0, sizeof(v));
	v.index = index;
	ret = aael_query_verify(f->log, &v, privileged);
	return ret ?: v.match ? v.reg : -ERANGE;
}

static void other_registers_are_for_the_privileged(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	KUNIT_EXPECT_EQ(test, verify(f, 11, false), -EPERM);
	KUNIT_EXPECT_EQ(test, verify(f, 0, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, verify(f, 24, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, verify(f, 20, false), TEST_PCR);
	KUNIT_EXPECT_EQ(test, verify(f, 11, true), 11);
}

static void question_to_a_log_that_is_not_enabled_is_refused(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };
	struct fixture *f = fixture_unbound(test, algs, 1);
	static struct aael_verify v;

	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), -ENOTCONN);
}

static void register_that_cannot_be_read_is_a_time_out(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	static struct aael_verify v;

	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, verify(f, 11, true), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNKNOWN);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), -ETIMEDOUT);
	f->fake.failing_reads = 0;
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {});
}

static void info_never_asks_the_device(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256, ALG_SM3 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));
	struct aael_info info = {};

	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	f->fake.gone = true;
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 0);
	KUNIT_EXPECT_EQ(test, info.health, AAEL_HEALTH_CONSISTENT);
	KUNIT_EXPECT_EQ(test, info.count, 1);
	KUNIT_EXPECT_EQ(test, info.alg_count, 3);
	KUNIT_EXPECT_MEMEQ(test, info.algs, algs, sizeof(algs));
	KUNIT_EXPECT_EQ(test, info.bytes, aael_store_len(&f->log->stream));
	KUNIT_EXPECT_EQ(test, info.max_log_bytes, AAEL_LOG_DEFAULT_BYTES);
	KUNIT_EXPECT_EQ(test, info.headroom_bytes, AAEL_HEADROOM_BYTES);
	KUNIT_EXPECT_STREQ(test, info.provider, "fake");
}

static void view_ends_behind_the_last_entry(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_entry_view view;
	u64 pos = f->log->own_offset;

	KUNIT_EXPECT_FALSE(test, aael_query_view(f->log, pos, &view));
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_ASSERT_TRUE(test, aael_query_view(f->log, pos, &view));
	KUNIT_EXPECT_EQ(test, view.reg, TEST_PCR);
	KUNIT_EXPECT_EQ(test, view.text_len, sizeof("test op x") - 1);
	KUNIT_EXPECT_EQ(test, pos + view.len, aael_store_len(&f->log->stream));
	KUNIT_EXPECT_FALSE(test, aael_query_view(f->log, pos + view.len, &view));
}

static struct kunit_case question_cases[] = {
	KUNIT_CASE(snapshot_confirms_what_it_says),
	KUNIT_CASE(snapshot_of_a_diverged_log_is_what_the_log_replays_to),
	KUNIT_CASE(snapshot_has_every_register_in_use),
	KUNIT_CASE(verify_compares_live_and_replayed),
	KUNIT_CASE(unprivileged_verify_may_be_a_second_old),
	KUNIT_CASE(privileged_verify_always_reads),
	KUNIT_CASE(unprivileged_verify_sees_a_new_entry_at_once),
	KUNIT_CASE(other_registers_are_for_the_privileged),
	KUNIT_CASE(question_to_a_log_that_is_not_enabled_is_refused),
	KUNIT_CASE(register_that_cannot_be_read_is_a_time_out),
	KUNIT_CASE(info_never_asks_the_device),
	KUNIT_CASE(view_ends_behind_the_last_entry),
	{}
};

static struct kunit_suite question_suite = {
	.name = "aael_question",
	.test_cases = question_cases,
};

kunit_test_suites(&question_suite);
