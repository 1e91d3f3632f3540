// SPDX-License-Identifier: GPL-2.0-only
/* What an event may hold, how a line is split, and the bytes that are hashed. */
#include <linux/hex.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fixture.h"

static int validate_lengths(struct kunit *test, size_t domain, size_t operation, size_t content)
{
	struct aael_event ev = { .domain_len = domain, .operation_len = operation,
				 .content_len = content };
	size_t len = max3(domain, operation, content) + 1;
	u8 *bytes = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'a', len);
	ev.domain = bytes;
	ev.operation = bytes;
	ev.content = bytes;
	return aael_event_validate(&ev);
}

static void lengths_are_bounded(struct kunit *test)
{
	static const struct {
		size_t domain, operation, content;
		int ret;
	} cases[] = {
		{ 1, 1, 1, 0 },
		{ 255, 255, 65535, 0 },
		{ 0, 1, 1, -EINVAL },
		{ 1, 0, 1, -EINVAL },
		{ 1, 1, 0, -EINVAL },
		{ 256, 1, 1, -E2BIG },
		{ 1, 256, 1, -E2BIG },
		{ 1, 1, 65536, -E2BIG },
		{ 255, 1, 1, 0 },
		{ 1, 255, 1, 0 },
		{ 1, 1, 255, 0 },
		{ 1, 1, 256, 0 },
		{ 1, 1, 65535, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, validate_lengths(test, cases[i].domain,
							   cases[i].operation, cases[i].content),
				    cases[i].ret, "case %zu", i);
}

static void fields_are_checked_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, validate_lengths(test, 256, 0, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, validate_lengths(test, 0, 256, 65536), -EINVAL);
	KUNIT_EXPECT_EQ(test, validate_lengths(test, 1, 256, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, validate_lengths(test, 1, 0, 65536), -EINVAL);
}

static bool word_allows(unsigned int c)
{
	return c >= 0x21 && c <= 0x7e;
}

static void words_are_printable_ascii(struct kunit *test)
{
	struct aael_event ev;
	u8 word[3];

	for (unsigned int at = 0; at < sizeof(word); at++) {
		for (unsigned int c = 0; c < 256; c++) {
			int ret = word_allows(c) ? 0 : -EINVAL;

			memset(word, 'w', sizeof(word));
			word[at] = c;
			ev = fixture_event("d", "o", "c");
			ev.domain = word;
			ev.domain_len = sizeof(word);
			KUNIT_EXPECT_EQ_MSG(test, aael_event_validate(&ev), ret,
					    "domain 0x%02x", c);
			KUNIT_EXPECT_EQ(test, aael_event_check_domain(word, sizeof(word)), ret);
			ev = fixture_event("d", "o", "c");
			ev.operation = word;
			ev.operation_len = sizeof(word);
			KUNIT_EXPECT_EQ_MSG(test, aael_event_validate(&ev), ret,
					    "operation 0x%02x", c);
		}
	}
}

struct content_case {
	const char *name;
	const char *bytes;
	size_t len;
	int ret;
};

#define CONTENT(n, s, r) { .name = n, .bytes = s, .len = sizeof(s) - 1, .ret = r }

static const struct content_case content_cases[] = {
	CONTENT("space", " ", 0),
	CONTENT("spaces within", "a b  c", 0),
	CONTENT("U+007E", "~", 0),
	CONTENT("U+0000", "\x00", -EINVAL),
	CONTENT("U+0001", "a\x01", -EINVAL),
	CONTENT("tab", "a\tb", -EINVAL),
	CONTENT("newline", "a\nb", -EINVAL),
	CONTENT("carriage return", "a\r", -EINVAL),
	CONTENT("U+001F", "\x1f", -EINVAL),
	CONTENT("DEL", "\x7f", -EINVAL),
	CONTENT("U+0080", "\xc2\x80", -EINVAL),
	CONTENT("U+0085", "\xc2\x85", -EINVAL),
	CONTENT("U+009F", "\xc2\x9f", -EINVAL),
	CONTENT("U+00A0", "\xc2\xa0", 0),
	CONTENT("U+07FF", "\xdf\xbf", 0),
	CONTENT("U+0800", "\xe0\xa0\x80", 0),
	CONTENT("U+2028", "\xe2\x80\xa8", 0),
	CONTENT("U+D7FF", "\xed\x9f\xbf", 0),
	CONTENT("U+D800", "\xed\xa0\x80", -EILSEQ),
	CONTENT("U+DFFF", "\xed\xbf\xbf", -EILSEQ),
	CONTENT("surrogate pair", "\xed\xa0\xbd\xed\xb8\x80", -EILSEQ),
	CONTENT("U+E000", "\xee\x80\x80", 0),
	CONTENT("U+FEFF", "\xef\xbb\xbf", 0),
	CONTENT("U+FFFF", "\xef\xbf\xbf", 0),
	CONTENT("U+10000", "\xf0\x90\x80\x80", 0),
	CONTENT("U+1F600", "\xf0\x9f\x98\x80", 0),
	CONTENT("U+10FFFF", "\xf4\x8f\xbf\xbf", 0),
	CONTENT("U+110000", "\xf4\x90\x80\x80", -EILSEQ),
	CONTENT("U+13FFFF", "\xf4\xbf\xbf\xbf", -EILSEQ),
	CONTENT("lead F5", "\xf5\x80\x80\x80", -EILSEQ),
	CONTENT("five bytes", "\xf8\x88\x80\x80\x80", -EILSEQ),
	CONTENT("six bytes", "\xfc\x84\x80\x80\x80\x80", -EILSEQ),
	CONTENT("FE", "\xfe", -EILSEQ),
	CONTENT("FF", "\xff", -EILSEQ),
	CONTENT("overlong NUL in two", "\xc0\x80", -EILSEQ),
	CONTENT("overlong slash in two", "\xc0\xaf", -EILSEQ),
	CONTENT("overlong U+007F in two", "\xc1\xbf", -EILSEQ),
	CONTENT("overlong U+07FF in three", "\xe0\x9f\xbf", -EILSEQ),
	CONTENT("overlong U+FFFF in four", "\xf0\x8f\xbf\xbf", -EILSEQ),
	CONTENT("lone continuation", "\x80", -EILSEQ),
	CONTENT("lone continuation BF", "a\xbf", -EILSEQ),
	CONTENT("two of two missing", "\xc2", -EILSEQ),
	CONTENT("three of three missing", "\xe2\x82", -EILSEQ),
	CONTENT("two of three missing", "\xe2", -EILSEQ),
	CONTENT("four of four missing", "\xf0\x9f\x98", -EILSEQ),
	CONTENT("three of four missing", "a\xf0\x9f", -EILSEQ),
	CONTENT("two of four missing", "\xf0", -EILSEQ),
	CONTENT("ASCII instead of continuation", "\xc2\x41", -EILSEQ),
	CONTENT("lead instead of continuation", "\xe2\x82\xc2", -EILSEQ),
	CONTENT("truncated in front of more", "\xf0\x9f\x98z", -EILSEQ),
	CONTENT("the first fault counts", "\x01\xff", -EINVAL),
	CONTENT("the first fault counts, reversed", "\xff\x01", -EILSEQ),
};

KUNIT_ARRAY_PARAM_DESC(content, content_cases, name);

static void content_is_utf8_without_controls(struct kunit *test)
{
	const struct content_case *c = test->param_value;
	struct aael_event ev = fixture_event("d", "o", "c");
	/* Of its exact length, so that KASAN sees a read behind its end. */
	u8 *bytes = kunit_kmalloc(test, c->len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memcpy(bytes, c->bytes, c->len);
	ev.content = bytes;
	ev.content_len = c->len;
	KUNIT_EXPECT_EQ(test, aael_event_validate(&ev), c->ret);
}

static void sequence_cut_by_the_maximum_is_refused(struct kunit *test)
{
	struct aael_event ev = fixture_event("d", "o", "c");
	u8 *bytes = kunit_kmalloc(test, AAEL_CONTENT_MAX_BYTES + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'a', AAEL_CONTENT_MAX_BYTES + 1);
	memcpy(bytes + AAEL_CONTENT_MAX_BYTES - 1, "\xc2\xa0", 2);
	ev.content = bytes;
	ev.content_len = AAEL_CONTENT_MAX_BYTES;
	KUNIT_EXPECT_EQ(test, aael_event_validate(&ev), -EILSEQ);
	ev.content_len++;
	KUNIT_EXPECT_EQ(test, aael_event_validate(&ev), -E2BIG);
}

static void line_splits_at_its_first_two_spaces(struct kunit *test)
{
	static const struct {
		const char *line;
		int ret;
		size_t domain, operation, content;
	} cases[] = {
		{ "a b c", 0, 1, 1, 1 },
		{ "aa bbb c d  e ", 0, 2, 3, 7 },
		{ "a b ", 0, 1, 1, 0 },
		{ "a  c", 0, 1, 0, 1 },
		{ " b c", 0, 0, 1, 1 },
		{ "  ", 0, 0, 0, 0 },
		{ "   ", 0, 0, 0, 1 },
		{ "a b", -EINVAL },
		{ "a ", -EINVAL },
		{ " ", -EINVAL },
		{ "abc", -EINVAL },
		{ "", -EINVAL },
		{ "a\tb\tc", -EINVAL },
	};
	struct aael_event ev;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const u8 *line = cases[i].line;
		int ret = aael_event_parse_line(line, strlen(line), &ev);

		KUNIT_EXPECT_EQ_MSG(test, ret, cases[i].ret, "case %zu", i);
		if (ret || cases[i].ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, ev.domain_len, cases[i].domain, "case %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, ev.operation_len, cases[i].operation, "case %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, ev.content_len, cases[i].content, "case %zu", i);
		KUNIT_EXPECT_PTR_EQ(test, ev.domain, line);
		KUNIT_EXPECT_PTR_EQ(test, ev.operation, line + ev.domain_len + 1);
		KUNIT_EXPECT_PTR_EQ(test, ev.content, ev.operation + ev.operation_len + 1);
	}
}

static void encoding_is_tag_length_text(struct kunit *test)
{
	static const u8 bytes[] = "LEAA\x06\0\0\0d oo c";
	struct aael_event ev = fixture_event("d", "oo", "c");
	u8 out[32];

	memset(out, 0xee, sizeof(out));
	KUNIT_EXPECT_EQ(test, aael_event_text_size(&ev), 6);
	aael_event_encode(&ev, out);
	KUNIT_EXPECT_MEMEQ(test, out, bytes, AAEL_EVENT_HEADER_BYTES + 6);
	KUNIT_EXPECT_EQ(test, out[AAEL_EVENT_HEADER_BYTES + 6], 0xee);
}

static void expect_digest(struct kunit *test, u16 alg, const char *hex)
{
	struct aael_event ev = fixture_event("domain", "operation", "content");
	size_t len = AAEL_EVENT_HEADER_BYTES + aael_event_text_size(&ev);
	u8 bytes[64], digest[AAEL_DIGEST_MAX_BYTES], want[AAEL_DIGEST_MAX_BYTES];
	struct aael_bank bank;

	KUNIT_ASSERT_LE(test, len, sizeof(bytes));
	aael_event_encode(&ev, bytes);
	KUNIT_ASSERT_EQ(test, aael_bank_init(&bank, alg), 0);
	KUNIT_EXPECT_EQ(test, strlen(hex), 2 * bank.size);
	KUNIT_EXPECT_EQ(test, aael_bank_digest(&bank, bytes, len, digest), 0);
	KUNIT_EXPECT_EQ(test, hex2bin(want, hex, bank.size), 0);
	KUNIT_EXPECT_MEMEQ(test, digest, want, bank.size);
	aael_bank_destroy(&bank);
}

static void check_vector_of_sha256(struct kunit *test)
{
	expect_digest(test, ALG_SHA256,
		      "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351");
}

static void check_vector_of_sha384(struct kunit *test)
{
	expect_digest(test, ALG_SHA384,
		      "dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440"
		      "fb00f3aa0609db7e49cd8d793f670d02");
}

static void banks_know_their_sizes(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512, ALG_SM3 };
	static const u16 sizes[] = { 20, 32, 48, 64, 32 };
	struct aael_bank bank = {};

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		KUNIT_ASSERT_EQ(test, aael_bank_init(&bank, algs[i]), 0);
		KUNIT_EXPECT_EQ(test, bank.alg, algs[i]);
		KUNIT_EXPECT_EQ(test, bank.size, sizes[i]);
		KUNIT_EXPECT_TRUE(test, bank.logged);
		aael_bank_destroy(&bank);
		KUNIT_EXPECT_NULL(test, bank.shash);
	}
	KUNIT_EXPECT_EQ(test, aael_bank_init(&bank, 0), -ENOPKG);
	KUNIT_EXPECT_EQ(test, aael_bank_init(&bank, 0xffff), -ENOPKG);
	aael_bank_destroy(&bank);
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE(lengths_are_bounded),
	KUNIT_CASE(fields_are_checked_in_order),
	KUNIT_CASE(words_are_printable_ascii),
	KUNIT_CASE_PARAM(content_is_utf8_without_controls, content_gen_params),
	KUNIT_CASE(sequence_cut_by_the_maximum_is_refused),
	KUNIT_CASE(line_splits_at_its_first_two_spaces),
	KUNIT_CASE(encoding_is_tag_length_text),
	KUNIT_CASE(check_vector_of_sha256),
	KUNIT_CASE(check_vector_of_sha384),
	KUNIT_CASE(banks_know_their_sizes),
	{}
};

static struct kunit_suite event_suite = {
	.name = "aael_event",
	.test_cases = event_cases,
};

kunit_test_suites(&event_suite);
