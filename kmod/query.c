// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others may ask of the log: how it stands, whether the register agrees, and
 * where an entry is. Nothing here changes the log, but for confirming what is not
 * confirmed yet.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "aael.h"

/**
 * aael_query_health - the worst health of the registers in use
 * @log: the log
 *
 * Context: anybody; the answer may be overtaken.
 */
enum aael_health aael_query_health(const struct aael_log *log)
{
	enum aael_health worst = READ_ONCE(log->gone) ? AAEL_HEALTH_GONE : AAEL_HEALTH_CONSISTENT;

	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		const struct aael_register *r = READ_ONCE(log->regs[nr]);

		if (r)
			worst = max(worst, aael_reconcile_health(log, r));
	}
	return worst;
}

static u32 info_flags(const struct aael_log *log)
{
	u32 flags = log->provider->flags;

	if (log->boot_log_taken)
		flags |= AAEL_INFO_F_BOOT_LOG;
	if (log->state == AAEL_STATE_DISABLED)
		return flags;
	if (log->mapping.resettable)
		flags |= AAEL_INFO_F_RESETTABLE;
	if (log->regs[log->mapping.reg]->unexplained_base)
		flags |= AAEL_INFO_F_UNEXPLAINED_BASE;
	return flags;
}

/**
 * aael_query_info - what the log is, without waiting for the device
 * @log: the log
 * @out: out; its size member is the caller's
 */
void aael_query_info(struct aael_log *log, struct aael_info *out)
{
	enum aael_health health = aael_query_health(log);

	spin_lock(&log->state_lock);
	out->abi_version = AAEL_ABI_VERSION;
	out->state = log->state;
	out->health = health;
	out->index = log->init_index;
	out->max_log_bytes = log->max_log_bytes;
	out->headroom_bytes = AAEL_HEADROOM_BYTES;
	out->violations = log->violations;
	out->pending_sequence = log->pending_sequence;
	out->count = log->count;
	if (log->state != AAEL_STATE_UNSUPPORTED) {
		out->bytes = aael_store_len(&log->stream);
		out->own_offset = log->own_offset;
		out->flags = info_flags(log);
		strscpy(out->provider, log->provider->name, sizeof(out->provider));
		for (unsigned int b = 0; b < log->bank_count; b++)
			if (log->banks[b].logged)
				out->algs[out->alg_count++] = log->banks[b].alg;
	}
	if (log->state == AAEL_STATE_ENABLED || log->state == AAEL_STATE_SEALED) {
		out->index = log->index;
		out->reg = log->mapping.reg;
	}
	spin_unlock(&log->state_lock);
}

static u32 copy_values(const struct aael_log *log, struct aael_value *out,
		       const aael_values_t values)
{
	u32 n = 0;

	for (unsigned int b = 0; b < log->bank_count; b++) {
		if (!log->banks[b].logged)
			continue;
		out[n].alg = log->banks[b].alg;
		out[n].size = log->banks[b].size;
		memcpy(out[n++].value, values[b], log->banks[b].size);
	}
	return n;
}

struct snapshot_args {
	struct aael_snapshot *out;
	struct aael_snapshot_register *regs;
};

static int snapshot_txn(struct aael_log *log, void *arg)
{
	struct snapshot_args *a = arg;
	int ret = aael_reconcile_confirm_all(log);

	if (ret)
		return ret == -ENODEV || ret == -ENOMEM ? ret : -ETIMEDOUT;
	a->out->health = aael_query_health(log);
	a->out->count = log->count;
	a->out->bytes = log->stream.len;
	a->out->reg_count = 0;
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		const struct aael_register *r = log->regs[nr];
		struct aael_snapshot_register *reg = &a->regs[a->out->reg_count];

		if (!r)
			continue;
		reg->reg = nr;
		reg->health = aael_reconcile_health(log, r);
		reg->bank_count = copy_values(log, reg->running, r->replayed);
		a->out->reg_count++;
	}
	return 0;
}

/**
 * aael_query_snapshot - a point that log and registers agree on
 * @log: the log
 * @out: out: health, count, bytes, reg_count
 * @regs: out: the registers in use; zeroed room for AAEL_REGISTERS_MAX
 *
 * Return: 0, or an errno as struct aael_snapshot describes.
 */
int aael_query_snapshot(struct aael_log *log, struct aael_snapshot *out,
			struct aael_snapshot_register *regs)
{
	struct snapshot_args args = { .out = out, .regs = regs };
	int ret = aael_log_gate(log);

	if (ret && ret != -ESHUTDOWN)
		return ret;
	return aael_txn_run(log, snapshot_txn, &args);
}

/* ---- verify ---- */

struct verify_args {
	struct aael_mapping map;
	bool cached;			/* a recent comparison will do */
	struct aael_verify *out;
};

static void fill_verify(struct aael_log *log, struct aael_register *r, struct aael_verify *out)
{
	out->reg = r->nr;
	out->health = aael_reconcile_health(log, r);
	out->count = log->count;
	out->bank_count = copy_values(log, out->live, r->running);
	copy_values(log, out->replayed, r->replayed);
	out->match = !memcmp(out->live, out->replayed, sizeof(out->live));
}

static int verify_txn(struct aael_log *log, void *arg)
{
	struct verify_args *a = arg;
	struct aael_register *r;
	bool fresh;
	int ret;

	ret = aael_reconcile_settle(log);
	if (ret == -EIO)
		ret = -ETIMEDOUT;
	if (!ret)
		ret = aael_reconcile_adopt(log, a->map.reg, &r);
	if (ret)
		return ret == -EIO ? -ETIMEDOUT : ret;
	fresh = a->cached && !r->unconfirmed && !r->refused &&
		time_before(jiffies, r->verified_at + msecs_to_jiffies(AAEL_VERIFY_CACHE_MS));
	if (!fresh)
		ret = aael_reconcile_confirm(log, r);
	if (!ret)
		fill_verify(log, r, a->out);
	return ret;
}

/**
 * aael_query_verify - read the live register and compare it with the log
 * @log: the log
 * @out: in: index; out: the rest
 * @privileged: may ask for any register, and gets no answer from the cache
 *
 * Return: 0, or an errno as struct aael_verify describes.
 */
int aael_query_verify(struct aael_log *log, struct aael_verify *out, bool privileged)
{
	struct verify_args args = { .cached = !privileged, .out = out };
	int ret = aael_log_gate(log);

	if (ret && ret != -ESHUTDOWN)
		return ret;
	ret = aael_log_map(log, out->index, &args.map);
	if (ret)
		return ret;
	if (args.map.privileged && !privileged)
		return -EPERM;
	return aael_txn_run(log, verify_txn, &args);
}

/* ---- finding entries ---- */

/**
 * aael_query_view - look at one of our entries
 * @log: a bound log
 * @pos: its offset in the stream
 * @view: out
 *
 * Context: anybody. Return: false behind the last entry.
 */
bool aael_query_view(const struct aael_log *log, u64 pos, struct aael_entry_view *view)
{
	u8 word[4];

	if (aael_store_read(&log->stream, pos, word, 4) != 4)
		return false;
	view->reg = get_unaligned_le32(word);
	view->text_offset = aael_entry_text_offset(log->banks, log->bank_count);
	/* The text is the last of an entry, and its length stands in front of it. */
	aael_store_read(&log->stream, pos + view->text_offset - 4, word, 4);
	view->text_len = get_unaligned_le32(word);
	view->len = view->text_offset + view->text_len;
	return true;
}

/**
 * aael_query_offset - where an entry begins
 * @log: a bound log
 * @sequence: its number, from 1
 *
 * Context: anybody. Return: offset in the stream; the end for a number too high.
 */
u64 aael_query_offset(const struct aael_log *log, u64 sequence)
{
	u64 slot = (sequence - 1) / AAEL_INDEX_STRIDE, pos;
	struct aael_entry_view view;

	if (aael_store_read(&log->offsets, slot * sizeof(pos), &pos, sizeof(pos)) != sizeof(pos))
		return aael_store_len(&log->stream);
	for (u64 n = (sequence - 1) % AAEL_INDEX_STRIDE; n; n--) {
		if (!aael_query_view(log, pos, &view))
			break;
		pos += view.len;
	}
	return pos;
}
