// SPDX-License-Identifier: GPL-2.0-only
/* A log from one module to the next. */
#include <linux/string.h>

#include "relay.h"

/**
 * relay_step - seal, open again or release, without looking at what comes out
 * @f: the fixture
 * @what: AAEL_SEAL_*
 * @bytes: for AAEL_SEAL_RELEASE
 */
int relay_step(struct fixture *f, u32 what, u64 bytes)
{
	struct aael_seal s = { .step = what, .bytes = bytes };

	return aael_handover_seal(f->log, &s);
}

/**
 * relay_save - read the log
 * @test: the case
 * @f: the fixture
 * @s: out; there is room for 1,024 bytes more
 */
void relay_save(struct kunit *test, struct fixture *f, struct relay_saved *s)
{
	s->end = aael_store_len(&f->log->stream);
	s->len = s->end - f->log->own_offset;
	s->bytes = kunit_kzalloc(test, s->len + 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->bytes);
	aael_store_read(&f->log->stream, f->log->own_offset, s->bytes, s->len);
}

/**
 * relay_next - remove the module, and load it for a log
 * @test: the case
 * @f: a fixture whose log is released
 * @p: the provider that it binds
 */
void relay_next(struct kunit *test, struct fixture *f, const struct aael_provider *p)
{
	fixture_next(test, f);
	f->log->awaits_import = true;
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, p, true), 0);
}

/**
 * relay_run - seal, read and release the log, and load the module again
 * @test: the case
 * @f: the fixture
 * @s: out
 */
void relay_run(struct kunit *test, struct fixture *f, struct relay_saved *s)
{
	const struct aael_provider *p = f->log->provider;

	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	relay_save(test, f, s);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s->end), 0);
	relay_next(test, f, p);
}

/**
 * relay_import_as - take a log over
 * @test: the case
 * @f: the fixture
 * @s: the log
 * @flags: AAEL_IMPORT_F_*
 * @out: out: as the ioctl gives it
 *
 * The import gets a copy: it writes to what it is given.
 */
int relay_import_as(struct kunit *test, struct fixture *f, const struct relay_saved *s, u32 flags,
		    struct aael_import *out)
{
	u8 *copy = kunit_kmalloc(test, s->len + 1, GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, s->bytes, s->len);
	*out = (struct aael_import) {
		.flags = flags, .index = TEST_INDEX, .bytes = s->len };
	ret = aael_handover_import(f->log, out, copy);
	kunit_kfree(test, copy);
	return ret;
}

/**
 * relay_import - take a log over, and look at nothing but the result
 * @test: the case
 * @f: the fixture
 * @s: the log
 */
int relay_import(struct kunit *test, struct fixture *f, const struct relay_saved *s)
{
	struct aael_import out;

	return relay_import_as(test, f, s, 0, &out);
}

/**
 * relay_expect_untouched - nothing has been taken
 * @test: the case
 * @f: the fixture
 */
void relay_expect_untouched(struct kunit *test, struct fixture *f)
{
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream), f->log->own_offset);
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	KUNIT_EXPECT_FALSE(test, f->log->provider == &fake_provider && f->log->regs[TEST_PCR]);
	KUNIT_EXPECT_TRUE(test, f->log->awaits_import);
	KUNIT_EXPECT_EQ(test, notified.entries, 0);
}

/**
 * relay_expect_import - all of it is taken, recorded and enabled
 * @test: the case
 * @f: the fixture
 * @s: the log
 * @entries: of it
 */
void relay_expect_import(struct kunit *test, struct fixture *f, const struct relay_saved *s,
			 u64 entries)
{
	unsigned int extends = f->fake.extends;
	struct aael_import out;

	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, s, 0, &out), 0);
	KUNIT_EXPECT_EQ(test, out.sequence, entries + 1);
	KUNIT_EXPECT_EQ(test, f->fake.extends, extends + 1);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_ENABLED);
	KUNIT_EXPECT_EQ(test, f->log->count, entries + 1);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_CONSISTENT);
	fixture_expect_sound(test, f);
}

/**
 * relay_append - append "test op event N"
 * @test: the case
 * @f: the fixture
 * @count: from 1 to that
 */
void relay_append(struct kunit *test, struct fixture *f, unsigned int count)
{
	char content[16];

	for (unsigned int i = 1; i <= count; i++) {
		snprintf(content, sizeof(content), "event %u", i);
		KUNIT_ASSERT_EQ(test, fixture_append(f, content), 0);
	}
}

/**
 * relay_expect_stale - it is refused: the register is not what it replays to
 * @test: the case
 * @f: the fixture
 * @s: the log
 */
void relay_expect_stale(struct kunit *test, struct fixture *f, const struct relay_saved *s)
{
	struct aael_import out;

	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, s, 0, &out), -ESTALE);
	KUNIT_EXPECT_EQ(test, out.reg, TEST_PCR);
	relay_expect_untouched(test, f);
}
