/* SPDX-License-Identifier: Apache-2.0 */
/* Build TCG2 logs in memory, for the tests that read them. */
#ifndef AAEL_TESTS_LOGBUILD_H
#define AAEL_TESTS_LOGBUILD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libaael.h"

struct logbuild {
	uint8_t data[65536];
	size_t size;
};

static inline void put_bytes(struct logbuild *l, const void *data, size_t size)
{
	assert_true(size <= sizeof(l->data) - l->size);
	memcpy(l->data + l->size, data, size);
	l->size += size;
}

static inline void put_le(struct logbuild *l, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++) {
		uint8_t b = (uint8_t)(value >> 8 * i);

		put_bytes(l, &b, 1);
	}
}

/* A Spec ID header in @reg that declares @algs, ended by 0. */
static inline void put_header(struct logbuild *l, uint32_t reg, const uint16_t *algs)
{
	static const uint8_t zero[20];
	unsigned int n = 0;

	while (algs[n])
		n++;
	put_le(l, reg, 4);
	put_le(l, AAEL_EV_NO_ACTION, 4);
	put_bytes(l, zero, 20);
	put_le(l, 16 + 8 + 4 + 4 * n + 1, 4);
	put_bytes(l, "Spec ID Event03", 16);
	put_le(l, 0, 4);
	put_le(l, 0x02000200, 4);
	put_le(l, n, 4);
	for (unsigned int i = 0; i < n; i++) {
		put_le(l, algs[i], 2);
		put_le(l, aael_alg_by_id(algs[i])->size, 2);
	}
	put_le(l, 0, 1);
}

/* An entry whose digests are the hashes of the event. */
static inline void put_entry(struct logbuild *l, uint32_t reg, uint32_t type, const uint16_t *algs,
			     const void *event, size_t size)
{
	unsigned int n = 0;

	while (algs[n])
		n++;
	put_le(l, reg, 4);
	put_le(l, type, 4);
	put_le(l, n, 4);
	for (unsigned int i = 0; i < n; i++) {
		uint8_t hash[AAEL_DIGEST_MAX_BYTES];
		int len = aael_alg_hash(algs[i], event, size, "", 0, hash);

		assert_true(len > 0);
		put_le(l, algs[i], 2);
		put_bytes(l, hash, (size_t)len);
	}
	put_le(l, size, 4);
	put_bytes(l, event, size);
}

/* An entry of ours. */
static inline void put_aael(struct logbuild *l, uint32_t reg, const uint16_t *algs,
			    const char *text)
{
	struct logbuild *event = calloc(1, sizeof(*event));

	assert_non_null(event);
	put_le(event, AAEL_EVENT_TAG, 4);
	put_le(event, strlen(text), 4);
	put_bytes(event, text, strlen(text));
	put_entry(l, reg, AAEL_EVENT_TYPE, algs, event->data, event->size);
	free(event);
}

/*
 * What a test reads is copied to a block of exactly its size, so that ASan sees
 * a read of one byte too many.
 */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static inline void assert_hex(const uint8_t *value, size_t size, const char *hex)
{
	char have[2 * AAEL_DIGEST_MAX_BYTES + 1];

	aael_hex_encode(value, size, have);
	assert_string_equal(have, hex);
}

/* A whole file below $AAEL_VECTORS, or NULL if that is not set (the test then skips). */
static inline uint8_t *vector_file(const char *name, size_t *size)
{
	const char *dir = getenv("AAEL_VECTORS");
	char path[4096];
	uint8_t *data;
	FILE *f;
	long n;

	if (!dir || !*dir) {
		print_message("# skipped: AAEL_VECTORS does not name the vectors' folder\n");
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("cannot open %s", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	data = calloc(1, (size_t)n + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, (size_t)n, f), n);
	fclose(f);
	*size = (size_t)n;
	return data;
}

#endif
