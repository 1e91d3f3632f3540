// SPDX-License-Identifier: GPL-2.0-only
/* The bytes of an entry, with one to five banks, logged or not. */
#include <linux/err.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fault.h"
#include "fixture.h"

static const u16 algs[AAEL_BANKS_MAX] = { ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512, ALG_SM3 };

static void destroy_banks(void *arg)
{
	struct aael_bank *banks = arg;

	fault_set_memory(0);
	fault_set_hash(0);
	for (unsigned int i = 0; i < AAEL_BANKS_MAX; i++)
		aael_bank_destroy(&banks[i]);
}

static struct aael_bank *new_banks(struct kunit *test)
{
	struct aael_bank *banks = kunit_kcalloc(test, AAEL_BANKS_MAX, sizeof(*banks), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, banks);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, destroy_banks, banks), 0);
	for (unsigned int i = 0; i < AAEL_BANKS_MAX; i++)
		KUNIT_ASSERT_EQ(test, aael_bank_init(&banks[i], algs[i]), 0);
	return banks;
}

/* Reads an entry as a verifier does. */
static void expect_layout(struct kunit *test, const struct aael_bank *banks, unsigned int count,
			  u32 reg, const struct aael_event *ev)
{
	size_t event_size = AAEL_EVENT_HEADER_BYTES + aael_event_text_size(ev);
	struct aael_entry *e = aael_entry_create(banks, count, reg, ev);
	u8 digest[AAEL_DIGEST_MAX_BYTES];
	unsigned int logged = 0;
	const u8 *p, *event;

	KUNIT_ASSERT_FALSE(test, IS_ERR(e));
	KUNIT_EXPECT_EQ(test, e->reg, reg);
	KUNIT_EXPECT_EQ(test, e->len, aael_entry_size(banks, count, ev));
	p = e->bytes;
	event = p + e->len - event_size;
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(p), reg);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(p + 4), 6);
	for (unsigned int i = 0; i < count; i++)
		logged += banks[i].logged;
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(p + 8), logged);
	p += AAEL_ENTRY_DIGESTS_OFFSET;
	for (unsigned int i = 0; i < count; i++) {
		KUNIT_ASSERT_EQ(test, aael_bank_digest(&banks[i], event, event_size, digest), 0);
		KUNIT_EXPECT_MEMEQ(test, e->digests[i], digest, banks[i].size);
		if (!banks[i].logged)
			continue;
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(p), banks[i].alg);
		KUNIT_EXPECT_MEMEQ(test, p + 2, digest, banks[i].size);
		p += 2 + banks[i].size;
	}
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(p), event_size);
	KUNIT_EXPECT_PTR_EQ(test, p + 4, event);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(event), 0x4141454c);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(event + 4), event_size - 8);
	aael_entry_put(e);
}

static void one_bank_is_laid_out_byte_for_byte(struct kunit *test)
{
	static const u8 head[] = "\x0e\0\0\0" "\x06\0\0\0" "\x01\0\0\0" "\x0b\0";
	static const u8 tail[] = "\x1e\0\0\0" "LEAA" "\x16\0\0\0" "domain operation conte";
	struct aael_event ev = fixture_event("domain", "operation", "conte");
	struct aael_bank *banks = new_banks(test);
	struct aael_entry *e = aael_entry_create(&banks[1], 1, 14, &ev);

	KUNIT_ASSERT_FALSE(test, IS_ERR(e));
	KUNIT_ASSERT_EQ(test, e->len, sizeof(head) - 1 + 32 + sizeof(tail) - 1);
	KUNIT_EXPECT_MEMEQ(test, e->bytes, head, sizeof(head) - 1);
	KUNIT_EXPECT_MEMEQ(test, e->bytes + sizeof(head) - 1 + 32, tail, sizeof(tail) - 1);
	aael_entry_put(e);
}

static void banks_follow_in_the_order_of_the_device(struct kunit *test)
{
	struct aael_event ev = fixture_event("domain", "operation", "content");
	struct aael_bank *banks = new_banks(test);

	for (unsigned int count = 1; count <= AAEL_BANKS_MAX; count++)
		expect_layout(test, banks, count, count, &ev);
	swap(banks[1], banks[4]);
	expect_layout(test, banks, AAEL_BANKS_MAX, 0xffffffff, &ev);
}

static void unlogged_banks_are_hashed_but_not_written(struct kunit *test)
{
	struct aael_event ev = fixture_event("domain", "operation", "content");
	struct aael_bank *banks = new_banks(test);

	for (unsigned int mask = 0; mask < 1 << AAEL_BANKS_MAX; mask++) {
		for (unsigned int i = 0; i < AAEL_BANKS_MAX; i++)
			banks[i].logged = mask & 1 << i;
		expect_layout(test, banks, AAEL_BANKS_MAX, 14, &ev);
	}
}

static void longest_event_fits(struct kunit *test)
{
	struct aael_bank *banks = new_banks(test);
	struct aael_event ev = {
		.domain_len = AAEL_DOMAIN_MAX_BYTES,
		.operation_len = AAEL_OPERATION_MAX_BYTES,
		.content_len = AAEL_CONTENT_MAX_BYTES,
	};
	u8 *bytes = kunit_kmalloc(test, AAEL_CONTENT_MAX_BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'a', AAEL_CONTENT_MAX_BYTES);
	ev.domain = bytes;
	ev.operation = bytes;
	ev.content = bytes;
	KUNIT_EXPECT_EQ(test, aael_event_text_size(&ev), AAEL_TEXT_MAX_BYTES);
	expect_layout(test, banks, AAEL_BANKS_MAX, 14, &ev);
}

static void references_keep_an_entry(struct kunit *test)
{
	struct aael_event ev = fixture_event("domain", "operation", "content");
	struct aael_bank *banks = new_banks(test);
	struct aael_entry *e = aael_entry_create(banks, 1, 14, &ev);

	KUNIT_ASSERT_FALSE(test, IS_ERR(e));
	KUNIT_EXPECT_PTR_EQ(test, aael_entry_get(e), e);
	aael_entry_put(e);
	KUNIT_EXPECT_EQ(test, e->reg, 14);	/* KASAN watches */
	aael_entry_put(e);
	aael_entry_put(NULL);
}

static void failures_leave_nothing_behind(struct kunit *test)
{
	struct aael_event ev = fixture_event("domain", "operation", "content");
	struct aael_bank *banks = new_banks(test);

	fault_set_memory(1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(aael_entry_create(banks, 2, 14, &ev)), -ENOMEM);
	for (int nth = 1; nth <= 2; nth++) {
		fault_set_hash(nth);
		KUNIT_EXPECT_EQ(test, PTR_ERR(aael_entry_create(banks, 2, 14, &ev)), -EIO);
	}
}

static void extend_hashes_value_and_digest(struct kunit *test)
{
	struct aael_bank *banks = new_banks(test);
	u8 value[AAEL_DIGEST_MAX_BYTES], before[AAEL_DIGEST_MAX_BYTES];
	u8 both[2 * AAEL_DIGEST_MAX_BYTES], digest[AAEL_DIGEST_MAX_BYTES];

	for (unsigned int i = 0; i < AAEL_BANKS_MAX; i++) {
		u16 size = banks[i].size;

		memset(value, 0x11, sizeof(value));
		memset(digest, 0x22, sizeof(digest));
		memset(both, 0x11, size);
		memset(both + size, 0x22, size);
		memcpy(before, value, sizeof(before));
		fault_set_hash(1);
		KUNIT_EXPECT_EQ(test, aael_bank_extend(&banks[i], value, digest), -EIO);
		KUNIT_EXPECT_MEMEQ(test, value, before, sizeof(value));
		KUNIT_EXPECT_EQ(test, aael_bank_extend(&banks[i], value, digest), 0);
		KUNIT_ASSERT_EQ(test, aael_bank_digest(&banks[i], both, 2 * size, digest), 0);
		KUNIT_EXPECT_MEMEQ(test, value, digest, size);
		KUNIT_EXPECT_MEMEQ(test, value + size, before + size, sizeof(value) - size);
	}
}

static struct kunit_case entry_cases[] = {
	KUNIT_CASE(one_bank_is_laid_out_byte_for_byte),
	KUNIT_CASE(banks_follow_in_the_order_of_the_device),
	KUNIT_CASE(unlogged_banks_are_hashed_but_not_written),
	KUNIT_CASE(longest_event_fits),
	KUNIT_CASE(references_keep_an_entry),
	KUNIT_CASE(failures_leave_nothing_behind),
	KUNIT_CASE(extend_hashes_value_and_digest),
	{}
};

static struct kunit_suite entry_suite = {
	.name = "aael_entry",
	.test_cases = entry_cases,
};

kunit_test_suites(&entry_suite);
