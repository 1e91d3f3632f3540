// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions: one at a time, under log->turn.
 *
 * They run in a kernel worker, first come first served. It has the kernel's credentials
 * and gets no signals, so neither a security module that confines the writer nor a signal
 * that it sends itself can disturb an extend half way. It is a worker of the writer's own
 * CPU, which the writer leaves to it: waking another CPU, twice, takes longer than all the
 * rest. Where neither can disturb the device (aael_provider.in_caller), who finds nobody at
 * it or waiting does without the worker.
 *
 * Nothing that is stored to through sysfs (a writable module parameter, say) may
 * wait for a transaction: a provider may itself write to sysfs. The one exception
 * is /sys/power/state, by way of the power notifier; no provider writes there.
 */
#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "aael.h"

struct txn {
	struct list_head list;
	struct completion done;
	aael_txn_fn fn;
	void *arg;
	int ret;
};

/* The one that has waited longest, or NULL. */
static struct txn *take_first(struct aael_log *log)
{
	struct txn *t;

	spin_lock(&log->waiting_lock);
	t = list_first_entry_or_null(&log->waiting, struct txn, list);
	if (t)
		list_del_init(&t->list);
	spin_unlock(&log->waiting_lock);
	return t;
}

/* It takes itself out again, unless it has been taken. */
static bool give_up(struct aael_log *log, struct txn *t)
{
	bool waiting;

	spin_lock(&log->waiting_lock);
	waiting = !list_empty(&t->list);
	list_del_init(&t->list);
	spin_unlock(&log->waiting_lock);
	return waiting;
}

static void run_waiting(struct work_struct *work)
{
	struct aael_log *log = container_of(work, struct aael_log, txn_work);
	struct txn *t;

	do {
		mutex_lock(&log->turn);
		t = take_first(log);
		if (t)
			t->ret = t->fn(log, t->arg);
		mutex_unlock(&log->turn);
		if (t)
			complete(&t->done);
		cond_resched();
	} while (t);
}

/**
 * aael_txn_init - make the queue
 * @log: the log
 *
 * Return: 0 or -ENOMEM.
 */
int aael_txn_init(struct aael_log *log)
{
	mutex_init(&log->turn);
	spin_lock_init(&log->waiting_lock);
	INIT_LIST_HEAD(&log->waiting);
	INIT_WORK(&log->txn_work, run_waiting);
	atomic_set(&log->queued, 0);
	/* In front of those who extend registers behind our back, who wait for nobody. */
	log->wq = alloc_workqueue("aael", WQ_HIGHPRI | WQ_PERCPU, 0);
	return log->wq ? 0 : -ENOMEM;
}

/**
 * aael_txn_destroy - run what is queued and remove the queue
 * @log: the log
 */
void aael_txn_destroy(struct aael_log *log)
{
	if (log->wq)
		destroy_workqueue(log->wq);
	log->wq = NULL;
}

/**
 * aael_txn_begin - a worker of the log's own begins a transaction
 * @log: the log
 *
 * It is queued on log->wq; writers with O_NONBLOCK do not wait for it.
 */
void aael_txn_begin(struct aael_log *log)
{
	atomic_inc(&log->queued);
	mutex_lock(&log->turn);
}

/**
 * aael_txn_end - and ends it
 * @log: the log
 */
void aael_txn_end(struct aael_log *log)
{
	mutex_unlock(&log->turn);
	atomic_dec(&log->queued);
}

static int run_in_worker(struct aael_log *log, aael_txn_fn fn, void *arg, bool killable)
{
	struct txn t = { .fn = fn, .arg = arg };

	init_completion(&t.done);
	spin_lock(&log->waiting_lock);
	list_add_tail(&t.list, &log->waiting);
	spin_unlock(&log->waiting_lock);
	/* Where it is running already, it stays. */
	queue_work(log->wq, &log->txn_work);
	if (killable && !wait_for_completion_killable(&t.done))
		return t.ret;
	if (killable && give_up(log, &t))
		return -EINTR;
	wait_for_completion(&t.done);
	return t.ret;
}

/* Alone, the caller need not wait for a worker. */
static bool run_here(struct aael_log *log, aael_txn_fn fn, void *arg, int *ret)
{
	if (aael_log_state(log) == AAEL_STATE_UNSUPPORTED || !log->provider->in_caller)
		return false;
	if (!list_empty_careful(&log->waiting) || !mutex_trylock(&log->turn))
		return false;
	*ret = fn(log, arg);
	mutex_unlock(&log->turn);
	return true;
}

/*
 * With killable, a caller that is killed before its turn gives up, and nothing has
 * happened. Once the transaction runs it is waited for: it is over within the
 * device's time-outs.
 */
static int run(struct aael_log *log, aael_txn_fn fn, void *arg, bool killable)
{
	int ret;

	return run_here(log, fn, arg, &ret) ? ret : run_in_worker(log, fn, arg, killable);
}

/**
 * aael_txn_run - run a transaction and wait for it
 * @log: the log
 * @fn: called once with @log and @arg
 * @arg: its argument
 *
 * Context: may sleep; not from a transaction. Return: what @fn returns, or -EINTR
 * if the caller was killed before its turn; then @fn was not called.
 */
int aael_txn_run(struct aael_log *log, aael_txn_fn fn, void *arg)
{
	int ret;

	atomic_inc(&log->queued);
	ret = run(log, fn, arg, true);
	atomic_dec(&log->queued);
	return ret;
}

/**
 * aael_txn_insist - as aael_txn_run(), but a killed caller waits, too
 * @log: the log
 * @fn: as there
 * @arg: as there
 *
 * Return: what @fn returns.
 */
int aael_txn_insist(struct aael_log *log, aael_txn_fn fn, void *arg)
{
	int ret;

	atomic_inc(&log->queued);
	ret = run(log, fn, arg, false);
	atomic_dec(&log->queued);
	return ret;
}

/**
 * aael_txn_try - as aael_txn_run(), but only if no other transaction is under way
 * @log: the log
 * @fn: as there
 * @arg: as there
 *
 * Return: as there, or -EAGAIN.
 */
int aael_txn_try(struct aael_log *log, aael_txn_fn fn, void *arg)
{
	int ret = -EAGAIN;

	if (atomic_inc_return(&log->queued) == 1)
		ret = run(log, fn, arg, true);
	atomic_dec(&log->queued);
	return ret;
}
