/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bank.c: hashes, and values and digests of them.
 */
#ifndef _AAEL_BANK_H
#define _AAEL_BANK_H

#include <linux/types.h>
#include <linux/aael.h>

struct crypto_shash;

/* One value or digest for every bank of a register, in the device's order. */
typedef u8 aael_values_t[AAEL_BANKS_MAX][AAEL_DIGEST_MAX_BYTES];

/**
 * struct aael_bank - one bank of the registers
 * @alg: TCG algorithm id
 * @size: digest size in bytes
 * @name: name as the crypto API and the TPM tools write it
 * @shash: the hash, allocated by aael_bank_init()
 * @logged: entries carry its digest; an unlogged bank is extended all the same
 */
struct aael_bank {
	u16 alg;
	u16 size;
	const char *name;
	struct crypto_shash *shash;
	bool logged;
};

int aael_bank_init(struct aael_bank *bank, u16 alg);
void aael_bank_destroy(struct aael_bank *bank);
int aael_bank_digest(const struct aael_bank *bank, const u8 *data, size_t len, u8 *out);
int aael_bank_extend(const struct aael_bank *bank, u8 *value, const u8 *digest);
int aael_bank_extend_all(const struct aael_bank *banks, unsigned int count, aael_values_t out,
			 const aael_values_t from, const aael_values_t digests);

#endif /* _AAEL_BANK_H */
