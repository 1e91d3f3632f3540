// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "capture.h"
#include "fakekernel.h"
#include "libaael.h"

#define TRUE_BODY "{\"success\":\"true\"}"
#define NOT_ENABLED                            \
	"{\"success\":\"false\",\"message\": " \
	"\"Attestation Agent does not enable eventlog recording\"}"
#define NOT_SUPPORTED                          \
	"{\"success\":\"false\",\"message\": " \
	"\"The platform does not support runtime measurement\"}"
#define EVENT "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c c\"}"

static struct fake_kernel kernel;
static struct aaeld_app app;
static bool queue_is_full;
static struct aaeld_job **stalled; /* where a job is put that is not to run yet */

static int submit(struct aaeld_app *a, struct aaeld_job *job)
{
	(void)a;
	if (queue_is_full)
		return -EBUSY;
	if (stalled) {
		*stalled = job;
		return 0;
	}
	job->run(job);
	job->finish(job);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	fake_init(&kernel);
	queue_is_full = false;
	stalled = NULL;
	app = (struct aaeld_app){
		.ops = &fake_ops,
		.kernel = &kernel,
		.features = AAELD_F_ALL,
		.enable_eventlog = true,
		.submit = submit,
	};
	return 0;
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void ask(const char *method, const char *target, const char *body)
{
	answer_to(&app, method, target, body);
}

static void assert_answer(int status, const char *type, const char *body)
{
	assert_string_equal(answer.body, body);
	assert_int_equal(answer.status, status);
	assert_string_equal(answer.type, type);
}

/* 400 naming the field, and nothing reaches the kernel. */
static void assert_bad_event(const char *body, const char *field)
{
	char begin[128];
	int before = kernel.asked;

	ask("POST", "/aa/aael", body);
	snprintf(begin, sizeof(begin), "{\"success\":\"false\",\"message\": \"%s: ", field);
	if (strncmp(answer.body, begin, strlen(begin)))
		fail_msg("%s: \"%s\" does not name %s", body, answer.body, field);
	assert_int_equal(answer.status, 400);
	assert_string_equal(answer.type, "application/json");
	assert_int_equal(kernel.asked, before);
}

static void event_is_appended(void **state)
{
	(void)state;
	ask("POST", "/aa/aael", EVENT);
	assert_answer(200, "application/json", TRUE_BODY);
	assert_int_equal(kernel.appended, 1);
	assert_string_equal(kernel.domain, "d");
	assert_string_equal(kernel.operation, "o");
	assert_string_equal(kernel.content, "c c");
	assert_int_equal(kernel.index, AAEL_INDEX_DEFAULT);
}

/* The queue is not for those who need not wait. */
static void event_that_need_not_wait_is_appended_at_once(void **state)
{
	(void)state;
	kernel.prompt = queue_is_full = true;
	ask("POST", "/aa/aael", EVENT);
	assert_answer(200, "application/json", TRUE_BODY);
	assert_int_equal(kernel.asked, 1);
	assert_string_equal(kernel.content, "c c");
	kernel.append_ret = -ENOSPC;
	ask("POST", "/aa/aael", EVENT);
	assert_int_equal(answer.status, 507);
	assert_int_equal(kernel.asked, 2);
	kernel.prompt = false;
	ask("POST", "/aa/aael", EVENT);
	assert_int_equal(answer.status, 503);
	assert_int_equal(kernel.asked, 2);
}

static void register_index_is_passed_on(void **state)
{
	(void)state;
	ask("POST", "/aa/aael?x",
	    "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_index\":18}");
	assert_answer(200, "application/json", TRUE_BODY);
	assert_int_equal(kernel.index, 18);
	ask("POST", "/aa/aael",
	    "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_index\":\"19\"}");
	assert_int_equal(kernel.index, 19);
	ask("POST", "/aa/aael",
	    "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_index\":null,"
	    "\"once\":"
	    "false,\"unknown\":[]}");
	assert_answer(200, "application/json", TRUE_BODY);
	assert_int_equal(kernel.index, AAEL_INDEX_DEFAULT);
}

static void once_is_passed_on(void **state)
{
	static const char body[] =
		"{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"once\":true}";

	(void)state;
	ask("POST", "/aa/aael", EVENT);
	assert_false(kernel.once);
	ask("POST", "/aa/aael", body);
	assert_answer(200, "application/json", TRUE_BODY);
	assert_true(kernel.once);
	kernel.append_ret = -EEXIST;
	kernel.sequence = 18446744073709551615ull;
	ask("POST", "/aa/aael", body);
	assert_answer(
		409, "application/json",
		"{\"success\":\"false\",\"message\": \"once: entry 18446744073709551615 has this "
		"domain and operation with other content\"}");
	ask("POST", "/aa/aael",
	    "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"once\":null}");
	assert_false(kernel.once);
}

static void bad_events_name_the_field(void **state)
{
	(void)state;
	assert_bad_event("", "body");
	assert_bad_event("[]", "body");
	assert_bad_event("\"x\"", "body");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\"", "body");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c", "content");
	assert_bad_event("{}", "domain");
	assert_bad_event("{\"domain\":\"d\",\"content\":\"c\"}", "operation");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\"}", "content");
	assert_bad_event("{\"Domain\":\"d\",\"operation\":\"o\",\"content\":\"c\"}", "domain");
	assert_bad_event("{\"domain\":1,\"operation\":\"o\",\"content\":\"c\"}", "domain");
	assert_bad_event("{\"domain\":\"d\",\"operation\":[],\"content\":\"c\"}", "operation");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":{}}", "content");
	assert_bad_event(
		"{\"domain\":\"d\",\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\"}",
		"domain");
	assert_bad_event("{\"domain\":\"d d\",\"operation\":\"o\",\"content\":\"c\"}", "domain");
	assert_bad_event("{\"domain\":\"\",\"operation\":\"o\",\"content\":\"c\"}", "domain");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"\xc3\xa9\",\"content\":\"c\"}",
			 "operation");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"\"}", "content");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"a\\nb\"}", "content");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"a\nb\"}", "content");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"a\\u0000b\"}",
			 "content");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"\xff\"}", "content");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"\\u0085\"}",
			 "content");
	assert_bad_event(
		"{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_index\":1.5}",
		"register_index");
	assert_bad_event(
		"{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_index\":-1}",
		"register_index");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_"
			 "index\":4294967295}",
			 "register_index");
	assert_bad_event("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"once\":1}",
			 "once");
}

static void field_sizes(void **state)
{
	size_t size = AAEL_CONTENT_MAX_BYTES + 100;
	char *body = malloc(size + 200), word[300];

	(void)state;
	memset(word, 'w', sizeof(word));
	sprintf(body, "{\"domain\":\"%.255s\",\"operation\":\"%.255s\",\"content\":\"c\"}", word,
		word);
	ask("POST", "/aa/aael", body);
	assert_answer(200, "application/json", TRUE_BODY);
	sprintf(body, "{\"domain\":\"%.256s\",\"operation\":\"o\",\"content\":\"c\"}", word);
	assert_bad_event(body, "domain");
	sprintf(body, "{\"domain\":\"d\",\"operation\":\"%.256s\",\"content\":\"c\"}", word);
	assert_bad_event(body, "operation");
	for (size_t n = AAEL_CONTENT_MAX_BYTES; n <= AAEL_CONTENT_MAX_BYTES + 1; n++) {
		int used = sprintf(body, "{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"");

		memset(body + used, 'x', n);
		strcpy(body + used + n, "\"}");
		if (n > AAEL_CONTENT_MAX_BYTES) {
			assert_bad_event(body, "content");
		} else {
			ask("POST", "/aa/aael", body);
			assert_answer(200, "application/json", TRUE_BODY);
		}
	}
	free(body);
}

static void assert_errno(int err, int status, const char *body, const char *words)
{
	kernel.append_ret = -err;
	ask("POST", "/aa/aael", body);
	assert_int_equal(answer.status, status);
	assert_string_equal(answer.type, "application/json");
	assert_non_null(strstr(answer.body, "{\"success\":\"false\",\"message\": \""));
	if (!strstr(answer.body, words))
		fail_msg("%s: \"%s\" does not say \"%s\"", strerror(err), answer.body, words);
	assert_int_equal(kernel.appended, 0);
}

static void every_errno_has_its_answer(void **state)
{
	static const char indexed[] =
		"{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c\",\"register_index\":8}";

	(void)state;
	assert_errno(EACCES, 403, EVENT, "domain: reserved");
	assert_errno(EPERM, 403, indexed, "register_index: 8 is reserved");
	assert_errno(EPERM, 403, EVENT, "register");
	assert_errno(EINVAL, 400, indexed, "register_index: there is no index 8");
	assert_errno(EINVAL, 400, EVENT, "event: ");
	assert_errno(E2BIG, 400, EVENT, "too long");
	assert_errno(EILSEQ, 400, EVENT, "content: ");
	assert_errno(ENOSPC, 507, EVENT, "full");
	assert_errno(EDQUOT, 507, EVENT, "full");
	assert_errno(EBUSY, 503, EVENT, "suspended");
	assert_errno(EAGAIN, 503, EVENT, "another event");
	assert_errno(EINTR, 503, EVENT, "interrupted");
	assert_errno(ENODEV, 503, EVENT, "gone");
	assert_errno(ESHUTDOWN, 503, EVENT, "sealed");
	/* A register that has diverged was extended all the same. */
	assert_errno(EIO, 500, EVENT, "the event was not logged; GET /info shows the log's health");
	assert_errno(ENOMEM, 500, EVENT, "no memory");
	assert_errno(ENOTTY, 500, EVENT, "/dev/aael");
	assert_errno(EFAULT, 500, EVENT, "not logged");
	kernel.sequence = 18446744073709551615ull;
	assert_errno(ETIMEDOUT, 503, EVENT,
		     ",\"undecided\":true,\"sequence\":\"18446744073709551615\"}");
}

static void the_two_false_answers(void **state)
{
	static const int unsupported[] = { EOPNOTSUPP, ENXIO };

	(void)state;
	kernel.append_ret = -ENOTCONN;
	ask("POST", "/aa/aael", EVENT);
	assert_answer(200, "application/json", NOT_ENABLED);
	for (size_t i = 0; i < 2; i++) {
		kernel.append_ret = -unsupported[i];
		app.enable_eventlog = true;
		ask("POST", "/aa/aael", EVENT);
		assert_answer(200, "application/json", NOT_SUPPORTED);
		/* Neither enabled nor supported: the first wins. */
		app.enable_eventlog = false;
		ask("POST", "/aa/aael", EVENT);
		assert_answer(200, "application/json", NOT_ENABLED);
	}
	/* What is malformed is so wherever it is sent. */
	assert_bad_event("{}", "domain");
}

static void disabled_log_is_said_once_if_it_is_wanted(void **state)
{
	(void)state;
	kernel.append_ret = -ENOTCONN;
	capture_begin();
	app.enable_eventlog = false;
	ask("POST", "/aa/aael", EVENT);
	assert_string_equal(capture_end(), "");
	app.enable_eventlog = true;
	capture_begin();
	ask("POST", "/aa/aael", EVENT);
	ask("POST", "/aa/aael", EVENT);
	capture_end();
	assert_int_equal(capture_count("<4>aaeld: "), 1);
	assert_int_equal(capture_count("aaelctl enable"), 1);
	assert_answer(200, "application/json", NOT_ENABLED);
}

static void full_queue_is_503(void **state)
{
	(void)state;
	queue_is_full = true;
	ask("POST", "/aa/aael", EVENT);
	assert_int_equal(answer.status, 503);
	assert_int_equal(kernel.asked, 0);
}

/* While it waits an event is as large as its fields, whatever stood beside them. */
static void waiting_events_are_small(void **state)
{
	struct aaeld_job *job = NULL;
	struct aaeld_request request = { .method = "POST", .target = "/aa/aael" };
	char *body;
	FILE *f = open_memstream(&body, &request.body_size);
	size_t before;

	(void)state;
	if (!__sanitizer_get_current_allocated_bytes) {
		print_message("# skipped: only with ASan\n");
		skip();
	}
	fputs("{\"domain\":\"d\",\"operation\":\"o\",\"content\":\"c c\",\"x\":[0", f);
	for (int i = 0; i < 5000; i++)
		fputs(",0", f);
	fputs("]}", f);
	fclose(f);
	request.body = body;
	stalled = &job;
	before = __sanitizer_get_current_allocated_bytes();
	answer = (struct answer){ .call.done = answer_done };
	aaeld_routes_dispatch(&app, &request, &answer.call);
	assert_non_null(job);
	assert_in_range(__sanitizer_get_current_allocated_bytes() - before, 1, 4096);
	free(body);
	job->run(job);
	job->finish(job);
	assert_answer(200, "application/json", TRUE_BODY);
	assert_string_equal(kernel.content, "c c");
}

static void paths_and_methods(void **state)
{
	static const char *const unknown[] = {
		"/",	      "/aa",	"/aa/aael/",  "/aa/aaelx",     "/aa//aael",
		"/aa/%61ael", "/info/", "/aa/tokens", "/cdh/resource", "/cdh/resources/a/b/c"
	};
	static const char *const methods[] = { "GET", "HEAD", "other" };

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		ask("GET", unknown[i], "");
		assert_answer(404, "text/plain", "URL NOT FOUND");
	}
	for (size_t i = 0; i < 3; i++) {
		ask(methods[i], "/aa/aael", "");
		assert_answer(405, "text/plain", "Method Not Allowed");
		assert_string_equal(answer.allow, "POST");
	}
	ask("POST", "/aa/token", "");
	assert_string_equal(answer.allow, "GET");
	ask("POST", "/cdh/resource/a/b/c", "");
	assert_string_equal(answer.allow, "GET");
	ask("POST", "/info", "");
	assert_answer(405, "text/plain", "Method Not Allowed");
	assert_string_equal(answer.allow, "GET");
	ask("HEAD", "/info?x", "");
	assert_int_equal(answer.status, 405);
}

static void there_is_no_additional_evidence(void **state)
{
	(void)state;
	ask("GET", "/aa/additional-evidence?runtime_data=abc", "");
	assert_answer(200, "application/octet-stream", "");
	ask("GET", "/aa/additional-evidence", "");
	assert_answer(400, "text/plain", "runtime_data: missing");
}

static void what_is_off_is_404(void **state)
{
	(void)state;
	app.features = AAELD_F_RESOURCE;
	ask("POST", "/aa/aael", EVENT);
	assert_answer(404, "text/plain", "Attestation Feature Not Enabled");
	ask("GET", "/aa/aael", "");
	assert_answer(404, "text/plain", "Attestation Feature Not Enabled");
	assert_int_equal(kernel.asked, 0);
	app.features = AAELD_F_ATTESTATION;
	ask("GET", "/cdh/resource/a/b/c", "");
	assert_answer(404, "text/plain", "Resource Feature Not Enabled");
	ask("POST", "/aa/aael", EVENT);
	assert_answer(200, "application/json", TRUE_BODY);
}

static void metrics_are_off_unless_asked_for(void **state)
{
	static const char *const methods[] = { "GET", "POST", "HEAD" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ask(methods[i], "/metrics", "");
		assert_answer(404, "text/plain", "URL NOT FOUND");
	}
	assert_int_equal(kernel.informed, 0);
	app.features = AAELD_F_RESOURCE | AAELD_F_METRICS;
	ask("GET", "/metrics?x", "");
	assert_int_equal(answer.status, 200);
	ask("POST", "/metrics", "");
	assert_answer(405, "text/plain", "Method Not Allowed");
	assert_string_equal(answer.allow, "GET");
	ask("GET", "/metrics/", "");
	assert_answer(404, "text/plain", "URL NOT FOUND");
	ask("GET", "/info", "");
	assert_non_null(strstr(answer.body, "\"feature\":\"resource\""));
}

static void assert_info(const char *words)
{
	ask("GET", "/info", "");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.type, "application/json");
	if (!strstr(answer.body, words))
		fail_msg("\"%s\" does not say \"%s\"", answer.body, words);
}

static void info_says_what_the_log_is(void **state)
{
	(void)state;
	ask("GET", "/info", "");
	assert_answer(200, "application/json",
		      "{\"version\":\"aaeld " AAEL_VERSION "\",\"tee\":\"tpm\",\"feature\":\"all\","
		      "\"aael\":{\"state\":\"enabled\",\"health\":\"consistent\",\"count\":3,"
		      "\"provider\":\"tpm\",\"register\":14,\"algorithms\":[]}}");
	kernel.info.alg_count = 2;
	kernel.info.algs[0] = AAEL_ALG_SHA256;
	kernel.info.algs[1] = AAEL_ALG_SHA384;
	assert_info("\"register\":14,\"algorithms\":[\"sha256\",\"sha384\"]}");
	kernel.info.state = AAEL_STATE_DISABLED;
	assert_info("\"provider\":\"tpm\",\"algorithms\":");
	kernel.info.state = AAEL_STATE_ENABLED;
	strcpy(kernel.info.provider, "tsm-mr");
	assert_info("\"tee\":\"tdx\"");
	strcpy(kernel.info.provider, "tdcall");
	assert_info("\"tee\":\"tdx\"");
	strcpy(kernel.info.provider, "soft");
	kernel.info.flags = AAEL_INFO_F_SOFT;
	assert_info("\"tee\":\"sample\"");
	assert_info("\"warning\":\"SOFT PROVIDER");
	kernel.info.health = AAEL_HEALTH_DIVERGED;
	assert_info("\"health\":\"diverged\"");
	app.features = AAELD_F_RESOURCE;
	ask("GET", "/info", "");
	assert_null(strstr(answer.body, "\"tee\""));
	assert_info("\"feature\":\"resource\"");
	fake_init(&kernel);
	kernel.info.provider[0] = '\0';
	kernel.info_ret = -ENXIO;
	app.features = AAELD_F_ALL;
	assert_info("\"tee\":\"sample\",\"feature\":\"all\",\"aael\":{\"state\":\"absent\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(event_is_appended, setup),
		cmocka_unit_test_setup(event_that_need_not_wait_is_appended_at_once, setup),
		cmocka_unit_test_setup(register_index_is_passed_on, setup),
		cmocka_unit_test_setup(once_is_passed_on, setup),
		cmocka_unit_test_setup(bad_events_name_the_field, setup),
		cmocka_unit_test_setup(field_sizes, setup),
		cmocka_unit_test_setup(every_errno_has_its_answer, setup),
		cmocka_unit_test_setup(the_two_false_answers, setup),
		cmocka_unit_test_setup(disabled_log_is_said_once_if_it_is_wanted, setup),
		cmocka_unit_test_setup(full_queue_is_503, setup),
		cmocka_unit_test_setup(waiting_events_are_small, setup),
		cmocka_unit_test_setup(paths_and_methods, setup),
		cmocka_unit_test_setup(there_is_no_additional_evidence, setup),
		cmocka_unit_test_setup(what_is_off_is_404, setup),
		cmocka_unit_test_setup(metrics_are_off_unless_asked_for, setup),
		cmocka_unit_test_setup(info_says_what_the_log_is, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
