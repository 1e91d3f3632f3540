/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's names of types, for its pure files in user space. */
#ifndef AAEL_FUZZ_TYPES_H
#define AAEL_FUZZ_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include_next <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;

#endif
