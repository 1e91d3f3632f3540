// SPDX-License-Identifier: Apache-2.0
/*
 * Init-Data and the platform: what configures us must be what a verifier sees. On TDX the
 * guest was started with the digest in MRCONFIGID. A TPM knows nothing of it, so the digest
 * is extended into PCR 8, once after a boot; whoever starts first says what it is.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "aaeld.h"
#include "tdreport.h"
#include "tpm.h"

#define INITDATA_PCR 8

_Static_assert(AAELD_PCR_BYTES == AAEL_TPM_PCR_BYTES && AAELD_MESSAGE_BYTES == AAEL_TPM_ERROR_BYTES,
	       "the TPM's");

static const uint8_t zero[AAELD_PCR_BYTES];

__attribute__((format(printf, 3, 4))) static int fail(char *message, int err, const char *format,
						      ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, AAELD_MESSAGE_BYTES, format, ap);
	va_end(ap);
	return err;
}

/* ---- TDX ----------------------------------------------------------------------- */

static int check_tdx(const struct aaeld_binding_ops *ops, const uint8_t *digest, size_t size,
		     char *message)
{
	uint8_t want[AAEL_MRCONFIGID_BYTES], have[AAEL_MRCONFIGID_BYTES];
	char want_hex[2 * AAEL_MRCONFIGID_BYTES + 1], have_hex[2 * AAEL_MRCONFIGID_BYTES + 1];
	int ret = ops->read_mrconfigid(have, message);

	if (ret)
		return ret;
	aael_initdata_mrconfigid(digest, size, want);
	if (!memcmp(have, want, sizeof(want)))
		return 0;
	aael_hex_encode(want, sizeof(want), want_hex);
	aael_hex_encode(have, sizeof(have), have_hex);
	return fail(message, -EKEYREJECTED,
		    "the guest was not started with it: MRCONFIGID is %s and not %s", have_hex,
		    want_hex);
}

/* ---- TPM ----------------------------------------------------------------------- */

static int bind_tpm(const struct aaeld_binding_ops *ops, const struct aael_alg *alg,
		    const uint8_t *digest, char *message)
{
	uint8_t bound[AAEL_TCG2_DIGEST_MAX_BYTES], pcr[AAELD_PCR_BYTES];
	char hex[2 * AAELD_PCR_BYTES + 1];
	int ret;

	if (alg->id != AAEL_ALG_SHA256)
		return fail(message, -EINVAL, "on a TPM algorithm must be sha256");
	ret = aael_alg_hash(AAEL_ALG_SHA256, zero, sizeof(zero), digest, sizeof(pcr), bound);
	if (ret < 0)
		return fail(message, ret, "SHA-256: %s", strerror(-ret));
	ret = ops->read_pcr(INITDATA_PCR, pcr, message);
	if (!ret && !memcmp(pcr, zero, sizeof(pcr))) {
		ret = ops->extend_pcr(INITDATA_PCR, digest, message);
		if (!ret)
			ret = ops->read_pcr(INITDATA_PCR, pcr, message);
	}
	if (ret || !memcmp(pcr, bound, sizeof(pcr)))
		return ret;
	aael_hex_encode(pcr, sizeof(pcr), hex);
	return fail(message, -EKEYREJECTED,
		    "PCR %u holds %s: other Init-Data, or something else, was measured into it",
		    INITDATA_PCR, hex);
}

/* ---- either -------------------------------------------------------------------- */

int aaeld_binding_check(const struct aaeld_binding_ops *ops, const char *platform,
			const struct aael_initdata *initdata, char message[AAELD_MESSAGE_BYTES])
{
	uint8_t digest[AAEL_TCG2_DIGEST_MAX_BYTES];
	int size = aael_initdata_digest(initdata, digest);

	message[0] = '\0';
	if (size < 0)
		return fail(message, size, "%s: %s", initdata->alg->name, strerror(-size));
	if (!strcmp(platform, "tdx"))
		return check_tdx(ops, digest, (size_t)size, message);
	if (!strcmp(platform, "tpm"))
		return bind_tpm(ops, initdata->alg, digest, message);
	return fail(message, -EOPNOTSUPP, "there is nothing here that vouches for it");
}

int aaeld_binding_start(const struct aaeld_kernel_ops *ops, void *kernel,
			const struct aaeld_binding_ops *devices, const struct aaeld_origin *origin)
{
	const char *path = origin->initdata_path, *platform = "none";
	char message[AAELD_MESSAGE_BYTES];
	struct aael_info info;
	int ret;

	if (!path)
		return 0;
	if (!ops->info(kernel, &info))
		platform = aael_dev_platform(&info);
	ret = aaeld_binding_check(devices, platform, &origin->initdata, message);
	if (!strcmp(platform, "none")) {
		aaeld_log(AAELD_WARNING, "Init-Data %s is not bound: %s", path, message);
		return 0;
	}
	if (ret)
		aaeld_log(AAELD_ERROR, "Init-Data %s: %s", path, message);
	else
		aaeld_log(AAELD_INFO, "Init-Data %s is bound to the platform (%s)", path, platform);
	return ret;
}

/* ---- the devices ----------------------------------------------------------------- */

static int read_mrconfigid(uint8_t out[AAEL_MRCONFIGID_BYTES], char *message)
{
	int ret = aael_tdreport_mrconfigid(out);

	return ret ? fail(message, ret, "MRCONFIGID: %s: %s", AAEL_TDREPORT_DEVICE, strerror(-ret))
		   : 0;
}

static int read_pcr(unsigned int n, uint8_t out[AAELD_PCR_BYTES], char *message)
{
	struct aael_tpm *tpm;
	int ret = aael_tpm_open(&tpm, message);

	if (ret)
		return ret;
	ret = aael_tpm_read_pcr(tpm, n, out, message);
	aael_tpm_close(tpm);
	return ret;
}

static int extend_pcr(unsigned int n, const uint8_t digest[AAELD_PCR_BYTES], char *message)
{
	struct aael_tpm *tpm;
	int ret = aael_tpm_open(&tpm, message);

	if (ret)
		return ret;
	ret = aael_tpm_extend(tpm, n, digest, message);
	aael_tpm_close(tpm);
	return ret;
}

const struct aaeld_binding_ops aaeld_binding_devices = {
	.read_mrconfigid = read_mrconfigid,
	.read_pcr = read_pcr,
	.extend_pcr = extend_pcr,
};
