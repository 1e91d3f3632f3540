// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aaeld.h"

static void assert_value(const char *target, const char *want, size_t want_size)
{
	char *value = NULL;
	size_t size = 99;

	if (aaeld_query_get(target, "key", &value, &size))
		fail_msg("%s: not found", target);
	assert_int_equal(size, want_size);
	assert_memory_equal(value, want, size + 1);
	free(value);
}

static void assert_refused(const char *target, int err)
{
	char *value;
	size_t size;

	assert_int_equal(aaeld_query_get(target, "key", &value, &size), err);
}

static void values_are_decoded(void **state)
{
	(void)state;
	assert_value("/a?key=v", "v", 1);
	assert_value("/a?key=", "", 0);
	assert_value("/a?key", "", 0);
	assert_value("/a?key=a+b%20c%2b%2B", "a b c++", 7);
	assert_value("/a?key=a%00b", "a\0b", 3);
	assert_value("/a?key=a=b=", "a=b=", 4);
	assert_value("/a?key=a?b", "a?b", 3);
	assert_value("/a?key=a%26b&c=d", "a&b", 3);
}

static void names_are_decoded_and_whole(void **state)
{
	(void)state;
	assert_value("/a?k%65y=v", "v", 1);
	assert_value("/a?x=1&&=&key=v&y", "v", 1);
	assert_value("/a?%=1&key=v", "v", 1);
	assert_refused("/a", -ENOENT);
	assert_refused("/a?", -ENOENT);
	assert_refused("/a?keys=v", -ENOENT);
	assert_refused("/a?ke=y", -ENOENT);
	assert_refused("/a?KEY=v", -ENOENT);
	assert_refused("/a?key%00=v", -ENOENT);
	assert_refused("/key=v", -ENOENT);
	assert_refused("/a#?key=v", -ENOENT);
	assert_refused("/a?x=1#&key=v", -ENOENT);
}

static void the_last_one_counts(void **state)
{
	(void)state;
	assert_value("/a?key=1&key=2", "2", 1);
	assert_value("/a?key=%&key=2", "2", 1);
	assert_refused("/a?key=2&key=%", -EINVAL);
}

static void escapes_are_whole(void **state)
{
	(void)state;
	assert_refused("/a?key=%", -EINVAL);
	assert_refused("/a?key=%4", -EINVAL);
	assert_refused("/a?key=%4&x", -EINVAL);
	assert_refused("/a?key=%4g", -EINVAL);
	assert_refused("/a?key=%-1", -EINVAL);
	assert_refused("/a?key=% 1", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_decoded),
		cmocka_unit_test(names_are_decoded_and_whole),
		cmocka_unit_test(the_last_one_counts),
		cmocka_unit_test(escapes_are_whole),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
