// SPDX-License-Identifier: Apache-2.0
/* Parameters of a request target: name=value, joined by '&', both percent-encoded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "libaael.h"

/* @size bytes at @text to @out, which has room for as many. Bytes written, or -EINVAL. */
static ssize_t decode(const char *text, size_t size, char *out)
{
	size_t used = 0;
	uint8_t byte;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '+') {
			out[used++] = ' ';
		} else if (text[i] != '%') {
			out[used++] = text[i];
		} else {
			if (size - i < 3 || aael_hex_decode(text + i + 1, 2, &byte, 1))
				return -EINVAL;
			out[used++] = (char)byte;
			i += 2;
		}
	}
	return (ssize_t)used;
}

/* Is this, decoded, the name? */
static bool is_name(const char *text, size_t size, const char *name)
{
	char *decoded = malloc(size + 1);
	ssize_t n = decoded ? decode(text, size, decoded) : -1;
	bool same = n >= 0 && (size_t)n == strlen(name) && !memcmp(decoded, name, (size_t)n);

	free(decoded);
	return same;
}

int aaeld_query_get(const char *target, const char *name, char **value, size_t *size)
{
	const char *p = target + strcspn(target, "?#"), *found = NULL;
	size_t found_size = 0;
	ssize_t n;

	while (*p == '?' || *p == '&') {
		size_t whole = strcspn(++p, "&#");
		const char *equal = memchr(p, '=', whole);
		size_t name_size = equal ? (size_t)(equal - p) : whole;

		if (is_name(p, name_size, name)) {
			found = p + name_size + (equal ? 1 : 0);
			found_size = whole - name_size - (equal ? 1 : 0);
		}
		p += whole;
	}
	if (!found)
		return -ENOENT;
	*value = malloc(found_size + 1);
	if (!*value)
		return -ENOMEM;
	n = decode(found, found_size, *value);
	if (n < 0) {
		free(*value);
		return (int)n;
	}
	(*value)[n] = '\0';
	*size = (size_t)n;
	return 0;
}
