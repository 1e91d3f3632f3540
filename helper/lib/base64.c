// SPDX-License-Identifier: Apache-2.0
/* Base64 as strict as the peers' (Rust): OpenSSL's decoder takes more than one text for the same. */
#include <errno.h>
#include <string.h>

#include "codec.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void aael_base64_encode(const void *data, size_t size, char *out)
{
	const uint8_t *in = data;

	for (; size; in += 3, size -= size < 3 ? size : 3) {
		uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)(size > 1 ? in[1] : 0) << 8 |
				(uint32_t)(size > 2 ? in[2] : 0);

		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = size > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = size > 2 ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
}

static int refuse(struct aael_base64_error *err, size_t offset, const char *reason)
{
	err->offset = offset;
	err->reason = reason;
	return -EBADMSG;
}

static int refuse_character(struct aael_base64_error *err, size_t offset, char c)
{
	if (c == '\n' || c == '\r')
		return refuse(err, offset, "a line break");
	if (c == '-' || c == '_')
		return refuse(err, offset, "a character of the URL-safe alphabet");
	return refuse(err, offset, c == '=' ? "padding before the end" : "not base64");
}

int aael_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size,
		       struct aael_base64_error *err)
{
	size_t chars = size, used = 0;
	uint32_t bits = 0;

	err->offset = 0;
	err->reason = NULL;
	for (int i = 0; i < 2 && size % 4 == 0 && chars && text[chars - 1] == '='; i++)
		chars--;
	for (size_t i = 0; i < chars; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			return refuse_character(err, i, text[i]);
		bits = bits << 6 | (uint32_t)(at - alphabet);
		/* Of four characters the second, third and fourth complete a byte. */
		if (i % 4 && size % 4 == 0)
			out[used++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	if (size % 4)
		return refuse(err, size, "the length is no multiple of four");
	if (chars % 4 && bits & (chars % 4 == 2 ? 15 : 3))
		return refuse(err, chars - 1, "bits that no byte uses");
	*out_size = used;
	return 0;
}
