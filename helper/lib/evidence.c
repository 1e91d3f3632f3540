// SPDX-License-Identifier: Apache-2.0
/*
 * tdx: {"cc_eventlog":base64 or null,"quote":base64}
 * tpm: {"tpm_quote":{"message":base64,"pcrs":[hex × 24],…},"cc_eventlog":base64,…}
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>
#include <tss2/tss2_mu.h>

#include "codec.h"
#include "evidence.h"
#include "json.h"

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, AAEL_EVIDENCE_ERROR_BYTES, format, ap);
	va_end(ap);
	return -EBADMSG;
}

static int bytes_member(const struct cJSON *object, const char *name, uint8_t **out, size_t *size,
			char *error)
{
	struct aael_base64_error bad;
	struct aael_json_error err;
	const char *text;

	if (aael_json_string(object, name, &text, &err))
		return fail(error, "%s", err.text);
	*out = malloc(strlen(text) / 4 * 3 + 1);
	if (!*out)
		return -ENOMEM;
	if (!aael_base64_decode(text, strlen(text), *out, size, &bad))
		return 0;
	free(*out);
	*out = NULL;
	return fail(error, "%s: no base64: %s", name, bad.reason);
}

static int parse_tdx(const struct cJSON *root, struct aael_evidence *out, char *error)
{
	uint8_t *quote = NULL;
	size_t size = 0;
	int ret = bytes_member(root, "quote", &quote, &size, error);

	if (ret)
		return ret;
	ret = aael_tdquote_parse(quote, size, &out->quote);
	free(quote);
	return ret ? fail(error, "quote: no TDX quote of version 4 or 5") : 0;
}

static int parse_pcrs(const struct cJSON *quote, struct aael_evidence *out, char *error)
{
	const struct cJSON *pcrs = aael_json_get(quote, "pcrs"), *pcr;
	int n = 0;

	if (!cJSON_IsArray(pcrs) || cJSON_GetArraySize(pcrs) != AAEL_TPM_PCRS)
		return fail(error, "tpm_quote: pcrs are not %d", AAEL_TPM_PCRS);
	cJSON_ArrayForEach(pcr, pcrs) {
		const char *hex = cJSON_GetStringValue(pcr);

		if (!hex || aael_hex_decode(hex, strlen(hex), out->pcrs[n], AAEL_TPM_PCR_BYTES))
			return fail(error, "tpm_quote: PCR %d is not %d hexadecimal digits", n,
				    2 * AAEL_TPM_PCR_BYTES);
		n++;
	}
	return 0;
}

/* All of them, in one selection. */
static bool selects_all(const TPML_PCR_SELECTION *selection)
{
	const TPMS_PCR_SELECTION *s = selection->pcrSelections;

	return selection->count == 1 && s->hash == TPM2_ALG_SHA256 && s->sizeofSelect == 3 &&
	       !memcmp(s->pcrSelect, "\xff\xff\xff", 3);
}

static int parse_message(const struct cJSON *quote, struct aael_evidence *out, char *error)
{
	uint8_t *message = NULL, hash[AAEL_DIGEST_MAX_BYTES];
	TPMS_ATTEST attest;
	TPM2B_DIGEST *digest = &attest.attested.quote.pcrDigest;
	size_t size = 0, at = 0;
	int ret = bytes_member(quote, "message", &message, &size, error);

	if (ret)
		return ret;
	if (Tss2_MU_TPMS_ATTEST_Unmarshal(message, size, &at, &attest) || at != size ||
	    attest.magic != TPM2_GENERATED_VALUE || attest.type != TPM2_ST_ATTEST_QUOTE ||
	    !selects_all(&attest.attested.quote.pcrSelect))
		ret = fail(error, "tpm_quote: message: no quote of PCR 0 to 23 of sha256");
	free(message);
	if (ret)
		return ret;
	ret = aael_alg_hash(AAEL_ALG_SHA256, out->pcrs, sizeof(out->pcrs), "", 0, hash);
	if (ret < 0)
		return fail(error, "sha256: %s", strerror(-ret));
	out->pcrs_quoted = digest->size == ret && !memcmp(digest->buffer, hash, digest->size);
	return 0;
}

static int parse_root(const struct cJSON *root, struct aael_evidence *out, char *error)
{
	const struct cJSON *quote = aael_json_get(root, "tpm_quote");
	const struct cJSON *log = aael_json_get(root, "cc_eventlog");
	int ret;

	out->tpm = quote;
	if (!quote && !aael_json_get(root, "quote"))
		return fail(error, "neither quote nor tpm_quote is in it");
	if (log && !cJSON_IsNull(log)) {
		ret = bytes_member(root, "cc_eventlog", &out->log, &out->log_size, error);
		if (ret)
			return ret;
	}
	if (!quote)
		return parse_tdx(root, out, error);
	ret = parse_pcrs(quote, out, error);
	return ret ? ret : parse_message(quote, out, error);
}

int aael_evidence_parse(const char *json, size_t size, struct aael_evidence *out,
			char error[AAEL_EVIDENCE_ERROR_BYTES])
{
	struct aael_json_error err;
	struct cJSON *root;
	int ret = aael_json_parse(json, size, &root, &err);

	memset(out, 0, sizeof(*out));
	if (ret)
		return fail(error, "%s", ret == -ENOMEM ? "no memory" : err.text);
	ret = parse_root(root, out, error);
	aael_json_free(root);
	if (ret)
		aael_evidence_free(out);
	if (ret == -ENOMEM)
		fail(error, "no memory");
	return ret;
}

void aael_evidence_free(struct aael_evidence *evidence)
{
	free(evidence->log);
	evidence->log = NULL;
}
