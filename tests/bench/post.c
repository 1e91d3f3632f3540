// SPDX-License-Identifier: Apache-2.0
/*
 * usage: post keep|new|cost ROUNDS AAELD BARE | post load COUNT CONNECTIONS PORT
 *
 * Events of 220 bytes to aaeld, in turns with barehttp; each is given by its port.
 * keep: on a connection that is kept; new: with connecting and closing; cost: per request, by
 * counters of the whole machine. load: only that there are so many of them, all connections
 * with one under way at a time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define CONTENT_BYTES 203 /* with the rest, 220 */
#define ANSWER_BYTES 1024
#define COST_POSTS 500 /* between two readings of the counters */

struct server {
	uint16_t port;
	int fd; /* of the connection that is kept, or -1 */
};

static char request[1024];
static size_t request_size;

static void make_request(void)
{
	char body[512], content[CONTENT_BYTES + 1] = "";
	int size;

	memset(content, 'x', CONTENT_BYTES);
	size = snprintf(body, sizeof(body),
			"{\"domain\":\"example.org\",\"operation\":\"post\",\"content\":\"%s\"}",
			content);
	request_size =
		(size_t)snprintf(request, sizeof(request),
				 "POST /aa/aael HTTP/1.1\r\nHost: 127.0.0.1:8006\r\n"
				 "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				 size, body);
}

/* An answer is whole when it ends with the body that is expected; any other never does. */
static int take_answer(int fd)
{
	static const char success[] = "\r\n\r\n{\"success\":\"true\"}";
	const size_t end = sizeof(success) - 1;
	char answer[ANSWER_BYTES];
	size_t size = 0;
	ssize_t n;

	do {
		n = recv(fd, answer + size, sizeof(answer) - size, 0);
		if (n < 0)
			return -errno;
		size += (size_t)n;
		if (size >= end && !memcmp(answer + size - end, success, end))
			return 0;
	} while (n > 0 && size < sizeof(answer));
	return -EPROTO;
}

static int send_request(int fd)
{
	ssize_t n = send(fd, request, request_size, MSG_NOSIGNAL);

	return n == (ssize_t)request_size ? 0 : n < 0 ? -errno : -EIO;
}

static int ask(int fd)
{
	int ret = send_request(fd);

	return ret ? ret : take_answer(fd);
}

static int64_t post_kept(void *arg)
{
	struct server *s = arg;
	int64_t begin;
	int ret;

	if (s->fd < 0)
		s->fd = bench_connect(s->port);
	if (s->fd < 0)
		return s->fd;
	begin = bench_now_ns();
	ret = ask(s->fd);
	return ret ? ret : bench_now_ns() - begin;
}

static int64_t post_new(void *arg)
{
	const struct server *s = arg;
	int64_t begin = bench_now_ns();
	int fd = bench_connect(s->port), ret;

	if (fd < 0)
		return fd;
	ret = ask(fd);
	close(fd);
	return ret ? ret : bench_now_ns() - begin;
}

/* Of the whole machine, since it runs. */
struct cost {
	uint64_t cpu_ns;   /* that tasks ran, interrupts included */
	uint64_t switches; /* from one task to another, be it the idle one */
};

static bool add_cost(const char *line, struct cost *cost)
{
	uint64_t value;

	/* The kernel's Documentation/scheduler/sched-stats.rst: the seventh number. */
	if (sscanf(line, "cpu%*u %*u %*u %*u %*u %*u %*u %" SCNu64, &value) == 1) {
		cost->cpu_ns += value;
		return true;
	}
	if (sscanf(line, "ctxt %" SCNu64, &value) != 1)
		return false;
	cost->switches = value;
	return true;
}

static void add_costs(const char *path, struct cost *cost)
{
	char line[8192]; /* that of the interrupts is long */
	FILE *f = fopen(path, "re");
	bool found = false;

	if (!f)
		bench_die("%s", path);
	while (fgets(line, sizeof(line), f))
		found |= add_cost(line, cost);
	fclose(f);
	errno = ENODATA;
	if (!found)
		bench_die("%s", path);
}

static struct cost read_cost(void)
{
	struct cost cost = { 0 };

	add_costs("/proc/schedstat", &cost);
	add_costs("/proc/stat", &cost);
	return cost;
}

static void print_cost(const char *name, const char *what, uint64_t before, uint64_t after)
{
	printf("%s %s %" PRIu64 "\n", name, what, (after - before) / COST_POSTS);
}

/* What each of COST_POSTS requests has cost: ns, and thousandths of a switch. */
static void print_costs(const char *name, struct server *s, unsigned int posts)
{
	struct cost before = read_cost(), after;

	for (unsigned int i = 0; i < posts; i++) {
		int64_t ns = post_kept(s);

		errno = ns < 0 ? (int)-ns : 0;
		if (ns < 0)
			bench_die("%s", name);
	}
	after = read_cost();
	print_cost(name, "cpu", before.cpu_ns, after.cpu_ns);
	print_cost(name, "switches", 1000 * before.switches, 1000 * after.switches);
}

static void costs(struct server *aaeld, struct server *bare, unsigned int rounds)
{
	unsigned int times = bench_is_slow() ? 2 : 1;

	for (unsigned int i = 0; i < rounds; i++) {
		print_costs("aaeld", aaeld, times * COST_POSTS);
		print_costs("bare", bare, COST_POSTS);
	}
}

/* All connections have a request under way at once. */
static int load(unsigned int count, unsigned int connections, uint16_t port)
{
	int *fds = calloc(connections, sizeof(*fds)), ret = fds ? 0 : -ENOMEM;

	for (unsigned int i = 0; !ret && i < connections; i++)
		ret = (fds[i] = bench_connect(port)) < 0 ? fds[i] : 0;
	for (unsigned int done = 0; !ret && done < count; done += connections) {
		for (unsigned int i = 0; !ret && i < connections; i++)
			ret = send_request(fds[i]);
		for (unsigned int i = 0; !ret && i < connections; i++)
			ret = take_answer(fds[i]);
	}
	free(fds);
	return ret;
}

static void compare(const char *mode, struct server *aaeld, struct server *bare,
		    unsigned int rounds)
{
	int64_t (*run)(void *) = !strcmp(mode, "new") ? post_new : post_kept;
	const struct bench_op ops[] = { { "aaeld", run, aaeld }, { "bare", run, bare } };

	if (!strcmp(mode, "cost"))
		costs(aaeld, bare, rounds);
	else
		bench_blocks(ops, 2, rounds);
}

int main(int argc, char **argv)
{
	struct server aaeld = { .fd = -1 }, bare = { .fd = -1 };
	int ret;

	errno = EINVAL;
	if (argc != 5)
		bench_die("usage: post keep|new|cost ROUNDS AAELD BARE | "
			  "post load COUNT CONNECTIONS PORT");
	make_request();
	if (!strcmp(argv[1], "load")) {
		ret = load(bench_number(argv[2]), bench_number(argv[3]),
			   (uint16_t)bench_number(argv[4]));
		errno = -ret;
		if (ret)
			bench_die("load");
		return 0;
	}
	aaeld.port = (uint16_t)bench_number(argv[3]);
	bare.port = (uint16_t)bench_number(argv[4]);
	compare(argv[1], &aaeld, &bare, bench_number(argv[2]));
	return 0;
}
