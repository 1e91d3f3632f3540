// SPDX-License-Identifier: Apache-2.0
/*
 * YAML 1.2, block style. A string is in double quotes, with every character escaped that is
 * not printable in YAML (5.1) or that a reader might take for a line break.
 */
#include <string.h>

#include <cJSON.h>

#include "render.h"
#include "uefi.h"

/* The code point of a well-formed sequence of @n bytes. */
static uint32_t code_point(const uint8_t *p, size_t n)
{
	uint32_t c = n == 1 ? *p : *p & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static bool must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

static void put_quoted(FILE *out, const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t size = strlen(text), n;

	fputc('"', out);
	for (; size; p += n, size -= n) {
		uint32_t c;

		n = text_utf8_sequence(p, size);
		c = n ? code_point(p, n) : 0xfffd;
		n = n ? n : 1;
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", (int)c);
		else if (must_escape(c))
			fprintf(out, "\\u%04x", c);
		else
			fwrite(p, 1, n, out);
	}
	fputc('"', out);
}

static void indent(FILE *out, unsigned int levels)
{
	while (levels--)
		fputs("  ", out);
}

static void put_members(FILE *out, const cJSON *object, unsigned int level, bool indented);

/* Behind "key:" or "-". */
static void put_value(FILE *out, const cJSON *item, unsigned int level)
{
	if (cJSON_IsString(item) || cJSON_IsRaw(item)) {
		fputc(' ', out);
		put_quoted(out, item->valuestring);
	} else if (cJSON_IsNumber(item)) {
		fprintf(out, " %.0f", item->valuedouble);
	} else if (cJSON_IsBool(item)) {
		fputs(cJSON_IsTrue(item) ? " true" : " false", out);
	} else if (cJSON_IsNull(item)) {
		fputs(" null", out);
	} else if (!item->child) {
		fputs(cJSON_IsArray(item) ? " []" : " {}", out);
	} else if (cJSON_IsObject(item)) {
		fputc('\n', out);
		put_members(out, item, level + 1, false);
		return;
	} else {
		fputc('\n', out);
		for (const cJSON *e = item->child; e; e = e->next) {
			indent(out, level + 1);
			fputc('-', out);
			if (cJSON_IsObject(e)) {
				fputc(' ', out);
				put_members(out, e, level + 2, true);
			} else {
				put_value(out, e, level + 1);
			}
		}
		return;
	}
	fputc('\n', out);
}

/* @indented: the first member stands behind what the line has already. */
static void put_members(FILE *out, const cJSON *object, unsigned int level, bool indented)
{
	for (const cJSON *m = object->child; m; m = m->next) {
		if (!indented)
			indent(out, level);
		indented = false;
		fprintf(out, "%s:", m->string);
		put_value(out, m, level);
	}
}

void render_yaml(FILE *out, const cJSON *object)
{
	fputs("- ", out);
	put_members(out, object, 1, true);
}
