// SPDX-License-Identifier: GPL-2.0-only
/* A log that ends in one module and goes on in the next. */
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fault.h"
#include "fixture.h"

static const u16 sha256[] = { ALG_SHA256 };
static const u16 sha384[] = { ALG_SHA384 };

/* What was read of a sealed log. */
struct saved {
	u8 *bytes;
	size_t len;
	u64 end;
};

static int step(struct fixture *f, u32 what, u64 bytes)
{
	struct aael_seal s = { .step = what, .bytes = bytes };

	return aael_handover_seal(f->log, &s);
}

static void save(struct kunit *test, struct fixture *f, struct saved *s)
{
	s->end = aael_store_len(&f->log->stream);
	s->len = s->end - f->log->own_offset;
	s->bytes = kunit_kzalloc(test, s->len + 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->bytes);
	aael_store_read(&f->log->stream, f->log->own_offset, s->bytes, s->len);
}

static void next_log(struct kunit *test, struct fixture *f, const struct aael_provider *p)
{
	fixture_next(test, f);
	f->log->awaits_import = true;
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, p, true), 0);
}

/* Seals, saves and releases the log, and loads the module again. */
static void hand_over(struct kunit *test, struct fixture *f, struct saved *s)
{
	const struct aael_provider *p = f->log->provider;

	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	save(test, f, s);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_RELEASE, s->end), 0);
	next_log(test, f, p);
}

/* The import gets a copy: it writes to what it is given. */
static int import_as(struct kunit *test, struct fixture *f, const struct saved *s, u32 flags,
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

static int import(struct kunit *test, struct fixture *f, const struct saved *s)
{
	struct aael_import out;

	return import_as(test, f, s, 0, &out);
}

static void expect_untouched(struct kunit *test, struct fixture *f)
{
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream), f->log->own_offset);
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	KUNIT_EXPECT_FALSE(test, f->log->provider == &fake_provider && f->log->regs[TEST_PCR]);
	KUNIT_EXPECT_TRUE(test, f->log->awaits_import);
	KUNIT_EXPECT_EQ(test, notified.entries, 0);
}

static void expect_import(struct kunit *test, struct fixture *f, const struct saved *s,
			  u64 entries)
{
	unsigned int extends = f->fake.extends;
	struct aael_import out;

	KUNIT_EXPECT_EQ(test, import_as(test, f, s, 0, &out), 0);
	KUNIT_EXPECT_EQ(test, out.sequence, entries + 1);
	KUNIT_EXPECT_EQ(test, f->fake.extends, extends + 1);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_ENABLED);
	KUNIT_EXPECT_EQ(test, f->log->count, entries + 1);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_CONSISTENT);
	fixture_expect_sound(test, f);
}

static void append_many(struct kunit *test, struct fixture *f, unsigned int count)
{
	char content[16];

	for (unsigned int i = 1; i <= count; i++) {
		snprintf(content, sizeof(content), "event %u", i);
		KUNIT_ASSERT_EQ(test, fixture_append(f, content), 0);
	}
}

/* ---- sealing ---- */

static void sealed_log_takes_nothing_and_can_be_opened(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	const char *why;

	append_many(test, f, 2);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "no"), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, 10, &why), -EBUSY);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_UNDO, 0), 0);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_UNDO, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "yes"), 0);
	fixture_expect(test, f, &(struct expected) { .count = 3, .extends = 3 });
}

static void sealing_reads_every_register(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	append_many(test, f, 1);
	fixture_expect_sound(test, f);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
}

static void what_is_undecided_cannot_be_sealed(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_ENABLED);
	f->fake.failing_reads = 0;
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
}

static void log_is_sealed_only_when_it_is_enabled(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);

	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_UNDO, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, step(f, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_RELEASE + 1, 0), -EINVAL);
}

static void device_that_is_gone_cannot_be_sealed(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_ENABLED);
}

static void only_what_was_read_is_released(struct kunit *test)
{
	struct aael_seal s = { .step = AAEL_SEAL_RELEASE };
	struct fixture *f = fixture_sha256(test);

	append_many(test, f, 1);
	s.bytes = aael_store_len(&f->log->stream);
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	s.bytes--;
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), -ESTALE);
	KUNIT_EXPECT_EQ(test, s.bytes, aael_store_len(&f->log->stream));
	KUNIT_EXPECT_EQ(test, s.count, 1);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), 0);
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), 0);
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_UNDO, 0), 0);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
}

static void entry_that_comes_after_all_keeps_the_module(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	u64 end;

	append_many(test, f, 1);
	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	end = aael_store_len(&f->log->stream);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_RELEASE, end), 0);
	fake_apply_late(&f->fake);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, f->log->count, 2);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_RELEASE, end), -ESTALE);
}

/* ---- importing ---- */

static void log_goes_on_in_the_next_module(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s;
	u8 digest[32];
	char text[160];

	append_many(test, f, 200);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 10, f->admin, "aael", "other", NULL), 0);
	hand_over(test, f, &s);
	expect_import(test, f, &s, 201);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, 10));
	fixture_expect_text(test, f, 1, "test op event 1");
	fixture_expect_text(test, f, 65, "test op event 65");
	fixture_expect_text(test, f, 201, "aael op other");
	aael_bank_digest(&f->log->banks[0], s.bytes, s.len, digest);
	snprintf(text, sizeof(text),
		 "aael handover {\"entries\":201,\"foreign\":0,\"sha256\":\"%*phN\"}", 32, digest);
	fixture_expect_text(test, f, 202, text);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "more"), 0);
	fixture_expect_text(test, f, 203, "test op more");
	fixture_expect_sound(test, f);
}

static void log_is_handed_over_again_and_again(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256, ALG_SHA384 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));
	struct saved s;

	for (u64 round = 0; round < 3; round++) {
		append_many(test, f, 3);
		hand_over(test, f, &s);
		expect_import(test, f, &s, 4 * round + 3);
	}
}

/* As with a boot log whose header lacks a bank. */
static void bank_that_is_not_logged_is_taken_as_it_is(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));
	struct saved s;

	f->log->banks[0].logged = false;
	append_many(test, f, 3);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	save(test, f, &s);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_RELEASE, s.end), 0);
	next_log(test, f, &fake_provider);
	f->log->banks[0].logged = false;
	expect_import(test, f, &s, 3);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "more"), 0);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_CONSISTENT);
}

static void empty_log_can_be_taken_over(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s;

	hand_over(test, f, &s);
	KUNIT_EXPECT_EQ(test, s.len, 0);
	expect_import(test, f, &s, 0);
}

static void imported_entries_are_known_to_once(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s;

	append_many(test, f, 2000);
	hand_over(test, f, &s);
	expect_import(test, f, &s, 2000);
	fixture_expect_once(test, f, "test", "event 1", 1, 1);
	fixture_expect_once(test, f, "test", "event 2000", 1, 2000);
	fixture_expect_once(test, f, "test", "another", -EEXIST, 1);
	fixture_expect_once(test, f, "new", "event 1", 0, 2002);
	fixture_expect_once(test, f, "new", "event 1", 1, 2002);
	fixture_expect_sound(test, f);
}

/* The import is done, and then memory is short, again and again. */
static void once_catches_up_though_memory_is_short(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	struct saved s;
	const char *why;
	int ret;

	append_many(test, f, 1000);
	hand_over(test, f, &s);
	/* The state of the register, the pages, the record, and then one entry in the table. */
	fault_set_memory(60);
	ret = import_as(test, f, &s, 0, &out);
	KUNIT_ASSERT_EQ(test, ret, -ENOMEM);
	KUNIT_ASSERT_EQ(test, f->log->count, 1000);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_DISABLED);
	for (int i = 0; i < 20 && ret; i++) {
		fault_set_memory(100);
		ret = aael_log_enable(f->log, TEST_INDEX, &why);
	}
	fault_set_memory(0);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1001);
	fixture_expect_once(test, f, "test", "event 1000", 1, 1000);
	fixture_expect_sound(test, f);
}

/* ---- what is refused ---- */

/* Where entry @nr of the saved begins. */
static u8 *entry(struct fixture *f, const struct saved *s, unsigned int nr, size_t *len)
{
	struct aael_entry_view view = {};
	u8 *p = s->bytes;

	for (unsigned int i = 1; i <= nr; i++) {
		p += view.len;
		aael_entry_parse(f->log->banks, f->log->bank_count, p, s->bytes + s->len - p,
				 &view);
	}
	*len = view.len;
	return p;
}

static void alter_text(u8 *p, size_t len)
{
	p[len - 1] ^= 1;
}

static void alter_register(u8 *p, size_t len)
{
	p[0] = 7;
}

static void register_that_is_none(u8 *p, size_t len)
{
	p[3] = 0x80;
}

static void alter_type(u8 *p, size_t len)
{
	p[4] = 8;
}

static void more_digests(u8 *p, size_t len)
{
	p[8] = 2;
}

static void alter_algorithm(u8 *p, size_t len)
{
	p[12] = 0x0c;
}

static void alter_digest(u8 *p, size_t len)
{
	p[20] ^= 1;
}

static void larger_event(u8 *p, size_t len)
{
	p[46]++;
}

static void alter_tag(u8 *p, size_t len)
{
	p[50] ^= 1;
}

static void huge_text(u8 *p, size_t len)
{
	put_unaligned_le32(U32_MAX, p + 54);
	put_unaligned_le32(7, p + 46);
}

static void no_text(u8 *p, size_t len)
{
	memset(p + 58, 'x', len - 58);
}

static void control_character(u8 *p, size_t len)
{
	p[len - 1] = '\n';
}

/* The text of a foreign entry, which this device cannot have reported. */
static void claim_foreign(u8 *p, size_t len)
{
	memcpy(p + 58, "aael foreign-extend {\"imported\":true}", len - 58);
}

static void altered_entry_is_named(struct kunit *test)
{
	static void (*const alterations[])(u8 *p, size_t len) = {
		alter_text, alter_register, register_that_is_none, alter_type, more_digests,
		alter_algorithm, alter_digest, larger_event, alter_tag, huge_text, no_text,
		control_character, claim_foreign,
	};
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	struct saved s;
	u8 *kept, *p;
	size_t len;

	append_many(test, f, 2);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "as long as a foreign entry is"), 0);
	append_many(test, f, 2);
	hand_over(test, f, &s);
	kept = kunit_kmalloc(test, s.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kept);
	memcpy(kept, s.bytes, s.len);
	for (size_t i = 0; i < ARRAY_SIZE(alterations); i++) {
		p = entry(f, &s, 3, &len);
		alterations[i](p, len);
		KUNIT_EXPECT_EQ_MSG(test, import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out),
				    -EBADMSG, "alteration %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, out.sequence, 3, "alteration %zu", i);
		expect_untouched(test, f);
		memcpy(s.bytes, kept, s.len);
	}
	expect_import(test, f, &s, 5);
}

static void cut_off_entry_is_named(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	struct saved s;
	size_t len;

	append_many(test, f, 3);
	hand_over(test, f, &s);
	entry(f, &s, 3, &len);
	for (size_t cut = 1; cut < len; cut++) {
		s.len--;
		KUNIT_EXPECT_EQ(test, import_as(test, f, &s, 0, &out), -EBADMSG);
		KUNIT_EXPECT_EQ(test, out.sequence, 3);
	}
	expect_untouched(test, f);
	s.len += len - 1;
	expect_import(test, f, &s, 3);
}

static void expect_stale(struct kunit *test, struct fixture *f, const struct saved *s)
{
	struct aael_import out;

	KUNIT_EXPECT_EQ(test, import_as(test, f, s, 0, &out), -ESTALE);
	KUNIT_EXPECT_EQ(test, out.reg, TEST_PCR);
	expect_untouched(test, f);
}

static void dropped_swapped_or_added_entry_is_refused(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s, other;
	u8 *p;
	size_t len;

	append_many(test, f, 4);
	hand_over(test, f, &s);
	other = s;
	other.bytes = kunit_kzalloc(test, 2 * s.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other.bytes);
	p = entry(f, &s, 2, &len);

	memcpy(other.bytes, s.bytes, p - s.bytes);
	memcpy(other.bytes + (p - s.bytes), p + len, s.bytes + s.len - p - len);
	other.len = s.len - len;
	expect_stale(test, f, &other);

	memcpy(other.bytes, s.bytes, s.len);
	other.len = s.len;
	memcpy(other.bytes + (p - s.bytes), p + len, len);
	memcpy(other.bytes + (p - s.bytes) + len, p, len);
	expect_stale(test, f, &other);

	memcpy(other.bytes, s.bytes, s.len);
	memcpy(other.bytes + s.len, p, len);
	other.len = s.len + len;
	expect_stale(test, f, &other);

	other.len = 0;
	expect_stale(test, f, &other);

	expect_import(test, f, &s, 4);
}

static void register_that_has_moved_is_refused_or_diverged(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	struct saved s;

	append_many(test, f, 2);
	hand_over(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	expect_stale(test, f, &s);
	KUNIT_EXPECT_EQ(test, import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out), 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->violations, 1);
	KUNIT_EXPECT_MEMEQ(test, f->log->regs[TEST_PCR]->seen[0],
			   f->log->regs[TEST_PCR]->before_last[0], 32);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "goes on"), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 4);
	KUNIT_EXPECT_FALSE(test, fixture_replays(test, f, TEST_PCR));
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, f->log->violations, 1);
}

static void log_that_has_begun_takes_no_other(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s;
	const char *why;

	append_many(test, f, 2);
	hand_over(test, f, &s);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNEXPLAINED_BASE);
}

static void import_needs_a_provider_an_index_and_room(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out = { .index = 7 };
	struct saved s;
	u8 none;

	append_many(test, f, 2);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	save(test, f, &s);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_RELEASE, s.end), 0);
	fixture_next(test, f);
	f->log->awaits_import = true;
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, aael_handover_import(f->log, &out, &none), -EINVAL);
	f->log->max_log_bytes = s.len + 100;
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EFBIG);
	f->log->suspended = true;
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EBUSY);
	f->log->suspended = false;
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -ENODEV);
	f->fake.gone = false;
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_LT(test, import(test, f, &s), 0);
	f->fake.failing_reads = 0;
	f->log->max_log_bytes = SZ_1M;
	expect_untouched(test, f);
	expect_import(test, f, &s, 2);
}

/* ---- all or nothing ---- */

static void import_without_memory_is_none(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s;
	const char *why;
	int ret = -ENOMEM, nth;

	append_many(test, f, 100);
	hand_over(test, f, &s);
	for (nth = 1; nth < 100 && ret; nth++) {
		fault_set_memory(nth);
		ret = import(test, f, &s);
		fault_set_memory(0);
		if (!ret || f->log->count)
			break;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		expect_untouched(test, f);
	}
	KUNIT_EXPECT_GT(test, nth, 5);
	/* It is all there, and what was missing is made up for. */
	KUNIT_EXPECT_GE(test, f->log->count, 100);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 101);
	fixture_expect_sound(test, f);
}

static void import_without_hash_is_none(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct saved s;
	int ret = -EIO;

	append_many(test, f, 3);
	hand_over(test, f, &s);
	/* Two hashes an entry: the event, and the register; then the record's. */
	for (int nth = 1; nth <= 8; nth++) {
		fault_set_hash(nth);
		ret = import(test, f, &s);
		fault_set_hash(0);
		KUNIT_EXPECT_EQ(test, ret, -EIO);
		expect_untouched(test, f);
	}
	expect_import(test, f, &s, 3);
}

static void expect_recorded_later(struct kunit *test, enum fake_act act, int ret, u64 end)
{
	struct fixture *f = fixture_sha256(test);
	const char *why;
	struct saved s;

	append_many(test, f, 3);
	hand_over(test, f, &s);
	fake_script(&f->fake, act);
	if (ret == -ETIMEDOUT) {
		f->fake.skip_reads = 2;
		f->fake.failing_reads = -1;
	}
	KUNIT_EXPECT_EQ(test, import(test, f, &s), ret);
	KUNIT_EXPECT_EQ(test, f->log->count, 3);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "not yet"), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, 10, &why), -EBUSY);
	f->fake.failing_reads = 0;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 4);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "now"), 0);
	fixture_expect_text(test, f, 5, "test op now");
	KUNIT_EXPECT_EQ(test, f->fake.extends, end);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_CONSISTENT);
}

static void import_that_cannot_be_recorded_is_recorded_later(struct kunit *test)
{
	expect_recorded_later(test, FAKE_NOT_SENT, -EIO, 6);
}

static void record_that_is_undecided_is_not_made_twice(struct kunit *test)
{
	expect_recorded_later(test, FAKE_TIMEOUT_APPLIED, -ETIMEDOUT, 5);
}

static void record_that_was_lost_is_made_again(struct kunit *test)
{
	expect_recorded_later(test, FAKE_TIMEOUT_LOST, -ETIMEDOUT, 6);
}

/* Nothing in the log shows it: the record that is owed has to. */
static void import_of_an_empty_log_is_not_made_twice(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	const char *why;
	struct saved s;

	hand_over(test, f, &s);
	fake_script(&f->fake, FAKE_NOT_SENT);
	KUNIT_EXPECT_EQ(test, import_as(test, f, &s, 0, &out), -EIO);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 1);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	fixture_expect_sound(test, f);
}

static void import_is_not_recorded_while_suspended(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	const char *why;
	struct saved s;

	append_many(test, f, 3);
	hand_over(test, f, &s);
	fake_script(&f->fake, FAKE_NOT_SENT);
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EIO);
	f->log->suspended = true;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 4);
	f->log->suspended = false;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	fixture_expect_sound(test, f);
}

/* ---- foreign entries ---- */

static struct fixture *followed(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha384, 1);
	const char *why;

	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, AAEL_INDEX_DEFAULT, &why), 0);
	return f;
}

static void foreign_entries_lose_their_text(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct saved s;

	append_many(test, f, 1);
	fake_foreign_extend(&f->fake, TEST_PCR);
	fake_foreign_extend(&f->fake, 5);
	append_many(test, f, 1);
	hand_over(test, f, &s);
	expect_import(test, f, &s, 4);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, 5));
	fixture_expect_text(test, f, 1, "test op event 1");
	fixture_expect_text(test, f, 2, "aael foreign-extend {\"imported\":true}");
	fixture_expect_text(test, f, 3, "aael foreign-extend {\"imported\":true}");
	fixture_expect_text(test, f, 4, "test op event 1");
	KUNIT_EXPECT_EQ(test, f->log->violations, 2);
	/* Once more: what was replaced stays as it is. */
	hand_over(test, f, &s);
	expect_import(test, f, &s, 5);
	fixture_expect_text(test, f, 3, "aael foreign-extend {\"imported\":true}");
	KUNIT_EXPECT_EQ(test, f->log->violations, 2);
}

static void foreign_extend_keeps_a_released_module(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct saved s;

	append_many(test, f, 1);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	save(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_RELEASE, s.end), -ESTALE);
	save(test, f, &s);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_RELEASE, s.end), 0);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, step(f, AAEL_SEAL_RELEASE, s.end), -ESTALE);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	hand_over(test, f, &s);
	expect_import(test, f, &s, 3);
}

static void foreign_extend_before_the_import_is_logged_behind_it(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct aael_import out;
	struct saved s;

	append_many(test, f, 2);
	hand_over(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	fake_foreign_extend(&f->fake, 5);
	flush_work(&f->log->follow.work);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, import_as(test, f, &s, 0, &out), 0);
	KUNIT_EXPECT_EQ(test, out.sequence, 5);
	KUNIT_EXPECT_EQ(test, f->log->count, 5);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
	KUNIT_EXPECT_EQ(test, f->log->regs[TEST_PCR]->unexplained_base, false);
	KUNIT_EXPECT_EQ(test, f->log->violations, 2);
}

/* Its value was not to be had when the log was taken, and is not what anybody reported. */
static void unknown_register_is_compared_after_the_import(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct saved s;

	append_many(test, f, 2);
	fake_foreign_extend(&f->fake, 5);
	hand_over(test, f, &s);
	f->fake.regs[5][0][0] ^= 1;
	f->log->regs[5]->unknown = true;
	/* With a report that waits, it cannot be read. */
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, import(test, f, &s), 0);
	KUNIT_EXPECT_TRUE(test, f->log->regs[5]->diverged);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
}

static void enabling_that_fails_does_not_end_the_waiting(struct kunit *test)
{
	struct fixture *f = followed(test);
	const char *why;
	struct saved s;

	append_many(test, f, 2);
	hand_over(test, f, &s);
	f->log->regs[TEST_PCR]->unknown = true;
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -EIO);
	f->fake.failing_reads = 0;
	fake_foreign_extend(&f->fake, TEST_PCR);
	flush_work(&f->log->follow.work);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, import(test, f, &s), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 4);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void log_that_awaits_none_logs_what_is_reported(struct kunit *test)
{
	struct fixture *f = followed(test);
	const char *why;
	struct saved s;

	append_many(test, f, 2);
	hand_over(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	KUNIT_EXPECT_EQ(test, import(test, f, &s), -EBUSY);
}

static void extend_between_the_modules_is_seen(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct aael_import out;
	struct saved s;

	append_many(test, f, 2);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_BEGIN, 0), 0);
	save(test, f, &s);
	KUNIT_ASSERT_EQ(test, step(f, AAEL_SEAL_RELEASE, s.end), 0);
	fixture_next(test, f);
	fake_foreign_extend(&f->fake, TEST_PCR);
	f->log->awaits_import = true;
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
	expect_stale(test, f, &s);
	KUNIT_EXPECT_EQ(test, import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out), 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
	KUNIT_EXPECT_EQ(test, f->log->count, 3);
}

static struct kunit_case handover_cases[] = {
	KUNIT_CASE(sealed_log_takes_nothing_and_can_be_opened),
	KUNIT_CASE(sealing_reads_every_register),
	KUNIT_CASE(what_is_undecided_cannot_be_sealed),
	KUNIT_CASE(log_is_sealed_only_when_it_is_enabled),
	KUNIT_CASE(device_that_is_gone_cannot_be_sealed),
	KUNIT_CASE(only_what_was_read_is_released),
	KUNIT_CASE(entry_that_comes_after_all_keeps_the_module),
	KUNIT_CASE(log_goes_on_in_the_next_module),
	KUNIT_CASE(log_is_handed_over_again_and_again),
	KUNIT_CASE(bank_that_is_not_logged_is_taken_as_it_is),
	KUNIT_CASE(empty_log_can_be_taken_over),
	KUNIT_CASE(imported_entries_are_known_to_once),
	KUNIT_CASE(once_catches_up_though_memory_is_short),
	KUNIT_CASE(altered_entry_is_named),
	KUNIT_CASE(cut_off_entry_is_named),
	KUNIT_CASE(dropped_swapped_or_added_entry_is_refused),
	KUNIT_CASE(register_that_has_moved_is_refused_or_diverged),
	KUNIT_CASE(log_that_has_begun_takes_no_other),
	KUNIT_CASE(import_needs_a_provider_an_index_and_room),
	KUNIT_CASE(import_without_memory_is_none),
	KUNIT_CASE(import_without_hash_is_none),
	KUNIT_CASE(import_that_cannot_be_recorded_is_recorded_later),
	KUNIT_CASE(record_that_is_undecided_is_not_made_twice),
	KUNIT_CASE(record_that_was_lost_is_made_again),
	KUNIT_CASE(import_of_an_empty_log_is_not_made_twice),
	KUNIT_CASE(import_is_not_recorded_while_suspended),
	KUNIT_CASE(foreign_entries_lose_their_text),
	KUNIT_CASE(foreign_extend_keeps_a_released_module),
	KUNIT_CASE(foreign_extend_before_the_import_is_logged_behind_it),
	KUNIT_CASE(unknown_register_is_compared_after_the_import),
	KUNIT_CASE(enabling_that_fails_does_not_end_the_waiting),
	KUNIT_CASE(log_that_awaits_none_logs_what_is_reported),
	KUNIT_CASE(extend_between_the_modules_is_seen),
	{}
};

static struct kunit_suite handover_suite = {
	.name = "aael_handover",
	.test_cases = handover_cases,
};

kunit_test_suites(&handover_suite);
