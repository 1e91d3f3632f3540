/* SPDX-License-Identifier: Apache-2.0 */
/* aaelctl verify and report: what their files share. */
#ifndef AAELCTL_VERIFY_H
#define AAELCTL_VERIFY_H

#include "check.h"
#include "ctl.h"

#define EXPECTED_MAX (AAEL_REGISTERS_MAX * AAEL_ALG_KNOWN_MAX)

struct verify_args {
	FILE *out;	     /* for what is not checked, and what is found */
	const char *path;    /* the log; NULL: the live one, or that in the evidence */
	const char *against; /* another log */
	const char *evidence, *quote;
	bool rule_given;
	enum aael_rule rule;
	uint32_t index;
	size_t count;
	struct aael_expected expected[EXPECTED_MAX];
};

/* What is compared: all to free(). */
struct verify_logs {
	uint8_t *log;
	size_t size;
	uint8_t *other; /* --against, or the live log; NULL: none */
	size_t other_size;
};

/* verify.c */

/* What getopt_long() takes of both verbs, but --against. */
#define VERIFY_SHORT "l:e:q:r:i:h"
#define VERIFY_LONG                                                                            \
	{ "log", required_argument, NULL, 'l' }, { "evidence", required_argument, NULL, 'e' }, \
		{ "quote", required_argument, NULL, 'q' },                                     \
		{ "register", required_argument, NULL, 'r' },                                  \
		{ "rule", required_argument, NULL, 'R' },                                      \
		{ "index", required_argument, NULL, 'i' }, { "help", no_argument, NULL, 'h' }

/* One option; CTL_OK, or an exit code. 'h' is left to the caller. */
int verify_option(const struct ctl_verb *verb, int c, struct verify_args *args);
/* Do they fit together? CTL_OK, or CTL_USAGE. */
int verify_check(const struct ctl_verb *verb, const struct verify_args *args);
/* Everything that the arguments name: 0, or an exit code; CTL_MISMATCH: go on. */
int verify_gather(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs);
/*
 * Replays and compares, and says on args->out what is found; @code is that of verify_gather().
 * The exit code, and *@values; a malformed log is shown as far as it goes, and is unreadable.
 */
int verify_examine(const struct ctl_verb *verb, const struct verify_args *args,
		   const struct verify_logs *logs, int code, struct aael_replay *values);
void verify_free(struct verify_logs *logs);

/* Values to compare with. Each 0, or an exit code having said what is wrong. */

/* expect.c */
/* One more; there is room. */
void expect_value(struct verify_args *args, uint32_t reg, uint16_t alg, const uint8_t *value,
		  size_t size);
/* ALG:REGISTER=HEX is one more. */
int expect_given(const struct ctl_verb *verb, const char *text, struct verify_args *args);
/* Those of the live register, and the live log: as it was then, or beside --log as it is now. */
int expect_live(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs);

/* evidence.c */
/*
 * Those in the evidence or quote, and the evidence's log unless there is --log. Says on
 * args->out what is not checked, and with a TPM whether the message is of those PCRs: CTL_MISMATCH.
 */
int expect_evidence(const struct ctl_verb *verb, struct verify_args *args,
		    struct verify_logs *logs);
int expect_quote(const struct ctl_verb *verb, struct verify_args *args);

/* findings.c: says on @out where the log goes wrong. True: something does. */

/* Each entry of ours that is wrong by itself. */
bool find_wrong_entries(FILE *out, const struct verify_logs *logs);
/*
 * How the log differs from the other one, called @name. That the other one goes on where the
 * log ends is only said with @to_end, and is only then a difference.
 */
bool find_difference(FILE *out, const struct verify_logs *logs, const char *name, bool to_end);
/* After which entry the register held that value, if ever. */
void find_in_history(FILE *out, const struct verify_logs *logs, enum aael_rule rule,
		     const struct aael_expected *expected);

#endif
