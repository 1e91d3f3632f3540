// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log: its life, its limits, and the append.
 *
 * An append is checked, encoded and hashed by the caller; the rest is one
 * transaction: room, settle what is in doubt, extend, publish. An event is
 * acknowledged only once it is measured, and whatever could fail comes first.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"
#include "trace.h"

static void pause_ms(unsigned int ms)
{
	msleep(ms);
}

static void confirm_work(struct work_struct *work)
{
	struct aael_log *log = container_of(to_delayed_work(work), struct aael_log, confirm_work);

	aael_txn_begin(log);
	aael_reconcile_confirm_all(log);
	aael_txn_end(log);
}

/**
 * aael_log_create - an empty log without a provider
 *
 * Return: the log, for aael_log_destroy(), or NULL without memory.
 */
struct aael_log *aael_log_create(void)
{
	struct aael_log *log = kvzalloc(sizeof(*log), GFP_KERNEL);

	if (!log)
		return NULL;
	spin_lock_init(&log->state_lock);
	init_waitqueue_head(&log->wait);
	INIT_DELAYED_WORK(&log->confirm_work, confirm_work);
	aael_policy_init(&log->policy);
	aael_once_init(&log->once);
	log->pause = pause_ms;
	log->confirm_delay_ms = AAEL_CONFIRM_DELAY_MS;
	log->max_log_bytes = AAEL_LOG_DEFAULT_BYTES;
	if (aael_txn_init(log)) {
		kvfree(log);
		return NULL;
	}
	aael_follow_init(log);
	return log;
}

/**
 * aael_log_destroy - free a log that nobody can reach any more
 * @log: the log or NULL
 */
void aael_log_destroy(struct aael_log *log)
{
	if (!log)
		return;
	aael_follow_stop(log);
	cancel_delayed_work_sync(&log->confirm_work);
	aael_txn_destroy(log);
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		if (log->regs[nr])
			aael_entry_put(log->regs[nr]->refused);
		kvfree(log->regs[nr]);
	}
	aael_entry_put(log->pending);
	aael_entry_put(log->import_event);
	aael_bind_release(log);
	aael_store_destroy(&log->offsets);
	aael_once_destroy(&log->once);
	kvfree(log);
}

/* ---- bind and enable ---- */

/**
 * aael_log_state - the state, and with it whatever is constant from there on
 * @log: the log
 *
 * Context: anybody.
 */
enum aael_state aael_log_state(const struct aael_log *log)
{
	/* Pairs with aael_log_set_state(). */
	return smp_load_acquire(&log->state);
}

struct bind_args {
	const struct aael_provider *provider;
	bool pinned;
};

/**
 * aael_log_set_state - the log is in another state from now on
 * @log: the log
 * @state: which
 *
 * Context: transactions.
 */
void aael_log_set_state(struct aael_log *log, enum aael_state state)
{
	spin_lock(&log->state_lock);
	/* Pairs with aael_log_state(): what the state promises stands before it. */
	smp_store_release(&log->state, state);
	spin_unlock(&log->state_lock);
	wake_up_interruptible(&log->wait);
}

/**
 * aael_log_refuse - say why the log is not enabled or has no provider
 * @log: the log
 * @why: format of the text; an empty text: there is nothing to say
 */
void aael_log_refuse(struct aael_log *log, const char *why, ...)
{
	va_list args;

	va_start(args, why);
	spin_lock(&log->state_lock);
	vsnprintf(log->refusal, sizeof(log->refusal), why, args);
	spin_unlock(&log->state_lock);
	va_end(args);
}

static int bind_txn(struct aael_log *log, void *arg)
{
	struct bind_args *a = arg;
	int ret;

	if (log->state != AAEL_STATE_UNSUPPORTED)
		return 0;
	ret = aael_bind_provider(log, a->provider, a->pinned);
	if (ret == -EPROBE_DEFER)
		aael_log_refuse(log, "this is a TD, but its driver tdx-guest is not loaded");
	if (ret)
		return ret;
	aael_log_refuse(log, "%s", "");
	aael_log_set_state(log, AAEL_STATE_DISABLED);
	return 0;
}

/**
 * aael_log_bind - take a provider, once
 * @log: the log
 * @provider: which
 * @pinned: the user named it
 *
 * Return: 0, also if the log has a provider; errnos of aael_bind_provider(); -EINTR.
 */
int aael_log_bind(struct aael_log *log, const struct aael_provider *provider, bool pinned)
{
	struct bind_args args = { .provider = provider, .pinned = pinned };

	return aael_txn_run(log, bind_txn, &args);
}

struct enable_args {
	u32 index;
	const char *why;
};

static int enable_txn(struct aael_log *log, void *arg)
{
	struct enable_args *a = arg;
	bool awaits_import = log->awaits_import;
	struct aael_mapping map = {};
	struct aael_register *r;
	int ret;

	if (log->state != AAEL_STATE_DISABLED || log->import_event) {
		a->why = "the log is enabled with another index";
		if (log->index != a->index)
			return -EBUSY;
		a->why = log->state == AAEL_STATE_SEALED ? "the log is sealed" :
			 "the import of the log could not be recorded";
		return log->state == AAEL_STATE_SEALED ? -ESHUTDOWN : aael_handover_record(log);
	}
	ret = log->provider->map(&log->map_config, a->index, &map);
	a->why = map.why;
	if (!ret) {
		log->awaits_import = false;
		/* The device may have gone and come back since it was bound. */
		ret = aael_reconcile_settle(log);
		if (!ret)
			ret = aael_reconcile_adopt(log, map.reg, &r);
		if (ret)
			a->why = "the register cannot be read";
	}
	if (ret) {
		/* As long as nothing has been logged, another log can still be taken over. */
		log->awaits_import = awaits_import && !log->count;
		aael_log_refuse(log, "index %u: %s", a->index, a->why);
		pr_warn("aael: not enabled: index %u: %s\n", a->index, a->why);
		return ret;
	}
	log->index = a->index;
	log->mapping = map;
	aael_log_refuse(log, "%s", "");
	aael_log_set_state(log, AAEL_STATE_ENABLED);
	pr_info("aael: enabled: index %u is %s %u: %s\n", a->index,
		log->provider->register_name, map.reg, map.why);
	return 0;
}

/* The device is sure to come: what was asked for first is done then. */
static const char *enable_later(struct aael_log *log, u32 index)
{
	if (!cmpxchg(&log->enable_later, 0, index + 1) || log->enable_later == index + 1)
		return "the driver tdx-guest is not loaded; the log is enabled when it is";
	return "the driver tdx-guest is not loaded; then the log is enabled with another index";
}

/**
 * aael_log_enable - choose the register and begin to record; one way
 * @log: the log
 * @index: register index as the user knows it, or AAEL_INDEX_DEFAULT
 * @why: out: a sentence about the index or the refusal; static
 *
 * Where the provider is sure to come, the first index that was asked for is
 * remembered for aael_log_enable_wanted().
 *
 * Return: 0, also if it was enabled with the same index; -EOPNOTSUPP without a
 * provider; -ENOPKG if this kernel has no hash for a bank; -EINVAL for a refused
 * index; -EBUSY if enabled with another one; -ESHUTDOWN if sealed; -EIO or -ENODEV if the
 * register cannot be read; -ENOMEM; -EINTR. Where it records an import, the errnos of that.
 */
int aael_log_enable(struct aael_log *log, u32 index, const char **why)
{
	struct enable_args args = {
		.index = index == AAEL_INDEX_DEFAULT ? log->init_index : index,
		.why = "this platform has no register",
	};
	int ret = -ENODEV;

	if (aael_log_state(log) != AAEL_STATE_UNSUPPORTED)
		ret = 0;
	else if (log->provider_name)
		ret = aael_register_find(log, log->provider_name);
	if (ret == -EPROBE_DEFER)
		args.why = enable_later(log, args.index);
	else if (ret && ret != -ENODEV)
		args.why = "the provider cannot be used: see the status";
	*why = args.why;
	if (ret)
		return ret == -ENODEV || ret == -EPROBE_DEFER ? -EOPNOTSUPP : ret;
	ret = aael_txn_run(log, enable_txn, &args);
	*why = args.why;
	return ret;
}

/**
 * aael_log_enable_wanted - enable a log whose provider has come, if that was asked for
 * @log: the log
 */
void aael_log_enable_wanted(struct aael_log *log)
{
	u32 later = READ_ONCE(log->enable_later);
	const char *why;

	if (later && aael_log_state(log) == AAEL_STATE_DISABLED)
		aael_log_enable(log, later - 1, &why);
}

/**
 * aael_log_gate - may entries be appended
 * @log: the log
 *
 * Return: 0, -EOPNOTSUPP, -ENOTCONN or -ESHUTDOWN.
 */
int aael_log_gate(const struct aael_log *log)
{
	switch (aael_log_state(log)) {
	case AAEL_STATE_ENABLED:
		return 0;
	case AAEL_STATE_SEALED:
		return -ESHUTDOWN;
	case AAEL_STATE_DISABLED:
		return -ENOTCONN;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * aael_log_map - register for an index of an enabled log
 * @log: the log
 * @index: index, or AAEL_INDEX_DEFAULT
 * @map: out
 *
 * Return: 0, or -EINVAL for an index that is refused.
 */
int aael_log_map(const struct aael_log *log, u32 index, struct aael_mapping *map)
{
	int ret;

	if (index == AAEL_INDEX_DEFAULT || index == log->index) {
		*map = log->mapping;
		map->privileged = false;
		return 0;
	}
	ret = log->provider->map(&log->map_config, index, map);
	if (!ret && map->reg == log->mapping.reg)
		map->privileged = false;
	return ret;
}

/* ---- append ---- */

struct append_args {
	struct aael_append *req;
	struct aael_entry *entry;
	bool privileged;
	bool sent;			/* the device was asked to extend */
};

/**
 * aael_log_room - is there room for an entry
 * @log: the log
 * @need: its bytes
 * @privileged: may use the headroom
 *
 * Return: as aael_policy_room().
 */
int aael_log_room(const struct aael_log *log, size_t need, bool privileged)
{
	u64 used = aael_store_len(&log->stream) - log->own_offset;

	return aael_policy_room(used, READ_ONCE(log->max_log_bytes), need, privileged);
}

/**
 * aael_log_pin - the module stays: an event in the log must not outlive what knows of it
 * @log: the log
 *
 * Context: transactions. Return: 0, or -ENODEV if the module is being removed.
 */
int aael_log_pin(struct aael_log *log)
{
	if (!log->pinned && !try_module_get(THIS_MODULE))
		return -ENODEV;
	log->pinned = true;
	return 0;
}

/**
 * aael_log_unpin - the module may be removed
 * @log: the log
 */
void aael_log_unpin(struct aael_log *log)
{
	if (log->pinned)
		module_put(THIS_MODULE);
	log->pinned = false;
}

static void unpin_if_empty(struct aael_log *log)
{
	if (!log->pinned || log->count || log->pending)
		return;
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++)
		if (log->regs[nr] && (log->regs[nr]->refused || log->regs[nr]->diverged))
			return;
	aael_log_unpin(log);
}

/* Nobody comes between this and the extend. */
static int look_once(struct aael_log *log, struct append_args *a)
{
	enum aael_once_found found;
	int ret;

	if (!a->req->once)
		return 0;
	ret = aael_once_catch_up(log);
	if (ret)
		return ret;
	found = aael_once_find(log, a->entry, &a->req->sequence);
	a->req->duplicate = found == AAEL_ONCE_IDENTICAL;
	return found == AAEL_ONCE_OTHER ? -EEXIST : 0;
}

static int append_checked(struct aael_log *log, struct append_args *a)
{
	struct aael_register *r;
	int ret;

	ret = aael_log_gate(log);
	if (ret)
		return ret;
	if (log->suspended)
		return -EBUSY;
	ret = aael_reconcile_settle(log);
	if (!ret)
		ret = aael_reconcile_adopt(log, a->entry->reg, &r);
	/* An entry that was refused may have been applied since: it comes before ours. */
	if (!ret && r->refused && aael_reconcile_confirm(log, r))
		ret = log->gone ? -ENODEV : -EIO;
	if (!ret)
		ret = look_once(log, a);
	if (ret || a->req->duplicate)
		return ret;
	/* Again, behind whatever has been logged meanwhile. */
	ret = aael_log_room(log, a->entry->len, a->privileged);
	if (!ret)
		ret = aael_log_pin(log);
	if (ret)
		return ret;
	a->sent = true;
	ret = aael_reconcile_extend(log, r, a->entry);
	unpin_if_empty(log);
	return ret;
}

static int append_txn(struct aael_log *log, void *arg)
{
	struct append_args *a = arg;
	int ret = append_checked(log, a);

	if (!ret && !a->req->duplicate)
		a->req->sequence = a->entry->sequence;
	else if (a->sent && ret == -ETIMEDOUT)
		a->req->sequence = log->pending_sequence;
	return ret;
}

static enum aael_trace_outcome outcome(int ret, bool sent)
{
	if (!ret)
		return sent ? AAEL_TRACE_LOGGED : AAEL_TRACE_DUPLICATE;
	if (!sent || ret == -ENOMEM || ret == -ENOSPC)
		return AAEL_TRACE_REJECTED;
	return ret == -ETIMEDOUT ? AAEL_TRACE_UNDECIDED : AAEL_TRACE_NOT_APPLIED;
}

/* All that can be said without waiting for the device. */
static int check(struct aael_log *log, const struct aael_append *req,
		 struct aael_mapping *map, bool *privileged)
{
	size_t size;
	int ret;

	ret = aael_event_validate(&req->ev);
	if (!ret)
		ret = aael_log_gate(log);
	if (ret)
		return ret;
	*privileged = aael_policy_privileged(req->file);
	if (!*privileged &&
	    aael_policy_is_reserved(&log->policy, req->ev.domain, req->ev.domain_len))
		return -EACCES;
	ret = aael_log_map(log, req->index, map);
	if (ret)
		return ret;
	if (map->privileged && !*privileged)
		return -EPERM;
	/* What is logged already takes no room. */
	if (req->once)
		return 0;
	size = aael_entry_size(log->banks, log->bank_count, &req->ev);
	return aael_log_room(log, size, *privileged);
}

/**
 * aael_log_append - measure one event and log it
 * @log: the log
 * @req: the event
 *
 * Return: 0: measured and logged. The errnos of uapi/linux/aael.h, with their causes
 * and in their order.
 */
int aael_log_append(struct aael_log *log, struct aael_append *req)
{
	struct append_args args = { .req = req };
	struct aael_mapping map = {};
	int ret = check(log, req, &map, &args.privileged);

	if (!ret) {
		req->reg = map.reg;
		args.entry = aael_entry_create(log->banks, log->bank_count, map.reg, &req->ev);
		ret = PTR_ERR_OR_ZERO(args.entry);
	}
	if (!ret) {
		ret = (req->nonblock ? aael_txn_try : aael_txn_run)(log, append_txn, &args);
		aael_entry_put(args.entry);
	}
	trace_aael_append(req->sequence, map.reg, outcome(ret, args.sent), ret);
	return ret;
}

/* ---- limits ---- */

/**
 * aael_log_set_max - raise the limit on the bytes of our entries
 * @log: the log
 * @max: bytes
 *
 * Return: 0, or -EINVAL if it is lower than before or above AAEL_LOG_MAX_BYTES.
 */
int aael_log_set_max(struct aael_log *log, u64 max)
{
	int ret = -EINVAL;

	spin_lock(&log->state_lock);
	if (max >= log->max_log_bytes && max <= AAEL_LOG_MAX_BYTES) {
		WRITE_ONCE(log->max_log_bytes, max);
		ret = 0;
	}
	spin_unlock(&log->state_lock);
	return ret;
}
