/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aaelctl: a file per verb. stdout carries data and nothing else; every error
 * is one line on stderr that begins with "aaelctl VERB: ".
 */
#ifndef AAELCTL_CTL_H
#define AAELCTL_CTL_H

#include <getopt.h>

#include "libaael.h"

/* Exit codes, a promise to scripts. */
enum {
	CTL_OK = 0,
	CTL_MISMATCH = 1, /* verify: values differ, an entry is wrong; others: the kernel refused */
	CTL_USAGE = 2,
	CTL_UNREADABLE = 3, /* log, register, device or Init-Data cannot be read */
};

struct ctl_verb {
	const char *name;
	const char *synopsis; /* behind "aaelctl NAME" */
	const char *help;     /* lines, each ended */
	int (*run)(const struct ctl_verb *verb, int argc, char **argv);
};

int ctl_status_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_enable_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_append_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_log_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_verify_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_report_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_handover_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_initdata_run(const struct ctl_verb *verb, int argc, char **argv);
int ctl_tpm_run(const struct ctl_verb *verb, int argc, char **argv);

/* main.c */
void ctl_error(const struct ctl_verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Print the verb's help on stdout; CTL_OK. */
int ctl_help(const struct ctl_verb *verb);
/* For getopt's '?' (which has said what is wrong) and for wrong operands; CTL_USAGE. */
int ctl_usage(const struct ctl_verb *verb, const char *wrong);
/* Is standard output a pipe that nobody reads any more? */
bool ctl_unread(void);
/*
 * Everything written? Else says so and makes @code CTL_UNREADABLE, unless whoever read it has
 * had enough (aaelctl log | head).
 */
int ctl_finish(const struct ctl_verb *verb, int code);

/* A decimal number. 0, or -1 having said what is wrong. */
int ctl_number(const struct ctl_verb *verb, const char *text, uint64_t min, uint64_t max,
	       uint64_t *number);
/*
 * A decimal number 0..@max: an index, or with a smaller @max a register. Which indexes there
 * are is the kernel's to say. 0, or -1 having said what is wrong.
 */
#define CTL_INDEX_MAX (AAEL_INDEX_DEFAULT - 1)
int ctl_index(const struct ctl_verb *verb, const char *text, uint32_t max, uint32_t *index);

/* follow.c */
/*
 * The live log, and what is appended to it, until SIGINT, SIGTERM or until nobody reads standard
 * output any more: CTL_OK. Ends with CTL_UNREADABLE having said why.
 */
int ctl_log_follow(const struct ctl_verb *verb, enum aael_form form,
		   const struct aael_filter *filter);

/* input.c */
/* Open /dev/aael: the descriptor, or -1 having said what is wrong. */
int ctl_open(const struct ctl_verb *verb, int open_flags);
/* What the module says of its log. A CTL_ code, having said what is wrong. */
int ctl_info(const struct ctl_verb *verb, struct aael_info *info);
/* The first line of a file of the kernel's, without its end. 0, or -errno; -EIO if there is none. */
int ctl_read_line(const char *path, char *line, size_t room);
/*
 * The whole of a file, "-" for standard input. 0 and *@data to free(), or -1 having
 * said what is wrong, more than @max bytes included.
 */
int ctl_read_file(const struct ctl_verb *verb, const char *path, size_t max, uint8_t **data,
		  size_t *size);
#define CTL_STATUS_PATH AAEL_SECURITYFS_PATH "/status"

/* The text of securityfs, which only root can read. Returns as ctl_read_file(). */
int ctl_read_status(const struct ctl_verb *verb, uint8_t **text, size_t *size);
/*
 * @path, or with NULL the live log: /dev/aael, else what securityfs has.
 * Returns as ctl_read_file().
 */
int ctl_read_log(const struct ctl_verb *verb, const char *path, uint8_t **data, size_t *size);
/* Say that a log is malformed and where. */
void ctl_malformed(const struct ctl_verb *verb, const struct aael_tcg2_error *err, int ret);

#endif
