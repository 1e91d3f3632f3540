/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Put in front of the module's sources: the n-th allocation or hash from now fails.
 * Other tasks allocate too, so the kernel's own fault injection would hit them as well.
 */
#ifndef _AAEL_KUNIT_FAULT_H
#define _AAEL_KUNIT_FAULT_H

#include <crypto/hash.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/slab.h>

/**
 * fault_set_memory - let an allocation fail
 * @nth: which from now on, from 1; 0: none
 */
void fault_set_memory(int nth);

/**
 * fault_set_hash - let a hash fail
 * @nth: which from now on, from 1; 0: none
 */
void fault_set_hash(int nth);

/**
 * fault_set_siphash - let hashes collide
 * @bits: of a siphash that are left; the others are zero
 */
void fault_set_siphash(u64 bits);

bool fault_memory(void);
bool fault_hash(void);
u64 fault_siphash(void);

#undef __get_free_page
#define __get_free_page(gfp)	(fault_memory() ? 0UL : __get_free_pages(gfp, 0))

#undef kvzalloc
#define kvzalloc(size, gfp)	(fault_memory() ? NULL : kvmalloc(size, (gfp) | __GFP_ZERO))

#undef kvcalloc
#define kvcalloc(n, size, gfp) \
	(fault_memory() ? NULL : kvmalloc_array(n, size, (gfp) | __GFP_ZERO))

#define crypto_shash_tfm_digest(tfm, data, len, out) \
	(fault_hash() ? -EIO : (crypto_shash_tfm_digest)(tfm, data, len, out))

#define siphash(data, len, key)	((siphash)(data, len, key) & fault_siphash())

#endif /* _AAEL_KUNIT_FAULT_H */
