// SPDX-License-Identifier: Apache-2.0
/*
 * usage: fill COUNT BYTES WRITERS
 *
 * Appends COUNT events with texts of BYTES bytes, all different, by so many processes; each puts as
 * many events into a write(2) as fit.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "eventtext.h"

#define BUFFER_BYTES 65536

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = write(fd, buf + done, len - done);
		if (n < 0)
			bench_die("write");
	}
}

static void write_events(unsigned int writer, unsigned long count, size_t bytes)
{
	static char buf[BUFFER_BYTES];
	int fd = open("/dev/aael", O_WRONLY | O_CLOEXEC);
	unsigned long number = 0;
	size_t have;

	if (fd < 0)
		bench_die("/dev/aael");
	while (number < count) {
		for (have = 0; number < count && have + bytes < sizeof(buf); number++)
			have += event_line(buf + have, bytes, writer, number);
		write_all(fd, buf, have);
	}
}

int main(int argc, char **argv)
{
	unsigned long count, writers;
	size_t bytes;
	int status, failed = 0;

	if (argc != 4) {
		errno = EINVAL;
		bench_die("usage: fill COUNT BYTES WRITERS");
	}
	count = bench_number(argv[1]);
	bytes = event_bytes(argv[2]);
	writers = bench_number(argv[3]);
	for (unsigned int i = 0; i < writers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			bench_die("fork");
		if (pid)
			continue;
		write_events(i, count / writers + (i < count % writers), bytes);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
