// SPDX-License-Identifier: GPL-2.0-only
/* Which PCR an index stands for, who may use it, and what a refusal says. */
#include <linux/string.h>

#include "fixture.h"

struct mapping_case {
	const char *name;
	u32 tpm_pcr;
	bool allow_resettable;
	u32 first;
	u32 last;
	int ret;
	u32 reg;		/* 0: the index itself */
	bool privileged;
	bool resettable;
	const char *why;	/* part of the message */
};

static const struct mapping_case mapping_cases[] = {
	{ "firmware", 14, false, 0, 7, -EINVAL, .why = "firmware" },
	{ "firmware, all allowed", 14, true, 0, 7, -EINVAL, .why = "firmware" },
	{ "Init-Data", 14, false, 8, 8, -EINVAL, .why = "Init-Data" },
	{ "Init-Data, all allowed", 8, true, 8, 8, -EINVAL, .why = "Init-Data" },
	{ "9 to 15", 14, false, 9, 15, 0, .privileged = true, .why = "that number" },
	{ "16", 14, false, 16, 16, -EINVAL, .why = "PCR 16 is for debugging" },
	{ "23", 14, false, 23, 23, -EINVAL, .why = "PCR 23 is for applications" },
	{ "16 allowed", 14, true, 16, 16, 0, .resettable = true, .why = "allow_resettable=1" },
	{ "23 allowed", 14, true, 23, 23, 0, .resettable = true, .why = "allow_resettable=1" },
	{ "17 to 22", 14, false, 17, 22, 0, 14, .why = "tpm_pcr stands for" },
	{ "17 to 22 on 9", 9, false, 17, 22, 0, 9, .why = "tpm_pcr stands for" },
	{ "17 to 22 on 15", 15, true, 17, 22, 0, 15, .why = "tpm_pcr stands for" },
	{ "17 to 22 on 8", 8, false, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on 0", 0, false, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on 7", 7, true, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on 17", 17, true, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on 22", 22, false, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on 24", 24, true, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on the largest", U32_MAX, true, 17, 22, -EINVAL, .why = "tpm_pcr must be" },
	{ "17 to 22 on 16", 16, false, 17, 22, -EINVAL, .why = "PCR 16 is for debugging" },
	{ "17 to 22 on 23", 23, false, 17, 22, -EINVAL, .why = "PCR 23 is for applications" },
	{ "17 to 22 on 16 allowed", 16, true, 17, 22, 0, 16, .resettable = true,
	  .why = "allow_resettable=1" },
	{ "17 to 22 on 23 allowed", 23, true, 17, 22, 0, 23, .resettable = true,
	  .why = "allow_resettable=1" },
	{ "beyond", 14, true, 24, 64, -EINVAL, .why = "PCRs 0 to 23" },
	{ "the largest", 14, true, U32_MAX, U32_MAX, -EINVAL, .why = "PCRs 0 to 23" },
};

KUNIT_ARRAY_PARAM_DESC(mapping, mapping_cases, name);

static void index_maps_as_the_table_says(struct kunit *test)
{
	const struct mapping_case *c = test->param_value;
	struct aael_map_config cfg = {
		.tpm_pcr = c->tpm_pcr,
		.allow_resettable = c->allow_resettable,
	};

	for (u64 index = c->first; index <= c->last; index++) {
		struct aael_mapping map = {};

		KUNIT_EXPECT_EQ_MSG(test, aael_register_map_pcr(&cfg, index, &map), c->ret,
				    "index %llu", index);
		KUNIT_ASSERT_NOT_NULL(test, map.why);
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(map.why, c->why), "index %llu: %s",
					  index, map.why);
		if (c->ret)
			continue;
		KUNIT_EXPECT_EQ(test, map.reg, c->reg ?: index);
		KUNIT_EXPECT_EQ(test, map.privileged, c->privileged);
		KUNIT_EXPECT_EQ(test, map.resettable, c->resettable);
	}
}

static void every_refusal_has_its_own_message(struct kunit *test)
{
	static const u32 refused[] = { 0, 8, 16, 17, 23, 24 };
	struct aael_map_config cfg = { .tpm_pcr = 8 };
	const char *whys[ARRAY_SIZE(refused)];

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct aael_mapping map = {};

		KUNIT_ASSERT_EQ(test, aael_register_map_pcr(&cfg, refused[i], &map), -EINVAL);
		whys[i] = map.why;
		for (size_t j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, whys[j], whys[i]);
	}
}

static void configured_register_needs_no_privilege(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_mapping map = {};

	for (u32 index = 17; index <= 22; index++) {
		KUNIT_EXPECT_EQ(test, aael_log_map(f->log, index, &map), 0);
		KUNIT_EXPECT_EQ(test, map.reg, TEST_PCR);
		KUNIT_EXPECT_FALSE(test, map.privileged);
	}
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, AAEL_INDEX_DEFAULT, &map), 0);
	KUNIT_EXPECT_FALSE(test, map.privileged);
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, TEST_PCR, &map), 0);
	KUNIT_EXPECT_FALSE(test, map.privileged);
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, 15, &map), 0);
	KUNIT_EXPECT_TRUE(test, map.privileged);
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, 16, &map), -EINVAL);
}

static void configured_index_of_9_to_15_needs_no_privilege(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };
	struct fixture *f = fixture_unbound(test, algs, 1);
	struct aael_mapping map = {};
	const char *why;

	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, 11, &why), 0);
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, AAEL_INDEX_DEFAULT, &map), 0);
	KUNIT_EXPECT_EQ(test, map.reg, 11);
	KUNIT_EXPECT_FALSE(test, map.privileged);
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, 11, &map), 0);
	KUNIT_EXPECT_FALSE(test, map.privileged);
	KUNIT_EXPECT_EQ(test, aael_log_map(f->log, 12, &map), 0);
	KUNIT_EXPECT_TRUE(test, map.privileged);
}

static void provider_is_found_by_name(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };
	struct fixture *f = fixture_unbound(test, algs, 1);
	struct aael_info info = {};

	KUNIT_EXPECT_EQ(test, aael_register_find(f->log, "sgx"), -EINVAL);
	KUNIT_EXPECT_EQ(test, aael_register_find(f->log, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, aael_register_find(f->log, "soft"), 0);
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_STREQ(test, info.provider, "soft");
	KUNIT_EXPECT_EQ(test, info.flags & AAEL_INFO_F_SOFT, AAEL_INFO_F_SOFT);
	KUNIT_EXPECT_EQ(test, info.alg_count, 2);
}

static struct kunit_case mapping_test_cases[] = {
	KUNIT_CASE_PARAM(index_maps_as_the_table_says, mapping_gen_params),
	KUNIT_CASE(every_refusal_has_its_own_message),
	KUNIT_CASE(configured_register_needs_no_privilege),
	KUNIT_CASE(configured_index_of_9_to_15_needs_no_privilege),
	KUNIT_CASE(provider_is_found_by_name),
	{}
};

static struct kunit_suite mapping_suite = {
	.name = "aael_mapping",
	.test_cases = mapping_test_cases,
};

kunit_test_suites(&mapping_suite);
