// SPDX-License-Identifier: Apache-2.0
/* Lines of the log: their form, their levels, and how often. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aaeld.h"
#include "capture.h"

static void one_line_each(void **state)
{
	(void)state;
	capture_begin();
	aaeld_log(AAELD_ERROR, "a\nb\x1b[2Jc %d", 1);
	aaeld_log(AAELD_DEBUG, "not shown");
	aaeld_log_set_level(AAELD_DEBUG);
	aaeld_log(AAELD_DEBUG, "shown");
	aaeld_log_set_level(AAELD_INFO);
	assert_string_equal(capture_end(), "<3>aaeld: a b [2Jc 1\n<7>aaeld: shown\n");
}

static void levels_have_names(void **state)
{
	enum aaeld_level level = AAELD_DEBUG;

	(void)state;
	assert_int_equal(aaeld_log_parse_level("WARN", &level), 0);
	assert_int_equal(level, AAELD_WARNING);
	assert_int_equal(aaeld_log_parse_level("loud", &level), -EINVAL);
	assert_int_equal(level, AAELD_WARNING);
}

static void what_repeats_is_said_once_a_second(void **state)
{
	struct aaeld_log_limit limit = { 0 }, other = { 0 };

	(void)state;
	capture_begin();
	for (int i = 0; i < 5; i++)
		aaeld_log_limited(&limit, AAELD_WARNING, "number %d", i);
	aaeld_log_limited(&other, AAELD_WARNING, "another matter");
	limit.until_ms = 1; /* long ago */
	aaeld_log_limited(&limit, AAELD_WARNING, "number %d", 5);
	aaeld_log_limited(&limit, AAELD_WARNING, "number %d", 6);
	assert_string_equal(capture_end(), "<4>aaeld: number 0\n"
					   "<4>aaeld: another matter\n"
					   "<4>aaeld: number 5 (and 4 more since the last)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_each),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(what_repeats_is_said_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
