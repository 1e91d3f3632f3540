/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all targets use. A target is NAME_fuzz.c with LLVMFuzzerTestOneInput(), which does
 * with the bytes what the product does, and says with MUST() what has to hold whatever
 * they are. It has no state that one input leaves to the next.
 */
#ifndef AAEL_FUZZ_H
#define AAEL_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                           \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes with exactly the size that their user is told, so that ASan sees one too many. */
struct bytes {
	uint8_t *block; /* to free() */
	uint8_t *p;
	size_t size;
};

static inline struct bytes exact_copy(const void *data, size_t size)
{
	struct bytes b = { .block = malloc(size ? size : 1), .size = size };

	MUST(b.block);
	/* An empty one begins behind the block's only byte. */
	b.p = b.block + !size;
	if (size)
		memcpy(b.p, data, size);
	return b;
}

/*
 * The bytes of the character at @p, or 0: by its number (RFC 3629, section 3), where libaael
 * goes by the ranges of the bytes.
 */
static inline size_t utf8_character(const uint8_t *p, size_t size, uint32_t *number)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;

	if (!n || n > size)
		return 0;
	*number = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*number = *number << 6 | (p[i] & 0x3f);
	}
	return *number < least[n] || *number > 0x10ffff || *number >> 11 == 0x1b ? 0 : n;
}

static inline bool is_utf8(const void *text, size_t size)
{
	const uint8_t *p = text;
	uint32_t number;
	size_t n;

	for (; size; p += n, size -= n) {
		n = utf8_character(p, size, &number);
		if (!n)
			return false;
	}
	return true;
}

/* Can it be shown on a terminal: UTF-8 without C0, DEL and C1? */
static inline bool is_plain(const void *text, size_t size)
{
	const uint8_t *p = text;
	uint32_t number;
	size_t n;

	for (; size; p += n, size -= n) {
		n = utf8_character(p, size, &number);
		if (!n || number < 0x20 || (number >= 0x7f && number < 0xa0))
			return false;
	}
	return true;
}

#endif
