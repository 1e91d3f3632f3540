// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making an entry visible, and with it the values that log and register should
 * have. Transactions only. Nothing here can fail: whatever could is prepared
 * before the register is extended.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "aael.h"

/**
 * aael_publish_prepare - room for the entry, and the values with it
 * @log: the log
 * @r: the entry's register
 * @e: the entry
 *
 * Return: 0; -ENOMEM or -ENOSPC: no room; the crypto API's errno.
 */
int aael_publish_prepare(struct aael_log *log, const struct aael_register *r,
			 const struct aael_entry *e)
{
	int ret;

	ret = aael_store_reserve(&log->stream, e->len);
	if (!ret)
		ret = aael_store_reserve(&log->offsets, sizeof(u64));
	if (!ret)
		ret = aael_bank_extend_all(log->banks, log->bank_count, log->scratch.running,
					   r->running, e->digests);
	if (ret)
		return ret;
	/* They differ only where the boot log does not explain the register. */
	if (!aael_reconcile_same(log, r->replayed, r->running))
		return aael_bank_extend_all(log->banks, log->bank_count, log->scratch.replayed,
					    r->replayed, e->digests);
	memcpy(log->scratch.replayed, log->scratch.running, sizeof(log->scratch.replayed));
	return 0;
}

static void note_offset(struct aael_log *log, u64 number, u64 offset)
{
	if ((number - 1) % AAEL_INDEX_STRIDE)
		return;
	aael_store_fill(&log->offsets, &offset, sizeof(offset));
	aael_store_publish(&log->offsets, sizeof(offset));
}

/**
 * aael_publish_confirm_soon - have the registers compared though nobody asks
 * @log: the log
 */
void aael_publish_confirm_soon(struct aael_log *log)
{
	queue_delayed_work(log->wq, &log->confirm_work,
			   msecs_to_jiffies(log->confirm_delay_ms));
}

/**
 * aael_publish_entry - the register has been extended: show the entry
 * @log: the log
 * @r: the entry's register
 * @e: the entry, prepared by aael_publish_prepare() just before
 */
void aael_publish_entry(struct aael_log *log, struct aael_register *r, struct aael_entry *e)
{
	u64 offset = log->stream.len;

	note_offset(log, log->count + 1, offset);
	aael_store_fill(&log->stream, e->bytes, e->len);

	spin_lock(&log->state_lock);
	memcpy(r->before_last, r->running, sizeof(r->running));
	memcpy(r->last, e->digests, sizeof(r->last));
	memcpy(r->running, log->scratch.running, sizeof(r->running));
	memcpy(r->replayed, log->scratch.replayed, sizeof(r->replayed));
	/* Entries of other registers need not be looked at for what this one lacks. */
	if (!r->unconfirmed) {
		r->confirmed_offset = offset;
		r->confirmed_count = log->count;
	}
	r->unconfirmed++;
	r->overtaken = r->refused;
	log->count++;
	r->last_sequence = log->count;
	e->sequence = log->count;
	aael_store_publish(&log->stream, e->len);
	spin_unlock(&log->state_lock);

	wake_up_interruptible(&log->wait);
	aael_netlink_notify(log->count, offset, log->stream.len, r->nr, aael_query_health(log));
	aael_publish_confirm_soon(log);
}

/**
 * aael_publish_reserve_all - room for all entries of another log
 * @log: the log
 * @im: checked entries
 *
 * Return: 0, -ENOMEM or -ENOSPC.
 */
int aael_publish_reserve_all(struct aael_log *log, const struct aael_imported *im)
{
	u64 offsets = DIV_ROUND_UP_ULL(im->entries, AAEL_INDEX_STRIDE);
	int ret = aael_store_reserve(&log->stream, im->len);

	if (!ret)
		ret = aael_store_reserve(&log->offsets, offsets * sizeof(u64));
	return ret;
}

/**
 * aael_publish_all - show entries that another log has measured
 * @log: the log, which has none
 * @im: prepared by aael_publish_reserve_all()
 */
void aael_publish_all(struct aael_log *log, const struct aael_imported *im)
{
	struct aael_entry_view view;
	size_t pos = 0;

	for (u64 number = 1; number <= im->entries; number++, pos += view.len) {
		note_offset(log, number, log->stream.len + pos);
		aael_entry_parse(log->banks, log->bank_count, im->bytes + pos, im->len - pos,
				 &view);
	}
	aael_store_fill(&log->stream, im->bytes, im->len);
	spin_lock(&log->state_lock);
	log->count = im->entries;
	log->imported = im->entries;
	log->imported_foreign = im->foreign;
	log->violations += im->foreign;
	aael_store_publish(&log->stream, im->len);
	spin_unlock(&log->state_lock);
	wake_up_interruptible(&log->wait);
}

/**
 * aael_publish_confirmed - a read of the register agreed with the running value
 * @log: the log
 * @r: the register
 */
void aael_publish_confirmed(struct aael_log *log, struct aael_register *r)
{
	bool was_unknown = r->unknown;

	/* With a later entry in the register, the refused one cannot come any more. */
	if (r->overtaken) {
		aael_entry_put(r->refused);
		r->refused = NULL;
		r->overtaken = false;
	}
	spin_lock(&log->state_lock);
	memcpy(r->confirmed, r->running, sizeof(r->confirmed));
	r->confirmed_offset = log->stream.len;
	r->confirmed_count = log->count;
	r->unconfirmed = 0;
	r->unknown = false;
	r->verified_at = jiffies;
	spin_unlock(&log->state_lock);
	if (was_unknown)
		aael_publish_health(log);
}

/**
 * aael_publish_health - the health has changed: wake and notify
 * @log: the log
 */
void aael_publish_health(struct aael_log *log)
{
	atomic_inc(&log->health_changes);
	wake_up_interruptible(&log->wait);
	aael_netlink_notify(0, log->stream.len, log->stream.len, 0, aael_query_health(log));
}
