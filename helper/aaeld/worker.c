// SPDX-License-Identifier: Apache-2.0
/*
 * A thread for each lane: no event waits for a quote, and no quote for a KBS. The lock protects
 * the lists and the flag; a job belongs to exactly one list or one thread. Finished jobs come back
 * by an eventfd, so the event loop needs no locking of its own.
 */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "aaeld.h"

static const unsigned int max_jobs[AAELD_LANES] = {
	[AAELD_LANE_EVENTS] = AAELD_EVENTS_MAX_JOBS,
	[AAELD_LANE_QUOTES] = AAELD_QUOTES_MAX_JOBS,
	[AAELD_LANE_KBS] = AAELD_KBS_MAX_JOBS,
};

struct lane {
	struct aaeld_worker *worker;
	pthread_cond_t more;
	struct aaeld_job *waiting, **waiting_end;
	unsigned int count; /* of those waiting */
	pthread_t thread;
};

struct aaeld_worker {
	pthread_mutex_t lock;
	struct lane lanes[AAELD_LANES];
	struct aaeld_job *finished, **finished_end;
	bool stop;
	int fd;
	struct event *event;
};

static void add(struct aaeld_job ***end, struct aaeld_job *job)
{
	job->next = NULL;
	**end = job;
	*end = &job->next;
}

/* NULL: the thread is to end. */
static struct aaeld_job *take(struct lane *lane)
{
	struct aaeld_worker *w = lane->worker;
	struct aaeld_job *job = NULL;

	pthread_mutex_lock(&w->lock);
	while (!lane->waiting && !w->stop)
		pthread_cond_wait(&lane->more, &w->lock);
	if (!w->stop) {
		job = lane->waiting;
		lane->waiting = job->next;
		if (!lane->waiting)
			lane->waiting_end = &lane->waiting;
		lane->count--;
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void give_back(struct aaeld_worker *w, struct aaeld_job *job)
{
	pthread_mutex_lock(&w->lock);
	add(&w->finished_end, job);
	pthread_mutex_unlock(&w->lock);
	eventfd_write(w->fd, 1);
}

static void *work(void *arg)
{
	struct lane *lane = arg;
	struct aaeld_job *job;

	while ((job = take(lane))) {
		job->run(job);
		give_back(lane->worker, job);
	}
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
static int start(struct aaeld_worker *w, struct lane *lane)
{
	sigset_t all, before;
	int ret;

	lane->worker = w;
	lane->waiting_end = &lane->waiting;
	pthread_cond_init(&lane->more, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&lane->thread, NULL, work, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		pthread_cond_destroy(&lane->more);
	return ret;
}

/* The threads of so many lanes: they finish what they are at. */
static void stop(struct aaeld_worker *w, unsigned int lanes)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	for (unsigned int i = 0; i < lanes; i++)
		pthread_cond_signal(&w->lanes[i].more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned int i = 0; i < lanes; i++) {
		pthread_join(w->lanes[i].thread, NULL);
		pthread_cond_destroy(&w->lanes[i].more);
	}
}

struct aaeld_worker *aaeld_worker_new(struct event_base *base)
{
	struct aaeld_worker *w = calloc(1, sizeof(*w));
	unsigned int started = 0;

	if (!w)
		return NULL;
	w->finished_end = &w->finished;
	pthread_mutex_init(&w->lock, NULL);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		goto free;
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, finish_all, w);
	if (!w->event || event_add(w->event, NULL))
		goto close;
	while (started < AAELD_LANES && !start(w, &w->lanes[started]))
		started++;
	if (started == AAELD_LANES)
		return w;
	stop(w, started);
close:
	if (w->event)
		event_free(w->event);
	close(w->fd);
free:
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

int aaeld_worker_submit(struct aaeld_worker *w, struct aaeld_job *job)
{
	struct lane *lane = &w->lanes[job->lane];
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	if (lane->count >= max_jobs[job->lane]) {
		ret = -EBUSY;
	} else {
		lane->count++;
		add(&lane->waiting_end, job);
		pthread_cond_signal(&lane->more);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void aaeld_worker_free(struct aaeld_worker *w)
{
	if (!w)
		return;
	stop(w, AAELD_LANES);
	finish_list(w->finished);
	for (unsigned int i = 0; i < AAELD_LANES; i++)
		finish_list(w->lanes[i].waiting);
	event_free(w->event);
	close(w->fd);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
