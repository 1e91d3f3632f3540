/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/aael_bench: the work that no append can do without, done alone and timed in the kernel.
 */
#ifndef _AAEL_BENCH_ABI_H
#define _AAEL_BENCH_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define AAEL_BENCH_PATH		"/dev/aael_bench"
#define AAEL_BENCH_DATA_MAX	4096

/**
 * struct aael_bench_extend - one tpm_pcr_extend() of every allocated bank
 * @pcr: which
 * @in_worker: 1: by a kernel worker of this CPU, which is waited for
 * @ns: out: what the call took, with the worker if there is one
 */
struct aael_bench_extend {
	__u32 pcr;
	__u32 in_worker;
	__aligned_u64 ns;
};

/**
 * struct aael_bench_hash - an event copied from its user, hashed, extended in memory, stored
 * @data: user address of the event
 * @size: bytes, 1..AAEL_BENCH_DATA_MAX
 * @reserved: zero
 * @ns: out: what it took
 *
 * In SHA-256 and SHA-384, the banks of aael.ko's soft register: the event's digest and two
 * extends, H(value || digest): that of the register, and that of the value which it is to have.
 * Event and digests are copied to where a log would be.
 */
struct aael_bench_hash {
	__aligned_u64 data;
	__u32 size;
	__u32 reserved;
	__aligned_u64 ns;
};

#define AAEL_BENCH_IOC_EXTEND	_IOWR(0xAF, 1, struct aael_bench_extend)
#define AAEL_BENCH_IOC_HASH	_IOWR(0xAF, 2, struct aael_bench_hash)

#endif /* _AAEL_BENCH_ABI_H */
