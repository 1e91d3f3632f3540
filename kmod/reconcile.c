// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the device really did. Transactions only.
 *
 * A device may refuse an extend, time out having carried it out or not, answer
 * with another command's reply, be extended by somebody else, or go away. The
 * register's value is the only truth, so every doubt ends in reading it until two
 * reads agree, and then in one of four verdicts: the entry was applied, it was not,
 * the register went another way (diverged, for good), or nobody knows yet (unknown:
 * the entry stays pending and the next use reads again).
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"
#include "trace.h"

/* Without a limit the search below would take quadratic time. */
#define SEARCH_MAX	256

/**
 * aael_reconcile_health - how one register agrees with the log
 * @log: the log
 * @r: the register
 */
enum aael_health aael_reconcile_health(const struct aael_log *log,
				       const struct aael_register *r)
{
	if (log->gone)
		return AAEL_HEALTH_GONE;
	if (r->diverged)
		return AAEL_HEALTH_DIVERGED;
	if (r->unknown || (READ_ONCE(log->pending_sequence) && log->pending_reg == r->nr))
		return AAEL_HEALTH_UNKNOWN;
	return r->unexplained_base ? AAEL_HEALTH_UNEXPLAINED_BASE : AAEL_HEALTH_CONSISTENT;
}

/**
 * aael_reconcile_same - are two values equal in every bank
 * @log: the log whose banks count
 * @a: one
 * @b: the other
 */
bool aael_reconcile_same(const struct aael_log *log, const aael_values_t a,
			 const aael_values_t b)
{
	for (unsigned int i = 0; i < log->bank_count; i++)
		if (memcmp(a[i], b[i], log->banks[i].size))
			return false;
	return true;
}

static void set_gone(struct aael_log *log, bool gone)
{
	if (log->gone == gone)
		return;
	if (gone)
		pr_warn("aael: the device that holds the registers is gone\n");
	else
		pr_info("aael: the device that holds the registers is back\n");
	WRITE_ONCE(log->gone, gone);
	aael_publish_health(log);
}

static void set_unknown(struct aael_log *log, struct aael_register *r)
{
	if (r->unknown)
		return;
	pr_warn("aael: %s %u cannot be read\n", log->provider->register_name, r->nr);
	WRITE_ONCE(r->unknown, true);
	aael_publish_health(log);
}

static int read_failed(struct aael_log *log, int err)
{
	if (err != -ENODEV)
		return -ETIMEDOUT;
	set_gone(log, true);
	return err;
}

/*
 * One read, behind everything that the device has reported: a value that is compared
 * must not hold an extend that the log is about to learn of.
 */
static int read_once(struct aael_log *log, u32 nr)
{
	int ret;

	for (int i = 0; i < AAEL_QUIET_TRIES; i++) {
		aael_follow_drain(log);
		ret = log->provider->read(log->dev, nr, log->scratch.live);
		if (ret || aael_follow_idle(log))
			return ret;
	}
	return -EBUSY;
}

/**
 * aael_reconcile_read - read a register until two reads in a row agree
 * @log: the log
 * @nr: the register; its value goes to @log->scratch.live
 *
 * One read is not enough: the first one after a time-out may be given the late
 * reply of another command. Where the device is exact, it is.
 *
 * Return: 0, -ENODEV, or -ETIMEDOUT.
 */
int aael_reconcile_read(struct aael_log *log, u32 nr)
{
	static const unsigned int pauses[AAEL_READ_TRIES] = AAEL_READ_PAUSES_MS;
	bool have = false;
	int ret;

	for (int i = 0; i < AAEL_READ_TRIES; i++) {
		if (pauses[i])
			log->pause(pauses[i]);
		ret = read_once(log, nr);
		if (ret == -ENODEV)
			return read_failed(log, ret);
		if (!ret && log->provider->exact)
			return 0;
		if (!ret && have && aael_reconcile_same(log, log->scratch.live,
							log->scratch.previous))
			return 0;
		have = !ret;
		memcpy(log->scratch.previous, log->scratch.live, sizeof(log->scratch.live));
	}
	return -ETIMEDOUT;
}

/* The value in bank b after the unconfirmed entries below limit, but one. */
static void replay_unconfirmed(const struct aael_log *log, const struct aael_register *r,
			       unsigned int b, u64 limit, u64 skip, u8 *value)
{
	u8 digest[AAEL_DIGEST_MAX_BYTES];
	size_t at = AAEL_ENTRY_DIGESTS_OFFSET + 2;
	struct aael_entry_view view;
	u64 pos = r->confirmed_offset;

	for (unsigned int i = 0; i < b; i++)
		if (log->banks[i].logged)
			at += log->banks[i].size + 2;
	memcpy(value, r->confirmed[b], log->banks[b].size);
	for (u64 seq = r->confirmed_count + 1; seq < limit; seq++, pos += view.len) {
		if (!aael_query_view(log, pos, &view))
			break;
		if (view.reg != r->nr || seq == skip)
			continue;
		aael_store_read(&log->stream, pos + at, digest, log->banks[b].size);
		aael_bank_extend(&log->banks[b], value, digest);
	}
}

/*
 * The first entry that explains the live value by being absent: either it and all
 * behind it were not applied, or it alone was not. 0: neither.
 */
static u64 first_missing(const struct aael_log *log, const struct aael_register *r)
{
	u64 first = r->confirmed_count + 1, end = log->count + 1;
	u8 value[AAEL_DIGEST_MAX_BYTES];
	struct aael_entry_view view;
	unsigned int b = 0;

	if (!r->unconfirmed)
		return 0;
	if (end - first > SEARCH_MAX)
		return 0;
	while (!log->banks[b].logged)
		b++;
	for (u64 seq = first; seq < end; seq++) {
		if (!aael_query_view(log, aael_query_offset(log, seq), &view) || view.reg != r->nr)
			continue;
		replay_unconfirmed(log, r, b, seq, 0, value);
		if (!memcmp(value, log->scratch.live[b], log->banks[b].size))
			return seq;
		replay_unconfirmed(log, r, b, end, seq, value);
		if (!memcmp(value, log->scratch.live[b], log->banks[b].size))
			return seq;
	}
	return 0;
}

/**
 * aael_reconcile_diverge - the register went another way
 * @log: the log; its scratch.live is what the register holds
 * @r: the register
 * @missing: number of the first entry that it lacks; 0: somebody else extended it
 *
 * What it holds now is the new base for telling whether later extends were applied;
 * what the log replays to stays as it is.
 */
void aael_reconcile_diverge(struct aael_log *log, struct aael_register *r, u64 missing)
{
	if (missing)
		pr_warn("aael: %s %u lacks entry %llu of the log: diverged\n",
			log->provider->register_name, r->nr, missing);
	else
		pr_warn("aael: %s %u was extended by somebody else: diverged\n",
			log->provider->register_name, r->nr);
	aael_entry_put(r->refused);
	r->refused = NULL;
	spin_lock(&log->state_lock);
	if (!r->diverged) {
		memcpy(r->expected, r->running, sizeof(r->expected));
		memcpy(r->seen, log->scratch.live, sizeof(r->seen));
		r->missing = missing;
	}
	r->diverged = true;
	log->violations += !missing;
	memcpy(r->running, log->scratch.live, sizeof(r->running));
	spin_unlock(&log->state_lock);
	aael_publish_confirmed(log, r);
	aael_publish_health(log);
}

/*
 * The entry that was not applied at its time may have been applied since. Returns
 * -ENOENT if that does not explain the register, -ENOMEM if it cannot be told.
 */
static int publish_late(struct aael_log *log, struct aael_register *r)
{
	struct aael_entry *e = r->refused;
	int ret = e ? aael_publish_prepare(log, r, e) : -ENOENT;

	if (ret)
		return ret;
	if (!aael_reconcile_same(log, log->scratch.live, log->scratch.running))
		return -ENOENT;
	/* The log may have been released without it. */
	ret = aael_log_pin(log);
	if (ret)
		return ret;
	r->refused = NULL;
	aael_publish_entry(log, r, e);
	aael_publish_confirmed(log, r);
	trace_aael_append(log->count, r->nr, AAEL_TRACE_LATE, 0);
	pr_warn("aael: entry %llu was refused when it was sent and applied later\n", log->count);
	aael_entry_put(e);
	return 0;
}

/*
 * Two reads agree that the last entry was never applied, although the device had
 * said so: extend the register with it once more.
 */
static int repair(struct aael_log *log, struct aael_register *r)
{
	int err = 0, ret;

	if (log->provider->extend(log->dev, r->nr, r->last, &err) == AAEL_NOT_APPLIED &&
	    err == -ENODEV) {
		set_gone(log, true);
		return err;
	}
	ret = aael_reconcile_read(log, r->nr);
	if (ret)
		return ret;
	/* The next use tries again: nothing contradicts the log. */
	if (aael_reconcile_same(log, log->scratch.live, r->before_last))
		return -ETIMEDOUT;
	if (!aael_reconcile_same(log, log->scratch.live, r->running)) {
		aael_reconcile_diverge(log, r, first_missing(log, r));
		return 0;
	}
	spin_lock(&log->state_lock);
	log->repairs++;
	spin_unlock(&log->state_lock);
	pr_warn("aael: entry %llu was acknowledged by the device but not applied: extended again\n",
		r->last_sequence);
	trace_aael_append(r->last_sequence, r->nr, AAEL_TRACE_REPAIRED, 0);
	aael_publish_confirmed(log, r);
	return 0;
}

/* The value just read is not the running one: find out why, and put it right or on record. */
static int explain_live(struct aael_log *log, struct aael_register *r)
{
	int ret;

	/* A device that reports its extends has made those that it has reported. */
	if (r->unconfirmed && !log->follow.active &&
	    aael_reconcile_same(log, log->scratch.live, r->before_last))
		return repair(log, r);
	ret = publish_late(log, r);
	if (ret != -ENOENT)
		return ret;
	aael_reconcile_diverge(log, r, first_missing(log, r));
	return 0;
}

/**
 * aael_reconcile_confirm - compare a register with its running value
 * @log: the log
 * @r: the register
 *
 * Whatever the comparison says is put right or put on record. One read will do if
 * it shows an entry that none has shown before: no reply to an earlier command can.
 *
 * Return: 0 (the health tells the verdict), -ENODEV, -ETIMEDOUT if the register
 * cannot be read, or the errno of aael_publish_prepare() for an entry that turned up.
 */
int aael_reconcile_confirm(struct aael_log *log, struct aael_register *r)
{
	int ret = read_once(log, r->nr);

	if (ret && r->unknown)
		return read_failed(log, ret);
	if (ret || !r->unconfirmed ||
	    !aael_reconcile_same(log, log->scratch.live, r->running))
		ret = aael_reconcile_read(log, r->nr);
	if (!ret && aael_reconcile_same(log, log->scratch.live, r->running))
		aael_publish_confirmed(log, r);
	else if (!ret)
		ret = explain_live(log, r);
	if (ret)
		set_unknown(log, r);
	return ret;
}

static void keep_pending(struct aael_log *log, struct aael_entry *e)
{
	if (!log->pending) {
		log->pending = aael_entry_get(e);
		spin_lock(&log->state_lock);
		log->pending_reg = e->reg;
		log->pending_sequence = log->count + 1;
		spin_unlock(&log->state_lock);
		pr_warn("aael: entry %llu is undecided: the register cannot be read\n",
			log->count + 1);
		aael_publish_health(log);
	}
}

/* It may turn up in the register soon, and nobody may ask for a while. */
static void keep_refused(struct aael_log *log, struct aael_register *r, struct aael_entry *e)
{
	aael_entry_put(r->refused);
	r->refused = aael_entry_get(e);
	r->overtaken = false;
	aael_publish_confirm_soon(log);
}

/* With the last entry lost, was this one applied all the same? */
static bool applied_behind_lost(struct aael_log *log, const struct aael_register *r,
				const struct aael_entry *e)
{
	return r->unconfirmed &&
	       !aael_bank_extend_all(log->banks, log->bank_count, log->scratch.previous,
				     r->before_last, e->digests) &&
	       aael_reconcile_same(log, log->scratch.live, log->scratch.previous);
}

/*
 * The device's answer left doubt: read. With claimed, the device said that it had
 * extended the register, so an extend that did not happen is made up for.
 */
static int decide(struct aael_log *log, struct aael_register *r, struct aael_entry *e,
		  bool claimed)
{
	int err = 0, ret;

	ret = aael_reconcile_read(log, r->nr);
	if (!ret && claimed && aael_reconcile_same(log, log->scratch.live, r->running)) {
		log->provider->extend(log->dev, r->nr, e->digests, &err);
		ret = aael_reconcile_read(log, r->nr);
	}
	if (ret) {
		keep_pending(log, e);
		return -ETIMEDOUT;
	}
	if (aael_reconcile_same(log, log->scratch.live, log->scratch.running)) {
		aael_publish_entry(log, r, e);
		aael_publish_confirmed(log, r);
		return 0;
	}
	if (aael_reconcile_same(log, log->scratch.live, r->running)) {
		aael_publish_confirmed(log, r);
		keep_refused(log, r, e);
		return -EIO;
	}
	if (applied_behind_lost(log, r, e)) {
		aael_reconcile_diverge(log, r, r->last_sequence);
		return -EIO;
	}
	/* An earlier entry may be the cause; with it settled, ours was not applied. */
	if (explain_live(log, r))
		set_unknown(log, r);
	if (!r->refused)
		keep_refused(log, r, e);
	return -EIO;
}

static int settle_pending(struct aael_log *log)
{
	struct aael_entry *e = log->pending;
	struct aael_register *r = log->regs[e->reg];
	int ret = read_once(log, e->reg);

	/* Not the long way through all reads for everybody in the queue. */
	if (ret)
		return read_failed(log, ret) == -ENODEV ? -ENODEV : -EIO;
	ret = aael_publish_prepare(log, r, e);
	if (ret)		/* whatever the errno: nothing has been decided */
		return -EIO;
	ret = decide(log, r, e, false);
	if (ret == -ETIMEDOUT)
		return -EIO;
	trace_aael_append(ret ? 0 : log->count, r->nr,
			  ret ? AAEL_TRACE_NOT_APPLIED : AAEL_TRACE_SETTLED, ret);
	log->pending = NULL;
	aael_entry_put(e);
	spin_lock(&log->state_lock);
	log->pending_sequence = 0;
	spin_unlock(&log->state_lock);
	pr_info("aael: the undecided entry was %s\n",
		ret ? "not applied" : "applied and is logged");
	aael_publish_health(log);
	return 0;
}

static int settle_gone(struct aael_log *log)
{
	if (!log->provider->reopen || log->provider->reopen(log->dev))
		return -ENODEV;
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++)
		if (log->regs[nr])
			WRITE_ONCE(log->regs[nr]->unknown, true);
	set_gone(log, false);
	return 0;
}

/**
 * aael_reconcile_settle - clear up whatever earlier transactions left in doubt
 * @log: the log
 *
 * Return: 0; -ENODEV if the device is gone; -EIO if something is still undecided.
 */
int aael_reconcile_settle(struct aael_log *log)
{
	int ret = 0;

	aael_follow_drain(log);
	if (log->gone)
		ret = settle_gone(log);
	if (!ret && log->pending)
		ret = settle_pending(log);
	for (u32 nr = 0; !ret && nr < AAEL_REGISTERS_MAX; nr++) {
		if (!log->regs[nr] || !log->regs[nr]->unknown)
			continue;
		ret = aael_reconcile_confirm(log, log->regs[nr]);
		if (ret)
			ret = ret == -ENODEV ? ret : -EIO;
	}
	return ret;
}

/**
 * aael_reconcile_extend - extend the register, find out what happened, publish
 * @log: a settled log
 * @r: the entry's register
 * @e: the entry
 *
 * Return: 0: published. -EIO: certainly not extended, nothing logged. -ENODEV: the
 * same, the device is gone. -ETIMEDOUT: undecided, the entry is pending. -ENOMEM,
 * -ENOSPC: no room, nothing was sent.
 */
int aael_reconcile_extend(struct aael_log *log, struct aael_register *r, struct aael_entry *e)
{
	enum aael_outcome outcome;
	ktime_t start;
	int err = -EIO;
	int ret;

	if (log->follow.active) {
		ret = aael_follow_extend(log, r, e);
		if (ret == -ENODEV)
			set_gone(log, true);
		return ret;
	}
	ret = aael_publish_prepare(log, r, e);
	if (ret)
		return ret;
	start = ktime_get();
	outcome = log->provider->extend(log->dev, r->nr, e->digests, &err);
	if (outcome == AAEL_NOT_APPLIED) {
		if (err == -ENODEV)
			set_gone(log, true);
		return err == -ENODEV ? err : -EIO;
	}
	if (outcome == AAEL_APPLIED &&
	    ktime_ms_delta(ktime_get(), start) <= AAEL_SLOW_EXTEND_MS) {
		aael_publish_entry(log, r, e);
		return 0;
	}
	return decide(log, r, e, outcome == AAEL_APPLIED);
}

/**
 * aael_reconcile_take - use a register from now on
 * @log: the log
 * @nr: the register
 * @r: its state, all zero but for @r->running, which is what it holds
 * @explained: what the log replays to so far
 */
void aael_reconcile_take(struct aael_log *log, u32 nr, struct aael_register *r,
			 const aael_values_t explained)
{
	r->nr = nr;
	memcpy(r->replayed, explained, sizeof(r->replayed));
	for (unsigned int b = 0; b < log->bank_count; b++)
		if (!log->banks[b].logged)
			memcpy(r->replayed[b], r->running[b], sizeof(r->replayed[b]));
	r->unexplained_base = !aael_reconcile_same(log, r->running, r->replayed);
	if (r->unexplained_base)
		pr_warn("aael: %s %u does not hold what the boot log explains: the log will not replay to it\n",
			log->provider->register_name, nr);
	aael_publish_confirmed(log, r);
	/* Pairs with the address dependency of whoever follows the pointer. */
	smp_store_release(&log->regs[nr], r);
	if (r->unexplained_base)
		aael_publish_health(log);
}

/**
 * aael_reconcile_adopt - begin to use a register
 * @log: the log
 * @nr: the register
 * @out: its state, made now if this is its first use
 *
 * Return: 0, -ENOMEM, -ENODEV, or -EIO if it cannot be read.
 */
int aael_reconcile_adopt(struct aael_log *log, u32 nr, struct aael_register **out)
{
	struct aael_register *r = log->regs[nr];
	int ret;

	*out = r;
	if (r)
		return 0;
	ret = aael_reconcile_read(log, nr);
	if (ret)
		return ret == -ENODEV ? ret : -EIO;
	r = kvzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	memcpy(r->running, log->scratch.live, sizeof(r->running));
	aael_reconcile_take(log, nr, r, log->base[nr]);
	*out = r;
	return 0;
}

/**
 * aael_reconcile_confirm_all - settle, and confirm what no read has confirmed yet
 * @log: the log
 *
 * Return: 0, or the first errno of aael_reconcile_settle() or aael_reconcile_confirm().
 */
int aael_reconcile_confirm_all(struct aael_log *log)
{
	int ret = aael_reconcile_settle(log), err;

	if (ret)
		return ret;
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		if (!log->regs[nr] || !(log->regs[nr]->unconfirmed || log->regs[nr]->refused))
			continue;
		err = aael_reconcile_confirm(log, log->regs[nr]);
		ret = ret ?: err;
	}
	return ret;
}
