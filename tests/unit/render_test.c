// SPDX-License-Identifier: Apache-2.0
/* The log as JSON, deep-equal to Trustee's own rendering, and as lines. */
#include <errno.h>
#include <stdbool.h>

#include "logbuild.h"

#include <cJSON.h>

static const uint16_t sha384[] = { AAEL_ALG_SHA384, 0 };
static const uint16_t two[] = { AAEL_ALG_SHA1, AAEL_ALG_SHA256, 0 };

static cJSON *render(const struct logbuild *l, unsigned int flags)
{
	uint8_t *copy = exact_copy(l->data, l->size);
	struct aael_tcg2_error err;
	char *text = NULL;
	cJSON *json;

	assert_int_equal(aael_render_json(copy, l->size, NULL, flags, &text, &err), 0);
	json = cJSON_Parse(text);
	assert_non_null(json);
	free(text);
	free(copy);
	return json;
}

static cJSON *entry(const cJSON *json, int i)
{
	return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "uefi_event_logs"), i);
}

static void assert_json(const cJSON *have, const char *want)
{
	cJSON *json = cJSON_Parse(want);

	assert_non_null(json);
	if (!cJSON_Compare(have, json, true)) {
		print_message("# have %s\n", cJSON_Print(have));
		fail();
	}
	cJSON_Delete(json);
}

static void an_entry_of_ours_is_as_trustee_shows_it(void **state)
{
	struct logbuild l = {};
	cJSON *json;

	(void)state;
	put_header(&l, 1, sha384);
	put_aael(&l, 4, sha384, "coco.com some-operation some-content");
	json = render(&l, 0);
	assert_json(
		json,
		"{\"uefi_event_logs\":[{\"details\":{\"data\":{\"content\":\"some-content\","
		"\"domain\":\"coco.com\",\"operation\":\"some-operation\"},"
		"\"string\":\"coco.com some-operation some-content\",\"unicode_name\":\"AAEL\"},"
		"\"digest_matches_event\":true,\"digests\":[{\"alg\":\"SHA-384\",\"digest\":\""
		"2330183d89750c6a374ac9827d33a33636e7876733544584c8ccc88df0df87ea"
		"da37e5d71d0773502234c2b5fbc7448e\"}],\"event\":\"TEVBQSQAAABjb2NvLmNvbSBzb21l"
		"LW9wZXJhdGlvbiBzb21lLWNvbnRlbnQ=\",\"index\":4,\"type_name\":\"EV_EVENT_TAG\"}]}");
	cJSON_Delete(json);
}

static void content_that_is_json_stays_byte_for_byte(void **state)
{
	struct logbuild l = {};
	struct aael_tcg2_error err;
	char *text;

	(void)state;
	put_aael(&l, 4, sha384, "d o {\"n\": 9007199254740993, \"f\":0.30000000000000004}");
	assert_int_equal(aael_render_json(l.data, l.size, NULL, 0, &text, &err), 0);
	assert_non_null(
		strstr(text, "\"content\":{\"n\": 9007199254740993, \"f\":0.30000000000000004}"));
	free(text);
}

static void content_of_each_kind(void **state)
{
	static const struct {
		const char *content;
		const char *json;
	} cases[] = {
		{ "12", "12" },
		{ "-0.5e-3", "-0.5e-3" },
		{ "true", "true" },
		{ " [1, [], {}, null] ", "[1,[],{},null]" },
		{ "\"a\\u00e9\\ud83d\\ude00\\n\"", "\"a\\u00e9\\ud83d\\ude00\\n\"" },
		{ "01", "\"01\"" },
		{ "1.", "\"1.\"" },
		{ "+1", "\"+1\"" },
		{ "1e999", "\"1e999\"" },
		{ "nul", "\"nul\"" },
		{ "{\"a\":1,}", "\"{\\\"a\\\":1,}\"" },
		{ "{\"a\"}", "\"{\\\"a\\\"}\"" },
		{ "[1 2]", "\"[1 2]\"" },
		{ "\"\\ud800\"", "\"\\\"\\\\ud800\\\"\"" },
		{ "\"\\x\"", "\"\\\"\\\\x\\\"\"" },
		{ "\"open", "\"\\\"open\"" },
		{ "{} x", "\"{} x\"" },
		{ "h\xc3\xa9", "\"h\xc3\xa9\"" },
		{ "h\xc3", "\"h\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct logbuild l = {};
		char text[128];
		cJSON *json, *item;

		snprintf(text, sizeof(text), "d o %s", cases[i].content);
		put_aael(&l, 4, sha384, text);
		json = render(&l, 0);
		item = cJSON_GetObjectItem(entry(json, 0), "details");
		item = cJSON_GetObjectItem(cJSON_GetObjectItem(item, "data"), "content");
		assert_json(item, cases[i].json);
		cJSON_Delete(json);
	}
}

static void deep_content_is_a_string(void **state)
{
	struct logbuild l = {};
	char text[600] = "d o ";
	cJSON *json, *item;

	(void)state;
	memset(text + 4, '[', 128);
	memset(text + 132, ']', 128);
	put_aael(&l, 4, sha384, text);
	text[131] = ' ';
	text[132] = ' ';
	put_aael(&l, 4, sha384, text);
	json = render(&l, 0);
	item = cJSON_GetObjectItem(cJSON_GetObjectItem(entry(json, 0), "details"), "data");
	assert_true(cJSON_IsString(cJSON_GetObjectItem(item, "content")));
	item = cJSON_GetObjectItem(cJSON_GetObjectItem(entry(json, 1), "details"), "data");
	assert_true(cJSON_IsArray(cJSON_GetObjectItem(item, "content")));
	cJSON_Delete(json);
}

static void several_banks_and_a_digest_that_does_not_match(void **state)
{
	struct logbuild l = {};
	cJSON *json;

	(void)state;
	put_header(&l, 0, two);
	put_entry(&l, 7, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	put_entry(&l, 7, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	l.data[l.size - 20] ^= 1;
	put_entry(&l, 23, 0x77, two, "?", 1);
	json = render(&l, AAEL_RENDER_F_PRETTY);
	assert_json(cJSON_GetObjectItem(entry(json, 0), "digests"),
		    "[{\"alg\":\"SHA-1\",\"digest\":\"9069ca78e7450a285173431b3e52c5c25299e473\"},"
		    "{\"alg\":\"SHA-256\",\"digest\":\"df3f619804a92fdb4057192dc43dd748"
		    "ea778adc52bc498ce80524c014b81119\"}]");
	assert_json(cJSON_GetObjectItem(entry(json, 0), "digest_matches_event"), "true");
	assert_json(cJSON_GetObjectItem(entry(json, 1), "digest_matches_event"), "false");
	assert_json(cJSON_GetObjectItem(entry(json, 2), "type_name"), "\"EV_UNKNOWN_0x00000077\"");
	cJSON_Delete(json);
}

/* Register 0, type 0: to Trustee that is the end, and its tokens show nothing behind it. */
static void json_ends_where_trustee_does(void **state)
{
	struct logbuild l = {};
	cJSON *json;

	(void)state;
	put_header(&l, 0, two);
	put_entry(&l, 7, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	put_entry(&l, 0, 0, two, "x", 1);
	put_aael(&l, 14, two, "a b c");
	json = render(&l, 0);
	assert_non_null(entry(json, 0));
	assert_null(entry(json, 1));
	cJSON_Delete(json);
}

static void details_of_malformed_events_are_empty(void **state)
{
	static const uint32_t types[] = { 0x80000001, 0x80000002, 0x80000003, 0x800000e0,
					  0x8000000a, 0x8000000b, 6 };
	struct logbuild l = {};
	uint8_t event[40];
	cJSON *json;

	(void)state;
	memset(event, 0xfe, sizeof(event));
	for (size_t i = 0; i < 7; i++) {
		put_entry(&l, 1, types[i], sha384, event, sizeof(event));
		put_entry(&l, 1, types[i], sha384, event, 0);
	}
	json = render(&l, 0);
	for (int i = 0; i < 14; i++)
		assert_json(cJSON_GetObjectItem(entry(json, i), "details"), "{}");
	cJSON_Delete(json);
}

/* Lengths that end at, just behind and far behind the event, and that overflow when added. */
static void variable_lengths_are_bounded(void **state)
{
	static const struct {
		uint64_t name, data;
		bool fits;
	} cases[] = {
		{ 2, 4, true },
		{ 2, 5, false },
		{ 2, UINT64_MAX, false },
		{ 2, UINT64_MAX - 3, false },
		{ 4, 0, true },
		{ 5, 0, false },
		{ UINT64_MAX / 2 + 1, 0, false },
		{ UINT64_MAX, 2, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const uint8_t guid[16];
		struct logbuild l = {}, event = {};
		cJSON *json, *details;

		put_bytes(&event, guid, 16);
		put_le(&event, cases[i].name, 8);
		put_le(&event, cases[i].data, 8);
		put_bytes(&event, "a\0b\0c\0d\0", 8);
		put_entry(&l, 1, 0x80000001, sha384, event.data, event.size);
		json = render(&l, 0);
		details = cJSON_GetObjectItem(entry(json, 0), "details");
		assert_int_equal(cJSON_HasObjectItem(details, "variable_data"), cases[i].fits);
		cJSON_Delete(json);
	}
}

/* Every prefix of a variable and of a device path, at the end of its own block. */
static void boot_events_of_every_length_are_bounded(void **state)
{
	static const uint8_t load[] = { 1, 2, 3, 4, 5, 6, 7,  8,    0,	  0,	0, 0,  0,   0,
					0, 0, 0, 0, 0, 0, 0,  0,    0,	  0,	0, 0,  0,   0,
					0, 0, 0, 0, 2, 1, 12, 0,    0xd0, 0x41, 3, 10, 0,   0,
					0, 0, 1, 1, 6, 0, 2,  3,    4,	  4,	8, 0,  'a', 0,
					0, 0, 3, 2, 5, 0, 9,  0x7f, 0xff, 4,	0 };
	struct logbuild *l = calloc(1, sizeof(*l));
	cJSON *json;

	(void)state;
	assert_non_null(l);
	for (size_t n = 0; n <= sizeof(load); n++) {
		uint8_t event[sizeof(load)];

		memcpy(event, load, sizeof(load));
		if (n >= 32)
			event[24] = (uint8_t)(n - 32);
		l->size = 0;
		put_entry(l, 1, 0x80000003, sha384, event, n);
		put_entry(l, 1, 0x80000001, sha384, event, n);
		json = render(l, 0);
		if (n == sizeof(load))
			assert_json(cJSON_GetObjectItem(entry(json, 0), "details"),
				    "{\"device_paths\":[\"ACPI(PNP0A03,0)\",\"Pci(2,3)\","
				    "\"File(a)\",\"Path(3,2,09)\"]}");
		cJSON_Delete(json);
	}
	free(l);
}

static char *lines(const struct logbuild *l, bool own, int want)
{
	uint8_t *copy = exact_copy(l->data, l->size);
	const struct aael_filter filter = { .own = own };
	struct aael_tcg2_error err;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(aael_render_entries(copy, l->size, &filter, AAEL_FORM_TEXT, out, &err),
			 want);
	fclose(out);
	free(copy);
	return text;
}

static void lines_are_as_the_kernel_writes_them(void **state)
{
	struct logbuild l = {};
	char *text;

	(void)state;
	put_header(&l, 0, two);
	put_entry(&l, 4, 0x80000007, two, "Calling", 7);
	put_aael(&l, 14, two, "domain operation h\xc3\xa9 \\ {\"a\": 1}");
	text = lines(&l, false, 0);
	assert_string_equal(
		text, "- 4 sha1:91f63fb778fbf778d23c69d5a31e985a9cacf308,"
		      "sha256:74028104c2ae1cf9aa83c007a9b94a1eab33100f94768cbef6446846f0939bc0 "
		      "EV_EFI_ACTION Calling\n"
		      "1 14 sha1:1fb5f54bc1ee41c81ddeaced7a4bffde398d5691,"
		      "sha256:91e1225887ebcb9912da76498b3ebaf983d57eece0876bc51696aac164404f24 "
		      "domain operation h\xc3\xa9 \\ {\"a\": 1}\n");
	free(text);
	text = lines(&l, true, 0);
	assert_memory_equal(text, "1 14 sha1:", 10);
	free(text);
}

/* Only the header knows the algorithm; its digests are longer than those of any other. */
static void long_digests_are_shown_whole(void **state)
{
	struct logbuild l = {};
	char want[2 * 150 + 1], *text;
	const cJSON *item;
	cJSON *json;

	(void)state;
	put_header(&l, 0, sha384);
	l.size -= 5;
	put_le(&l, 0x1234, 2);
	put_le(&l, 150, 2);
	put_le(&l, 0, 1);
	put_le(&l, 7, 4);
	put_le(&l, AAEL_EV_SEPARATOR, 4);
	put_le(&l, 1, 4);
	put_le(&l, 0x1234, 2);
	for (unsigned int i = 0; i < 150; i++) {
		put_le(&l, i, 1);
		snprintf(want + 2 * i, 3, "%02x", i);
	}
	put_le(&l, 0, 4);
	text = lines(&l, false, 0);
	assert_memory_equal(text, "- 7 0x1234:000102", 17);
	assert_non_null(strstr(text, want));
	free(text);
	json = render(&l, 0);
	item = cJSON_GetArrayItem(cJSON_GetObjectItem(entry(json, 0), "digests"), 0);
	assert_string_equal(cJSON_GetObjectItem(item, "alg")->valuestring, "0x1234");
	assert_string_equal(cJSON_GetObjectItem(item, "digest")->valuestring, want);
	cJSON_Delete(json);
}

static void no_control_character_reaches_the_terminal(void **state)
{
	struct logbuild l = {};
	char *text;

	(void)state;
	put_aael(&l, 14, two, "d o \x1b[2J\\\n\xc2\x9b\xff");
	text = lines(&l, false, 0);
	assert_non_null(strstr(text, " d o \\x1b[2J\\\\\\x0a\\xc2\\x9b\\xff\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

static void lines_before_a_malformed_entry_are_written(void **state)
{
	struct logbuild l = {};
	char *text;

	(void)state;
	put_aael(&l, 14, two, "a b c");
	put_aael(&l, 14, two, "d e f");
	l.size--;
	text = lines(&l, false, -EBADMSG);
	assert_non_null(strstr(text, " a b c\n"));
	assert_null(strstr(text, " d e "));
	free(text);
}

static void own_entries_are_copied_as_they_stand(void **state)
{
	struct logbuild l = {}, own = {};
	struct aael_tcg2_error err;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	put_header(&l, 0, two);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	put_aael(&l, 14, two, "a b c");
	put_aael(&own, 14, two, "a b c");
	assert_int_equal(aael_render_own(l.data, l.size, out, &err), 0);
	fclose(out);
	assert_int_equal(size, own.size);
	assert_memory_equal(text, own.data, size);
	free(text);
}

static void real_log(const char *name)
{
	char out_name[64];
	struct aael_tcg2_error err;
	size_t size, want_size;
	uint8_t *log = vector_file(name, &size), *want;
	cJSON *have_json, *want_json;
	char *text;

	if (!log)
		skip();
	snprintf(out_name, sizeof(out_name), "%s_out.json", name);
	want = vector_file(out_name, &want_size);
	assert_int_equal(aael_render_json(log, size, NULL, 0, &text, &err), 0);
	have_json = cJSON_Parse(text);
	want_json = cJSON_Parse((const char *)want);
	assert_non_null(want_json);
	assert_true(cJSON_Compare(have_json, want_json, true));
	cJSON_Delete(have_json);
	cJSON_Delete(want_json);
	free(text);
	free(want);
	free(log);
}

static void real_log_of_ovmf(void **state)
{
	(void)state;
	real_log("ccel/CCEL_data_ovmf");
}

static void real_log_of_grub(void **state)
{
	(void)state;
	real_log("ccel/CCEL_data_grub");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_of_ours_is_as_trustee_shows_it),
		cmocka_unit_test(content_that_is_json_stays_byte_for_byte),
		cmocka_unit_test(content_of_each_kind),
		cmocka_unit_test(deep_content_is_a_string),
		cmocka_unit_test(several_banks_and_a_digest_that_does_not_match),
		cmocka_unit_test(json_ends_where_trustee_does),
		cmocka_unit_test(details_of_malformed_events_are_empty),
		cmocka_unit_test(variable_lengths_are_bounded),
		cmocka_unit_test(boot_events_of_every_length_are_bounded),
		cmocka_unit_test(lines_are_as_the_kernel_writes_them),
		cmocka_unit_test(long_digests_are_shown_whole),
		cmocka_unit_test(no_control_character_reaches_the_terminal),
		cmocka_unit_test(lines_before_a_malformed_entry_are_written),
		cmocka_unit_test(own_entries_are_copied_as_they_stand),
		cmocka_unit_test(real_log_of_ovmf),
		cmocka_unit_test(real_log_of_grub),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
