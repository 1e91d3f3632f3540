// SPDX-License-Identifier: Apache-2.0
/*
 * The TPM by ESYS of tpm2-tss. Through the kernel's resource manager, so whatever is loaded
 * here is gone when the device is closed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/bn.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tcti_device.h>

#include "tpm.h"

/* TPM 2.0 Library, part 2, 7.5. The library's own constants overflow an int. */
#define PERSISTENT_FIRST 0x81000000u
#define PERSISTENT_LAST 0x81ffffffu

#define AK_BITS 2048
#define AK_ATTRIBUTES                                                               \
	(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM | \
	 TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH)

struct aael_tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	TPM2_HANDLE handle; /* where the AK is kept */
	ESYS_TR ak;	    /* ESYS_TR_NONE until it was needed */
};

__attribute__((format(printf, 3, 4))) static int fail(char *error, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, AAEL_TPM_ERROR_BYTES, format, ap);
	va_end(ap);
	return err;
}

/* The response code without which parameter, handle or session it is about. */
static TPM2_RC base_rc(TSS2_RC rc)
{
	if (rc & TPM2_RC_FMT1)
		return rc & (TPM2_RC_FMT1 | 0x3f);
	return rc;
}

static int refused(char *error, const char *what, TSS2_RC rc)
{
	int err = -EIO;

	if (base_rc(rc) == TPM2_RC_BAD_AUTH || base_rc(rc) == TPM2_RC_AUTH_FAIL)
		err = -EPERM;
	if (rc == TSS2_ESYS_RC_MEMORY)
		err = -ENOMEM;
	return fail(error, err, "TPM: %s: %s", what, Tss2_RC_Decode(rc));
}

static int choose_handle(TPM2_HANDLE *handle, char *error)
{
	const char *text = getenv("AA_TPM_AK_HANDLE");
	unsigned long value;
	char *end;

	*handle = AAEL_TPM_AK_HANDLE;
	if (!text || !*text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno || *end || value < PERSISTENT_FIRST || value > PERSISTENT_LAST)
		return fail(error, -EINVAL, "AA_TPM_AK_HANDLE is no persistent handle: %s", text);
	*handle = (TPM2_HANDLE)value;
	return 0;
}

static int connect_tcti(struct aael_tpm *tpm, char *error)
{
	const char *device = getenv("AA_TPM_DEVICE");
	size_t size = 0;
	TSS2_RC rc;

	if (!device || !*device)
		device = AAEL_TPM_DEVICE;
	rc = Tss2_Tcti_Device_Init(NULL, &size, NULL);
	if (!rc)
		tpm->tcti = calloc(1, size);
	if (!tpm->tcti)
		return fail(error, -ENOMEM, "no memory");
	rc = Tss2_Tcti_Device_Init(tpm->tcti, &size, device);
	if (rc) {
		free(tpm->tcti);
		tpm->tcti = NULL;
		return fail(error, -ENODEV, "%s cannot be used: %s", device, Tss2_RC_Decode(rc));
	}
	return 0;
}

int aael_tpm_open(struct aael_tpm **out, char error[AAEL_TPM_ERROR_BYTES])
{
	struct aael_tpm *tpm = calloc(1, sizeof(*tpm));
	TSS2_RC rc;
	int ret;

	*out = NULL;
	if (!tpm)
		return fail(error, -ENOMEM, "no memory");
	tpm->ak = ESYS_TR_NONE;
	ret = choose_handle(&tpm->handle, error);
	if (!ret)
		ret = connect_tcti(tpm, error);
	if (!ret) {
		rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
		if (rc)
			ret = refused(error, "initialisation", rc);
	}
	if (ret)
		aael_tpm_close(tpm);
	else
		*out = tpm;
	return ret;
}

void aael_tpm_close(struct aael_tpm *tpm)
{
	if (!tpm)
		return;
	Esys_Finalize(&tpm->esys);
	if (tpm->tcti) {
		Tss2_Tcti_Finalize(tpm->tcti);
		free(tpm->tcti);
	}
	free(tpm);
}

/* ---- the AK ----------------------------------------------------------------- */

static int ak_is_right(const TPMT_PUBLIC *pub)
{
	const TPMS_RSA_PARMS *rsa = &pub->parameters.rsaDetail;
	TPMA_OBJECT needed =
		TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM;

	return pub->type == TPM2_ALG_RSA && rsa->keyBits == AK_BITS &&
	       (pub->objectAttributes & needed) == needed &&
	       rsa->scheme.scheme == TPM2_ALG_RSASSA &&
	       rsa->scheme.details.rsassa.hashAlg == TPM2_ALG_SHA256;
}

/* Looks for the AK, once; *@out, if wanted, to Esys_Free(). */
static int find_ak(struct aael_tpm *tpm, TPM2B_PUBLIC **out, char *error)
{
	TPM2B_PUBLIC *pub = NULL;
	TSS2_RC rc = 0;
	int ret = 0;

	if (tpm->ak != ESYS_TR_NONE && !out)
		return 0;
	if (tpm->ak == ESYS_TR_NONE)
		rc = Esys_TR_FromTPMPublic(tpm->esys, tpm->handle, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, &tpm->ak);
	if (rc) {
		tpm->ak = ESYS_TR_NONE;
		if (base_rc(rc) == TPM2_RC_HANDLE)
			return fail(error, -ENOENT,
				    "the TPM has no attestation key at 0x%08x: run aaelctl tpm "
				    "provision",
				    tpm->handle);
		return refused(error, "the attestation key", rc);
	}
	rc = Esys_ReadPublic(tpm->esys, tpm->ak, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub,
			     NULL, NULL);
	if (rc)
		return refused(error, "the attestation key", rc);
	if (!ak_is_right(&pub->publicArea)) {
		Esys_TR_Close(tpm->esys, &tpm->ak);
		ret = fail(error, -EEXIST,
			   "the key at 0x%08x is no attestation key (restricted, RSA-2048, RSASSA "
			   "with SHA-256)",
			   tpm->handle);
	}
	if (ret || !out)
		Esys_Free(pub);
	else
		*out = pub;
	return ret;
}

static int create_ak(struct aael_tpm *tpm, char *error)
{
	const TPM2B_PUBLIC template = {
		.publicArea = {
			.type = TPM2_ALG_RSA,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = AK_ATTRIBUTES,
			.parameters.rsaDetail = {
				.symmetric.algorithm = TPM2_ALG_NULL,
				.scheme.scheme = TPM2_ALG_RSASSA,
				.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256,
				.keyBits = AK_BITS,
			},
		},
	};
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPM2B_DATA outside = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	ESYS_TR key = ESYS_TR_NONE, kept = ESYS_TR_NONE;
	TSS2_RC rc;
	int ret = 0;

	rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				ESYS_TR_NONE, &sensitive, &template, &outside, &no_pcrs, &key, NULL,
				NULL, NULL, NULL);
	if (rc)
		return refused(error, "making the attestation key", rc);
	rc = Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			       ESYS_TR_NONE, tpm->handle, &kept);
	if (rc)
		ret = refused(error, "keeping the attestation key", rc);
	else
		Esys_TR_Close(tpm->esys, &kept);
	Esys_FlushContext(tpm->esys, key);
	return ret;
}

int aael_tpm_provision(struct aael_tpm *tpm, char error[AAEL_TPM_ERROR_BYTES])
{
	int ret = find_ak(tpm, NULL, error);

	if (ret == -ENOENT)
		ret = create_ak(tpm, error);
	return ret;
}

/* RSAPublicKey (RFC 8017, appendix A.1.1) */
struct rsa_public {
	BIGNUM *n, *e;
};

ASN1_SEQUENCE(rsa_public) = {
	ASN1_SIMPLE(struct rsa_public, n, BIGNUM),
	ASN1_SIMPLE(struct rsa_public, e, BIGNUM),
} static_ASN1_SEQUENCE_END_name(struct rsa_public, rsa_public);

/* *@der to OPENSSL_free(). Its size, or not more than 0. */
static int encode_numbers(const TPMT_PUBLIC *pub, unsigned char **der)
{
	uint32_t exponent = pub->parameters.rsaDetail.exponent;
	struct rsa_public rsa = {
		.n = BN_bin2bn(pub->unique.rsa.buffer, pub->unique.rsa.size, NULL),
		.e = BN_new(),
	};
	int size = 0;

	*der = NULL;
	if (rsa.n && rsa.e && BN_set_word(rsa.e, exponent ? exponent : 65537))
		size = ASN1_item_i2d((const ASN1_VALUE *)&rsa, der, ASN1_ITEM_rptr(rsa_public));
	BN_free(rsa.n);
	BN_free(rsa.e);
	return size;
}

/*
 * As SubjectPublicKeyInfo. From its numbers, for OpenSSL takes as long to make a key of them and
 * write that as a TPM takes to quote.
 */
static int encode_rsa(const TPMT_PUBLIC *pub, uint8_t **der, size_t *size)
{
	X509_PUBKEY *info = X509_PUBKEY_new();
	unsigned char *numbers, *made = NULL;
	int len = encode_numbers(pub, &numbers);

	if (info && len > 0 &&
	    X509_PUBKEY_set0_param(info, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL, numbers,
				   len)) {
		numbers = NULL;
		len = i2d_X509_PUBKEY(info, &made);
	}
	*der = made && len > 0 ? malloc((size_t)len) : NULL;
	if (*der) {
		memcpy(*der, made, (size_t)len);
		*size = (size_t)len;
	}
	OPENSSL_free(numbers);
	OPENSSL_free(made);
	X509_PUBKEY_free(info);
	return *der ? 0 : -ENOMEM;
}

int aael_tpm_ak_public(struct aael_tpm *tpm, uint8_t **der, size_t *size,
		       char error[AAEL_TPM_ERROR_BYTES])
{
	TPM2B_PUBLIC *pub = NULL;
	int ret = find_ak(tpm, &pub, error);

	if (ret)
		return ret;
	ret = encode_rsa(&pub->publicArea, der, size);
	Esys_Free(pub);
	return ret ? fail(error, ret, "the attestation key cannot be encoded") : 0;
}

/* ---- PCRs and quote ----------------------------------------------------------- */

/* Those of the bits. */
static TPML_PCR_SELECTION select_pcrs(uint32_t bits)
{
	return (TPML_PCR_SELECTION){
		.count = 1,
		.pcrSelections[0] = {
			.hash = TPM2_ALG_SHA256,
			.sizeofSelect = 3,
			.pcrSelect = { (uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16) },
		},
	};
}

#define ALL_PCRS 0xffffffu

static int no_bank(char *error)
{
	return fail(error, -EOPNOTSUPP, "the TPM has no SHA-256 bank with PCRs 0 to 23");
}

/* Takes the values of one answer; the bits of those that there were. */
static uint32_t take_values(const TPML_PCR_SELECTION *have, const TPML_DIGEST *values,
			    uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES])
{
	const TPMS_PCR_SELECTION *s = &have->pcrSelections[0];
	uint32_t got = 0, i = 0;

	if (have->count != 1 || s->hash != TPM2_ALG_SHA256)
		return 0;
	for (unsigned int n = 0; n < AAEL_TPM_PCRS && n / 8 < s->sizeofSelect; n++) {
		if (!(s->pcrSelect[n / 8] & 1 << n % 8))
			continue;
		if (i >= values->count || values->digests[i].size != AAEL_TPM_PCR_BYTES)
			return 0;
		memcpy(pcrs[n], values->digests[i++].buffer, AAEL_TPM_PCR_BYTES);
		got |= 1u << n;
	}
	return got;
}

/* Those of the bits @left; the TPM gives as many at a time as it likes. */
static int read_pcrs(struct aael_tpm *tpm, uint32_t left,
		     uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES], char *error)
{
	while (left) {
		TPML_PCR_SELECTION want = select_pcrs(left), *have = NULL;
		TPML_DIGEST *values = NULL;
		uint32_t got;
		TSS2_RC rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					   &want, NULL, &have, &values);

		if (rc)
			return refused(error, "reading PCRs", rc);
		got = take_values(have, values, pcrs);
		Esys_Free(have);
		Esys_Free(values);
		if (!(got & left))
			return no_bank(error);
		left &= ~got;
	}
	return 0;
}

int aael_tpm_extend(struct aael_tpm *tpm, unsigned int pcr,
		    const uint8_t digest[AAEL_TPM_PCR_BYTES], char error[AAEL_TPM_ERROR_BYTES])
{
	TPML_DIGEST_VALUES values = { .count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256 };
	TSS2_RC rc;

	memcpy(values.digests[0].digest.sha256, digest, AAEL_TPM_PCR_BYTES);
	rc = Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			     ESYS_TR_NONE, &values);
	return rc ? refused(error, "extending a PCR", rc) : 0;
}

int aael_tpm_read_pcrs(struct aael_tpm *tpm, uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES],
		       char error[AAEL_TPM_ERROR_BYTES])
{
	return read_pcrs(tpm, ALL_PCRS, pcrs, error);
}

int aael_tpm_read_pcr(struct aael_tpm *tpm, unsigned int pcr, uint8_t value[AAEL_TPM_PCR_BYTES],
		      char error[AAEL_TPM_ERROR_BYTES])
{
	uint8_t pcrs[AAEL_TPM_PCRS][AAEL_TPM_PCR_BYTES];
	int ret = read_pcrs(tpm, 1u << pcr, pcrs, error);

	if (!ret)
		memcpy(value, pcrs[pcr], AAEL_TPM_PCR_BYTES);
	return ret;
}

/* That the message is a quote of what we asked for; its digest. */
static int check_message(const TPM2B_ATTEST *message, const uint8_t nonce[AAEL_TPM_NONCE_BYTES],
			 uint8_t digest[AAEL_TPM_PCR_BYTES], char *error)
{
	TPMS_ATTEST attest;
	const TPMS_QUOTE_INFO *quote = &attest.attested.quote;
	const TPMS_PCR_SELECTION *s = &quote->pcrSelect.pcrSelections[0];
	size_t at = 0;

	if (Tss2_MU_TPMS_ATTEST_Unmarshal(message->attestationData, message->size, &at, &attest) ||
	    at != message->size || attest.magic != TPM2_GENERATED_VALUE ||
	    attest.type != TPM2_ST_ATTEST_QUOTE || attest.extraData.size != AAEL_TPM_NONCE_BYTES ||
	    memcmp(attest.extraData.buffer, nonce, AAEL_TPM_NONCE_BYTES) ||
	    quote->pcrDigest.size != AAEL_TPM_PCR_BYTES)
		return fail(error, -EIO, "TPM: the answer is no quote of what was asked for");
	if (quote->pcrSelect.count != 1 || s->hash != TPM2_ALG_SHA256 || s->sizeofSelect < 3 ||
	    (s->pcrSelect[0] & s->pcrSelect[1] & s->pcrSelect[2]) != 0xff)
		return no_bank(error);
	memcpy(digest, quote->pcrDigest.buffer, AAEL_TPM_PCR_BYTES);
	return 0;
}

static int take_quote(const TPM2B_ATTEST *message, const TPMT_SIGNATURE *signature,
		      struct aael_tpm_quote *quote, char *error)
{
	size_t used = 0;

	if (message->size > sizeof(quote->message) ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(signature, quote->signature, sizeof(quote->signature),
					   &used))
		return fail(error, -EIO, "TPM: the quote is too large");
	memcpy(quote->message, message->attestationData, message->size);
	quote->message_size = message->size;
	quote->signature_size = used;
	return 0;
}

int aael_tpm_quote(struct aael_tpm *tpm, const uint8_t nonce[AAEL_TPM_NONCE_BYTES],
		   struct aael_tpm_quote *quote, char error[AAEL_TPM_ERROR_BYTES])
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL }; /* the key's */
	const TPML_PCR_SELECTION pcrs = select_pcrs(ALL_PCRS);
	TPM2B_DATA data = { .size = AAEL_TPM_NONCE_BYTES };
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_ATTEST *message = NULL;
	TSS2_RC rc;
	int ret = find_ak(tpm, NULL, error);

	if (ret)
		return ret;
	memcpy(data.buffer, nonce, AAEL_TPM_NONCE_BYTES);
	rc = Esys_Quote(tpm->esys, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
			&scheme, &pcrs, &message, &signature);
	if (rc)
		return refused(error, "quote", rc);
	ret = check_message(message, nonce, quote->digest, error);
	if (!ret)
		ret = take_quote(message, signature, quote, error);
	Esys_Free(message);
	Esys_Free(signature);
	return ret;
}
