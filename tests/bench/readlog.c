// SPDX-License-Identifier: Apache-2.0
/*
 * usage: readlog LOG COPY BYTES CHUNK ROUNDS
 *
 * Reads the log and a copy of it in turns, into one buffer, CHUNK bytes at a time: the first BYTES
 * of each from beginning to end, over and over. A sample is one read(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

struct source {
	int fd;
	char *buf;
	size_t chunk;
	off_t end;
	off_t pos;
};

static int64_t read_next(void *arg)
{
	struct source *s = arg;
	size_t want = s->chunk;
	int64_t start;
	ssize_t n;

	if (s->pos == s->end)
		s->pos = lseek(s->fd, 0, SEEK_SET);
	if ((off_t)want > s->end - s->pos)
		want = (size_t)(s->end - s->pos);
	start = bench_now_ns();
	n = read(s->fd, s->buf, want);
	if (n != (ssize_t)want)
		return n < 0 ? -errno : -EIO;
	s->pos += n;
	return bench_now_ns() - start;
}

static void open_source(struct source *s, const char *path)
{
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		bench_die("%s", path);
}

int main(int argc, char **argv)
{
	struct source log = { 0 }, copy = { 0 };
	const struct bench_op ops[] = {
		{ "log", read_next, &log },
		{ "copy", read_next, &copy },
	};

	if (argc != 6) {
		errno = EINVAL;
		bench_die("usage: readlog LOG COPY BYTES CHUNK ROUNDS");
	}
	log.end = copy.end = bench_number(argv[3]);
	log.chunk = copy.chunk = bench_number(argv[4]);
	log.buf = copy.buf = aligned_alloc(4096, log.chunk);
	if (!log.buf)
		bench_die("%zu bytes", log.chunk);
	open_source(&log, argv[1]);
	open_source(&copy, argv[2]);
	bench_blocks(ops, 2, bench_number(argv[5]));
	return 0;
}
