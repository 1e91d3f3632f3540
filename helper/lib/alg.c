// SPDX-License-Identifier: Apache-2.0
/* Hash algorithms by their TCG id; hexadecimal. Hashing itself is OpenSSL's. */
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "libaael.h"

static const struct aael_alg algs[] = {
	{ AAEL_ALG_SHA1, 20, "sha1", "SHA-1" },
	{ AAEL_ALG_SHA256, 32, "sha256", "SHA-256" },
	{ AAEL_ALG_SHA384, 48, "sha384", "SHA-384" },
	{ AAEL_ALG_SHA512, 64, "sha512", "SHA-512" },
	{ AAEL_ALG_SM3, 32, "sm3", "SM3-256" },
	{ AAEL_ALG_SHA3_256, 32, "sha3_256", "SHA3-256" },
	{ AAEL_ALG_SHA3_384, 48, "sha3_384", "SHA3-384" },
	{ AAEL_ALG_SHA3_512, 64, "sha3_512", "SHA3-512" },
};

static const char *const openssl_names[] = { "SHA1", "SHA256",	 "SHA384",   "SHA512",
					     "SM3",  "SHA3-256", "SHA3-384", "SHA3-512" };

#define ALG_COUNT (sizeof(algs) / sizeof(algs[0]))

_Static_assert(ALG_COUNT == AAEL_ALG_KNOWN_MAX, "the header promises this many");
_Static_assert(sizeof(openssl_names) / sizeof(openssl_names[0]) == ALG_COUNT, "one each");

int aael_alg_row(uint16_t id)
{
	for (unsigned int i = 0; i < ALG_COUNT; i++)
		if (algs[i].id == id)
			return (int)i;
	return -1;
}

const struct aael_alg *aael_alg_at(unsigned int row)
{
	return row < ALG_COUNT ? &algs[row] : NULL;
}

const struct aael_alg *aael_alg_by_id(uint16_t id)
{
	int row = aael_alg_row(id);

	return row < 0 ? NULL : &algs[row];
}

const struct aael_alg *aael_alg_by_name(const char *name, size_t len)
{
	for (unsigned int i = 0; i < ALG_COUNT; i++)
		if (strlen(algs[i].name) == len && !memcmp(algs[i].name, name, len))
			return &algs[i];
	return len == 7 && !memcmp(name, "sm3_256", 7) ? aael_alg_by_id(AAEL_ALG_SM3) : NULL;
}

int aael_alg_hash(uint16_t id, const void *a, size_t a_size, const void *b, size_t b_size,
		  uint8_t *out)
{
	int row = aael_alg_row(id);
	unsigned int size = 0;
	EVP_MD_CTX *ctx;
	EVP_MD *md;
	int ret = -EOPNOTSUPP;

	if (row < 0)
		return -EOPNOTSUPP;
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return -ENOMEM;
	md = EVP_MD_fetch(NULL, openssl_names[row], NULL);
	if (md && EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, a, a_size) &&
	    EVP_DigestUpdate(ctx, b, b_size) && EVP_DigestFinal_ex(ctx, out, &size) &&
	    size == algs[row].size)
		ret = algs[row].size;
	EVP_MD_free(md);
	EVP_MD_CTX_free(ctx);
	return ret;
}

void aael_hex_encode(const uint8_t *data, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int aael_hex_decode(const char *hex, size_t len, uint8_t *out, size_t size)
{
	if (len % 2 || len / 2 != size)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		int high = nibble(hex[2 * i]);
		int low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
