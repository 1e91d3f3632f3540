// SPDX-License-Identifier: Apache-2.0
/* evhttp's own error pages, as it writes them, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "aaeld.h"

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static char text[2048];

/* What @out holds then, and the status if it was replaced. */
static int replace(const char *begin, int status, const char *phrase)
{
	struct evbuffer *out = evbuffer_new();
	int replaced, n;

	evbuffer_add_printf(
		out,
		"%sHTTP/1.1 %d %s\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
		"<HTML><HEAD>\n<TITLE>%d %s</TITLE>\n</HEAD><BODY>\n<H1>%s</H1>\n"
		"</BODY></HTML>\n",
		begin, status, phrase, status, phrase, phrase);
	replaced = aaeld_page_replace(out);
	n = evbuffer_copyout(out, text, sizeof(text) - 1);
	text[n] = '\0';
	evbuffer_free(out);
	return replaced;
}

static void assert_page(int status, const char *phrase, const char *message)
{
	char first[128], body[256];

	assert_int_equal(replace("", status, "whatever"), status);
	snprintf(first, sizeof(first), "HTTP/1.1 %d %s\r\n", status, phrase);
	if (strncmp(text, first, strlen(first)))
		fail_msg("%d: %s", status, text);
	snprintf(body, sizeof(body), "\r\n\r\n{\"success\":\"false\",\"message\": \"%s\"}",
		 message);
	if (!strstr(text, body))
		fail_msg("%d: %s", status, text);
	assert_non_null(strstr(text, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(text, "Connection: close\r\n"));
	assert_null(strstr(text, "HTML"));
}

static void each_page_has_words_of_its_own(void **state)
{
	(void)state;
	assert_page(400, "Bad Request", "malformed HTTP request");
	assert_page(413, "Content Too Large", "body: more than 1 MiB, or a malformed chunk");
	assert_page(417, "Expectation Failed", "Expect: only 100-continue");
	assert_page(500, "Internal Server Error", "out of memory");
	assert_page(501, "Not Implemented", "method: CONNECT is not served");
}

static void what_stands_before_it_stays(void **state)
{
	(void)state;
	assert_int_equal(replace(CONTINUE, 413, "Entity Too Large"), 413);
	assert_memory_equal(text, CONTINUE "HTTP/1.1 413 ", strlen(CONTINUE "HTTP/1.1 413 "));
}

static void other_answers_stay(void **state)
{
	struct evbuffer *out = evbuffer_new();
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

	(void)state;
	assert_int_equal(aaeld_page_replace(out), 0);
	evbuffer_add(out, answer, strlen(answer));
	assert_int_equal(aaeld_page_replace(out), 0);
	assert_int_equal(evbuffer_get_length(out), strlen(answer));
	evbuffer_free(out);
	assert_int_equal(replace("x", 400, "Bad Request"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_page_has_words_of_its_own),
		cmocka_unit_test(what_stands_before_it_stays),
		cmocka_unit_test(other_answers_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
