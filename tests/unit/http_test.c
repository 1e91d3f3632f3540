// SPDX-License-Identifier: Apache-2.0
/* The daemon's whole HTTP side over real sockets; only the kernel is a fake. */
#include "capture.h"
#include "httpserver.h"

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

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

/* What the administrator is told, and never what was in an event. */
static void answers_of_5xx_are_logged(void **state)
{
	(void)state;
	capture_begin();
	kernel.append_ret = -ENOSPC;
	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 507);
	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 507);
	kernel.append_ret = -EACCES;
	assert_int_equal(post_bytes(EVENT, strlen(EVENT)), 403);
	kernel.append_ret = 0;
	capture_end();
	assert_int_equal(capture_count("aaeld: "), 1);
	assert_int_equal(capture_count("<4>aaeld: answered 507: "), 1);
	assert_int_equal(capture_count("the log is full"), 1);
	assert_int_equal(capture_count("test"), 0);
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

/* Answered at once, but a client that sends it all first gets the answer, too. */
static void two_megabytes_are_413(void **state)
{
	size_t size = 2 * 1024 * 1024, head;
	char *body = malloc(size), request[512];
	int fd = dial();

	(void)state;
	memset(body, 'x', size);
	head = post_head(request, sizeof(request), size);
	assert_true(put(fd, request, head));
	assert_true(put(fd, body, size));
	assert_int_equal(take(fd), 413);
	close(fd);
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

/* Before a client that waits for "100 Continue" has sent anything of the body. */
static void announced_length_is_413_at_once(void **state)
{
	static const char *const lengths[] = { "1048577", "2097152", "9223372036854775807",
					       "9223372036854775808", "99999999999999999999" };
	char head[512];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		int n = snprintf(head, sizeof(head),
				 "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n"
				 "Content-Length: %s\r\n\r\n",
				 lengths[i]);

		assert_int_equal(ask_bytes(head, (size_t)n), 413);
		n = snprintf(head, sizeof(head),
			     "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n"
			     "Expect: 100-continue\r\nContent-Length: %s\r\n\r\n",
			     lengths[i]);
		assert_int_equal(ask_bytes(head, (size_t)n), 413);
		assert_memory_equal(answer, "HTTP/1.1 413 ", 13);
	}
	assert_alive();
}

static void smaller_bodies_are_asked_for(void **state)
{
	char request[512];
	int fd = dial();
	int n = snprintf(request, sizeof(request),
			 "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n"
			 "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
			 strlen(EVENT));

	(void)state;
	put(fd, request, (size_t)n);
	assert_true(recv(fd, answer, sizeof(answer), MSG_PEEK) > 0);
	assert_memory_equal(answer, CONTINUE, strlen(CONTINUE));
	assert_int_equal(recv(fd, answer, strlen(CONTINUE), MSG_WAITALL), strlen(CONTINUE));
	put(fd, EVENT, strlen(EVENT));
	assert_int_equal(take(fd), 200);
	assert_int_equal(kernel.appended, 1);
	close(fd);
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

/* A page of another site makes a browser of this machine ask. */
static void pages_of_others_are_403(void **state)
{
	static const char *const origins[] = {
		"Origin: http://evil.example", "Origin: null", "origin: http://localhost.evil",
		"Origin: http://localhost\r\nOrigin: http://evil.example", "Origin:"
	};
	char request[1024];
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++) {
		n = snprintf(request, sizeof(request),
			     "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
			     "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
			     origins[i], strlen(EVENT), EVENT);
		assert_int_equal(ask_bytes(request, (size_t)n), 403);
		assert_non_null(strstr(body_of(), "Origin"));
	}
	assert_int_equal(kernel.asked, 0);
	n = snprintf(request, sizeof(request),
		     "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\n"
		     "Origin: http://localhost:3000\r\nContent-Length: %zu\r\n\r\n%s",
		     strlen(EVENT), EVENT);
	assert_int_equal(ask_bytes(request, (size_t)n), 200);
}

static void targets_that_are_no_path_are_400(void **state)
{
	static const char *const lines[] = { "OPTIONS * HTTP/1.1",
					     "GET https://localhost/info HTTP/1.1",
					     "GET info HTTP/1.1",
					     "GET localhost:8006/info HTTP/1.1" };
	char request[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(request, sizeof(request), "%s\r\nHost: localhost\r\n\r\n", lines[i]);
		assert_int_equal(ask(request), 400);
		assert_string_equal(body_of(), "target: must begin with / or http://");
	}
	assert_int_equal(ask("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 501);
	assert_string_equal(body_of(), "{\"success\":\"false\",\"message\": "
				       "\"method: CONNECT is not served\"}");
	assert_int_equal(ask("OPTIONS /info HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
}

static int hand_over(int domain, int type, bool listening)
{
	struct aaeld_http_options options = { 0 };
	struct event_base *base = event_base_new();
	struct aaeld_http *http = aaeld_http_new(base, &app, &options);
	struct sockaddr any = { .sa_family = (sa_family_t)domain };
	int fd = socket(domain, type | SOCK_CLOEXEC, 0), ret;

	/* Of a Unix socket that is a name of the kernel's choice. */
	assert_int_equal(
		bind(fd, &any,
		     domain == AF_UNIX ? sizeof(any.sa_family) : sizeof(struct sockaddr_in)),
		0);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	ret = aaeld_http_accept(http, fd);
	aaeld_http_stop(http, NULL);
	event_base_free(base);
	return ret;
}

static void only_listening_tcp_sockets_are_taken(void **state)
{
	(void)state;
	capture_begin();
	assert_int_equal(hand_over(AF_UNIX, SOCK_STREAM, true), -EAFNOSUPPORT);
	assert_int_equal(hand_over(AF_INET, SOCK_STREAM, false), -EINVAL);
	assert_int_equal(hand_over(AF_INET, SOCK_DGRAM, false), -EINVAL);
	capture_end();
	assert_int_equal(capture_count("<3>aaeld: "), 3);
	assert_int_equal(capture_count("only a listening TCP socket (IPv4 or IPv6) can be served"),
			 3);
	assert_int_equal(hand_over(AF_INET, SOCK_STREAM, true), 0);
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

/* Also those that no route has seen, each once. */
static void answers_are_counted(void **state)
{
	static const struct {
		int status;
		const char *request;
	} cases[] = {
		{ 200, INFO },
		{ 200, INFO },
		{ 400, "GET /info HTTP/1.1\r\n\r\n" },
		{ 400, "nonsense\r\n\r\n" },
		{ 403, "GET /info HTTP/1.1\r\nHost: evil\r\n\r\n" },
		{ 404, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" },
		{ 405, "HEAD /info HTTP/1.1\r\nHost: localhost\r\n\r\n" },
		{ 413, "POST /aa/aael HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
		       "Content-Length: 1048577\r\n\r\n" },
		{ 501, "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n" },
	};
	int counts[AAELD_STATUS_END] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask(cases[i].request);
		if (!strstr(answer, " ") || atoi(strstr(answer, " ")) != cases[i].status)
			fail_msg("%s%s", cases[i].request, answer);
		counts[cases[i].status]++;
	}
	for (int status = 0; status < AAELD_STATUS_END; status++)
		if (app.metrics.answers[status] != (uint64_t)counts[status])
			fail_msg("%d: %d", status, (int)app.metrics.answers[status]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(event_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_bodies_name_the_field, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_of_5xx_are_logged, setup, teardown),
		cmocka_unit_test_setup_teardown(no_body_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(two_megabytes_are_413, setup, teardown),
		cmocka_unit_test_setup_teardown(announced_two_megabytes_are_413, setup, teardown),
		cmocka_unit_test_setup_teardown(announced_length_is_413_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(smaller_bodies_are_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(largest_body_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(chunked_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(methods_and_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_hosts_are_403, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_others_are_403, setup, teardown),
		cmocka_unit_test_setup_teardown(targets_that_are_no_path_are_400, setup, teardown),
		cmocka_unit_test(only_listening_tcp_sockets_are_taken),
		cmocka_unit_test_setup_teardown(smuggling_shapes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_is_400, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(connections_are_kept, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
