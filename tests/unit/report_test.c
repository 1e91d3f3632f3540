// SPDX-License-Identifier: Apache-2.0
/* A log as a page of HTML: hostile text in it, what it says of the log, its policy. */
#include <errno.h>
#include <stdbool.h>

#include "codec.h"
#include "html.h"
#include "logbuild.h"
#include "report.h"

static const uint16_t sha256[] = { AAEL_ALG_SHA256, 0 };

static struct logbuild l;
static struct aael_replay values;
static struct aael_expected expected;
static struct aael_report report;
static char *page;

static int clear(void **state)
{
	(void)state;
	free(page);
	page = NULL;
	l.size = 0;
	memset(&report, 0, sizeof(report));
	return 0;
}

/* The log as it stands, compared with what it replays to in register 14. */
static const char *render(enum aael_report_verdict verdict)
{
	uint8_t *copy = exact_copy(l.data, l.size);
	struct aael_tcg2_error err;
	size_t size;
	FILE *out;

	aael_replay_log(&values, AAEL_RULE_HARDWARE, copy, l.size, &err);
	expected.reg = 14;
	expected.value.alg = AAEL_ALG_SHA256;
	expected.value.size = 32;
	memcpy(expected.value.value, aael_replay_value(&values, 14, AAEL_ALG_SHA256), 32);
	expected.value.value[0] ^= verdict == AAEL_REPORT_WRONG;
	report.verdict = verdict;
	report.log_name = report.log_name ? report.log_name : "the log";
	report.values_name = "the values";
	report.made = "then by us";
	report.findings = report.findings ? report.findings : "";
	report.log = copy;
	report.size = l.size;
	report.values = &values;
	report.expected = &expected;
	report.expected_count = verdict <= AAEL_REPORT_WRONG;
	free(page);
	out = open_memstream(&page, &size);
	assert_int_equal(aael_report_html(&report, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(page), size);
	free(copy);
	return page;
}

static void has(const char *text)
{
	if (!strstr(page, text))
		fail_msg("\"%s\" is not in %s", text, page);
}

static void lacks(const char *text)
{
	if (strstr(page, text))
		fail_msg("\"%s\" is in %s", text, page);
}

static int times(const char *text)
{
	int n = 0;

	for (const char *p = page; (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* ---- hostile text ----------------------------------------------------------------- */

static void text_is_no_markup(void **state)
{
	static const struct {
		const char *text, *html;
	} rows[] = {
		{ "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
		{ "&lt;\"'", "&amp;lt;&quot;&#39;" },
		{ "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
		{ "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f" },
		{ "\xc2\x85", "\\xc2\\x85" },
		{ "\xff<\xc3", "\\xff&lt;\\xc3" },
		{ "\xc0\xbcscript", "\\xc0\\xbcscript" },
		{ "a\xe2\x80\xae"
		  "b",
		  "a\xe2\x9f\xa8U+202E\xe2\x9f\xa9"
		  "b" },
		{ "\xe2\x80\x8b\xef\xbb\xbf\xc2\xad",
		  "\xe2\x9f\xa8U+200B\xe2\x9f\xa9\xe2\x9f\xa8U+FEFF\xe2\x9f\xa9"
		  "\xe2\x9f\xa8U+00AD\xe2\x9f\xa9" },
		{ "\xe2\x81\xa6\xe2\x80\xa8\xf3\xa0\x81\xa1",
		  "\xe2\x9f\xa8U+2066\xe2\x9f\xa9\xe2\x9f\xa8U+2028\xe2\x9f\xa9"
		  "\xe2\x9f\xa8U+E0061\xe2\x9f\xa9" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text), size;
		uint8_t *copy = exact_copy((const uint8_t *)rows[i].text, n);
		FILE *out;

		free(page);
		out = open_memstream(&page, &size);
		html_put(out, copy, n);
		fclose(out);
		free(copy);
		assert_string_equal(page, rows[i].html);
	}
}

/* Every place that shows something of the log or of the caller. */
static void no_field_is_markup(void **state)
{
	static const char evil[] = "<b\"'\x1b\xe2\x80\xae>";
	int tags;

	(void)state;
	put_header(&l, 0, sha256);
	put_entry(&l, 4, 0x0d, sha256, "text", 4);
	put_aael(&l, 14, sha256, "d o c");
	put_aael(&l, 14, sha256, "nofields");
	render(AAEL_REPORT_WRONG);
	tags = times("<");
	l.size = 0;
	put_header(&l, 0, sha256);
	put_entry(&l, 4, 0x0d, sha256, evil, sizeof(evil) - 1);
	put_aael(&l, 14, sha256, "<b\"'\x1b> <b\"'\x1b> <b\"'\x1b>");
	put_aael(&l, 14, sha256, evil);
	report.log_name = evil;
	report.findings = evil;
	render(AAEL_REPORT_WRONG);
	/* A heading and a list of findings are new. */
	assert_int_equal(times("<"), tags + 4);
	lacks("<b\"");
	lacks("\x1b");
	lacks("\xe2\x80\xae");
	assert_int_equal(times("&lt;b&quot;&#39;\\x1b"), 7);
}

/* ---- what it says ----------------------------------------------------------------- */

static void build_both(void)
{
	put_header(&l, 0, sha256);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, sha256, "\0\0\0\0", 4);
	put_aael(&l, 14, sha256, "example.org/a first one");
	put_entry(&l, 5, 0x0d, sha256, "fw-text", 7);
	put_aael(&l, 14, sha256, "example.org/a second two");
}

static void each_verdict_has_its_words(void **state)
{
	static const char *const words[] = {
		[AAEL_REPORT_VERIFIED] = "<strong>\u2714 VERIFIED</strong>",
		[AAEL_REPORT_WRONG] = "<strong>\u2718 NOT VERIFIED: IT DOES NOT FIT</strong>",
		[AAEL_REPORT_UNCOMPARED] =
			"<strong>? NOT VERIFIED: NOTHING TO COMPARE WITH</strong>",
		[AAEL_REPORT_MALFORMED] = "<strong>\u2718 NOT VERIFIED: MALFORMED</strong>",
	};

	(void)state;
	build_both();
	for (int i = 0; i < 4; i++) {
		render((enum aael_report_verdict)i);
		for (int j = 0; j < 4; j++)
			assert_int_equal(times(words[j]), i == j);
		has("No signature was checked");
		has("then by us");
	}
}

static void boot_and_runtime_stand_apart(void **state)
{
	const char *runtime, *boot;

	(void)state;
	build_both();
	render(AAEL_REPORT_VERIFIED);
	runtime = strstr(page, "<h2 id=\"runtime\">");
	boot = strstr(page, "<h2 id=\"boot\">");
	assert_true(runtime && boot && runtime < boot);
	assert_in_range((uintptr_t)strstr(page, "<td>first</td><td>one</td>"), (uintptr_t)runtime,
			(uintptr_t)boot);
	assert_in_range((uintptr_t)strstr(page, "<td>second</td><td>two</td>"), (uintptr_t)runtime,
			(uintptr_t)boot);
	assert_true(strstr(page, "<td>EV_SEPARATOR</td>") > boot);
	assert_int_equal(times("<td>example.org/a</td>"), 2);
	/* Each by its number: among ours, and in the whole log, as verify names them. */
	has("<tr><th scope=\"row\">2</th><td>14</td><td>example.org/a</td><td>second</td>");
	has("<tr><th scope=\"row\">3</th><td>5</td><td>EV_IPL</td><td>fw-text</td>");
}

static void registers_match_or_not_or_are_not_compared(void **state)
{
	(void)state;
	build_both();
	render(AAEL_REPORT_VERIFIED);
	assert_int_equal(times("<td>match</td>"), 1);
	assert_int_equal(times("<td>MISMATCH</td>"), 0);
	assert_int_equal(times("<td>not compared</td>"), 2);
	has("Not compared with anything: register 4, 5.");
	render(AAEL_REPORT_WRONG);
	assert_int_equal(times("<td>match</td>"), 0);
	has("<tr class=\"wrong\"><th scope=\"row\">14</th><td class=\"name\">sha256</td>");
	assert_int_equal(times("<td>MISMATCH</td>"), 1);
	render(AAEL_REPORT_UNCOMPARED);
	assert_int_equal(times("<td>not compared</td>"), 3);
}

static void a_wrong_entry_is_marked(void **state)
{
	(void)state;
	build_both();
	l.data[l.size - 1]++;
	render(AAEL_REPORT_WRONG);
	has("<tr class=\"wrong\"><th scope=\"row\">2</th><td>14</td>");
	assert_int_equal(times("<td>WRONG: a digest is not that of its event</td>"), 1);
	assert_int_equal(times("<td>nothing found</td>"), 1);
}

static void a_malformed_log_is_shown_as_far_as_it_goes(void **state)
{
	(void)state;
	build_both();
	put_aael(&l, 14, sha256, "example.org/a third three");
	l.size--;
	render(AAEL_REPORT_MALFORMED);
	has("<td>second</td><td>two</td>");
	lacks("<td>third</td>");
	has("The log is malformed at byte ");
	l.size = 3;
	render(AAEL_REPORT_MALFORMED);
	has("The log is malformed at byte 0");
	/* None at all. */
	l.size = 0;
	render(AAEL_REPORT_UNCOMPARED);
	lacks("malformed at");
}

static void equal_logs_make_equal_pages(void **state)
{
	char *first;

	(void)state;
	build_both();
	first = strdup(render(AAEL_REPORT_VERIFIED));
	assert_string_equal(render(AAEL_REPORT_VERIFIED), first);
	free(first);
}

/* ---- policy ----------------------------------------------------------------------- */

static void the_policy_allows_just_what_is_inline(void **state)
{
	static const struct {
		const char *directive, *tag;
	} rows[] = { { "style-src", "style" }, { "script-src", "script" } };

	(void)state;
	build_both();
	render(AAEL_REPORT_VERIFIED);
	has("\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; "
	    "form-action 'none'; style-src 'sha256-");
	lacks("unsafe");
	lacks("http:");
	lacks("https:");
	lacks(" src=");
	lacks("style=\"");
	for (int i = 0; i < 2; i++) {
		char open[16], close[16], want[128], text[64];
		uint8_t hash[AAEL_DIGEST_MAX_BYTES];
		const char *begin, *end;

		snprintf(open, sizeof(open), "<%s>", rows[i].tag);
		snprintf(close, sizeof(close), "</%s>", rows[i].tag);
		assert_int_equal(times(open), 1);
		assert_int_equal(times(close), 1);
		begin = strstr(page, open) + strlen(open);
		end = strstr(begin, close);
		assert_int_equal(
			aael_alg_hash(AAEL_ALG_SHA256, begin, (size_t)(end - begin), "", 0, hash),
			32);
		aael_base64_encode(hash, 32, text);
		snprintf(want, sizeof(want), "; %s 'sha256-%s'", rows[i].directive, text);
		has(want);
	}
}

static void a_full_disk_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	build_both();
	render(AAEL_REPORT_VERIFIED);
	report.log = l.data;
	assert_int_equal(aael_report_html(&report, full), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(text_is_no_markup, clear),
		cmocka_unit_test_setup(no_field_is_markup, clear),
		cmocka_unit_test_setup(each_verdict_has_its_words, clear),
		cmocka_unit_test_setup(boot_and_runtime_stand_apart, clear),
		cmocka_unit_test_setup(registers_match_or_not_or_are_not_compared, clear),
		cmocka_unit_test_setup(a_wrong_entry_is_marked, clear),
		cmocka_unit_test_setup(a_malformed_log_is_shown_as_far_as_it_goes, clear),
		cmocka_unit_test_setup(equal_logs_make_equal_pages, clear),
		cmocka_unit_test_setup(the_policy_allows_just_what_is_inline, clear),
		cmocka_unit_test_setup(a_full_disk_is_an_error, clear),
	};
	int failed = cmocka_run_group_tests_name("report", tests, NULL, NULL);

	clear(NULL);
	return failed;
}
