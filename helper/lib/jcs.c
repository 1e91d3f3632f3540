// SPDX-License-Identifier: Apache-2.0
/*
 * Two who write the same value must get the same bytes, so a number that one of them might
 * write or round in another way is refused.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "jcs.h"
#include "json.h"

#define INTEGER_MAX 9007199254740991.0 /* 2^53 - 1 */

/*
 * UTF-8 sorts as code points do. In UTF-16 those from U+10000 on begin with a surrogate, which
 * is less than U+E000 to U+FFFF: bytes EE and EF come after F0 to F4.
 */
static int rank(uint8_t c)
{
	return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int by_name(const void *a, const void *b)
{
	const uint8_t *x = (const uint8_t *)(*(const cJSON *const *)a)->string;
	const uint8_t *y = (const uint8_t *)(*(const cJSON *const *)b)->string;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return rank(*x) - rank(*y);
}

static int put_number(FILE *out, double number)
{
	/* NaN is not equal to itself. */
	if (number != floor(number) || fabs(number) > INTEGER_MAX)
		return -ERANGE;
	fprintf(out, "%" PRId64, (int64_t)number); /* -0 is "0" */
	return 0;
}

static int put_array(FILE *out, const cJSON *array)
{
	const cJSON *item;
	int ret = 0;

	fputc('[', out);
	cJSON_ArrayForEach(item, array) {
		if (item != array->child)
			fputc(',', out);
		ret = aael_jcs_put(out, item);
		if (ret)
			return ret;
	}
	fputc(']', out);
	return 0;
}

static int put_object(FILE *out, const cJSON *object)
{
	size_t count = (size_t)cJSON_GetArraySize(object), n = 0;
	const cJSON **members = calloc(count + 1, sizeof(const cJSON *));
	const cJSON *member;
	int ret = 0;

	if (!members)
		return -ENOMEM;
	cJSON_ArrayForEach(member, object)
		members[n++] = member;
	qsort(members, count, sizeof(const cJSON *), by_name);
	fputc('{', out);
	for (n = 0; !ret && n < count; n++) {
		if (n)
			fputc(',', out);
		aael_json_put_string(out, members[n]->string);
		fputc(':', out);
		ret = aael_jcs_put(out, members[n]);
	}
	fputc('}', out);
	free(members);
	return ret;
}

/* As deep as aael_json_parse() allows. */
int aael_jcs_put(FILE *out, const struct cJSON *value)
{
	if (cJSON_IsObject(value))
		return put_object(out, value);
	if (cJSON_IsArray(value))
		return put_array(out, value);
	if (cJSON_IsNumber(value))
		return put_number(out, value->valuedouble);
	if (cJSON_IsString(value))
		aael_json_put_string(out, value->valuestring);
	else
		fputs(cJSON_IsNull(value) ? "null" : cJSON_IsTrue(value) ? "true" : "false", out);
	return 0;
}
