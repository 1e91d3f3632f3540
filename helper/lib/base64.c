// SPDX-License-Identifier: Apache-2.0
/* Base64 as strict as the peers' (Rust): OpenSSL's decoder takes more than one text for the same. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "codec.h"

/* Without padding but at the end. */
#define CHUNK_BYTES 768

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The four digits of up to three bytes. */
static void encode_group(const char *digits, const uint8_t *in, size_t size, char out[4])
{
	uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)(size > 1 ? in[1] : 0) << 8 |
			(uint32_t)(size > 2 ? in[2] : 0);

	out[0] = digits[bits >> 18];
	out[1] = digits[bits >> 12 & 63];
	out[2] = size > 1 ? digits[bits >> 6 & 63] : '=';
	out[3] = size > 2 ? digits[bits & 63] : '=';
}

static void encode(const char *digits, const uint8_t *in, size_t size, char *out)
{
	for (; size; in += 3, size -= size < 3 ? size : 3, out += 4)
		encode_group(digits, in, size, out);
	*out = '\0';
}

void aael_base64_encode(const void *data, size_t size, char *out)
{
	encode(alphabet, data, size, out);
}

size_t aael_base64_slice(const void *data, size_t size, size_t at, char *out, size_t room)
{
	size_t all = AAEL_BASE64_CHARS(size), done = 0, in, n;
	const uint8_t *bytes = data;
	char group[4];

	for (; at + done < all && done < room; done += n) {
		in = (at + done) / 4 * 3;
		n = 4 - (at + done) % 4;
		if (n == 4 && room - done >= 4) {
			encode_group(alphabet, bytes + in, size - in, out + done);
			continue;
		}
		encode_group(alphabet, bytes + in, size - in, group);
		n = n < room - done ? n : room - done;
		memcpy(out + done, group + (at + done) % 4, n);
	}
	return done;
}

static void put(FILE *out, const char *digits, const uint8_t *data, size_t size, bool pad)
{
	char text[AAEL_BASE64_CHARS(CHUNK_BYTES) + 1];

	while (size) {
		size_t n = size < CHUNK_BYTES ? size : CHUNK_BYTES;

		encode(digits, data, n, text);
		if (!pad)
			text[strcspn(text, "=")] = '\0';
		fputs(text, out);
		data += n;
		size -= n;
	}
}

void aael_base64_put(FILE *out, const void *data, size_t size)
{
	put(out, alphabet, data, size, true);
}

void aael_base64url_put(FILE *out, const void *data, size_t size)
{
	put(out, url_alphabet, data, size, false);
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

/* The bytes of @chars digits, and the last of their bits; those beyond @room are only counted. */
static int decode(const char *digits, const char *text, size_t chars, uint8_t *out, size_t room,
		  size_t *used, uint32_t *bits, struct aael_base64_error *err)
{
	*used = 0;
	*bits = 0;
	for (size_t i = 0; i < chars; i++) {
		const char *at = text[i] ? strchr(digits, text[i]) : NULL;

		if (!at)
			return refuse_character(err, i, text[i]);
		*bits = *bits << 6 | (uint32_t)(at - digits);
		/* Of four digits the second, third and fourth complete a byte. */
		if (i % 4 && (*used)++ < room)
			out[*used - 1] = (uint8_t)(*bits >> (6 - 2 * (i % 4)));
	}
	return 0;
}

static bool stray_bits(uint32_t bits, size_t chars)
{
	return chars % 4 && bits & (chars % 4 == 2 ? 15 : 3);
}

int aael_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size,
		       struct aael_base64_error *err)
{
	size_t chars = size;
	uint32_t bits;
	int ret;

	err->offset = 0;
	err->reason = NULL;
	for (int i = 0; i < 2 && size % 4 == 0 && chars && text[chars - 1] == '='; i++)
		chars--;
	ret = decode(alphabet, text, chars, out, size / 4 * 3, out_size, &bits, err);
	if (ret)
		return ret;
	if (size % 4)
		return refuse(err, size, "the length is no multiple of four");
	return stray_bits(bits, chars) ? refuse(err, chars - 1, "bits that no byte uses") : 0;
}

int aael_base64url_decode(const char *text, size_t len, uint8_t *out, size_t room, size_t *size)
{
	struct aael_base64_error err;
	uint32_t bits;

	/* One digit more than whole groups is less than a byte. */
	if (len % 4 == 1 || decode(url_alphabet, text, len, out, room, size, &bits, &err) ||
	    stray_bits(bits, len))
		return -EINVAL;
	return *size > room ? -E2BIG : 0;
}
