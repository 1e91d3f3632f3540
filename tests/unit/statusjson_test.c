// SPDX-License-Identifier: Apache-2.0
/* The keys of aaelctl status --json, which scripts rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

#include "statusjson.h"

static struct aael_info info;

static int setup(void **state)
{
	(void)state;
	info = (struct aael_info){
		.abi_version = 1,
		.state = AAEL_STATE_ENABLED,
		.health = AAEL_HEALTH_DIVERGED,
		.flags = AAEL_INFO_F_BOOT_LOG,
		.index = 17,
		.reg = 14,
		.alg_count = 2,
		.algs = { AAEL_ALG_SHA256, AAEL_ALG_SHA384 },
		.count = 3,
		.bytes = 1000,
		.own_offset = 400,
		.max_log_bytes = 1u << 30,
		.headroom_bytes = 65536,
		.violations = 2,
		.provider = "tpm",
	};
	return 0;
}

static void assert_json(const char *text, const char *want)
{
	cJSON *have_json, *want_json;
	char *have;

	assert_int_equal(aael_status_json(&info, text, text ? strlen(text) : 0, &have), 0);
	have_json = cJSON_Parse(have);
	want_json = cJSON_Parse(want);
	assert_non_null(want_json);
	if (!cJSON_Compare(have_json, want_json, true))
		fail_msg("%s", have);
	cJSON_Delete(have_json);
	cJSON_Delete(want_json);
	free(have);
}

static void what_the_device_tells(void **state)
{
	(void)state;
	assert_json(NULL, "{\"version\":1,\"state\":\"enabled\",\"health\":\"diverged\","
			  "\"platform\":\"tpm\",\"provider\":\"tpm\",\"protected\":true,"
			  "\"banks\":[\"sha256\",\"sha384\"],\"boot_log\":true,\"index\":17,"
			  "\"register\":14,\"resettable\":false,\"count\":3,\"bytes\":1000,"
			  "\"own_bytes\":600,\"max_log_bytes\":1073741824,\"headroom_bytes\":65536,"
			  "\"violations\":2,\"pending\":null,\"details\":null}");
}

static void nothing_there(void **state)
{
	(void)state;
	info = (struct aael_info){ .abi_version = 1, .state = AAEL_STATE_UNSUPPORTED };
	assert_json(NULL, "{\"version\":1,\"state\":\"unsupported\",\"health\":\"consistent\","
			  "\"platform\":\"none\",\"provider\":\"none\",\"protected\":false,"
			  "\"banks\":[],\"boot_log\":false,\"index\":0,\"register\":null,"
			  "\"resettable\":false,\"count\":0,\"bytes\":0,\"own_bytes\":0,"
			  "\"max_log_bytes\":0,\"headroom_bytes\":0,\"violations\":0,"
			  "\"pending\":null,\"details\":null}");
}

static void what_only_some_have(void **state)
{
	char *text;

	(void)state;
	info.flags = AAEL_INFO_F_SOFT | AAEL_INFO_F_RESETTABLE;
	info.pending_sequence = 4;
	strcpy(info.provider, "soft");
	assert_int_equal(aael_status_json(&info, NULL, 0, &text), 0);
	assert_non_null(strstr(text, "\"protected\":\tfalse"));
	assert_non_null(strstr(text, "\"resettable\":\ttrue"));
	assert_non_null(strstr(text, "\"pending\":\t4"));
	free(text);
	memset(info.provider, 'x', sizeof(info.provider));
	assert_int_equal(aael_status_json(&info, NULL, 0, &text), 0);
	assert_non_null(strstr(text, "\"xxxxxxxxxxxxxxxx\""));
	free(text);
}

static void details_are_lists_by_key(void **state)
{
	static const char lines[] = "bank: sha256\nmapping: index 17 is PCR 14: because\n"
				    "bank: \"sha384\"\nnonsense\n: nothing\nempty: \ncut off";
	const cJSON *details;
	cJSON *json, *want;
	char *text;

	(void)state;
	assert_int_equal(aael_status_json(&info, lines, sizeof(lines) - 1, &text), 0);
	json = cJSON_Parse(text);
	details = cJSON_GetObjectItem(json, "details");
	want = cJSON_Parse("{\"bank\":[\"sha256\",\"\\\"sha384\\\"\"],"
			   "\"mapping\":[\"index 17 is PCR 14: because\"],\"empty\":[\"\"]}");
	assert_true(cJSON_Compare(details, want, true));
	cJSON_Delete(want);
	cJSON_Delete(json);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_the_device_tells, setup),
		cmocka_unit_test_setup(nothing_there, setup),
		cmocka_unit_test_setup(what_only_some_have, setup),
		cmocka_unit_test_setup(details_are_lists_by_key, setup),
	};

	return cmocka_run_group_tests_name("statusjson", tests, NULL, NULL);
}
