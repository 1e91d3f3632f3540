// SPDX-License-Identifier: Apache-2.0
/* The log reader: what it reads, what it refuses, and that it never reads too far. */
#include <errno.h>

#include "logbuild.h"

static const uint16_t two[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };
static const uint16_t one[] = { AAEL_ALG_SHA256, 0 };

/* header, a boot entry, a StartupLocality-like EV_NO_ACTION, two entries of ours */
static void sample(struct logbuild *l)
{
	l->size = 0;
	put_header(l, 0, two);
	put_entry(l, 0, AAEL_EV_NO_ACTION, two, "StartupLocality\0\3", 17);
	put_entry(l, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	put_aael(l, 14, two, "domain operation content");
	put_aael(l, 14, two, "d o two words and more");
}

/* Entries read, or the negative errno of the first failure. */
static int walk(const uint8_t *data, size_t size, unsigned int flags, struct aael_tcg2 *r)
{
	struct aael_tcg2_entry e;
	int ret = aael_tcg2_open(r, data, size, flags);
	int n = 0;

	while (!ret && (ret = aael_tcg2_next(r, &e)) > 0) {
		assert_true(e.offset + e.size == r->pos && r->pos <= size);
		assert_true(e.event >= data && e.event + e.event_size == data + r->pos);
		ret = 0;
		n++;
	}
	return ret ? ret : n;
}

static void expect_error(const struct logbuild *l, unsigned int flags, const char *reason)
{
	uint8_t *copy = exact_copy(l->data, l->size);
	struct aael_tcg2 r;
	struct aael_tcg2_entry e;

	assert_int_equal(walk(copy, l->size, flags, &r), -EBADMSG);
	assert_string_equal(r.error.reason, reason);
	assert_true(r.error.offset <= l->size);
	assert_int_equal(aael_tcg2_next(&r, &e), -EBADMSG);
	free(copy);
}

static void reads_header_and_entries(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;
	struct aael_tcg2_entry e;

	(void)state;
	sample(&l);
	assert_int_equal(aael_tcg2_open(&r, l.data, l.size, 0), 0);
	assert_true(r.has_header);
	assert_int_equal(r.alg_count, 2);
	assert_int_equal(r.algs[1].id, AAEL_ALG_SHA384);
	assert_int_equal(r.algs[1].size, 48);
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_int_equal(e.type, AAEL_EV_NO_ACTION);
	assert_int_equal(e.number, 0);
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_int_equal(e.reg, 4);
	assert_int_equal(e.digest_count, 2);
	assert_int_equal(e.event_size, 4);
	assert_null(aael_tcg2_digest(&e, AAEL_ALG_SHA1));
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_int_equal(e.number, 3);
	assert_int_equal(aael_tcg2_next(&r, &e), 0);
	assert_int_equal(aael_tcg2_next(&r, &e), 0);
	assert_int_equal(r.pos, l.size);
	assert_false(r.end_mark);
}

static void entry_digests_are_the_check_vectors(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;
	struct aael_tcg2_entry e;

	(void)state;
	put_aael(&l, 14, two, "domain operation content");
	assert_int_equal(aael_tcg2_open(&r, l.data, l.size, AAEL_TCG2_F_HEADERLESS), 0);
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_hex(e.digests[0].value, 32,
		   "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351");
	assert_hex(e.digests[1].value, 48,
		   "dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440"
		   "fb00f3aa0609db7e49cd8d793f670d02");
}

static void decodes_our_text(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;
	struct aael_tcg2_entry e;
	struct aael_text t;

	(void)state;
	put_aael(&l, 14, one, "d.e/f op two  words ");
	put_aael(&l, 14, one, "only one-space");
	put_aael(&l, 14, one, "none");
	put_entry(&l, 14, AAEL_EVENT_TYPE, one, "LEAA\5\0\0\0abcd", 12);
	put_entry(&l, 14, AAEL_EVENT_TYPE, one, "LEAB\0\0\0\0", 8);
	put_entry(&l, 14, AAEL_EVENT_TYPE, one, "LEAA", 4);
	put_entry(&l, 14, AAEL_EV_SEPARATOR, one, "LEAA\3\0\0\0a b", 11);
	assert_int_equal(aael_tcg2_open(&r, l.data, l.size, AAEL_TCG2_F_HEADERLESS), 0);
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_int_equal(aael_text_decode(&e, &t), 0);
	assert_int_equal(t.domain_size, 5);
	assert_memory_equal(t.domain, "d.e/f", 5);
	assert_int_equal(t.operation_size, 2);
	assert_memory_equal(t.operation, "op", 2);
	assert_int_equal(t.content_size, 11);
	assert_memory_equal(t.content, "two  words ", 11);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(aael_tcg2_next(&r, &e), 1);
		assert_int_equal(aael_text_decode(&e, &t), -EBADMSG);
		assert_non_null(t.text);
	}
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	assert_int_equal(aael_text_decode(&e, &t), -EBADMSG);
	assert_null(t.text);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(aael_tcg2_next(&r, &e), 1);
		assert_int_equal(aael_text_decode(&e, &t), -ENOENT);
	}
}

static void end_marks_end_the_log(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;
	size_t used;

	(void)state;
	sample(&l);
	used = l.size;
	put_bytes(&l, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	put_bytes(&l, "garbage", 7);
	assert_int_equal(walk(l.data, l.size, 0, &r), 4);
	assert_true(r.end_mark);
	assert_int_equal(r.pos, used);
	memset(l.data + used, 0, 40);
	for (size_t pad = 8; pad <= 40; pad++) {
		uint8_t *copy = exact_copy(l.data, used + pad);

		assert_int_equal(walk(copy, used + pad, 0, &r), 4);
		assert_true(r.end_mark);
		free(copy);
	}
	assert_int_equal(walk(l.data, used + 7, 0, &r), -EBADMSG);
	assert_int_equal(r.error.offset, used);
}

static void an_entry_of_register_0_type_0_is_an_end_only_on_demand(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;

	(void)state;
	put_header(&l, 0, one);
	put_entry(&l, 0, 0, one, "x", 1);
	put_aael(&l, 14, one, "a b c");
	assert_int_equal(walk(l.data, l.size, 0, &r), 2);
	assert_int_equal(walk(l.data, l.size, AAEL_TCG2_F_ZERO_ENDS, &r), 0);
	assert_true(r.end_mark);
}

static void headerless_and_detected(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;

	(void)state;
	assert_int_equal(walk(l.data, 0, AAEL_TCG2_F_DETECT, &r), 0);
	assert_int_equal(walk(NULL, 0, AAEL_TCG2_F_DETECT, &r), 0);
	put_aael(&l, 14, two, "a b c");
	assert_int_equal(walk(l.data, l.size, AAEL_TCG2_F_DETECT, &r), 1);
	assert_false(r.has_header);
	sample(&l);
	assert_int_equal(walk(l.data, l.size, AAEL_TCG2_F_DETECT, &r), 4);
	assert_true(r.has_header);
}

static void malformed_entries_say_why(void **state)
{
	static const uint16_t twice[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA256, 0 };
	static const uint16_t three[] = { AAEL_ALG_SHA1, AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };
	static const uint16_t sha1[] = { AAEL_ALG_SHA1, 0 };
	static const uint16_t none[] = { 0 };
	struct logbuild l = {};
	size_t header;

	(void)state;
	put_header(&l, 0, two);
	header = l.size;
	put_entry(&l, 1, 4, sha1, "x", 1);
	expect_error(&l, 0, "the entry has a digest of an undeclared algorithm");
	l.size = header;
	put_entry(&l, 1, 4, twice, "x", 1);
	expect_error(&l, 0, "the entry has two digests of one algorithm");
	l.size = header;
	put_entry(&l, 1, 4, three, "x", 1);
	expect_error(&l, 0, "the entry has more digests than there are algorithms");
	l.size = header;
	put_entry(&l, 1, 4, none, "x", 1);
	expect_error(&l, 0, "the entry has no digest");
	l.size = header;
	put_entry(&l, 1, 4, one, "xyz", 3);
	l.size--;
	expect_error(&l, 0, "the event reaches past the end");
	l.size = header;
	put_entry(&l, 1, 4, one, "", 0);
	memset(l.data + l.size - 4, 0xff, 4);
	expect_error(&l, 0, "the event reaches past the end");
}

static void malformed_headers_say_why(void **state)
{
	static const uint16_t none[] = { 0 };
	struct logbuild l = {};

	(void)state;
	put_bytes(&l, "\0\0\0\0", 4);
	expect_error(&l, 0, "too short for a header");
	l.size = 0;
	put_entry(&l, 1, 4, two, "x", 1);
	expect_error(&l, 0, "does not begin with an EV_NO_ACTION entry");
	l.size = 0;
	put_header(&l, 0, none);
	expect_error(&l, 0, "the header's algorithm count is not 1 to 16");
	l.size = 0;
	put_header(&l, 0, two);
	l.data[47] = '!';
	expect_error(&l, 0, "the header's signature is not \"Spec ID Event03\"");
	l.data[47] = 0;
	l.data[62] = 33;
	expect_error(&l, 0, "the header gives an algorithm a wrong digest size");
	l.data[62] = 32;
	l.data[68] = 1;
	expect_error(&l, 0, "the header's vendor information is cut off");
	l.data[68] = 0;
	l.data[28]++;
	expect_error(&l, 0, "the header reaches past the end");
	l.data[28] -= 2;
	expect_error(&l, 0, "the header's vendor information is cut off");
}

/* Only a cut between entries is a log. */
static void every_truncation_is_bounded(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;
	size_t ends[8], n = 0;
	struct aael_tcg2_entry e;

	(void)state;
	sample(&l);
	assert_int_equal(aael_tcg2_open(&r, l.data, l.size, 0), 0);
	do {
		ends[n++] = r.pos;
	} while (aael_tcg2_next(&r, &e) > 0);
	for (size_t size = 0; size <= l.size; size++) {
		uint8_t *copy = exact_copy(l.data, size);
		bool whole = false;

		for (size_t i = 0; i < n; i++)
			whole |= ends[i] == size;
		assert_int_equal(walk(copy, size, 0, &r) >= 0, whole);
		if (!whole)
			assert_non_null(r.error.reason);
		walk(copy, size, AAEL_TCG2_F_DETECT | AAEL_TCG2_F_ZERO_ENDS, &r);
		free(copy);
	}
}

static void garbage_is_bounded(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2 r;
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t *copy;

		sample(&l);
		for (int i = 0; i < 3; i++) {
			seed = seed * 1664525 + 1013904223;
			l.data[(seed >> 8) % l.size] = (uint8_t)(seed >> 3);
		}
		copy = exact_copy(l.data, l.size);
		walk(copy, l.size, round % 2 ? AAEL_TCG2_F_DETECT : 0, &r);
		free(copy);
	}
}

static void hexadecimal_is_strict(void **state)
{
	uint8_t out[2];

	(void)state;
	assert_int_equal(aael_hex_decode("0aFf", 4, out, 2), 0);
	assert_int_equal(out[0], 0x0a);
	assert_int_equal(out[1], 0xff);
	assert_int_equal(aael_hex_decode("0aF", 3, out, 2), -EINVAL);
	assert_int_equal(aael_hex_decode("0aFg", 4, out, 2), -EINVAL);
	assert_int_equal(aael_hex_decode("0aFf00", 6, out, 2), -EINVAL);
}

static void algorithms_by_name_and_id(void **state)
{
	(void)state;
	assert_int_equal(aael_alg_by_name("sha384xx", 6)->id, AAEL_ALG_SHA384);
	assert_null(aael_alg_by_name("sha38", 5));
	assert_null(aael_alg_by_name("SHA384", 6));
	assert_int_equal(aael_alg_by_name("sm3_256", 7)->id, AAEL_ALG_SM3);
	assert_string_equal(aael_alg_by_id(AAEL_ALG_SM3)->name, "sm3");
	assert_null(aael_alg_by_id(0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_header_and_entries),
		cmocka_unit_test(entry_digests_are_the_check_vectors),
		cmocka_unit_test(decodes_our_text),
		cmocka_unit_test(end_marks_end_the_log),
		cmocka_unit_test(an_entry_of_register_0_type_0_is_an_end_only_on_demand),
		cmocka_unit_test(headerless_and_detected),
		cmocka_unit_test(malformed_entries_say_why),
		cmocka_unit_test(malformed_headers_say_why),
		cmocka_unit_test(every_truncation_is_bounded),
		cmocka_unit_test(garbage_is_bounded),
		cmocka_unit_test(hexadecimal_is_strict),
		cmocka_unit_test(algorithms_by_name_and_id),
	};

	return cmocka_run_group_tests_name("tcg2", tests, NULL, NULL);
}
