/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence as GET /aa/evidence answers it, taken apart. NO signature is checked: whoever made
 * the JSON up can have made everything in it fit.
 */
#ifndef AAEL_LIB_EVIDENCE_H
#define AAEL_LIB_EVIDENCE_H

#include "libaael.h"
#include "tdquote.h"
#include "tpm.h"

#define AAEL_EVIDENCE_ERROR_BYTES 192

struct aael_evidence {
	bool tpm;     /* else tdx */
	uint8_t *log; /* to free with aael_evidence_free(); NULL: there is none */
	size_t log_size;
	struct aael_tdquote quote;			 /* tdx */
	uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES]; /* tpm, of the SHA-256 bank */
	bool pcrs_quoted; /* tpm: pcrDigest of the message is that of the PCRs */
};

/*
 * 0; -EBADMSG: no such evidence, or parts of it are malformed, @error says which; -ENOMEM.
 * A message that quotes other PCRs than 0 to 23 of the SHA-256 bank is malformed.
 */
int aael_evidence_parse(const char *json, size_t size, struct aael_evidence *out,
			char error[AAEL_EVIDENCE_ERROR_BYTES]);
void aael_evidence_free(struct aael_evidence *evidence);

#endif
