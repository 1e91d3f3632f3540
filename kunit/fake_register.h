/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A provider that misbehaves on command. Its registers are the truth that the tests
 * compare the log with.
 */
#ifndef _AAEL_KUNIT_FAKE_REGISTER_H
#define _AAEL_KUNIT_FAKE_REGISTER_H

#include <linux/completion.h>

#include "aael.h"

#define FAKE_ACTS_MAX	16

/* What one extend does; behind the end of the script, all are APPLY. */
enum fake_act {
	FAKE_APPLY,		/* applied, and says so */
	FAKE_REFUSE,		/* not applied, an error */
	FAKE_NOT_SENT,		/* not applied, and that is certain */
	FAKE_TIMEOUT_APPLIED,	/* applied, an error */
	FAKE_TIMEOUT_LOST,	/* not applied, an error */
	FAKE_LIE,		/* not applied, says it was */
	FAKE_SLOW,		/* applied, says so, but slowly */
	FAKE_SLOW_LIE,		/* not applied, says it was, but slowly */
	FAKE_LATE,		/* an error; applied in front of the next extend */
	FAKE_HALF,		/* applied in the first bank only, an error */
	FAKE_FOREIGN_BEFORE,	/* somebody else's extend, then ours applied; says so */
	FAKE_FOREIGN_AFTER,	/* ours applied, then somebody else's; says so */
	FAKE_FOREIGN_TIMEOUT,	/* somebody else's, ours not applied, an error */
	FAKE_FOREIGN_FLOOD,	/* more of them than the queue of reports holds, then ours */
	FAKE_GONE,		/* the device is gone: not applied */
	FAKE_GONE_APPLIED,	/* applied, an error, and now the device is gone */
};

/**
 * struct fake_register - the fake device
 * @algs: its banks
 * @bank_count: number of them
 * @banks: the hashes
 * @regs: the registers
 * @acts: what the next extends do
 * @act_count: entries of @acts
 * @act_next: next of @acts
 * @extends: calls of extend
 * @reads: calls of read
 * @skip_reads: so many reads work before the members below count
 * @failing_reads: so many reads fail, -1: all
 * @lying_reads: so many reads return another value
 * @stale_reads: so many reads return @stale
 * @stale: an earlier value
 * @watch: what is looked at whenever a register is read, or NULL
 * @watched: what has been seen there, or'ed
 * @gone: the device is not there
 * @may_reopen: the device is back when asked
 * @late: the digests of FAKE_LATE
 * @has_late: @late is set
 * @late_reg: register of @late
 * @hold: extends wait for it, if set
 * @held: completed when an extend waits
 * @fail_hash: the hash behind an extend's own fails
 * @foreign_reads: so many reads come just before somebody else's extend
 * @follow: where to report, with fake_followed
 * @inside: calls under way
 * @overlaps: calls made while another was under way
 * @bound: number of binds without unbind
 * @log: boot log to give out, or NULL
 * @log_len: bytes of it
 */
struct fake_register {
	u16 algs[AAEL_BANKS_MAX];
	unsigned int bank_count;
	struct aael_bank banks[AAEL_BANKS_MAX];
	aael_values_t regs[AAEL_REGISTERS_MAX];
	enum fake_act acts[FAKE_ACTS_MAX];
	unsigned int act_count;
	unsigned int act_next;
	unsigned int extends;
	unsigned int reads;
	int skip_reads;
	int failing_reads;
	int lying_reads;
	int stale_reads;
	aael_values_t stale;
	const u64 *watch;
	u64 watched;
	bool gone;
	bool may_reopen;
	aael_values_t late;
	bool has_late;
	u32 late_reg;
	struct completion *hold;
	struct completion held;
	bool fail_hash;
	unsigned int foreign_reads;
	struct aael_follow *follow;
	atomic_t inside;
	unsigned int overlaps;
	int bound;
	const u8 *log;
	size_t log_len;
};

extern const struct aael_provider fake_provider;
/* The same device, with one bank, that reports every extend. */
extern const struct aael_provider fake_followed;

int fake_init(struct fake_register *fake, const u16 *algs, unsigned int count);
void fake_destroy(struct fake_register *fake);
void fake_script(struct fake_register *fake, enum fake_act act);
void fake_foreign_extend(struct fake_register *fake, u32 reg);
void fake_apply_late(struct fake_register *fake);
void fake_apply(struct fake_register *fake, u32 reg, const aael_values_t digests);

#endif /* _AAEL_KUNIT_FAKE_REGISTER_H */
