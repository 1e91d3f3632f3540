/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bootlog.c: the firmware's log, untrusted. Pure, so it compiles outside the kernel, too.
 */
#ifndef _AAEL_BOOTLOG_H
#define _AAEL_BOOTLOG_H

#include <linux/types.h>
#include <linux/aael.h>

#include "bank.h"

/**
 * struct aael_bootlog - a parsed boot log
 * @data: the caller's memory
 * @len: bytes of header and well-formed entries
 * @first: offset of the first entry behind the header
 * @alg_count: algorithms of the header
 * @algs: their TCG ids
 * @sizes: their digest sizes in bytes
 * @why: where and why the walk ended, NULL at an end mark or the end
 */
struct aael_bootlog {
	const u8 *data;
	size_t len;
	size_t first;
	unsigned int alg_count;
	u16 algs[AAEL_BANKS_MAX];
	u16 sizes[AAEL_BANKS_MAX];
	const char *why;
};

/**
 * struct aael_bootlog_entry - one entry of it
 * @reg: register number
 * @type: TCG event type
 * @digests: one for each algorithm of the header, in its order
 * @event: the event's data
 * @event_len: bytes of it
 */
struct aael_bootlog_entry {
	u32 reg;
	u32 type;
	const u8 *digests[AAEL_BANKS_MAX];
	const u8 *event;
	size_t event_len;
};

#define AAEL_BOOTLOG_HEADER_MAX_BYTES	(32 + 28 + 4 * AAEL_BANKS_MAX + 1)

int aael_bootlog_parse(const u8 *data, size_t len, struct aael_bootlog *bl);
bool aael_bootlog_next(const struct aael_bootlog *bl, size_t *pos,
		       struct aael_bootlog_entry *e);
int aael_bootlog_replay(const struct aael_bootlog *bl, unsigned int alg,
			const struct aael_bank *bank, u32 reg, u8 *value);
size_t aael_bootlog_header(const struct aael_bank *banks, unsigned int bank_count, u8 *out);

#endif /* _AAEL_BOOTLOG_H */
