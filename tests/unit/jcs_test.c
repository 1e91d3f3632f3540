// SPDX-License-Identifier: Apache-2.0
/* Canonical JSON against RFC 8785 and the vector that the evidence rests on. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "jcs.h"
#include "json.h"
#include "libaael.h"

/* *@out to free(). */
static int put(const struct cJSON *value, char **out)
{
	size_t size;
	FILE *f = open_memstream(out, &size);
	int ret;

	assert_non_null(f);
	ret = aael_jcs_put(f, value);
	fclose(f);
	return ret;
}

static int canonical(const char *text, char **out)
{
	struct aael_json_error err;
	struct cJSON *value;
	int ret;

	if (aael_json_parse(text, strlen(text), &value, &err))
		fail_msg("%s: %s", text, err.text);
	ret = put(value, out);
	aael_json_free(value);
	return ret;
}

static void assert_canonical(const char *text, const char *expected)
{
	char *out;

	assert_int_equal(canonical(text, &out), 0);
	assert_string_equal(out, expected);
	free(out);
}

static void the_runtime_data_of_evidence(void **state)
{
	/* RFC 7515, A.3 has the key. */
	static const char expected[] =
		"{\"additional-evidence\":\"\","
		"\"nonce\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\","
		"\"tee-pubkey\":{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\","
		"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}}";
	uint8_t digest[AAEL_DIGEST_MAX_BYTES];
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];

	(void)state;
	assert_canonical("{ \"tee-pubkey\": {\"kty\": \"EC\", \"crv\": \"P-256\",\n"
			 "\"x\": \"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\n"
			 "\"y\": \"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\n"
			 "\"alg\": \"ECDH-ES+A256KW\"},\n"
			 "\"nonce\": \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\n"
			 "\"additional-evidence\": \"\"}\n",
			 expected);
	assert_int_equal(aael_alg_hash(AAEL_ALG_SHA384, expected, strlen(expected), "", 0, digest),
			 48);
	aael_hex_encode(digest, 48, hex);
	assert_string_equal(hex, "dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5"
				 "b1dd9e29fcc1fb9076fb00792c3bb7e7");
}

/* 3.2.2, with integers for its fractions. */
static void rfc8785_primitive_values(void **state)
{
	(void)state;
	assert_canonical(
		"{\n"
		"  \"numbers\": [333333333, 1E3, 4.00, 2e-0, 0.000000000000000000000000000],\n"
		"  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
		"  \"literals\": [null, true, false]\n"
		"}",
		"{\"literals\":[null,true,false],\"numbers\":[333333333,1000,4,2,0],"
		"\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

/* 3.2.3 */
static void rfc8785_sorting(void **state)
{
	(void)state;
	assert_canonical("{\n"
			 "  \"\\u20ac\": \"Euro Sign\",\n"
			 "  \"\\r\": \"Carriage Return\",\n"
			 "  \"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\",\n"
			 "  \"1\": \"One\",\n"
			 "  \"\\ud83d\\ude00\": \"Emoji: Grinning Face\",\n"
			 "  \"\\u0080\": \"Control\",\n"
			 "  \"\\u00f6\": \"Latin Small Letter O With Diaeresis\"\n"
			 "}",
			 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
			 "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
			 "\"\xe2\x82\xac\":\"Euro Sign\","
			 "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
			 "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

static void names_are_sorted_by_utf16_units(void **state)
{
	(void)state;
	assert_canonical("{\"b\":1,\"a\":2,\"\":3,\"aa\":4,\"B\":5,\"10\":6,\"9\":7}",
			 "{\"\":3,\"10\":6,\"9\":7,\"B\":5,\"a\":2,\"aa\":4,\"b\":1}");
	/* U+D7FF, U+10000, U+10FFFF, U+E000, U+EFFF, U+F000, U+FFFF, each behind an x */
	assert_canonical("{\"x\\uffff\":7,\"x\\uf000\":6,\"x\\uefff\":5,\"x\\ue000\":4,"
			 "\"x\\udbff\\udfff\":3,\"x\\ud800\\udc00\":2,\"x\\ud7ff\":1,\"x\":0}",
			 "{\"x\":0,\"x\xed\x9f\xbf\":1,\"x\xf0\x90\x80\x80\":2,"
			 "\"x\xf4\x8f\xbf\xbf\":3,\"x\xee\x80\x80\":4,\"x\xee\xbf\xbf\":5,"
			 "\"x\xef\x80\x80\":6,\"x\xef\xbf\xbf\":7}");
	/* At every depth, and arrays as they are. */
	assert_canonical("[{\"b\":[{\"d\":1,\"c\":2}],\"a\":[3,1,2]}]",
			 "[{\"a\":[3,1,2],\"b\":[{\"c\":2,\"d\":1}]}]");
	assert_canonical("{\"a\":{},\"b\":[],\"c\":[[],{}]}", "{\"a\":{},\"b\":[],\"c\":[[],{}]}");
}

static void only_what_must_be_is_escaped(void **state)
{
	(void)state;
	assert_canonical("\"\\u0001\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u001F \\/\\u007f\\u0080\"",
			 "\"\\u0001\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u001f /\x7f\xc2\x80\"");
	assert_canonical("\"\\u2028\\u2029\\ufeff\\u003c\"",
			 "\"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf<\"");
	assert_canonical("{\"\\u000A\\\"\\\\\":1}", "{\"\\n\\\"\\\\\":1}");
}

static void integers_are_plain(void **state)
{
	(void)state;
	assert_canonical("[0,-0,-0.0,1.0,-1e2,120e-1]", "[0,0,0,1,-100,12]");
	assert_canonical("[9007199254740991,-9007199254740991]",
			 "[9007199254740991,-9007199254740991]");
	assert_canonical("[4294967296,-2147483649,1e15]",
			 "[4294967296,-2147483649,1000000000000000]");
}

static void other_numbers_are_refused(void **state)
{
	static const char *const numbers[] = {
		"9007199254740992",
		"-9007199254740992",
		"9007199254740993",
		"1e21",
		"1e308",
		"-1e308",
		"0.5",
		"4.50",
		"2e-3",
		"1e-300",
		"333333333.33333329",
		"18446744073709551616",
	};
	static const double unusual[] = { NAN, INFINITY, -INFINITY };
	char text[64], *out;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "{\"a\":[%s,1],\"b\":2}", numbers[i]);
		if (canonical(text, &out) != -ERANGE)
			fail_msg("taken: %s as %s", numbers[i], out);
		free(out);
	}
	for (size_t i = 0; i < sizeof(unusual) / sizeof(unusual[0]); i++) {
		struct cJSON *value = cJSON_CreateNumber(unusual[i]);

		assert_int_equal(put(value, &out), -ERANGE);
		free(out);
		cJSON_Delete(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_runtime_data_of_evidence),
		cmocka_unit_test(rfc8785_primitive_values),
		cmocka_unit_test(rfc8785_sorting),
		cmocka_unit_test(names_are_sorted_by_utf16_units),
		cmocka_unit_test(only_what_must_be_is_escaped),
		cmocka_unit_test(integers_are_plain),
		cmocka_unit_test(other_numbers_are_refused),
	};

	return cmocka_run_group_tests_name("jcs", tests, NULL, NULL);
}
