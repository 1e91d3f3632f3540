// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transaction queue: one at a time, first come first served, in a kernel
 * worker. A worker has the kernel's credentials and gets no signals, so neither a
 * security module that confines the writer nor a signal that it sends itself can
 * disturb an extend half way.
 *
 * Nothing that is stored to through sysfs (a writable module parameter, say) may
 * wait for a transaction: a provider may itself write to sysfs. The one exception
 * is /sys/power/state, by way of the power notifier; no provider writes there.
 */
#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/workqueue.h>

#include "aael.h"

struct txn {
	struct work_struct work;
	struct completion done;
	struct aael_log *log;
	aael_txn_fn fn;
	void *arg;
	int ret;
};

/**
 * aael_txn_init - make the queue
 * @log: the log
 *
 * Return: 0 or -ENOMEM.
 */
int aael_txn_init(struct aael_log *log)
{
	atomic_set(&log->queued, 0);
	/* In front of those who extend registers behind our back, who wait for nobody. */
	log->wq = alloc_ordered_workqueue("aael", WQ_HIGHPRI);
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

static void run_work(struct work_struct *work)
{
	struct txn *t = container_of(work, struct txn, work);

	t->ret = t->fn(t->log, t->arg);
	complete(&t->done);
}

/*
 * With killable, a caller that is killed in the queue leaves it, and nothing has
 * happened. Once the transaction runs it is waited for: it is over within the
 * device's time-outs.
 */
static int run(struct aael_log *log, aael_txn_fn fn, void *arg, bool killable)
{
	struct txn t = { .log = log, .fn = fn, .arg = arg };

	INIT_WORK_ONSTACK(&t.work, run_work);
	init_completion(&t.done);
	queue_work(log->wq, &t.work);
	if (killable && wait_for_completion_killable(&t.done) && cancel_work_sync(&t.work))
		t.ret = -EINTR;
	flush_work(&t.work);
	destroy_work_on_stack(&t.work);
	return t.ret;
}

/**
 * aael_txn_run - run a transaction and wait for it
 * @log: the log
 * @fn: called once with @log and @arg, in the worker
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
