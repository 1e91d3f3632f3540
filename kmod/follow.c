// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following a device that reports every extend: the log has them all, in the order of
 * the register, ours and everybody else's.
 *
 * What is reported goes through a queue, in which our own extends take their place as
 * well; only transactions take from it, so entries are published in its order. A report
 * of our own means that it was applied, whatever the device answered.
 *
 * Where a report is lost or cannot be logged, the register is unknown, and comparing it
 * makes it diverged: never a silent gap.
 */
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"
#include "trace.h"

/* Text of a foreign entry: the braces, names and numbers, and comm escaped six-fold. */
#define JSON_MAX_BYTES		(64 + 6 * TASK_COMM_LEN)
#define TEXT_MAX_BYTES		(sizeof("aael foreign-extend ") + JSON_MAX_BYTES)
#define ENTRY_MAX_BYTES		(12 + 2 + AAEL_DIGEST_MAX_BYTES + 4 + \
				 AAEL_EVENT_HEADER_BYTES + TEXT_MAX_BYTES)
/* Room for foreign extends is made before they come. */
#define AHEAD_BYTES		AAEL_HEADROOM_BYTES

/**
 * aael_follow_note - the device has extended a register
 * @f: the log's
 * @reg: the register
 * @digest: with what
 * @size: bytes of @digest
 *
 * Context: anything but NMI; one at a time, in the order of the extends.
 */
void aael_follow_note(struct aael_follow *f, u32 reg, const u8 *digest, size_t size)
{
	struct aael_extension x = {
		.reg = reg,
		.own = READ_ONCE(f->own) == current,
		.pid = task_tgid_nr(current),
		.uid = from_kuid(&init_user_ns, current_uid()),
	};

	memcpy(x.comm, current->comm, sizeof(x.comm) - 1);
	memcpy(x.digest, digest, size);
	if (!kfifo_put(&f->queue, x))
		atomic_inc(&f->lost);
	queue_work(f->wq, &f->work);
}

/* comm is whatever the process calls itself: ASCII, escaped as JSON wants it. */
static size_t put_comm(char *out, const char *comm)
{
	char *p = out;

	for (; *comm; comm++) {
		u8 c = *comm;

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			p += sprintf(p, "\\u%04x", c);
		else
			*p++ = c;
	}
	return p - out;
}

static size_t describe(const struct aael_extension *x, char *out)
{
	char *p = out;

	p += sprintf(p, "{\"comm\":\"");
	p += put_comm(p, x->comm);
	p += sprintf(p, "\",\"pid\":%d,\"uid\":%u}", x->pid, x->uid);
	return p - out;
}

/* The log no longer knows what the register holds; a comparison will say. */
static void lose(struct aael_log *log, struct aael_register *r)
{
	pr_warn_ratelimited("aael: an extend of %s %u could not be logged\n",
			    log->provider->register_name, r->nr);
	WRITE_ONCE(r->unknown, true);
	aael_publish_health(log);
	aael_publish_confirm_soon(log);
}

static int publish(struct aael_log *log, struct aael_register *r, struct aael_entry *e)
{
	if (aael_publish_prepare(log, r, e)) {
		lose(log, r);
		return -EIO;
	}
	aael_publish_entry(log, r, e);
	return 0;
}

static void publish_foreign(struct aael_log *log, struct aael_register *r,
			    const struct aael_extension *x)
{
	char json[JSON_MAX_BYTES];
	struct aael_event ev = aael_event_of_module("foreign-extend", json, describe(x, json));
	struct aael_entry *e = log->follow.entry;

	aael_entry_set_foreign(e, log->banks, log->bank_count, x->reg, &ev, x->digest);
	if (aael_log_room(log, e->len, true) || aael_log_pin(log)) {
		lose(log, r);
		return;
	}
	if (publish(log, r, e))
		return;
	spin_lock(&log->state_lock);
	log->violations++;
	spin_unlock(&log->state_lock);
	trace_aael_append(log->count, r->nr, AAEL_TRACE_FOREIGN, 0);
}

static void lose_all(struct aael_log *log)
{
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++)
		if (log->regs[nr])
			lose(log, log->regs[nr]);
}

/*
 * Publishes what is queued. @own is the entry that this transaction has just sent, or
 * NULL; then no report is of our own. Returns 0 if @own was reported and published,
 * -EIO if it could not be published, and -ENOENT if it was not reported.
 */
static int drain(struct aael_log *log, struct aael_entry *own)
{
	struct aael_follow *f = &log->follow;
	struct aael_extension x;
	int ret = -ENOENT;

	while (kfifo_get(&f->queue, &x)) {
		if (x.own && own)
			ret = publish(log, log->regs[x.reg], own);
		else
			publish_foreign(log, log->regs[x.reg], &x);
	}
	if (atomic_xchg(&f->lost, 0))
		lose_all(log);
	return ret;
}

/**
 * aael_follow_drain - log what the device has reported
 * @log: the log
 *
 * Context: transactions.
 */
void aael_follow_drain(struct aael_log *log)
{
	/* Until a log is imported or enabled, nothing may come in front of what it has. */
	if (!log->follow.active || log->awaits_import)
		return;
	drain(log, NULL);
	/* Without it, publishing will try again. */
	aael_store_reserve(&log->stream, AHEAD_BYTES);
}

/**
 * aael_follow_idle - has nothing been reported since the last drain
 * @log: the log
 */
bool aael_follow_idle(struct aael_log *log)
{
	return !log->follow.active ||
	       (kfifo_is_empty(&log->follow.queue) && !atomic_read(&log->follow.lost));
}

/**
 * aael_follow_extend - extend a register of a device that is followed, and publish
 * @log: a settled log
 * @r: the entry's register
 * @e: the entry
 *
 * Return: 0: published. -EIO: not extended, or extended and not to be logged, which
 * makes the register unknown. -ENODEV: not extended, the device is gone. -ENOMEM,
 * -ENOSPC: no room, nothing was sent.
 */
int aael_follow_extend(struct aael_log *log, struct aael_register *r, struct aael_entry *e)
{
	struct aael_follow *f = &log->follow;
	enum aael_outcome outcome;
	int err = -EIO;
	int ret;

	ret = aael_store_reserve(&log->stream, e->len + AHEAD_BYTES);
	if (!ret)
		ret = aael_publish_prepare(log, r, e);
	if (ret)
		return ret;
	WRITE_ONCE(f->own, current);
	outcome = log->provider->extend(log->dev, r->nr, e->digests, &err);
	WRITE_ONCE(f->own, NULL);
	ret = drain(log, e);
	if (ret != -ENOENT)
		return ret;
	if (outcome == AAEL_APPLIED) {
		/* Measured, but its report is lost, and with it its place. */
		ret = publish(log, r, e);
		lose(log, r);
		return ret;
	}
	return err == -ENODEV ? err : -EIO;
}

static void follow_work(struct work_struct *work)
{
	struct aael_log *log = container_of(work, struct aael_log, follow.work);

	aael_txn_begin(log);
	aael_follow_drain(log);
	aael_txn_end(log);
}

/**
 * aael_follow_init - prepare the queue
 * @log: a new log
 */
void aael_follow_init(struct aael_log *log)
{
	INIT_KFIFO(log->follow.queue);
	INIT_WORK(&log->follow.work, follow_work);
	log->follow.wq = log->wq;
}

/* Nothing may be reported between the reads: what was before them is in the values. */
static int read_base(struct aael_log *log, struct aael_register **made)
{
	struct aael_follow *f = &log->follow;
	struct aael_extension x;
	int ret;

	for (int i = 0; i < AAEL_QUIET_TRIES; i++) {
		while (kfifo_get(&f->queue, &x))
			;
		atomic_set(&f->lost, 0);
		for (u32 nr = log->provider->first_register; nr < log->reg_count; nr++) {
			ret = log->provider->read(log->dev, nr, made[nr]->running);
			if (ret)
				return ret;
		}
		if (kfifo_is_empty(&f->queue) && !atomic_read(&f->lost))
			return 0;
	}
	return -EBUSY;
}

static int start(struct aael_log *log, struct aael_register **made)
{
	int ret;

	log->follow.entry = aael_entry_alloc(ENTRY_MAX_BYTES);
	if (!log->follow.entry)
		return -ENOMEM;
	for (u32 nr = log->provider->first_register; nr < log->reg_count; nr++) {
		made[nr] = kvzalloc(sizeof(*made[nr]), GFP_KERNEL);
		if (!made[nr])
			return -ENOMEM;
	}
	ret = log->provider->follow(log->dev, &log->follow);
	if (ret)
		return ret;
	ret = read_base(log, made);
	if (ret)
		log->provider->follow(log->dev, NULL);
	return ret;
}

/**
 * aael_follow_start - follow all registers of the device, if it reports extends
 * @log: a log that is being bound
 *
 * Return: 0, also if it does not report; -ENOMEM; errnos of the provider; -EBUSY if
 * others extend too fast to find a beginning.
 */
int aael_follow_start(struct aael_log *log)
{
	struct aael_register *made[AAEL_REGISTERS_MAX] = {};
	int ret;

	if (!log->provider->follow)
		return 0;
	ret = start(log, made);
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		if (!made[nr])
			continue;
		if (ret)
			kvfree(made[nr]);
		else
			aael_reconcile_take(log, nr, made[nr], log->base[nr]);
	}
	log->follow.active = !ret;
	if (ret) {
		aael_entry_put(log->follow.entry);
		log->follow.entry = NULL;
	}
	return ret;
}

/**
 * aael_follow_stop - the device reports no more
 * @log: the log
 */
void aael_follow_stop(struct aael_log *log)
{
	if (log->follow.active)
		log->provider->follow(log->dev, NULL);
	log->follow.active = false;
	aael_entry_put(log->follow.entry);
	log->follow.entry = NULL;
}
