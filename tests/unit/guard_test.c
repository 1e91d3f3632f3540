// SPDX-License-Identifier: Apache-2.0
/* Who may ask, and under which names. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "aaeld.h"

static void hosts(void **state)
{
	static const char *const ours[] = { "localhost",      "LocalHost:8006", "127.0.0.1",
					    "127.0.0.1:8006", "127.255.0.9:1",	"[::1]",
					    "[::1]:65535" };
	static const char *const foreign[] = {
		"",
		"evil.example",
		"evil.example:8006",
		"localhost.evil.example",
		"localhost.",
		"127.0.0.1.evil",
		"128.0.0.1",
		"127.1",
		"127.0.0.1:",
		"127.0.0.1:80x",
		"127.0.0.1:123456",
		"::1",
		"[::1",
		"[::1]x",
		"[::ffff:127.0.0.1]",
		"0x7f.0.0.1",
		"user@127.0.0.1",
		" localhost",
		"localhost 127.0.0.1",
		"[::1]:",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!aaeld_guard_host(ours[i]))
			fail_msg("refused: %s", ours[i]);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (aaeld_guard_host(foreign[i]))
			fail_msg("taken: %s", foreign[i]);
}

static void origins(void **state)
{
	static const char *const ours[] = { "http://localhost", "http://127.0.0.1:8006",
					    "http://[::1]:3000", "HTTP://LOCALHOST:80" };
	static const char *const foreign[] = { "",
					       "null",
					       "http://evil.example",
					       "http://localhost.evil.example",
					       "http://localhost/",
					       "https://localhost",
					       "localhost",
					       "http://",
					       "http:/localhost",
					       "http://localhost http://evil.example",
					       "chrome-extension://localhost" };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!aaeld_guard_origin(ours[i]))
			fail_msg("refused: %s", ours[i]);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (aaeld_guard_origin(foreign[i]))
			fail_msg("taken: %s", foreign[i]);
}

static bool peer4(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	inet_pton(AF_INET, text, &a.sin_addr);
	return aaeld_guard_peer((struct sockaddr *)&a);
}

static bool peer6(const char *text)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	inet_pton(AF_INET6, text, &a.sin6_addr);
	return aaeld_guard_peer((struct sockaddr *)&a);
}

static void peers(void **state)
{
	struct sockaddr local = { .sa_family = AF_UNIX };

	(void)state;
	assert_true(peer4("127.0.0.1"));
	assert_true(peer4("127.9.9.9"));
	assert_false(peer4("10.0.0.1"));
	assert_false(peer4("0.0.0.0"));
	assert_true(peer6("::1"));
	assert_false(peer6("::ffff:127.0.0.1"));
	assert_false(peer6("fe80::1"));
	assert_false(aaeld_guard_peer(&local));
}

static void assert_target(const char *target, const char *path)
{
	int ret = aaeld_guard_target(&target);

	if (ret || strcmp(target, path))
		fail_msg("%s: %d", target, ret);
}

static void assert_bad_target(const char *target, int want)
{
	int ret = aaeld_guard_target(&target);

	if (ret != want)
		fail_msg("%s: %d", target, ret);
}

static void targets(void **state)
{
	(void)state;
	assert_target("/aa/aael?x", "/aa/aael?x");
	assert_target("//evil/aa", "//evil/aa");
	assert_target("http://127.0.0.1:8006/info", "/info");
	assert_target("HTTP://localhost", "/");
	assert_bad_target("http://evil.example/info", -EACCES);
	assert_bad_target("http://user@localhost/info", -EACCES);
	assert_bad_target("https://localhost/info", -EINVAL);
	assert_bad_target("*", -EINVAL);
	assert_bad_target("localhost:80", -EINVAL);
	assert_bad_target("", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(origins),
		cmocka_unit_test(peers),
		cmocka_unit_test(targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
