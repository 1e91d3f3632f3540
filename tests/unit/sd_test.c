// SPDX-License-Identifier: Apache-2.0
/* What the service manager is told, and how often. */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "aaeld.h"

#define WAIT_SECONDS 10

static int manager = -1;

/* A service manager's socket, abstract and of a name that the kernel chooses. */
static int setup(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(sa_family_t);
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	char name[sizeof(at.sun_path) + 1] = "@";

	(void)state;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(manager, (struct sockaddr *)&at, size))
		return -1;
	size = sizeof(at);
	if (getsockname(manager, (struct sockaddr *)&at, &size))
		return -1;
	memcpy(name + 1, at.sun_path + 1, size - offsetof(struct sockaddr_un, sun_path) - 1);
	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int teardown(void **state)
{
	(void)state;
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static void expect(const char *text)
{
	char message[64] = "";
	ssize_t size = recv(manager, message, sizeof(message) - 1, 0);

	assert_int_equal(size, strlen(text));
	assert_string_equal(message, text);
}

static void the_manager_is_told(void **state)
{
	(void)state;
	assert_int_equal(aaeld_sd_notify("READY=1"), 0);
	expect("READY=1");
}

static void nobody_to_tell_is_no_error(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(aaeld_sd_notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(aaeld_sd_notify("READY=1"), -EINVAL);
}

static uint64_t watchdog(const char *us, const char *pid)
{
	if (us)
		setenv("WATCHDOG_USEC", us, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	return aaeld_sd_watchdog_us();
}

static void the_watchdog_is_asked_for_by_environment(void **state)
{
	char self[16], other[16];

	(void)state;
	snprintf(self, sizeof(self), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getppid());
	assert_int_equal(watchdog(NULL, NULL), 0);
	assert_int_equal(watchdog("30000000", NULL), 30000000);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_int_equal(watchdog("30000000", self), 30000000);
	assert_int_equal(watchdog("30000000", other), 0);
	assert_null(getenv("WATCHDOG_PID"));
	assert_int_equal(watchdog("30000000", ""), 0);
	assert_int_equal(watchdog("-1", NULL), 0);
	assert_int_equal(watchdog("30s", NULL), 0);
	assert_int_equal(watchdog("99999999999999999999", NULL), 0);
}

static void the_loop_feeds_the_watchdog(void **state)
{
	struct event_base *base = event_base_new();
	struct event *tick;

	(void)state;
	setenv("WATCHDOG_USEC", "20000", 1);
	assert_int_equal(aaeld_watchdog_start(base, &tick), 0);
	assert_non_null(tick);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
		expect("WATCHDOG=1");
	}
	event_free(tick);
	event_base_free(base);
}

static void twice_in_the_time_allowed(void **state)
{
	struct event_base *base = event_base_new();
	struct timeval now, next;
	struct event *tick;

	(void)state;
	setenv("WATCHDOG_USEC", "30000000", 1);
	event_base_gettimeofday_cached(base, &now);
	assert_int_equal(aaeld_watchdog_start(base, &tick), 0);
	assert_true(event_pending(tick, EV_TIMEOUT, &next));
	assert_in_range(next.tv_sec - now.tv_sec, 14, 20);
	event_free(tick);
	event_base_free(base);
}

static void nobody_watches(void **state)
{
	struct event_base *base = event_base_new();
	struct event *tick = (struct event *)base;

	(void)state;
	assert_int_equal(aaeld_watchdog_start(base, &tick), 0);
	assert_null(tick);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_manager_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_to_tell_is_no_error, setup, teardown),
		cmocka_unit_test_setup_teardown(the_watchdog_is_asked_for_by_environment, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_loop_feeds_the_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(twice_in_the_time_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_watches, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
