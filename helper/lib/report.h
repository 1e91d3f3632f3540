/* SPDX-License-Identifier: Apache-2.0 */
/* A log as one page of HTML for people: see Documentation/aaelctl.md. */
#ifndef AAEL_LIB_REPORT_H
#define AAEL_LIB_REPORT_H

#include "check.h"

enum aael_report_verdict {
	AAEL_REPORT_VERIFIED,	/* the log replays to every expected value, no entry is wrong */
	AAEL_REPORT_WRONG,	/* it does not, or something else does not fit */
	AAEL_REPORT_UNCOMPARED, /* there is no expected value */
	AAEL_REPORT_MALFORMED,	/* it cannot be replayed to its end */
};

/* Texts end with NUL, and may be hostile. */
struct aael_report {
	enum aael_report_verdict verdict;
	const char *log_name;	 /* "the live log" */
	const char *values_name; /* "the live register"; NULL: there are no expected values */
	const char *made;	 /* when and by what */
	const char *findings;	 /* lines, each ended; may be empty */
	const uint8_t *log;
	size_t size;
	const struct aael_replay *values; /* the log's */
	const struct aael_expected *expected;
	size_t expected_count;
};

/*
 * The page: it loads nothing, and its policy forbids it to. The same report always becomes the same
 * bytes. 0; -EIO: @out cannot be written; -ENOMEM, -EOPNOTSUPP as aael_alg_hash().
 * A malformed log is shown as far as it goes, and the page says where that is.
 */
int aael_report_html(const struct aael_report *report, FILE *out);

/* reportpage.c: the page's style and script, whose hashes its policy has. */
extern const char report_style[];
extern const char report_script[];

#endif
