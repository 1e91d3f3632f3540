// SPDX-License-Identifier: Apache-2.0
/* The rules for an event's fields: every boundary, the order, and the words. */
#include <errno.h>

#include "logbuild.h"
#include "uefi.h"

static int check(const char *domain, size_t domain_size, const char *operation,
		 size_t operation_size, const char *content, size_t content_size, const char *field)
{
	char *d = (char *)exact_copy((const uint8_t *)domain, domain_size);
	char *o = (char *)exact_copy((const uint8_t *)operation, operation_size);
	char *c = (char *)exact_copy((const uint8_t *)content, content_size);
	struct aael_event e = { d, domain_size, o, operation_size, c, content_size, 0, 0 };
	const char *said, *why;
	int ret = aael_event_check(&e, &said, &why);

	if (field) {
		assert_string_equal(said, field);
		assert_non_null(why);
	} else {
		assert_null(said);
		assert_null(why);
	}
	free(d);
	free(o);
	free(c);
	return ret;
}

static int check_content(const char *content, size_t size)
{
	return check("d", 1, "o", 1, content, size, NULL);
}

static void sizes(void **state)
{
	static char x[65537];

	(void)state;
	memset(x, 'x', sizeof(x));
	assert_int_equal(check(x, 1, x, 1, x, 1, NULL), 0);
	assert_int_equal(check(x, 255, x, 255, x, 65535, NULL), 0);
	assert_int_equal(check(x, 0, x, 1, x, 1, "domain"), -EINVAL);
	assert_int_equal(check(x, 256, x, 1, x, 1, "domain"), -E2BIG);
	assert_int_equal(check(x, 1, x, 0, x, 1, "operation"), -EINVAL);
	assert_int_equal(check(x, 1, x, 256, x, 1, "operation"), -E2BIG);
	assert_int_equal(check(x, 1, x, 1, x, 0, "content"), -EINVAL);
	assert_int_equal(check(x, 1, x, 1, x, 65536, "content"), -E2BIG);
}

static void words_are_printable_ascii(void **state)
{
	(void)state;
	for (int b = 0; b < 256; b++) {
		char c = (char)b;
		int want = b >= 0x21 && b <= 0x7e ? 0 : -EINVAL;

		assert_int_equal(check(&c, 1, "o", 1, "c", 1, want ? "domain" : NULL), want);
		assert_int_equal(check("d", 1, &c, 1, "c", 1, want ? "operation" : NULL), want);
	}
}

static void content_is_utf8_without_control_characters(void **state)
{
	static const char *const good[] = { " ",
					    "~",
					    "\xc2\xa0",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xc2",
					   "\xc2 ",
					   "\xe0\x9f\xbf",
					   "\xe0\xa0",
					   "\xed\xa0\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xf0\x90\x80",
					   "\xff" };
	static const char *const control[] = {
		"\x01", "\n", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check_content(good[i], strlen(good[i])), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check("d", 1, "o", 1, bad[i], strlen(bad[i]), "content"), -EILSEQ);
	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		assert_int_equal(check("d", 1, "o", 1, control[i], strlen(control[i]), "content"),
				 -EINVAL);
	assert_int_equal(check("d", 1, "o", 1, "", 1, "content"), -EINVAL);
}

static void the_first_wrong_field_is_named(void **state)
{
	(void)state;
	assert_int_equal(check("", 0, "", 0, "\xff", 1, "domain"), -EINVAL);
	assert_int_equal(check("d", 1, "a b", 3, "\xff", 1, "operation"), -EINVAL);
	assert_int_equal(check("d", 1, "o", 1, "\xff\n", 2, "content"), -EILSEQ);
	assert_int_equal(check("d", 1, "o", 1, "\n\xff", 2, "content"), -EINVAL);
}

static bool is_plain(unsigned int c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Every two bytes, next to each other and apart, in texts around the size of a step. */
static void what_is_not_plain_is_seen_wherever_it_stands(void **state)
{
	uint8_t text[17];

	(void)state;
	for (unsigned int i = 0; i < 256 * 256 * 2; i++) {
		unsigned int c = i & 0xff, d = i >> 8 & 0xff, apart = 1 + (i >> 16) * 7;

		for (size_t at = 0; at + apart < sizeof(text); at++) {
			size_t wanted = !is_plain(c)   ? at
					: !is_plain(d) ? at + apart
						       : sizeof(text);

			memset(text, 'x', sizeof(text));
			text[at] = (uint8_t)c;
			text[at + apart] = (uint8_t)d;
			assert_int_equal(text_plain_bytes(text, sizeof(text)), wanted);
		}
	}
	assert_int_equal(text_plain_bytes(text, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(words_are_printable_ascii),
		cmocka_unit_test(content_is_utf8_without_control_characters),
		cmocka_unit_test(the_first_wrong_field_is_named),
		cmocka_unit_test(what_is_not_plain_is_seen_wherever_it_stands),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
