// SPDX-License-Identifier: GPL-2.0-only
/* Counts down to the allocation or hash that fails. */
#include <linux/atomic.h>

#include "fault.h"

static atomic_t memory = ATOMIC_INIT(0);
static atomic_t hash = ATOMIC_INIT(0);
static u64 siphash_bits = U64_MAX;

void fault_set_memory(int nth)
{
	atomic_set(&memory, nth);
}

void fault_set_hash(int nth)
{
	atomic_set(&hash, nth);
}

bool fault_memory(void)
{
	return atomic_dec_if_positive(&memory) == 0;
}

bool fault_hash(void)
{
	return atomic_dec_if_positive(&hash) == 0;
}

void fault_set_siphash(u64 bits)
{
	WRITE_ONCE(siphash_bits, bits);
}

u64 fault_siphash(void)
{
	return READ_ONCE(siphash_bits);
}
