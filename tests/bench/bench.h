/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder share: things are timed in turns, in blocks. */
#ifndef AAEL_BENCH_H
#define AAEL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_BLOCK 100

struct bench_op {
	const char *name;
	/* ns that it took, or -errno */
	int64_t (*run)(void *arg);
	void *arg;
};

int64_t bench_now_ns(void);

/* Is BENCH_SLOW=1 in the environment: is the subject to do twice its work? */
bool bench_is_slow(void);

/*
 * Runs each op BENCH_BLOCK times in turn, so many rounds; first some unseen ones to warm up.
 * Prints "NAME NS" for each. ops[0] is the subject: when bench_is_slow() it is
 * run twice for one sample. Ends the program on an error.
 */
void bench_blocks(const struct bench_op *ops, unsigned int count, unsigned int rounds);
/* The same in blocks of another size, of what takes long. */
void bench_blocks_of(unsigned int block, const struct bench_op *ops, unsigned int count,
		     unsigned int rounds);

/* A loopback connection that sends at once, or -errno. */
int bench_connect(uint16_t port);

/* A number of the command line, 1..1000000000; ends the program for any other. */
unsigned int bench_number(const char *text);

/* Ends the program with a message and what errno says. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);

#endif
