// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor: the hypercalls that drivers make, above all GetQuote. One quote at a
 * time is under way; its pages are kept until it is finished, even if the driver that
 * asked for it has been unloaded and has freed them.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "abi.h"
#include "tdxemul.h"

static int quote_delay_ms;
module_param(quote_delay_ms, int, 0644);
MODULE_PARM_DESC(quote_delay_ms, "a quote is ready that much later; -1: never");

static bool quote_fail;
module_param(quote_fail, bool, 0644);
MODULE_PARM_DESC(quote_fail, "quotes end with: service unavailable");

static uint n_quote;
module_param(n_quote, uint, 0444);
MODULE_PARM_DESC(n_quote, "quotes asked for");

/* The request under way; whoever replaces the pointer owns it and its pages. */
static struct quote_request *pending;
static u64 pending_bytes;

/* The quote takes the place of the report that it is made of. */
static void answer(struct quote_request *request)
{
	static const u8 vendor[] = {
		0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
		0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
	};
	const struct td_report *report = (struct td_report *)request->data;
	struct quote *quote = (struct quote *)request->data;
	struct quote_body body = {};

	memcpy(body.tee_tcb_svn, report->tcb.tee_tcb_svn, sizeof(body.tee_tcb_svn));
	memcpy(body.mrseam, report->tcb.mrseam, sizeof(body.mrseam));
	memcpy(body.mrsignerseam, report->tcb.mrsignerseam, sizeof(body.mrsignerseam));
	body.seam_attributes = report->tcb.attributes;
	memcpy(body.td, &report->td, sizeof(body.td));
	memcpy(body.report_data, report->report_data, sizeof(body.report_data));

	memset(quote, 0, sizeof(*quote));
	quote->header.version = cpu_to_le16(4);
	quote->header.key_type = cpu_to_le16(2);
	quote->header.tee_type = cpu_to_le32(TEE_TYPE_TDX);
	memcpy(quote->header.qe_vendor, vendor, sizeof(vendor));
	strscpy(quote->header.user_data, "tdxemul: no quote", sizeof(quote->header.user_data));
	quote->body = body;
	quote->signature_len = cpu_to_le32(sizeof(quote->signature));
	memset(quote->signature, 0xfa, 2 * 64);
	request->out_len = cpu_to_le32(sizeof(*quote));
}

static void finish(struct quote_request *request)
{
	u64 status = quote_fail ? QUOTE_UNAVAILABLE : QUOTE_DONE;

	if (!quote_fail)
		answer(request);
	/* The guest polls the status, and then takes the quote. */
	smp_store_release(&request->status, cpu_to_le64(status));
}

static void keep(struct quote_request *request, u64 bytes)
{
	for (u64 at = 0; at < bytes; at += PAGE_SIZE)
		get_page(virt_to_page((u8 *)request + at));
}

static void let_go(struct quote_request *request, u64 bytes)
{
	for (u64 at = 0; at < bytes; at += PAGE_SIZE)
		put_page(virt_to_page((u8 *)request + at));
}

static void finish_pending(struct work_struct *work)
{
	struct quote_request *request = READ_ONCE(pending);

	finish(request);
	let_go(request, pending_bytes);
	/* The next request may come now. */
	smp_store_release(&pending, NULL);
}

static DECLARE_DELAYED_WORK(pending_work, finish_pending);

static u64 get_quote(u64 gpa, u64 bytes)
{
	/* There is no shared half of the address space here, so no bit of it to remove. */
	struct quote_request *request = tdxemul_td_memory(gpa, PAGE_SIZE, bytes);
	int delay_ms = quote_delay_ms;

	if (!IS_ALIGNED(gpa | bytes, PAGE_SIZE))
		return VMCALL_ALIGN_ERROR;
	if (!request || bytes < sizeof(*request) + sizeof(struct td_report) ||
	    le64_to_cpu(request->version) != 1 ||
	    le32_to_cpu(request->in_len) != sizeof(struct td_report))
		return VMCALL_INVALID_OPERAND;
	if (delay_ms > 0 && cmpxchg(&pending, NULL, request))
		return VMCALL_RETRY;
	n_quote++;
	if (!delay_ms) {
		finish(request);
		return VMCALL_SUCCESS;
	}
	WRITE_ONCE(request->status, cpu_to_le64(QUOTE_IN_FLIGHT));
	if (delay_ms > 0) {
		pending_bytes = bytes;
		keep(request, bytes);
		schedule_delayed_work(&pending_work, msecs_to_jiffies(delay_ms));
	}
	return VMCALL_SUCCESS;
}

void tdxemul_vmm_call(struct pt_regs *regs)
{
	u64 status = VMCALL_SUCCESS;

	switch (regs->r10 ? ~0UL : regs->r11) {
	case VMCALL_GET_INFO:
		regs->r11 = 0;
		regs->r12 = 0;
		regs->r13 = 0;
		regs->r14 = 0;
		break;
	case VMCALL_MAP_GPA:
		break;
	case VMCALL_GET_QUOTE:
		status = get_quote(regs->r12, regs->r13);
		break;
	default:
		pr_warn("tdxemul: hypercall %#lx of type %#lx\n", regs->r11, regs->r10);
		status = VMCALL_UNSUPPORTED;
	}
	regs->r10 = status;
}

void tdxemul_vmm_exit(void)
{
	if (cancel_delayed_work_sync(&pending_work))
		let_go(pending, pending_bytes);
}
