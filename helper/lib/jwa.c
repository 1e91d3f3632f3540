// SPDX-License-Identifier: Apache-2.0
/* Key agreement, key wrapping and encryption by OpenSSL; keys on the stack are cleared. */
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "jwa.h"

#define KEK_BYTES 32
#define AES_WRAPPED_BYTES (AAEL_JWA_CEK_BYTES + 8)
#define RSA_WRAPPED_BYTES 256
#define INFO_MAX_BYTES 256

size_t aael_jwa_wrapped_bytes(enum aael_teekey_alg alg)
{
	return alg == AAEL_TEEKEY_RSA ? RSA_WRAPPED_BYTES : AES_WRAPPED_BYTES;
}

static void put_be32(uint8_t *p, size_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* With its length before it. */
static bool put_field(uint8_t *info, size_t *size, const char *text)
{
	size_t n = strlen(text);

	if (n > INFO_MAX_BYTES - *size - 4)
		return false;
	put_be32(info + *size, n);
	memcpy(info + *size + 4, text, n);
	*size += 4 + n;
	return true;
}

/*
 * NIST SP 800-56A, 5.8.1: SHA-256 of counter ‖ secret ‖ info, where info is
 *
 *	u32 length, AlgorithmID ‖ u32 length, PartyUInfo ‖ u32 length, PartyVInfo ‖ u32 bits
 *
 * all of them big endian.
 */
bool aael_jwa_kdf(const uint8_t *secret, size_t secret_size, const char *alg, const char *apu,
		  const char *apv, uint8_t *out, size_t out_size)
{
	uint8_t info[INFO_MAX_BYTES + 4];
	char digest[] = "SHA256";
	OSSL_PARAM params[4];
	size_t size = 0;
	EVP_KDF *kdf;
	EVP_KDF_CTX *ctx;
	bool ok;

	if (!put_field(info, &size, alg) || !put_field(info, &size, apu) ||
	    !put_field(info, &size, apv))
		return false;
	put_be32(info + size, out_size * 8);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] =
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_size);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, size + 4);
	params[3] = OSSL_PARAM_construct_end();
	kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_SSKDF, NULL);
	ctx = EVP_KDF_CTX_new(kdf);
	ok = ctx && EVP_KDF_derive(ctx, out, out_size, params) > 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* NULL, too, if it is no point of the curve. */
static EVP_PKEY *import_point(enum aael_teekey_alg alg, const struct aael_jwa_point *point)
{
	size_t bytes;
	const char *curve = aael_teekey_curve(alg, &bytes);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, strlen(curve)),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point->bytes, point->size),
		OSSL_PARAM_END,
	};

	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool aael_jwa_agree(const struct aael_teekey *key, const struct aael_jwa_point *peer,
		    uint8_t secret[AAEL_JWA_COORDINATE_MAX_BYTES], size_t *size)
{
	EVP_PKEY *evp = import_point(aael_teekey_alg(key), peer);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, aael_teekey_evp(key), NULL);
	bool ok;

	*size = AAEL_JWA_COORDINATE_MAX_BYTES;
	/* 1: by EVP_PKEY_public_check(). */
	ok = evp && ctx && EVP_PKEY_derive_init(ctx) > 0 &&
	     EVP_PKEY_derive_set_peer_ex(ctx, evp, 1) > 0 && EVP_PKEY_derive(ctx, secret, size) > 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(evp);
	return ok;
}

/* RFC 3394 */
static bool aes_unwrap(const uint8_t kek[KEK_BYTES], const uint8_t *wrapped, uint8_t *cek)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t out[AES_WRAPPED_BYTES];
	int n = 0;
	bool ok;

	if (!ctx)
		return false;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) > 0 &&
	     EVP_DecryptUpdate(ctx, out, &n, wrapped, AES_WRAPPED_BYTES) > 0 &&
	     n == AAEL_JWA_CEK_BYTES;
	if (ok)
		memcpy(cek, out, AAEL_JWA_CEK_BYTES);
	OPENSSL_cleanse(out, sizeof(out));
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool ecdh_unwrap(const struct aael_teekey *key, const struct aael_jwa_point *peer,
			const uint8_t *wrapped, uint8_t *cek)
{
	uint8_t secret[AAEL_JWA_COORDINATE_MAX_BYTES], kek[KEK_BYTES];
	size_t size;
	bool ok;

	ok = aael_jwa_agree(key, peer, secret, &size) &&
	     aael_jwa_kdf(secret, size, "ECDH-ES+A256KW", "", "", kek, sizeof(kek)) &&
	     aes_unwrap(kek, wrapped, cek);
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(kek, sizeof(kek));
	return ok;
}

static bool rsa_unwrap(const struct aael_teekey *key, const uint8_t *wrapped, uint8_t *cek)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, aael_teekey_evp(key), NULL);
	uint8_t out[RSA_WRAPPED_BYTES];
	size_t size = sizeof(out);
	bool ok;

	ok = ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) > 0 &&
	     EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, "SHA256", NULL) > 0 &&
	     EVP_PKEY_decrypt(ctx, out, &size, wrapped, RSA_WRAPPED_BYTES) > 0 &&
	     size == AAEL_JWA_CEK_BYTES;
	if (ok)
		memcpy(cek, out, AAEL_JWA_CEK_BYTES);
	OPENSSL_cleanse(out, sizeof(out));
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

bool aael_jwa_unwrap(const struct aael_teekey *key, const struct aael_jwa_point *peer,
		     const uint8_t *wrapped, uint8_t cek[AAEL_JWA_CEK_BYTES])
{
	bool ok = RAND_bytes(cek, AAEL_JWA_CEK_BYTES) > 0;

	if (ok)
		ok = aael_teekey_alg(key) == AAEL_TEEKEY_RSA ? rsa_unwrap(key, wrapped, cek)
							     : ecdh_unwrap(key, peer, wrapped, cek);
	ERR_clear_error();
	return ok;
}

bool aael_jwa_open(const uint8_t cek[AAEL_JWA_CEK_BYTES], const uint8_t iv[AAEL_JWA_IV_BYTES],
		   const char *aad, const uint8_t *data, size_t size,
		   const uint8_t tag[AAEL_JWA_TAG_BYTES], uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t aad_size = strlen(aad);
	int n;
	bool ok;

	ok = ctx && size <= INT_MAX && aad_size <= INT_MAX &&
	     EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, cek, iv) > 0 &&
	     EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad, (int)aad_size) > 0 &&
	     (!size || EVP_DecryptUpdate(ctx, out, &n, data, (int)size) > 0) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AAEL_JWA_TAG_BYTES, (void *)tag) > 0 &&
	     EVP_DecryptFinal_ex(ctx, out + size, &n) > 0;
	if (!ok)
		OPENSSL_cleanse(out, size);
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}
