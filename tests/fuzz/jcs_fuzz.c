// SPDX-License-Identifier: Apache-2.0
/*
 * Any JSON in its canonical form: it is JSON, means the same, is its own canonical form, and its
 * members are in the order of UTF-16. What is refused has a number that is no exact integer.
 */
#include <errno.h>
#include <math.h>

#include <cJSON.h>

#include "fuzz.h"
#include "jcs.h"
#include "json.h"

#define INTEGER_MAX 9007199254740991.0
#define COMPARED_MAX_BYTES 4096 /* cJSON needs the square of the members */

static int canonical(const cJSON *value, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);
	int ret;

	MUST(out);
	ret = aael_jcs_put(out, value);
	MUST(!fclose(out));
	MUST(ret == 0 || ret == -ERANGE);
	return ret;
}

static bool has_other_number(const cJSON *value)
{
	const cJSON *child;

	if (cJSON_IsNumber(value) &&
	    (rint(value->valuedouble) != value->valuedouble || value->valuedouble > INTEGER_MAX ||
	     value->valuedouble < -INTEGER_MAX))
		return true;
	cJSON_ArrayForEach(child, value)
		if (has_other_number(child))
			return true;
	return false;
}

/* The next unit of @p, which ends with a NUL; *@low is what is left of a pair, or 0. */
static uint32_t next_unit(const uint8_t **p, uint32_t *low)
{
	uint32_t number = *low;

	*low = 0;
	if (number || !**p)
		return number;
	*p += utf8_character(*p, strlen((const char *)*p), &number);
	if (number < 0x10000)
		return number;
	*low = 0xdc00 | (number & 0x3ff);
	return 0xd800 + ((number - 0x10000) >> 10);
}

static bool is_before(const char *a, const char *b)
{
	const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
	uint32_t p_low = 0, q_low = 0, x, y;

	do {
		x = next_unit(&p, &p_low);
		y = next_unit(&q, &q_low);
	} while (x && x == y);
	return x < y;
}

static void check_order(const cJSON *value)
{
	const cJSON *child;

	cJSON_ArrayForEach(child, value) {
		if (cJSON_IsObject(value) && child->next)
			MUST(is_before(child->string, child->next->string));
		check_order(child);
	}
}

/* Behind the backslash: \b\t\n\f\r"\\ or, where there is none for it, \u00xx. */
static void check_escape(const char *text)
{
	static const char digits[] = "0123456789abcdef";

	if (*text != 'u') {
		MUST(strchr("btnfr\"\\", *text));
		return;
	}
	MUST(!strncmp(text, "u000", 4) || !strncmp(text, "u001", 4));
	MUST(strchr(digits, text[4]));
	MUST(text[3] == '1' || !strchr("89acd", text[4]));
}

/* One way to write each token, and nothing between them. */
static void check_tokens(const char *text)
{
	bool inside = false;

	for (; *text; text++) {
		if (*text == '"')
			inside = !inside;
		else if (inside && *text == '\\')
			check_escape(++text);
		else if (!inside)
			MUST(*text > ' ' && strncmp(text, "-0", 2) && !strchr(".E+", *text));
	}
}

static void check_canonical(const cJSON *value, const char *text, size_t size)
{
	struct bytes copy = exact_copy(text, size);
	struct aael_json_error error;
	size_t again_size;
	cJSON *again;
	char *twice;

	MUST(strlen(text) == size);
	MUST(!aael_json_parse((const char *)copy.p, size, &again, &error));
	MUST(size > COMPARED_MAX_BYTES || cJSON_Compare(value, again, true));
	check_order(again);
	check_tokens(text);
	MUST(!canonical(again, &twice, &again_size));
	MUST(!strcmp(twice, text));
	free(twice);
	aael_json_free(again);
	free(copy.block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes copy = exact_copy(data, size);
	struct aael_json_error error;
	size_t text_size;
	cJSON *value;
	char *text;
	int ret;

	if (!aael_json_parse((const char *)copy.p, size, &value, &error)) {
		ret = canonical(value, &text, &text_size);
		MUST(!ret != has_other_number(value));
		if (!ret)
			check_canonical(value, text, text_size);
		free(text);
	}
	aael_json_free(value);
	free(copy.block);
	return 0;
}
