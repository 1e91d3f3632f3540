// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap(2) of /dev/aael: the pages of the stream themselves, for reading.
 *
 * Whoever has the last page mapped sees the log grow in it without being told, so a
 * page must never hold what is not measured: pages are zeroed when they are
 * allocated, and filled in when the register has been extended (store.c). A page
 * without published bytes is not given out; touching it is SIGBUS, and may be tried
 * again when the log has grown. The mapping holds the file open and with it the
 * module; each page is held by whoever has it.
 */
#include <linux/errno.h>
#include <linux/mm.h>

#include "aael.h"

static vm_fault_t mmap_fault(struct vm_fault *vmf)
{
	const struct aael_log *log = vmf->vma->vm_private_data;

	vmf->page = aael_store_page(&log->stream, vmf->pgoff);
	return vmf->page ? 0 : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct mmap_operations = {
	.fault = mmap_fault,
};

/**
 * aael_mmap - map the stream
 * @log: the log
 * @vma: where to; of any length, a later part of the stream may come to be
 *
 * Return: 0, or -EACCES if it is to be written to.
 */
int aael_mmap(struct aael_log *log, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	/* Nor by mprotect(2) later. */
	vm_flags_clear(vma, VM_MAYWRITE);
	vma->vm_private_data = log;
	vma->vm_ops = &mmap_operations;
	return 0;
}
