// SPDX-License-Identifier: Apache-2.0
/* The values that a log is compared with: given ones, and those of the live register. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify.h"

void expect_value(struct verify_args *args, uint32_t reg, uint16_t alg, const uint8_t *value,
		  size_t size)
{
	struct aael_expected *e = &args->expected[args->count++];

	e->reg = reg;
	e->value.alg = alg;
	e->value.size = (uint16_t)size;
	memcpy(e->value.value, value, size);
}

int expect_given(const struct ctl_verb *verb, const char *text, struct verify_args *args)
{
	const char *colon = strchr(text, ':');
	const char *equals = colon ? strchr(colon, '=') : NULL;
	uint8_t value[AAEL_DIGEST_MAX_BYTES];
	const struct aael_alg *alg;
	char number[3] = "";
	uint32_t reg;

	if (args->count == EXPECTED_MAX)
		return ctl_usage(verb, "too many registers");
	if (!equals || equals - colon < 2 || equals - colon > 3) {
		ctl_error(verb, "\"%s\" is not ALG:REGISTER=HEX", text);
		return CTL_USAGE;
	}
	alg = aael_alg_by_name(text, (size_t)(colon - text));
	if (!alg) {
		ctl_error(verb, "\"%.*s\" is not a known algorithm", (int)(colon - text), text);
		return CTL_USAGE;
	}
	memcpy(number, colon + 1, (size_t)(equals - colon - 1));
	if (ctl_index(verb, number, AAEL_REGISTERS_MAX - 1, &reg))
		return CTL_USAGE;
	if (aael_hex_decode(equals + 1, strlen(equals + 1), value, alg->size)) {
		ctl_error(verb, "a %s value is %u hexadecimal digits", alg->name, 2 * alg->size);
		return CTL_USAGE;
	}
	expect_value(args, reg, alg->id, value, alg->size);
	return CTL_OK;
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

static void take_live(const struct ctl_verb *verb, struct verify_args *args,
		      const struct aael_verify *v)
{
	for (uint32_t i = 0; i < v->bank_count && i < AAEL_BANKS_MAX; i++)
		if (v->live[i].size <= sizeof(v->live[i].value))
			expect_value(args, v->reg, v->live[i].alg, v->live[i].value,
				     v->live[i].size);
	if (v->health != AAEL_HEALTH_CONSISTENT)
		ctl_error(verb, "the kernel says of register %u: %s", v->reg,
			  aael_dev_health_name(v->health));
}

/* VERIFY first, then the log: so the log has at least what VERIFY counted. */
int expect_live(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs)
{
	struct aael_verify v;
	struct aael_info info;
	int fd = ctl_open(verb, O_RDONLY), ret;
	uint8_t *log = NULL;
	size_t size;

	if (fd < 0)
		return CTL_UNREADABLE;
	ret = aael_dev_info(fd, &info);
	if (!ret)
		ret = aael_dev_verify(fd, args->index, &v);
	if (!ret)
		ret = aael_dev_read_log(fd, &log, &size);
	close(fd);
	if (ret) {
		ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
		return CTL_UNREADABLE;
	}
	if (args->path) {
		logs->other = log;
		logs->other_size = size;
	} else {
		logs->log = log;
		logs->size = prefix(log, size, info.own_offset, v.count);
	}
	take_live(verb, args, &v);
	if (args->count)
		return CTL_OK;
	ctl_error(verb, "the register has no bank that is logged");
	return CTL_UNREADABLE;
}
