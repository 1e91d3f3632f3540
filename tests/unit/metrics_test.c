// SPDX-License-Identifier: Apache-2.0
/* GET /metrics, and what counts for it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "fakekernel.h"

static struct fake_kernel kernel;
static struct aaeld_app app;

static int setup(void **state)
{
	(void)state;
	fake_init(&kernel);
	app = (struct aaeld_app){
		.ops = &fake_ops,
		.kernel = &kernel,
		.features = AAELD_F_ALL | AAELD_F_METRICS,
	};
	return 0;
}

static void ask(void)
{
	answer_to(&app, "GET", "/metrics", "");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.type, "text/plain; version=0.0.4; charset=utf-8");
	assert_in_range(strlen(answer.body), 1, sizeof(answer.body) - 2);
}

static bool has_line(const char *line)
{
	const char *found = answer.body;

	while ((found = strstr(found, line))) {
		if ((found == answer.body || found[-1] == '\n') && found[strlen(line)] == '\n')
			return true;
		found++;
	}
	return false;
}

static void assert_line(const char *line)
{
	if (!has_line(line))
		fail_msg("\"%s\" is not in:\n%s", line, answer.body);
}

static void log_is_what_the_kernel_says(void **state)
{
	(void)state;
	kernel.info.bytes = 18446744073709551615ull;
	kernel.info.own_offset = 15;
	kernel.info.max_log_bytes = 4096;
	kernel.info.headroom_bytes = 512;
	kernel.info.violations = 7;
	ask();
	assert_line("# TYPE aael_events_total counter");
	assert_line("aael_events_total 3");
	assert_line("aael_violations_total 7");
	assert_line("# TYPE aael_log_bytes gauge");
	assert_line("aael_log_bytes 18446744073709551615");
	assert_line("aael_log_own_bytes 18446744073709551600");
	assert_line("aael_log_max_bytes 4096");
	assert_line("aael_log_headroom_bytes 512");
	assert_line("aael_build_info{version=\"" AAEL_VERSION "\",provider=\"tpm\"} 1");
	assert_int_equal(kernel.asked, 0);
}

static void one_of_the_states_is_1(void **state)
{
	(void)state;
	kernel.info.health = AAEL_HEALTH_DIVERGED;
	ask();
	assert_line("aael_state{state=\"unsupported\"} 0");
	assert_line("aael_state{state=\"enabled\"} 1");
	assert_line("aael_state{state=\"sealed\"} 0");
	assert_line("aael_health{health=\"consistent\"} 0");
	assert_line("aael_health{health=\"diverged\"} 1");
	assert_line("aael_health{health=\"gone\"} 0");
	/* Of a newer kernel. */
	kernel.info.health = AAEL_HEALTH_GONE + 1;
	ask();
	assert_line("aael_health{health=\"gone\"} 0");
	assert_null(strstr(answer.body, "not known"));
}

static void labels_are_escaped(void **state)
{
	char whole[AAEL_PROVIDER_NAME_BYTES + 1] = { 0 };

	(void)state;
	strcpy(kernel.info.provider, "a\"b\\c\nd");
	ask();
	assert_line("aael_build_info{version=\"" AAEL_VERSION "\",provider=\"a\\\"b\\\\c\\nd\"} 1");
	memset(whole, 'x', AAEL_PROVIDER_NAME_BYTES);
	memcpy(kernel.info.provider, whole, AAEL_PROVIDER_NAME_BYTES);
	ask();
	assert_non_null(strstr(answer.body, whole + 1));
	assert_null(strstr(answer.body, whole));
}

/* Absent, not zero: nothing is known of the log. */
static void without_the_module_there_is_no_log(void **state)
{
	static const int errors[] = { ENXIO, ENOTTY };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		kernel.info_ret = -errors[i];
		ask();
		assert_null(strstr(answer.body, "aael_"));
		assert_line("aaeld_http_requests_total{code=\"200\"} 0");
		assert_line("aaeld_token_duration_seconds_count 0");
	}
}

static void answers_are_counted_by_status(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		aaeld_metrics_answer(&app.metrics, 200);
	aaeld_metrics_answer(&app.metrics, 507);
	aaeld_metrics_answer(&app.metrics, 599);
	aaeld_metrics_answer(&app.metrics, 600);
	aaeld_metrics_answer(&app.metrics, -1);
	ask();
	assert_line("# TYPE aaeld_http_requests_total counter");
	assert_line("aaeld_http_requests_total{code=\"200\"} 3");
	assert_line("aaeld_http_requests_total{code=\"404\"} 0");
	assert_line("aaeld_http_requests_total{code=\"507\"} 1");
	assert_line("aaeld_http_requests_total{code=\"599\"} 1");
	assert_null(strstr(answer.body, "code=\"600\""));
	assert_null(strstr(answer.body, "code=\"418\""));
	assert_line("aaeld_token_failures_total 0");
}

static void handshakes_are_sorted_by_duration(void **state)
{
	static const int64_t durations[] = { 0, 50, 51, 1000, 1001, 50000, 50001 };

	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		aaeld_metrics_token(&app.metrics, true, durations[i]);
	aaeld_metrics_token(&app.metrics, false, 7);
	ask();
	assert_line("# TYPE aaeld_token_duration_seconds histogram");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"0.05\"} 2");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"0.1\"} 3");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"0.5\"} 3");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"1\"} 4");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"2.5\"} 5");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"25\"} 5");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"50\"} 6");
	assert_line("aaeld_token_duration_seconds_bucket{le=\"+Inf\"} 7");
	assert_line("aaeld_token_duration_seconds_sum 102.103");
	assert_line("aaeld_token_duration_seconds_count 7");
	assert_line("aaeld_token_failures_total 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(log_is_what_the_kernel_says, setup),
		cmocka_unit_test_setup(one_of_the_states_is_1, setup),
		cmocka_unit_test_setup(labels_are_escaped, setup),
		cmocka_unit_test_setup(without_the_module_there_is_no_log, setup),
		cmocka_unit_test_setup(answers_are_counted_by_status, setup),
		cmocka_unit_test_setup(handshakes_are_sorted_by_duration, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
