// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RTMRs of a TDX guest by TDCALL, on kernels without measurement registers in sysfs
 * (before 6.16). Extends of others are noticed by the register's value alone.
 *
 * Never beside a driver that does the same: TDCALLs of two callers meet as BUSY, of
 * which that driver warns. And never outside a TD, where the instruction does not exist.
 *
 * Source: Intel TDX Module ABI Specification, TDG.MR.RTMR.EXTEND, TDG.MR.REPORT.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>

#include "aael.h"

#define LEAF_RTMR_EXTEND	2
#define LEAF_MR_REPORT		4
#define STATUS_BUSY		0x80000200u	/* the upper half of RAX */

#define EXTEND_ALIGN		64
#define REPORT_BYTES		1024		/* and its alignment */
#define REPORT_RTMR_OFFSET	720
#define RTMR_BYTES		48

/* A page for both, since the hardware wants physical, aligned addresses. */
struct tdcall {
	u8 report[REPORT_BYTES];
	u8 data[REPORT_BYTES];
};

/**
 * aael_tdcall_in_td - does the TDX module answer here
 */
bool aael_tdcall_in_td(void)
{
	return boot_cpu_has(X86_FEATURE_TDX_GUEST);
}

static u64 tdcall(u64 leaf, u64 rcx, u64 rdx)
{
	register u64 r8 asm("r8") = 0;

	asm volatile(".byte 0x66, 0x0f, 0x01, 0xcc"
		     : "+a" (leaf), "+c" (rcx), "+d" (rdx), "+r" (r8)
		     : : "r9", "r10", "r11", "memory", "cc");
	return leaf;
}

/* BUSY: another CPU holds the same operand; nothing has happened. */
static u64 tdcall_patient(u64 leaf, u64 rcx, u64 rdx)
{
	u64 status;

	for (int i = 0; i < AAEL_BUSY_TRIES; i++) {
		status = tdcall(leaf, rcx, rdx);
		if (status >> 32 != STATUS_BUSY)
			break;
		usleep_range(AAEL_BUSY_PAUSE_US, 2 * AAEL_BUSY_PAUSE_US);
	}
	return status;
}

static int tdcall_bind(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned)
{
	struct tdcall *t;

	if (!aael_tdcall_in_td() || aael_register_tsm_possible())
		return -ENODEV;
	t = (struct tdcall *)get_zeroed_page(GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	algs[0] = AAEL_ALG_SHA384;
	*alg_count = 1;
	*reg_count = AAEL_CC_REGISTERS;
	*dev = t;
	return 0;
}

static void tdcall_unbind(void *dev)
{
	free_page((unsigned long)dev);
}

/* A refused TDCALL has done nothing. */
static enum aael_outcome tdcall_extend(void *dev, u32 reg, const aael_values_t digests, int *err)
{
	struct tdcall *t = dev;
	u64 status;

	memcpy(t->data, digests[0], RTMR_BYTES);
	status = tdcall_patient(LEAF_RTMR_EXTEND, virt_to_phys(t->data), reg - 1);
	if (!status)
		return AAEL_APPLIED;
	pr_warn_ratelimited("aael: TDG.MR.RTMR.EXTEND of RTMR%u: %#llx\n", reg - 1, status);
	*err = -EIO;
	return AAEL_NOT_APPLIED;
}

static int tdcall_read(void *dev, u32 reg, aael_values_t values)
{
	struct tdcall *t = dev;

	memset(t->data, 0, EXTEND_ALIGN);
	if (tdcall_patient(LEAF_MR_REPORT, virt_to_phys(t->report), virt_to_phys(t->data)))
		return -EIO;
	memcpy(values[0], t->report + REPORT_RTMR_OFFSET + (reg - 1) * RTMR_BYTES, RTMR_BYTES);
	return 0;
}

const struct aael_provider aael_register_tdcall = {
	.name = "tdcall",
	.platform = "tdx",
	.register_name = "CC register",
	.first_register = 1,
	.exact = true,
	.in_caller = true,
	.bind = tdcall_bind,
	.unbind = tdcall_unbind,
	.map = aael_register_map_cc,
	.extend = tdcall_extend,
	.read = tdcall_read,
	.boot_log = aael_ccel_copy,
};
