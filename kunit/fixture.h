/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: events from strings, a log on a fake register, and the check
 * that ends nearly every case, that log and register never disagree in silence.
 */
#ifndef _AAEL_KUNIT_FIXTURE_H
#define _AAEL_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "aael.h"
#include "fake_register.h"

#define ALG_SHA1	0x0004
#define ALG_SHA256	0x000b
#define ALG_SHA384	0x000c
#define ALG_SHA512	0x000d
#define ALG_SM3		0x0012

/* What the log is enabled with, and where that leads. */
#define TEST_INDEX	17
#define TEST_PCR	14

/* What aael_netlink_notify() was told last. */
struct notified {
	unsigned int entries;
	unsigned int health_changes;
	u64 sequence;
	u64 offset;
	u64 bytes;
	u32 reg;
	enum aael_health health;
};

extern struct notified notified;

/**
 * struct fixture - a log on a fake register
 * @log: the log
 * @fake: the device
 * @admin: a file opened by a task with all capabilities
 * @start: the registers when the log was made
 * @snapshot: of the last fixture_snapshot()
 * @regs: its registers
 */
struct fixture {
	struct aael_log *log;
	struct fake_register fake;
	struct file *admin;
	aael_values_t start[AAEL_REGISTERS_MAX];
	struct aael_snapshot snapshot;
	struct aael_snapshot_register regs[AAEL_REGISTERS_MAX];
};

/* How things should stand. */
struct expected {
	u64 count;
	enum aael_health health;
	u64 violations;
	u64 repairs;
	u64 pending;
	unsigned int extends;
};

extern unsigned int fixture_paused_ms;

struct aael_event fixture_event(const char *domain, const char *operation, const char *content);
struct fixture *fixture_unbound(struct kunit *test, const u16 *algs, unsigned int count);
struct fixture *fixture_enabled(struct kunit *test, const u16 *algs, unsigned int count);
struct fixture *fixture_sha256(struct kunit *test);
struct fixture *fixture_in_caller(struct kunit *test);
void fixture_next(struct kunit *test, struct fixture *f);
void fixture_destroy(void *arg);
int fixture_append(struct fixture *f, const char *content);
int fixture_append_as(struct fixture *f, u32 index, struct file *file, const char *domain,
		      const char *content, u64 *sequence);
int fixture_once(struct fixture *f, u32 index, const struct aael_event *ev, u64 *sequence);
void fixture_expect_once(struct kunit *test, struct fixture *f, const char *domain,
			 const char *content, int ret, u64 sequence);
int fixture_snapshot(struct fixture *f);
int fixture_verify(struct fixture *f, bool privileged, struct aael_verify *out);
bool fixture_replays(struct kunit *test, struct fixture *f, u32 reg);
void fixture_expect(struct kunit *test, struct fixture *f, const struct expected *e);
void fixture_expect_sound(struct kunit *test, struct fixture *f);
void fixture_expect_text(struct kunit *test, struct fixture *f, u64 sequence, const char *text);

#endif /* _AAEL_KUNIT_FIXTURE_H */
