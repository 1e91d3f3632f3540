// SPDX-License-Identifier: Apache-2.0
/* aaelctl log: the log, or what a filter lets pass, in one of five forms. */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_TCG2, FORMAT_YAML, FORMAT_COUNT };

static const char *const format_names[] = { "text", "json", "jsonl", "tcg2", "yaml" };

struct log_args {
	enum format format;
	const char *path;
	bool follow;
	struct aael_filter filter;
};

static bool picks(const struct aael_filter *f)
{
	return f->domain || f->since || f->tail;
}

/* Only as far as it is a log: padding and what follows an end mark stay out. */
static int print_tcg2(const uint8_t *log, size_t size, bool own, struct aael_tcg2_error *err)
{
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	int ret;

	if (own)
		return aael_render_own(log, size, stdout, err);
	ret = aael_tcg2_open(&r, log, size, AAEL_TCG2_F_DETECT);
	while (!ret && (ret = aael_tcg2_next(&r, &e)) > 0)
		ret = 0;
	*err = r.error;
	if (r.pos)
		fwrite(log, 1, r.pos, stdout);
	return ret;
}

static int print_json(const uint8_t *log, size_t size, const struct aael_filter *filter,
		      struct aael_tcg2_error *err)
{
	char *text;
	int ret = aael_render_json(log, size, filter, AAEL_RENDER_F_PRETTY, &text, err);

	if (ret)
		return ret;
	puts(text);
	free(text);
	return 0;
}

static enum aael_form form_of(enum format format)
{
	if (format == FORMAT_JSONL)
		return AAEL_FORM_JSONL;
	return format == FORMAT_YAML ? AAEL_FORM_YAML : AAEL_FORM_TEXT;
}

static int print_log(const struct ctl_verb *verb, const struct log_args *args)
{
	struct aael_tcg2_error err;
	uint8_t *log;
	size_t size;
	int ret;

	if (ctl_read_log(verb, args->path, &log, &size))
		return CTL_UNREADABLE;
	if (args->format == FORMAT_TCG2)
		ret = print_tcg2(log, size, args->filter.own, &err);
	else if (args->format == FORMAT_JSON)
		ret = print_json(log, size, &args->filter, &err);
	else
		ret = aael_render_entries(log, size, &args->filter, form_of(args->format), stdout,
					  &err);
	free(log);
	if (ferror(stdout))
		ret = 0; /* is said below */
	if (ret)
		ctl_malformed(verb, &err, ret);
	return ctl_finish(verb, ret ? CTL_UNREADABLE : CTL_OK);
}

static int parse_format(const char *name, enum format *format)
{
	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (!strcmp(name, format_names[i])) {
			*format = (enum format)i;
			return 0;
		}
	}
	return -1;
}

/* CTL_OK, or an exit code; 'h' is left to the caller. */
static int parse_option(const struct ctl_verb *verb, int c, struct log_args *args)
{
	struct aael_filter *f = &args->filter;

	switch (c) {
	case 'f':
		if (parse_format(optarg, &args->format))
			return ctl_usage(verb, "the format is text, json, jsonl, tcg2 or yaml");
		return CTL_OK;
	case 'l':
		args->path = optarg;
		return CTL_OK;
	case 'o':
		f->own = true;
		return CTL_OK;
	case 'F':
		args->follow = true;
		return CTL_OK;
	case 'd':
		f->domain = optarg;
		return CTL_OK;
	case 's':
		return ctl_number(verb, optarg, 1, UINT64_MAX, &f->since) ? CTL_USAGE : CTL_OK;
	case 'n':
		f->tail = true;
		return ctl_number(verb, optarg, 0, UINT64_MAX, &f->last) ? CTL_USAGE : CTL_OK;
	default:
		return ctl_usage(verb, NULL);
	}
}

int ctl_log_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "own", no_argument, NULL, 'o' },
		{ "domain", required_argument, NULL, 'd' },
		{ "since", required_argument, NULL, 's' },
		{ "last", required_argument, NULL, 'n' },
		{ "follow", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct log_args args = {};
	int c, code;

	while ((c = getopt_long(argc, argv, "f:l:od:s:n:Fh", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		code = parse_option(verb, c, &args);
		if (code)
			return code;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	if (args.format == FORMAT_TCG2 && picks(&args.filter))
		return ctl_usage(verb, "a part of a log does not replay: no filter with tcg2");
	if (!args.follow)
		return print_log(verb, &args);
	if (args.path)
		return ctl_usage(verb, "--follow is for the live log");
	if (args.format == FORMAT_JSON || args.format == FORMAT_TCG2)
		return ctl_usage(verb, "--follow prints text, jsonl or yaml");
	return ctl_log_follow(verb, form_of(args.format), &args.filter);
}
