// SPDX-License-Identifier: Apache-2.0
/*
 * Two logs side by side, up to the first entries that differ. Where each of the two stands in
 * the other log tells what was done.
 */
#include <string.h>

#include "check.h"

struct cursor {
	struct aael_tcg2 r;
	struct aael_filter f;
	struct aael_diff_entry at;
	bool ended;
};

static void cursor_step(struct cursor *c)
{
	c->ended = aael_filter_next(&c->f, &c->r, &c->at.e) <= 0;
	c->at.sequence = c->f.sequence;
}

static const uint8_t *bytes_of(const struct aael_tcg2_entry *e)
{
	return e->event + e->event_size - e->size;
}

static bool equal(const struct aael_tcg2_entry *a, const struct aael_tcg2_entry *b)
{
	return a->size == b->size && !memcmp(bytes_of(a), bytes_of(b), a->size);
}

/* How many entries behind the cursor such an entry stands, and *@found; 0: nowhere. */
static uint64_t distance(const struct cursor *from, const struct aael_tcg2_entry *e,
			 struct aael_diff_entry *found)
{
	struct cursor c = *from;

	for (uint64_t n = 1;; n++) {
		cursor_step(&c);
		if (c.ended)
			return 0;
		*found = c.at;
		if (equal(&c.at.e, e))
			return n;
	}
}

static uint64_t left(const struct cursor *from)
{
	struct cursor c = *from;
	uint64_t n = 0;

	for (; !c.ended; cursor_step(&c))
		n++;
	return n;
}

static const char *part_of(const struct aael_tcg2_entry *a, const struct aael_tcg2_entry *b)
{
	if (a->reg != b->reg)
		return "register";
	if (a->type != b->type)
		return "type";
	if (a->event_size != b->event_size || memcmp(a->event, b->event, a->event_size))
		return "event";
	return "digests";
}

static void tell(struct aael_diff *diff, const struct cursor *a, const struct cursor *b)
{
	struct aael_diff_entry of_b, of_a;
	uint64_t in_b = distance(b, &a->at.e, &of_b), in_a = distance(a, &b->at.e, &of_a);

	diff->entry = a->at;
	diff->other = b->at;
	if (!in_a && !in_b) {
		diff->kind = AAEL_DIFF_ALTERED;
		diff->part = part_of(&a->at.e, &b->at.e);
	} else if (!in_a) {
		diff->kind = AAEL_DIFF_MISSING;
		diff->count = in_b;
	} else if (!in_b) {
		diff->kind = AAEL_DIFF_EXTRA;
		diff->count = in_a;
	} else if (in_a == in_b) {
		diff->kind = AAEL_DIFF_SWAPPED;
		diff->entry = of_b;
	} else {
		/* The one that went further; what lies between has only made room. */
		diff->kind = AAEL_DIFF_MOVED;
		diff->other = in_a > in_b ? b->at : of_b;
	}
}

static void tell_end(struct aael_diff *diff, const struct cursor *a, const struct cursor *b)
{
	if (a->ended && b->ended)
		return;
	diff->kind = a->ended ? AAEL_DIFF_MISSING : AAEL_DIFF_EXTRA;
	diff->entry = a->at;
	diff->other = b->at;
	diff->count = a->ended ? left(b) : left(a);
	diff->at_end = true;
}

void aael_compare_logs(struct aael_diff *diff, const void *log, size_t size, const void *other,
		       size_t other_size)
{
	struct cursor a = {}, b = {};

	memset(diff, 0, sizeof(*diff));
	aael_tcg2_open(&a.r, log, size, AAEL_TCG2_F_DETECT);
	aael_tcg2_open(&b.r, other, other_size, AAEL_TCG2_F_DETECT);
	a.f.own = b.f.own = !a.r.has_header || !b.r.has_header;
	if (!a.f.own && (a.r.pos != b.r.pos || memcmp(log, other, a.r.pos))) {
		diff->kind = AAEL_DIFF_HEADER;
		return;
	}
	for (;;) {
		cursor_step(&a);
		cursor_step(&b);
		if (a.ended || b.ended) {
			tell_end(diff, &a, &b);
			return;
		}
		if (!equal(&a.at.e, &b.at.e)) {
			tell(diff, &a, &b);
			return;
		}
	}
}
