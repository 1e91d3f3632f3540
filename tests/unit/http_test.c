// SPDX-License-Identifier: Apache-2.0
/* The daemon's whole HTTP side over real sockets; only the kernel is a fake. */
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

static struct fake_kernel kernel;
static struct aaeld_app app;
static pthread_t thread;
static sem_t ready;
static sem_t gate; /* an append waits for it if the gate is shut */
static atomic_bool gate_is_shut;
static int stop_pipe[2];
static uint16_t port;
static unsigned int timeout_ms;

static int gated_append(void *k, const struct aaeld_event *event, uint64_t *sequence)
{
	if (gate_is_shut)
		sem_wait(&gate);
	return fake_append(k, event, sequence);
}

static const struct aaeld_kernel_ops gated_ops = {
	.append = gated_append,
	.info = fake_info,
	.enable = fake_enable,
};

static int submit(struct aaeld_app *a, struct aaeld_job *job)
{
	return aaeld_worker_submit(a->worker, job);
}

static void on_stop(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(base);
}

static void *serve(void *arg)
{
	struct aaeld_http_options options = { .timeout_ms = timeout_ms,
					      .connections = CONNECTIONS };
	struct event_base *base = event_base_new();
	struct event *stop = event_new(base, stop_pipe[0], EV_READ, on_stop, base);
	struct aaeld_http *http;

	(void)arg;
	event_add(stop, NULL);
	app.worker = aaeld_worker_new(base);
	http = aaeld_http_new(base, &app, &options);
	if (!aaeld_http_bind(http, "127.0.0.1:0"))
		port = (uint16_t)atoi(strrchr(aaeld_http_address(http), ':') + 1);
	sem_post(&ready);
	event_base_dispatch(base);
	aaeld_worker_free(app.worker);
	aaeld_http_free(http);
	event_free(stop);
	event_base_free(base);
	return NULL;
}

static int start(unsigned int ms)
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
	timeout_ms = ms;
	port = 0;
	if (sem_init(&ready, 0, 0) || sem_init(&gate, 0, 0) || pipe(stop_pipe) ||
	    pthread_create(&thread, NULL, serve, NULL))
		return -1;
	sem_wait(&ready);
	return port ? 0 : -1;
}

/* So patient that a slow machine does not change an outcome. */
static int setup(void **state)
{
	(void)state;
	return start(PATIENCE_SECONDS * 1000);
}

static int setup_impatient(void **state)
{
	(void)state;
	return start(TIMEOUT_MS);
}

static int teardown(void **state)
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
	return 0;
}

/* ---- a client ---- */

static int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* As much as the server takes: it may have answered and closed before the end. */
static void put(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	for (; size; p += n, size -= (size_t)n) {
		n = send(fd, p, size, MSG_NOSIGNAL);
		if (n < 0)
			return;
	}
}

static char answer[ANSWER_MAX_BYTES];

/* One whole answer; its status, 0 if the connection was closed before one. */
static int take(int fd)
{
	size_t used = 0, want = 0;
	char *body, *length;
	ssize_t n;

	answer[0] = '\0';
	do {
		n = recv(fd, answer + used, want ? want - used : sizeof(answer) - 1 - used, 0);
		if (n <= 0)
			break;
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

static int ask_bytes(const char *request, size_t size)
{
	int fd = dial(), status;

	put(fd, request, size);
	status = take(fd);
	close(fd);
	return status;
}

static int ask(const char *request)
{
	return ask_bytes(request, strlen(request));
}

static size_t post_head(char *out, size_t room, size_t body_size)
{
	return (size_t)snprintf(out, room,
				"POST /aa/aael HTTP/1.1\r\nHost: 127.0.0.1:8006\r\n"
				"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
				body_size);
}

static int post_bytes(const char *body, size_t size)
{
	char *request = malloc(size + 512);
	size_t head = post_head(request, 512, size);
	int status;

	memcpy(request + head, body, size);
	status = ask_bytes(request, head + size);
	free(request);
	return status;
}

static void assert_alive(void)
{
	int before = kernel.appended;

	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 200);
	assert_string_equal(body_of(), TRUE_BODY);
	assert_int_equal(kernel.appended, before + 1);
}

/* 400 that names the field; nothing appended; alive. */
static void assert_bad_body(const char *body, size_t size, const char *field)
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

static void assert_bad_text(const char *body, const char *field)
{
	assert_bad_body(body, strlen(body), field);
}

/* ---- tests ---- */

static void event_arrives(void **state)
{
	(void)state;
	assert_alive();
	assert_string_equal(kernel.content, "test");
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
	assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	assert_non_null(strstr(body_of(), "\"provider\":\"tpm\""));
}

static void bad_bodies_name_the_field(void **state)
{
	static const char nul[] = "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"a\0b\"}";

	(void)state;
	assert_bad_text("", "body");
	assert_bad_text("{\"domain\":\"test\",\"operation\":\"te", "operation");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\"", "body");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"domain\":\"e\"}",
			"domain");
	assert_bad_text("{\"domain\":[],\"operation\":\"o\",\"content\":\"c\"}", "domain");
	assert_bad_text("{\"domain\":\"d\",\"operation\":7,\"content\":\"c\"}", "operation");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":null}", "content");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"a\\nb\"}", "content");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"a\nb\"}", "content");
	assert_bad_body(nul, sizeof(nul) - 1, "content");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"\\u0000\"}",
			"content");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"\xc3(\"}", "content");
	assert_bad_text("{\"domain\":\"a b\",\"operation\":\"o\",\"content\":\"c\"}", "domain");
	assert_bad_text("{\"domain\":\"d\",\"operation\":\"o\"}", "content");
	assert_alive();
}

static void no_body_at_all(void **state)
{
	(void)state;
	assert_int_equal(ask("POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
	assert_non_null(strstr(body_of(), "body: empty"));
	assert_int_equal(kernel.asked, 0);
	assert_alive();
}

static void two_megabytes_are_413(void **state)
{
	size_t size = 2 * 1024 * 1024;
	char *body = malloc(size);

	(void)state;
	memset(body, 'x', size);
	assert_int_equal(post_bytes(body, size), 413);
	assert_string_equal(body_of(), "{\"success\":\"false\",\"message\": "
				       "\"body: more than 1 MiB, or a malformed chunk\"}");
	assert_int_equal(kernel.asked, 0);
	free(body);
	assert_alive();
}

static void announced_two_megabytes_are_413(void **state)
{
	char head[512];
	size_t size =
		(size_t)snprintf(head, sizeof(head),
				 "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
				 "chunked\r\n\r\n200000\r\n");

	(void)state;
	assert_int_equal(ask_bytes(head, size), 413);
	assert_null(strstr(answer, "HTML"));
	assert_alive();
}

static void largest_body_is_taken(void **state)
{
	size_t size = AAELD_BODY_MAX_BYTES;
	char *body = malloc(size);

	(void)state;
	memset(body, ' ', size);
	memcpy(body, EVENT, strlen(EVENT));
	assert_int_equal(post_bytes(body, size), 200);
	assert_int_equal(kernel.appended, 1);
	free(body);
}

static void chunked_is_taken(void **state)
{
	(void)state;
	assert_int_equal(ask("POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
			     "chunked\r\n\r\n5\r\n{\"dom\r\n"
			     "31\r\nain\":\"test\",\"operation\":\"test\",\"content\":\"test\"}\r\n"
			     "0\r\n\r\n"),
			 200);
	assert_string_equal(body_of(), TRUE_BODY);
}

static void methods_and_paths(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /aa/aael HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
	assert_non_null(strstr(answer, "Allow: POST\r\n"));
	assert_int_equal(ask("BREW /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
	assert_non_null(strstr(answer, "Allow: GET\r\n"));
	assert_int_equal(ask("DELETE /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
	assert_int_equal(ask("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
	assert_int_equal(ask("GET //info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
	assert_int_equal(ask("GET http://localhost/info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	assert_int_equal(kernel.asked, 0);
}

static void foreign_hosts_are_403(void **state)
{
	char request[1024];
	int n = snprintf(request, sizeof(request),
			 "POST /aa/aael HTTP/1.1\r\nHost: evil.example:8006\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 strlen(EVENT), EVENT);

	(void)state;
	assert_int_equal(ask_bytes(request, (size_t)n), 403);
	assert_int_equal(ask("GET http://evil.example/info HTTP/1.1\r\nHost: localhost\r\n\r\n"),
			 403);
	assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: [::ffff:127.0.0.1]\r\n\r\n"), 403);
	assert_int_equal(ask("GET /info HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
			 400);
	assert_int_equal(ask("GET /info HTTP/1.0\r\nHost: evil\r\n\r\n"), 403);
	assert_int_equal(ask("GET /info HTTP/1.0\r\n\r\n"), 200);
	assert_int_equal(kernel.asked, 0);
	assert_alive();
}

/* What two parsers could cut in two ways; a second request hides in each. */
static void smuggling_shapes_are_refused(void **state)
{
	static const char *const heads[] = {
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
		"Content-Length: 60\r\n",
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
		"Transfer-Encoding: chunked\r\n",
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n",
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n",
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: -4\r\n",
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length : 60\r\n",
		"GET /info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n",
		"GET /info HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n",
		"GET /info HTTP/1.1\r\nHost: localhost\r\nno colon\r\n",
	};
	char request[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		int fd = dial(), status;
		int n = snprintf(request, sizeof(request),
				 "%s\r\n4\r\nabcd\r\n0\r\n\r\nPOST /aa/aael HTTP/1.1\r\n"
				 "Host: localhost\r\nContent-Length: %zu\r\n\r\n%s",
				 heads[i], strlen(EVENT), EVENT);

		put(fd, request, (size_t)n);
		status = take(fd);
		if (status != 400)
			fail_msg("%s: %d", heads[i], status);
		if (strstr(answer, "HTML"))
			fail_msg("%s: an HTML page", heads[i]);
		assert_int_equal(take(fd), 0); /* closed, nothing more is read */
		close(fd);
		assert_int_equal(kernel.asked, 0);
	}
	assert_alive();
}

static void garbage_is_400(void **state)
{
	char *big = malloc(64 * 1024);

	(void)state;
	assert_int_equal(ask("\r\n\r\nxx\r\n\r\n"), 400);
	assert_int_equal(ask("GET /info\r\n\r\n"), 400);
	assert_int_equal(ask("GET /info HTTP/9.9\r\nHost: localhost\r\n\r\n"), 400);
	memset(big, 'a', 64 * 1024);
	memcpy(big, "GET /", 5);
	assert_int_equal(ask_bytes(big, 64 * 1024), 400);
	memcpy(big, "GET /info HTTP/1.1\r\nHost: localhost\r\nX: ", 40);
	memcpy(big + 64 * 1024 - 4, "\r\n\r\n", 4);
	assert_int_equal(ask_bytes(big, 64 * 1024), 400);
	assert_null(strstr(answer, "HTML"));
	free(big);
	assert_alive();
}

static void connections_are_kept(void **state)
{
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));
	int fd = dial();

	(void)state;
	strcpy(request + head, EVENT);
	for (int i = 1; i <= 20; i++) {
		put(fd, request, strlen(request));
		assert_int_equal(take(fd), 200);
		assert_int_equal(kernel.appended, i);
	}
	/* Two at once: answered in order. */
	put(fd, request, strlen(request));
	put(fd, request, strlen(request));
	assert_int_equal(take(fd), 200);
	assert_int_equal(take(fd), 200);
	put(fd, "x\r\n\r\n", 5);
	assert_int_equal(take(fd), 400);
	assert_null(strstr(answer, "HTML"));
	close(fd);
}

/* The cap is 16: each newcomer costs whoever has waited longest for nothing. */
static void half_open_connections_lock_nobody_out(void **state)
{
	static const char half[] =
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n";
	int fds[500];

	(void)state;
	for (int i = 0; i < 500; i++) {
		fds[i] = dial();
		if (i % 2)
			put(fds[i], half, sizeof(half) - 1);
		if (i % 50 == 0)
			assert_alive();
	}
	for (int i = 0; i < 10; i++)
		assert_alive();
	/* The oldest are closed, by the cap and not by the clock. */
	assert_int_equal(take(fds[0]), 0);
	for (int i = 0; i < 500; i++)
		close(fds[i]);
	assert_alive();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void slow_clients_are_cut_off(void **state)
{
	static const char head[] =
		"POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
	double begin = now();
	int silent = dial(), slow = dial();
	struct pollfd p = { .fd = slow, .events = POLLIN };

	(void)state;
	/* One byte at a time, each well within a time-out between bytes. */
	for (size_t i = 0; i < sizeof(head) && !poll(&p, 1, TIMEOUT_MS / 10); i++)
		put(slow, head + i, 1);
	assert_true(p.revents);
	assert_int_equal(take(slow), 0);
	assert_int_equal(take(silent), 0);
	assert_true(now() - begin < PATIENCE_SECONDS / 2);
	close(slow);
	close(silent);
	assert_int_equal(kernel.asked, 0);
	assert_alive();
}

static void slow_kernel_does_not_stop_the_loop(void **state)
{
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));
	int fd = dial();

	(void)state;
	strcpy(request + head, EVENT);
	gate_is_shut = true;
	put(fd, request, strlen(request));
	assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	assert_int_equal(post_bytes("{}", 2), 400);
	/* A busy connection is neither timed out nor dropped for the cap. */
	for (int i = 0; i < 3 * CONNECTIONS; i++)
		assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	gate_is_shut = false;
	sem_post(&gate);
	assert_int_equal(take(fd), 200);
	assert_int_equal(kernel.appended, 1);
	close(fd);
}

static void client_may_leave_before_the_answer(void **state)
{
	struct linger reset = { .l_onoff = 1 };
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));

	(void)state;
	strcpy(request + head, EVENT);
	for (int i = 0; i < 8; i++) {
		int fd = dial();

		gate_is_shut = true;
		put(fd, request, strlen(request));
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
		gate_is_shut = false;
		sem_post(&gate);
		/* The post behind it is answered after it. */
		assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 200);
		while (!sem_trywait(&gate))
			;
	}
}

/* Pipelined requests do not run at once, so each event has its own connection. */
static void busy_connections_are_capped(void **state)
{
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));
	struct pollfd last[1] = { { .events = POLLIN } };
	int fds[CONNECTIONS];

	(void)state;
	strcpy(request + head, EVENT);
	gate_is_shut = true;
	for (int i = 0; i < CONNECTIONS - 1; i++) {
		fds[i] = dial();
		put(fds[i], request, strlen(request));
		/* Answered behind it, so it has been read. */
		assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	}
	/* The last one may lose its place to the probe before its request is read. */
	last->fd = dial();
	put(last->fd, request, strlen(request));
	while (ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
		if (poll(last, 1, 0) == 1) {
			close(last->fd);
			last->fd = dial();
			put(last->fd, request, strlen(request));
		}
	}
	fds[CONNECTIONS - 1] = last->fd;
	gate_is_shut = false;
	sem_post(&gate);
	for (int i = 0; i < CONNECTIONS; i++) {
		assert_int_equal(take(fds[i]), 200);
		close(fds[i]);
	}
	assert_int_equal(kernel.appended, CONNECTIONS);
	assert_alive();
}

static void stops_with_requests_in_flight(void **state)
{
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));
	int fds[4];

	(void)state;
	strcpy(request + head, EVENT);
	for (int i = 0; i < 4; i++) {
		fds[i] = dial();
		put(fds[i], request, i < 3 ? strlen(request) : 20);
	}
	assert_int_equal(ask("GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	assert_int_equal(teardown(NULL), 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	assert_int_equal(start(TIMEOUT_MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(event_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_bodies_name_the_field, setup, teardown),
		cmocka_unit_test_setup_teardown(no_body_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(two_megabytes_are_413, setup, teardown),
		cmocka_unit_test_setup_teardown(announced_two_megabytes_are_413, setup, teardown),
		cmocka_unit_test_setup_teardown(largest_body_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(chunked_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(methods_and_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_hosts_are_403, setup, teardown),
		cmocka_unit_test_setup_teardown(smuggling_shapes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_is_400, setup, teardown),
		cmocka_unit_test_setup_teardown(connections_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(half_open_connections_lock_nobody_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(slow_clients_are_cut_off, setup_impatient,
						teardown),
		cmocka_unit_test_setup_teardown(slow_kernel_does_not_stop_the_loop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(client_may_leave_before_the_answer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(busy_connections_are_capped, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_with_requests_in_flight, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
