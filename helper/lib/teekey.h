/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key pair of a session with a KBS: its public half goes into the evidence as a JWK, and
 * what the KBS sends back is encrypted to it.
 *
 *	struct aael_teekey *key;
 *
 *	if (!aael_teekey_new(AAEL_TEEKEY_P256, &key))
 *		aael_teekey_put_jwk(out, key);
 *	aael_teekey_free(key);
 */
#ifndef AAEL_LIB_TEEKEY_H
#define AAEL_LIB_TEEKEY_H

#include <stdio.h>

enum aael_teekey_alg {
	AAEL_TEEKEY_P256, /* ECDH-ES+A256KW */
	AAEL_TEEKEY_P521, /* the same */
	AAEL_TEEKEY_RSA,  /* RSA-OAEP-256, 2048 bits */
};

struct aael_teekey;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* A fresh one. 0 and *@key to aael_teekey_free(); -ENOMEM; -EIO: OpenSSL failed. */
int aael_teekey_new(enum aael_teekey_alg alg, struct aael_teekey **key);
/* OpenSSL clears the private half. @key may be NULL. */
void aael_teekey_free(struct aael_teekey *key);

/*
 * The public half as the KBS wants it, in the form of RFC 8785:
 *	{"alg":"ECDH-ES+A256KW","crv":"P-256","kty":"EC","x":…,"y":…}	32 or 66 bytes each
 *	{"alg":"RSA-OAEP-256","e":…,"kty":"RSA","n":…}
 * Numbers are big endian in base64url without padding. Errors are those of @out.
 */
void aael_teekey_put_jwk(FILE *out, const struct aael_teekey *key);

/*
 * The private half: EC in PKCS#8, RSA in PKCS#1, as upstream hands it out. 0 and *@pem to
 * aael_secret_free() with its strlen(); -ENOMEM; -EIO.
 */
int aael_teekey_pem(const struct aael_teekey *key, char **pem);

/* ---- For jwe.c and tests ------------------------------------------------------- */

/* From a private key in PEM. As aael_teekey_new(); -EINVAL: it is none of those above. */
int aael_teekey_from_pem(const char *pem, struct aael_teekey **key);
enum aael_teekey_alg aael_teekey_alg(const struct aael_teekey *key);
/* Belongs to @key. */
struct evp_pkey_st *aael_teekey_evp(const struct aael_teekey *key);
/* "P-256", "P-521" and the bytes of a coordinate; NULL and 0 for RSA. */
const char *aael_teekey_curve(enum aael_teekey_alg alg, size_t *bytes);

#endif
