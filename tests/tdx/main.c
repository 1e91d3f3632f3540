// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdxemul, for tests only: makes every CPU say that it is in a TDX guest, after the
 * emulation is there and until it goes. Refuses to load where that is the truth.
 */
#include <linux/bitops.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "compat/kernel.h"
#include "tdxemul.h"

#define CPUID_TDX	0x21

static enum cpuhp_state cpu_state;

static bool in_tdx_guest(void)
{
	u32 unused, sig[3] = {};

	if (boot_cpu_has(X86_FEATURE_TDX_GUEST))
		return true;
	/* The kernel may have been told to ignore it. */
	if (cpuid_eax(0) >= CPUID_TDX)
		cpuid_count(CPUID_TDX, 0, &unused, &sig[0], &sig[2], &sig[1]);
	return !memcmp(sig, "IntelTDX    ", sizeof(sig));
}

static void mark(struct cpuinfo_x86 *cpu, bool on)
{
	assign_bit(X86_FEATURE_TDX_GUEST, (unsigned long *)cpu->x86_capability, on);
}

/* A CPU that comes up is identified anew, and what all have in common with it. */
static int cpu_up(unsigned int cpu)
{
	mark(&boot_cpu_data, true);
	mark(&cpu_data(cpu), true);
	return 0;
}

static int cpu_down(unsigned int cpu)
{
	mark(&cpu_data(cpu), false);
	return 0;
}

static int __init tdxemul_init(void)
{
	int ret;

	if (in_tdx_guest()) {
		pr_err("tdxemul: this is a TDX guest already\n");
		return -EBUSY;
	}
	ret = tdxemul_td_init();
	if (ret)
		return ret;
	ret = tdxemul_trap_init();
	if (ret)
		goto td;
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tests/tdxemul:online", cpu_up, cpu_down);
	if (ret < 0)
		goto trap;
	cpu_state = ret;
	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	pr_warn("tdxemul: EMULATING A TDX GUEST, FOR TESTS ONLY\n");
	return 0;

trap:
	tdxemul_trap_exit();
td:
	tdxemul_td_exit();
	return ret;
}

static void __exit tdxemul_exit(void)
{
	cpuhp_remove_state(cpu_state);
	mark(&boot_cpu_data, false);
	tdxemul_trap_exit();
	tdxemul_vmm_exit();
	tdxemul_td_exit();
}

module_init(tdxemul_init);
module_exit(tdxemul_exit);

MODULE_DESCRIPTION("Emulation of a TDX guest, for tests only");
MODULE_LICENSE("GPL");
