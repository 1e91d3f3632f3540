// SPDX-License-Identifier: GPL-2.0-only
/* The life of a log: bound, enabled, sealed; and what stands in front of its entries. */
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fault.h"
#include "fixture.h"

static const u16 sha256[] = { ALG_SHA256 };

static struct fixture *bound(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);

	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	return f;
}

static void log_without_provider_is_unsupported(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);
	struct aael_info info = {};
	const char *why = NULL;

	KUNIT_EXPECT_EQ(test, aael_log_gate(f->log), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -EOPNOTSUPP);
	KUNIT_EXPECT_NOT_NULL(test, why);
	KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream), 0);
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.abi_version, AAEL_ABI_VERSION);
	KUNIT_EXPECT_EQ(test, info.state, AAEL_STATE_UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, info.index, TEST_INDEX);
	KUNIT_EXPECT_EQ(test, info.alg_count, 0);
	KUNIT_EXPECT_STREQ(test, info.provider, "");
}

static void bound_log_has_a_header_and_waits(struct kunit *test)
{
	struct fixture *f = bound(test);
	struct aael_info info = {};

	KUNIT_EXPECT_EQ(test, aael_log_gate(f->log), -ENOTCONN);
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.state, AAEL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, info.flags, 0);
	KUNIT_EXPECT_EQ(test, info.alg_count, 1);
	KUNIT_EXPECT_EQ(test, info.algs[0], ALG_SHA256);
	KUNIT_EXPECT_EQ(test, info.bytes, 65);
	KUNIT_EXPECT_EQ(test, info.own_offset, 65);
	KUNIT_EXPECT_STREQ(test, info.provider, "fake");
	KUNIT_EXPECT_EQ(test, f->fake.bound, 1);
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, f->fake.bound, 1);
}

static void bind_without_device_can_be_repeated(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);

	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_provider, true), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_UNSUPPORTED);
	f->fake.gone = false;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_DISABLED);
}

static void bank_without_hash_refuses_the_provider(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256, ALG_SHA384 };
	struct fixture *f = fixture_unbound(test, algs, 2);

	f->fake.algs[1] = 0x0027;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_provider, true), -ENOPKG);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->log->refusal, "0x0027"));
	KUNIT_EXPECT_EQ(test, f->fake.bound, 0);
	KUNIT_EXPECT_EQ(test, f->log->bank_count, 0);
	KUNIT_EXPECT_EQ(test, aael_log_gate(f->log), -EOPNOTSUPP);
}

static void nothing_is_readable_before_bind_is_over(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);

	f->fake.watch = &f->log->stream.len;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, f->fake.reads, AAEL_REGISTERS_MAX);
	KUNIT_EXPECT_EQ(test, f->fake.watched, 0);
	KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream), 65);
}

static void survey_ends_at_a_register_that_cannot_be_read(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);

	f->fake.skip_reads = 3;
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, f->fake.reads, 4);
	KUNIT_EXPECT_EQ(test, f->log->surveyed, 3);
}

static void enable_takes_the_device_that_came_back(struct kunit *test)
{
	struct fixture *f = bound(test);
	const char *why;

	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -ENODEV);
	f->fake.may_reopen = true;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void bind_without_memory_leaves_nothing_behind(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);
	int ret = -ENOMEM;

	for (int nth = 1; ret; nth++) {
		KUNIT_ASSERT_LT(test, nth, 10);
		fault_set_memory(nth);
		ret = aael_log_bind(f->log, &fake_provider, true);
		if (!ret)
			break;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		KUNIT_EXPECT_EQ(test, f->fake.bound, 0);
		KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream), 0);
	}
	fault_set_memory(0);
	KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream), 65);
}

static void refused_index_leaves_the_log_disabled(struct kunit *test)
{
	static const u32 refused[] = { 0, 7, 8, 16, 23, 24, 0xfffffffe };
	struct fixture *f = bound(test);
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, refused[i], &why), -EINVAL);
		KUNIT_ASSERT_NOT_NULL(test, why);
		KUNIT_EXPECT_NOT_NULL(test, strstr(f->log->refusal, why));
		KUNIT_EXPECT_EQ(test, aael_log_gate(f->log), -ENOTCONN);
	}
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, 22, &why), 0);
	KUNIT_EXPECT_STREQ(test, f->log->refusal, "");
	KUNIT_EXPECT_EQ(test, aael_log_gate(f->log), 0);
}

static void enable_is_idempotent_and_one_way(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_info info = {};
	const char *why;

	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, AAEL_INDEX_DEFAULT, &why), 0);
	/* Even an index of the same register, or one that is refused anyway. */
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX + 1, &why), -EBUSY);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, 0, &why), -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, strstr(why, "another index"));
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.state, AAEL_STATE_ENABLED);
	KUNIT_EXPECT_EQ(test, info.index, TEST_INDEX);
	KUNIT_EXPECT_EQ(test, info.reg, TEST_PCR);
}

static void enable_needs_a_register_that_can_be_read(struct kunit *test)
{
	struct fixture *f = bound(test);
	const char *why;

	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -EIO);
	f->fake.failing_reads = 0;
	fault_set_memory(1);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -ENOMEM);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_log_gate(f->log), -ENOTCONN);
	f->fake.gone = false;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
}

static void enable_finds_the_provider_that_was_not_there(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);
	const char *why;

	f->log->provider_name = "soft";
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
}

static void unexplained_base_is_said_and_recorded_upon(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);
	struct aael_info info = {};
	const char *why;

	fake_foreign_extend(&f->fake, TEST_PCR);
	memcpy(f->start, f->fake.regs, sizeof(f->start));
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_ASSERT_EQ(test, f->log->unexplained_count, 1);
	KUNIT_EXPECT_EQ(test, f->log->unexplained[0].reg, TEST_PCR);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.flags, AAEL_INFO_F_UNEXPLAINED_BASE);
	KUNIT_EXPECT_EQ(test, info.health, AAEL_HEALTH_UNEXPLAINED_BASE);
	KUNIT_EXPECT_EQ(test, info.violations, 0);
	/* Entries replay from what the register held. */
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void foreign_extend_before_enable_is_an_unexplained_base(struct kunit *test)
{
	struct fixture *f = bound(test);
	const char *why;

	fake_foreign_extend(&f->fake, TEST_PCR);
	memcpy(f->start, f->fake.regs, sizeof(f->start));
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNEXPLAINED_BASE);
}

/* A boot log of a header alone. */
static void give_boot_log(struct kunit *test, struct fixture *f, const u16 *algs,
			  const u16 *sizes, unsigned int count)
{
	u8 *header = kunit_kzalloc(test, AAEL_BOOTLOG_HEADER_MAX_BYTES + 8, GFP_KERNEL);
	struct aael_bank banks[AAEL_BANKS_MAX] = {};

	KUNIT_ASSERT_NOT_NULL(test, header);
	for (unsigned int i = 0; i < count; i++) {
		banks[i].alg = algs[i];
		banks[i].size = sizes[i];
	}
	f->fake.log_len = aael_bootlog_header(banks, count, header) + 8;
	/* So that it cannot be taken for one of ours. */
	header[50] = 1;
	f->fake.log = header;
}

static void bank_that_the_boot_log_lacks_is_extended_unlogged(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256, ALG_SHA384 };
	static const u16 header_algs[] = { ALG_SHA256 }, sizes[] = { 32 };
	struct fixture *f = fixture_unbound(test, algs, 3);
	struct aael_verify v = {};
	struct aael_info info = {};
	const char *why;
	u8 word[4];

	give_boot_log(test, f, header_algs, sizes, 1);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.flags, AAEL_INFO_F_BOOT_LOG);
	KUNIT_EXPECT_EQ(test, info.alg_count, 1);
	KUNIT_EXPECT_EQ(test, info.algs[0], ALG_SHA256);
	KUNIT_EXPECT_EQ(test, info.own_offset, 65);
	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	fake_script(&f->fake, FAKE_LIE);
	fake_script(&f->fake, FAKE_LIE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "first"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "second"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "third"), 0);
	aael_store_read(&f->log->stream, info.own_offset + 8, word, 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(word), 1);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.bank_count, 1);
	KUNIT_EXPECT_EQ(test, v.health, AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->regs[TEST_PCR]->missing, 2);
	fixture_expect_sound(test, f);
}

static void unlogged_bank_counts_when_a_time_out_is_decided(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256, ALG_SHA384 };
	static const u16 header_algs[] = { ALG_SHA384 }, sizes[] = { 48 };
	struct fixture *f = fixture_unbound(test, algs, 2);
	const char *why;

	give_boot_log(test, f, header_algs, sizes, 1);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	fake_script(&f->fake, FAKE_HALF);	/* the unlogged one alone */
	KUNIT_EXPECT_EQ(test, fixture_append(f, "half"), -EIO);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
}

static void boot_log_that_does_not_fit_is_left_out(struct kunit *test)
{
	static const u16 header_algs[] = { ALG_SHA1, ALG_SHA256 }, sizes[] = { 20, 32 };
	static const u16 wrong_sizes[] = { 31 };
	struct fixture *f = fixture_unbound(test, sha256, 1);
	struct aael_info info = {};

	give_boot_log(test, f, header_algs, sizes, 2);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.flags, 0);
	KUNIT_EXPECT_EQ(test, info.own_offset, 65);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->log->boot_log_why, "no active bank"));
	kunit_release_action(test, fixture_destroy, f);

	f = fixture_unbound(test, sha256, 1);
	give_boot_log(test, f, sha256, wrong_sizes, 1);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->log->boot_log_why, "wrong digest size"));
	KUNIT_EXPECT_TRUE(test, f->log->banks[0].logged);
}

static void limit_only_grows(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, AAEL_LOG_DEFAULT_BYTES), 0);
	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, AAEL_LOG_DEFAULT_BYTES - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, (u64)AAEL_LOG_MAX_BYTES + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, U64_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, AAEL_LOG_MAX_BYTES), 0);
	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, AAEL_LOG_DEFAULT_BYTES), -EINVAL);
}

static struct kunit_case log_cases[] = {
	KUNIT_CASE(log_without_provider_is_unsupported),
	KUNIT_CASE(bound_log_has_a_header_and_waits),
	KUNIT_CASE(bind_without_device_can_be_repeated),
	KUNIT_CASE(bank_without_hash_refuses_the_provider),
	KUNIT_CASE(nothing_is_readable_before_bind_is_over),
	KUNIT_CASE(survey_ends_at_a_register_that_cannot_be_read),
	KUNIT_CASE(bind_without_memory_leaves_nothing_behind),
	KUNIT_CASE(enable_takes_the_device_that_came_back),
	KUNIT_CASE(refused_index_leaves_the_log_disabled),
	KUNIT_CASE(enable_is_idempotent_and_one_way),
	KUNIT_CASE(enable_needs_a_register_that_can_be_read),
	KUNIT_CASE(enable_finds_the_provider_that_was_not_there),
	KUNIT_CASE(unexplained_base_is_said_and_recorded_upon),
	KUNIT_CASE(foreign_extend_before_enable_is_an_unexplained_base),
	KUNIT_CASE(bank_that_the_boot_log_lacks_is_extended_unlogged),
	KUNIT_CASE(unlogged_bank_counts_when_a_time_out_is_decided),
	KUNIT_CASE(boot_log_that_does_not_fit_is_left_out),
	KUNIT_CASE(limit_only_grows),
	{}
};

static struct kunit_suite log_suite = {
	.name = "aael_log",
	.test_cases = log_cases,
};

kunit_test_suites(&log_suite);
