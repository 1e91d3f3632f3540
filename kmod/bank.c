// SPDX-License-Identifier: GPL-2.0-only
/*
 * The banks of a register: TCG algorithm ids and the kernel's hashes for them.
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/string.h>

#include "aael.h"

/* TCG Algorithm Registry, table 3 */
static const struct {
	u16 alg;
	u16 size;
	const char *name;
} algorithms[] = {
	{ 0x0004, 20, "sha1" },
	{ 0x000b, 32, "sha256" },
	{ 0x000c, 48, "sha384" },
	{ 0x000d, 64, "sha512" },
	{ 0x0012, 32, "sm3" },
};

/**
 * aael_bank_init - prepare a bank
 * @bank: out
 * @alg: TCG algorithm id
 *
 * Return: 0; -ENOPKG if the algorithm is not known or the kernel has no hash for
 * it; -ENOMEM.
 */
int aael_bank_init(struct aael_bank *bank, u16 alg)
{
	struct crypto_shash *shash;

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (algorithms[i].alg != alg)
			continue;
		shash = crypto_alloc_shash(algorithms[i].name, 0, 0);
		if (IS_ERR(shash))
			return PTR_ERR(shash) == -ENOMEM ? -ENOMEM : -ENOPKG;
		*bank = (struct aael_bank) {
			.alg = alg,
			.size = algorithms[i].size,
			.name = algorithms[i].name,
			.shash = shash,
			.logged = true,
		};
		return 0;
	}
	return -ENOPKG;
}

/**
 * aael_bank_destroy - give the hash back
 * @bank: prepared by aael_bank_init(), or all zero
 */
void aael_bank_destroy(struct aael_bank *bank)
{
	if (bank->shash)
		crypto_free_shash(bank->shash);
	bank->shash = NULL;
}

/**
 * aael_bank_digest - hash a buffer
 * @bank: its algorithm
 * @data: bytes
 * @len: number of them
 * @out: @bank->size bytes
 *
 * Return: 0 or the crypto API's negative errno.
 */
int aael_bank_digest(const struct aael_bank *bank, const u8 *data, size_t len, u8 *out)
{
	return crypto_shash_tfm_digest(bank->shash, data, len, out);
}

/**
 * aael_bank_extend - value = H(value || digest)
 * @bank: its algorithm
 * @value: @bank->size bytes, in and out
 * @digest: @bank->size bytes
 *
 * Return: 0 or the crypto API's negative errno; then @value is unchanged.
 */
int aael_bank_extend(const struct aael_bank *bank, u8 *value, const u8 *digest)
{
	u8 both[2 * AAEL_DIGEST_MAX_BYTES];
	u8 next[AAEL_DIGEST_MAX_BYTES];
	int ret;

	memcpy(both, value, bank->size);
	memcpy(both + bank->size, digest, bank->size);
	ret = aael_bank_digest(bank, both, 2 * bank->size, next);
	if (!ret)
		memcpy(value, next, bank->size);
	return ret;
}

/**
 * aael_bank_extend_all - extend the values of all banks
 * @banks: the banks
 * @count: number of them
 * @out: the new values
 * @from: the old ones
 * @digests: for every bank
 *
 * Return: 0 or the crypto API's negative errno.
 */
int aael_bank_extend_all(const struct aael_bank *banks, unsigned int count, aael_values_t out,
			 const aael_values_t from, const aael_values_t digests)
{
	int ret = 0;

	memcpy(out, from, sizeof(aael_values_t));
	for (unsigned int b = 0; !ret && b < count; b++)
		ret = aael_bank_extend(&banks[b], out[b], digests[b]);
	return ret;
}
