// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

static struct aael_json_error err;

/* Parses a copy that ends with its last byte, so that ASan sees a read behind it. */
static int parse_bytes(const char *data, size_t size, struct cJSON **root)
{
	char *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, data, size);
	ret = aael_json_parse(copy, size, root, &err);
	free(copy);
	return ret;
}

static int parse(const char *text, struct cJSON **root)
{
	return parse_bytes(text, strlen(text), root);
}

static void assert_taken(const char *text)
{
	struct cJSON *root;

	if (parse(text, &root))
		fail_msg("%s: %s", text, err.text);
	aael_json_free(root);
}

static void assert_refused_bytes(const char *text, size_t size, const char *words)
{
	struct cJSON *root;

	if (parse_bytes(text, size, &root) != -EBADMSG)
		fail_msg("taken: %s", text);
	assert_null(root);
	if (!strstr(err.text, words))
		fail_msg("%s: said \"%s\", not \"%s\"", text, err.text, words);
}

static void assert_refused(const char *text, const char *words)
{
	assert_refused_bytes(text, strlen(text), words);
}

static void takes_json(void **state)
{
	(void)state;
	assert_taken("{}");
	assert_taken(" {\"a\" : [1, 2.5e3, -0, true, null, \"\\u00e9\\n\"]}\r\n");
	assert_taken("{\"a\":{\"a\":1},\"A\":2,\"b\":[{\"a\":1},{\"a\":2}]}");
	assert_taken("\"\\ud83d\\ude00\"");
}

static void refuses_what_cjson_takes(void **state)
{
	(void)state;
	assert_refused("", "body: empty");
	assert_refused("{\"a\":1} x", "body: something follows");
	assert_refused("{\"a\":1}{", "body: ");
	assert_refused("\xef\xbb\xbf{}", "body: unexpected character at byte 0");
	assert_refused("{\"a\":01}", "not");
	assert_refused("{\"a\":1.}", "not");
	assert_refused("{\"a\":+1}", "not");
	assert_refused("{\"a\":\"x\ty\"}", "a: raw control character at byte 7");
	assert_refused("{\"a\":\"x\\u0000y\"}", "a: NUL character at byte 7");
	assert_refused("{\"a\":1,\"b\":2,\"a\":3}", "a: the member appears twice");
	assert_refused("{\"a\":1,\"\\u0061\":3}", "a: the member appears twice");
	assert_refused("{\"x\":[{\"b\":2,\"b\":3}]}", "b: the member appears twice");
}

static void refuses_bytes(void **state)
{
	(void)state;
	assert_refused("{\"content\":\"\xff\"}",
		       "content: text is not well-formed UTF-8 at byte 12");
	assert_refused("{\"content\":\"\xc0\x80\"}", "content: text is not well-formed UTF-8");
	assert_refused("{\"content\":\"\xed\xa0\x80\"}", "content: text is not well-formed UTF-8");
	assert_refused("{\"content\":\"\xe2\x82", "content: text is not well-formed UTF-8");
	assert_refused_bytes("{\"content\":\"a\0b\"}", 17, "content: NUL byte at byte 13");
	assert_refused_bytes("{}\0", 3, "body: NUL byte at byte 2");
	assert_refused("{\"a\":\"\\ud800\"}", "not");
	assert_refused("{\"a\":\"\\x\"}", "not JSON");
}

/* What goes into an answer must be UTF-8 itself, wherever a long name is cut. */
static void long_names_are_cut_between_characters(void **state)
{
	char name[80], text[256];

	(void)state;
	for (size_t pad = 0; pad < 4; pad++) {
		memset(name, 'a', pad);
		name[pad] = '\0';
		for (int i = 0; i < 15; i++)
			strcat(name, "\xf0\x9f\x98\x80");
		snprintf(text, sizeof(text), "{\"%s\":1,\"%s\":2}", name, name);
		assert_refused(text, ": the member appears twice");
		name[pad + (48 - pad) / 4 * 4] = '\0';
		assert_memory_equal(err.text, name, strlen(name));
		assert_int_equal(err.text[strlen(name)], ':');
	}
}

static void refuses_every_truncation(void **state)
{
	static const char whole[] =
		"{\"domain\":\"d\",\"x\":[1,{\"y\":\"\\u00e9\\\\\"}],\"z\":null}";
	struct cJSON *root;

	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++)
		assert_int_equal(parse_bytes(whole, size, &root), -EBADMSG);
	assert_taken(whole);
	assert_refused("{\"domain\":\"test\",\"operation\":\"te", "operation: truncated");
}

static void depth_is_bounded(void **state)
{
	char text[2 * AAEL_JSON_DEPTH_MAX + 3];

	(void)state;
	memset(text, '[', AAEL_JSON_DEPTH_MAX);
	memset(text + AAEL_JSON_DEPTH_MAX, ']', AAEL_JSON_DEPTH_MAX);
	text[2 * AAEL_JSON_DEPTH_MAX] = '\0';
	assert_taken(text);
	memset(text, '[', AAEL_JSON_DEPTH_MAX + 1);
	memset(text + AAEL_JSON_DEPTH_MAX + 1, ']', AAEL_JSON_DEPTH_MAX + 1);
	text[2 * AAEL_JSON_DEPTH_MAX + 2] = '\0';
	assert_refused(text, "nested too deeply at byte 32");
	assert_refused("]", "unexpected bracket");
}

/* @count items in the member "x", which is an array or object: two values more. */
static int parse_items(unsigned int count, bool object, const char *text)
{
	char *body;
	size_t size;
	FILE *f = open_memstream(&body, &size);
	struct cJSON *root;
	int ret;

	fputs(object ? "{\"x\":{" : "{\"x\":[", f);
	for (unsigned int i = 0; i < count; i++) {
		fputs(i ? "," : "", f);
		if (object)
			fprintf(f, "\"%u\":", i);
		fputs(text, f);
	}
	fputs(object ? "}}" : "]}", f);
	fclose(f);
	ret = parse_bytes(body, size, &root);
	aael_json_free(root);
	free(body);
	return ret;
}

static void number_of_values_is_bounded(void **state)
{
	(void)state;
	for (int object = 0; object < 2; object++) {
		assert_int_equal(parse_items(AAEL_JSON_VALUES_MAX - 2, object, "1"), 0);
		assert_int_equal(parse_items(AAEL_JSON_VALUES_MAX - 1, object, "1"), -EBADMSG);
		assert_non_null(strstr(err.text, "x: more than 10000 values at byte "));
	}
	/* Brackets and commas in strings are none. */
	assert_int_equal(parse_items(1000, false, "\",,,,,,,,,,,,[[[[[[{{{{{\""), 0);
}

static void getters_are_typed(void **state)
{
	struct cJSON *root;
	const char *s;
	uint32_t n;
	bool b;

	(void)state;
	assert_int_equal(
		parse("{\"Name\":\"no\",\"s\":\"x\",\"n\":17,\"d\":\"18\",\"t\":true,\"z\":null,"
		      "\"f\":1.5,\"m\":-1,\"big\":4294967296}",
		      &root),
		0);
	assert_int_equal(aael_json_string(root, "s", &s, &err), 0);
	assert_string_equal(s, "x");
	assert_int_equal(aael_json_string(root, "name", &s, &err), -ENOENT);
	assert_string_equal(err.text, "name: the member is missing");
	assert_int_equal(aael_json_string(root, "z", &s, &err), -ENOENT);
	assert_int_equal(aael_json_string(root, "n", &s, &err), -EINVAL);
	assert_string_equal(err.text, "n: must be a string");
	assert_int_equal(aael_json_u32(root, "n", 100, &n, &err), 0);
	assert_int_equal(n, 17);
	assert_int_equal(aael_json_u32(root, "d", 100, &n, &err), 0);
	assert_int_equal(n, 18);
	assert_int_equal(aael_json_u32(root, "n", 16, &n, &err), -EINVAL);
	assert_int_equal(aael_json_u32(root, "f", 100, &n, &err), -EINVAL);
	assert_int_equal(aael_json_u32(root, "m", 100, &n, &err), -EINVAL);
	assert_int_equal(aael_json_u32(root, "big", UINT32_MAX, &n, &err), -EINVAL);
	assert_int_equal(aael_json_u32(root, "s", 100, &n, &err), -EINVAL);
	assert_int_equal(aael_json_u32(root, "t", 100, &n, &err), -EINVAL);
	assert_int_equal(aael_json_bool(root, "t", &b, &err), 0);
	assert_true(b);
	assert_int_equal(aael_json_bool(root, "n", &b, &err), -EINVAL);
	aael_json_free(root);
}

static void strings_are_escaped(void **state)
{
	char *out;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	aael_json_put_string(f, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9");
	fclose(f);
	assert_string_equal(out, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
	assert_taken(out);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_json),
		cmocka_unit_test(refuses_what_cjson_takes),
		cmocka_unit_test(long_names_are_cut_between_characters),
		cmocka_unit_test(refuses_bytes),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(number_of_values_is_bounded),
		cmocka_unit_test(getters_are_typed),
		cmocka_unit_test(strings_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
