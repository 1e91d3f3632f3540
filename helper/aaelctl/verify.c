// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl verify: the log is replayed here, apart from the kernel's own replay,
 * and compared with values that the register or the user gave.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define EXPECTED_MAX (AAEL_REGISTERS_MAX * AAEL_ALG_KNOWN_MAX)

struct expected {
	uint32_t reg;
	struct aael_value value;
};

struct verify_args {
	const char *path;
	enum aael_rule rule;
	uint32_t index;
	size_t count;
	struct expected expected[EXPECTED_MAX];
};

/* ALG:REGISTER=HEX */
static int parse_register(const struct ctl_verb *verb, const char *text, struct expected *out)
{
	const char *colon = strchr(text, ':');
	const char *equals = colon ? strchr(colon, '=') : NULL;
	const struct aael_alg *alg;
	char reg[3] = "";

	if (!equals || equals - colon < 2 || equals - colon > 3) {
		ctl_error(verb, "\"%s\" is not ALG:REGISTER=HEX", text);
		return -1;
	}
	alg = aael_alg_by_name(text, (size_t)(colon - text));
	if (!alg) {
		ctl_error(verb, "\"%.*s\" is not a known algorithm", (int)(colon - text), text);
		return -1;
	}
	memcpy(reg, colon + 1, (size_t)(equals - colon - 1));
	if (ctl_index(verb, reg, AAEL_REGISTERS_MAX - 1, &out->reg))
		return -1;
	out->value.alg = alg->id;
	out->value.size = alg->size;
	if (aael_hex_decode(equals + 1, strlen(equals + 1), out->value.value, alg->size)) {
		ctl_error(verb, "a %s value is %u hexadecimal digits", alg->name, 2 * alg->size);
		return -1;
	}
	return 0;
}

static void print_value(const char *label, const uint8_t *value, size_t size)
{
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];

	aael_hex_encode(value, size, hex);
	printf("  %s: %s\n", label, hex);
}

static int compare(const struct ctl_verb *verb, const struct verify_args *args,
		   const struct aael_replay *replay)
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
		if (!match)
			code = CTL_MISMATCH;
	}
	return ctl_finish(verb, code);
}

/*
 * The bytes of @log that hold the boot log and the first @own entries of ours: what
 * was logged when the register was read. Later entries are not in its value.
 */
static size_t prefix(const uint8_t *log, size_t size, uint64_t own_offset, uint64_t own)
{
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;

	if (aael_tcg2_open(&r, log, size, AAEL_TCG2_F_DETECT))
		return size;
	while (aael_tcg2_next(&r, &e) > 0)
		if (e.offset >= own_offset && own-- == 0)
			return e.offset;
	return size;
}

static void expect_live(struct verify_args *args, const struct aael_verify *v)
{
	for (uint32_t i = 0; i < v->bank_count && i < AAEL_BANKS_MAX; i++) {
		args->expected[i].reg = v->reg;
		args->expected[i].value = v->live[i];
		args->count = i + 1;
	}
}

/* VERIFY first, then the log: so the log has at least what VERIFY counted. */
static int read_live(const struct ctl_verb *verb, struct verify_args *args, uint8_t **log,
		     size_t *size)
{
	struct aael_verify v;
	struct aael_info info;
	int fd = ctl_open(verb, O_RDONLY), ret;

	if (fd < 0)
		return -1;
	ret = aael_dev_info(fd, &info);
	if (!ret)
		ret = aael_dev_verify(fd, args->index, &v);
	if (!ret && !args->path)
		ret = aael_dev_read_log(fd, log, size);
	close(fd);
	if (ret) {
		ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
		return -1;
	}
	expect_live(args, &v);
	if (!args->count) {
		ctl_error(verb, "the register has no bank that is logged");
		free(args->path ? NULL : *log);
		return -1;
	}
	if (args->path)
		return ctl_read_log(verb, args->path, log, size);
	*size = prefix(*log, *size, info.own_offset, v.count);
	if (v.health != AAEL_HEALTH_CONSISTENT)
		ctl_error(verb, "the kernel says of register %u: %s", v.reg,
			  aael_dev_health_name(v.health));
	return 0;
}

static int verify(const struct ctl_verb *verb, struct verify_args *args)
{
	struct aael_replay *replay;
	struct aael_tcg2_error err;
	int ret, code = CTL_UNREADABLE;
	uint8_t *log;
	size_t size;

	if (args->count)
		ret = ctl_read_log(verb, args->path, &log, &size);
	else
		ret = read_live(verb, args, &log, &size);
	if (ret)
		return CTL_UNREADABLE;
	replay = malloc(sizeof(*replay));
	ret = replay ? aael_replay_log(replay, args->rule, log, size, &err) : -ENOMEM;
	if (!replay)
		ctl_error(verb, "no memory");
	else if (ret)
		ctl_malformed(verb, &err, ret);
	else
		code = compare(verb, args, replay);
	free(replay);
	free(log);
	return code;
}

/* CTL_OK, or an exit code; 'h' is left to the caller. */
static int parse_option(const struct ctl_verb *verb, int c, struct verify_args *args)
{
	switch (c) {
	case 'l':
		args->path = optarg;
		return CTL_OK;
	case 'i':
		return ctl_index(verb, optarg, CTL_INDEX_MAX, &args->index) ? CTL_USAGE : CTL_OK;
	case 'r':
		if (args->count == EXPECTED_MAX)
			return ctl_usage(verb, "too many registers");
		if (parse_register(verb, optarg, &args->expected[args->count]))
			return CTL_USAGE;
		args->count++;
		return CTL_OK;
	case 'R':
		args->rule = strcmp(optarg, "trustee") ? AAEL_RULE_HARDWARE : AAEL_RULE_TRUSTEE;
		if (args->rule == AAEL_RULE_HARDWARE && strcmp(optarg, "hardware"))
			return ctl_usage(verb, "the rule is hardware or trustee");
		return CTL_OK;
	default:
		return ctl_usage(verb, NULL);
	}
}

int ctl_verify_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "log", required_argument, NULL, 'l' },
		{ "register", required_argument, NULL, 'r' },
		{ "rule", required_argument, NULL, 'R' },
		{ "index", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct verify_args args = { .rule = AAEL_RULE_HARDWARE, .index = AAEL_INDEX_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "l:r:i:h", options, NULL)) != -1) {
		int code = c == 'h' ? CTL_OK : parse_option(verb, c, &args);

		if (c == 'h')
			return ctl_help(verb);
		if (code)
			return code;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	if (args.count && args.index != AAEL_INDEX_DEFAULT)
		return ctl_usage(verb, "--index means the live register, --register a given one");
	return verify(verb, &args);
}
