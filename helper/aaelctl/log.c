// SPDX-License-Identifier: Apache-2.0
/* aaelctl log: the log in one of three forms. */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_TCG2, FORMAT_COUNT };

static const char *const format_names[] = { "text", "json", "tcg2" };

struct log_args {
	enum format format;
	const char *path;
	bool own;
};

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

static int print_json(const uint8_t *log, size_t size, unsigned int flags,
		      struct aael_tcg2_error *err)
{
	char *text;
	int ret = aael_render_json(log, size, flags | AAEL_RENDER_F_PRETTY, &text, err);

	if (ret)
		return ret;
	puts(text);
	free(text);
	return 0;
}

static int print_log(const struct ctl_verb *verb, const struct log_args *args)
{
	unsigned int flags = args->own ? AAEL_RENDER_F_OWN : 0;
	struct aael_tcg2_error err;
	uint8_t *log;
	size_t size;
	int ret;

	if (ctl_read_log(verb, args->path, &log, &size))
		return CTL_UNREADABLE;
	if (args->format == FORMAT_TCG2)
		ret = print_tcg2(log, size, args->own, &err);
	else if (args->format == FORMAT_JSON)
		ret = print_json(log, size, flags, &err);
	else
		ret = aael_render_text(log, size, flags, stdout, &err);
	if (ret && !ferror(stdout))
		ctl_malformed(verb, &err, ret);
	free(log);
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

int ctl_log_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "own", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct log_args args = {};
	int c;

	while ((c = getopt_long(argc, argv, "f:l:oh", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			if (parse_format(optarg, &args.format))
				return ctl_usage(verb, "the format is text, json or tcg2");
			break;
		case 'l':
			args.path = optarg;
			break;
		case 'o':
			args.own = true;
			break;
		case 'h':
			return ctl_help(verb);
		default:
			return ctl_usage(verb, NULL);
		}
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	return print_log(verb, &args);
}
