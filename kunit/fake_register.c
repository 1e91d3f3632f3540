// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake device. One at a time: bind() has no argument to find it by. Its calls
 * come from transactions only and must never overlap, which is counted.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fake_register.h"
#include "fault.h"

static struct fake_register *current_fake;

/**
 * fake_init - a device with all registers zero
 * @fake: out; the next bind() takes it
 * @algs: its banks
 * @count: number of them
 *
 * Return: 0 or the errno of aael_bank_init().
 */
int fake_init(struct fake_register *fake, const u16 *algs, unsigned int count)
{
	int ret = 0;

	memset(fake, 0, sizeof(*fake));
	memcpy(fake->algs, algs, count * sizeof(*algs));
	init_completion(&fake->held);
	for (; !ret && fake->bank_count < count; fake->bank_count += !ret)
		ret = aael_bank_init(&fake->banks[fake->bank_count], algs[fake->bank_count]);
	current_fake = fake;
	return ret;
}

/**
 * fake_destroy - free the hashes
 * @fake: the device
 */
void fake_destroy(struct fake_register *fake)
{
	while (fake->bank_count)
		aael_bank_destroy(&fake->banks[--fake->bank_count]);
	current_fake = NULL;
}

/**
 * fake_script - say what a coming extend does
 * @fake: the device
 * @act: what
 */
void fake_script(struct fake_register *fake, enum fake_act act)
{
	if (!WARN_ON(fake->act_count == FAKE_ACTS_MAX))
		fake->acts[fake->act_count++] = act;
}

/**
 * fake_apply - extend a register, as the device does
 * @fake: the device
 * @reg: register
 * @digests: for every bank
 */
void fake_apply(struct fake_register *fake, u32 reg, const aael_values_t digests)
{
	for (unsigned int b = 0; b < fake->bank_count; b++)
		aael_bank_extend(&fake->banks[b], fake->regs[reg][b], digests[b]);
	if (fake->follow)
		aael_follow_note(fake->follow, reg, digests[0], fake->banks[0].size);
}

/**
 * fake_foreign_extend - somebody else extends a register
 * @fake: the device
 * @reg: register
 */
void fake_foreign_extend(struct fake_register *fake, u32 reg)
{
	struct task_struct *own = NULL;
	aael_values_t digests;

	/* It may be the worker that plays the other one. */
	if (fake->follow)
		swap(own, fake->follow->own);
	memset(digests, 0xf0, sizeof(digests));
	fake_apply(fake, reg, digests);
	if (fake->follow)
		swap(own, fake->follow->own);
}

/**
 * fake_apply_late - carry out the extend of FAKE_LATE now
 * @fake: the device
 */
void fake_apply_late(struct fake_register *fake)
{
	if (fake->has_late)
		fake_apply(fake, fake->late_reg, fake->late);
	fake->has_late = false;
}

static void enter(struct fake_register *fake)
{
	might_sleep();
	if (atomic_inc_return(&fake->inside) != 1)
		fake->overlaps++;
}

static void leave(struct fake_register *fake)
{
	atomic_dec(&fake->inside);
}

static int fake_bind(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned)
{
	if (!current_fake || current_fake->gone)
		return -ENODEV;
	memcpy(algs, current_fake->algs, sizeof(current_fake->algs));
	*alg_count = current_fake->bank_count;
	*reg_count = AAEL_REGISTERS_MAX;
	*dev = current_fake;
	current_fake->bound++;
	return 0;
}

static void fake_unbind(void *dev)
{
	((struct fake_register *)dev)->bound--;
}

static enum aael_outcome fail(int *err, int errno)
{
	*err = errno;
	return AAEL_UNKNOWN;
}

static enum aael_outcome act(struct fake_register *fake, enum fake_act what, u32 reg,
			     const aael_values_t digests, int *err)
{
	ktime_t start = ktime_get();

	switch (what) {
	case FAKE_REFUSE:
		return fail(err, -EIO);
	case FAKE_NOT_SENT:
		*err = -ENOMEM;
		return AAEL_NOT_APPLIED;
	case FAKE_TIMEOUT_APPLIED:
		fake_apply(fake, reg, digests);
		return fail(err, -ETIME);
	case FAKE_TIMEOUT_LOST:
		return fail(err, -ETIME);
	case FAKE_LIE:
		return AAEL_APPLIED;
	case FAKE_SLOW:
		fake_apply(fake, reg, digests);
		fallthrough;
	case FAKE_SLOW_LIE:
		/* By the clock that the log looks at: a busy guest's timers may run ahead of it. */
		while (ktime_ms_delta(ktime_get(), start) <= AAEL_SLOW_EXTEND_MS)
			msleep(20);
		return AAEL_APPLIED;
	case FAKE_LATE:
		memcpy(fake->late, digests, sizeof(fake->late));
		fake->late_reg = reg;
		fake->has_late = true;
		return fail(err, -ETIME);
	case FAKE_HALF:
		aael_bank_extend(&fake->banks[0], fake->regs[reg][0], digests[0]);
		return fail(err, -EIO);
	case FAKE_FOREIGN_FLOOD:
		for (int i = 0; i < AAEL_FOLLOW_MAX; i++)
			fake_foreign_extend(fake, reg);
		fallthrough;
	case FAKE_FOREIGN_BEFORE:
		fake_foreign_extend(fake, reg);
		break;
	case FAKE_FOREIGN_AFTER:
		fake_apply(fake, reg, digests);
		fake_foreign_extend(fake, reg);
		return AAEL_APPLIED;
	case FAKE_FOREIGN_TIMEOUT:
		fake_foreign_extend(fake, reg);
		return fail(err, -ETIME);
	case FAKE_GONE:
		fake->gone = true;
		*err = -ENODEV;
		return AAEL_NOT_APPLIED;
	case FAKE_GONE_APPLIED:
		fake_apply(fake, reg, digests);
		fake->gone = true;
		return fail(err, -EIO);
	case FAKE_APPLY:
		break;
	}
	fake_apply(fake, reg, digests);
	return AAEL_APPLIED;
}

static enum aael_outcome fake_extend(void *dev, u32 reg, const aael_values_t digests, int *err)
{
	struct fake_register *fake = dev;
	enum fake_act what = FAKE_APPLY;
	enum aael_outcome outcome;

	enter(fake);
	/* The hash that is to fail is one of the log's, not one of the device's. */
	fault_set_hash(0);
	if (fake->hold) {
		complete(&fake->held);
		wait_for_completion(fake->hold);
	}
	fake->extends++;
	if (fake->gone) {
		what = FAKE_GONE;
	} else {
		fake_apply_late(fake);
		if (fake->act_next < fake->act_count)
			what = fake->acts[fake->act_next++];
	}
	outcome = act(fake, what, reg, digests, err);
	if (fake->fail_hash)
		fault_set_hash(1);
	leave(fake);
	return outcome;
}

static int read_value(struct fake_register *fake, u32 reg, aael_values_t values)
{
	if (fake->gone)
		return -ENODEV;
	memcpy(values, fake->regs[reg], sizeof(fake->regs[reg]));
	if (fake->skip_reads) {
		fake->skip_reads--;
		return 0;
	}
	if (fake->failing_reads) {
		fake->failing_reads -= fake->failing_reads > 0;
		return -EIO;
	}
	if (fake->stale_reads) {
		fake->stale_reads--;
		memcpy(values, fake->stale, sizeof(fake->stale));
	}
	if (fake->lying_reads) {
		fake->lying_reads--;
		values[0][0] ^= 0x80 + fake->reads;
	}
	return 0;
}

static int fake_read(void *dev, u32 reg, aael_values_t values)
{
	struct fake_register *fake = dev;
	int ret;

	enter(fake);
	fake->reads++;
	if (fake->watch)
		fake->watched |= READ_ONCE(*fake->watch);
	ret = read_value(fake, reg, values);
	if (fake->foreign_reads) {
		fake->foreign_reads--;
		fake_foreign_extend(fake, reg);
	}
	leave(fake);
	return ret;
}

static int fake_reopen(void *dev)
{
	struct fake_register *fake = dev;

	if (fake->gone && !fake->may_reopen)
		return -ENODEV;
	fake->gone = false;
	return 0;
}

static int fake_boot_log(void *dev, u8 **log, size_t *len)
{
	struct fake_register *fake = dev;

	if (!fake->log)
		return -ENOENT;
	*log = kvmalloc(fake->log_len, GFP_KERNEL);
	if (!*log)
		return -ENOMEM;
	memcpy(*log, fake->log, fake->log_len);
	*len = fake->log_len;
	return 0;
}

const struct aael_provider fake_provider = {
	.name = "fake",
	.platform = "none",
	.register_name = "PCR",
	.bind = fake_bind,
	.unbind = fake_unbind,
	.map = aael_register_map_pcr,
	.extend = fake_extend,
	.read = fake_read,
	.reopen = fake_reopen,
	.boot_log = fake_boot_log,
};

static int fake_follow(void *dev, struct aael_follow *follow)
{
	((struct fake_register *)dev)->follow = follow;
	return 0;
}

const struct aael_provider fake_followed = {
	.name = "followed",
	.platform = "none",
	.register_name = "PCR",
	.exact = true,
	.bind = fake_bind,
	.unbind = fake_unbind,
	.map = aael_register_map_pcr,
	.extend = fake_extend,
	.read = fake_read,
	.reopen = fake_reopen,
	.boot_log = fake_boot_log,
	.follow = fake_follow,
};
