// SPDX-License-Identifier: Apache-2.0
/* evhttp and what it leaves open: a request is checked here, then goes to the routes. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "aaeld.h"

struct aaeld_http {
	struct event_base *base;
	struct aaeld_log_limit limit;
	bool stopping;
	struct aaeld_app *app;
	struct evhttp *evhttp;
	struct aaeld_conns *conns;
	char address[AAELD_ADDRESS_BYTES];
};

/* The request that a reply belongs to. */
struct http_call {
	struct aaeld_call call;
	struct aaeld_http *http;
	struct evhttp_request *req;
	struct aaeld_conn *c; /* NULL: the peer has left */
	bool close;
	bool head;
};

static void on_sent(struct evhttp_request *req, void *arg)
{
	(void)req;
	aaeld_conn_wait(arg);
}

static void expect_end(struct http_call *hc)
{
	if (hc->close || hc->http->stopping)
		aaeld_conn_end(hc->c);
	evhttp_request_set_on_complete_cb(hc->req, on_sent, hc->c);
	/* Who does not take his answer is as slow as who does not send his request. */
	aaeld_conn_wait(hc->c);
}

static void let_go(const void *data, size_t size, void *shared)
{
	(void)data;
	(void)size;
	aaeld_shared_release(shared);
}

static void add_body(struct evbuffer *out, const struct aaeld_reply *reply)
{
	if (!reply->shared || !reply->body_size) {
		evbuffer_add(out, reply->body, reply->body_size);
		return;
	}
	aaeld_shared_hold(reply->shared);
	if (evbuffer_add_reference(out, reply->body, reply->body_size, let_go, reply->shared))
		aaeld_shared_release(reply->shared);
}

static void send_reply(struct aaeld_call *call, const struct aaeld_reply *reply)
{
	struct http_call *hc = (struct http_call *)call;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(hc->req);
	struct evbuffer *body = evbuffer_new();

	evhttp_add_header(headers, "Content-Type", reply->type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (reply->allow)
		evhttp_add_header(headers, "Allow", reply->allow);
	if (hc->close || hc->http->stopping)
		evhttp_add_header(headers, "Connection", "close");
	if (body && !hc->head)
		add_body(body, reply);
	aaeld_metrics_answer(&hc->http->app->metrics, reply->status);
	/* Such answers hold nothing of the request, and of a KBS only plain text. */
	if (reply->status >= 500)
		aaeld_log_limited(&hc->http->limit, AAELD_WARNING, "answered %d: %.*s",
				  reply->status, (int)reply->body_size, reply->body);
	if (hc->c)
		expect_end(hc);
	evhttp_send_reply(hc->req, reply->status,
			  reply->status == 507 ? "Insufficient Storage" : NULL, body);
	if (body)
		evbuffer_free(body);
	free(hc);
}

static const char *method_name(struct evhttp_request *req)
{
	switch (evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_HEAD:
		return "HEAD";
	default:
		return "other";
	}
}

static bool origins_are_ours(const struct evkeyvalq *headers)
{
	const struct evkeyval *h;

	TAILQ_FOREACH(h, headers, next)
	if (!evutil_ascii_strcasecmp(h->key, "Origin") && !aaeld_guard_origin(h->value))
		return false;
	return true;
}

/* Of Cache-Control (RFC 9111, section 5.2.1.4), in any of its headers. */
static bool is_no_cache(const struct evkeyvalq *headers)
{
	static const char word[] = "no-cache";
	const struct evkeyval *h;
	const char *p;
	size_t n;

	TAILQ_FOREACH(h, headers, next)
	{
		if (evutil_ascii_strcasecmp(h->key, "Cache-Control"))
			continue;
		for (p = h->value; *p; p += n) {
			p += strspn(p, ", \t");
			n = strcspn(p, ", \t");
			if (n == strlen(word) && !evutil_ascii_strncasecmp(p, word, n))
				return true;
		}
	}
	return false;
}

/* 0, or the status to refuse it with, and *@why; *@target becomes a path. */
static int check(struct evhttp_request *req, const char **target, const char **why)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const char *host = evhttp_find_header(headers, "Host");
	int ret;

	*why = aaeld_framing_error(req);
	if (*why)
		return 400;
	ret = aaeld_guard_target(target);
	*why = "target: must begin with / or http://";
	if (ret == -EINVAL)
		return 400;
	*why = "Forbidden: Host is not loopback";
	if (ret || (host && !aaeld_guard_host(host)))
		return 403;
	*why = "Forbidden: Origin is not http:// and a loopback host";
	return origins_are_ours(headers) ? 0 : 403;
}

/* Of the body nothing is kept: the answer may take long. */
static void dispatch(struct http_call *hc, struct aaeld_request *request)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(hc->req), *body = evbuffer_new();

	request->body_size = evbuffer_get_length(in);
	if (body && !evbuffer_add_buffer(body, in))
		request->body = (const char *)evbuffer_pullup(body, -1);
	if (request->body_size && !request->body)
		aaeld_routes_reply(&hc->call, 500, "text/plain", "no memory");
	else
		aaeld_routes_dispatch(hc->http->app, request, &hc->call);
	if (body)
		evbuffer_free(body);
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct aaeld_http *http = arg;
	struct aaeld_conn *c = aaeld_conns_find(http->conns, evhttp_request_get_connection(req));
	struct aaeld_request request = {
		.method = method_name(req),
		.target = evhttp_request_get_uri(req),
		.no_cache = is_no_cache(evhttp_request_get_input_headers(req)),
	};
	struct http_call *hc = calloc(1, sizeof(*hc));
	const char *why;
	int status;

	if (!hc || !c) {
		free(hc);
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
		return;
	}
	*hc = (struct http_call){ .call.done = send_reply, .http = http, .req = req, .c = c };
	aaeld_conn_busy(c, &hc->c);
	hc->head = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
	status = check(req, &request.target, &why);
	hc->close = status;
	if (http->stopping)
		aaeld_routes_reply(&hc->call, 503, "text/plain", "the daemon is stopping");
	else if (status)
		aaeld_routes_reply(&hc->call, status, "text/plain", why);
	else
		dispatch(hc, &request);
}

struct aaeld_http *aaeld_http_new(struct event_base *base, struct aaeld_app *app,
				  const struct aaeld_http_options *options)
{
	unsigned int ms = options->timeout_ms ? options->timeout_ms : AAELD_REQUEST_TIMEOUT_MS;
	unsigned int max = options->connections ? options->connections : AAELD_CONNECTIONS_MAX;
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	struct aaeld_http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->base = base;
	http->app = app;
	http->conns = aaeld_conns_new(base, max, &timeout, &app->metrics);
	http->evhttp = http->conns ? evhttp_new(base) : NULL;
	if (!http->evhttp) {
		aaeld_conns_free(http->conns);
		free(http);
		return NULL;
	}
	/* What CONNECT asks for is no path. */
	evhttp_set_allowed_methods(http->evhttp, UINT16_MAX & ~EVHTTP_REQ_CONNECT);
	evhttp_set_max_headers_size(http->evhttp, AAELD_HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(http->evhttp, AAELD_BODY_MAX_BYTES);
	evhttp_set_timeout_tv(http->evhttp, &timeout);
	evhttp_set_bevcb(http->evhttp, aaeld_conns_accept, http->conns);
	evhttp_set_gencb(http->evhttp, on_request, http);
	return http;
}

int aaeld_http_bind(struct aaeld_http *http, const char *address)
{
	struct sockaddr_storage to;
	socklen_t size;
	int fd, on = 1, err = aaeld_address_parse(address, &to, &size);

	if (err)
		return err;
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&to, size) || listen(fd, SOMAXCONN)) {
		err = errno;
		close(fd);
		return -err;
	}
	return aaeld_http_accept(http, fd);
}

/* 0 and *@at, or -errno. */
static int check_listener(int fd, struct sockaddr_storage *at)
{
	socklen_t size = sizeof(*at), word = sizeof(int);
	int listening = 0;

	memset(at, 0, sizeof(*at));
	if (evutil_make_socket_nonblocking(fd) || getsockname(fd, (struct sockaddr *)at, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &word))
		return -errno;
	if (at->ss_family != AF_INET && at->ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	return listening ? 0 : -EINVAL;
}

int aaeld_http_accept(struct aaeld_http *http, int fd)
{
	struct sockaddr_storage at;
	int ret = check_listener(fd, &at);

	if (ret)
		aaeld_log(AAELD_ERROR,
			  "descriptor %d: only a listening TCP socket (IPv4 or IPv6) can be served",
			  fd);
	if (!ret && evhttp_accept_socket(http->evhttp, fd))
		ret = -ENOMEM;
	if (ret) {
		close(fd);
		return ret;
	}
	aaeld_address_format((struct sockaddr *)&at, http->address);
	if (!aaeld_guard_peer((struct sockaddr *)&at))
		aaeld_log(AAELD_WARNING,
			  "%s is not a loopback address: who comes from outside this machine is "
			  "answered 403",
			  http->address);
	return 0;
}

const char *aaeld_http_address(const struct aaeld_http *http)
{
	return http->address;
}

static void take_bound(struct evhttp_bound_socket *bound, void *last)
{
	*(struct evhttp_bound_socket **)last = bound;
}

static void stop_listening(struct aaeld_http *http)
{
	struct evhttp_bound_socket *last;

	do {
		last = NULL;
		evhttp_foreach_bound_socket(http->evhttp, take_bound, &last);
		if (last)
			evhttp_del_accept_socket(http->evhttp, last);
	} while (last);
}

static void on_late(evutil_socket_t fd, short what, void *late)
{
	(void)fd;
	(void)what;
	*(bool *)late = true;
}

static void flush(struct aaeld_http *http)
{
	struct timeval most = { AAELD_STOP_MAX_MS / 1000, AAELD_STOP_MAX_MS % 1000 * 1000 };
	bool late = false;
	struct event *limit = evtimer_new(http->base, on_late, &late);

	if (limit && !event_add(limit, &most))
		while (!late && aaeld_conns_are_busy(http->conns))
			if (event_base_loop(http->base, EVLOOP_ONCE))
				break;
	if (limit)
		event_free(limit);
}

void aaeld_http_stop(struct aaeld_http *http, struct aaeld_worker *worker)
{
	if (http) {
		http->stopping = true;
		stop_listening(http);
		aaeld_conns_stop(http->conns);
	}
	aaeld_worker_free(worker);
	if (!http)
		return;
	flush(http);
	evhttp_free(http->evhttp);
	aaeld_conns_free(http->conns);
	free(http);
}
