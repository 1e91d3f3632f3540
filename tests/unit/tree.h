/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that stands for the root of the file system, for as long as a test runs. */
#ifndef AAEL_TEST_TREE_H
#define AAEL_TEST_TREE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[32], name[256];

/* A path below the root; valid until the next call. */
static inline const char *at(const char *path)
{
	snprintf(name, sizeof(name), "%s%s", root, path);
	return name;
}

/* A file with those bytes, and the folders above it. */
static inline void put_bytes(const char *path, const char *bytes, size_t size)
{
	char part[256];
	FILE *f;

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%s%.*s", root, (int)(p - path), path);
		assert_true(!mkdir(part, 0700) || errno == EEXIST);
	}
	f = fopen(at(path), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

static inline void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

/* 0, or -1. */
static inline int tree_make(void)
{
	strcpy(root, "/tmp/aael-test-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static inline int tree_remove(const char *path)
{
	char line[300];

	snprintf(line, sizeof(line), "rm -r %s%s", root, path);
	return system(line);
}

#endif
