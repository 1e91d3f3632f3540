/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module know of each other, grouped by file.
 *
 * Threading: everything that touches a register or changes the log runs as a
 * transaction (txn.c), one at a time. Where it matters who asks a device, and
 * whether he has a signal, it is asked by a kernel worker, whoever the writer is.
 * What others may look at without waiting for the device is written under
 * aael_log.state_lock, a spinlock that is never held across anything that sleeps.
 */
#ifndef _AAEL_H
#define _AAEL_H

#include <linux/completion.h>
#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/aael.h>

#include "bank.h"
#include "bootlog.h"
#include "handover.h"
#include "limits.h"
#include "once.h"

struct file;
struct page;
struct seq_file;
struct vm_area_struct;
struct aael_log;
struct aael_register;

/* ---- event.c: validation and encoding, pure ---- */

/* The three fields of an event; not NUL terminated. */
struct aael_event {
	const u8 *domain;
	const u8 *operation;
	const u8 *content;
	size_t domain_len;
	size_t operation_len;
	size_t content_len;
};

int aael_event_parse_line(const u8 *line, size_t len, struct aael_event *ev);
int aael_event_validate(const struct aael_event *ev);
size_t aael_event_text_size(const struct aael_event *ev);
void aael_event_encode(const struct aael_event *ev, u8 *out);
int aael_event_check_domain(const u8 *domain, size_t len);
struct aael_event aael_event_of_module(const char *operation, const char *content, size_t len);

/* ---- entry.c: one encoded entry ---- */

/**
 * struct aael_entry - an encoded entry on its way into the log
 * @refs: the writer holds one, the log another while the entry is undecided
 * @reg: register it is for
 * @len: bytes of @bytes
 * @sequence: its number, once it is published
 * @digests: for every bank, logged or not
 * @bytes: TCG_PCR_EVENT2
 */
struct aael_entry {
	refcount_t refs;
	u32 reg;
	size_t len;
	u64 sequence;
	aael_values_t digests;
	u8 bytes[];
};

size_t aael_entry_text_offset(const struct aael_bank *banks, unsigned int bank_count);
size_t aael_entry_size(const struct aael_bank *banks, unsigned int bank_count,
		       const struct aael_event *ev);
struct aael_entry *aael_entry_create(const struct aael_bank *banks, unsigned int bank_count,
				     u32 reg, const struct aael_event *ev);
struct aael_entry *aael_entry_alloc(size_t len);
void aael_entry_set_foreign(struct aael_entry *e, const struct aael_bank *banks,
			    unsigned int bank_count, u32 reg, const struct aael_event *ev,
			    const u8 *digest);
struct aael_entry *aael_entry_get(struct aael_entry *e);
void aael_entry_put(struct aael_entry *e);

/* In one of our entries: where the digests begin. */
#define AAEL_ENTRY_DIGESTS_OFFSET	12

/**
 * struct aael_entry_view - one of our entries in the stream
 * @reg: its register
 * @text_offset: of the text, from the beginning of the entry
 * @text_len: bytes of the text
 * @len: bytes of the entry
 */
struct aael_entry_view {
	u32 reg;
	size_t text_offset;
	size_t text_len;
	size_t len;
};

int aael_entry_parse(const struct aael_bank *banks, unsigned int bank_count, const u8 *bytes,
		     size_t len, struct aael_entry_view *view);

/* ---- store.c: append-only bytes ---- */

#define AAEL_STORE_DIRS		520	/* × 512 pages × 4 KiB > 1 GiB + boot log */

/**
 * struct aael_store - append-only byte stream, read without a lock
 * @len: published bytes; stored with release, loaded with acquire
 * @dirs: pages of page pointers
 */
struct aael_store {
	u64 len;
	u8 **dirs[AAEL_STORE_DIRS];
};

int aael_store_reserve(struct aael_store *s, size_t more);
void aael_store_fill(struct aael_store *s, const void *data, size_t len);
void aael_store_publish(struct aael_store *s, size_t len);
u64 aael_store_len(const struct aael_store *s);
size_t aael_store_read(const struct aael_store *s, u64 pos, void *buf, size_t len);
ssize_t aael_store_read_user(const struct aael_store *s, u64 pos, char __user *buf, size_t len);
struct page *aael_store_page(const struct aael_store *s, u64 index);
void aael_store_destroy(struct aael_store *s);

/* ---- register.c: providers and the mapping of indexes ---- */

enum aael_outcome {
	AAEL_APPLIED,		/* the device says so */
	AAEL_NOT_APPLIED,	/* certain: never sent */
	AAEL_UNKNOWN,		/* the register has to be read */
};

/**
 * struct aael_map_config - what the mapping of an index depends on
 * @tpm_pcr: PCR that stands for 17..22
 * @allow_resettable: 16 and 23 may be used
 */
struct aael_map_config {
	u32 tpm_pcr;
	bool allow_resettable;
};

/**
 * struct aael_mapping - register for an index
 * @reg: the register
 * @privileged: needs CAP_SYS_ADMIN unless it is the configured one
 * @resettable: not append-only
 * @why: a sentence for the administrator; on a refusal its cause
 */
struct aael_mapping {
	u32 reg;
	bool privileged;
	bool resettable;
	const char *why;
};

struct aael_follow;

#define AAEL_ALG_SHA256		0x000b
#define AAEL_ALG_SHA384		0x000c
#define AAEL_CC_REGISTERS	5	/* MRTD and RTMR 0 to 3; the first is not ours */

/**
 * struct aael_provider - where the registers are
 * @name: as in the module parameter
 * @platform: what a quote of the registers comes from: tdx, tpm, or none
 * @register_name: what a register is called in messages
 * @flags: AAEL_INFO_F_SOFT or 0
 * @first_register: lowest register that can be read
 * @exact: a read is never another command's reply, so one is enough
 * @in_caller: a transaction may run in its caller: nothing here asks who that is, or
 *	ends early for a signal
 * @bind: find the device; fills the algorithm ids in the device's order and the
 *	number of registers; -ENODEV where there is none; -EPROBE_DEFER where it is
 *	sure to come. @pinned: the user named this provider
 * @unbind: give it back
 * @map: register for an index; -EINVAL with @why for a refusal
 * @extend: extend @reg with a digest for every bank; @err is set to a negative
 *	errno unless the answer is AAEL_APPLIED, -ENODEV when the device is gone
 * @read: all banks of @reg; -ENODEV when the device is gone, other negative
 *	errnos when the value could not be had
 * @reopen: find the same device again after -ENODEV; NULL: it never returns
 * @boot_log: a kvmalloc'ed copy of the firmware's log; -ENOENT without one;
 *	NULL: there never is one
 * @starts_zero: the register starts as zeros (PCRs 17..22 do not); NULL: all do
 * @follow: report every extend by aael_follow_note() from now on; with NULL no
 *	more, and when it returns nothing is being reported; NULL: it cannot
 *
 * Everything but @map is called from transactions only.
 */
struct aael_provider {
	const char *name;
	const char *platform;
	const char *register_name;
	u32 flags;
	u32 first_register;
	bool exact;
	bool in_caller;
	int (*bind)(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned);
	void (*unbind)(void *dev);
	int (*map)(const struct aael_map_config *cfg, u32 index, struct aael_mapping *map);
	enum aael_outcome (*extend)(void *dev, u32 reg, const aael_values_t digests, int *err);
	int (*read)(void *dev, u32 reg, aael_values_t values);
	int (*reopen)(void *dev);
	int (*boot_log)(void *dev, u8 **log, size_t *len);
	bool (*starts_zero)(u32 reg);
	int (*follow)(void *dev, struct aael_follow *follow);
};

extern const struct aael_provider aael_register_tsm;
extern const struct aael_provider aael_register_tdcall;
extern const struct aael_provider aael_register_tpm;
extern const struct aael_provider aael_register_soft;

int aael_register_find(struct aael_log *log, const char *name);
int aael_register_map_pcr(const struct aael_map_config *cfg, u32 index,
			  struct aael_mapping *map);
int aael_register_map_cc(const struct aael_map_config *cfg, u32 index, struct aael_mapping *map);
bool aael_register_tsm_possible(void);
#ifdef CONFIG_X86_64
bool aael_tdcall_in_td(void);
#else
static inline bool aael_tdcall_in_td(void)
{
	return false;
}
#endif

/* ---- ccel.c: the boot log of a confidential guest ---- */

int aael_ccel_copy(void *dev, u8 **log, size_t *len);

/* ---- policy.c: who may log what ---- */

/* Reservations; entries are only ever added. */
struct aael_policy {
	spinlock_t lock;	/* domains, count */
	unsigned int count;
	char domains[AAEL_RESERVED_MAX][AAEL_DOMAIN_MAX_BYTES + 1];
};

void aael_policy_init(struct aael_policy *p);
int aael_policy_reserve(struct aael_policy *p, const char *domain, size_t len);
int aael_policy_reserve_list(struct aael_policy *p, const char *list);
bool aael_policy_is_reserved(struct aael_policy *p, const u8 *domain, size_t len);
int aael_policy_room(u64 used, u64 max, size_t need, bool privileged);
bool aael_policy_privileged(const struct file *file);
void aael_policy_show(struct aael_policy *p, struct seq_file *m);

/* ---- txn.c: the transaction queue ---- */

typedef int (*aael_txn_fn)(struct aael_log *log, void *arg);

int aael_txn_init(struct aael_log *log);
void aael_txn_destroy(struct aael_log *log);
void aael_txn_begin(struct aael_log *log);
void aael_txn_end(struct aael_log *log);
int aael_txn_run(struct aael_log *log, aael_txn_fn fn, void *arg);
int aael_txn_insist(struct aael_log *log, aael_txn_fn fn, void *arg);
int aael_txn_try(struct aael_log *log, aael_txn_fn fn, void *arg);

/* ---- follow.c: devices that report every extend ---- */

#define AAEL_FOLLOW_MAX		1024	/* reports; a power of two */

/**
 * struct aael_extension - an extend that the device has reported
 * @reg: the register
 * @own: it is the one that the worker has sent
 * @pid: process, in the initial namespace
 * @uid: its user, in the initial namespace
 * @comm: what it calls itself
 * @digest: with what
 */
struct aael_extension {
	u32 reg;
	bool own;
	pid_t pid;
	uid_t uid;
	char comm[TASK_COMM_LEN];
	u8 digest[AAEL_DIGEST_MAX_BYTES];
};

/**
 * struct aael_follow - the reports that wait to be logged
 * @active: the device is followed
 * @own: the worker while it extends
 * @queue: one producer (the device's own lock), one consumer (transactions)
 * @lost: reports that found the queue full
 * @work: takes what no transaction comes to take
 * @wq: where transactions run
 * @entry: for foreign extends, so that none waits for memory
 */
struct aael_follow {
	bool active;
	struct task_struct *own;
	DECLARE_KFIFO(queue, struct aael_extension, AAEL_FOLLOW_MAX);
	atomic_t lost;
	struct work_struct work;
	struct workqueue_struct *wq;
	struct aael_entry *entry;
};

void aael_follow_init(struct aael_log *log);
int aael_follow_start(struct aael_log *log);
void aael_follow_stop(struct aael_log *log);
void aael_follow_note(struct aael_follow *f, u32 reg, const u8 *digest, size_t size);
void aael_follow_drain(struct aael_log *log);
bool aael_follow_idle(struct aael_log *log);
int aael_follow_extend(struct aael_log *log, struct aael_register *r, struct aael_entry *e);

/* ---- log.c: the log and its life ---- */

/**
 * struct aael_register - what is known of one register in use
 * @nr: its number
 * @unexplained_base: at first use it did not hold what the boot log explains
 * @diverged: for good
 * @unknown: the last attempt to read it failed
 * @running: what the device should hold
 * @replayed: what boot log and entries replay to
 * @confirmed: @running when a read last agreed
 * @confirmed_offset: end of the stream at that time
 * @confirmed_count: our entries at that time
 * @unconfirmed: entries of this register since
 * @last_sequence: number of the last of them
 * @last: its digests
 * @before_last: @running in front of it
 * @refused: the last entry that was not applied; it may yet turn up
 * @overtaken: another has been published since
 * @missing: with @diverged: number of the first entry the register lacks, or 0
 * @expected: with @diverged: what it should have held
 * @seen: with @diverged: what it held
 * @verified_at: jiffies of the last comparison
 */
struct aael_register {
	u32 nr;
	bool unexplained_base;
	bool diverged;
	bool unknown;
	aael_values_t running;
	aael_values_t replayed;
	aael_values_t confirmed;
	u64 confirmed_offset;
	u64 confirmed_count;
	unsigned int unconfirmed;
	u64 last_sequence;
	aael_values_t last;
	aael_values_t before_last;
	struct aael_entry *refused;
	bool overtaken;
	u64 missing;
	aael_values_t expected;
	aael_values_t seen;
	unsigned long verified_at;
};

/* A register that does not hold what the boot log explains. */
struct aael_unexplained {
	u32 reg;
	u32 bank;
	u8 live[AAEL_DIGEST_MAX_BYTES];
	u8 explained[AAEL_DIGEST_MAX_BYTES];
};

/* The log; one in the module, one per case in the tests. */
struct aael_log {
	/* Set before the first transaction, then constant. */
	struct aael_map_config map_config;
	const char *provider_name;
	u32 init_index;
	u32 enable_later;		/* index + 1: when the provider comes; 0: not */
	void (*pause)(unsigned int ms);
	unsigned int confirm_delay_ms;
	struct workqueue_struct *wq;

	spinlock_t waiting_lock;	/* waiting */
	struct list_head waiting;
	struct work_struct txn_work;
	struct mutex turn;		/* the transaction that runs: all that is not constant */
	atomic_t queued;		/* transactions queued or running */

	/* Constant from bind (state leaves UNSUPPORTED) on. */
	const struct aael_provider *provider;
	void *dev;
	unsigned int bank_count;
	struct aael_bank banks[AAEL_BANKS_MAX];
	u32 reg_count;
	u64 own_offset;
	bool boot_log_taken;
	const char *boot_log_why;	/* left out or cut short, or NULL */
	u64 boot_log_entries;
	aael_values_t *base;		/* what the boot log explains, by register */
	struct aael_unexplained *unexplained;
	unsigned int unexplained_count;
	u32 surveyed;			/* registers compared with it */

	/* Constant from enable (state becomes ENABLED) on. */
	u32 index;
	struct aael_mapping mapping;

	/* Changed by transactions under state_lock; others read under it. */
	spinlock_t state_lock;
	enum aael_state state;
	bool gone;
	char refusal[160];		/* why the log is not enabled, or "" */
	u64 count;
	u64 max_log_bytes;
	u64 violations;
	u64 repairs;
	u64 imported;			/* entries that were taken over */
	u64 imported_foreign;
	u64 pending_sequence;		/* 0: nothing is undecided */
	u32 pending_reg;
	struct aael_register *regs[AAEL_REGISTERS_MAX];

	/* Transactions only. */
	bool suspended;
	bool awaits_import;		/* until then what the device reports is not logged */
	struct aael_entry *import_event;	/* records an import, and is not measured yet */
	struct aael_entry *pending;
	bool pinned;
	struct delayed_work confirm_work;
	struct aael_follow follow;
	struct {			/* too large for the stack */
		aael_values_t running;	/* with the entry under way */
		aael_values_t replayed;
		aael_values_t live;
		aael_values_t previous;
	} scratch;

	struct aael_store stream;	/* header, boot log, our entries */
	struct aael_store offsets;	/* u64: where every 64th entry begins */
	struct aael_once once;
	struct aael_policy policy;
	wait_queue_head_t wait;		/* length or health changed */
	atomic_t health_changes;
	struct notifier_block pm_notifier;
};

/**
 * struct aael_append - a request to append one event
 * @ev: the event, in kernel memory
 * @index: as the user gave it, or AAEL_INDEX_DEFAULT
 * @file: whose privilege counts; NULL: none
 * @nonblock: -EAGAIN rather than wait for another transaction
 * @once: not if it is logged already
 * @duplicate: out: with @once: it was, nothing has been extended
 * @sequence: out: number of the entry, of the one that is there with @duplicate or -EEXIST
 * @reg: out: its register
 */
struct aael_append {
	struct aael_event ev;
	u32 index;
	const struct file *file;
	bool nonblock;
	bool once;
	bool duplicate;
	u64 sequence;
	u32 reg;
};

struct aael_log *aael_log_create(void);
void aael_log_destroy(struct aael_log *log);
int aael_log_bind(struct aael_log *log, const struct aael_provider *provider, bool pinned);
int aael_log_enable(struct aael_log *log, u32 index, const char **why);
void aael_log_enable_wanted(struct aael_log *log);
int aael_log_append(struct aael_log *log, struct aael_append *req);
int aael_log_set_max(struct aael_log *log, u64 max);
int aael_log_room(const struct aael_log *log, size_t need, bool privileged);
int aael_log_pin(struct aael_log *log);
void aael_log_unpin(struct aael_log *log);
void aael_log_set_state(struct aael_log *log, enum aael_state state);
__printf(2, 3) void aael_log_refuse(struct aael_log *log, const char *why, ...);
enum aael_state aael_log_state(const struct aael_log *log);
int aael_log_gate(const struct aael_log *log);
int aael_log_map(const struct aael_log *log, u32 index, struct aael_mapping *map);

/* ---- query.c: questions about the log ---- */

int aael_query_snapshot(struct aael_log *log, struct aael_snapshot *out,
			struct aael_snapshot_register *regs);
int aael_query_verify(struct aael_log *log, struct aael_verify *out, bool privileged);
void aael_query_info(struct aael_log *log, struct aael_info *out);
enum aael_health aael_query_health(const struct aael_log *log);
bool aael_query_view(const struct aael_log *log, u64 pos, struct aael_entry_view *view);
u64 aael_query_offset(const struct aael_log *log, u64 sequence);

/* ---- bind.c: taking a provider and its boot log; once, in a transaction ---- */

int aael_bind_provider(struct aael_log *log, const struct aael_provider *provider, bool pinned);
void aael_bind_release(struct aael_log *log);

/* ---- publish.c: making an entry visible; transactions only ---- */

int aael_publish_prepare(struct aael_log *log, const struct aael_register *r,
			 const struct aael_entry *e);
void aael_publish_confirmed(struct aael_log *log, struct aael_register *r);
void aael_publish_confirm_soon(struct aael_log *log);

void aael_publish_entry(struct aael_log *log, struct aael_register *r,
			struct aael_entry *e);
int aael_publish_reserve_all(struct aael_log *log, const struct aael_imported *im);
void aael_publish_all(struct aael_log *log, const struct aael_imported *im);
void aael_publish_health(struct aael_log *log);

/* ---- reconcile.c: what the device did; transactions only ---- */

enum aael_health aael_reconcile_health(const struct aael_log *log,
				       const struct aael_register *r);
void aael_reconcile_take(struct aael_log *log, u32 nr, struct aael_register *r,
			 const aael_values_t explained);
void aael_reconcile_diverge(struct aael_log *log, struct aael_register *r, u64 missing);
int aael_reconcile_adopt(struct aael_log *log, u32 nr, struct aael_register **out);
int aael_reconcile_settle(struct aael_log *log);
int aael_reconcile_extend(struct aael_log *log, struct aael_register *r, struct aael_entry *e);
int aael_reconcile_read(struct aael_log *log, u32 nr);
bool aael_reconcile_same(const struct aael_log *log, const aael_values_t a,
			 const aael_values_t b);
int aael_reconcile_confirm(struct aael_log *log, struct aael_register *r);
int aael_reconcile_confirm_all(struct aael_log *log);

/* ---- the interfaces: one log each ---- */

int aael_chardev_init(struct aael_log *log);
void aael_chardev_exit(void);
int aael_mmap(struct aael_log *log, struct vm_area_struct *vma);
long aael_ioctl(struct aael_log *log, struct file *file, unsigned int cmd, unsigned long arg);
int aael_securityfs_init(struct aael_log *log);
void aael_securityfs_exit(void);
/* late.c */
int aael_late_init(struct aael_log *log);
void aael_late_exit(void);
/* status.c */
int aael_status_show(struct seq_file *m, void *v);
int aael_netlink_init(struct aael_log *log);
void aael_netlink_exit(void);
u64 aael_netlink_dropped(void);
void aael_netlink_notify(u64 sequence, u64 offset, u64 bytes, u32 reg, enum aael_health health);

#endif /* _AAEL_H */
