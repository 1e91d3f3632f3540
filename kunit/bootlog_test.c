// SPDX-License-Identifier: GPL-2.0-only
/* The firmware's log: what is taken, where the walk ends, and what it replays to. */
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fixture.h"

#define EV_NO_ACTION	3
#define EV_SEPARATOR	4

/* A log under construction. */
struct builder {
	u8 *bytes;
	size_t len;
	size_t header_len;
};

static void put(struct builder *b, const void *data, size_t len)
{
	memcpy(b->bytes + b->len, data, len);
	b->len += len;
}

static void put_le16(struct builder *b, u16 value)
{
	put_unaligned_le16(value, b->bytes + b->len);
	b->len += 2;
}

static void put_le32(struct builder *b, u32 value)
{
	put_unaligned_le32(value, b->bytes + b->len);
	b->len += 4;
}

/* Header for SHA-256 and SHA-384 with two bytes of vendor information. */
static void start(struct kunit *test, struct builder *b)
{
	b->bytes = kunit_kzalloc(test, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b->bytes);
	b->len = 0;
	put_le32(b, 0);
	put_le32(b, EV_NO_ACTION);
	b->len += 20;
	put_le32(b, 16 + 12 + 8 + 1 + 2);
	put(b, "Spec ID Event03", 16);
	put(b, "\0\0\0\0\0\2\0\2", 8);
	put_le32(b, 2);
	put_le16(b, ALG_SHA256);
	put_le16(b, 32);
	put_le16(b, ALG_SHA384);
	put_le16(b, 48);
	put(b, "\2ab", 3);
	b->header_len = b->len;
}

static void put_digest(struct builder *b, u16 alg, size_t size, u8 fill)
{
	put_le16(b, alg);
	memset(b->bytes + b->len, fill, size);
	b->len += size;
}

static void put_entry(struct builder *b, u32 reg, u32 type, u8 fill, const void *event, size_t len)
{
	put_le32(b, reg);
	put_le32(b, type);
	put_le32(b, 2);
	put_digest(b, ALG_SHA256, 32, fill);
	put_digest(b, ALG_SHA384, 48, fill);
	put_le32(b, len);
	put(b, event, len);
}

/* The parser gets a copy of the exact length, so that KASAN sees what it reads. */
static int parse(struct kunit *test, const struct builder *b, size_t len, struct aael_bootlog *bl)
{
	u8 *copy = kunit_kmalloc(test, len ?: 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, b->bytes, len);
	return aael_bootlog_parse(len ? copy : copy + 1, len, bl);
}

static unsigned int entries(const struct aael_bootlog *bl)
{
	struct aael_bootlog_entry e;
	unsigned int n = 0;
	size_t pos = 0;

	while (aael_bootlog_next(bl, &pos, &e))
		n++;
	return n;
}

static void header_of_ours_parses(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512, ALG_SM3 };
	static const u16 sizes[] = { 20, 32, 48, 64, 32 };
	struct aael_bank banks[AAEL_BANKS_MAX] = {};
	u8 header[AAEL_BOOTLOG_HEADER_MAX_BYTES + 1];
	struct aael_bootlog bl;

	for (unsigned int n = 1; n <= AAEL_BANKS_MAX; n++) {
		size_t len;

		banks[n - 1].alg = algs[n - 1];
		banks[n - 1].size = sizes[n - 1];
		memset(header, 0xee, sizeof(header));
		len = aael_bootlog_header(banks, n, header);
		KUNIT_EXPECT_LE(test, len, AAEL_BOOTLOG_HEADER_MAX_BYTES);
		KUNIT_EXPECT_EQ(test, header[len], 0xee);
		KUNIT_ASSERT_EQ(test, aael_bootlog_parse(header, len, &bl), 0);
		KUNIT_EXPECT_NULL(test, bl.why);
		KUNIT_EXPECT_EQ(test, bl.len, len);
		KUNIT_EXPECT_EQ(test, bl.first, len);
		KUNIT_EXPECT_EQ(test, bl.alg_count, n);
		KUNIT_EXPECT_MEMEQ(test, bl.algs, algs, n * sizeof(u16));
		KUNIT_EXPECT_MEMEQ(test, bl.sizes, sizes, n * sizeof(u16));
		KUNIT_EXPECT_EQ(test, entries(&bl), 0);
	}
}

static void header_of_ours_byte_for_byte(struct kunit *test)
{
	static const u8 want[] =
		"\0\0\0\0" "\3\0\0\0" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x21\0\0\0"
		"Spec ID Event03\0" "\0\0\0\0" "\0\2\0\2" "\1\0\0\0" "\x0b\0" "\x20\0";
	struct aael_bank bank = { .alg = ALG_SHA256, .size = 32 };
	u8 header[AAEL_BOOTLOG_HEADER_MAX_BYTES];

	KUNIT_ASSERT_EQ(test, aael_bootlog_header(&bank, 1, header), sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, header, want, sizeof(want));
}

static void entries_come_in_order(struct kunit *test)
{
	struct aael_bootlog_entry e;
	struct aael_bootlog bl;
	struct builder b;
	size_t pos = 0;

	start(test, &b);
	put_entry(&b, 4, EV_SEPARATOR, 0x41, "one", 3);
	put_entry(&b, 7, 0x80000001, 0x42, NULL, 0);
	KUNIT_ASSERT_EQ(test, parse(test, &b, b.len, &bl), 0);
	KUNIT_EXPECT_NULL(test, bl.why);
	KUNIT_EXPECT_EQ(test, bl.len, b.len);
	KUNIT_EXPECT_EQ(test, bl.first, b.header_len);
	KUNIT_ASSERT_TRUE(test, aael_bootlog_next(&bl, &pos, &e));
	KUNIT_EXPECT_EQ(test, e.reg, 4);
	KUNIT_EXPECT_EQ(test, e.type, EV_SEPARATOR);
	KUNIT_EXPECT_EQ(test, e.event_len, 3);
	KUNIT_EXPECT_MEMEQ(test, e.event, "one", 3);
	KUNIT_EXPECT_EQ(test, e.digests[0][31], 0x41);
	KUNIT_EXPECT_EQ(test, e.digests[1][47], 0x41);
	KUNIT_ASSERT_TRUE(test, aael_bootlog_next(&bl, &pos, &e));
	KUNIT_EXPECT_EQ(test, e.type, 0x80000001);
	KUNIT_EXPECT_EQ(test, e.event_len, 0);
	KUNIT_EXPECT_EQ(test, pos, b.len);
	KUNIT_EXPECT_FALSE(test, aael_bootlog_next(&bl, &pos, &e));
}

static void log_cut_at_every_byte_keeps_whole_entries(struct kunit *test)
{
	size_t ends[4];
	struct builder b;

	start(test, &b);
	ends[0] = b.len;
	for (int i = 1; i < 4; i++) {
		put_entry(&b, i, EV_SEPARATOR, 0x40 + i, "event", 5);
		ends[i] = b.len;
	}
	for (size_t len = 0; len <= b.len; len++) {
		struct aael_bootlog bl;
		int ret = parse(test, &b, len, &bl);
		unsigned int whole = 0;

		if (len < b.header_len) {
			KUNIT_EXPECT_EQ_MSG(test, ret, -EINVAL, "%zu bytes", len);
			KUNIT_EXPECT_NOT_NULL(test, bl.why);
			continue;
		}
		while (whole < 3 && ends[whole + 1] <= len)
			whole++;
		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%zu bytes", len);
		KUNIT_EXPECT_EQ_MSG(test, bl.len, ends[whole], "%zu bytes", len);
		KUNIT_EXPECT_EQ_MSG(test, entries(&bl), whole, "%zu bytes", len);
	}
}

static void wrong_byte_never_reads_outside(struct kunit *test)
{
	static const u8 wrong[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct builder b;

	start(test, &b);
	put_entry(&b, 1, EV_SEPARATOR, 0x41, "event", 5);
	put_entry(&b, 0, EV_NO_ACTION, 0, "StartupLocality\0\3", 17);
	for (size_t at = 0; at < b.len; at++) {
		u8 right = b.bytes[at];

		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
			struct aael_bootlog bl;

			b.bytes[at] = wrong[i];
			if (!parse(test, &b, b.len, &bl))
				KUNIT_EXPECT_LE(test, entries(&bl), 2);
			KUNIT_EXPECT_LE(test, bl.len, b.len);
		}
		b.bytes[at] = right;
	}
}

static void expect_bad_header(struct kunit *test, size_t at, u32 value, const char *why)
{
	struct aael_bootlog bl;
	struct builder b;

	start(test, &b);
	put_unaligned_le32(value, b.bytes + at);
	KUNIT_EXPECT_EQ_MSG(test, parse(test, &b, b.len, &bl), -EINVAL, "%s", why);
	KUNIT_ASSERT_NOT_NULL(test, bl.why);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(bl.why, why), "%s", bl.why);
}

static void malformed_headers_are_refused(struct kunit *test)
{
	expect_bad_header(test, 4, 8, "Spec ID Event03");
	expect_bad_header(test, 28, U32_MAX, "shorter than its header");
	expect_bad_header(test, 28, 40, "shorter than its header");
	expect_bad_header(test, 28, 38, "too early or too late");
	expect_bad_header(test, 28, 8, "Spec ID Event03");
	expect_bad_header(test, 28, 20, "without algorithms");
	expect_bad_header(test, 32, 0x41414141, "Spec ID Event03");
	expect_bad_header(test, 56, 0, "without algorithms");
	expect_bad_header(test, 56, 1, "too early or too late");
	expect_bad_header(test, 56, 6, "too many");
	expect_bad_header(test, 56, U32_MAX, "too many");
	expect_bad_header(test, 60, ALG_SHA256 | 0 << 16, "digest size");
	expect_bad_header(test, 60, ALG_SHA256 | 65 << 16, "digest size");
	expect_bad_header(test, 64, ALG_SHA256 | 32 << 16, "twice");
}

static void expect_entry_ends_walk(struct kunit *test, size_t at, u32 value, const char *why)
{
	struct aael_bootlog bl;
	struct builder b;
	size_t good;

	start(test, &b);
	put_entry(&b, 1, EV_SEPARATOR, 0x41, "event", 5);
	good = b.len;
	put_entry(&b, 2, EV_SEPARATOR, 0x42, "event", 5);
	put_unaligned_le32(value, b.bytes + good + at);
	KUNIT_ASSERT_EQ(test, parse(test, &b, b.len, &bl), 0);
	KUNIT_EXPECT_EQ_MSG(test, bl.len, good, "%s", why);
	KUNIT_EXPECT_EQ(test, entries(&bl), 1);
	KUNIT_ASSERT_NOT_NULL(test, bl.why);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(bl.why, why), "%s", bl.why);
}

static void malformed_entry_ends_the_walk(struct kunit *test)
{
	const size_t event_size = 12 + 2 + 32 + 2 + 48;

	expect_entry_ends_walk(test, 8, 0, "not those of the header");
	expect_entry_ends_walk(test, 8, 1, "not those of the header");
	expect_entry_ends_walk(test, 8, 3, "not those of the header");
	expect_entry_ends_walk(test, 8, U32_MAX, "not those of the header");
	expect_entry_ends_walk(test, 12, ALG_SM3, "not those of the header");
	expect_entry_ends_walk(test, 12 + 34, ALG_SHA256, "not those of the header");
	expect_entry_ends_walk(test, event_size, 6, "cut short");
	expect_entry_ends_walk(test, event_size, S32_MAX, "cut short");
	expect_entry_ends_walk(test, event_size, U32_MAX, "cut short");
	expect_entry_ends_walk(test, event_size, U32_MAX - event_size, "cut short");
}

static void expect_end_mark(struct kunit *test, const void *mark, size_t len, bool ends)
{
	struct aael_bootlog bl;
	struct builder b;
	size_t good;

	start(test, &b);
	put_entry(&b, 1, EV_SEPARATOR, 0x41, "event", 5);
	good = b.len;
	put(&b, mark, len);
	KUNIT_ASSERT_EQ(test, parse(test, &b, b.len, &bl), 0);
	KUNIT_EXPECT_EQ(test, bl.len, good);
	if (ends)
		KUNIT_EXPECT_NULL(test, bl.why);
	else
		KUNIT_EXPECT_NOT_NULL(test, bl.why);
}

static void walk_ends_at_either_mark(struct kunit *test)
{
	expect_end_mark(test, "", 0, true);
	expect_end_mark(test, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, true);
	expect_end_mark(test, "\xff\xff\xff\xff\xff\xff\xff\xffrest", 12, true);
	expect_end_mark(test, "\0\0\0\0\0\0\0\0", 8, true);
	expect_end_mark(test, "\0\0\0\0\0\0\0\0rest", 12, true);
	expect_end_mark(test, "\0\0\0", 3, true);
	expect_end_mark(test, "\xff", 1, true);
	expect_end_mark(test, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8, false);
	expect_end_mark(test, "\0\0\0\0\0\0\0\1", 8, false);
	expect_end_mark(test, "\0\0\0\0\xff\xff\xff\xff", 8, false);
}

/* What the entry's digest, all bytes of fill, makes of value. */
static void extend(struct kunit *test, const struct aael_bank *bank, u8 *value, u8 fill)
{
	u8 digest[AAEL_DIGEST_MAX_BYTES];

	memset(digest, fill, sizeof(digest));
	KUNIT_ASSERT_EQ(test, aael_bank_extend(bank, value, digest), 0);
}

static void expect_replay(struct kunit *test, const struct builder *b, u32 reg, u8 first,
			  const char *fills)
{
	static const u16 algs[] = { ALG_SHA256, ALG_SHA384 };
	struct aael_bootlog bl;

	KUNIT_ASSERT_EQ(test, parse(test, b, b->len, &bl), 0);
	for (unsigned int alg = 0; alg < 2; alg++) {
		u8 want[AAEL_DIGEST_MAX_BYTES] = {}, value[AAEL_DIGEST_MAX_BYTES];
		struct aael_bank bank;

		KUNIT_ASSERT_EQ(test, aael_bank_init(&bank, algs[alg]), 0);
		want[bank.size - 1] = first;
		for (const char *p = fills; *p; p++)
			extend(test, &bank, want, *p);
		KUNIT_EXPECT_EQ(test, aael_bootlog_replay(&bl, alg, &bank, reg, value), 0);
		KUNIT_EXPECT_MEMEQ(test, value, want, bank.size);
		aael_bank_destroy(&bank);
	}
}

static void replay_skips_no_action(struct kunit *test)
{
	struct builder b;

	start(test, &b);
	put_entry(&b, 4, EV_SEPARATOR, 'A', "x", 1);
	put_entry(&b, 4, EV_NO_ACTION, 'N', "StartupLocality\0\3", 17);
	put_entry(&b, 5, EV_SEPARATOR, 'B', "x", 1);
	put_entry(&b, 4, EV_SEPARATOR, 'C', "x", 1);
	expect_replay(test, &b, 4, 0, "AC");
	expect_replay(test, &b, 5, 0, "B");
	expect_replay(test, &b, 6, 0, "");
}

static void replay_of_pcr_0_starts_at_the_locality(struct kunit *test)
{
	struct builder b;

	start(test, &b);
	put_entry(&b, 0, EV_NO_ACTION, 'N', "StartupLocality\0\3", 17);
	put_entry(&b, 0, EV_SEPARATOR, 'A', "x", 1);
	expect_replay(test, &b, 0, 3, "A");
	expect_replay(test, &b, 1, 0, "");
}

static void other_no_action_is_no_locality(struct kunit *test)
{
	struct builder b;

	start(test, &b);
	put_entry(&b, 0, EV_NO_ACTION, 'N', "StartupLocality\0", 16);
	put_entry(&b, 0, EV_NO_ACTION, 'N', "StartupLocality\0\3x", 18);
	put_entry(&b, 0, EV_NO_ACTION, 'N', "StartupLocalitx\0\3", 17);
	put_entry(&b, 0, EV_SEPARATOR, 'A', "x", 1);
	expect_replay(test, &b, 0, 0, "A");
}

static void locality_behind_an_extend_is_none(struct kunit *test)
{
	struct builder b;

	start(test, &b);
	put_entry(&b, 0, EV_NO_ACTION, 'N', "StartupLocality\0\3", 17);
	put_entry(&b, 0, EV_SEPARATOR, 'A', "x", 1);
	put_entry(&b, 0, EV_NO_ACTION, 'N', "StartupLocality\0\4", 17);
	expect_replay(test, &b, 0, 3, "A");
	put_entry(&b, 0, EV_SEPARATOR, 'B', "x", 1);
	expect_replay(test, &b, 0, 3, "AB");
}

#define MUTANTS		2000

/* Touches every byte that the parser says is there; the log has no other ones. */
static size_t touch(const u8 *data, size_t len)
{
	struct aael_bootlog_entry e;
	struct aael_bootlog bl;
	size_t pos = 0, sum = 0;

	if (aael_bootlog_parse(data, len, &bl))
		return bl.why ? 0 : SIZE_MAX;
	if (bl.len > len || bl.first > bl.len)
		return SIZE_MAX;
	while (aael_bootlog_next(&bl, &pos, &e)) {
		for (unsigned int a = 0; a < bl.alg_count; a++)
			sum += !memchr_inv(e.digests[a], 0x41, bl.sizes[a]);
		sum += !memchr_inv(e.event, 0x41, e.event_len);
	}
	return pos && pos != bl.len ? SIZE_MAX : sum;
}

/* Bytes that lengths and counts are made of come up more often than others. */
static void mutate(struct rnd_state *rnd, u8 *data, size_t len)
{
	static const u8 odd[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	for (u32 n = 1 + prandom_u32_state(rnd) % 6; n; n--) {
		u32 value = prandom_u32_state(rnd);
		u8 *at = data + prandom_u32_state(rnd) % len;

		*at = value & 0x100 ? odd[value % ARRAY_SIZE(odd)] : value;
	}
}

static void mutated_logs_are_read_within_their_bounds(struct kunit *test)
{
	struct rnd_state rnd;
	struct builder b;

	start(test, &b);
	for (int i = 0; i < 4; i++)
		put_entry(&b, i, i, 0x41, "an event", 2 * i);
	prandom_seed_state(&rnd, 20260601);
	for (int i = 0; i < MUTANTS; i++) {
		size_t len = i % 3 ? b.len : 1 + prandom_u32_state(&rnd) % b.len;
		u8 *copy = kmemdup(b.bytes, len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, copy);
		mutate(&rnd, copy, len);
		KUNIT_EXPECT_NE_MSG(test, touch(copy, len), SIZE_MAX, "mutant %d", i);
		kfree(copy);
	}
}

static void header_may_have_any_register(struct kunit *test)
{
	struct aael_bootlog bl;
	struct builder b;

	start(test, &b);
	put_unaligned_le32(1, b.bytes);
	KUNIT_EXPECT_EQ(test, parse(test, &b, b.len, &bl), 0);
	KUNIT_EXPECT_EQ(test, bl.len, b.len);
}

static struct kunit_case bootlog_cases[] = {
	KUNIT_CASE(header_of_ours_parses),
	KUNIT_CASE(header_of_ours_byte_for_byte),
	KUNIT_CASE(entries_come_in_order),
	KUNIT_CASE(log_cut_at_every_byte_keeps_whole_entries),
	KUNIT_CASE(wrong_byte_never_reads_outside),
	KUNIT_CASE(malformed_headers_are_refused),
	KUNIT_CASE(malformed_entry_ends_the_walk),
	KUNIT_CASE(walk_ends_at_either_mark),
	KUNIT_CASE(replay_skips_no_action),
	KUNIT_CASE(replay_of_pcr_0_starts_at_the_locality),
	KUNIT_CASE(other_no_action_is_no_locality),
	KUNIT_CASE(locality_behind_an_extend_is_none),
	KUNIT_CASE(header_may_have_any_register),
	KUNIT_CASE(mutated_logs_are_read_within_their_bounds),
	{}
};

static struct kunit_suite bootlog_suite = {
	.name = "aael_bootlog",
	.test_cases = bootlog_cases,
};

kunit_test_suites(&bootlog_suite);
