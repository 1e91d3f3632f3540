/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels before 6.12 have this header as asm/unaligned.h. The kernel's own
 * include folders come first, so on newer ones this file is never opened.
 */
#include <asm/unaligned.h>
