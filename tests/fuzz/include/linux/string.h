/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AAEL_FUZZ_STRING_H
#define AAEL_FUZZ_STRING_H

#include <string.h>

/* The first byte that is not @c, or NULL. */
static inline const void *memchr_inv(const void *p, int c, size_t n)
{
	for (const unsigned char *at = p; n; at++, n--)
		if (*at != (unsigned char)c)
			return at;
	return NULL;
}

#endif
