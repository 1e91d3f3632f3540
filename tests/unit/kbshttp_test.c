// SPDX-License-Identifier: Apache-2.0
/* Requests to a KBS: cookies, caps, tries, deadlines and the end of the daemon. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "aaeld.h"

#define LONG_MS 60000
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define ANSWERS_MAX 4
#define SLOW_NAME "slow.example"

/* A KBS: one connection for each answer; NULL: it is silent until the client leaves. */
static struct {
	int fd;
	pthread_t thread;
	const char *answers[ANSWERS_MAX];
	unsigned int count;
	char request[64 * 1024]; /* the last one */
	atomic_uint asked;
	sem_t heard;
} server;

static unsigned int port; /* the server's */
static struct aaeld_kbshttp *http;
static struct aaeld_kbs_answer answer;
static char message[AAEL_KBS_MESSAGE_BYTES], cookie[AAEL_KBS_COOKIE_BYTES];

/* libcurl's resolver is a thread that calls this. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!strcmp(name, SLOW_NAME)) {
		sem_post(&server.heard);
		usleep(LONG_MS * 1000);
		return EAI_AGAIN;
	}
	real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name, service, hints, found);
}

static bool no_library;

void *dlopen(const char *name, int flags)
{
	void *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");

	return real(no_library ? "libmissing.so.4" : name, flags);
}

static bool is_complete(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n"), *size = strstr(request, "Content-Length: ");

	return body && (!size || strlen(body + 4) >= strtoul(size + 16, NULL, 10));
}

static void hear(int fd)
{
	size_t used = 0;
	ssize_t n;

	server.request[0] = '\0';
	while (!is_complete(server.request) && used < sizeof(server.request) - 1) {
		n = read(fd, server.request + used, sizeof(server.request) - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
		server.request[used] = '\0';
	}
	server.asked++;
	sem_post(&server.heard);
}

static void *serve(void *arg)
{
	char rest[4096];

	(void)arg;
	for (unsigned int i = 0; i < server.count; i++) {
		int fd = accept(server.fd, NULL, NULL);

		hear(fd);
		if (server.answers[i]) {
			(void)!write(fd, server.answers[i], strlen(server.answers[i]));
			shutdown(fd, SHUT_WR);
		}
		while (read(fd, rest, sizeof(rest)) > 0)
			;
		close(fd);
	}
	return NULL;
}

/* Serves so many of the answers. */
static void start_as(void *(*as)(void *), unsigned int count, const char *first, const char *second)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	char url[64];

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(server.fd, 8), 0);
	assert_int_equal(getsockname(server.fd, (struct sockaddr *)&at, &size), 0);
	port = ntohs(at.sin_port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", port);
	server.count = count;
	server.answers[0] = first;
	server.answers[1] = second;
	server.asked = 0;
	sem_init(&server.heard, 0, 0);
	http = aaeld_kbshttp_new(url, NULL);
	assert_non_null(http);
	assert_int_equal(pthread_create(&server.thread, NULL, as, NULL), 0);
}

static void start(unsigned int count, const char *first, const char *second)
{
	start_as(serve, count, first, second);
}

static int setup(void **state)
{
	(void)state;
	cookie[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aaeld_kbshttp_free(http);
	pthread_join(server.thread, NULL);
	close(server.fd);
	sem_destroy(&server.heard);
	free(answer.body);
	answer.body = NULL;
	return 0;
}

static struct aaeld_kbs_request request_for(const char *body, int64_t ms)
{
	static struct aael_part parts[2];
	size_t half = body ? strlen(body) / 2 : 0;

	if (body) {
		parts[0] = (struct aael_part){ .data = body, .size = half };
		parts[1] = (struct aael_part){ .data = body + half, .size = strlen(body + half) };
	}
	return (struct aaeld_kbs_request){
		.path = "auth",
		.body = body ? parts : NULL,
		.body_parts = 2,
		.cookie = cookie,
		.deadline_ms = aaeld_now_ms() + ms,
		.answer_max = 100,
	};
}

static int ask(const char *body, int64_t ms)
{
	struct aaeld_kbs_request request = request_for(body, ms);

	free(answer.body);
	return aaeld_kbshttp_ask(http, &request, &answer, message);
}

static int insist(int64_t ms)
{
	struct aaeld_kbs_request request = request_for("{}", ms);

	free(answer.body);
	return aaeld_kbshttp_insist(http, &request, &answer, message);
}

static void assert_heard(const char *words)
{
	if (!strstr(server.request, words))
		fail_msg("\"%s\" is not in \"%s\"", words, server.request);
}

static void cookie_is_kept_and_sent(void **state)
{
	(void)state;
	start(2,
	      "HTTP/1.1 200 OK\r\nset-Cookie: kbs-session-id=abc; Expires=Thu, 01 Jan 1970 "
	      "00:00:00 "
	      "GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	      OK);
	assert_int_equal(ask("{}", LONG_MS), 0);
	assert_string_equal(cookie, "abc");
	assert_heard("POST /x/kbs/v0/auth HTTP/1.1\r\n");
	assert_heard("Content-Type: application/json\r\n");
	assert_null(strstr(server.request, "Cookie"));
	assert_null(answer.body);
	assert_int_equal(ask(NULL, LONG_MS), 0);
	assert_heard("GET /x/kbs/v0/auth HTTP/1.1\r\n");
	assert_heard("Cookie: kbs-session-id=abc\r\n");
	assert_null(strstr(server.request, "Content-Type"));
	assert_string_equal(answer.body, "{}");
}

/* It says so, at once; and it may be installed while we run. */
static void missing_library_is_told(void **state)
{
	(void)state;
	start(1, OK, NULL);
	no_library = true;
	assert_int_equal(ask(NULL, LONG_MS), -ELIBACC);
	assert_non_null(strstr(message, "libmissing.so.4"));
	assert_null(answer.body);
	no_library = false;
	assert_int_equal(ask(NULL, LONG_MS), 0);
}

static void cookie_of_a_proxy_is_not_the_kbs(void **state)
{
	char proxy[64];

	(void)state;
	start(1, "HTTP/1.1 200 OK\r\nSet-Cookie: kbs-session-id=abc\r\n\r\n", NULL);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", port);
	setenv("https_proxy", proxy, 1);
	aaeld_kbshttp_free(http);
	http = aaeld_kbshttp_new("https://kbs.example", NULL);
	assert_int_equal(ask("{}", LONG_MS), -EIO);
	unsetenv("https_proxy");
	assert_heard("CONNECT kbs.example:443 HTTP/1.1\r\n");
	assert_string_equal(cookie, "");
}

/* A KBS that keeps the connection, takes a request on it and leaves; then another connection. */
static void *leave_once(void *arg)
{
	static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
	int fd = accept(server.fd, NULL, NULL);

	(void)arg;
	hear(fd);
	(void)!write(fd, kept, sizeof(kept) - 1);
	hear(fd);
	close(fd);
	return serve(arg);
}

/* Small enough to go with the header, and made while it is sent. */
static void body_is_sent_again_on_another_connection(void **state)
{
	static const size_t sizes[] = { 7, 40000 };
	char *body, end[64];

	for (size_t i = 0; i < 2; i++) {
		body = calloc(1, sizes[i] + 1);
		assert_non_null(body);
		for (size_t at = 0; at < sizes[i]; at++)
			body[at] = (char)('a' + at % 23);
		start_as(leave_once, 1, OK, NULL);
		assert_int_equal(ask("{}", LONG_MS), 0);
		assert_int_equal(ask(body, LONG_MS), 0);
		assert_string_equal(answer.body, "{}");
		snprintf(end, sizeof(end), "Content-Length: %zu\r\n", sizes[i]);
		assert_heard(end);
		assert_string_equal(strstr(server.request, "\r\n\r\n") + 4, body);
		assert_int_equal(server.asked, 3);
		free(body);
		if (!i)
			teardown(state);
	}
}

static void redirect_is_an_answer(void **state)
{
	(void)state;
	start(1,
	      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"
	      "Connection: close\r\n\r\n",
	      NULL);
	assert_int_equal(ask("{}", LONG_MS), 0);
	assert_int_equal(answer.status, 302);
}

static void answer_may_end_with_the_connection(void **state)
{
	(void)state;
	start(1, "HTTP/1.0 200 OK\r\n\r\n{\"a\":1}", NULL);
	assert_int_equal(ask("{}", LONG_MS), 0);
	assert_string_equal(answer.body, "{\"a\":1}");
	assert_int_equal(answer.size, 7);
}

static void answer_is_capped(void **state)
{
	char fits[256], larger[256];

	(void)state;
	snprintf(fits, sizeof(fits), "HTTP/1.0 200 OK\r\n\r\n%0100d", 0);
	snprintf(larger, sizeof(larger), "HTTP/1.0 200 OK\r\n\r\n%0101d", 0);
	start(2, fits, larger);
	assert_int_equal(ask("{}", LONG_MS), 0);
	assert_int_equal(answer.size, 100);
	assert_int_equal(ask("{}", LONG_MS), -EFBIG);
	assert_string_equal(message, "the answer has more than 100 bytes");
	assert_null(answer.body);
}

/* In header lines, before the body and behind it: libcurl keeps them, however many. */
static void header_is_capped(void **state)
{
	static char before[2 * AAELD_KBS_HEADERS_MAX_BYTES], behind[sizeof(before)];
	size_t used, end;

	(void)state;
	used = (size_t)snprintf(before, sizeof(before), "HTTP/1.1 200 OK\r\n");
	end = (size_t)snprintf(behind, sizeof(behind),
			       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	while (used <= AAELD_KBS_HEADERS_MAX_BYTES) {
		used += (size_t)sprintf(before + used, "X: %0100d\r\n", 0);
		end += (size_t)sprintf(behind + end, "X: %0100d\r\n", 0);
	}
	strcat(before, "\r\n");
	strcat(behind, "\r\n");
	start(2, before, behind);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask("{}", LONG_MS), -EFBIG);
		assert_string_equal(message, "the answer's header has more than 65536 bytes");
	}
}

static void trouble_is_tried_again(void **state)
{
	(void)state;
	start(2, BUSY, OK);
	assert_int_equal(insist(LONG_MS), 0);
	assert_int_equal(answer.status, 200);
	assert_int_equal(server.asked, 2);
}

static void no_try_goes_beyond_the_deadline(void **state)
{
	(void)state;
	start(1, BUSY, NULL);
	assert_int_equal(insist(AAELD_KBS_PAUSE_MS - 1), 0);
	assert_int_equal(answer.status, 503);
	assert_int_equal(server.asked, 1);
}

static void silence_ends_with_the_deadline(void **state)
{
	int64_t begin = aaeld_now_ms();

	(void)state;
	start(1, NULL, NULL);
	assert_int_equal(ask("{}", 200), -ETIMEDOUT);
	assert_string_equal(message, "no answer in time");
	assert_in_range(aaeld_now_ms() - begin, 200, LONG_MS / 2);
}

static void *stop_when_heard(void *arg)
{
	(void)arg;
	sem_wait(&server.heard);
	aaeld_kbshttp_stop(http);
	return NULL;
}

/* Both in the middle of a request, and between two. */
static void stop_ends_everything(const char *first)
{
	int64_t begin = aaeld_now_ms();
	pthread_t stopper;

	start(1, first, NULL);
	assert_int_equal(pthread_create(&stopper, NULL, stop_when_heard, NULL), 0);
	assert_int_equal(insist(LONG_MS), -ECANCELED);
	pthread_join(stopper, NULL);
	assert_int_equal(ask("{}", LONG_MS), -ECANCELED);
	assert_in_range(aaeld_now_ms() - begin, 0, LONG_MS / 2);
}

/* As of a DNS server that does not answer. */
static void stop_does_not_wait_for_a_name(void **state)
{
	int64_t begin = aaeld_now_ms();
	pthread_t stopper;

	(void)state;
	start(0, NULL, NULL);
	aaeld_kbshttp_free(http);
	http = aaeld_kbshttp_new("http://" SLOW_NAME "/x", NULL);
	assert_int_equal(ask("{}", 200), -ETIMEDOUT);
	assert_int_equal(pthread_create(&stopper, NULL, stop_when_heard, NULL), 0);
	assert_int_equal(insist(LONG_MS), -ECANCELED);
	pthread_join(stopper, NULL);
	assert_in_range(aaeld_now_ms() - begin, 200, LONG_MS / 2);
}

static void stop_ends_a_request(void **state)
{
	(void)state;
	stop_ends_everything(NULL);
}

static void stop_ends_a_pause(void **state)
{
	(void)state;
	stop_ends_everything(BUSY);
}

static void stop_may_come_before_the_first_request(void **state)
{
	(void)state;
	start(0, NULL, NULL);
	aaeld_kbshttp_stop(http);
	assert_int_equal(ask("{}", LONG_MS), -ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cookie_is_kept_and_sent),
		TEST(missing_library_is_told),
		TEST(cookie_of_a_proxy_is_not_the_kbs),
		TEST(body_is_sent_again_on_another_connection),
		TEST(redirect_is_an_answer),
		TEST(answer_may_end_with_the_connection),
		TEST(answer_is_capped),
		TEST(header_is_capped),
		TEST(trouble_is_tried_again),
		TEST(no_try_goes_beyond_the_deadline),
		TEST(silence_ends_with_the_deadline),
		TEST(stop_does_not_wait_for_a_name),
		TEST(stop_ends_a_request),
		TEST(stop_ends_a_pause),
		TEST(stop_may_come_before_the_first_request),
	};

	/* A proxy of the machine's is none of ours. */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("kbshttp", tests, NULL, NULL);
}
