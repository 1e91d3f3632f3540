/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * once.c: what is logged already. Transactions only.
 */
#ifndef _AAEL_ONCE_H
#define _AAEL_ONCE_H

#include <linux/siphash.h>
#include <linux/types.h>
#include <linux/aael.h>

struct aael_entry;
struct aael_log;
struct aael_once_segment;

enum aael_once_found {
	AAEL_ONCE_NONE,		/* nothing of that register, domain and operation */
	AAEL_ONCE_IDENTICAL,	/* the same event */
	AAEL_ONCE_OTHER,	/* only with other content */
};

/**
 * struct aael_once - finds entries by what they say
 * @key: of the hashes, random
 * @dir: segment by the top bits of a hash; NULL: nothing taken yet
 * @depth: number of these bits
 * @segments: number of different segments
 * @taken: so many entries, from the first on, are in the table
 * @buf: what is hashed or compared: a register and the beginning of a text
 */
struct aael_once {
	siphash_key_t key;
	struct aael_once_segment **dir;
	unsigned int depth;
	unsigned int segments;
	u64 taken;
	struct {
		u8 reg[4];
		u8 text[AAEL_DOMAIN_MAX_BYTES + 1 + AAEL_OPERATION_MAX_BYTES + 1];
	} buf;
};

#define AAEL_ONCE_SEGMENT_BYTES	4096

void aael_once_init(struct aael_once *once);
void aael_once_destroy(struct aael_once *once);
enum aael_once_found aael_once_find(struct aael_log *log, const struct aael_entry *e,
				    u64 *sequence);
int aael_once_catch_up(struct aael_log *log);

#endif /* _AAEL_ONCE_H */
