// SPDX-License-Identifier: Apache-2.0
/*
 * A recogniser for JSON: it builds nothing, so that what it accepts can be
 * embedded byte for byte, numbers of any length included.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jsonscan.h"
#include "uefi.h"

struct scan {
	const char *p;
	const char *end;
	unsigned int depth;
	const char *name; /* of the member of the outermost object that is looked for, or NULL */
	const char *found;
	size_t found_size;
	unsigned int times;
};

static bool value(struct scan *s);

static void space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool eat(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool word(struct scan *s, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, w, n))
		return false;
	s->p += n;
	return true;
}

static bool digits(struct scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > start;
}

/* Copied, because strtod() wants a NUL and the input has none. */
static bool is_finite(const char *start, const char *end)
{
	char *copy = strndup(start, (size_t)(end - start));
	bool finite = copy && isfinite(strtod(copy, NULL));

	free(copy);
	return finite;
}

static bool number(struct scan *s)
{
	const char *start = s->p;

	eat(s, '-');
	if (!eat(s, '0') && !digits(s))
		return false;
	if (eat(s, '.') && !digits(s))
		return false;
	if (eat(s, 'e') || eat(s, 'E')) {
		if (!eat(s, '+'))
			eat(s, '-');
		if (!digits(s))
			return false;
	}
	return is_finite(start, s->p);
}

static bool hex4(struct scan *s, unsigned int *unit)
{
	uint8_t bytes[2];

	if (s->end - s->p < 4 || aael_hex_decode(s->p, 4, bytes, 2))
		return false;
	*unit = (unsigned int)(bytes[0] << 8 | bytes[1]);
	s->p += 4;
	return true;
}

static bool escape(struct scan *s)
{
	unsigned int unit;

	if (s->p == s->end)
		return false;
	if (*s->p != 'u')
		return *s->p && strchr("\"\\/bfnrt", *s->p++);
	s->p++;
	if (!hex4(s, &unit) || (unit >= 0xdc00 && unit < 0xe000))
		return false;
	if (unit < 0xd800 || unit >= 0xdc00)
		return true;
	return eat(s, '\\') && eat(s, 'u') && hex4(s, &unit) && unit >= 0xdc00 && unit < 0xe000;
}

static bool string(struct scan *s)
{
	if (!eat(s, '"'))
		return false;
	while (s->p < s->end) {
		size_t n;

		s->p += text_plain_bytes((const uint8_t *)s->p, (size_t)(s->end - s->p));
		n = text_utf8_sequence((const uint8_t *)s->p, (size_t)(s->end - s->p));
		if (n == 0 || (unsigned char)*s->p < 0x20)
			return false;
		if (eat(s, '"'))
			return true;
		if (eat(s, '\\')) {
			if (!escape(s))
				return false;
			continue;
		}
		s->p += n;
	}
	return false;
}

/* @key begins with its quote, the value has just been scanned. */
static void take(struct scan *s, const char *key, const char *begin)
{
	size_t n;

	if (!s->name || s->depth != 1)
		return;
	/* Quote, name, quote, colon */
	n = strlen(s->name);
	if ((size_t)(begin - key) < n + 3 || memcmp(key + 1, s->name, n) || key[n + 1] != '"')
		return;
	s->found = begin;
	s->found_size = (size_t)(s->p - begin);
	s->times++;
}

/* The inside of an object or array, which ends with @close. */
static bool members(struct scan *s, char close)
{
	const char *key = NULL, *begin;

	space(s);
	if (eat(s, close))
		return true;
	do {
		space(s);
		if (close == '}') {
			key = s->p;
			if (!string(s))
				return false;
			space(s);
			if (!eat(s, ':'))
				return false;
		}
		space(s);
		begin = s->p;
		if (!value(s))
			return false;
		if (key)
			take(s, key, begin);
		space(s);
	} while (eat(s, ','));
	return eat(s, close);
}

static bool nested(struct scan *s, char close)
{
	bool ok;

	if (s->depth == JSONSCAN_DEPTH_MAX)
		return false;
	s->depth++;
	ok = members(s, close);
	s->depth--;
	return ok;
}

static bool value(struct scan *s)
{
	space(s);
	if (s->p == s->end)
		return false;
	switch (*s->p) {
	case '{':
		s->p++;
		return nested(s, '}');
	case '[':
		s->p++;
		return nested(s, ']');
	case '"':
		return string(s);
	case 't':
		return word(s, "true");
	case 'f':
		return word(s, "false");
	case 'n':
		return word(s, "null");
	default:
		return number(s);
	}
}

static bool whole(struct scan *s)
{
	if (!value(s))
		return false;
	space(s);
	return s->p == s->end;
}

bool aael_jsonscan_valid(const char *text, size_t size)
{
	struct scan s = { .p = text, .end = text + size };

	return whole(&s);
}

bool aael_jsonscan_member(const char *text, size_t size, const char *name, const char **found,
			  size_t *found_size)
{
	struct scan s = { .p = text, .end = text + size, .name = name };

	if (!whole(&s) || s.times != 1)
		return false;
	*found = s.found;
	*found_size = s.found_size;
	return true;
}
