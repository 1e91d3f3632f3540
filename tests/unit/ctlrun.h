/* SPDX-License-Identifier: Apache-2.0 */
/* Runs aaelctl ($AAELCTL): exit code, and what went to which stream. */
#ifndef AAEL_TEST_CTLRUN_H
#define AAEL_TEST_CTLRUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct run {
	int code;
	char out[8192];
	size_t out_size;
	char err[4096];
};

static inline size_t slurp(FILE *f, char *to, size_t room)
{
	size_t n;

	rewind(f);
	n = fread(to, 1, room - 1, f);
	to[n] = '\0';
	fclose(f);
	return n;
}

/* Standard input is @input, or empty with NULL. */
static inline void run(struct run *r, const char *input, const char *const *args)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	char *argv[16] = { getenv("AAELCTL") };
	int status;
	pid_t pid;

	if (!argv[0]) {
		print_message("# skipped: AAELCTL does not name the program\n");
		skip();
	}
	for (int i = 0; args[i]; i++)
		argv[i + 1] = (char *)args[i];
	fputs(input ? input : "", in);
	fflush(in);
	rewind(in);
	pid = fork();
	if (!pid) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		execv(argv[0], argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	r->code = WEXITSTATUS(status);
	r->out_size = slurp(out, r->out, sizeof(r->out));
	slurp(err, r->err, sizeof(r->err));
	fclose(in);
}

#define RUN(r, ...) run(r, NULL, (const char *const[]){ __VA_ARGS__, NULL })

static inline void save(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

#endif
