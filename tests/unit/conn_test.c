// SPDX-License-Identifier: Apache-2.0
/* Connections over real sockets: how many, how long, and how they end. */
#include "capture.h"
#include "httpserver.h"

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

/* All that still come until the connection ends. */
static int count_answers(int fd)
{
	size_t used = 0;
	int count = 0;
	ssize_t n;

	while ((n = recv(fd, answer + used, sizeof(answer) - 1 - used, 0)) > 0) {
		char *p = answer;

		used += (size_t)n;
		answer[used] = '\0';
		for (; (p = strstr(p, "\r\n\r\n{")); p++)
			count++;
		/* The beginning of a mark may be the end of what was read. */
		n = used < 4 ? (ssize_t)used : 4;
		memmove(answer, answer + used - n, (size_t)n);
		used = (size_t)n;
	}
	return count;
}

/* As many as it takes until each place is held by one whose answer is stuck. */
static void slow_readers_lock_nobody_out(void **state)
{
	int fds[3 * CONNECTIONS];

	(void)state;
	for (int i = 0; i < 3 * CONNECTIONS; i++) {
		fds[i] = dial_and_flood();
		assert_int_equal(ask(INFO), 200);
	}
	for (int i = 0; i < 3 * CONNECTIONS; i++)
		close(fds[i]);
	assert_alive();
}

static void slow_readers_are_cut_off(void **state)
{
	int fd = dial_and_flood();
	struct pollfd p = { .fd = fd };
	char byte;

	(void)state;
	/* Each byte well within a time-out between bytes. */
	for (int i = 0; i < 30 && !poll(&p, 1, TIMEOUT_MS / 10); i++)
		if (recv(fd, &byte, 1, 0) != 1)
			break;
	assert_alive();
	assert_in_range(count_answers(fd), 0, FLOOD / 2);
	close(fd);
}

/* Who comes by IPv4 to an IPv6 socket is ::ffff:127.0.0.1, which is not loopback to us. */
static void foreign_peers_are_sent_away_at_once(void **state)
{
	int silent, fd;

	(void)state;
	capture_begin();
	fd = start((struct server){ PATIENCE_SECONDS * 1000, CONNECTIONS, false, "[::]:0" });
	assert_non_null(strstr(capture_end(), "[::]:"));
	assert_int_equal(capture_count("<4>aaeld: "), 1);
	if (fd) {
		print_message("# skipped: no IPv6 here\n");
		teardown(NULL);
		skip();
	}
	silent = dial();
	assert_int_equal(take(silent), 403);
	assert_string_equal(body_of(), "Forbidden");
	assert_int_equal(take(silent), 0);
	close(silent);
	assert_int_equal(ask(INFO), 403);
	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 403);
	assert_int_equal(kernel.asked, 0);
	assert_int_equal(teardown(NULL), 0);
	assert_int_equal(app.metrics.answers[403], 3);
}

/* What comes behind the last answer is read, but not for ever. */
static void who_goes_on_sending_is_cut_off(void **state)
{
	char request[512], block[4096] = "";
	size_t head = post_head(request, sizeof(request), 1ul << 40);
	struct pollfd p = { .fd = dial() };
	double begin = now();

	(void)state;
	put(p.fd, request, head);
	assert_int_equal(take(p.fd), 413);
	assert_int_equal(take(p.fd), 0);
	while (put(p.fd, block, sizeof(block)) && !poll(&p, 1, TIMEOUT_MS / 10))
		assert_true(now() - begin < PATIENCE_SECONDS / 2);
	close(p.fd);
	assert_alive();
}

static void ended_connections_lock_nobody_out(void **state)
{
	char request[512];
	size_t head = post_head(request, sizeof(request), 1ul << 40);
	int fds[3 * CONNECTIONS];

	(void)state;
	for (int i = 0; i < 3 * CONNECTIONS; i++) {
		fds[i] = dial();
		put(fds[i], request, head);
		assert_int_equal(take(fds[i]), 413);
	}
	assert_alive();
	for (int i = 0; i < 3 * CONNECTIONS; i++)
		close(fds[i]);
}

/* What a client sends that takes no answers is not heaped up. */
static void flood_is_not_buffered(void **state)
{
	static char block[64 * 1024];
	size_t sent = 0;
	int fd = dial_and_flood();
	ssize_t n;

	(void)state;
	memset(block, 'x', sizeof(block));
	do {
		n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	} while (n > 0 && sent < 32 * AAELD_BODY_MAX_BYTES);
	assert_in_range(sent, 0, 32 * AAELD_BODY_MAX_BYTES - 1);
	close(fd);
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
	assert_int_equal(ask(INFO), 200);
	assert_int_equal(post_bytes("{}", 2), 400);
	/* A busy connection is neither timed out nor dropped for the cap. */
	for (int i = 0; i < 3 * CONNECTIONS; i++)
		assert_int_equal(ask(INFO), 200);
	gate_is_shut = false;
	sem_post(&gate);
	assert_int_equal(take(fd), 200);
	assert_int_equal(kernel.appended, 1);
	close(fd);
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* Of a request that waits for the kernel the body is not kept. */
static void waiting_bodies_take_no_memory(void **state)
{
	size_t size = AAELD_BODY_MAX_BYTES, before, head;
	char *request = malloc(size + 512);
	int fds[8];

	(void)state;
	if (!__sanitizer_get_current_allocated_bytes) {
		print_message("# skipped: only with ASan\n");
		skip();
	}
	head = post_head(request, 512, size);
	memset(request + head, ' ', size);
	memcpy(request + head, EVENT, strlen(EVENT));
	assert_int_equal(ask(INFO), 200);
	before = __sanitizer_get_current_allocated_bytes();
	gate_is_shut = true;
	for (int i = 0; i < 8; i++) {
		fds[i] = dial();
		put(fds[i], request, head + size);
		await(&submitted);
	}
	/* The last one may still be looked at, in pieces and as a whole. */
	assert_true(__sanitizer_get_current_allocated_bytes() < before + 4 * size);
	gate_is_shut = false;
	sem_post(&gate);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(take(fds[i]), 200);
		close(fds[i]);
	}
	free(request);
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
		assert_int_equal(ask(INFO), 200);
		gate_is_shut = false;
		sem_post(&gate);
		/* The post behind it is answered after it. */
		assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 200);
		while (!sem_trywait(&gate))
			;
	}
}

static bool soon(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	return !sem_timedwait(sem, &until);
}

/* @count answers that nobody reads, then an event of which the body waits to be asked for. */
static int dial_and_expect(int count)
{
	char head[256];
	int fd = dial_with(1);
	int n = snprintf(head, sizeof(head),
			 "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n"
			 "Expect: 100-continue\r\nContent-Length: %zu\r\n",
			 strlen(EVENT));

	for (int i = 0; i < count; i++)
		put(fd, INFO, strlen(INFO));
	put(fd, head, (size_t)n);
	/* One of these behind each of those. */
	for (int i = 0; i < count; i++)
		assert_int_equal(ask(INFO), 200);
	/* Only now, because it also acknowledges what has come. */
	put(fd, "\r\n", 2);
	assert_int_equal(ask(INFO), 200);
	return fd;
}

/*
 * evhttp notices that a client has left only while it has something to write: here "100
 * Continue", for which there is no room behind just the right number of answers.
 */
static void client_may_leave_before_the_kernel_answers(void **state)
{
	int fd, count = 1;

	(void)state;
	for (;; count++) {
		fd = dial_and_expect(count);
		gate_is_shut = true;
		put(fd, EVENT, strlen(EVENT));
		/* Too many, and the server does not come to the event. */
		if (!soon(&submitted))
			break;
		/* With answers unread that is a reset. */
		close(fd);
		assert_int_equal(ask(INFO), 200);
		gate_is_shut = false;
		sem_post(&gate);
		/* Answered behind it. */
		assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 200);
		await(&submitted);
		while (!sem_trywait(&gate))
			;
	}
	close(fd);
	assert_true(count > 1);
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
		assert_int_equal(ask(INFO), 200);
	}
	/* The last one may lose its place to the probe before its request is read. */
	last->fd = dial();
	put(last->fd, request, strlen(request));
	while (ask(INFO)) {
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

/* One is with the kernel, the others wait for it: there is still room for questions. */
static void full_queue_is_503_and_info_is_answered(void **state)
{
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));
	int fds[AAELD_EVENTS_MAX_JOBS + 1];

	(void)state;
	strcpy(request + head, EVENT);
	gate_is_shut = true;
	for (int i = 0; i <= AAELD_EVENTS_MAX_JOBS; i++) {
		fds[i] = dial();
		put(fds[i], request, strlen(request));
		await(&submitted);
		if (i == 0)
			await(&at_gate);
	}
	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 503);
	assert_non_null(strstr(body_of(), "too many events are waiting"));
	assert_int_equal(ask(INFO), 200);
	gate_is_shut = false;
	sem_post(&gate);
	for (int i = 0; i <= AAELD_EVENTS_MAX_JOBS; i++) {
		assert_int_equal(take(fds[i]), 200);
		close(fds[i]);
	}
	assert_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(half_open_connections_lock_nobody_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(slow_clients_are_cut_off, setup_impatient,
						teardown),
		cmocka_unit_test_setup_teardown(slow_readers_lock_nobody_out, setup_small,
						teardown),
		cmocka_unit_test_setup_teardown(slow_readers_are_cut_off, setup_small_impatient,
						teardown),
		cmocka_unit_test(foreign_peers_are_sent_away_at_once),
		cmocka_unit_test_setup_teardown(who_goes_on_sending_is_cut_off, setup_impatient,
						teardown),
		cmocka_unit_test_setup_teardown(ended_connections_lock_nobody_out, setup, teardown),
		cmocka_unit_test_setup_teardown(flood_is_not_buffered, setup_small_impatient,
						teardown),
		cmocka_unit_test_setup_teardown(slow_kernel_does_not_stop_the_loop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(waiting_bodies_take_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(client_may_leave_before_the_answer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(client_may_leave_before_the_kernel_answers,
						setup_small, teardown),
		cmocka_unit_test_setup_teardown(busy_connections_are_capped, setup, teardown),
		cmocka_unit_test_setup_teardown(full_queue_is_503_and_info_is_answered, setup_full,
						teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
