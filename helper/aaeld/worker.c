// SPDX-License-Identifier: Apache-2.0
/*
 * One thread for what blocks. The lock protects the two lists and the flag; a job
 * belongs to exactly one list or one thread. Finished jobs come back by an eventfd,
 * so the event loop needs no locking of its own.
 */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "aaeld.h"

struct aaeld_worker {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct aaeld_job *waiting, **waiting_end;
	struct aaeld_job *finished, **finished_end;
	unsigned int count; /* of those waiting */
	bool stop;
	pthread_t thread;
	int fd;
	struct event *event;
};

static void add(struct aaeld_job ***end, struct aaeld_job *job)
{
	job->next = NULL;
	**end = job;
	*end = &job->next;
}

static void *work(void *arg)
{
	struct aaeld_worker *w = arg;
	struct aaeld_job *job;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->waiting && !w->stop)
			pthread_cond_wait(&w->more, &w->lock);
		if (w->stop)
			break;
		job = w->waiting;
		w->waiting = job->next;
		if (!w->waiting)
			w->waiting_end = &w->waiting;
		w->count--;
		pthread_mutex_unlock(&w->lock);
		job->run(job);
		pthread_mutex_lock(&w->lock);
		add(&w->finished_end, job);
		eventfd_write(w->fd, 1);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void finish_list(struct aaeld_job *job)
{
	struct aaeld_job *next;

	for (; job; job = next) {
		next = job->next;
		job->finish(job);
	}
}

static void finish_all(evutil_socket_t fd, short what, void *arg)
{
	struct aaeld_worker *w = arg;
	struct aaeld_job *job;
	eventfd_t value;

	(void)what;
	eventfd_read(fd, &value);
	pthread_mutex_lock(&w->lock);
	job = w->finished;
	w->finished = NULL;
	w->finished_end = &w->finished;
	pthread_mutex_unlock(&w->lock);
	finish_list(job);
}

/* Signals are the loop's. */
static int start(struct aaeld_worker *w)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

struct aaeld_worker *aaeld_worker_new(struct event_base *base)
{
	struct aaeld_worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->waiting_end = &w->waiting;
	w->finished_end = &w->finished;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		goto free;
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, finish_all, w);
	if (!w->event || event_add(w->event, NULL) || start(w))
		goto close;
	return w;
close:
	if (w->event)
		event_free(w->event);
	close(w->fd);
free:
	free(w);
	return NULL;
}

int aaeld_worker_submit(struct aaeld_worker *w, struct aaeld_job *job)
{
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	if (w->count >= AAELD_QUEUE_MAX_JOBS) {
		ret = -EBUSY;
	} else {
		w->count++;
		add(&w->waiting_end, job);
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void aaeld_worker_free(struct aaeld_worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	finish_list(w->finished);
	finish_list(w->waiting);
	event_free(w->event);
	close(w->fd);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
