// SPDX-License-Identifier: Apache-2.0
/* Which entry is wrong: by itself, beside another log, beside a register. */
#include "check.h"
#include "logbuild.h"

static const uint16_t two[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };

static struct logbuild right;

/* Boot entry 1 and a log of entries; '1' is "d op 1", and so on. @header: and the boot entry. */
static void build(struct logbuild *l, bool header, const char *entries)
{
	l->size = 0;
	if (header) {
		put_header(l, 0, two);
		put_entry(l, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	}
	for (; *entries; entries++) {
		char text[] = "d op ?";

		text[5] = *entries;
		put_aael(l, 14, two, text);
	}
}

static int setup(void **state)
{
	(void)state;
	build(&right, true, "12345");
	return 0;
}

/* ---- by itself ------------------------------------------------------------------ */

static const char *check_first(const struct logbuild *l)
{
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;

	assert_int_equal(aael_tcg2_open(&r, l->data, l->size, AAEL_TCG2_F_DETECT), 0);
	assert_int_equal(aael_tcg2_next(&r, &e), 1);
	return aael_check_entry(&e);
}

static void an_entry_by_itself(void **state)
{
	struct logbuild l = {};

	(void)state;
	build(&l, false, "1");
	assert_null(check_first(&l));
	l.data[l.size - 1]++;
	assert_string_equal(check_first(&l), "a digest is not that of its event");
	build(&l, false, "1");
	l.data[14]++; /* the first of the two digests */
	assert_string_equal(check_first(&l), "a digest is not that of its event");
	build(&l, false, "1");
	l.data[14 + 32 + 2]++; /* the second */
	assert_string_equal(check_first(&l), "a digest is not that of its event");
	l.size = 0;
	put_aael(&l, 14, two, "two fields");
	assert_string_equal(check_first(&l), "its text has no three fields");
	l.size = 0;
	put_aael(&l, 14, two, "d op a\nb");
	assert_string_equal(check_first(&l), "the kernel would not have logged such a text");
	l.size = 0;
	put_aael(&l, 4, two, "aael foreign-extend {}");
	l.data[14]++;
	assert_null(check_first(&l));
	l.size = 0;
	put_entry(&l, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	l.data[14]++;
	assert_null(check_first(&l));
}

/* ---- beside another log ------------------------------------------------------- */

static struct aael_diff diff;

static void compare(const struct logbuild *l, const struct logbuild *other)
{
	static uint8_t *a, *b;

	/* The entries of the last difference are slices of these. */
	free(a);
	free(b);
	a = exact_copy(l->data, l->size);
	b = exact_copy(other->data, other->size);
	aael_compare_logs(&diff, a, l->size, b, other->size);
}

/* @entry, @other: the numbers that are named, 0 where it says nothing. */
static void assert_diff(const char *entries, enum aael_diff_kind kind, uint64_t entry,
			uint64_t other, uint64_t count)
{
	struct logbuild *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	build(l, true, entries);
	compare(l, &right);
	free(l);
	assert_int_equal(diff.kind, kind);
	if (entry)
		assert_int_equal(diff.entry.sequence, entry);
	if (other)
		assert_int_equal(diff.other.sequence, other);
	assert_int_equal(diff.count, count);
	assert_false(diff.at_end);
}

static void every_single_change_names_its_entry(void **state)
{
	char entries[] = "12345";

	(void)state;
	assert_diff("12345", AAEL_DIFF_SAME, 0, 0, 0);
	for (unsigned int i = 0; i < 5; i++) {
		memcpy(entries, "12345", 6);
		entries[i] = 'x';
		assert_diff(entries, AAEL_DIFF_ALTERED, i + 1, i + 1, 0);
		assert_string_equal(diff.part, "event");
	}
	for (unsigned int i = 0; i < 4; i++) {
		memcpy(entries, "12345", 6);
		memmove(entries + i, entries + i + 1, 5 - i);
		assert_diff(entries, AAEL_DIFF_MISSING, 0, i + 1, 1);
	}
	for (unsigned int i = 0; i < 5; i++) {
		char more[] = "12345\0";

		memmove(more + i + 1, more + i, 5 - i);
		more[i] = 'x';
		assert_diff(more, AAEL_DIFF_EXTRA, i + 1, 0, 1);
	}
	for (unsigned int i = 0; i < 5; i++)
		for (unsigned int j = i + 1; j < 5; j++) {
			memcpy(entries, "12345", 6);
			entries[i] = (char)('1' + j);
			entries[j] = (char)('1' + i);
			assert_diff(entries, AAEL_DIFF_SWAPPED, j + 1, i + 1, 0);
		}
}

static void several_entries(void **state)
{
	(void)state;
	assert_diff("145", AAEL_DIFF_MISSING, 0, 2, 2);
	assert_diff("1xy2345", AAEL_DIFF_EXTRA, 2, 0, 2);
	assert_diff("23415", AAEL_DIFF_MOVED, 0, 1, 0);
	assert_diff("14235", AAEL_DIFF_MOVED, 0, 4, 0);
}

static void one_is_the_beginning_of_the_other(void **state)
{
	struct logbuild l;

	(void)state;
	build(&l, true, "123");
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_MISSING);
	assert_int_equal(diff.other.sequence, 4);
	assert_int_equal(diff.count, 2);
	assert_true(diff.at_end);
	build(&l, true, "1234567");
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_EXTRA);
	assert_int_equal(diff.entry.sequence, 6);
	assert_int_equal(diff.count, 2);
	assert_true(diff.at_end);
}

static void what_is_altered(void **state)
{
	static const struct {
		size_t at;
		const char *part;
	} rows[] = { { 0, "register" }, { 4, "type" }, { 14, "digests" }, { 48, "digests" } };
	struct logbuild l = right, one = {};

	(void)state;
	build(&one, false, "5");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		l = right;
		l.data[l.size - one.size + rows[i].at]++;
		compare(&l, &right);
		assert_int_equal(diff.kind, AAEL_DIFF_ALTERED);
		assert_string_equal(diff.part, rows[i].part);
		assert_int_equal(diff.entry.e.number, 5);
	}
}

static void boot_entries_and_headers_count(void **state)
{
	struct logbuild l = right;

	(void)state;
	l.data[48]++; /* the platform class */
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_HEADER);
	l.size = 0;
	put_header(&l, 0, two);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\1", 4);
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_ALTERED);
	assert_int_equal(diff.entry.sequence, 0);
	assert_int_equal(diff.entry.e.number, 0);
}

static void without_header_only_ours_count(void **state)
{
	struct logbuild l;

	(void)state;
	build(&l, false, "12345");
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_SAME);
	compare(&right, &l);
	assert_int_equal(diff.kind, AAEL_DIFF_SAME);
	build(&l, false, "1245");
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_MISSING);
	assert_int_equal(diff.other.sequence, 3);
	compare(&right, &l);
	assert_int_equal(diff.kind, AAEL_DIFF_EXTRA);
	assert_int_equal(diff.entry.sequence, 3);
}

static void a_malformed_entry_ends_a_log(void **state)
{
	struct logbuild l = right;

	(void)state;
	l.size--;
	compare(&l, &right);
	assert_int_equal(diff.kind, AAEL_DIFF_MISSING);
	assert_int_equal(diff.other.sequence, 5);
	assert_true(diff.at_end);
}

/* ---- beside a register ---------------------------------------------------------- */

static void value_after(const char *entries, struct aael_value *v)
{
	static struct aael_replay replay;
	struct aael_tcg2_error err;
	struct logbuild l;

	build(&l, true, entries);
	assert_int_equal(aael_replay_log(&replay, AAEL_RULE_HARDWARE, l.data, l.size, &err), 0);
	v->alg = AAEL_ALG_SHA384;
	v->size = 48;
	memcpy(v->value, aael_replay_value(&replay, 14, v->alg), 48);
}

static int find(const struct aael_value *v, struct aael_diff_entry *last)
{
	return aael_history_find(last, AAEL_RULE_HARDWARE, right.data, right.size, 14, v);
}

static void a_register_that_stands_earlier(void **state)
{
	struct aael_diff_entry last;
	struct aael_value v;

	(void)state;
	value_after("123", &v);
	assert_int_equal(find(&v, &last), 1);
	assert_int_equal(last.sequence, 3);
	value_after("12345", &v);
	assert_int_equal(find(&v, &last), 1);
	assert_int_equal(last.sequence, 5);
	value_after("", &v);
	assert_int_equal(find(&v, &last), 1);
	assert_int_equal(last.e.size, 0);
	value_after("1235", &v);
	assert_int_equal(find(&v, &last), 0);
	v.size = 32;
	assert_int_equal(find(&v, &last), 0);
	v.alg = 0x7777;
	assert_int_equal(find(&v, &last), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_by_itself),
		cmocka_unit_test_setup(every_single_change_names_its_entry, setup),
		cmocka_unit_test_setup(several_entries, setup),
		cmocka_unit_test_setup(one_is_the_beginning_of_the_other, setup),
		cmocka_unit_test_setup(what_is_altered, setup),
		cmocka_unit_test_setup(boot_entries_and_headers_count, setup),
		cmocka_unit_test_setup(without_header_only_ours_count, setup),
		cmocka_unit_test_setup(a_malformed_entry_ends_a_log, setup),
		cmocka_unit_test_setup(a_register_that_stands_earlier, setup),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
