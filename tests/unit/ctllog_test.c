// SPDX-License-Identifier: Apache-2.0
/* aaelctl log ($AAELCTL): filters, formats, and a reader that has had enough. */
#include <signal.h>
#include <stdbool.h>

#include "ctlrun.h"
#include "logbuild.h"

static const uint16_t sha256[] = { AAEL_ALG_SHA256, 0 };

static char path[] = P_tmpdir "/aaelctl-log.XXXXXX";

static int prepare(void **state)
{
	static struct logbuild l;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	put_header(&l, 0, sha256);
	put_entry(&l, 4, AAEL_EV_SEPARATOR, sha256, "\0\0\0\0", 4);
	for (int i = 1; i <= 300; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%s op nr-%d", i % 100 ? "many" : "few", i);
		put_aael(&l, 14, sha256, text);
	}
	save(path, l.data, l.size);
	return 0;
}

static int tidy(void **state)
{
	(void)state;
	return unlink(path);
}

static void assert_lines(const struct run *r, int count, const char *first)
{
	int lines = 0;

	assert_int_equal(r->code, 0);
	assert_string_equal(r->err, "");
	for (const char *c = r->out; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, count);
	if (first)
		assert_memory_equal(r->out, first, strlen(first));
}

static void filters(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "log", "--log", path, "--domain", "few");
	assert_lines(&r, 3, "100 14 sha256:");
	RUN(&r, "log", "-l", path, "--since", "299");
	assert_lines(&r, 2, "299 14 sha256:");
	RUN(&r, "log", "-l", path, "--last", "4");
	assert_lines(&r, 4, "297 14 sha256:");
	RUN(&r, "log", "-l", path, "-n", "2", "-d", "few", "-s", "200");
	assert_lines(&r, 2, "200 14 sha256:");
	RUN(&r, "log", "-l", path, "--last", "0");
	assert_lines(&r, 0, NULL);
}

static void filters_in_each_format(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "log", "-l", path, "-n", "1", "--format", "jsonl");
	assert_lines(&r, 1, "{\"sequence\":300,\"details\":{\"string\":\"few op nr-300\",");
	RUN(&r, "log", "-l", path, "-n", "1", "--format", "yaml");
	assert_lines(&r, 15, "- sequence: 300\n  details:\n    string: \"few op nr-300\"\n");
	RUN(&r, "log", "-l", path, "-n", "1", "--format", "json");
	assert_lines(&r, 21, "{\n\t\"uefi_event_logs\":\t[{\n\t\t\t\"details\":\t{\n");
	assert_non_null(strstr(r.out, "few op nr-300"));
}

static void a_part_has_no_binary_form(void **state)
{
	static const char *const filter[][2] = { { "-d", "few" }, { "-s", "1" }, { "-n", "999" } };
	struct run r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		RUN(&r, "log", "-l", path, "-f", "tcg2", filter[i][0], filter[i][1]);
		assert_int_equal(r.code, 2);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err, "a part of a log does not replay"));
	}
}

static void numbers_are_numbers(void **state)
{
	static const struct {
		const char *option, *value, *says;
	} rows[] = {
		{ "--since", "0", "\"0\" is not a number from 1 on" },
		{ "--since", "x", "\"x\" is not a number from 1 on" },
		{ "--last", "-1", "\"-1\" is not a number from 0 on" },
		{ "--last", "", "\"\" is not a number from 0 on" },
		{ "--last", "18446744073709551616", "is not a number from 0 on" },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN(&r, "log", "-l", path, rows[i].option, rows[i].value);
		assert_int_equal(r.code, 2);
		assert_non_null(strstr(r.err, rows[i].says));
	}
	RUN(&r, "log", "-l", path, "--last", "18446744073709551615", "-d", "few");
	assert_lines(&r, 3, NULL);
}

/* Standard output is a pipe that nobody reads. @ignored: SIGPIPE is, as services have it. */
static void run_unread(struct run *r, const char *format, bool ignored)
{
	char *argv[] = { getenv("AAELCTL"), "log", "-l", path, "-f", (char *)format, NULL };
	int out[2], status;
	FILE *err = tmpfile();
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	close(out[0]);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
		dup2(out[1], 1);
		dup2(fileno(err), 2);
		execv(argv[0], argv);
		_exit(127);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	r->code = WEXITSTATUS(status);
	slurp(err, r->err, sizeof(r->err));
}

static void head_has_had_enough(void **state)
{
	static const char *const formats[] = { "text", "json", "jsonl", "yaml", "tcg2" };
	struct run r;

	(void)state;
	RUN(&r, "--version");
	for (int i = 0; i < 10; i++) {
		run_unread(&r, formats[i / 2], i % 2);
		assert_string_equal(r.err, "");
		assert_int_equal(r.code, 0);
	}
}

static void a_full_disk_is_said(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "--version");
	setenv("LOG", path, 1);
	assert_int_equal(system("\"$AAELCTL\" log -l $LOG >/dev/full 2>/dev/null"), 3 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(filters_in_each_format),
		cmocka_unit_test(a_part_has_no_binary_form),
		cmocka_unit_test(numbers_are_numbers),
		cmocka_unit_test(head_has_had_enough),
		cmocka_unit_test(a_full_disk_is_said),
	};

	return cmocka_run_group_tests_name("ctllog", tests, prepare, tidy);
}
