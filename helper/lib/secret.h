/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AAEL_LIB_SECRET_H
#define AAEL_LIB_SECRET_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Clears @size bytes, then free(). @data may be NULL. */
static inline void aael_secret_free(void *data, size_t size)
{
	if (data)
		explicit_bzero(data, size);
	free(data);
}

#endif
