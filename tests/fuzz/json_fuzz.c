// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as JSON. Text that is taken has nothing of what json.h says is refused, means the
 * same when cJSON has written it anew, and its members are of one type each. Text that is JSON
 * to the recogniser is refused for nothing else.
 */
#include <errno.h>

#include <cJSON.h>

#include "fuzz.h"
#include "json.h"
#include "jsonscan.h"

#define CJSON_NUMBER_MAX_BYTES 63 /* older versions of it end a number there */

static int parse(const void *text, size_t size, cJSON **root, struct aael_json_error *error)
{
	struct bytes copy = exact_copy(text, size);
	int ret = aael_json_parse((const char *)copy.p, size, root, error);

	free(copy.block);
	MUST(ret == 0 || ret == -EBADMSG);
	MUST(!ret == !!*root && !ret == !error->text[0]);
	MUST(error->offset <= size);
	MUST(is_plain(error->text, strlen(error->text)) || strstr(error->text, "twice"));
	return ret;
}

static bool has_long_number(const uint8_t *text, size_t size)
{
	size_t run = 0;

	for (size_t i = 0; i < size && run <= CJSON_NUMBER_MAX_BYTES; i++)
		run = text[i] && strchr("0123456789+-.eE", text[i]) ? run + 1 : 0;
	return run > CJSON_NUMBER_MAX_BYTES;
}

static bool is_documented(const struct aael_json_error *error)
{
	return strstr(error->text, "NUL character") || strstr(error->text, "too deeply") ||
	       strstr(error->text, " values at") || strstr(error->text, "appears twice");
}

static void check_getters(const cJSON *object, const char *name)
{
	struct aael_json_error error;
	const char *string = NULL;
	uint32_t number = 0;
	bool truth;
	int as_string = aael_json_string(object, name, &string, &error);
	int as_bool = aael_json_bool(object, name, &truth, &error);
	int as_number = aael_json_u32(object, name, 0xfffffffe, &number, &error);
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

	MUST(as_string == 0 || as_string == -EINVAL || as_string == -ENOENT);
	MUST((as_string == -ENOENT) == (!member || cJSON_IsNull(member)));
	MUST((as_bool == -ENOENT) == (as_string == -ENOENT));
	MUST((as_number == -ENOENT) == (as_string == -ENOENT));
	MUST(as_string || is_utf8(string, strlen(string)));
	MUST(as_string || as_bool);
	MUST(as_bool || as_number);
	/* A number in a string is its digits. */
	if (!as_number && !as_string)
		MUST(strtoull(string, NULL, 10) == number &&
		     strspn(string, "0123456789") == strlen(string));
	if (!as_number && as_string)
		MUST(cJSON_GetNumberValue(member) == number);
	if (!as_number && number)
		MUST(aael_json_u32(object, name, number - 1, &number, &error) == -EINVAL);
}

/* A string as we write it is read as it was. */
static void check_string(const char *string)
{
	struct aael_json_error error;
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);
	cJSON *root;

	MUST(out);
	aael_json_put_string(out, string);
	MUST(!fclose(out) && !parse(written, size, &root, &error));
	MUST(!strcmp(cJSON_GetStringValue(root), string));
	aael_json_free(root);
	free(written);
}

/* Counts the values. */
static unsigned int check_value(const cJSON *value, unsigned int depth)
{
	unsigned int count = 1;
	const cJSON *child;

	MUST(depth < AAEL_JSON_DEPTH_MAX || !(cJSON_IsArray(value) || cJSON_IsObject(value)));
	if (cJSON_IsString(value))
		check_string(value->valuestring);
	if (aael_json_is_object(value))
		check_getters(value, "no such member");
	cJSON_ArrayForEach(child, value) {
		if (aael_json_is_object(value)) {
			MUST(cJSON_GetObjectItemCaseSensitive(value, child->string) == child);
			check_getters(value, child->string);
		}
		count += check_value(child, depth + 1);
	}
	return count;
}

/* In JSON a backslash stands in strings only. */
static bool has_nul(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size; i += text[i] == '\\' ? 2 : 1)
		if (!text[i] || (size - i >= 6 && !memcmp(text + i, "\\u0000", 6)))
			return true;
	return false;
}

/* cJSON's own text of it is JSON to us, too, and the same. */
static void check_again(const cJSON *root)
{
	char *text = cJSON_PrintUnformatted(root);
	struct aael_json_error error;
	cJSON *again;

	MUST(text && !parse(text, strlen(text), &again, &error));
	MUST(cJSON_Compare(root, again, true));
	aael_json_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes copy = exact_copy(data, size);
	bool strict = aael_jsonscan_valid((const char *)copy.p, size);
	struct aael_json_error error;
	cJSON *root;

	if (!parse(data, size, &root, &error)) {
		MUST(strict && is_utf8(data, size) && !has_nul(data, size));
		MUST(check_value(root, 0) <= AAEL_JSON_VALUES_MAX);
		check_again(root);
	} else if (strict) {
		MUST(is_documented(&error) || has_long_number(data, size));
	}
	aael_json_free(root);
	free(copy.block);
	return 0;
}
