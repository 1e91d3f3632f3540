// SPDX-License-Identifier: Apache-2.0
/* Where a log goes wrong, in words; an entry is named by its number among ours, if it is ours. */
#include <string.h>

#include "verify.h"

static unsigned long long ull(uint64_t v)
{
	return v;
}

static void print_name(FILE *out, const char *before, const struct aael_tcg2_entry *e,
		       uint64_t sequence)
{
	if (sequence)
		fprintf(out, "%sentry %llu", before, ull(sequence));
	else
		fprintf(out, "%sboot entry %llu", before, ull(e->number + 1));
}

static void print_entry(FILE *out, const char *label, const struct aael_diff_entry *entry)
{
	fprintf(out, "  %s: ", label);
	aael_render_entry(&entry->e, entry->sequence, AAEL_FORM_TEXT, out);
}

bool find_wrong_entries(FILE *out, const struct verify_logs *logs)
{
	struct aael_filter f = { .own = true };
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	bool found = false;

	if (aael_tcg2_open(&r, logs->log, logs->size, AAEL_TCG2_F_DETECT))
		return false;
	while (aael_filter_next(&f, &r, &e) > 0) {
		const char *wrong = aael_check_entry(&e);

		if (!wrong)
			continue;
		print_name(out, "", &e, f.sequence);
		fprintf(out, ": %s\n", wrong);
		found = true;
	}
	return found;
}

/* "entry 3 is missing", "entry 3 and 4 more are missing" */
static void print_several(FILE *out, const struct aael_diff_entry *first, uint64_t count,
			  const char *one, const char *several)
{
	print_name(out, "", &first->e, first->sequence);
	if (count > 1)
		fprintf(out, " and %llu more %s", ull(count - 1), several);
	else
		fprintf(out, " %s", one);
}

static void print_diff(FILE *out, const struct aael_diff *d, const char *name)
{
	switch (d->kind) {
	case AAEL_DIFF_SAME:
		break;
	case AAEL_DIFF_HEADER:
		fprintf(out, "the header is not that of %s\n", name);
		break;
	case AAEL_DIFF_ALTERED:
		print_name(out, "", &d->entry.e, d->entry.sequence);
		fprintf(out, " is altered (%s), compared with %s\n", d->part, name);
		print_entry(out, "here", &d->entry);
		print_entry(out, "there", &d->other);
		break;
	case AAEL_DIFF_MISSING:
		print_several(out, &d->other, d->count, "is missing", "are missing");
		fprintf(out, "%s, compared with %s\n", d->at_end ? " at the end" : "", name);
		print_entry(out, "there", &d->other);
		break;
	case AAEL_DIFF_EXTRA:
		print_several(out, &d->entry, d->count, "is", "are");
		fprintf(out, " extra%s, compared with %s\n", d->at_end ? " at the end" : "", name);
		print_entry(out, "here", &d->entry);
		break;
	case AAEL_DIFF_SWAPPED:
		print_name(out, "", &d->other.e, d->other.sequence);
		print_name(out, " and ", &d->entry.e, d->entry.sequence);
		fprintf(out, " are swapped, compared with %s\n", name);
		print_entry(out, "there", &d->other);
		print_entry(out, "there", &d->entry);
		break;
	case AAEL_DIFF_MOVED:
		print_name(out, "", &d->other.e, d->other.sequence);
		fprintf(out, " has been moved, compared with %s\n", name);
		print_entry(out, "there", &d->other);
		break;
	}
}

bool find_difference(FILE *out, const struct verify_logs *logs, const char *name, bool to_end)
{
	struct aael_diff diff;

	if (!logs->other)
		return false;
	aael_compare_logs(&diff, logs->log, logs->size, logs->other, logs->other_size);
	if (diff.kind == AAEL_DIFF_SAME ||
	    (diff.kind == AAEL_DIFF_MISSING && diff.at_end && !to_end))
		return false;
	print_diff(out, &diff, name);
	return true;
}

void find_in_history(FILE *out, const struct verify_logs *logs, enum aael_rule rule,
		     const struct aael_expected *expected)
{
	struct aael_diff_entry last;

	if (!aael_history_find(&last, rule, logs->log, logs->size, expected->reg, &expected->value))
		return;
	if (last.e.size)
		print_name(out, "  register: as after ", &last.e, last.sequence);
	else
		fprintf(out, "  register: as before the first entry");
	fprintf(out, "; nothing behind that is in it\n");
}
