// SPDX-License-Identifier: Apache-2.0
/*
 * Named areas of seeds.py through bootlog_check(), and what the module makes of each.
 * Each in a process of its own: bootlog_check() and the sanitizers end theirs.
 *
 *	bootlog_cases SEEDS		prints TAP
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootlog_check.h"

enum verdict {
	REFUSED, /* no usable header */
	FOREIGN, /* a header that fits no bank */
	TAKEN,
};

static const char *const verdicts[] = { "refused", "foreign", "taken" };

#define SHOWN_LINES 12

static const struct {
	const char *name; /* also of the file */
	enum verdict verdict;
	size_t entries;
	const char *why;
} cases[] = {
	{ "whole", TAKEN, 9, NULL },
	{ "eventless", TAKEN, 0, NULL },
	{ "full", TAKEN, 10, NULL },
	{ "unmarked", TAKEN, 9, "entry whose digests are not those of the header" },
	{ "zero-padded", TAKEN, 9, NULL },
	{ "padded-with-7", TAKEN, 9, NULL },
	{ "two-banks", TAKEN, 5, NULL },
	{ "five-banks", TAKEN, 5, NULL },
	{ "late-locality", TAKEN, 2, NULL },
	{ "long-locality", TAKEN, 1, NULL },
	{ "cut", TAKEN, 9, "entry cut short" },
	{ "cut-digest", TAKEN, 8, "entry cut short" },
	{ "endless", TAKEN, 9, "entry cut short" },
	{ "alien", TAKEN, 9, "entry whose digests are not those of the header" },
	{ "many-digests", TAKEN, 9, "entry whose digests are not those of the header" },
	{ "digest-twice", TAKEN, 5, "entry whose digests are not those of the header" },
	{ "one-digest", TAKEN, 5, "entry whose digests are not those of the header" },
	{ "beyond-registers", TAKEN, 10, NULL },
	{ "alien-header", FOREIGN, 0, NULL },
	{ "wrong-size-header", FOREIGN, 0, NULL },
	{ "empty", REFUSED, 0, "shorter than its header" },
	{ "cut-header", REFUSED, 0, "shorter than its header" },
	{ "endless-header", REFUSED, 0, "shorter than its header" },
	{ "short-header", REFUSED, 0, "header that ends too early or too late" },
	{ "no-algorithm", REFUSED, 0, "header without algorithms" },
	{ "six-algorithms", REFUSED, 0, "header with too many algorithms" },
	{ "algorithm-twice", REFUSED, 0, "header that names an algorithm twice" },
	{ "huge-digest", REFUSED, 0, "header with a digest size that cannot be" },
	{ "many-algorithms", REFUSED, 0, "header with too many algorithms" },
	{ "blank", REFUSED, 0, "not in the Spec ID Event03 format" },
	{ "ones", REFUSED, 0, "shorter than its header" },
};

static uint8_t *read_file(const char *folder, const char *name, size_t *size)
{
	char path[4096];
	uint8_t *data = NULL;
	FILE *f;
	long n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0) {
		perror(path);
		exit(2);
	}
	rewind(f);
	*size = (size_t)n;
	data = calloc(1, *size + 1);
	if (!data || fread(data, 1, *size, f) != *size) {
		perror(path);
		exit(2);
	}
	fclose(f);
	return data;
}

static enum verdict verdict_of(const struct bootlog_outcome *out)
{
	return !out->parsed ? REFUSED : out->accepted ? TAKEN : FOREIGN;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Returns how the process ended; what it complained of is in @said. */
static int check_apart(const char *folder, const char *name, struct bootlog_outcome *out,
		       FILE *said)
{
	int status = -1;
	size_t size = 0;
	uint8_t *data;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		dup2(fileno(said), STDERR_FILENO);
		data = read_file(folder, name, &size);
		bootlog_check(data, size, out);
		free(data);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		perror("bootlog_cases");
	return status;
}

static void show(FILE *said)
{
	char line[256];

	rewind(said);
	for (int i = 0; i < SHOWN_LINES && fgets(line, sizeof(line), said); i++)
		printf("# %s%s", line, strchr(line, '\n') ? "" : "\n");
}

static bool run_case(size_t i, const char *folder, struct bootlog_outcome *out)
{
	FILE *said = tmpfile();
	int status;
	bool good;

	if (!said) {
		perror("tmpfile");
		exit(2);
	}
	memset(out, 0, sizeof(*out));
	status = check_apart(folder, cases[i].name, out, said);
	good = !status && verdict_of(out) == cases[i].verdict && out->entries == cases[i].entries &&
	       same_text(out->why, cases[i].why);
	printf("%sok %zu - bootlog %s\n", good ? "" : "not ", i + 1, cases[i].name);
	if (!good)
		printf("# %s/%s: %s, %zu entries, %s; wait status 0x%x\n", folder, cases[i].name,
		       verdicts[verdict_of(out)], out->entries, out->why ? out->why : "to its end",
		       (unsigned int)status);
	if (status)
		show(said);
	fclose(said);
	return good;
}

int main(int argc, char **argv)
{
	/* Where the processes leave it; their texts are ours, too. */
	struct bootlog_outcome *out =
		mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int failed = 0;

	if (argc != 2 || out == MAP_FAILED)
		return 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		failed += !run_case(i, argv[1], out);
	return !!failed;
}
