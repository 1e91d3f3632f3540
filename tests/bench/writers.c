// SPDX-License-Identifier: Apache-2.0
/*
 * usage: writers rate|hash|extend WRITERS MS ROUNDS BYTES | writers reader|beside ROUNDS BYTES
 *
 * An append is one write(2) of one event with a text of BYTES bytes. What it cannot do without, in the
 * kernel and under a bare mutex: with "hash" the hashing and copying, with "extend" a PCR_Extend.
 * rate: one writer for MS milliseconds, and then so many, in turns; each appends as fast as it can.
 * Of each round it prints "one NS" and "many NS", the time per event of all together, and
 * "share N", 1000 times what would be a writer's fair share over what the slowest has got.
 * With BENCH_SLOW=1 two appends of the many count as one, and six of the first.
 * reader: appends with a thread beside that reads the log over and over ("reader"), and without
 * ("idle"), in turns; beside: the same with a bare PCR_Extend.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "eventtext.h"
#include "module/abi.h"

#define WRITERS_MAX 256
#define BARE_PCR 13 /* not the log's */

static size_t text_bytes;
static enum { RATE, HASH, EXTEND } kind;

struct writer {
	int fd;
	unsigned int number;
	unsigned int steps; /* appends that count as one */
	unsigned long sent;
	unsigned long count;
	char line[EVENT_MOST_BYTES + 1];
};

static void writer_open(struct writer *w, unsigned int number)
{
	*w = (struct writer){ .number = number, .steps = 1 };
	w->fd = open(kind == RATE ? "/dev/aael" : AAEL_BENCH_PATH, O_WRONLY | O_CLOEXEC);
	if (w->fd < 0)
		bench_die("/dev/aael or %s", AAEL_BENCH_PATH);
}

static ssize_t hash(const struct writer *w, size_t len)
{
	struct aael_bench_hash args = { .data = (uintptr_t)w->line, .size = (uint32_t)len };

	return ioctl(w->fd, AAEL_BENCH_IOC_HASH, &args) ? -1 : (ssize_t)len;
}

static ssize_t extend(const struct writer *w, size_t len)
{
	struct aael_bench_extend args = { .pcr = BARE_PCR };

	return ioctl(w->fd, AAEL_BENCH_IOC_EXTEND, &args) ? -1 : (ssize_t)len;
}

static int64_t append(struct writer *w)
{
	size_t len = event_line(w->line, text_bytes, w->number, w->sent++);
	int64_t begin = bench_now_ns();
	ssize_t n = kind == HASH     ? hash(w, len)
		    : kind == EXTEND ? extend(w, len)
				     : write(w->fd, w->line, len);

	if (n == (ssize_t)len)
		return bench_now_ns() - begin;
	errno = n < 0 ? errno : EIO;
	bench_die("append");
}

/* ---- rate ---- */

static struct writer writers[WRITERS_MAX];
static pthread_barrier_t begin;
static _Atomic bool stop;

static void *writer_thread(void *arg)
{
	struct writer *w = arg;

	w->count = 0;
	pthread_barrier_wait(&begin);
	do {
		for (unsigned int i = 0; i < w->steps; i++)
			append(w);
		w->count++;
	} while (!stop);
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	errno = pthread_create(thread, NULL, run, arg);
	if (errno)
		bench_die("pthread_create");
}

/* Lets the first of the writers append for so long; returns the ns until the last was done. */
static int64_t run_block(unsigned int count, unsigned int ms)
{
	pthread_t threads[WRITERS_MAX];
	int64_t since;

	stop = false;
	pthread_barrier_init(&begin, NULL, count + 1);
	for (unsigned int i = 0; i < count; i++)
		start(&threads[i], writer_thread, &writers[i]);
	pthread_barrier_wait(&begin);
	since = bench_now_ns();
	usleep(ms * 1000);
	stop = true;
	for (unsigned int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&begin);
	return bench_now_ns() - since;
}

static unsigned long total(unsigned int count)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += writers[i].count;
	return sum;
}

static unsigned long least(unsigned int count)
{
	unsigned long found = writers[0].count;

	for (unsigned int i = 1; i < count; i++)
		if (writers[i].count < found)
			found = writers[i].count;
	return found;
}

static void set_steps(unsigned int count, unsigned int first, unsigned int others)
{
	for (unsigned int i = 0; i < count; i++)
		writers[i].steps = i ? others : first;
}

static void rate(unsigned int count, unsigned int ms, unsigned int rounds)
{
	bool slow = kind == RATE && bench_is_slow();
	int64_t ns;

	for (unsigned int i = 0; i < count; i++)
		writer_open(&writers[i], i);
	while (rounds--) {
		set_steps(count, 1, 1);
		ns = run_block(1, ms);
		printf("one %lld\n", (long long)ns / (long long)total(1));
		if (slow)
			set_steps(count, 6, 2);
		ns = run_block(count, ms);
		printf("many %lld\n", (long long)ns / (long long)total(count));
		printf("share %lu\n", 1000 * total(count) / count / least(count));
	}
}

/* ---- reader ---- */

static _Atomic bool reading; /* what it shall do, */
static _Atomic bool reads;   /* and what it does */
static sem_t go;

/* The whole log, over and over. */
static void *reader_thread(void *arg)
{
	static char buf[1 << 20];
	int fd = *(int *)arg;

	for (;;) {
		if (!reading) {
			reads = false;
			sem_wait(&go);
			continue;
		}
		if (read(fd, buf, sizeof(buf)) <= 0)
			lseek(fd, 0, SEEK_SET);
		reads = true;
	}
	return NULL;
}

struct beside {
	struct writer *writer;
	bool reader;
};

static int64_t append_beside(void *arg)
{
	const struct beside *b = arg;

	/* Between blocks. */
	if (b->reader != reading) {
		reading = b->reader;
		if (reading)
			sem_post(&go);
		while (reads != reading)
			usleep(1000);
	}
	return append(b->writer);
}

static void reader(unsigned int rounds)
{
	struct beside with = { &writers[0], true }, without = { &writers[0], false };
	const struct bench_op ops[] = {
		{ "reader", append_beside, &with },
		{ "idle", append_beside, &without },
	};
	int fd = open("/dev/aael", O_RDONLY | O_CLOEXEC);
	pthread_t thread;

	if (fd < 0)
		bench_die("/dev/aael");
	writer_open(&writers[0], 0);
	sem_init(&go, 0, 0);
	/* It ends with the program. */
	start(&thread, reader_thread, &fd);
	bench_blocks(ops, 2, rounds);
}

static void usage(void)
{
	errno = EINVAL;
	bench_die("usage: writers rate|hash|extend WRITERS MS ROUNDS BYTES | "
		  "writers reader|beside ROUNDS BYTES");
}

static bool is(const char *word, const char *one, const char *other)
{
	return !strcmp(word, one) || !strcmp(word, other);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		usage();
	text_bytes = event_bytes(argv[argc - 1]);
	kind = !strcmp(argv[1], "hash") ? HASH : is(argv[1], "extend", "beside") ? EXTEND : RATE;
	if (argc == 6 && !is(argv[1], "reader", "beside") && bench_number(argv[2]) <= WRITERS_MAX)
		rate(bench_number(argv[2]), bench_number(argv[3]), bench_number(argv[4]));
	else if (argc == 4 && is(argv[1], "reader", "beside"))
		reader(bench_number(argv[2]));
	else
		usage();
	return 0;
}
