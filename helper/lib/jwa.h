/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms of RFC 7518 that a KBS encrypts resources with, for jwe.c and tests. Whatever
 * fails in them, the answer is only "no": which step it was is nobody's business.
 */
#ifndef AAEL_LIB_JWA_H
#define AAEL_LIB_JWA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teekey.h"

#define AAEL_JWA_CEK_BYTES 32 /* the content's key */
#define AAEL_JWA_IV_BYTES 12
#define AAEL_JWA_TAG_BYTES 16
#define AAEL_JWA_COORDINATE_MAX_BYTES 66

/* The other side's ephemeral public key: an uncompressed point, 04 ‖ x ‖ y. */
struct aael_jwa_point {
	uint8_t bytes[1 + 2 * AAEL_JWA_COORDINATE_MAX_BYTES];
	size_t size;
};

/* What a key of this algorithm wraps a CEK to: 40 bytes with AES, 256 with RSA. */
size_t aael_jwa_wrapped_bytes(enum aael_teekey_alg alg);
#define AAEL_JWA_WRAPPED_MAX_BYTES 256

/* ECDH: the x coordinate, as many bytes as the curve has. @peer need not be on it: then false. */
bool aael_jwa_agree(const struct aael_teekey *key, const struct aael_jwa_point *peer,
		    uint8_t secret[AAEL_JWA_COORDINATE_MAX_BYTES], size_t *size);
/* 4.6.2, the Concat KDF with SHA-256; empty parties are "". */
bool aael_jwa_kdf(const uint8_t *secret, size_t secret_size, const char *alg, const char *apu,
		  const char *apv, uint8_t *out, size_t out_size);

/*
 * 4.6 ECDH-ES+A256KW, or 4.3 RSA-OAEP-256, where @peer is not used: the content's key. On failure
 * it is random, for an aael_jwa_open() that takes as long.
 */
bool aael_jwa_unwrap(const struct aael_teekey *key, const struct aael_jwa_point *peer,
		     const uint8_t *wrapped, uint8_t cek[AAEL_JWA_CEK_BYTES]);

/* 5.3 A256GCM. @out has room for @size bytes, and is cleared on failure. */
bool aael_jwa_open(const uint8_t cek[AAEL_JWA_CEK_BYTES], const uint8_t iv[AAEL_JWA_IV_BYTES],
		   const char *aad, const uint8_t *data, size_t size,
		   const uint8_t tag[AAEL_JWA_TAG_BYTES], uint8_t *out);

#endif
