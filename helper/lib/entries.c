// SPDX-License-Identifier: Apache-2.0
/* A log is written entry by entry, so that what stands before a malformed one comes out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "render.h"

/* A content that is JSON may have line breaks between its tokens; a line may not. */
static void put_jsonl(FILE *out, const cJSON *item, int *ret)
{
	char *text = cJSON_PrintUnformatted(item);

	if (!text) {
		*ret = -ENOMEM;
		return;
	}
	for (char *c = text; (c = strpbrk(c, "\r\n")); c++)
		*c = ' ';
	fputs(text, out);
	fputc('\n', out);
	free(text);
}

int aael_render_entry(const struct aael_tcg2_entry *entry, uint64_t sequence, enum aael_form form,
		      FILE *out)
{
	int ret = 0;

	if (form == AAEL_FORM_TEXT) {
		render_line(out, entry, sequence);
		fputc('\n', out);
	} else {
		cJSON *item = render_item(entry, sequence);

		if (!item)
			return -ENOMEM;
		if (form == AAEL_FORM_JSONL)
			put_jsonl(out, item, &ret);
		else
			render_yaml(out, item);
		cJSON_Delete(item);
	}
	return ferror(out) ? -EIO : ret;
}

int aael_render_entries(const void *data, size_t size, const struct aael_filter *filter,
			enum aael_form form, FILE *out, struct aael_tcg2_error *err)
{
	struct aael_filter f = filter ? *filter : (struct aael_filter){};
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	bool any = false;
	int ret = aael_tcg2_open(&r, data, size, AAEL_TCG2_F_DETECT);

	aael_filter_begin(&f, &r);
	while (!ret && (ret = aael_filter_next(&f, &r, &e)) > 0) {
		ret = aael_render_entry(&e, f.sequence, form, out);
		any = true;
	}
	*err = r.error;
	if (!ret && !any && form == AAEL_FORM_YAML)
		fputs("[]\n", out);
	if (!ret && fflush(out))
		ret = -EIO;
	return ret;
}

static const uint8_t *entry_bytes(const struct aael_tcg2_entry *e)
{
	return e->event + e->event_size - e->size;
}

int aael_render_own(const void *data, size_t size, FILE *out, struct aael_tcg2_error *err)
{
	struct aael_filter f = { .own = true };
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	int ret = aael_tcg2_open(&r, data, size, AAEL_TCG2_F_DETECT);

	while (!ret && (ret = aael_filter_next(&f, &r, &e)) > 0) {
		fwrite(entry_bytes(&e), 1, e.size, out);
		ret = ferror(out) ? -EIO : 0;
	}
	*err = r.error;
	if (!ret && fflush(out))
		ret = -EIO;
	return ret;
}
