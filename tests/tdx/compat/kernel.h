/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels: where CPUID is declared, and SHA-384 in atomic context. It
 * is a function since 6.17, before that a transform to be allocated where one may sleep.
 */
#ifndef _TDXEMUL_COMPAT_H
#define _TDXEMUL_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)

#include <asm/cpuid/api.h>
#include <crypto/sha2.h>

static inline int compat_sha384_init(void)
{
	return 0;
}

static inline void compat_sha384_exit(void)
{
}

#define compat_sha384	sha384

#else

#include <asm/processor.h>
#include <crypto/hash.h>
#include <linux/err.h>

static struct crypto_shash *compat_tfm;

static inline int compat_sha384_init(void)
{
	compat_tfm = crypto_alloc_shash("sha384", 0, 0);
	return PTR_ERR_OR_ZERO(compat_tfm);
}

static inline void compat_sha384_exit(void)
{
	crypto_free_shash(compat_tfm);
}

static inline void compat_sha384(const u8 *data, size_t len, u8 *out)
{
	/* Without a key and without asynchronous parts it cannot fail. */
	crypto_shash_tfm_digest(compat_tfm, data, len, out);
}

#endif

#endif /* _TDXEMUL_COMPAT_H */
