// SPDX-License-Identifier: Apache-2.0
/* An entry as a line for people. */
#include <string.h>

#include "render.h"
#include "uefi.h"

/* No byte of the log reaches a terminal as a control character. */
static void put_escaped(FILE *out, const uint8_t *data, size_t size)
{
	while (size) {
		size_t n = text_utf8_sequence(data, size);

		if (n == 0 || text_is_control(data, n)) {
			fprintf(out, "\\x%02x", data[0]);
			n = 1;
		} else if (*data == '\\') {
			fputs("\\\\", out);
		} else {
			fwrite(data, 1, n, out);
		}
		data += n;
		size -= n;
	}
}

static bool is_plain(const uint8_t *data, size_t size)
{
	while (size) {
		size_t n = text_utf8_sequence(data, size);

		if (n == 0 || text_is_control(data, n))
			return false;
		data += n;
		size -= n;
	}
	return true;
}

/* What the kernel accepted is plain, and then shows exactly as it is. */
static void put_text(FILE *out, const void *data, size_t size)
{
	if (is_plain(data, size))
		fwrite(data, 1, size, out);
	else
		put_escaped(out, data, size);
}

/* The digest of an algorithm that only the header knows may be of any size. */
static void put_hex(FILE *out, const uint8_t *data, size_t size)
{
	char hex[2 * AAEL_TCG2_DIGEST_MAX_BYTES + 1];
	size_t n;

	for (; size; data += n, size -= n) {
		n = size < AAEL_TCG2_DIGEST_MAX_BYTES ? size : AAEL_TCG2_DIGEST_MAX_BYTES;
		aael_hex_encode(data, n, hex);
		fputs(hex, out);
	}
}

void render_digest(FILE *out, const struct aael_tcg2_digest *d)
{
	const struct aael_alg *alg = aael_alg_by_id(d->alg);

	if (alg)
		fprintf(out, "%s:", alg->name);
	else
		fprintf(out, "0x%04x:", d->alg);
	put_hex(out, d->value, d->size);
}

static void put_digests(FILE *out, const struct aael_tcg2_entry *e)
{
	for (uint32_t i = 0; i < e->digest_count; i++) {
		fputc(i ? ',' : ' ', out);
		render_digest(out, &e->digests[i]);
	}
}

static void put_paths(FILE *out, const uint8_t *path, size_t size)
{
	struct text_buf buf = {};

	while (uefi_path_next(&path, &size, &buf) && !buf.failed) {
		fputc(' ', out);
		put_text(out, buf.data, buf.size);
		text_free(&buf);
	}
	text_free(&buf);
}

void render_type(FILE *out, uint32_t type)
{
	const char *name = aael_tcg2_type_name(type);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "EV_UNKNOWN_0x%08x", type);
}

void render_boot_text(FILE *out, const struct aael_tcg2_entry *e)
{
	struct uefi_variable v;
	struct text_buf buf = {};
	const uint8_t *data;
	size_t size;

	if (!uefi_event_string(e, &data, &size)) {
		fputc(' ', out);
		put_text(out, data, size);
	} else if (!uefi_event_variable(e, &v)) {
		text_utf16(&buf, v.name, (size_t)v.name_units);
		fputc(' ', out);
		put_text(out, buf.data ? buf.data : "", buf.size);
		text_free(&buf);
	} else if (!uefi_event_path(e, &data, &size)) {
		put_paths(out, data, size);
	}
}

static void put_other(FILE *out, const struct aael_tcg2_entry *e)
{
	fputc(' ', out);
	render_type(out, e->type);
	render_boot_text(out, e);
}

static void put_own(FILE *out, const struct aael_tcg2_entry *e)
{
	struct aael_text text;

	fputc(' ', out);
	if (!aael_text_decode(e, &text) || text.text)
		put_text(out, text.text, text.text_size);
	else
		put_escaped(out, e->event, e->event_size);
}

void render_line(FILE *out, const struct aael_tcg2_entry *e, uint64_t sequence)
{
	if (sequence)
		fprintf(out, "%llu %u", (unsigned long long)sequence, e->reg);
	else
		fprintf(out, "- %u", e->reg);
	put_digests(out, e);
	if (sequence)
		put_own(out, e);
	else
		put_other(out, e);
}
