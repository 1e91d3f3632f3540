/* SPDX-License-Identifier: Apache-2.0 */
/* Events as the figures use them. */
#ifndef EVENTTEXT_H
#define EVENTTEXT_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define EVENT_HEAD_BYTES 36 /* the shortest text */
#define EVENT_MOST_BYTES 4096

/* A length of texts, of the command line; ends the program for one that event_line() cannot have. */
static inline size_t event_bytes(const char *word)
{
	size_t bytes = bench_number(word);

	errno = EINVAL;
	if (bytes < EVENT_HEAD_BYTES || bytes > EVENT_MOST_BYTES)
		bench_die("texts of %zu bytes", bytes);
	return bytes;
}

/*
 * Writes a line with a text of so many bytes and its newline, and returns its length. No two of
 * different writers or numbers are the same.
 */
static inline size_t event_line(char *line, size_t bytes, unsigned int writer, unsigned long number)
{
	char head[EVENT_HEAD_BYTES + 1];

	snprintf(head, sizeof(head), "example.org/bench pull %04u-%08lu", writer % 10000,
		 number % 100000000);
	memset(line, 'x', bytes);
	memcpy(line, head, strlen(head));
	line[bytes] = '\n';
	return bytes + 1;
}

#endif
