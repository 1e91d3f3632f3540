// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl verify: the log is replayed here, apart from the kernel's own replay,
 * and compared with values that the register or the user gave.
 */
#include <stdlib.h>
#include <string.h>

#include "verify.h"

static void print_value(const char *label, const uint8_t *value, size_t size)
{
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];

	aael_hex_encode(value, size, hex);
	printf("  %s: %s\n", label, hex);
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
		printf("%s:%u: %s\n", alg->name, reg, match ? "match" : "mismatch");
		print_value("register", v->value, v->size);
		print_value("replayed", value, v->size);
		if (match)
			continue;
		find_in_history(logs, args->rule, &args->expected[i]);
		code = CTL_MISMATCH;
	}
	return code;
}

static int replay(const struct ctl_verb *verb, const struct verify_args *args,
		  const struct verify_logs *logs)
{
	struct aael_replay *values = malloc(sizeof(*values));
	struct aael_tcg2_error err;
	int code = CTL_UNREADABLE, ret;

	if (!values) {
		ctl_error(verb, "no memory");
		return code;
	}
	ret = aael_replay_log(values, args->rule, logs->log, logs->size, &err);
	if (ret)
		ctl_malformed(verb, &err, ret);
	else
		code = compare(verb, args, logs, values);
	free(values);
	return code;
}

/* Everything that the arguments name: 0, or an exit code; CTL_MISMATCH: go on. */
static int gather(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs)
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

/* A malformed log is shown as far as it goes, and is unreadable. */
static int verify(const struct ctl_verb *verb, struct verify_args *args)
{
	const char *name = args->against ? args->against : "the live log";
	struct verify_logs logs = {};
	int code = gather(verb, args, &logs), replayed;

	if (code <= CTL_MISMATCH) {
		replayed = replay(verb, args, &logs);
		if (find_wrong_entries(&logs))
			code = CTL_MISMATCH;
		/* A live log that has gone on is none: the register tells, if it is the same. */
		if (find_difference(&logs, name, args->against || replayed))
			code = CTL_MISMATCH;
		else if (args->against && code + replayed == CTL_OK)
			printf("the log is that of %s\n", name);
		code = replayed > code ? replayed : code;
	}
	free(logs.log);
	free(logs.other);
	return ctl_finish(verb, code);
}

/* CTL_OK, or an exit code; 'h' is left to the caller. */
static int parse_option(const struct ctl_verb *verb, int c, struct verify_args *args)
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

static int check_args(const struct ctl_verb *verb, const struct verify_args *args)
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
		{ "log", required_argument, NULL, 'l' },
		{ "against", required_argument, NULL, 'a' },
		{ "evidence", required_argument, NULL, 'e' },
		{ "quote", required_argument, NULL, 'q' },
		{ "register", required_argument, NULL, 'r' },
		{ "rule", required_argument, NULL, 'R' },
		{ "index", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct verify_args args = { .rule = AAEL_RULE_HARDWARE, .index = AAEL_INDEX_DEFAULT };
	int c, code;

	while ((c = getopt_long(argc, argv, "l:a:e:q:r:i:h", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		code = parse_option(verb, c, &args);
		if (code)
			return code;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	code = check_args(verb, &args);
	return code ? code : verify(verb, &args);
}
