/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWE as a KBS sends resources: flattened JSON (RFC 7516, 7.2.2), encrypted with A256GCM under a
 * key that is wrapped for our key pair with ECDH-ES+A256KW or RSA-OAEP-256.
 */
#ifndef AAEL_LIB_JWE_H
#define AAEL_LIB_JWE_H

#include <stddef.h>
#include <stdint.h>

#include "teekey.h"

#define AAEL_JWE_MESSAGE_BYTES 192

/*
 * @size bytes of JSON at @jwe. The header is all in "protected", an EC key's "epk" too. Members
 * that are unknown are ignored, here and there; those that RFC 7516 gives a meaning (header,
 * unprotected, recipients, aad) are refused unless null.
 * 0 and *@out to aael_secret_free() with *@out_size, which may be 0; -EBADMSG: malformed, not
 * for @key, or tampered with; -EOPNOTSUPP: another alg than @key's, another enc than A256GCM, or
 * crit, zip, apu or apv; -ENOMEM. Then @message says what, and nothing that is secret: whatever
 * fails in decrypting has the same message.
 */
int aael_jwe_decrypt(const struct aael_teekey *key, const char *jwe, size_t size, uint8_t **out,
		     size_t *out_size, char message[AAEL_JWE_MESSAGE_BYTES]);

#endif
