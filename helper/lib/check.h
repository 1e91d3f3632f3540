/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a log goes wrong: an entry by itself, a log beside another one, a log beside a
 * register. Pure: bytes in, an entry out.
 */
#ifndef AAEL_LIB_CHECK_H
#define AAEL_LIB_CHECK_H

#include "libaael.h"

/* ---- check.c: an entry by itself -------------------------------------------- */

/* Is @d, of a known algorithm, the hash of the entry's event? */
bool aael_check_digest(const struct aael_tcg2_entry *e, const struct aael_tcg2_digest *d);
/*
 * What is wrong with an entry of ours, as a static text behind "entry 3: "; NULL: nothing, or
 * it is not ours. The digest of a foreign extend is not of its text, so that is not looked at.
 */
const char *aael_check_entry(const struct aael_tcg2_entry *e);

/* ---- compare.c: beside another log -------------------------------------------- */

enum aael_diff_kind {
	AAEL_DIFF_SAME,
	AAEL_DIFF_HEADER,  /* the headers differ; the entries were not looked at */
	AAEL_DIFF_ALTERED, /* entry differs from other, in @part */
	AAEL_DIFF_MISSING, /* other is not there, nor are the @count - 1 behind it */
	AAEL_DIFF_EXTRA,   /* entry should not be there, nor the @count - 1 behind it */
	AAEL_DIFF_SWAPPED, /* other and entry stand in each other's place */
	AAEL_DIFF_MOVED,   /* other stands earlier or later */
};

/* An entry and its number among ours, or 0. */
struct aael_diff_entry {
	struct aael_tcg2_entry e;
	uint64_t sequence;
};

/* The first difference. Entries are slices of the logs. */
struct aael_diff {
	enum aael_diff_kind kind;
	struct aael_diff_entry entry; /* as the log has it; SWAPPED: as the other log has it */
	struct aael_diff_entry other; /* as the other log has it */
	uint64_t count;
	bool at_end;	  /* MISSING, EXTRA: one log is the beginning of the other */
	const char *part; /* "register", "type", "digests" or "event" */
};

/*
 * What has been done to @log, if @other is right? Each is read up to its end or its first
 * malformed entry, whichever is first. If one has no header (the file `events`), only our own
 * entries are compared.
 */
void aael_compare_logs(struct aael_diff *diff, const void *log, size_t size, const void *other,
		       size_t other_size);

/* ---- history.c: beside a register ---------------------------------------------- */

/* What a register should hold in one bank, if the log is right. */
struct aael_expected {
	uint32_t reg;
	struct aael_value value;
};

/*
 * The longest part of the log after which @reg holds @value. 1 and *@last, its last entry that
 * extended the register (last->sequence and last->e.size 0: none, it is the start value); 0:
 * the register never held that value, as far as the log can be read.
 */
int aael_history_find(struct aael_diff_entry *last, enum aael_rule rule, const void *log,
		      size_t size, uint32_t reg, const struct aael_value *value);

#endif
