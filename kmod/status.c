// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of /sys/kernel/security/aael/status: "key: value" lines. It never waits
 * for the device, so it can be read when the device is the trouble.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"

static const char *const states[] = {
	[AAEL_STATE_UNSUPPORTED] = "unsupported",
	[AAEL_STATE_DISABLED] = "disabled",
	[AAEL_STATE_ENABLED] = "enabled",
	[AAEL_STATE_SEALED] = "sealed",
};

static const char *const healths[] = {
	[AAEL_HEALTH_CONSISTENT] = "consistent",
	[AAEL_HEALTH_UNEXPLAINED_BASE] = "unexplained-base",
	[AAEL_HEALTH_UNKNOWN] = "unknown",
	[AAEL_HEALTH_DIVERGED] = "diverged",
	[AAEL_HEALTH_GONE] = "gone",
};

static void show_platform(struct seq_file *m, const struct aael_log *log)
{
	seq_printf(m, "platform: %s\n", log->provider->platform);
	seq_printf(m, "provider: %s%s\n", log->provider->name,
		   log->provider->flags & AAEL_INFO_F_SOFT ?
		   " (NO PROTECTION: registers in memory prove nothing)" : "");
	for (unsigned int b = 0; b < log->bank_count; b++)
		seq_printf(m, "bank: %s%s\n", log->banks[b].name,
			   log->banks[b].logged ? "" :
			   " (extended, but not in the log: the boot log's header lacks it)");
	if (!log->boot_log_taken)
		seq_printf(m, "boot_log: left out: %s\n", log->boot_log_why);
	else if (log->boot_log_why)
		seq_printf(m, "boot_log: %llu entries, cut short: %s\n", log->boot_log_entries,
			   log->boot_log_why);
	else
		seq_printf(m, "boot_log: %llu entries\n", log->boot_log_entries);
	if (log->surveyed < log->reg_count)
		seq_printf(m, "not_compared_at_load: %s %u and above: it could not be read\n",
			   log->provider->register_name, log->surveyed);
	for (unsigned int i = 0; i < log->unexplained_count; i++) {
		const struct aael_unexplained *u = &log->unexplained[i];
		const struct aael_bank *bank = &log->banks[u->bank];

		seq_printf(m, "unexplained_at_load: %s %u %s: register %*phN, boot log %*phN\n",
			   log->provider->register_name, u->reg, bank->name,
			   bank->size, u->live, bank->size, u->explained);
	}
}

static void show_mapping(struct seq_file *m, const struct aael_log *log)
{
	seq_printf(m, "index: %u\n", log->index);
	seq_printf(m, "register: %u\n", log->mapping.reg);
	seq_printf(m, "mapping: index %u is %s %u: %s\n", log->index,
		   log->provider->register_name, log->mapping.reg, log->mapping.why);
}

static void show_divergence(struct seq_file *m, const struct aael_log *log,
			    const struct aael_register *r)
{
	if (r->missing)
		seq_printf(m, "diverged: %s %u lacks entry %llu\n", log->provider->register_name,
			   r->nr, r->missing);
	else
		seq_printf(m, "diverged: %s %u was extended by somebody else\n",
			   log->provider->register_name, r->nr);
	for (unsigned int b = 0; b < log->bank_count; b++)
		seq_printf(m, "diverged_values: %s %u %s: log %*phN, register %*phN\n",
			   log->provider->register_name, r->nr, log->banks[b].name,
			   log->banks[b].size, r->expected[b], log->banks[b].size, r->seen[b]);
}

/* A register's state is copied under the lock and printed without it. */
static int show_registers(struct seq_file *m, struct aael_log *log)
{
	struct aael_register *copy = kvmalloc(sizeof(*copy), GFP_KERNEL);
	bool used;

	if (!copy)
		return -ENOMEM;
	for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++) {
		spin_lock(&log->state_lock);
		used = log->regs[nr];
		if (used)
			memcpy(copy, log->regs[nr], sizeof(*copy));
		spin_unlock(&log->state_lock);
		if (!used)
			continue;
		seq_printf(m, "register_health: %s %u: %s, %u unconfirmed\n",
			   log->provider->register_name, nr,
			   healths[aael_reconcile_health(log, copy)], copy->unconfirmed);
		if (copy->diverged)
			show_divergence(m, log, copy);
	}
	kvfree(copy);
	return 0;
}

static void show_counters(struct seq_file *m, struct aael_log *log)
{
	struct aael_info info = {};

	aael_query_info(log, &info);
	seq_printf(m, "count: %llu\nbytes: %llu\n", info.count, info.bytes);
	seq_printf(m, "own_bytes: %llu\n", info.bytes - info.own_offset);
	if (info.bytes > AAEL_LOG_LARGE_BYTES)
		seq_puts(m, "large: a verifier that takes requests of 2 MiB will soon refuse this log\n");
	seq_printf(m, "max_log_bytes: %llu\nheadroom_bytes: %llu\n", info.max_log_bytes,
		   info.headroom_bytes);
	seq_printf(m, "violations: %llu\nrepairs: %llu\n", info.violations,
		   READ_ONCE(log->repairs));
	seq_printf(m, "notifications_dropped: %llu\n", aael_netlink_dropped());
	if (READ_ONCE(log->awaits_import))
		seq_puts(m, "import: awaited (import=1): nothing is recorded until it comes, or until the log is enabled\n");
	if (READ_ONCE(log->import_event))
		seq_puts(m, "import: not recorded: enable the log to try again\n");
	if (READ_ONCE(log->imported))
		seq_printf(m, "imported: %llu entries, %llu of them foreign\n", log->imported,
			   log->imported_foreign);
	if (info.pending_sequence)
		seq_printf(m, "pending: entry %llu is undecided\n", info.pending_sequence);
}

/**
 * aael_status_show - print the status
 * @m: where to; its private data is the log
 * @v: unused
 *
 * Return: 0, or -ENOMEM: a status that lacks its registers is none.
 */
int aael_status_show(struct seq_file *m, void *v)
{
	struct aael_log *log = m->private;
	enum aael_state state = aael_log_state(log);
	char refusal[sizeof(log->refusal)];
	int ret;

	seq_printf(m, "version: %u\n", AAEL_ABI_VERSION);
	seq_printf(m, "state: %s\n", states[state]);
	seq_printf(m, "health: %s\n", healths[aael_query_health(log)]);
	spin_lock(&log->state_lock);
	strscpy(refusal, log->refusal, sizeof(refusal));
	spin_unlock(&log->state_lock);
	if (refusal[0])
		seq_printf(m, "refused: %s\n", refusal);
	if (state == AAEL_STATE_UNSUPPORTED)
		seq_puts(m, "platform: none\nprovider: none\n");
	else
		show_platform(m, log);
	if (state == AAEL_STATE_ENABLED || state == AAEL_STATE_SEALED)
		show_mapping(m, log);
	ret = show_registers(m, log);
	show_counters(m, log);
	aael_policy_show(&log->policy, m);
	return ret;
}
