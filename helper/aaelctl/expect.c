// SPDX-License-Identifier: Apache-2.0
/* Where the values come from that a log is compared with. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence.h"
#include "verify.h"

#define QUOTE_MAX_BYTES ((size_t)1024 * 1024)
/* A log in base64, and more. */
#define EVIDENCE_MAX_BYTES ((size_t)1536 * 1024 * 1024)

static void expect(struct verify_args *args, uint32_t reg, uint16_t alg, const uint8_t *value,
		   size_t size)
{
	struct expected *e = &args->expected[args->count++];

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
	expect(args, reg, alg->id, value, alg->size);
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
			expect(args, v->reg, v->live[i].alg, v->live[i].value, v->live[i].size);
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
	size = prefix(log, size, info.own_offset, v.count);
	if (args->path) {
		logs->other = log;
		logs->other_size = size;
	} else {
		logs->log = log;
		logs->size = size;
	}
	take_live(verb, args, &v);
	if (args->count)
		return CTL_OK;
	ctl_error(verb, "the register has no bank that is logged");
	return CTL_UNREADABLE;
}

/* ---- evidence ---------------------------------------------------------------- */

static void expect_rtmrs(struct verify_args *args, const struct aael_tdquote *quote)
{
	/* As the quote's verifier replays it. */
	if (!args->rule_given)
		args->rule = AAEL_RULE_TRUSTEE;
	for (uint32_t n = 0; n < AAEL_TDQUOTE_RTMRS; n++)
		expect(args, n + 1, AAEL_ALG_SHA384, quote->rtmrs[n], AAEL_TDQUOTE_RTMR_BYTES);
}

static uint32_t registers_of(const uint8_t *log, size_t size, bool own)
{
	struct aael_filter f = { .own = own };
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	uint32_t set = 0;

	if (aael_tcg2_open(&r, log, size, AAEL_TCG2_F_DETECT))
		return 0;
	while (aael_filter_next(&f, &r, &e) > 0)
		if (e.reg < AAEL_TPM_PCRS && aael_tcg2_digest(&e, AAEL_ALG_SHA256))
			set |= 1u << e.reg;
	return set;
}

/*
 * Only PCRs that we extend: others of the boot log may have been extended since, by whom does
 * not log it here. Without an entry of ours, those of the boot log.
 */
static void expect_pcrs(struct verify_args *args, const struct verify_logs *logs,
			const struct aael_evidence *evidence)
{
	uint32_t set = registers_of(logs->log, logs->size, true);

	if (!set)
		set = registers_of(logs->log, logs->size, false);
	for (uint32_t pcr = 0; pcr < AAEL_TPM_PCRS; pcr++)
		if (set & 1u << pcr)
			expect(args, pcr, AAEL_ALG_SHA256, evidence->pcrs[pcr], AAEL_TPM_PCR_BYTES);
}

static int take_log(const struct ctl_verb *verb, const struct verify_args *args,
		    struct verify_logs *logs, struct aael_evidence *evidence)
{
	if (args->path)
		return ctl_read_log(verb, args->path, &logs->log, &logs->size) ? CTL_UNREADABLE
									       : CTL_OK;
	logs->log = evidence->log ? evidence->log : calloc(1, 1);
	logs->size = evidence->log ? evidence->log_size : 0;
	evidence->log = NULL;
	if (logs->log)
		return CTL_OK;
	ctl_error(verb, "no memory");
	return CTL_UNREADABLE;
}

static int take_evidence(const struct ctl_verb *verb, struct verify_args *args,
			 struct verify_logs *logs, struct aael_evidence *evidence)
{
	int code = take_log(verb, args, logs, evidence);

	if (code)
		return code;
	puts("signature: not checked");
	if (!evidence->tpm) {
		expect_rtmrs(args, &evidence->quote);
		return CTL_OK;
	}
	printf("pcrDigest: %s\n", evidence->pcrs_quoted ? "match" : "mismatch");
	expect_pcrs(args, logs, evidence);
	if (!args->count) {
		ctl_error(verb, "no entry of the log has a sha256 digest");
		return CTL_UNREADABLE;
	}
	return evidence->pcrs_quoted ? CTL_OK : CTL_MISMATCH;
}

int expect_evidence(const struct ctl_verb *verb, struct verify_args *args, struct verify_logs *logs)
{
	char error[AAEL_EVIDENCE_ERROR_BYTES];
	struct aael_evidence evidence;
	uint8_t *json;
	size_t size;
	int code;

	if (ctl_read_file(verb, args->evidence, EVIDENCE_MAX_BYTES, &json, &size))
		return CTL_UNREADABLE;
	code = aael_evidence_parse((const char *)json, size, &evidence, error);
	free(json);
	if (code) {
		ctl_error(verb, "the evidence: %s", error);
		return CTL_UNREADABLE;
	}
	code = take_evidence(verb, args, logs, &evidence);
	aael_evidence_free(&evidence);
	return code;
}

int expect_quote(const struct ctl_verb *verb, struct verify_args *args)
{
	struct aael_tdquote quote;
	uint8_t *data;
	size_t size;
	int ret;

	if (ctl_read_file(verb, args->quote, QUOTE_MAX_BYTES, &data, &size))
		return CTL_UNREADABLE;
	ret = aael_tdquote_parse(data, size, &quote);
	free(data);
	if (ret) {
		ctl_error(verb, "%s: no TDX quote of version 4 or 5", args->quote);
		return CTL_UNREADABLE;
	}
	puts("signature: not checked");
	expect_rtmrs(args, &quote);
	return CTL_OK;
}
