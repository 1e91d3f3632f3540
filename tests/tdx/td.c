// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TDX module: the registers of the guest, extends and reports. The registers
 * change only by an extend, and a refused extend leaves them alone.
 */
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "abi.h"
#include "compat/kernel.h"
#include "tdxemul.h"

#define GPA_WIDTH_BITS		52
#define ATTR_SEPT_VE_DISABLE	BIT_ULL(28)

/* Protects the registers, the knobs and the counters; taken with interrupts off. */
static DEFINE_RAW_SPINLOCK(td_lock);
static struct td_info td;
static struct tcb_info tcb;

static int busy;
module_param(busy, int, 0644);
MODULE_PARM_DESC(busy, "so many extends and reports are refused as busy; -1: all");

static int busy_extend;
module_param(busy_extend, int, 0644);
MODULE_PARM_DESC(busy_extend, "so many extends are refused as busy; -1: all");

static ulong fail_extend;
module_param(fail_extend, ulong, 0644);
MODULE_PARM_DESC(fail_extend, "status of every extend, if not 0");

static uint n_extend;
module_param(n_extend, uint, 0444);
MODULE_PARM_DESC(n_extend, "extends carried out");

static uint n_report;
module_param(n_report, uint, 0444);
MODULE_PARM_DESC(n_report, "reports made");

static int register_set(const char *text, const struct kernel_param *kp)
{
	u8 value[DIGEST_BYTES];

	if (strlen(text) != 2 * sizeof(value) || hex2bin(value, text, sizeof(value)))
		return -EINVAL;
	memcpy(kp->arg, value, sizeof(value));
	return 0;
}

static int register_get(char *text, const struct kernel_param *kp)
{
	u8 value[DIGEST_BYTES];
	unsigned long flags;

	raw_spin_lock_irqsave(&td_lock, flags);
	memcpy(value, kp->arg, sizeof(value));
	raw_spin_unlock_irqrestore(&td_lock, flags);
	return sysfs_emit(text, "%*phN\n", DIGEST_BYTES, value);
}

static const struct kernel_param_ops register_ops = {
	.set = register_set,
	.get = register_get,
};

module_param_cb(rtmr0, &register_ops, td.rtmr[0], 0444);
MODULE_PARM_DESC(rtmr0, "RTMR0, 96 hexadecimal digits");
module_param_cb(rtmr1, &register_ops, td.rtmr[1], 0444);
MODULE_PARM_DESC(rtmr1, "RTMR1, 96 hexadecimal digits");
module_param_cb(rtmr2, &register_ops, td.rtmr[2], 0444);
MODULE_PARM_DESC(rtmr2, "RTMR2, 96 hexadecimal digits");
module_param_cb(rtmr3, &register_ops, td.rtmr[3], 0444);
MODULE_PARM_DESC(rtmr3, "RTMR3, 96 hexadecimal digits");
module_param_cb(mrconfigid, &register_ops, td.mrconfigid, 0444);
MODULE_PARM_DESC(mrconfigid, "MRCONFIGID, 96 hexadecimal digits");

static void extend_locked(unsigned int index, const u8 *digest)
{
	u8 both[2 * DIGEST_BYTES];

	lockdep_assert_held(&td_lock);
	memcpy(both, td.rtmr[index], DIGEST_BYTES);
	memcpy(both + DIGEST_BYTES, digest, DIGEST_BYTES);
	compat_sha384(both, sizeof(both), td.rtmr[index]);
	n_extend++;
}

/* "INDEX DIGEST" */
static int extend_set(const char *text, const struct kernel_param *kp)
{
	char digits[2 * DIGEST_BYTES + 2];	/* one more shows that there are too many */
	u8 digest[DIGEST_BYTES];
	unsigned long flags;
	unsigned int index;

	if (sscanf(text, "%u %97s", &index, digits) != 2 || index >= RTMRS ||
	    strlen(digits) != 2 * sizeof(digest) || hex2bin(digest, digits, sizeof(digest)))
		return -EINVAL;
	raw_spin_lock_irqsave(&td_lock, flags);
	extend_locked(index, digest);
	raw_spin_unlock_irqrestore(&td_lock, flags);
	return 0;
}

static const struct kernel_param_ops extend_ops = { .set = extend_set };

module_param_cb(extend, &extend_ops, NULL, 0200);
MODULE_PARM_DESC(extend, "INDEX DIGEST: extend an RTMR behind everybody's back");

static bool take(int *knob)
{
	if (!*knob)
		return false;
	if (*knob > 0)
		--*knob;
	return true;
}

void *tdxemul_td_memory(u64 gpa, u64 align, u64 len)
{
	if (!IS_ALIGNED(gpa, align) || gpa >> GPA_WIDTH_BITS || !pfn_valid(PHYS_PFN(gpa)) ||
	    !pfn_valid(PHYS_PFN(gpa + len - 1)))
		return NULL;
	return __va(gpa);
}

void tdxemul_td_info(struct pt_regs *regs)
{
	regs->cx = GPA_WIDTH_BITS;
	regs->dx = le64_to_cpu(td.attributes);
	regs->r8 = num_online_cpus() | (u64)num_possible_cpus() << 32;
	regs->r9 = raw_smp_processor_id();
	regs->r10 = 0;
	regs->r11 = 0;
}

static u64 extend_refused(void)
{
	if (fail_extend)
		return fail_extend;
	if (take(&busy_extend) || take(&busy))
		return STATUS_OPERAND_BUSY | OPERAND_RTMR;
	return STATUS_SUCCESS;
}

u64 tdxemul_td_extend(u64 gpa, u64 index)
{
	const u8 *digest = tdxemul_td_memory(gpa, 64, DIGEST_BYTES);
	unsigned long flags;
	u64 status;

	if (!digest)
		return STATUS_INVALID_OPERAND | OPERAND_RCX;
	if (index >= RTMRS)
		return STATUS_INVALID_OPERAND | OPERAND_RDX;

	raw_spin_lock_irqsave(&td_lock, flags);
	status = extend_refused();
	if (!status)
		extend_locked(index, digest);
	raw_spin_unlock_irqrestore(&td_lock, flags);
	return status;
}

static void report_locked(struct td_report *report, const u8 *data)
{
	u8 copy[REPORT_DATA_BYTES];

	lockdep_assert_held(&td_lock);
	memcpy(copy, data, sizeof(copy));
	memset(report, 0, sizeof(*report));
	report->type[0] = TEE_TYPE_TDX;
	memcpy(report->report_data, copy, sizeof(copy));
	report->tcb = tcb;
	report->td = td;
	compat_sha384((u8 *)&tcb, sizeof(tcb), report->tcb_info_hash);
	compat_sha384((u8 *)&td, sizeof(td), report->td_info_hash);
	memset(report->mac, 0xee, sizeof(report->mac));
	n_report++;
}

u64 tdxemul_td_report(u64 gpa, u64 data_gpa, u64 subtype)
{
	struct td_report *report = tdxemul_td_memory(gpa, sizeof(*report), sizeof(*report));
	const u8 *data = tdxemul_td_memory(data_gpa, REPORT_DATA_BYTES, REPORT_DATA_BYTES);
	u64 status = STATUS_SUCCESS;
	unsigned long flags;

	if (!report)
		return STATUS_INVALID_OPERAND | OPERAND_RCX;
	if (!data)
		return STATUS_INVALID_OPERAND | OPERAND_RDX;
	if (subtype)
		return STATUS_INVALID_OPERAND | OPERAND_R8;

	raw_spin_lock_irqsave(&td_lock, flags);
	if (take(&busy))
		status = STATUS_OPERAND_BUSY | OPERAND_RTMR;
	else
		report_locked(report, data);
	raw_spin_unlock_irqrestore(&td_lock, flags);
	return status;
}

int __init tdxemul_td_init(void)
{
	td.attributes = cpu_to_le64(ATTR_SEPT_VE_DISABLE);
	td.xfam = cpu_to_le64(0x61ae7);
	memset(td.mrtd, 0xd0, sizeof(td.mrtd));
	tcb.valid = cpu_to_le64(0x301ff);
	memset(tcb.tee_tcb_svn, 0x03, 2);
	memset(tcb.mrseam, 0x5e, sizeof(tcb.mrseam));
	return compat_sha384_init();
}

void tdxemul_td_exit(void)
{
	compat_sha384_exit();
}
