// SPDX-License-Identifier: Apache-2.0
/* No byte of a log reaches a browser as markup, nor as a character that hides or moves others. */
#include <stdint.h>
#include <string.h>

#include "html.h"
#include "uefi.h"

/* Unicode: default ignorable, bidirectional controls, line and paragraph separator; by code. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0xad, 0xad },	      { 0x34f, 0x34f },	  { 0x61c, 0x61c },	{ 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f }, { 0x200b, 0x200f },	{ 0x2028, 0x202e },
	{ 0x2060, 0x206f },   { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static uint32_t code_point(const uint8_t *p, size_t n)
{
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static int is_unseen(uint32_t c)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (c >= unseen[i].first && c <= unseen[i].last)
			return 1;
	return 0;
}

static const char *reference(uint8_t c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_put(FILE *out, const void *text, size_t size)
{
	const uint8_t *p = text;

	while (size) {
		size_t n = text_utf8_sequence(p, size);

		if (n == 0 || text_is_control(p, n)) {
			/* Both bytes of a C1 control. */
			for (size_t i = 0; i < (n ? n : 1); i++)
				fprintf(out, "\\x%02x", p[i]);
			n = n ? n : 1;
		} else if (is_unseen(code_point(p, n))) {
			fprintf(out, "\u27e8U+%04X\u27e9", (unsigned int)code_point(p, n));
		} else if (reference(*p)) {
			fputs(reference(*p), out);
		} else {
			fwrite(p, 1, n, out);
		}
		p += n;
		size -= n;
	}
}

void html_put_lines(FILE *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		html_put(out, text, n);
		text += n;
		if (*text) {
			fputc('\n', out);
			text++;
		}
	}
}
