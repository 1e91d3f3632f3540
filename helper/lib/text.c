// SPDX-License-Identifier: Apache-2.0
/* Growing strings and the encodings that end up in them. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "le.h"
#include "uefi.h"

static bool grow(struct text_buf *buf, size_t more)
{
	size_t room = buf->room ? buf->room : 64;
	char *data;

	if (buf->failed || more >= SIZE_MAX / 2 - buf->size) {
		buf->failed = true;
		return false;
	}
	if (buf->size + more < buf->room)
		return true;
	while (room <= buf->size + more)
		room *= 2;
	data = realloc(buf->data, room);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->room = room;
	return true;
}

void text_append(struct text_buf *buf, const char *data, size_t size)
{
	if (!grow(buf, size))
		return;
	memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	buf->data[buf->size] = '\0';
}

void text_printf(struct text_buf *buf, const char *format, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, format);
	n = vasprintf(&s, format, ap);
	va_end(ap);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	text_append(buf, s, (size_t)n);
	free(s);
}

void text_free(struct text_buf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

static bool in(uint8_t c, uint8_t low, uint8_t high)
{
	return c >= low && c <= high;
}

size_t text_utf8_sequence(const uint8_t *p, size_t size)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (size == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (in(p[0], 0xc2, 0xdf))
		n = 2;
	else if (in(p[0], 0xe0, 0xef))
		n = 3;
	else if (in(p[0], 0xf0, 0xf4))
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (size < n || !in(p[1], low, high))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!in(p[i], 0x80, 0xbf))
			return 0;
	return n;
}

/* Eight bytes at a time; what is no less than 0x80 may spoil its neighbours, and is not plain itself. */
static bool eight_are_plain(const uint8_t *data)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	uint64_t word, quote, backslash;

	memcpy(&word, data, sizeof(word));
	quote = word ^ ones * '"';
	backslash = word ^ ones * '\\';
	/* The top bit of a byte is set where it is so: less than ' ', 0x7f or more, or one of the two. */
	return !(
		(word | (word - ones * ' ') | (word + ones) | (quote - ones) | (backslash - ones)) &
		tops);
}

size_t text_plain_bytes(const uint8_t *data, size_t size)
{
	static const bool plain[256] = {
		[' ' ... '!'] = true,
		['#' ... '['] = true,
		[']' ... '~'] = true,
	};
	size_t n = 0;

	while (size - n >= sizeof(uint64_t) && eight_are_plain(data + n))
		n += sizeof(uint64_t);
	while (n < size && plain[data[n]])
		n++;
	return n;
}

bool text_is_control(const uint8_t *p, size_t n)
{
	return p[0] < 0x20 || p[0] == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

static const char replacement[] = "\xef\xbf\xbd";

void text_utf8(struct text_buf *buf, const uint8_t *data, size_t size)
{
	text_append(buf, "", 0);
	while (size) {
		size_t n = text_utf8_sequence(data, size);

		if (n == 0 || *data == 0) {
			text_append(buf, replacement, 3);
			n = 1;
		} else {
			text_append(buf, (const char *)data, n);
		}
		data += n;
		size -= n;
	}
}

static void append_code_point(struct text_buf *buf, uint32_t c)
{
	char s[4];

	if (c < 0x80) {
		s[0] = (char)c;
		text_append(buf, s, 1);
	} else if (c < 0x800) {
		s[0] = (char)(0xc0 | c >> 6);
		s[1] = (char)(0x80 | (c & 0x3f));
		text_append(buf, s, 2);
	} else if (c < 0x10000) {
		s[0] = (char)(0xe0 | c >> 12);
		s[1] = (char)(0x80 | (c >> 6 & 0x3f));
		s[2] = (char)(0x80 | (c & 0x3f));
		text_append(buf, s, 3);
	} else {
		s[0] = (char)(0xf0 | c >> 18);
		s[1] = (char)(0x80 | (c >> 12 & 0x3f));
		s[2] = (char)(0x80 | (c >> 6 & 0x3f));
		s[3] = (char)(0x80 | (c & 0x3f));
		text_append(buf, s, 4);
	}
}

void text_utf16(struct text_buf *buf, const uint8_t *data, size_t units)
{
	text_append(buf, "", 0);
	for (size_t i = 0; i < units; i++) {
		uint32_t c = get16(data + 2 * i);
		uint32_t next = i + 1 < units ? get16(data + 2 * i + 2) : 0;

		if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
			i++;
		} else if (c == 0 || (c >= 0xd800 && c < 0xe000)) {
			c = 0xfffd;
		}
		append_code_point(buf, c);
	}
}

void text_hex(struct text_buf *buf, const uint8_t *data, size_t size)
{
	if (!grow(buf, 2 * size))
		return;
	aael_hex_encode(data, size, buf->data + buf->size);
	buf->size += 2 * size;
}

void text_base64(struct text_buf *buf, const uint8_t *data, size_t size)
{
	size_t chars = AAEL_BASE64_CHARS(size);

	if (!grow(buf, chars))
		return;
	aael_base64_encode(data, size, buf->data + buf->size);
	buf->size += chars;
}
