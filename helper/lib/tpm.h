/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM 2.0 as far as evidence needs one: attestation key, PCRs, quote.
 *
 *	struct aael_tpm *tpm;
 *
 *	if (aael_tpm_open(&tpm, error) || aael_tpm_quote(tpm, data, &quote, error))
 *		complain(error);
 *	aael_tpm_close(tpm);
 *
 * The attestation key (AK) is RSA of 2048 bits, restricted, signs with RSASSA and SHA-256, and
 * is kept at the persistent handle AAEL_TPM_AK_HANDLE, where CoCo's own agent looks for it.
 * $AA_TPM_AK_HANDLE names another handle, $AA_TPM_DEVICE another device than
 * AAEL_TPM_DEVICE; both as that agent has them.
 *
 * Calls wait for the TPM, each some 10 ms to seconds. One handle, one thread at a time.
 */
#ifndef AAEL_LIB_TPM_H
#define AAEL_LIB_TPM_H

#include <stddef.h>
#include <stdint.h>

#define AAEL_TPM_DEVICE "/dev/tpmrm0"
#define AAEL_TPM_AK_HANDLE 0x81010002u
#define AAEL_TPM_PCRS 24
#define AAEL_TPM_PCR_BYTES 32 /* SHA-256 */
#define AAEL_TPM_NONCE_BYTES 32
#define AAEL_TPM_MESSAGE_BYTES 1024
#define AAEL_TPM_SIGNATURE_BYTES 1024
#define AAEL_TPM_ERROR_BYTES 256

struct aael_tpm;

struct aael_tpm_quote {
	uint8_t message[AAEL_TPM_MESSAGE_BYTES]; /* TPMS_ATTEST, as signed */
	size_t message_size;
	uint8_t signature[AAEL_TPM_SIGNATURE_BYTES]; /* TPMT_SIGNATURE */
	size_t signature_size;
	uint8_t digest[AAEL_TPM_PCR_BYTES]; /* pcrDigest in the message */
};

/*
 * All return 0, or -errno with the words for it in @error: -ENODEV: the device cannot be
 * opened; -EINVAL: $AA_TPM_AK_HANDLE is no persistent handle; -ENOENT: no AK at the handle;
 * -EEXIST: a key of another kind is there; -EOPNOTSUPP: no SHA-256 bank with all PCRs;
 * -EPERM: the hierarchy wants a password; -EIO: the TPM said something else; -ENOMEM.
 */
int aael_tpm_open(struct aael_tpm **tpm, char error[AAEL_TPM_ERROR_BYTES]);
void aael_tpm_close(struct aael_tpm *tpm);
/*
 * Make the AK and keep it at its handle, unless one is there already. It is a primary key of
 * the endorsement hierarchy: made again on the same TPM it is the same key.
 */
int aael_tpm_provision(struct aael_tpm *tpm, char error[AAEL_TPM_ERROR_BYTES]);
/* The AK's public half, SubjectPublicKeyInfo in DER; *@der to free(). */
int aael_tpm_ak_public(struct aael_tpm *tpm, uint8_t **der, size_t *size,
		       char error[AAEL_TPM_ERROR_BYTES]);
/* PCR 0 to 23 of the SHA-256 bank, in three commands: not of one moment. */
int aael_tpm_read_pcrs(struct aael_tpm *tpm, uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES],
		       char error[AAEL_TPM_ERROR_BYTES]);
/* One of them, in one command. */
int aael_tpm_read_pcr(struct aael_tpm *tpm, unsigned int pcr, uint8_t value[AAEL_TPM_PCR_BYTES],
		      char error[AAEL_TPM_ERROR_BYTES]);
/* TPM2_PCR_Extend in the SHA-256 bank; other banks stay as they are. */
int aael_tpm_extend(struct aael_tpm *tpm, unsigned int pcr,
		    const uint8_t digest[AAEL_TPM_PCR_BYTES], char error[AAEL_TPM_ERROR_BYTES]);
/* Quote all of them, with that qualifying data. */
int aael_tpm_quote(struct aael_tpm *tpm, const uint8_t nonce[AAEL_TPM_NONCE_BYTES],
		   struct aael_tpm_quote *quote, char error[AAEL_TPM_ERROR_BYTES]);

#endif
