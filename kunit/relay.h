/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One fixture, and one log after the other on its device.
 */
#ifndef _AAEL_KUNIT_RELAY_H
#define _AAEL_KUNIT_RELAY_H

#include "fixture.h"

/**
 * struct relay_saved - what was read of a log
 * @bytes: its entries
 * @len: bytes of them
 * @end: length of its stream
 */
struct relay_saved {
	u8 *bytes;
	size_t len;
	u64 end;
};

int relay_step(struct fixture *f, u32 what, u64 bytes);
void relay_save(struct kunit *test, struct fixture *f, struct relay_saved *s);
void relay_next(struct kunit *test, struct fixture *f, const struct aael_provider *p);
void relay_run(struct kunit *test, struct fixture *f, struct relay_saved *s);
int relay_import_as(struct kunit *test, struct fixture *f, const struct relay_saved *s, u32 flags,
		    struct aael_import *out);
int relay_import(struct kunit *test, struct fixture *f, const struct relay_saved *s);
void relay_expect_untouched(struct kunit *test, struct fixture *f);
void relay_expect_import(struct kunit *test, struct fixture *f, const struct relay_saved *s,
			 u64 entries);
void relay_append(struct kunit *test, struct fixture *f, unsigned int count);
void relay_expect_stale(struct kunit *test, struct fixture *f, const struct relay_saved *s);

#endif /* _AAEL_KUNIT_RELAY_H */
