// SPDX-License-Identifier: Apache-2.0
/* aaelctl report: what verify finds, and the whole log, as a page for people. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "verify.h"

struct report_args {
	struct verify_args verify;
	const char *output; /* NULL: standard output */
	/* A path, and words. */
	char log_name[PATH_MAX + 64], values_name[PATH_MAX + 64];
	char made[128];
};

static void name_file(char *name, size_t room, const char *before, const char *path)
{
	snprintf(name, room, "%s%s", before, strcmp(path, "-") ? path : "standard input");
}

/* Before values are gathered: those there are, are given. */
static void name_sources(struct report_args *args)
{
	const struct verify_args *v = &args->verify;
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (v->path)
		name_file(args->log_name, sizeof(args->log_name), "", v->path);
	else if (v->evidence)
		name_file(args->log_name, sizeof(args->log_name), "in the evidence ", v->evidence);
	else
		snprintf(args->log_name, sizeof(args->log_name), "the live log of %s", host);
	if (v->evidence)
		name_file(args->values_name, sizeof(args->values_name), "the evidence ",
			  v->evidence);
	else if (v->quote)
		name_file(args->values_name, sizeof(args->values_name), "the quote ", v->quote);
	else if (v->count)
		snprintf(args->values_name, sizeof(args->values_name), "given values");
	else
		snprintf(args->values_name, sizeof(args->values_name), "the live register of %s",
			 host);
}

/* "2026-11-26 01:02:03 UTC by aaelctl 1.0"; SOURCE_DATE_EPOCH makes equal pages of equal logs. */
static void name_time(char *made, size_t room)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = epoch && *epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
	struct tm tm = {};
	size_t n;

	gmtime_r(&now, &tm);
	n = strftime(made, room, "%Y-%m-%d %H:%M:%S UTC", &tm);
	snprintf(made + n, room - n, " by aaelctl " AAEL_VERSION);
}

static enum aael_report_verdict verdict_of(int code, size_t values)
{
	if (code == CTL_UNREADABLE)
		return AAEL_REPORT_MALFORMED;
	if (code == CTL_MISMATCH)
		return AAEL_REPORT_WRONG;
	return values ? AAEL_REPORT_VERIFIED : AAEL_REPORT_UNCOMPARED;
}

/* 0, or -1 having said what is wrong. */
static int write_page(const struct ctl_verb *verb, const char *path, const struct aael_report *page)
{
	FILE *out = path ? fopen(path, "we") : stdout;
	int ret;

	if (!out) {
		ctl_error(verb, "%s: %s", path, strerror(errno));
		return -1;
	}
	ret = aael_report_html(page, out);
	if (path && fclose(out) && !ret)
		ret = -EIO;
	/* Of standard output ctl_finish() says it. */
	if (!ret || (!path && ret == -EIO))
		return 0;
	ctl_error(verb, "%s: %s", path ? path : "standard output", strerror(-ret));
	return -1;
}

/*
 * A log is shown without the live register, too, unless a certain one was asked for; then
 * CTL_UNREADABLE, and no value.
 */
static int gather(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs)
{
	bool live = !args->evidence && !args->quote && !args->count &&
		    args->index == AAEL_INDEX_DEFAULT;
	int code = verify_gather(verb, args, logs);

	/* Without the device all is said. */
	if (code == CTL_UNREADABLE && live && !logs->log &&
	    (args->path || !access(AAEL_DEV_PATH, R_OK)))
		ctl_read_log(verb, args->path, &logs->log, &logs->size);
	return code;
}

/* The log, what is found (a stream's text) and the page: an exit code. */
static int make_page(const struct ctl_verb *verb, struct report_args *args,
		     struct aael_replay *values, char **findings)
{
	struct verify_logs logs = {};
	int gathered = gather(verb, &args->verify, &logs), code = gathered;

	if (!logs.log || code == CTL_USAGE)
		goto out;
	code = verify_examine(verb, &args->verify, &logs,
			      gathered == CTL_MISMATCH ? CTL_MISMATCH : CTL_OK, values);
	if (fflush(args->verify.out)) {
		ctl_error(verb, "no memory");
		code = gathered = CTL_UNREADABLE;
		goto out;
	}
	if (write_page(verb, args->output,
		       &(struct aael_report){
			       .verdict = verdict_of(code, args->verify.count),
			       .log_name = args->log_name,
			       .values_name = args->verify.count ? args->values_name : NULL,
			       .made = args->made,
			       .findings = *findings,
			       .log = logs.log,
			       .size = logs.size,
			       .values = values,
			       .expected = args->verify.expected,
			       .expected_count = args->verify.count,
		       }))
		code = CTL_UNREADABLE;
out:
	verify_free(&logs);
	return gathered > code ? gathered : code;
}

static int report(const struct ctl_verb *verb, struct report_args *args)
{
	struct aael_replay *values = malloc(sizeof(*values));
	char *findings = NULL;
	size_t size;
	int code = CTL_UNREADABLE;

	args->verify.out = open_memstream(&findings, &size);
	name_sources(args);
	name_time(args->made, sizeof(args->made));
	if (values && args->verify.out)
		code = make_page(verb, args, values, &findings);
	else
		ctl_error(verb, "no memory");
	if (args->verify.out)
		fclose(args->verify.out);
	free(findings);
	free(values);
	return ctl_finish(verb, code);
}

int ctl_report_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		VERIFY_LONG,
		{ "output", required_argument, NULL, 'o' },
		{},
	};
	static struct report_args args = { .verify.index = AAEL_INDEX_DEFAULT };
	int c, code;

	while ((c = getopt_long(argc, argv, VERIFY_SHORT "o:", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		if (c == 'o') {
			args.output = strcmp(optarg, "-") ? optarg : NULL;
			continue;
		}
		code = verify_option(verb, c, &args.verify);
		if (code)
			return code;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	code = verify_check(verb, &args.verify);
	return code ? code : report(verb, &args);
}
