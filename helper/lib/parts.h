/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text in parts, some of them bytes that it shows in base64: it is made while it is sent, and
 * what is large is in memory once. Pure.
 */
#ifndef AAEL_LIB_PARTS_H
#define AAEL_LIB_PARTS_H

#include <stdbool.h>
#include <stddef.h>

struct aael_part {
	const void *data;
	size_t size;
	bool base64; /* standard, with padding; else the bytes are the text */
};

/* Characters of the text. */
size_t aael_parts_size(const struct aael_part *parts, size_t count);
/* Those from the @at-th on, as many as there are and @room is for. Returns how many; 0: the end. */
size_t aael_parts_read(const struct aael_part *parts, size_t count, size_t at, char *out,
		       size_t room);
/* All of it, with a NUL behind; to free(). NULL: no memory. */
char *aael_parts_text(const struct aael_part *parts, size_t count, size_t *size);

#endif
