/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels before 6.16 do not have this header: what the tracepoint tsm_mr_write would
 * hand over. The kernel's own include folders come first.
 */
#ifndef _AAEL_COMPAT_TSM_MR_H
#define _AAEL_COMPAT_TSM_MR_H

#include <linux/types.h>

struct tsm_measurement_register {
	const char *mr_name;
	void *mr_value;
	u32 mr_size;
};

#endif /* _AAEL_COMPAT_TSM_MR_H */
