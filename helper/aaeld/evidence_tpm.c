// SPDX-License-Identifier: Apache-2.0
/*
 * Evidence of a TPM: a quote of all PCRs of the SHA-256 bank, their values, the log. The
 * values are not in the quote, only their digest is: they are read before it, and if one that
 * is not ours has moved after it as well, and the log tells which of ours was quoted.
 *
 * {"tpm_quote":{"signature":base64(TPMT_SIGNATURE),"message":base64(TPMS_ATTEST),
 *  "pcrs":[24 × hex]},"ak_public":base64(SubjectPublicKeyInfo),"cc_eventlog":base64(log)}
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "codec.h"
#include "cut.h"
#include "tpm.h"

#define QUOTES_MAX 5

_Static_assert(AAEL_CUT_PCRS == AAEL_TPM_PCRS && AAEL_CUT_PCR_BYTES == AAEL_TPM_PCR_BYTES,
	       "the cut takes what is read");
_Static_assert(AAEL_TPM_NONCE_BYTES <= AAELD_REPORT_DATA_BYTES, "no more is bound");

struct quoted {
	struct aaeld_point from, to;
	uint8_t before[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES];
	uint8_t after[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES];
	uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES];
	struct aael_tpm_quote quote;
	struct aael_cut cut;
};

static void put(FILE *out, const char *before, const uint8_t *data, size_t size)
{
	fputs(before, out);
	aael_base64_put(out, data, size);
	fputc('"', out);
}

static int put_evidence(struct aaeld_evidence *e, struct quoted *q, const uint8_t *ak,
			size_t ak_size)
{
	char hex[2 * AAEL_TPM_PCR_BYTES + 1];
	FILE *out = aaeld_evidence_begin(e);

	if (!out)
		return -ENOMEM;
	put(out, "{\"tpm_quote\":{\"signature\":\"", q->quote.signature, q->quote.signature_size);
	put(out, ",\"message\":\"", q->quote.message, q->quote.message_size);
	fputs(",\"pcrs\":[", out);
	for (unsigned int n = 0; n < AAEL_TPM_PCRS; n++) {
		aael_hex_encode(q->pcrs[n], AAEL_TPM_PCR_BYTES, hex);
		fprintf(out, "%s\"%s\"", n ? "," : "", hex);
	}
	put(out, "]},\"ak_public\":\"", ak, ak_size);
	return aaeld_evidence_end_log(e, out, q->cut.bytes);
}

/* A snapshot, a reading of the PCRs, the quote; how long the log is then. */
static int ask(struct aaeld_evidence *e, struct aael_tpm *tpm, struct quoted *q)
{
	int ret = aaeld_evidence_point(e, &q->from);

	if (ret)
		return ret;
	ret = aael_tpm_read_pcrs(tpm, q->before, e->message);
	if (!ret)
		ret = aael_tpm_quote(tpm, e->data, &q->quote, e->message);
	return ret ? ret : aaeld_evidence_length(e, &q->to);
}

/* What the PCRs hold behind the quote, and a snapshot behind that. */
static int ask_after(struct aaeld_evidence *e, struct aael_tpm *tpm, struct quoted *q)
{
	int ret = aael_tpm_read_pcrs(tpm, q->after, e->message);

	return ret ? ret : aaeld_evidence_point(e, &q->to);
}

/* Which log it was. -EAGAIN: nobody can tell. */
static int cut(struct aaeld_evidence *e, struct quoted *q,
	       const uint8_t after[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES])
{
	struct aael_cut_range range = {
		.from = q->from.bytes,
		.to = q->to.bytes,
		.size = q->to.bytes,
		.reg_count = q->from.reg_count,
		.registers = q->from.registers,
	};
	int ret = aaeld_evidence_map(e, &q->to);

	if (ret)
		return ret;
	range.log = e->log;
	ret = aael_cut_tpm(&q->cut, &range, q->before, after, q->quote.digest, q->pcrs);
	return ret ? aaeld_evidence_fail(e, ret, "%s", q->cut.error) : 0;
}

/*
 * Mostly the log tells what was quoted. It may not: another PCR has moved as well, or an event is in
 * the register and not yet in the log. Then the PCRs are read behind the quote, too, and a snapshot
 * waits for the event.
 */
static int quote_once(struct aaeld_evidence *e, struct aael_tpm *tpm, struct quoted *q)
{
	int ret = ask(e, tpm, q);

	if (ret)
		return ret;
	ret = cut(e, q, q->before);
	if (ret != -EAGAIN && ret != -ENOENT)
		return ret;
	ret = ask_after(e, tpm, q);
	return ret ? ret : cut(e, q, q->after);
}

static int quote(struct aaeld_evidence *e, struct aael_tpm *tpm, struct quoted *q)
{
	int ret = -EAGAIN;

	for (unsigned int i = 0; i < QUOTES_MAX && ret == -EAGAIN; i++) {
		ret = quote_once(e, tpm, q);
		if (ret == -EAGAIN)
			aaeld_log(AAELD_INFO, "quote %u of %u is of no use: %s", i + 1, QUOTES_MAX,
				  e->message);
	}
	return ret;
}

static int make(struct aaeld_evidence *e)
{
	struct quoted *q = calloc(1, sizeof(*q));
	struct aael_tpm *tpm = NULL;
	uint8_t *ak = NULL;
	size_t ak_size;
	int ret;

	if (!q)
		return aaeld_evidence_fail(e, -ENOMEM, "no memory");
	ret = aael_tpm_open(&tpm, e->message);
	if (!ret)
		ret = aael_tpm_ak_public(tpm, &ak, &ak_size, e->message);
	if (!ret)
		ret = quote(e, tpm, q);
	if (!ret)
		ret = put_evidence(e, q, ak, ak_size);
	aael_tpm_close(tpm);
	free(ak);
	free(q);
	/* The caller tells "no hardware" by it; here a bank is missing. */
	return ret == -EOPNOTSUPP ? -ENODEV : ret;
}

const struct aaeld_evidence_ops aaeld_evidence_tpm = {
	.tee = "tpm",
	.hardware = true,
	.make = make,
};
