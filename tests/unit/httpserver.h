/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon in a thread on a free port, a fake kernel behind it, and a client. */
#ifndef AAEL_TEST_HTTPSERVER_H
#define AAEL_TEST_HTTPSERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "fakekernel.h"

#define TRUE_BODY "{\"success\":\"true\"}"
#define EVENT "{\"domain\":\"test\",\"operation\":\"test\",\"content\":\"test\"}"
#define TIMEOUT_MS 300
#define CONNECTIONS 16
#define ANSWER_MAX_BYTES 8192
#define PATIENCE_SECONDS 20
#define INFO "GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define FLOOD 256

static struct fake_kernel kernel;
static struct aaeld_app app;
static pthread_t thread;
static sem_t ready;
static sem_t gate;	/* an append waits for it if the gate is shut */
static sem_t at_gate;	/* and says so */
static sem_t submitted; /* a job to the worker */
static atomic_bool gate_is_shut;
static int stop_pipe[2];
static uint16_t port;

static struct server {
	unsigned int timeout_ms;
	unsigned int connections;
	bool small_buffers;  /* so that few answers are on their way */
	const char *address; /* NULL: 127.0.0.1:0 */
} how;

static inline int gated_append(void *k, const struct aaeld_event *event, uint64_t *sequence)
{
	if (gate_is_shut) {
		sem_post(&at_gate);
		sem_wait(&gate);
	}
	return fake_append(k, event, sequence);
}

static const struct aaeld_kernel_ops gated_ops = {
	.append = gated_append,
	.append_now = fake_append_now,
	.info = fake_info,
	.enable = fake_enable,
};

static inline int submit(struct aaeld_app *a, struct aaeld_job *job)
{
	int ret = aaeld_worker_submit(a->worker, job);

	sem_post(&submitted);
	return ret;
}

static inline void on_stop(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(base);
}

/* As aaeld_http_bind(), with send buffers that the accepted sockets inherit. */
static inline int bind_small(struct aaeld_http *http)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, SOMAXCONN))
		return -errno;
	return aaeld_http_accept(http, fd);
}

static inline void *serve(void *arg)
{
	struct aaeld_http_options options = { .timeout_ms = how.timeout_ms,
					      .connections = how.connections };
	struct event_base *base = event_base_new();
	struct event *stop = event_new(base, stop_pipe[0], EV_READ, on_stop, base);
	struct aaeld_http *http;

	(void)arg;
	event_add(stop, NULL);
	app.worker = aaeld_worker_new(base);
	http = aaeld_http_new(base, &app, &options);
	if (!(how.small_buffers ? bind_small(http)
				: aaeld_http_bind(http, how.address ? how.address : "127.0.0.1:0")))
		port = (uint16_t)atoi(strrchr(aaeld_http_address(http), ':') + 1);
	sem_post(&ready);
	event_base_dispatch(base);
	aaeld_http_stop(http, app.worker);
	event_free(stop);
	event_base_free(base);
	return NULL;
}

static inline int start(struct server server)
{
	fake_init(&kernel);
	gate_is_shut = false;
	app = (struct aaeld_app){
		.ops = &gated_ops,
		.kernel = &kernel,
		.features = AAELD_F_ALL,
		.enable_eventlog = true,
		.submit = submit,
	};
	how = server;
	port = 0;
	if (sem_init(&ready, 0, 0) || sem_init(&gate, 0, 0) || sem_init(&at_gate, 0, 0) ||
	    sem_init(&submitted, 0, 0) || pipe(stop_pipe) ||
	    pthread_create(&thread, NULL, serve, NULL))
		return -1;
	sem_wait(&ready);
	return port ? 0 : -1;
}

/* So patient that a slow machine does not change an outcome. */
static inline int setup(void **state)
{
	(void)state;
	return start((struct server){ PATIENCE_SECONDS * 1000, CONNECTIONS, false, NULL });
}

static inline int setup_impatient(void **state)
{
	(void)state;
	return start((struct server){ TIMEOUT_MS, CONNECTIONS, false, NULL });
}

static inline int setup_small(void **state)
{
	(void)state;
	return start((struct server){ PATIENCE_SECONDS * 1000, CONNECTIONS, true, NULL });
}

static inline int setup_small_impatient(void **state)
{
	(void)state;
	return start((struct server){ TIMEOUT_MS, CONNECTIONS, true, NULL });
}

/* As many connections as there are without a test. */
static inline int setup_full(void **state)
{
	(void)state;
	return start((struct server){ PATIENCE_SECONDS * 1000, 0, false, NULL });
}

static inline int teardown(void **state)
{
	(void)state;
	gate_is_shut = false;
	sem_post(&gate);
	if (write(stop_pipe[1], "", 1) != 1)
		return -1;
	pthread_join(thread, NULL);
	close(stop_pipe[0]);
	close(stop_pipe[1]);
	sem_destroy(&ready);
	sem_destroy(&gate);
	sem_destroy(&at_gate);
	sem_destroy(&submitted);
	return 0;
}

static inline void await(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	assert_int_equal(sem_timedwait(sem, &until), 0);
}

/* ---- a client ---- */

/* @buffer: its receive buffer, 0: as the system has it */
static inline int dial_with(int buffer)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline int dial(void)
{
	return dial_with(0);
}

/* As much as the server takes: it may have answered and closed before the end. */
static inline bool put(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	for (; size; p += n, size -= (size_t)n) {
		n = send(fd, p, size, MSG_NOSIGNAL);
		if (n < 0)
			return false;
	}
	return true;
}

static char answer[ANSWER_MAX_BYTES];

/* One whole answer; its status, 0 if the connection was closed before one. */
static inline int take(int fd)
{
	size_t used = 0, want = 0;
	char *body, *length;
	ssize_t n;

	answer[0] = '\0';
	do {
		/* No byte of the next answer. */
		n = recv(fd, answer + used, want ? want - used : 1, 0);
		if (n <= 0)
			break;
		assert_true(used + (size_t)n < sizeof(answer));
		used += (size_t)n;
		answer[used] = '\0';
		body = strstr(answer, "\r\n\r\n");
		length = strstr(answer, "Content-Length: ");
		if (body && length && !want) {
			want = (size_t)(body + 4 - answer) + (size_t)atoi(length + 16);
			assert_true(want < sizeof(answer));
		}
	} while (!want || used < want);
	/* To HTTP/1.0 the end of the connection is the end of the answer. */
	if (n == 0 && !want && strstr(answer, "\r\n\r\n"))
		want = used;
	return want && used >= want ? atoi(answer + strlen("HTTP/1.1 ")) : 0;
}

static const char *body_of(void)
{
	const char *body = strstr(answer, "\r\n\r\n");

	return body ? body + 4 : "";
}

static inline int ask_bytes(const char *request, size_t size)
{
	int fd = dial(), status;

	put(fd, request, size);
	status = take(fd);
	close(fd);
	return status;
}

static inline int ask(const char *request)
{
	return ask_bytes(request, strlen(request));
}

static inline size_t post_head(char *out, size_t room, size_t body_size)
{
	return (size_t)snprintf(out, room,
				"POST /aa/aael HTTP/1.1\r\nHost: 127.0.0.1:8006\r\n"
				"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
				body_size);
}

static inline int post_bytes(const char *body, size_t size)
{
	char *request = malloc(size + 512);
	size_t head = post_head(request, 512, size);
	int status;

	memcpy(request + head, body, size);
	status = ask_bytes(request, head + size);
	free(request);
	return status;
}

static inline void assert_alive(void)
{
	int before = kernel.appended;

	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 200);
	assert_string_equal(body_of(), TRUE_BODY);
	assert_int_equal(kernel.appended, before + 1);
}

/* 400 that names the field; nothing appended; alive. */
static inline void assert_bad_body(const char *body, size_t size, const char *field)
{
	char begin[128];
	int before = kernel.asked;

	assert_int_equal(post_bytes(body, size), 400);
	snprintf(begin, sizeof(begin), "{\"success\":\"false\",\"message\": \"%s: ", field);
	if (strncmp(body_of(), begin, strlen(begin)))
		fail_msg("%s: \"%s\" does not name %s", body, body_of(), field);
	assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
	assert_int_equal(kernel.asked, before);
}

static inline void assert_bad_text(const char *body, const char *field)
{
	assert_bad_body(body, strlen(body), field);
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Requests whose answers are more than the buffers on the way hold. */
static inline int dial_and_flood(void)
{
	int fd = dial_with(1);

	for (int i = 0; i < FLOOD; i++)
		put(fd, INFO, strlen(INFO));
	return fd;
}

#endif
