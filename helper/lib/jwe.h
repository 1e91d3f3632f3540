/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWE as a KBS sends resources: flattened JSON (RFC 7516, 7.2.2), A256GCM, the key wrapped for
 * our key pair with ECDH-ES+A256KW or RSA-OAEP-256.
 */
#ifndef AAEL_LIB_JWE_H
#define AAEL_LIB_JWE_H

#include <stddef.h>
#include <stdint.h>

#include "teekey.h"

#define AAEL_JWE_MESSAGE_BYTES 192

/*
 * @size bytes of JSON at @jwe. The whole header must be in "protected"; an
 * EC key's "epk" is read there only. Unknown members are ignored, those that
 * RFC 7516 gives a meaning that we do not have (header, unprotected, recipients, aad) are
 * not.
 * 0 and *@out to aael_secret_free() with *@out_size, which may be 0; -EBADMSG: malformed, not
 * for @key or tampered with; -EOPNOTSUPP: another alg, enc or curve than @key's and A256GCM, or
 * crit, zip, apu, apv; -ENOMEM. *@message then says what; nothing that is secret.
 */
int aael_jwe_decrypt(const struct aael_teekey *key, const char *jwe, size_t size, uint8_t **out,
		     size_t *out_size, char message[AAEL_JWE_MESSAGE_BYTES]);

/*
 * The Concat KDF of RFC 7518, 4.6.2, for tests: the names go into it as they are. 0, or -EIO
 * if OpenSSL fails.
 */
int aael_jwe_kdf(const uint8_t *secret, size_t secret_size, const char *alg, const char *apu,
		 const char *apv, uint8_t *out, size_t out_size);

#endif
