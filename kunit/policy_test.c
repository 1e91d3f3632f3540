// SPDX-License-Identifier: GPL-2.0-only
/* Which domains are reserved, and how much room is left for whom. */
#include <linux/string.h>

#include "fixture.h"

static struct aael_policy *new_policy(struct kunit *test)
{
	struct aael_policy *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	aael_policy_init(p);
	return p;
}

static bool reserved(struct aael_policy *p, const char *domain)
{
	return aael_policy_is_reserved(p, (const u8 *)domain, strlen(domain));
}

static int reserve(struct aael_policy *p, const char *domain)
{
	return aael_policy_reserve(p, domain, strlen(domain));
}

static void nothing_is_reserved_at_first(struct kunit *test)
{
	struct aael_policy *p = new_policy(test);

	KUNIT_EXPECT_FALSE(test, reserved(p, "aael"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "github.com/confidential-containers"));
}

static void reservation_covers_the_domain_and_what_is_below(struct kunit *test)
{
	struct aael_policy *p = new_policy(test);

	KUNIT_EXPECT_EQ(test, reserve(p, "example.com/"), -EINVAL);
	KUNIT_ASSERT_EQ(test, reserve(p, "example.com/team"), 0);
	KUNIT_EXPECT_TRUE(test, reserved(p, "example.com/team"));
	KUNIT_EXPECT_TRUE(test, reserved(p, "example.com/team/"));
	KUNIT_EXPECT_TRUE(test, reserved(p, "example.com/team/x/y"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "example.com/teams"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "example.com/team.x"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "example.com/tea"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "example.com"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "x/example.com/team"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "Example.com/team"));
}

static void match_does_not_read_behind_the_domain(struct kunit *test)
{
	struct aael_policy *p = new_policy(test);
	u8 *domain = kunit_kmalloc(test, 4, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, domain);
	memcpy(domain, "aael", 4);
	KUNIT_ASSERT_EQ(test, reserve(p, "aael/x"), 0);
	KUNIT_EXPECT_FALSE(test, aael_policy_is_reserved(p, domain, 4));
	KUNIT_ASSERT_EQ(test, reserve(p, "aael"), 0);
	KUNIT_EXPECT_TRUE(test, aael_policy_is_reserved(p, domain, 4));
}

static void malformed_reservations_are_refused(struct kunit *test)
{
	struct aael_policy *p = new_policy(test);
	char longest[AAEL_DOMAIN_MAX_BYTES + 2] = "";

	memset(longest, 'd', AAEL_DOMAIN_MAX_BYTES + 1);
	KUNIT_EXPECT_EQ(test, reserve(p, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserve(p, "a b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserve(p, "a\n"), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserve(p, "a\xc2\xa0"), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserve(p, longest), -E2BIG);
	KUNIT_EXPECT_EQ(test, p->count, 0);
	longest[AAEL_DOMAIN_MAX_BYTES] = '\0';
	KUNIT_EXPECT_EQ(test, reserve(p, longest), 0);
	KUNIT_EXPECT_TRUE(test, reserved(p, longest));
}

static void table_is_bounded_and_repeats_are_free(struct kunit *test)
{
	struct aael_policy *p = new_policy(test);
	char domain[16];

	for (int i = 0; i < AAEL_RESERVED_MAX; i++) {
		snprintf(domain, sizeof(domain), "domain-%d", i);
		KUNIT_ASSERT_EQ(test, reserve(p, domain), 0);
		KUNIT_ASSERT_EQ(test, reserve(p, domain), 0);
	}
	KUNIT_EXPECT_EQ(test, p->count, AAEL_RESERVED_MAX);
	KUNIT_EXPECT_EQ(test, reserve(p, "one-more"), -ENOSPC);
	KUNIT_EXPECT_EQ(test, reserve(p, "domain-0/below"), 0);
	KUNIT_EXPECT_FALSE(test, reserved(p, "one-more"));
}

static void list_is_split_at_commas(struct kunit *test)
{
	struct aael_policy *p = new_policy(test);

	KUNIT_EXPECT_EQ(test, aael_policy_reserve_list(p, ""), 0);
	KUNIT_EXPECT_EQ(test, aael_policy_reserve_list(p, "a,b/c,d,"), 0);
	KUNIT_EXPECT_EQ(test, p->count, 3);
	KUNIT_EXPECT_TRUE(test, reserved(p, "b/c"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "b"));
	KUNIT_EXPECT_EQ(test, aael_policy_reserve_list(p, "e,,f"), -EINVAL);
	KUNIT_EXPECT_TRUE(test, reserved(p, "e"));
	KUNIT_EXPECT_FALSE(test, reserved(p, "f"));
	KUNIT_EXPECT_EQ(test, aael_policy_reserve_list(p, "g h"), -EINVAL);
}

static void headroom_is_for_the_privileged(struct kunit *test)
{
	const u64 max = AAEL_LOG_MIN_BYTES, quota = max - AAEL_HEADROOM_BYTES;

	KUNIT_EXPECT_EQ(test, aael_policy_room(0, max, quota, false), 0);
	KUNIT_EXPECT_EQ(test, aael_policy_room(0, max, quota + 1, false), -EDQUOT);
	KUNIT_EXPECT_EQ(test, aael_policy_room(quota - 100, max, 100, false), 0);
	KUNIT_EXPECT_EQ(test, aael_policy_room(quota - 100, max, 101, false), -EDQUOT);
	KUNIT_EXPECT_EQ(test, aael_policy_room(quota - 100, max, 101, true), 0);
	KUNIT_EXPECT_EQ(test, aael_policy_room(max - 100, max, 100, false), -EDQUOT);
	KUNIT_EXPECT_EQ(test, aael_policy_room(max - 100, max, 100, true), 0);
	KUNIT_EXPECT_EQ(test, aael_policy_room(max - 100, max, 101, true), -ENOSPC);
	KUNIT_EXPECT_EQ(test, aael_policy_room(max - 100, max, 101, false), -ENOSPC);
	KUNIT_EXPECT_EQ(test, aael_policy_room(max, max, 1, true), -ENOSPC);
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(nothing_is_reserved_at_first),
	KUNIT_CASE(reservation_covers_the_domain_and_what_is_below),
	KUNIT_CASE(match_does_not_read_behind_the_domain),
	KUNIT_CASE(malformed_reservations_are_refused),
	KUNIT_CASE(table_is_bounded_and_repeats_are_free),
	KUNIT_CASE(list_is_split_at_commas),
	KUNIT_CASE(headroom_is_for_the_privileged),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "aael_policy",
	.test_cases = policy_cases,
};

kunit_test_suites(&policy_suite);
