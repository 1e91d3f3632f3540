// SPDX-License-Identifier: Apache-2.0
/* Which entries a filter lets pass, and the numbers that they keep. */
#include <errno.h>

#include "logbuild.h"

static const uint16_t sha256[] = { AAEL_ALG_SHA256, 0 };
static struct logbuild l;

static int setup(void **state)
{
	(void)state;
	l.size = 0;
	put_header(&l, 0, sha256);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, sha256, "\0\0\0\0", 4);
	put_aael(&l, 14, sha256, "a op 1");
	put_aael(&l, 14, sha256, "b op 2");
	put_aael(&l, 14, sha256, "a op 3");
	put_aael(&l, 14, sha256, "ab op 4");
	put_aael(&l, 14, sha256, "a op 5");
	return 0;
}

/* The numbers of what passes, as digits. */
static void assert_passes(struct aael_filter f, const char *want)
{
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	char have[16] = "";
	size_t n = 0;

	assert_int_equal(aael_tcg2_open(&r, l.data, l.size, 0), 0);
	aael_filter_begin(&f, &r);
	while (aael_filter_next(&f, &r, &e) > 0 && n < sizeof(have) - 1)
		have[n++] = (char)('0' + f.sequence);
	assert_string_equal(have, want);
}

#define PASSES(want, ...) assert_passes((struct aael_filter){ __VA_ARGS__ }, want)

static void without_members_everything_passes(void **state)
{
	(void)state;
	PASSES("012345", .own = false);
	PASSES("12345", .own = true);
}

static void a_domain_is_compared_whole(void **state)
{
	(void)state;
	PASSES("135", .domain = "a");
	PASSES("4", .domain = "ab");
	PASSES("", .domain = "abc");
	PASSES("", .domain = "");
}

static void since_names_the_first(void **state)
{
	(void)state;
	PASSES("12345", .since = 1);
	PASSES("45", .since = 4);
	PASSES("", .since = 6);
}

static void the_last_are_counted_among_what_passes(void **state)
{
	(void)state;
	PASSES("45", .tail = true, .last = 2);
	PASSES("", .tail = true, .last = 0);
	PASSES("12345", .tail = true, .last = 9);
	PASSES("35", .tail = true, .last = 2, .domain = "a");
	PASSES("5", .tail = true, .last = 2, .domain = "a", .since = 4);
}

/* tail -f: what comes later is shown, whatever was left out before. */
static void what_comes_later_passes(void **state)
{
	struct aael_filter f = { .tail = true, .last = 1, .domain = "a" };
	size_t before = l.size;
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;

	(void)state;
	assert_int_equal(aael_tcg2_open(&r, l.data, before, 0), 0);
	aael_filter_begin(&f, &r);
	assert_int_equal(aael_filter_next(&f, &r, &e), 1);
	assert_int_equal(f.sequence, 5);
	assert_int_equal(aael_filter_next(&f, &r, &e), 0);
	put_aael(&l, 14, sha256, "b op 6");
	put_aael(&l, 14, sha256, "a op 7");
	r.size = l.size;
	assert_int_equal(aael_filter_next(&f, &r, &e), 1);
	assert_int_equal(f.sequence, 7);
}

static void a_malformed_entry_is_the_end(void **state)
{
	struct aael_filter f = { .tail = true, .last = 1 };
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;

	(void)state;
	assert_int_equal(aael_tcg2_open(&r, l.data, l.size - 1, 0), 0);
	aael_filter_begin(&f, &r);
	assert_int_equal(aael_filter_next(&f, &r, &e), 1);
	assert_int_equal(f.sequence, 4);
	assert_int_equal(aael_filter_next(&f, &r, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_members_everything_passes, setup),
		cmocka_unit_test_setup(a_domain_is_compared_whole, setup),
		cmocka_unit_test_setup(since_names_the_first, setup),
		cmocka_unit_test_setup(the_last_are_counted_among_what_passes, setup),
		cmocka_unit_test_setup(what_comes_later_passes, setup),
		cmocka_unit_test_setup(a_malformed_entry_is_the_end, setup),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
