// SPDX-License-Identifier: Apache-2.0
/* aaelctl report ($AAELCTL): which page it writes when, and its exit codes, which are verify's. */
#include <stdbool.h>

#include "ctlrun.h"
#include "logbuild.h"

static const uint16_t sha256[] = { AAEL_ALG_SHA256, 0 };

static char folder[] = P_tmpdir "/aaelctl-report.XXXXXX";
static char log_path[64], page_path[64], given[128];
static struct logbuild right;
static char page[32768];
static struct run r;

static void build(struct logbuild *l, const char *content)
{
	char text[64];

	l->size = 0;
	put_header(l, 0, sha256);
	put_entry(l, 4, AAEL_EV_SEPARATOR, sha256, "\0\0\0\0", 4);
	put_aael(l, 14, sha256, "d op first");
	snprintf(text, sizeof(text), "d op %s", content);
	put_aael(l, 14, sha256, text);
}

static int prepare(void **state)
{
	static struct aael_replay replay;
	struct aael_tcg2_error err;
	char hex[65];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	snprintf(page_path, sizeof(page_path), "%s/page", folder);
	build(&right, "second");
	aael_replay_log(&replay, AAEL_RULE_HARDWARE, right.data, right.size, &err);
	aael_hex_encode(aael_replay_value(&replay, 14, AAEL_ALG_SHA256), 32, hex);
	snprintf(given, sizeof(given), "sha256:14=%s", hex);
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	return 0;
}

static int tidy(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(page_path);
	return rmdir(folder);
}

static const char *read_page(void)
{
	FILE *f = fopen(page_path, "r");

	assert_non_null(f);
	slurp(f, page, sizeof(page));
	unlink(page_path);
	return page;
}

static void report(const struct logbuild *l)
{
	save(log_path, l->data, l->size);
	RUN(&r, "report", "--log", log_path, "--register", given, "--output", page_path);
	assert_string_equal(r.out, "");
	read_page();
}

static void has(const char *text)
{
	if (!strstr(page, text))
		fail_msg("\"%s\" is not in %s", text, page);
}

static void a_verified_log(void **state)
{
	(void)state;
	report(&right);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.err, "");
	has("<strong>\u2714 VERIFIED</strong>");
	has("sha256:14: match\n");
	has("<dt>Made</dt><dd>2023-11-14 22:13:20 UTC by aaelctl ");
	has("<dt>Compared with</dt><dd>given values</dd>");
	has("/log</dd>");
}

static void a_tampered_log(void **state)
{
	struct logbuild l;

	(void)state;
	build(&l, "secind");
	report(&l);
	assert_int_equal(r.code, 1);
	has("NOT VERIFIED: IT DOES NOT FIT");
	has("sha256:14: mismatch\n");
	l = right;
	l.data[l.size - 1]++;
	report(&l);
	assert_int_equal(r.code, 1);
	has("NOT VERIFIED: IT DOES NOT FIT");
	has("\nentry 2: a digest is not that of its event\n");
}

static void a_malformed_log(void **state)
{
	struct logbuild l = right;

	(void)state;
	l.size--;
	report(&l);
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "aaelctl report: the log is malformed at byte "));
	has("NOT VERIFIED: MALFORMED");
	has("<td>first</td>");
}

/* Where this test runs there is no such device. */
static void without_a_register(void **state)
{
	(void)state;
	if (!access(AAEL_DEV_PATH, F_OK)) {
		print_message("# skipped: there is a live log\n");
		skip();
	}
	save(log_path, right.data, right.size);
	RUN(&r, "report", "--log", log_path, "--output", page_path);
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl report: /dev/aael does not exist: is the module aael "
				   "loaded?\n");
	read_page();
	has("NOT VERIFIED: NOTHING TO COMPARE WITH");
	has("<dt>Compared with</dt><dd>nothing</dd>");
	RUN(&r, "report", "--log", log_path, "--index", "17", "--output", page_path);
	assert_int_equal(r.code, 3);
	assert_int_equal(access(page_path, F_OK), -1);
	RUN(&r, "report", "--output", page_path);
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl report: /dev/aael does not exist: is the module aael "
				   "loaded?\n");
	assert_int_equal(access(page_path, F_OK), -1);
}

static void nothing_to_show_writes_nothing(void **state)
{
	(void)state;
	RUN(&r, "report", "--log", "/nonexistent", "--register", given, "--output", page_path);
	assert_int_equal(r.code, 3);
	assert_int_equal(access(page_path, F_OK), -1);
	RUN(&r, "report", "--log", "-", "--evidence", "-", "--output", page_path);
	assert_int_equal(r.code, 2);
	RUN(&r, "report", "--against", log_path, "--output", page_path);
	assert_int_equal(r.code, 2);
	RUN(&r, "report", "operand", "--output", page_path);
	assert_int_equal(r.code, 2);
	assert_int_equal(access(page_path, F_OK), -1);
}

static void the_page_on_standard_output_is_the_same(void **state)
{
	(void)state;
	report(&right);
	RUN(&r, "report", "-l", log_path, "-r", given);
	assert_int_equal(r.code, 0);
	assert_memory_equal(r.out, page, strlen(r.out));
	RUN(&r, "report", "-l", log_path, "-r", given, "-o", "/nonexistent/page");
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl report: /nonexistent/page: No such file or "
				   "directory\n");
	RUN(&r, "report", "-l", log_path, "-r", given, "-o", "/dev/full");
	assert_int_equal(r.code, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verified_log),
		cmocka_unit_test(a_tampered_log),
		cmocka_unit_test(a_malformed_log),
		cmocka_unit_test(without_a_register),
		cmocka_unit_test(nothing_to_show_writes_nothing),
		cmocka_unit_test(the_page_on_standard_output_is_the_same),
	};

	return cmocka_run_group_tests_name("ctlreport", tests, prepare, tidy);
}
