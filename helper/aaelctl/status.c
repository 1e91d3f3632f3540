// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl status: securityfs has the full text; who may not read it gets INFO's part. As JSON,
 * INFO's part is always there.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "statusjson.h"

static unsigned long long ull(uint64_t v)
{
	return v;
}

static void print_info(const struct aael_info *info)
{
	printf("version: %u\n", info->abi_version);
	printf("state: %s\n", aael_dev_state_name(info->state));
	printf("health: %s\n", aael_dev_health_name(info->health));
	printf("platform: %s\n", aael_dev_platform(info));
	printf("provider: %.*s%s\n", (int)sizeof(info->provider),
	       info->provider[0] ? info->provider : "none",
	       info->flags & AAEL_INFO_F_SOFT
		       ? " (NO PROTECTION: registers in memory prove nothing)"
		       : "");
	for (uint32_t i = 0; i < info->alg_count && i < AAEL_BANKS_MAX; i++) {
		const struct aael_alg *alg = aael_alg_by_id(info->algs[i]);

		printf("bank: %s\n", alg ? alg->name : "unknown");
	}
	printf("boot_log: %s\n", info->flags & AAEL_INFO_F_BOOT_LOG ? "yes" : "no");
	printf("index: %u\n", info->index);
	if (info->state == AAEL_STATE_ENABLED || info->state == AAEL_STATE_SEALED)
		printf("register: %u%s\n", info->reg,
		       info->flags & AAEL_INFO_F_RESETTABLE ? " (resettable: not append-only)"
							    : "");
	printf("count: %llu\nbytes: %llu\n", ull(info->count), ull(info->bytes));
	printf("own_bytes: %llu\n", ull(info->bytes - info->own_offset));
	printf("max_log_bytes: %llu\nheadroom_bytes: %llu\n", ull(info->max_log_bytes),
	       ull(info->headroom_bytes));
	printf("violations: %llu\n", ull(info->violations));
	if (info->pending_sequence)
		printf("pending: entry %llu is undecided\n", ull(info->pending_sequence));
}

static int from_device(const struct ctl_verb *verb)
{
	struct aael_info info;

	if (ctl_info(verb, &info))
		return CTL_UNREADABLE;
	print_info(&info);
	return ctl_finish(verb, CTL_OK);
}

static int from_securityfs(const struct ctl_verb *verb)
{
	uint8_t *text;
	size_t size;

	if (ctl_read_status(verb, &text, &size))
		return CTL_UNREADABLE;
	fwrite(text, 1, size, stdout);
	free(text);
	return ctl_finish(verb, CTL_OK);
}

static int as_json(const struct ctl_verb *verb)
{
	uint8_t *text = NULL;
	struct aael_info info;
	size_t size = 0;
	char *json;
	int ret;

	if (ctl_info(verb, &info))
		return CTL_UNREADABLE;
	if (!access(CTL_STATUS_PATH, R_OK) && ctl_read_status(verb, &text, &size))
		return CTL_UNREADABLE;
	ret = aael_status_json(&info, (const char *)text, size, &json);
	free(text);
	if (ret) {
		ctl_error(verb, "no memory");
		return CTL_UNREADABLE;
	}
	puts(json);
	free(json);
	return ctl_finish(verb, CTL_OK);
}

int ctl_status_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		if (c != 'j')
			return ctl_usage(verb, NULL);
		json = true;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	if (json)
		return as_json(verb);
	return access(CTL_STATUS_PATH, R_OK) ? from_device(verb) : from_securityfs(verb);
}
