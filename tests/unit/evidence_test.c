// SPDX-License-Identifier: Apache-2.0
/* GET /aa/evidence without any hardware: requests, kinds, and what is said without a quote. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "fakekernel.h"
#include "libaael.h"

#define TARGET "/aa/evidence?runtime_data="
#define BASE64 "&encoding=base64"
#define SAMPLE(data) "{\"svn\":\"1\",\"report_data\":\"" data "\"}"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct fake_kernel kernel;
static struct aaeld_app app;
static bool queue_is_full;
static int quotes;

static int submit(struct aaeld_app *a, struct aaeld_job *job)
{
	(void)a;
	if (queue_is_full)
		return -EBUSY;
	quotes += job->lane == AAELD_LANE_QUOTES;
	job->run(job);
	job->finish(job);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	fake_init(&kernel);
	strcpy(kernel.info.provider, "soft");
	queue_is_full = false;
	quotes = 0;
	app = (struct aaeld_app){
		.ops = &fake_ops,
		.kernel = &kernel,
		.features = AAELD_F_ALL,
		.allow_sample = true,
		.submit = submit,
	};
	return 0;
}

static void ask(const char *target)
{
	answer_to(&app, "GET", target, "");
}

static void assert_sample(const char *target, const char *body)
{
	ask(target);
	assert_string_equal(answer.body, body);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.type, "application/octet-stream");
}

static void assert_says(int status, const char *part)
{
	if (!strstr(answer.body, part))
		fail_msg("\"%s\" does not say \"%s\"", answer.body, part);
	assert_int_equal(answer.status, status);
	assert_string_equal(answer.type, "text/plain");
}

static void runtime_data_as_text_and_as_base64(void **state)
{
	(void)state;
	assert_sample(TARGET "abc", SAMPLE("YWJj"));
	assert_sample(TARGET, SAMPLE(""));
	assert_sample(TARGET "a%00+", SAMPLE("YQAg"));
	assert_sample(TARGET "%c3%a4", SAMPLE("w6Q="));
	assert_sample(TARGET "_w" BASE64, SAMPLE("/w=="));
	assert_sample(TARGET "%5Fw&encoding=b%61se64", SAMPLE("/w=="));
	assert_sample(TARGET "x&runtime_data=abc", SAMPLE("YWJj"));
	assert_int_equal(quotes, 7);
}

static void sixty_four_bytes_and_no_more(void **state)
{
	(void)state;
	ask(TARGET A64);
	assert_int_equal(answer.status, 200);
	ask(TARGET A64 "a");
	assert_says(400, "runtime_data: more than 64 bytes");
	/* 64 bytes are 86 digits of base64, and a digit more than 64 bytes 87. */
	ask(TARGET A64 "aaaaaaaaaaaaaaaaaaaaaQ" BASE64);
	assert_int_equal(answer.status, 200);
	ask(TARGET A64 "aaaaaaaaaaaaaaaaaaaaaaa" BASE64);
	assert_says(400, "runtime_data: ");
	ask(TARGET A64 A64 BASE64);
	assert_says(400, "runtime_data: more than 64 bytes");
}

static void malformed_requests_never_reach_the_worker(void **state)
{
	static const struct {
		const char *target, *says;
	} wrong[] = {
		{ "/aa/evidence", "runtime_data: missing" },
		{ "/aa/evidence?encoding=base64", "runtime_data: missing" },
		{ TARGET "%", "runtime_data: malformed" },
		{ TARGET "%ff", "runtime_data: not UTF-8" },
		{ TARGET "YQ==" BASE64, "runtime_data: not URL-safe base64 without padding" },
		{ TARGET "Y+" BASE64, "runtime_data: not URL-safe base64" },
		{ TARGET "YR" BASE64, "runtime_data: not URL-safe base64" },
		{ TARGET "YQ&encoding=", "encoding: there is only base64" },
		{ TARGET "YQ&encoding=BASE64", "encoding: there is only base64" },
		{ TARGET "YQ&encoding=base64x", "encoding: there is only base64" },
		{ TARGET "YQ&encoding=%", "encoding: malformed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask(wrong[i].target);
		assert_says(400, wrong[i].says);
	}
	assert_int_equal(quotes, 0);
	assert_int_equal(kernel.informed, 0);
}

static void sample_only_if_allowed(void **state)
{
	(void)state;
	app.allow_sample = false;
	ask(TARGET "abc");
	assert_says(501, "no register");
	/* The module is not there. */
	kernel.info_ret = -ENXIO;
	memset(&kernel.info, 0, sizeof(kernel.info));
	ask(TARGET "abc");
	assert_says(501, "no register");
	app.allow_sample = true;
	assert_sample(TARGET "abc", SAMPLE("YWJj"));
	/* It is, and cannot be asked: then nobody knows which kind it is. */
	kernel.info_ret = -ENOTTY;
	ask(TARGET "abc");
	assert_says(503, "/dev/aael");
}

static void kind_follows_the_provider(void **state)
{
	static const struct {
		const char *provider, *tee;
		bool hardware;
	} kinds[] = {
		{ "tsm-mr", "tdx", true },   { "tdcall", "tdx", true }, { "tpm", "tpm", true },
		{ "soft", "sample", false }, { "", "sample", false },	{ "tp", "sample", false },
		{ "tpm2", "sample", false },
	};
	struct aael_info info = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct aaeld_evidence_ops *ops;

		strcpy(info.provider, kinds[i].provider);
		ops = aaeld_evidence_choose(&info);
		assert_string_equal(ops->tee, kinds[i].tee);
		assert_int_equal(ops->hardware, kinds[i].hardware);
	}
}

/* With a register of hardware there is that hardware's evidence or none. */
static void hardware_that_does_not_answer(void **state)
{
	(void)state;
	setenv("AA_TPM_DEVICE", "/dev/there-is-no-such-tpm", 1);
	setenv("TSS2_LOG", "all+none", 1);
	strcpy(kernel.info.provider, "tpm");
	ask(TARGET "abc");
	assert_says(503, "/dev/there-is-no-such-tpm");
	setenv("AA_TPM_AK_HANDLE", "0x1", 1);
	ask(TARGET "abc");
	assert_says(503, "AA_TPM_AK_HANDLE");
	unsetenv("AA_TPM_AK_HANDLE");
	strcpy(kernel.info.provider, "tsm-mr");
	kernel.snapshot_ret = -ETIMEDOUT;
	ask(TARGET "abc");
	assert_says(503, "snapshot of the log: undecided");
}

static int map_log(void *unused, size_t size, const uint8_t **log)
{
	FILE *f = tmpfile();
	int ret;

	(void)unused;
	for (size_t i = 0; i < size; i++)
		putc((int)i, f);
	fflush(f);
	ret = aael_dev_map_log(fileno(f), size, log);
	fclose(f);
	return ret;
}

static void log_of(size_t bytes, const char *json)
{
	const struct aaeld_kernel_ops ops = { .map_log = map_log };
	const struct aaeld_point to = { .bytes = 8 };
	struct aaeld_evidence e = { .ops = &ops };
	size_t size;
	char *text;
	FILE *out;

	assert_int_equal(aaeld_evidence_map(&e, &to), 0);
	/* Cut once more, of a quote that was repeated. */
	assert_int_equal(aaeld_evidence_map(&e, &to), 0);
	out = aaeld_evidence_begin(&e);
	fputs("{\"quote\":1", out);
	assert_int_equal(aaeld_evidence_end_log(&e, out, bytes), 0);
	text = aael_parts_text(e.json, AAELD_EVIDENCE_PARTS, &size);
	assert_string_equal(text, json);
	free(text);
	aaeld_evidence_free(&e);
	assert_null(e.log);
}

/* In groups of three bytes, of which the mark may share one with the log. */
static void the_log_ends_with_a_mark(void **state)
{
	(void)state;
	log_of(0, "{\"quote\":1,\"cc_eventlog\":null}");
	log_of(1, "{\"quote\":1,\"cc_eventlog\":\"AP//////////\"}");
	log_of(2, "{\"quote\":1,\"cc_eventlog\":\"AAH//////////w==\"}");
	log_of(3, "{\"quote\":1,\"cc_eventlog\":\"AAEC//////////8=\"}");
	log_of(8, "{\"quote\":1,\"cc_eventlog\":\"AAECAwQFBgf//////////w==\"}");
}

static void too_many_at_once(void **state)
{
	(void)state;
	queue_is_full = true;
	ask(TARGET "abc");
	assert_says(503, "too many");
}

static void only_with_the_feature(void **state)
{
	(void)state;
	app.features = AAELD_F_RESOURCE;
	ask(TARGET "abc");
	assert_says(404, "Attestation Feature Not Enabled");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(runtime_data_as_text_and_as_base64, setup),
		cmocka_unit_test_setup(sixty_four_bytes_and_no_more, setup),
		cmocka_unit_test_setup(malformed_requests_never_reach_the_worker, setup),
		cmocka_unit_test_setup(sample_only_if_allowed, setup),
		cmocka_unit_test_setup(kind_follows_the_provider, setup),
		cmocka_unit_test_setup(hardware_that_does_not_answer, setup),
		cmocka_unit_test(the_log_ends_with_a_mark),
		cmocka_unit_test_setup(too_many_at_once, setup),
		cmocka_unit_test_setup(only_with_the_feature, setup),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
