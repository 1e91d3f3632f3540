// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define WARM_UP 20

int64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void bench_die(const char *format, ...)
{
	const char *why = strerror(errno);
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", why);
	exit(1);
}

int bench_connect(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

unsigned int bench_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	errno = EINVAL;
	if (*end || !n || n > 1000000000)
		bench_die("%s", text);
	return (unsigned int)n;
}

bool bench_is_slow(void)
{
	const char *slow = getenv("BENCH_SLOW");

	return slow && !strcmp(slow, "1");
}

static int64_t run(const struct bench_op *op)
{
	int64_t ns = op->run(op->arg);

	errno = ns < 0 ? (int)-ns : 0;
	if (ns < 0)
		bench_die("%s", op->name);
	return ns;
}

/* Samples are kept until the end: printing would disturb what comes next. */
void bench_blocks_of(unsigned int block, const struct bench_op *ops, unsigned int count,
		     unsigned int rounds)
{
	size_t all = (size_t)rounds * block;
	int64_t *ns = calloc(count * all, sizeof(*ns));
	bool slow = bench_is_slow();

	if (!ns)
		bench_die("%zu samples", count * all);
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int n = 0; n < WARM_UP && n < block; n++)
			run(&ops[i]);
	for (size_t n = 0; n < all; n += block)
		for (unsigned int i = 0; i < count; i++)
			for (unsigned int k = 0; k < block; k++) {
				ns[i * all + n + k] = run(&ops[i]);
				if (!i && slow)
					ns[n + k] += run(&ops[i]);
			}
	for (unsigned int i = 0; i < count; i++)
		for (size_t n = 0; n < all; n++)
			printf("%s %lld\n", ops[i].name, (long long)ns[i * all + n]);
	free(ns);
}

void bench_blocks(const struct bench_op *ops, unsigned int count, unsigned int rounds)
{
	bench_blocks_of(BENCH_BLOCK, ops, count, rounds);
}
