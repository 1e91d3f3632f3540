/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tdxemul: an ordinary virtual machine passes for an Intel TDX guest, for tests only.
 *
 * TDCALL is an invalid opcode outside a TDX guest. A die notifier takes the exception,
 * plays the TDX module (td.c) or the hypervisor (vmm.c), writes the result registers
 * and steps over the instruction. The kernel's own tdx-guest, tsm-mr and configfs-tsm
 * run above it unmodified. No measurement here is worth anything: the registers are
 * ordinary memory, the report's MAC and the quote's signature are filler.
 *
 * Not emulated: private memory, #VE, and a kernel that booted as a TDX guest. So
 * cc_platform_has() stays false, as does cpu_feature_enabled(X86_FEATURE_TDX_GUEST) in
 * code that was patched before; boot_cpu_has() and modules loaded later say true.
 *
 * Users of TDCALL, tdx-guest among them, are to be unloaded first: the next TDCALL
 * without the emulator is an oops.
 *
 * Parameters, [L]: at load; [W]: at any time; [R]: to be read
 *
 *   rtmr0 … rtmr3   [LR]	the registers: 96 hexadecimal digits, at first zero. What is
 *				read comes from the registers and not through any driver
 *   mrconfigid      [LR]	likewise, but never changes
 *   extend          [W]	"INDEX DIGEST": an extend that no driver knows of
 *   busy            [WR]	the next so many RTMR.EXTEND and MR.REPORT are refused with
 *				OPERAND_BUSY; -1: all
 *   busy_extend     [WR]	likewise, but only RTMR.EXTEND
 *   fail_extend     [WR]	if not 0: every RTMR.EXTEND is refused with this status
 *   quote_delay_ms  [WR]	a quote is ready that much later; -1: never
 *   quote_fail      [WR]	quotes end with "service unavailable"
 *   n_extend, n_report, n_quote  [R]	how many were carried out, n_quote: asked for
 */
#ifndef _TDXEMUL_H
#define _TDXEMUL_H

#include <linux/ptrace.h>
#include <linux/types.h>

/* td.c: the TDX module and its registers */

/**
 * tdxemul_td_init - set what is not a parameter, and get ready to hash
 *
 * Context: Process context.
 * Return: 0 or a negative errno.
 */
int tdxemul_td_init(void);
void tdxemul_td_exit(void);

/**
 * tdxemul_td_memory - guest memory by its physical address
 * @gpa: an address as TDCALL takes it
 * @align: what it is to be aligned to, a power of two
 * @len: bytes that are used
 *
 * Callers may hand in nonsense, such as virt_to_phys() of a stack in vmalloc memory.
 *
 * Return: where it is mapped, or NULL if it is no memory or not aligned.
 */
void *tdxemul_td_memory(u64 gpa, u64 align, u64 len);

/**
 * tdxemul_td_info - TDG.VP.INFO
 * @regs: gets the results
 */
void tdxemul_td_info(struct pt_regs *regs);

/**
 * tdxemul_td_extend - TDG.MR.RTMR.EXTEND
 * @gpa: physical address of the 48 bytes to extend with, aligned to 64
 * @index: 0 to 3
 *
 * Return: the status that TDCALL leaves in RAX.
 */
u64 tdxemul_td_extend(u64 gpa, u64 index);

/**
 * tdxemul_td_report - TDG.MR.REPORT
 * @gpa: physical address of the 1024 bytes that get the report, aligned to that
 * @data_gpa: physical address of the 64 bytes of report data; may lie within the former
 * @subtype: 0
 *
 * Return: the status that TDCALL leaves in RAX.
 */
u64 tdxemul_td_report(u64 gpa, u64 data_gpa, u64 subtype);

/* vmm.c: the hypervisor */

/**
 * tdxemul_vmm_call - TDG.VP.VMCALL
 * @regs: R10 to R15 are the arguments and get the results
 */
void tdxemul_vmm_call(struct pt_regs *regs);

/**
 * tdxemul_vmm_exit - forget a quote that is under way
 *
 * Context: Process context; nobody may issue TDCALLs any more.
 */
void tdxemul_vmm_exit(void);

/* trap.c: TDCALL */

int tdxemul_trap_init(void);
void tdxemul_trap_exit(void);

#endif /* _TDXEMUL_H */
