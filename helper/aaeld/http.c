// SPDX-License-Identifier: Apache-2.0
/*
 * evhttp and what it leaves open. Every connection is in one list from accept to close:
 * oldest first, so that the cap can drop the one that has waited longest, and with one
 * deadline for a whole request, so that a byte now and then does not keep it alive.
 * A connection whose request is with the worker is never freed from here.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "aaeld.h"

#define ADDRESS_BYTES 64
#define ERROR_PAGE_END "</BODY></HTML>\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define ERROR_PAGE_MAX_BYTES 1024

struct connection {
	TAILQ_ENTRY(connection) next;
	struct aaeld_http *http;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	struct event *deadline;
	bool busy; /* a request of it is being answered */
};

struct aaeld_http {
	struct event_base *base;
	struct aaeld_app *app;
	struct evhttp *evhttp;
	struct timeval timeout;
	unsigned int max, count;
	TAILQ_HEAD(, connection) connections;
	char address[ADDRESS_BYTES];
};

/* The request that a reply belongs to. */
struct http_call {
	struct aaeld_call call;
	struct evhttp_request *req;
	struct connection *c;
	bool close;
	bool head;
};

/* ---- connections ---- */

static void forget(struct connection *c)
{
	TAILQ_REMOVE(&c->http->connections, c, next);
	c->http->count--;
	if (c->deadline)
		event_free(c->deadline);
	free(c);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
	(void)evcon;
	forget(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)what;
	if (!c->busy)
		evhttp_connection_free(c->evcon); /* ends in on_close() */
}

static void wait_for_request(struct connection *c)
{
	c->busy = false;
	TAILQ_REMOVE(&c->http->connections, c, next);
	TAILQ_INSERT_TAIL(&c->http->connections, c, next);
	event_add(c->deadline, &c->http->timeout);
}

/* Make room by closing whoever has waited longest for nothing. */
static void enforce_cap(struct aaeld_http *http, struct connection *newest)
{
	struct connection *c;

	if (http->count <= http->max)
		return;
	TAILQ_FOREACH(c, &http->connections, next)
	if (!c->busy && c->evcon && c != newest)
		break;
	evhttp_connection_free(c ? c->evcon : newest->evcon);
}

/*
 * evhttp answers some malformed requests by itself, in HTML. Its page stands complete in
 * the output buffer, perhaps behind a "100 Continue", before anything of it is sent:
 * replace it there.
 */
static void replace_page(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	char page[ERROR_PAGE_MAX_BYTES], body[AAELD_MESSAGE_BYTES];
	size_t size = evbuffer_get_length(out), end = strlen(ERROR_PAGE_END);
	const char *error = page, *phrase = "Bad Request", *text = "malformed HTTP request";
	int status;

	(void)arg;
	if (!info->n_added || size < end || size >= sizeof(page))
		return;
	/* Between two writes bufferevents keep the beginning frozen. */
	evbuffer_unfreeze(out, 1);
	if (evbuffer_copyout(out, page, size) != (ev_ssize_t)size)
		return;
	page[size] = '\0';
	if (!strncmp(error, CONTINUE, strlen(CONTINUE)))
		error += strlen(CONTINUE);
	if (memcmp(page + size - end, ERROR_PAGE_END, end) || strncmp(error, "HTTP/1.", 7))
		return;
	status = atoi(error + strlen("HTTP/1.1 "));
	if (status == 413) {
		phrase = "Content Too Large";
		text = "body: more than 1 MiB, or a malformed chunk";
	} else if (status == 417) {
		phrase = "Expectation Failed";
		text = "Expect: only 100-continue";
	}
	snprintf(body, sizeof(body), "{\"success\":\"false\",\"message\": \"%s\"}", text);
	evbuffer_drain(out, size);
	evbuffer_add_printf(out,
			    "%.*sHTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			    (int)(error - page), page, status, phrase, strlen(body), body);
}

/*
 * Runs right after evhttp has accepted: now the bufferevent's callbacks have the
 * connection as their argument, the only way to know it before the first request.
 */
static void adopt(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct aaeld_http *http = c->http;
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
	event_free(c->deadline);
	c->deadline = evtimer_new(http->base, on_deadline, c);
	if (!c->deadline) {
		evhttp_connection_free(c->evcon);
		return;
	}
	evbuffer_add_cb(bufferevent_get_output(bev), replace_page, NULL);
	event_add(c->deadline, &http->timeout);
	enforce_cap(http, c);
}

static struct bufferevent *new_bufferevent(struct event_base *base, void *arg)
{
	struct aaeld_http *http = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct connection *c = calloc(1, sizeof(*c));

	if (bev && c)
		c->deadline = evtimer_new(base, adopt, c);
	if (!bev || !c || !c->deadline) {
		if (bev)
			bufferevent_free(bev);
		free(c);
		return NULL; /* evhttp makes one itself, which only its time-out guards */
	}
	c->http = http;
	c->bev = bev;
	bufferevent_incref(bev);
	TAILQ_INSERT_TAIL(&http->connections, c, next);
	http->count++;
	event_active(c->deadline, EV_TIMEOUT, 0);
	return bev;
}

static struct connection *connection_of(struct aaeld_http *http, struct evhttp_connection *evcon)
{
	struct connection *c;

	TAILQ_FOREACH(c, &http->connections, next)
	if (c->evcon == evcon)
		return c;
	return NULL;
}

/* ---- requests ---- */

static void on_sent(struct evhttp_request *req, void *arg)
{
	(void)req;
	wait_for_request(arg);
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
	if (hc->close)
		evhttp_add_header(headers, "Connection", "close");
	if (body && !hc->head)
		evbuffer_add(body, reply->body, reply->body_size);
	evhttp_request_set_on_complete_cb(hc->req, on_sent, hc->c);
	evhttp_send_reply(hc->req, reply->status,
			  reply->status == 507 ? "Insufficient Storage" : NULL, body);
	if (body)
		evbuffer_free(body);
	free(hc);
}

static unsigned int count_header(const struct evkeyvalq *headers, const char *name)
{
	const struct evkeyval *h;
	unsigned int n = 0;

	TAILQ_FOREACH(h, headers, next)
	n += !evutil_ascii_strcasecmp(h->key, name);
	return n;
}

/* RFC 9110, 5.6.2: what looks like a header to the next parser must be one to us. */
static bool names_are_tokens(const struct evkeyvalq *headers)
{
	const struct evkeyval *h;

	TAILQ_FOREACH(h, headers, next)
	if (!*h->key || h->key[strspn(h->key, "!#$%&'*+-.^_`|~0123456789"
					      "abcdefghijklmnopqrstuvwxyz"
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return false;
	return true;
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

/* Shapes that two parsers could cut in two ways: refused, and the connection closed. */
static const char *framing_error(struct evhttp_request *req)
{
	const struct evkeyvalq *h = evhttp_request_get_input_headers(req);
	const char *length = evhttp_find_header(h, "Content-Length");
	const char *coding = evhttp_find_header(h, "Transfer-Encoding");

	if (req->major != 1)
		return "HTTP version: only 1.0 and 1.1 are served";
	if (!names_are_tokens(h))
		return "header: bad name";
	if (count_header(h, "Content-Length") > 1 || (length && coding))
		return "Content-Length: more than one length";
	if (length && (!*length || length[strspn(length, "0123456789")]))
		return "Content-Length: not a number";
	if (count_header(h, "Transfer-Encoding") > 1 ||
	    (coding && evutil_ascii_strcasecmp(coding, "chunked")))
		return "Transfer-Encoding: only chunked";
	if (coding && req->minor < 1)
		return "Transfer-Encoding: not in HTTP/1.0";
	if ((coding || (length && length[strspn(length, "0")])) &&
	    evhttp_request_get_command(req) != EVHTTP_REQ_POST &&
	    evhttp_request_get_command(req) != EVHTTP_REQ_PUT &&
	    evhttp_request_get_command(req) != EVHTTP_REQ_PATCH)
		return "body: only POST has one";
	if (count_header(h, "Host") > 1 || (req->minor >= 1 && !evhttp_find_header(h, "Host")))
		return "Host: exactly one is needed";
	return NULL;
}

static bool peer_is_allowed(struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (getpeername(bufferevent_getfd(evhttp_connection_get_bufferevent(evcon)),
			(struct sockaddr *)&peer, &size))
		return false;
	return aaeld_guard_peer((struct sockaddr *)&peer);
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct aaeld_http *http = arg;
	struct connection *c = connection_of(http, evhttp_request_get_connection(req));
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(req), "Host");
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	struct aaeld_request request = {
		.method = method_name(req),
		.target = evhttp_request_get_uri(req),
		.body_size = evbuffer_get_length(in),
	};
	struct http_call *hc = calloc(1, sizeof(*hc));
	const char *error;

	if (!hc || !c) {
		free(hc);
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
		return;
	}
	c->busy = true;
	event_del(c->deadline);
	*hc = (struct http_call){ .call.done = send_reply, .req = req, .c = c };
	hc->head = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
	error = framing_error(req);
	hc->close = error;
	if (!peer_is_allowed(req)) {
		hc->close = true;
		aaeld_routes_reply(&hc->call, 403, "text/plain", "Forbidden");
	} else if (error) {
		aaeld_routes_reply(&hc->call, 400, "text/plain", error);
	} else if ((host && !aaeld_guard_host(host)) || !aaeld_guard_target(&request.target)) {
		hc->close = true;
		aaeld_routes_reply(&hc->call, 403, "text/plain", "Forbidden: Host is not loopback");
	} else {
		request.body = (const char *)evbuffer_pullup(in, -1);
		aaeld_routes_dispatch(http->app, &request, &hc->call);
	}
}

/* ---- the server ---- */

struct aaeld_http *aaeld_http_new(struct event_base *base, struct aaeld_app *app,
				  const struct aaeld_http_options *options)
{
	struct aaeld_http *http = calloc(1, sizeof(*http));
	unsigned int ms = options->timeout_ms ? options->timeout_ms : AAELD_REQUEST_TIMEOUT_MS;

	if (!http)
		return NULL;
	http->evhttp = evhttp_new(base);
	if (!http->evhttp) {
		free(http);
		return NULL;
	}
	http->base = base;
	http->app = app;
	http->max = options->connections ? options->connections : AAELD_CONNECTIONS_MAX;
	http->timeout = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
	TAILQ_INIT(&http->connections);
	evhttp_set_allowed_methods(http->evhttp, UINT16_MAX);
	evhttp_set_max_headers_size(http->evhttp, AAELD_HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(http->evhttp, AAELD_BODY_MAX_BYTES);
	evhttp_set_timeout_tv(http->evhttp, &http->timeout);
	/* Read what is too long to its end, or the client never sees the 413. */
	evhttp_set_flags(http->evhttp, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_bevcb(http->evhttp, new_bufferevent, http);
	evhttp_set_gencb(http->evhttp, on_request, http);
	return http;
}

static int keep_address(struct aaeld_http *http, int fd)
{
	struct sockaddr_storage to = { 0 };
	socklen_t size = sizeof(to);
	char text[ADDRESS_BYTES - 16] = "";
	int v6, port;

	if (getsockname(fd, (struct sockaddr *)&to, &size))
		return -errno;
	v6 = to.ss_family == AF_INET6;
	if (v6)
		evutil_inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&to)->sin6_addr, text,
				 sizeof(text));
	else
		evutil_inet_ntop(AF_INET, &((struct sockaddr_in *)&to)->sin_addr, text,
				 sizeof(text));
	port = ntohs(v6 ? ((struct sockaddr_in6 *)&to)->sin6_port
			: ((struct sockaddr_in *)&to)->sin_port);
	snprintf(http->address, sizeof(http->address), v6 ? "[%s]:%d" : "%s:%d", text, port);
	return 0;
}

/* "127.0.0.1:8006", "[::1]:0": libevent's own parser refuses port 0. */
static int parse_address(const char *text, struct sockaddr_storage *to, socklen_t *size)
{
	const char *colon = strrchr(text, ':');
	bool v6 = *text == '[';
	char host[ADDRESS_BYTES];
	size_t len;

	if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1] ||
	    strlen(colon) > 6 || atoi(colon + 1) > UINT16_MAX)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len >= sizeof(host) || (v6 && (len < 2 || colon[-1] != ']')))
		return -EINVAL;
	len -= v6 ? 2 : 0;
	memcpy(host, text + v6, len);
	host[len] = '\0';
	if (v6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)atoi(colon + 1));
		*size = sizeof(*in6);
		return evutil_inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)to;

		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)atoi(colon + 1));
		*size = sizeof(*in);
		return evutil_inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
	}
}

int aaeld_http_bind(struct aaeld_http *http, const char *address)
{
	struct sockaddr_storage to = { 0 };
	socklen_t size;
	int fd, on = 1, err = parse_address(address, &to, &size);

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

int aaeld_http_accept(struct aaeld_http *http, int fd)
{
	int ret = evutil_make_socket_nonblocking(fd) ? -errno : keep_address(http, fd);

	if (!ret && evhttp_accept_socket(http->evhttp, fd))
		ret = -ENOMEM;
	if (ret)
		close(fd);
	return ret;
}

const char *aaeld_http_address(const struct aaeld_http *http)
{
	return http->address;
}

void aaeld_http_free(struct aaeld_http *http)
{
	struct connection *c;

	if (!http)
		return;
	evhttp_free(http->evhttp);
	/* Only those that were never adopted are left. */
	while ((c = TAILQ_FIRST(&http->connections))) {
		if (!c->evcon)
			bufferevent_decref(c->bev);
		forget(c);
	}
	free(http);
}
