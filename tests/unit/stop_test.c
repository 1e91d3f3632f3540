// SPDX-License-Identifier: Apache-2.0
/* The daemon stops: who is still answered, and how long that may take. */
#include "httpserver.h"

/* Each answer says what has become of the event. */
static void stopping_answers_what_is_in_flight(void **state)
{
	char request[1024];
	size_t head = post_head(request, sizeof(request), strlen(EVENT));
	int fds[4], half, measured = 0;

	(void)state;
	strcpy(request + head, EVENT);
	gate_is_shut = true;
	for (int i = 0; i < 4; i++) {
		fds[i] = dial();
		put(fds[i], request, strlen(request));
		/* Answered behind it, so it has been read. */
		assert_int_equal(ask(INFO), 200);
	}
	half = dial();
	put(half, request, 20);
	await(&at_gate);
	assert_int_equal(write(stop_pipe[1], "", 1), 1);
	assert_int_equal(teardown(NULL), 0);
	for (int i = 0; i < 4; i++) {
		int status = take(fds[i]);

		measured += status == 200;
		if (status == 200)
			assert_string_equal(body_of(), TRUE_BODY);
		else if (status != 503 || !strstr(body_of(), "the event was not logged"))
			fail_msg("%d: %s", status, answer);
		assert_int_equal(take(fds[i]), 0);
		close(fds[i]);
	}
	assert_int_equal(measured, kernel.appended);
	assert_true(measured >= 1);
	assert_int_equal(take(half), 0);
	close(half);
	assert_int_equal(setup(NULL), 0);
}

static void stopping_does_not_wait_for_slow_readers(void **state)
{
	double begin = now();
	int fd = dial_and_flood();

	(void)state;
	assert_int_equal(ask(INFO), 200);
	assert_int_equal(teardown(NULL), 0);
	assert_true(now() - begin < PATIENCE_SECONDS / 2);
	close(fd);
	assert_int_equal(setup(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stopping_answers_what_is_in_flight, setup,
						teardown),
		cmocka_unit_test_setup_teardown(stopping_does_not_wait_for_slow_readers,
						setup_small, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
