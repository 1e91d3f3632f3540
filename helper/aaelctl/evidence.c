// SPDX-License-Identifier: Apache-2.0
/*
 * The values that a log is compared with: those in evidence or in a quote. No signature is
 * checked.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "verify.h"

#define QUOTE_MAX_BYTES ((size_t)1024 * 1024)
/* A log in base64, and more. */
#define EVIDENCE_MAX_BYTES ((size_t)1536 * 1024 * 1024)

static void expect_rtmrs(struct verify_args *args, const struct aael_tdquote *quote)
{
	/* As the quote's verifier replays it. */
	if (!args->rule_given)
		args->rule = AAEL_RULE_TRUSTEE;
	for (uint32_t n = 0; n < AAEL_TDQUOTE_RTMRS; n++)
		expect_value(args, n + 1, AAEL_ALG_SHA384, quote->rtmrs[n],
			     AAEL_TDQUOTE_RTMR_BYTES);
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
			expect_value(args, pcr, AAEL_ALG_SHA256, evidence->pcrs[pcr],
				     AAEL_TPM_PCR_BYTES);
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
	fputs("signature: not checked\n", args->out);
	if (!evidence->tpm) {
		expect_rtmrs(args, &evidence->quote);
		return CTL_OK;
	}
	fprintf(args->out, "pcrDigest: %s\n", evidence->pcrs_quoted ? "match" : "mismatch");
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
	fputs("signature: not checked\n", args->out);
	expect_rtmrs(args, &quote);
	return CTL_OK;
}
