/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon writes to its log, which is standard error, between begin and end. */
#ifndef AAEL_TEST_CAPTURE_H
#define AAEL_TEST_CAPTURE_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAPTURE_MAX_BYTES 65536

static int capture_fd = -1, capture_saved = -1;
static char captured[CAPTURE_MAX_BYTES];

static inline void capture_begin(void)
{
	capture_fd = memfd_create("log", MFD_CLOEXEC);
	capture_saved = dup(STDERR_FILENO);
	dup2(capture_fd, STDERR_FILENO);
}

static inline const char *capture_end(void)
{
	ssize_t n = pread(capture_fd, captured, sizeof(captured) - 1, 0);

	captured[n > 0 ? n : 0] = '\0';
	dup2(capture_saved, STDERR_FILENO);
	close(capture_saved);
	close(capture_fd);
	return captured;
}

/* How often @words were written. */
static inline int capture_count(const char *words)
{
	int n = 0;

	for (const char *p = captured; (p = strstr(p, words)); p++)
		n++;
	return n;
}

#endif
