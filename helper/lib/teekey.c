// SPDX-License-Identifier: Apache-2.0
/* The JWK is made with the key, so that whoever writes it has no error to handle. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "codec.h"
#include "teekey.h"

#define RSA_BITS 2048
#define NUMBER_MAX_BYTES (RSA_BITS / 8)

struct aael_teekey {
	enum aael_teekey_alg alg;
	EVP_PKEY *evp;
	char *jwk;
};

static const struct {
	const char *curve;
	size_t bytes;
} curves[] = {
	[AAEL_TEEKEY_P256] = { "P-256", 32 },
	[AAEL_TEEKEY_P521] = { "P-521", 66 },
	[AAEL_TEEKEY_RSA] = { NULL, 0 },
};

_Static_assert(NUMBER_MAX_BYTES >= 66, "coordinates fit");

const char *aael_teekey_curve(enum aael_teekey_alg alg, size_t *bytes)
{
	*bytes = curves[alg].bytes;
	return curves[alg].curve;
}

enum aael_teekey_alg aael_teekey_alg(const struct aael_teekey *key)
{
	return key->alg;
}

struct evp_pkey_st *aael_teekey_evp(const struct aael_teekey *key)
{
	return key->evp;
}

/* ,"NAME":"…" with @width bytes; 0: as few as the number has. */
static bool put_number(FILE *out, const EVP_PKEY *evp, const char *name, const char *param,
		       size_t width)
{
	uint8_t bytes[NUMBER_MAX_BYTES];
	BIGNUM *n = NULL;
	int size = -1;

	if (EVP_PKEY_get_bn_param(evp, param, &n)) {
		size = width ? (int)width : BN_num_bytes(n);
		size = size <= NUMBER_MAX_BYTES ? BN_bn2binpad(n, bytes, size) : -1;
	}
	BN_free(n);
	if (size < 0)
		return false;
	fprintf(out, ",\"%s\":\"", name);
	aael_base64url_put(out, bytes, (size_t)size);
	fputc('"', out);
	return true;
}

/* The members in the order of RFC 8785. */
static bool put_jwk(FILE *out, const struct aael_teekey *key)
{
	size_t width;
	const char *curve = aael_teekey_curve(key->alg, &width);
	bool ok;

	if (curve) {
		fprintf(out, "{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"%s\",\"kty\":\"EC\"", curve);
		ok = put_number(out, key->evp, "x", OSSL_PKEY_PARAM_EC_PUB_X, width) &&
		     put_number(out, key->evp, "y", OSSL_PKEY_PARAM_EC_PUB_Y, width);
	} else {
		fputs("{\"alg\":\"RSA-OAEP-256\"", out);
		ok = put_number(out, key->evp, "e", OSSL_PKEY_PARAM_RSA_E, 0);
		fputs(",\"kty\":\"RSA\"", out);
		ok = ok && put_number(out, key->evp, "n", OSSL_PKEY_PARAM_RSA_N, 0);
	}
	fputc('}', out);
	return ok;
}

/* Takes @evp over, also on error. */
static int create(enum aael_teekey_alg alg, EVP_PKEY *evp, struct aael_teekey **out)
{
	struct aael_teekey *key = calloc(1, sizeof(*key));
	FILE *jwk = NULL;
	size_t size;
	bool ok;

	if (key)
		jwk = open_memstream(&key->jwk, &size);
	if (!jwk) {
		EVP_PKEY_free(evp);
		free(key);
		return -ENOMEM;
	}
	key->alg = alg;
	key->evp = evp;
	ok = put_jwk(jwk, key);
	if (fclose(jwk) || !ok) {
		aael_teekey_free(key);
		ERR_clear_error();
		return ok ? -ENOMEM : -EIO;
	}
	*out = key;
	return 0;
}

int aael_teekey_new(enum aael_teekey_alg alg, struct aael_teekey **key)
{
	EVP_PKEY *evp = curves[alg].curve ? EVP_EC_gen(curves[alg].curve) : EVP_RSA_gen(RSA_BITS);

	*key = NULL;
	if (!evp) {
		ERR_clear_error();
		return -EIO;
	}
	return create(alg, evp, key);
}

void aael_teekey_free(struct aael_teekey *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->evp);
	free(key->jwk);
	free(key);
}

void aael_teekey_put_jwk(FILE *out, const struct aael_teekey *key)
{
	fputs(key->jwk, out);
}

int aael_teekey_pem(const struct aael_teekey *key, char **pem)
{
	/* Clears what it frees, also when it grows. */
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long size;
	int ret = -EIO;

	*pem = NULL;
	if (!bio)
		return -ENOMEM;
	if (key->alg == AAEL_TEEKEY_RSA
		    ? PEM_write_bio_PrivateKey_traditional(bio, key->evp, NULL, NULL, 0, NULL, NULL)
		    : PEM_write_bio_PKCS8PrivateKey(bio, key->evp, NULL, NULL, 0, NULL, NULL)) {
		size = BIO_get_mem_data(bio, &data);
		*pem = strndup(data, (size_t)size);
		ret = *pem ? 0 : -ENOMEM;
	}
	BIO_free(bio);
	ERR_clear_error();
	return ret;
}

static int no_password(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

static int alg_of(const EVP_PKEY *evp, enum aael_teekey_alg *alg)
{
	char group[16];

	if (EVP_PKEY_is_a(evp, "RSA") && EVP_PKEY_get_bits(evp) == RSA_BITS)
		*alg = AAEL_TEEKEY_RSA;
	else if (!EVP_PKEY_is_a(evp, "EC") ||
		 !EVP_PKEY_get_group_name(evp, group, sizeof(group), NULL))
		return -EINVAL;
	else if (!strcmp(group, SN_X9_62_prime256v1))
		*alg = AAEL_TEEKEY_P256;
	else if (!strcmp(group, SN_secp521r1))
		*alg = AAEL_TEEKEY_P521;
	else
		return -EINVAL;
	return 0;
}

int aael_teekey_from_pem(const char *pem, struct aael_teekey **key)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	enum aael_teekey_alg alg;
	EVP_PKEY *evp;

	*key = NULL;
	if (!bio)
		return -ENOMEM;
	evp = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!evp || alg_of(evp, &alg)) {
		EVP_PKEY_free(evp);
		return -EINVAL;
	}
	return create(alg, evp, key);
}
