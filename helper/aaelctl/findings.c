// SPDX-License-Identifier: Apache-2.0
/* Where a log goes wrong, in words; an entry is named by its number among ours, if it is ours. */
#include <string.h>

#include "check.h"
#include "verify.h"

static unsigned long long ull(uint64_t v)
{
	return v;
}

static void print_name(const char *before, const struct aael_tcg2_entry *e, uint64_t sequence)
{
	if (sequence)
		printf("%sentry %llu", before, ull(sequence));
	else
		printf("%sboot entry %llu", before, ull(e->number + 1));
}

static void print_entry(const char *label, const struct aael_diff_entry *entry)
{
	printf("  %s: ", label);
	aael_render_entry(&entry->e, entry->sequence, AAEL_FORM_TEXT, stdout);
}

bool find_wrong_entries(const struct verify_logs *logs)
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
		print_name("", &e, f.sequence);
		printf(": %s\n", wrong);
		found = true;
	}
	return found;
}

/* "entry 3 is missing", "entry 3 and 4 more are missing" */
static void print_several(const struct aael_diff_entry *first, uint64_t count, const char *one,
			  const char *several)
{
	print_name("", &first->e, first->sequence);
	if (count > 1)
		printf(" and %llu more %s", ull(count - 1), several);
	else
		printf(" %s", one);
}

static void print_diff(const struct aael_diff *d, const char *name)
{
	switch (d->kind) {
	case AAEL_DIFF_SAME:
		break;
	case AAEL_DIFF_HEADER:
		printf("the header is not that of %s\n", name);
		break;
	case AAEL_DIFF_ALTERED:
		print_name("", &d->entry.e, d->entry.sequence);
		printf(" is altered (%s), compared with %s\n", d->part, name);
		print_entry("here", &d->entry);
		print_entry("there", &d->other);
		break;
	case AAEL_DIFF_MISSING:
		print_several(&d->other, d->count, "is missing", "are missing");
		printf("%s, compared with %s\n", d->at_end ? " at the end" : "", name);
		print_entry("there", &d->other);
		break;
	case AAEL_DIFF_EXTRA:
		print_several(&d->entry, d->count, "is", "are");
		printf(" extra%s, compared with %s\n", d->at_end ? " at the end" : "", name);
		print_entry("here", &d->entry);
		break;
	case AAEL_DIFF_SWAPPED:
		print_name("", &d->other.e, d->other.sequence);
		print_name(" and ", &d->entry.e, d->entry.sequence);
		printf(" are swapped, compared with %s\n", name);
		print_entry("there", &d->other);
		print_entry("there", &d->entry);
		break;
	case AAEL_DIFF_MOVED:
		print_name("", &d->other.e, d->other.sequence);
		printf(" has been moved, compared with %s\n", name);
		print_entry("there", &d->other);
		break;
	}
}

bool find_difference(const struct verify_logs *logs, const char *name, bool to_end)
{
	struct aael_diff diff;

	if (!logs->other)
		return false;
	aael_compare_logs(&diff, logs->log, logs->size, logs->other, logs->other_size);
	if (diff.kind == AAEL_DIFF_SAME ||
	    (diff.kind == AAEL_DIFF_MISSING && diff.at_end && !to_end))
		return false;
	print_diff(&diff, name);
	return true;
}

void find_in_history(const struct verify_logs *logs, enum aael_rule rule,
		     const struct expected *expected)
{
	struct aael_diff_entry last;

	if (!aael_history_find(&last, rule, logs->log, logs->size, expected->reg, &expected->value))
		return;
	if (last.e.size)
		print_name("  register: as after ", &last.e, last.sequence);
	else
		printf("  register: as before the first entry");
	printf("; nothing behind that is in it\n");
}
