// SPDX-License-Identifier: Apache-2.0
/* Entries as lines of JSON and as YAML. */
#include <errno.h>

#include "logbuild.h"

static const uint16_t sha256[] = { AAEL_ALG_SHA256, 0 };

static char *render(const struct logbuild *l, enum aael_form form, int want)
{
	uint8_t *copy = exact_copy(l->data, l->size);
	struct aael_tcg2_error err;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(aael_render_entries(copy, l->size, NULL, form, out, &err), want);
	fclose(out);
	free(copy);
	return text;
}

static void assert_rendered(const struct logbuild *l, enum aael_form form, const char *want)
{
	char *text = render(l, form, 0);

	assert_string_equal(text, want);
	free(text);
}

#define SEPARATOR_256 "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"

static void lines_of_json_are_numbered_elements(void **state)
{
	struct logbuild l = {};
	char *text, *second;

	(void)state;
	put_header(&l, 0, sha256);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, sha256, "\0\0\0\0", 4);
	put_aael(&l, 14, sha256, "a b {\"c\":\t[1,\r\n2]}");
	text = render(&l, AAEL_FORM_JSONL, 0);
	second = strchr(text, '\n') + 1;
	assert_memory_equal(
		text,
		"{\"sequence\":null,\"details\":{},\"digest_matches_event\":true,\"digests\":"
		"[{\"alg\":\"SHA-256\",\"digest\":\"" SEPARATOR_256 "\"}],"
		"\"event\":\"AAAAAA==\",\"index\":4,\"type_name\":\"EV_SEPARATOR\"}\n",
		second - text);
	assert_memory_equal(second, "{\"sequence\":1,\"details\":{\"string\":", 34);
	/* A line is a line, whatever stands in a content that nobody has checked. */
	assert_non_null(strstr(second, "\"content\":{\"c\":\t[1,  2]}}"));
	assert_string_equal(strchr(second, '\n'), "\n");
	free(text);
}

static void yaml_is_a_sequence_of_the_same(void **state)
{
	struct logbuild l = {};
	char *text, *second;

	(void)state;
	put_header(&l, 0, sha256);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, sha256, "\0\0\0\0", 4);
	put_aael(&l, 14, sha256, "a b {\"c\": 1}");
	text = render(&l, AAEL_FORM_YAML, 0);
	second = strstr(text, "\n- ") + 1;
	assert_memory_equal(text,
			    "- sequence: null\n"
			    "  details: {}\n"
			    "  digest_matches_event: true\n"
			    "  digests:\n"
			    "    - alg: \"SHA-256\"\n"
			    "      digest: \"" SEPARATOR_256 "\"\n"
			    "  event: \"AAAAAA==\"\n"
			    "  index: 4\n"
			    "  type_name: \"EV_SEPARATOR\"\n",
			    second - text);
	assert_memory_equal(second,
			    "- sequence: 1\n"
			    "  details:\n"
			    "    string: \"a b {\\\"c\\\": 1}\"\n"
			    "    unicode_name: \"AAEL\"\n"
			    "    data:\n"
			    "      domain: \"a\"\n"
			    "      operation: \"b\"\n"
			    "      content: \"{\\\"c\\\": 1}\"\n",
			    150);
	free(text);
}

static void yaml_strings_are_printable(void **state)
{
	static const char *const rows[][2] = {
		{ "back\\slash", "back\\\\slash" },
		{ "h\xc3\xa9", "h\xc3\xa9" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\x01\n", "\\u0001\\u000a" },
		{ "\x7f\xc2\x85", "\\u007f\\u0085" },
		{ "\xe2\x80\xa8", "\\u2028" },
		{ "\xef\xbb\xbf\xef\xbf\xbe", "\\ufeff\\ufffe" },
		{ "\xff", "\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct logbuild l = {};
		char entry[32], want[64], *text;

		snprintf(entry, sizeof(entry), "a b %s", rows[i][0]);
		snprintf(want, sizeof(want), "content: \"%s\"\n", rows[i][1]);
		put_aael(&l, 14, sha256, entry);
		text = render(&l, AAEL_FORM_YAML, 0);
		if (!strstr(text, want))
			fail_msg("row %zu is %s", i, text);
		free(text);
	}
}

static void nothing_is_still_that_form(void **state)
{
	const struct logbuild l = {};

	(void)state;
	assert_rendered(&l, AAEL_FORM_TEXT, "");
	assert_rendered(&l, AAEL_FORM_JSONL, "");
	assert_rendered(&l, AAEL_FORM_YAML, "[]\n");
}

static void what_stands_before_a_malformed_entry_is_written(void **state)
{
	struct logbuild l = {};
	char *text;

	(void)state;
	put_aael(&l, 14, sha256, "a b c");
	put_aael(&l, 14, sha256, "a b d");
	l.size--;
	for (enum aael_form form = AAEL_FORM_TEXT; form <= AAEL_FORM_YAML; form++) {
		text = render(&l, form, -EBADMSG);
		assert_non_null(strstr(text, "a b c"));
		assert_null(strstr(text, "a b d"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_json_are_numbered_elements),
		cmocka_unit_test(yaml_is_a_sequence_of_the_same),
		cmocka_unit_test(yaml_strings_are_printable),
		cmocka_unit_test(nothing_is_still_that_form),
		cmocka_unit_test(what_stands_before_a_malformed_entry_is_written),
	};

	return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
