// SPDX-License-Identifier: Apache-2.0
/*
 * Every connection is in one list from accept to close: oldest first, so that the cap can
 * drop the one that has waited longest, and with one deadline for a whole request, then
 * for its answer, so that a byte now and then does not keep it alive. A connection whose
 * request is with the worker is never freed from here; but evhttp may do it.
 *
 * Closing a socket that has unread input may take the answer away from the peer. So
 * after an answer that ends a connection what still comes is read and thrown away, on a
 * descriptor of ours, because evhttp closes its own.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "aaeld.h"

/* evhttp wants a whole body in the buffer, and reads on while an answer goes out. */
#define INPUT_MAX_BYTES (AAELD_BODY_MAX_BYTES + AAELD_HEADERS_MAX_BYTES)
#define DRAIN_STEP_BYTES (64 * 1024)

struct aaeld_conn {
	TAILQ_ENTRY(aaeld_conn) next;
	struct aaeld_conns *all;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	struct event *deadline;
	struct event *drain;	   /* of a connection that has ended, for which evcon is NULL */
	struct aaeld_conn **owner; /* who answers its request, or NULL */
	bool last;		   /* the answer under way ends it */
};

struct aaeld_conns {
	struct event_base *base;
	struct timeval timeout;
	unsigned int max, count;
	struct aaeld_metrics *metrics;
	struct event *idle;
	bool stopping;
	TAILQ_HEAD(, aaeld_conn) list;
};

/* What many connections, or a large answer, have left in the heap. */
static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	const struct aaeld_conns *all = arg;

	(void)fd;
	(void)what;
	if (!all->count)
		malloc_trim(0);
}

static void forget(struct aaeld_conn *c)
{
	static const struct timeval pause = { AAELD_IDLE_MS / 1000, AAELD_IDLE_MS % 1000 * 1000 };

	TAILQ_REMOVE(&c->all->list, c, next);
	if (!--c->all->count && !event_pending(c->all->idle, EV_TIMEOUT, NULL))
		event_add(c->all->idle, &pause);
	if (c->deadline)
		event_free(c->deadline);
	if (c->drain) {
		close(event_get_fd(c->drain));
		event_free(c->drain);
	}
	free(c);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	static char nowhere[DRAIN_STEP_BYTES];
	ssize_t n = recv(fd, nowhere, sizeof(nowhere), 0);

	(void)what;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		forget(arg);
}

/* The deadline runs already: it began with the answer, or with the request. */
static bool drain(struct aaeld_conn *c)
{
	int fd = fcntl(bufferevent_getfd(c->bev), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return false;
	c->drain = event_new(c->all->base, fd, EV_READ | EV_PERSIST, on_input, c);
	if (!c->drain) {
		close(fd);
		return false;
	}
	c->evcon = NULL;
	return !shutdown(fd, SHUT_WR) && !event_add(c->drain, NULL);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
	struct aaeld_conn *c = arg;

	(void)evcon;
	if (c->owner)
		*c->owner = NULL;
	c->owner = NULL;
	if (!c->last || !drain(c))
		forget(c);
}

/* Not for a connection that is busy or not yet adopted. */
static void drop(struct aaeld_conn *c)
{
	c->last = false;
	if (c->evcon)
		evhttp_connection_free(c->evcon); /* ends in on_close() */
	else
		forget(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct aaeld_conn *c = arg;

	(void)fd;
	(void)what;
	if (!c->owner)
		drop(c);
}

void aaeld_conn_busy(struct aaeld_conn *c, struct aaeld_conn **owner)
{
	c->owner = owner;
	event_del(c->deadline);
}

void aaeld_conn_wait(struct aaeld_conn *c)
{
	c->owner = NULL;
	TAILQ_REMOVE(&c->all->list, c, next);
	TAILQ_INSERT_TAIL(&c->all->list, c, next);
	event_add(c->deadline, &c->all->timeout);
}

/* Make room by closing whoever has waited longest for nothing. */
static void enforce_cap(struct aaeld_conns *all, struct aaeld_conn *newest)
{
	struct aaeld_conn *c;

	if (all->count <= all->max)
		return;
	TAILQ_FOREACH(c, &all->list, next)
	if (!c->owner && (c->evcon || c->drain) && c != newest)
		break;
	drop(c ? c : newest);
}

void aaeld_conn_end(struct aaeld_conn *c)
{
	c->last = true;
}

static void on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	struct aaeld_conn *c = arg;
	int status = info->n_added ? aaeld_page_replace(out) : 0;

	if (!status)
		return;
	aaeld_metrics_answer(c->all->metrics, status);
	aaeld_conn_end(c);
}

static bool peer_is_allowed(struct bufferevent *bev)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	return !getpeername(bufferevent_getfd(bev), (struct sockaddr *)&peer, &size) &&
	       aaeld_guard_peer((struct sockaddr *)&peer);
}

/* Nothing has been written yet, so there is room for it. */
static void send_away(struct aaeld_conn *c)
{
	static const char forbidden[] =
		"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n"
		"Connection: close\r\n\r\nForbidden";

	aaeld_metrics_answer(c->all->metrics, 403);
	send(bufferevent_getfd(c->bev), forbidden, sizeof(forbidden) - 1,
	     MSG_NOSIGNAL | MSG_DONTWAIT);
	drop(c);
}

/*
 * Runs right after evhttp has accepted: now the bufferevent's callbacks have the
 * connection as their argument, the only way to know it before the first request.
 */
static void adopt(evutil_socket_t fd, short what, void *arg)
{
	struct aaeld_conn *c = arg;
	struct aaeld_conns *all = c->all;
	struct bufferevent *bev = c->bev;
	void *evcon = NULL;

	(void)fd;
	(void)what;
	bufferevent_getcb(bev, NULL, NULL, NULL, &evcon);
	bufferevent_decref(bev);
	if (!evcon) {
		forget(c); /* closed already */
		return;
	}
	c->evcon = evcon;
	evhttp_connection_set_closecb(c->evcon, on_close, c);
	if (all->stopping) {
		drop(c);
		return;
	}
	if (!peer_is_allowed(bev)) {
		send_away(c);
		return;
	}
	event_free(c->deadline);
	c->deadline = evtimer_new(all->base, on_deadline, c);
	if (!c->deadline) {
		drop(c);
		return;
	}
	evbuffer_add_cb(bufferevent_get_output(bev), on_output, c);
	event_add(c->deadline, &all->timeout);
	enforce_cap(all, c);
}

struct bufferevent *aaeld_conns_accept(struct event_base *base, void *conns)
{
	struct aaeld_conns *all = conns;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct aaeld_conn *c = calloc(1, sizeof(*c));

	if (bev && c)
		c->deadline = evtimer_new(base, adopt, c);
	if (!bev || !c || !c->deadline) {
		if (bev)
			bufferevent_free(bev);
		free(c);
		return NULL; /* evhttp makes one itself, which only its time-out guards */
	}
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MAX_BYTES);
	c->all = all;
	c->bev = bev;
	bufferevent_incref(bev);
	TAILQ_INSERT_TAIL(&all->list, c, next);
	all->count++;
	event_active(c->deadline, EV_TIMEOUT, 0);
	return bev;
}

struct aaeld_conn *aaeld_conns_find(struct aaeld_conns *all, const struct evhttp_connection *evcon)
{
	struct aaeld_conn *c;

	TAILQ_FOREACH(c, &all->list, next)
	if (c->evcon == evcon)
		return c;
	return NULL;
}

struct aaeld_conns *aaeld_conns_new(struct event_base *base, unsigned int max,
				    const struct timeval *timeout, struct aaeld_metrics *metrics)
{
	struct aaeld_conns *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->idle = evtimer_new(base, on_idle, all);
	if (!all->idle) {
		free(all);
		return NULL;
	}
	all->base = base;
	all->max = max;
	all->timeout = *timeout;
	all->metrics = metrics;
	TAILQ_INIT(&all->list);
	return all;
}

/* evhttp puts a whole answer into the output at once. */
static bool has_answer(const struct aaeld_conn *c)
{
	return c->owner || (c->evcon && evbuffer_get_length(bufferevent_get_output(c->bev)));
}

void aaeld_conns_stop(struct aaeld_conns *all)
{
	struct aaeld_conn *c, *next;

	all->stopping = true;
	for (c = TAILQ_FIRST(&all->list); c; c = next) {
		next = TAILQ_NEXT(c, next);
		if ((c->evcon || c->drain) && !has_answer(c))
			drop(c);
	}
}

bool aaeld_conns_are_busy(const struct aaeld_conns *all)
{
	const struct aaeld_conn *c;

	TAILQ_FOREACH(c, &all->list, next)
	if (has_answer(c))
		return true;
	return false;
}

void aaeld_conns_free(struct aaeld_conns *all)
{
	struct aaeld_conn *c;

	if (!all)
		return;
	while ((c = TAILQ_FIRST(&all->list))) {
		if (!c->evcon && !c->drain)
			bufferevent_decref(c->bev);
		forget(c);
	}
	event_free(all->idle);
	free(all);
}
