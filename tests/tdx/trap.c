// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDCALL: the exception that it raises in kernel mode ends here, and is over for
 * everybody else. Any other invalid opcode is left alone.
 */
#include <linux/kdebug.h>
#include <linux/limits.h>
#include <linux/notifier.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/trapnr.h>

#include "abi.h"
#include "tdxemul.h"

static const u8 tdcall[] = { 0x66, 0x0f, 0x01, 0xcc };

static u64 call(struct pt_regs *regs)
{
	switch (regs->ax & U16_MAX) {
	case LEAF_VMCALL:
		tdxemul_vmm_call(regs);
		return STATUS_SUCCESS;
	case LEAF_INFO:
		tdxemul_td_info(regs);
		return STATUS_SUCCESS;
	case LEAF_RTMR_EXTEND:
		return tdxemul_td_extend(regs->cx, regs->dx);
	case LEAF_MR_REPORT:
		return tdxemul_td_report(regs->cx, regs->dx, regs->r8);
	case LEAF_VEINFO_GET:
		return STATUS_NO_VE_INFO;
	case LEAF_VM_RD:
		regs->r8 = 0;
		return STATUS_SUCCESS;
	case LEAF_VM_WR:
	case LEAF_PAGE_ACCEPT:
		return STATUS_SUCCESS;
	default:
		return STATUS_INVALID_OPERAND | OPERAND_RAX;
	}
}

static int on_trap(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;
	u8 opcode[sizeof(tdcall)];

	if (event != DIE_TRAP || args->trapnr != X86_TRAP_UD || user_mode(regs) ||
	    copy_from_kernel_nofault(opcode, (void *)regs->ip, sizeof(opcode)) ||
	    memcmp(opcode, tdcall, sizeof(opcode)))
		return NOTIFY_DONE;
	regs->ax = call(regs);
	regs->ip += sizeof(tdcall);
	return NOTIFY_STOP;
}

static struct notifier_block trap_notifier = {
	.notifier_call = on_trap,
	.priority = INT_MAX,
};

int __init tdxemul_trap_init(void)
{
	return register_die_notifier(&trap_notifier);
}

void tdxemul_trap_exit(void)
{
	unregister_die_notifier(&trap_notifier);
}
