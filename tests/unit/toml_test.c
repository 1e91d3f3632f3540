// SPDX-License-Identifier: Apache-2.0
/* The TOML parser as C sees it: types, places, and what it refuses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "toml.h"

static const struct aael_toml_value *member(const struct aael_toml *doc, const char *name)
{
	const struct aael_toml_value *value = aael_toml_get(aael_toml_root(doc), name);

	assert_non_null(value);
	return value;
}

static struct aael_toml *parse(const char *text)
{
	struct aael_toml_error err;
	struct aael_toml *doc;

	if (aael_toml_parse(text, strlen(text), &doc, &err))
		fail_msg("line %lu: %s", err.line, err.text);
	assert_string_equal(err.text, "");
	return doc;
}

static void values_have_one_type(void **state)
{
	struct aael_toml *doc = parse("b = true\ni = -7\ns = 'x'\nt = { u = 1 }\nf = 1.0\n"
				      "d = 2024-01-01\na = [1]\n");
	static const char *const names[] = { "b", "i", "s", "t", "f", "d", "a" };

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		const struct aael_toml_value *v = member(doc, names[n]);
		bool b = false;
		int64_t i = 0;

		assert_int_equal(aael_toml_bool(v, &b), n == 0);
		assert_int_equal(b, n == 0);
		assert_int_equal(aael_toml_integer(v, &i), n == 1);
		assert_int_equal(i, n == 1 ? -7 : 0);
		assert_int_equal(aael_toml_string(v, NULL) != NULL, n == 2);
		assert_int_equal(aael_toml_is_table(v), n == 3);
		assert_int_equal(aael_toml_line(v), n + 1);
	}
	aael_toml_free(doc);
}

static void strings_have_a_length(void **state)
{
	struct aael_toml *doc = parse("a = \"x\\u0000y\"\n\"b.c\" = '''\n\"\"\" z'''\n");
	size_t size = 0;

	(void)state;
	assert_memory_equal(aael_toml_string(member(doc, "a"), &size), "x\0y", 4);
	assert_int_equal(size, 3);
	assert_string_equal(aael_toml_string(member(doc, "b.c"), &size), "\"\"\" z");
	assert_int_equal(size, 5);
	aael_toml_free(doc);
}

static void what_is_not_there_is_null(void **state)
{
	struct aael_toml *doc = parse("a = 1\n");
	const struct aael_toml_value *none = aael_toml_get(aael_toml_root(doc), "b");
	int64_t i;
	bool b;

	(void)state;
	assert_null(none);
	assert_null(aael_toml_get(none, "c"));
	assert_null(aael_toml_get(member(doc, "a"), "c"));
	assert_null(aael_toml_string(none, NULL));
	assert_false(aael_toml_integer(none, &i) || aael_toml_bool(none, &b));
	assert_false(aael_toml_is_table(none));
	assert_int_equal(aael_toml_line(none), 0);
	assert_null(aael_toml_root(NULL));
	aael_toml_free(doc);
	aael_toml_free(NULL);
}

static int collect(void *arg, const char *name, const struct aael_toml_value *value)
{
	strcat(arg, name);
	return aael_toml_is_table(value) ? 5 : 0;
}

static void each_member_until_one_returns(void **state)
{
	struct aael_toml *doc = parse("b = 1\na = 1\nc = {}\nd = 1\n");
	char names[8] = "";

	(void)state;
	assert_int_equal(aael_toml_each(aael_toml_root(doc), collect, names), 5);
	assert_string_equal(names, "abc");
	assert_int_equal(aael_toml_each(member(doc, "a"), collect, names), 0);
	assert_int_equal(aael_toml_each(NULL, collect, names), 0);
	assert_string_equal(names, "abc");
	aael_toml_free(doc);
}

static void what_is_no_toml_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		unsigned long line;
	} cases[] = {
		{ "a = 1\na = 2\n", 12, 2 },
		{ "[a\n", 3, 1 },
		{ "a = 1\nb = \"\xff\"\n", 13, 2 },
		{ "a = 1\n\n\0\n", 9, 3 },
		{ "a = 1 # \0", 9, 1 },
		{ "a = 1 b = 2", 11, 1 },
		/* What only TOML 1.1 has. */
		{ "a = { b = 1, }", 14, 1 },
		{ "a = \"\\e\"", 8, 1 },
		{ "a = { b = 1,\n c = 2 }", 21, 1 },
	};
	struct aael_toml_error err;
	struct aael_toml *doc = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Without a byte behind it that one could read by mistake. */
		char *text = malloc(cases[i].size);

		memcpy(text, cases[i].text, cases[i].size);
		assert_int_equal(aael_toml_parse(text, cases[i].size, &doc, &err), -EINVAL);
		free(text);
		assert_null(doc);
		assert_int_equal(err.line, cases[i].line);
		assert_true(strlen(err.text) > 5);
	}
}

/* What the host hands over ends up in the guest's log, and on a terminal. */
static void what_is_wrong_is_said_in_printable_ascii(void **state)
{
	static const char *const texts[] = { "a = t\x1b[2J",
					     "a = \x7f",
					     "\"\x9b\" = 1",
					     "a = \xc2\x9b",
					     "a = t\xc3\xa9",
					     "a = '\a'",
					     "[a]\n[\xc3\xa9]\n[\xc3\xa9]" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct aael_toml_error err;
		struct aael_toml *doc;

		assert_int_equal(aael_toml_parse(texts[i], strlen(texts[i]), &doc, &err), -EINVAL);
		assert_true(err.text[0]);
		for (const char *c = err.text; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_one_type),
		cmocka_unit_test(strings_have_a_length),
		cmocka_unit_test(what_is_not_there_is_null),
		cmocka_unit_test(each_member_until_one_returns),
		cmocka_unit_test(what_is_no_toml_is_refused_with_its_line),
		cmocka_unit_test(what_is_wrong_is_said_in_printable_ascii),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
