/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handing the log over: what import.c (pure) and handover.c (transactions) offer.
 */
#ifndef _AAEL_HANDOVER_H
#define _AAEL_HANDOVER_H

#include <linux/types.h>
#include <linux/aael.h>

#include "bank.h"

struct aael_log;
struct aael_register;

/**
 * struct aael_imported - entries on their way into another log
 * @bytes: kvmalloc'ed; checking them shortens the texts of foreign ones
 * @len: bytes there
 * @entries: number of them
 * @foreign: how many of them are not ours
 * @bad: with -EBADMSG: number of the first that is wrong, from 1
 * @used: bit by register: it has entries
 * @last: number of the last entry, by register
 * @values: what the boot log and the entries replay to, by register
 * @live: what the registers hold
 * @made: state of registers that are not in use yet
 */
struct aael_imported {
	u8 *bytes;
	size_t len;
	u64 entries;
	u64 foreign;
	u64 bad;
	u32 used;
	u64 last[AAEL_REGISTERS_MAX];
	aael_values_t values[AAEL_REGISTERS_MAX];
	aael_values_t live[AAEL_REGISTERS_MAX];
	struct aael_register *made[AAEL_REGISTERS_MAX];
};

/* import.c */
int aael_import_check(const struct aael_log *log, struct aael_imported *im);

/* handover.c */
int aael_handover_seal(struct aael_log *log, struct aael_seal *s);
int aael_handover_import(struct aael_log *log, struct aael_import *req, u8 *bytes);
int aael_handover_record(struct aael_log *log);

#endif /* _AAEL_HANDOVER_H */
