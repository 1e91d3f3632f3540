/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What linux/mm.h has on kernels where vm_flags is not to be written to. Kbuild puts
 * this in front of mmap.c on those where it is.
 */
#include <linux/mm.h>

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
