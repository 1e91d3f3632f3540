// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing reaches cJSON that it would read in another way than it was meant: the
 * bytes are scanned first, and the tree is searched for duplicates afterwards.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json.h"
#include "jsonscan.h"
#include "uefi.h"

#define FIELD_MAX_BYTES 48
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

struct scan {
	const char *data;
	size_t size;
	size_t pos;
	unsigned int depth;
	unsigned int values;		 /* at least as many as there are so far */
	size_t string;			 /* where the last string of the outermost object begins */
	char field[FIELD_MAX_BYTES + 1]; /* the member of it that we are in, or "" */
	struct aael_json_error *err;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct aael_json_error *err, int ret,
							const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return ret;
}

static int refuse_at(struct scan *s, size_t offset, const char *why)
{
	s->err->offset = offset;
	return refuse(s->err, -EBADMSG, "%s: %s at byte %zu", s->field[0] ? s->field : "body", why,
		      offset);
}

/* At the opening quote; ends behind the closing one. */
static int scan_string(struct scan *s)
{
	size_t begin = s->pos++, n;

	for (; s->pos < s->size; s->pos += n) {
		const char *p = s->data + s->pos;

		n = text_plain_bytes((const uint8_t *)p, s->size - s->pos);
		if (n)
			continue;
		n = text_utf8_sequence((const uint8_t *)p, s->size - s->pos);
		if (!n)
			return refuse_at(s, s->pos, "text is not well-formed UTF-8");
		if ((uint8_t)*p < 0x20)
			return refuse_at(s, s->pos, *p ? "raw control character" : "NUL byte");
		if (*p == '"') {
			s->pos++;
			return 0;
		}
		if (*p != '\\')
			continue;
		if (s->size - s->pos >= 6 && !memcmp(p, "\\u0000", 6))
			return refuse_at(s, s->pos, "NUL character");
		n = s->size - s->pos < 2 ? 1 : 2;
		if (n == 2 && (uint8_t)p[1] >= 0x7f)
			return refuse_at(s, s->pos, "bad escape");
	}
	return refuse_at(s, begin, "truncated: no end of the string");
}

/* A string followed by a colon, in the outermost object, names the member. */
static void take_field(struct scan *s)
{
	size_t from = s->string + 1, n = 0;

	while (n < FIELD_MAX_BYTES && s->data[from + n] > 0x20 && s->data[from + n] < 0x7f &&
	       s->data[from + n] != '"' && s->data[from + n] != '\\') {
		s->field[n] = s->data[from + n];
		n++;
	}
	s->field[n] = '\0';
}

static int scan_byte(struct scan *s)
{
	uint8_t c = (uint8_t)s->data[s->pos];

	if ((c == '{' || c == '[' || c == ',') && ++s->values >= AAEL_JSON_VALUES_MAX)
		return refuse_at(s, s->pos, "more than " TEXT(AAEL_JSON_VALUES_MAX) " values");
	if (c == '{' || c == '[') {
		if (++s->depth > AAEL_JSON_DEPTH_MAX)
			return refuse_at(s, s->pos, "nested too deeply");
	} else if (c == '}' || c == ']') {
		if (!s->depth--)
			return refuse_at(s, s->pos, "unexpected bracket");
		if (!s->depth)
			s->field[0] = '\0';
	} else if (c == ':' && s->depth == 1 && s->string != SIZE_MAX) {
		take_field(s);
	} else if (c == ',' && s->depth == 1) {
		s->field[0] = '\0';
	} else if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
		return refuse_at(s, s->pos, c ? "control character" : "NUL byte");
	} else if (c >= 0x7f) {
		return refuse_at(s, s->pos, "unexpected character");
	}
	s->pos++;
	return 0;
}

static int scan(struct scan *s)
{
	int ret = 0;

	while (!ret && s->pos < s->size) {
		if (s->data[s->pos] == '"') {
			if (s->depth == 1)
				s->string = s->pos;
			ret = scan_string(s);
		} else {
			ret = scan_byte(s);
		}
	}
	s->field[0] = ret ? s->field[0] : '\0';
	if (!ret && s->depth)
		ret = refuse_at(s, s->size, "truncated: no end of the object");
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The bytes of @name to show: whole characters. */
static int shown_bytes(const char *name)
{
	const uint8_t *p = (const uint8_t *)name;
	size_t size = strlen(name), shown = 0, n;

	while ((n = text_utf8_sequence(p + shown, size - shown)) && shown + n <= FIELD_MAX_BYTES)
		shown += n;
	return (int)shown;
}

static int check_object(const cJSON *object, struct aael_json_error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(object), n = 0;
	const cJSON *member;
	const char **names;
	int ret = 0;

	if (count < 2)
		return 0;
	names = calloc(count, sizeof(*names));
	if (!names)
		return refuse(err, -ENOMEM, "body: no memory");
	cJSON_ArrayForEach(member, object)
		names[n++] = member->string;
	qsort(names, count, sizeof(*names), by_name);
	for (n = 1; !ret && n < count; n++)
		if (!strcmp(names[n - 1], names[n]))
			ret = refuse(err, -EBADMSG, "%.*s: the member appears twice",
				     shown_bytes(names[n]), names[n]);
	free(names);
	return ret;
}

/* As deep as the scan allows. */
static int check_duplicates(const cJSON *value, struct aael_json_error *err)
{
	int ret = cJSON_IsObject(value) ? check_object(value, err) : 0;

	for (const cJSON *child = value->child; !ret && child; child = child->next)
		ret = check_duplicates(child, err);
	return ret;
}

int aael_json_parse(const char *data, size_t size, struct cJSON **root, struct aael_json_error *err)
{
	struct scan s = { .data = data, .size = size, .string = SIZE_MAX, .err = err };
	const char *end = NULL;
	int ret;

	*root = NULL;
	err->offset = 0;
	err->text[0] = '\0';
	if (!size)
		return refuse(err, -EBADMSG, "body: empty, a JSON object is expected");
	ret = scan(&s);
	if (ret)
		return ret;
	*root = cJSON_ParseWithLengthOpts(data, size, &end, 0);
	if (!*root)
		return refuse_at(&s, end ? (size_t)(end - data) : 0, "not JSON");
	while (end < data + size && (*end == ' ' || (*end >= '\t' && *end <= '\r')))
		end++;
	if (end != data + size)
		ret = refuse_at(&s, (size_t)(end - data), "something follows the JSON value");
	else if (!aael_jsonscan_valid(data, size))
		ret = refuse(err, -EBADMSG, "body: not strict JSON (RFC 8259)");
	else
		ret = check_duplicates(*root, err);
	if (ret) {
		cJSON_Delete(*root);
		*root = NULL;
	}
	return ret;
}

void aael_json_free(struct cJSON *root)
{
	cJSON_Delete(root);
}

bool aael_json_is_object(const struct cJSON *value)
{
	return cJSON_IsObject(value);
}

const struct cJSON *aael_json_get(const struct cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int member_of(const cJSON *object, const char *name, const cJSON **out,
		     struct aael_json_error *err)
{
	err->offset = 0;
	*out = cJSON_GetObjectItemCaseSensitive(object, name);
	return !*out || cJSON_IsNull(*out) ? refuse(err, -ENOENT, "%s: the member is missing", name)
					   : 0;
}

int aael_json_string(const struct cJSON *object, const char *name, const char **out,
		     struct aael_json_error *err)
{
	const cJSON *value;
	int ret = member_of(object, name, &value, err);

	if (!ret && !cJSON_IsString(value))
		ret = refuse(err, -EINVAL, "%s: must be a string", name);
	if (!ret)
		*out = value->valuestring;
	return ret;
}

int aael_json_bool(const struct cJSON *object, const char *name, bool *out,
		   struct aael_json_error *err)
{
	const cJSON *value;
	int ret = member_of(object, name, &value, err);

	if (!ret && !cJSON_IsBool(value))
		ret = refuse(err, -EINVAL, "%s: must be true or false", name);
	if (!ret)
		*out = cJSON_IsTrue(value);
	return ret;
}

/* One to ten digits: more cannot be a u32. */
static double digits(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n && n <= 10 && !text[n] ? strtod(text, NULL) : -1;
}

int aael_json_u32(const struct cJSON *object, const char *name, uint32_t max, uint32_t *out,
		  struct aael_json_error *err)
{
	const cJSON *value;
	double number;
	int ret = member_of(object, name, &value, err);

	if (ret)
		return ret;
	if (cJSON_IsNumber(value))
		number = value->valuedouble;
	else if (cJSON_IsString(value))
		number = digits(value->valuestring);
	else
		return refuse(err, -EINVAL, "%s: must be an integer", name);
	if (!(number >= 0 && number <= max) || number != floor(number))
		return refuse(err, -EINVAL, "%s: must be an integer from 0 to %u", name, max);
	*out = (uint32_t)number;
	return 0;
}

void aael_json_put_string(FILE *out, const char *text)
{
	static const char escapes[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};

	fputc('"', out);
	for (; *text; text++) {
		uint8_t c = (uint8_t)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c >= 0x20)
			fputc(c, out);
		else if (escapes[c])
			fprintf(out, "\\%c", escapes[c]);
		else
			fprintf(out, "\\u%04x", c);
	}
	fputc('"', out);
}
