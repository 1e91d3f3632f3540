// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handing the log over to another module or kernel. The log ends here only when all
 * of it has been read, and goes on there only if the registers vouch for it; what was
 * taken over is put on record, measured, before anything else is logged.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"

/* ---- sealing ---- */

/* Every register, whether or not it is known to hold what it should. */
static int compare_all(struct aael_log *log)
{
	int ret = aael_reconcile_settle(log);

	for (u32 nr = 0; !ret && nr < AAEL_REGISTERS_MAX; nr++)
		if (log->regs[nr])
			ret = aael_reconcile_confirm(log, log->regs[nr]);
	return ret;
}

static int seal_begin(struct aael_log *log)
{
	int ret;

	if (log->state == AAEL_STATE_SEALED)
		return 0;
	if (log->suspended)
		return -EBUSY;
	ret = compare_all(log);
	if (ret)
		return ret == -ENODEV || ret == -ENOMEM ? ret : -ETIMEDOUT;
	aael_log_set_state(log, AAEL_STATE_SEALED);
	pr_info("aael: sealed at %llu entries\n", log->count);
	return 0;
}

static int seal_undo(struct aael_log *log)
{
	int ret;

	if (log->state == AAEL_STATE_ENABLED)
		return 0;
	ret = log->count ? aael_log_pin(log) : 0;
	if (ret)
		return ret;
	aael_log_set_state(log, AAEL_STATE_ENABLED);
	pr_info("aael: not sealed any more\n");
	return 0;
}

static int release(struct aael_log *log, u64 bytes)
{
	if (log->state != AAEL_STATE_SEALED)
		return -EBUSY;
	/* What the device has reported since. */
	aael_follow_drain(log);
	if (log->stream.len != bytes)
		return -ESTALE;
	aael_log_unpin(log);
	pr_info("aael: released: the module may be removed\n");
	return 0;
}

static int seal_txn(struct aael_log *log, void *arg)
{
	struct aael_seal *s = arg;
	int ret = aael_log_gate(log);

	if (ret && ret != -ESHUTDOWN)
		return ret;
	if (s->step == AAEL_SEAL_BEGIN)
		ret = seal_begin(log);
	else if (s->step == AAEL_SEAL_UNDO)
		ret = seal_undo(log);
	else
		ret = release(log, s->bytes);
	s->count = log->count;
	s->bytes = log->stream.len;
	return ret;
}

/**
 * aael_handover_seal - seal, open again or release the log
 * @log: the log
 * @s: in: step, bytes; out: count, bytes
 *
 * Return: 0, or an errno as struct aael_seal describes.
 */
int aael_handover_seal(struct aael_log *log, struct aael_seal *s)
{
	if (s->step < AAEL_SEAL_BEGIN || s->step > AAEL_SEAL_RELEASE)
		return -EINVAL;
	return aael_txn_run(log, seal_txn, s);
}

/* ---- importing ---- */

struct import_args {
	struct aael_import *req;
	struct aael_imported *im;
};

/* {"entries":N,"foreign":N,"sha256":"HEX"} */
#define RECORD_MAX_BYTES	(sizeof("{'entries':,'foreign':,'sha256':''}") + 2 * 20 + 64)

/* The event that records the import. */
static struct aael_entry *describe(struct aael_log *log, const struct aael_imported *im, u32 reg)
{
	char json[RECORD_MAX_BYTES];
	struct aael_event ev;
	size_t len;
	u8 digest[AAEL_DIGEST_MAX_BYTES];
	struct aael_bank sha256;
	int ret = aael_bank_init(&sha256, AAEL_ALG_SHA256);

	if (ret)
		return ERR_PTR(ret);
	ret = aael_bank_digest(&sha256, im->bytes, im->len, digest);
	aael_bank_destroy(&sha256);
	if (ret)
		return ERR_PTR(ret);
	len = scnprintf(json, sizeof(json),
			"{\"entries\":%llu,\"foreign\":%llu,\"sha256\":\"%*phN\"}",
			im->entries, im->foreign, 32, digest);
	ev = aael_event_of_module("handover", json, len);
	return aael_entry_create(log->banks, log->bank_count, reg, &ev);
}

/* What the registers hold, and state for those that are not in use. */
static int read_registers(struct aael_log *log, struct aael_imported *im)
{
	int ret;

	for (u32 nr = 0; nr < log->reg_count; nr++) {
		if (!(im->used & BIT(nr)))
			continue;
		/* A device that is followed was read before it was, and is kept back since. */
		if (log->regs[nr]) {
			memcpy(im->live[nr], log->regs[nr]->running, sizeof(im->live[nr]));
			continue;
		}
		ret = aael_reconcile_read(log, nr);
		if (ret)
			return ret;
		memcpy(im->live[nr], log->scratch.live, sizeof(im->live[nr]));
		im->made[nr] = kvzalloc(sizeof(*im->made[nr]), GFP_KERNEL);
		if (!im->made[nr])
			return -ENOMEM;
	}
	return 0;
}

static bool explained(const struct aael_log *log, const struct aael_imported *im, u32 nr)
{
	for (unsigned int b = 0; b < log->bank_count; b++)
		if (log->banks[b].logged &&
		    memcmp(im->live[nr][b], im->values[nr][b], log->banks[b].size))
			return false;
	return true;
}

static int compare(struct aael_log *log, struct import_args *a)
{
	for (u32 nr = 0; nr < log->reg_count; nr++) {
		if (!(a->im->used & BIT(nr)) || explained(log, a->im, nr))
			continue;
		a->req->reg = nr;
		if (!(a->req->flags & AAEL_IMPORT_F_DIVERGED))
			return -ESTALE;
	}
	return 0;
}

/* The register is in use, with what its entries replay to. */
static void take_register(struct aael_log *log, struct aael_imported *im, u32 nr)
{
	struct aael_register *r = log->regs[nr] ?: im->made[nr];
	bool unknown = r->unknown;

	/* Nobody knows the values of banks without entries before the live ones. */
	for (unsigned int b = 0; b < log->bank_count; b++)
		if (!log->banks[b].logged)
			memcpy(im->values[nr][b], im->live[nr][b], sizeof(im->values[nr][b]));
	im->made[nr] = NULL;
	spin_lock(&log->state_lock);
	memcpy(r->running, im->values[nr], sizeof(r->running));
	r->last_sequence = im->last[nr];
	spin_unlock(&log->state_lock);
	aael_reconcile_take(log, nr, r, im->values[nr]);
	/* Nothing has been compared: that comes in front of the record. */
	WRITE_ONCE(r->unknown, unknown);
	if (explained(log, im, nr))
		return;
	memcpy(log->scratch.live, im->live[nr], sizeof(log->scratch.live));
	aael_reconcile_diverge(log, r, 0);
}

/* Nothing fails from here on. */
static void take_all(struct aael_log *log, struct aael_imported *im)
{
	aael_publish_all(log, im);
	for (u32 nr = 0; nr < log->reg_count; nr++)
		if (im->used & BIT(nr))
			take_register(log, im, nr);
	log->awaits_import = false;
	aael_publish_health(log);
	pr_info("aael: imported %llu entries, %llu of them foreign\n", im->entries, im->foreign);
}

/**
 * aael_handover_record - measure the event that records an import, and enable the log
 * @log: the log
 *
 * Context: transactions. Return: 0, also if there is nothing to record; an errno as
 * struct aael_import describes: the log is not enabled, and this can be tried again.
 */
int aael_handover_record(struct aael_log *log)
{
	struct aael_entry *e = log->import_event;
	struct aael_register *r;
	int ret;

	if (!e)
		return 0;
	if (log->suspended)
		return -EBUSY;
	ret = aael_reconcile_settle(log);
	if (!ret)
		ret = aael_reconcile_adopt(log, e->reg, &r);
	/* An attempt that failed may have been applied since. */
	if (!ret && r->refused)
		ret = aael_reconcile_confirm(log, r);
	if (!ret && !e->sequence)
		ret = aael_reconcile_extend(log, r, e);
	if (!e->sequence)
		return ret ?: -EIO;
	log->import_event = NULL;
	aael_entry_put(e);
	aael_log_set_state(log, AAEL_STATE_ENABLED);
	return 0;
}

static int prepare(struct aael_log *log, struct import_args *a, struct aael_mapping *map)
{
	int ret = aael_log_gate(log);

	if (ret == -EOPNOTSUPP)
		return ret;
	/* It logs what has been reported. */
	if (aael_reconcile_settle(log) == -ENODEV)
		return -ENODEV;
	/* One whose record is owed has been imported, even if it had no entries. */
	if (ret != -ENOTCONN || log->count || log->import_event || log->suspended)
		return -EBUSY;
	if (log->provider->map(&log->map_config, a->req->index, map))
		return -EINVAL;
	ret = aael_import_check(log, a->im);
	/* Also without any entry in it. */
	a->im->used |= BIT(map->reg);
	if (!ret)
		ret = read_registers(log, a->im);
	if (!ret)
		ret = compare(log, a);
	return ret ?: aael_publish_reserve_all(log, a->im);
}

static int import_txn(struct aael_log *log, void *arg)
{
	struct import_args *a = arg;
	struct aael_mapping map = {};
	struct aael_entry *e;
	int ret = prepare(log, a, &map);

	if (ret)
		return ret;
	e = describe(log, a->im, map.reg);
	if (IS_ERR(e))
		return PTR_ERR(e);
	ret = aael_log_room(log, a->im->len + e->len, true) ? -EFBIG : aael_log_pin(log);
	if (ret) {
		aael_entry_put(e);
		return ret;
	}
	take_all(log, a->im);
	log->index = a->req->index;
	log->mapping = map;
	log->import_event = aael_entry_get(e);
	aael_log_refuse(log, "%s", "");
	ret = aael_handover_record(log);
	a->req->sequence = e->sequence;
	aael_entry_put(e);
	return ret;
}

static void import_free(struct aael_imported *im)
{
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++)
		kvfree(im->made[nr]);
	kvfree(im);
}

/**
 * aael_handover_import - take a log over
 * @log: the log
 * @req: in: flags, index, bytes; out: sequence, reg, foreign
 * @bytes: the entries, in kernel memory, which is written to
 *
 * Return: 0, or an errno as struct aael_import describes.
 */
int aael_handover_import(struct aael_log *log, struct aael_import *req, u8 *bytes)
{
	struct import_args args = { .req = req };
	int ret;

	args.im = kvzalloc(sizeof(*args.im), GFP_KERNEL);
	if (!args.im)
		return -ENOMEM;
	args.im->bytes = bytes;
	args.im->len = req->bytes;
	if (req->index == AAEL_INDEX_DEFAULT)
		req->index = log->init_index;
	ret = aael_txn_run(log, import_txn, &args);
	if (ret == -EBADMSG)
		req->sequence = args.im->bad;
	req->foreign = args.im->foreign;
	import_free(args.im);
	return ret;
}
