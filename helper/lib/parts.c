// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "parts.h"

static size_t size_of(const struct aael_part *part)
{
	return part->base64 ? AAEL_BASE64_CHARS(part->size) : part->size;
}

static size_t read_part(const struct aael_part *part, size_t at, char *out, size_t room)
{
	size_t n = size_of(part) - at;

	if (part->base64)
		return aael_base64_slice(part->data, part->size, at, out, room);
	n = n < room ? n : room;
	memcpy(out, (const char *)part->data + at, n);
	return n;
}

size_t aael_parts_size(const struct aael_part *parts, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += size_of(&parts[i]);
	return size;
}

size_t aael_parts_read(const struct aael_part *parts, size_t count, size_t at, char *out,
		       size_t room)
{
	size_t done = 0;

	for (size_t i = 0; i < count && done < room; i++) {
		size_t size = size_of(&parts[i]), n = 0;

		if (at < size)
			n = read_part(&parts[i], at, out + done, room - done);
		done += n;
		at = at < size ? 0 : at - size;
	}
	return done;
}

char *aael_parts_text(const struct aael_part *parts, size_t count, size_t *size)
{
	char *text;

	*size = aael_parts_size(parts, count);
	text = malloc(*size + 1);
	if (!text)
		return NULL;
	aael_parts_read(parts, count, 0, text, *size);
	text[*size] = '\0';
	return text;
}
