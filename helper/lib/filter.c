// SPDX-License-Identifier: Apache-2.0
/* Which entries of a log are shown, and what number each has among ours. */
#include <errno.h>
#include <string.h>

#include "libaael.h"

static bool only_ours(const struct aael_filter *f)
{
	return f->own || f->domain || f->since || f->tail;
}

static bool of_domain(const struct aael_text *text, const char *domain)
{
	size_t size = strlen(domain);

	return text->domain && text->domain_size == size && !memcmp(text->domain, domain, size);
}

/* All but the tail; counts. */
static bool passes(struct aael_filter *f, const struct aael_tcg2_entry *e)
{
	struct aael_text text;

	f->sequence = 0;
	if (aael_text_decode(e, &text) == -ENOENT)
		return !only_ours(f);
	f->sequence = ++f->count;
	return f->sequence >= f->since && (!f->domain || of_domain(&text, f->domain));
}

void aael_filter_begin(struct aael_filter *f, const struct aael_tcg2 *r)
{
	struct aael_tcg2 ahead = *r;
	struct aael_tcg2_entry e;
	uint64_t passed = 0;

	f->sequence = f->count = f->skip = 0;
	if (!f->tail)
		return;
	while (aael_tcg2_next(&ahead, &e) > 0)
		passed += passes(f, &e);
	f->sequence = f->count = 0;
	f->skip = passed > f->last ? passed - f->last : 0;
}

int aael_filter_next(struct aael_filter *f, struct aael_tcg2 *r, struct aael_tcg2_entry *e)
{
	int ret;

	while ((ret = aael_tcg2_next(r, e)) > 0) {
		if (!passes(f, e))
			continue;
		if (!f->skip)
			break;
		f->skip--;
	}
	return ret;
}
