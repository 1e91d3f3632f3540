// SPDX-License-Identifier: Apache-2.0
/*
 * usage: append pcr PCR ROUNDS | append hash ROUNDS | append pcrs PCR OTHER ROUNDS
 *
 * One event of 220 bytes by write(2) on /dev/aael, in turns with what it cannot do without:
 * pcr: tpm_pcr_extend() in the kernel, of a PCR that is not the log's, and the same by a worker;
 * hash: copying and hashing.
 * pcrs: that extend of two PCRs, in turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "module/abi.h"

#define EVENT_BYTES 220
#define NUMBER_BYTES 10

static char line[EVENT_BYTES + 1];

struct files {
	int log, bare;
	unsigned int pcr, in_worker;
	unsigned int number;
};

static int64_t append(void *arg)
{
	struct files *f = arg;
	ssize_t n;
	int64_t begin;

	/* No two events are the same. */
	snprintf(line + EVENT_BYTES - NUMBER_BYTES, NUMBER_BYTES + 1, "%0*u", NUMBER_BYTES,
		 ++f->number);
	line[EVENT_BYTES] = '\n';
	begin = bench_now_ns();
	n = write(f->log, line, sizeof(line));
	if (n == sizeof(line))
		return bench_now_ns() - begin;
	return n < 0 ? -errno : -EIO;
}

static int64_t extend(void *arg)
{
	struct files *f = arg;
	struct aael_bench_extend args = { .pcr = f->pcr, .in_worker = f->in_worker };

	return ioctl(f->bare, AAEL_BENCH_IOC_EXTEND, &args) ? -errno : (int64_t)args.ns;
}

static int64_t hash(void *arg)
{
	struct files *f = arg;
	struct aael_bench_hash args = { .data = (uintptr_t)line, .size = EVENT_BYTES };

	return ioctl(f->bare, AAEL_BENCH_IOC_HASH, &args) ? -errno : (int64_t)args.ns;
}

int main(int argc, char **argv)
{
	struct files f = { .log = open("/dev/aael", O_WRONLY),
			   .bare = open(AAEL_BENCH_PATH, O_RDWR) };
	struct files other = f;
	struct bench_op ops[] = { { "append", append, &f },
				  { "bare", hash, &f },
				  { "worker", extend, &other } };
	unsigned int count = 2;

	if (f.log < 0 || f.bare < 0)
		bench_die("/dev/aael or %s", AAEL_BENCH_PATH);
	memset(line, 'x', sizeof(line));
	memcpy(line, "bench append ", strlen("bench append "));
	if (argc == 4 && !strcmp(argv[1], "pcr")) {
		f.pcr = bench_number(argv[2]);
		ops[1].run = extend;
		other.pcr = f.pcr;
		other.in_worker = 1;
		count = 3;
	} else if (argc == 5 && !strcmp(argv[1], "pcrs")) {
		f.pcr = bench_number(argv[2]);
		other.pcr = bench_number(argv[3]);
		ops[0] = (struct bench_op){ "one", extend, &f };
		ops[1] = (struct bench_op){ "other", extend, &other };
	} else if (argc != 3 || strcmp(argv[1], "hash")) {
		errno = EINVAL;
		bench_die("usage: append pcr PCR ROUNDS | hash ROUNDS | pcrs PCR OTHER ROUNDS");
	}
	bench_blocks(ops, count, bench_number(argv[argc - 1]));
	return 0;
}
