// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl verify: the log is replayed here, apart from the kernel's own replay,
 * and compared with values that the register or the user gave.
 */
#include <stdlib.h>
#include <string.h>

#include "verify.h"

static void print_value(FILE *out, const char *label, const uint8_t *value, size_t size)
{
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];

	aael_hex_encode(value, size, hex);
	fprintf(out, "  %s: %s\n", label, hex);
}

static int compare(const struct ctl_verb *verb, const struct verify_args *args,
		   const struct verify_logs *logs, const struct aael_replay *replay)
{
	int code = CTL_OK;

	for (size_t i = 0; i < args->count; i++) {
		const struct aael_value *v = &args->expected[i].value;
		uint32_t reg = args->expected[i].reg;
		const struct aael_alg *alg = aael_alg_by_id(v->alg);
		const uint8_t *value = aael_replay_value(replay, reg, v->alg);
		bool match;

		if (!alg || !value || v->size != alg->size) {
			ctl_error(verb, "cannot replay algorithm 0x%04x, register %u", v->alg, reg);
			return CTL_UNREADABLE;
		}
		match = !memcmp(value, v->value, v->size);
		fprintf(args->out, "%s:%u: %s\n", alg->name, reg, match ? "match" : "mismatch");
		print_value(args->out, "register", v->value, v->size);
		print_value(args->out, "replayed", value, v->size);
		if (match)
			continue;
		find_in_history(args->out, logs, args->rule, &args->expected[i]);
		code = CTL_MISMATCH;
	}
	return code;
}

static int replay(const struct ctl_verb *verb, const struct verify_args *args,
		  const struct verify_logs *logs, struct aael_replay *values)
{
	struct aael_tcg2_error err;
	int ret = aael_replay_log(values, args->rule, logs->log, logs->size, &err);

	if (!ret)
		return compare(verb, args, logs, values);
	ctl_malformed(verb, &err, ret);
	return CTL_UNREADABLE;
}

int verify_gather(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs)
{
	int code = CTL_OK;

	if (args->evidence)
		code = expect_evidence(verb, args, logs);
	else if (args->quote)
		code = expect_quote(verb, args);
	else if (!args->count && (!args->against || args->index != AAEL_INDEX_DEFAULT))
		code = expect_live(verb, args, logs);
	if (code > CTL_MISMATCH)
		return code;
	if (!logs->log && ctl_read_log(verb, args->path, &logs->log, &logs->size))
		return CTL_UNREADABLE;
	if (!args->against)
		return code;
	free(logs->other);
	logs->other = NULL;
	if (ctl_read_log(verb, args->against, &logs->other, &logs->other_size))
		return CTL_UNREADABLE;
	return code;
}

int verify_examine(const struct ctl_verb *verb, const struct verify_args *args,
		   const struct verify_logs *logs, int code, struct aael_replay *values)
{
	const char *name = args->against ? args->against : "the live log";
	int replayed = replay(verb, args, logs, values);

	if (find_wrong_entries(args->out, logs))
		code = CTL_MISMATCH;
	/* A live log that has gone on is none: the register tells, if it is the same. */
	if (find_difference(args->out, logs, name, args->against || replayed))
		code = CTL_MISMATCH;
	else if (args->against && code + replayed == CTL_OK)
		fprintf(args->out, "the log is that of %s\n", name);
	return replayed > code ? replayed : code;
}

void verify_free(struct verify_logs *logs)
{
	free(logs->log);
	free(logs->other);
}

static int verify(const struct ctl_verb *verb, struct verify_args *args)
{
	struct aael_replay *values = malloc(sizeof(*values));
	struct verify_logs logs = {};
	int code = CTL_UNREADABLE;

	if (!values)
		ctl_error(verb, "no memory");
	else
		code = verify_gather(verb, args, &logs);
	if (code <= CTL_MISMATCH)
		code = verify_examine(verb, args, &logs, code, values);
	verify_free(&logs);
	free(values);
	return ctl_finish(verb, code);
}

int verify_option(const struct ctl_verb *verb, int c, struct verify_args *args)
{
	switch (c) {
	case 'l':
		args->path = optarg;
		return CTL_OK;
	case 'a':
		args->against = optarg;
		return CTL_OK;
	case 'e':
		args->evidence = optarg;
		return CTL_OK;
	case 'q':
		args->quote = optarg;
		return CTL_OK;
	case 'i':
		return ctl_index(verb, optarg, CTL_INDEX_MAX, &args->index) ? CTL_USAGE : CTL_OK;
	case 'r':
		return expect_given(verb, optarg, args);
	case 'R':
		args->rule_given = true;
		args->rule = strcmp(optarg, "trustee") ? AAEL_RULE_HARDWARE : AAEL_RULE_TRUSTEE;
		if (args->rule == AAEL_RULE_HARDWARE && strcmp(optarg, "hardware"))
			return ctl_usage(verb, "the rule is hardware or trustee");
		return CTL_OK;
	default:
		return ctl_usage(verb, NULL);
	}
}

int verify_check(const struct ctl_verb *verb, const struct verify_args *args)
{
	int sources = !!args->count + !!args->evidence + !!args->quote +
		      (args->index != AAEL_INDEX_DEFAULT);
	int inputs = 0;

	for (int i = 0; i < 4; i++) {
		const char *path = (const char *[]){ args->path, args->against, args->evidence,
						     args->quote }[i];
		inputs += path && !strcmp(path, "-");
	}
	if (args->count && args->index != AAEL_INDEX_DEFAULT)
		return ctl_usage(verb, "--index means the live register, --register a given one");
	if (sources > 1)
		return ctl_usage(verb, "values come from one of --register, --evidence, --quote, "
				       "--index");
	if (inputs > 1)
		return ctl_usage(verb, "standard input can be read once");
	return CTL_OK;
}

int ctl_verify_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		VERIFY_LONG,
		{ "against", required_argument, NULL, 'a' },
		{},
	};
	struct verify_args args = { .out = stdout, .index = AAEL_INDEX_DEFAULT };
	int c, code;

	while ((c = getopt_long(argc, argv, VERIFY_SHORT "a:", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		code = verify_option(verb, c, &args);
		if (code)
			return code;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	code = verify_check(verb, &args);
	return code ? code : verify(verb, &args);
}
