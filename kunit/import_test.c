// SPDX-License-Identifier: GPL-2.0-only
/* A log that is not taken over, and nothing of it then; and one whose import cannot be recorded. */
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fault.h"
#include "relay.h"

/* ---- what is refused ---- */

/* Where entry @nr of the saved begins. */
static u8 *entry(struct fixture *f, const struct relay_saved *s, unsigned int nr, size_t *len)
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
	struct relay_saved s;
	u8 *kept, *p;
	size_t len;
	int ret;

	relay_append(test, f, 2);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "as long as a foreign entry is"), 0);
	relay_append(test, f, 2);
	relay_run(test, f, &s);
	kept = kunit_kmalloc(test, s.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kept);
	memcpy(kept, s.bytes, s.len);
	for (size_t i = 0; i < ARRAY_SIZE(alterations); i++) {
		p = entry(f, &s, 3, &len);
		alterations[i](p, len);
		ret = relay_import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out);
		KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "alteration %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, out.sequence, 3, "alteration %zu", i);
		relay_expect_untouched(test, f);
		memcpy(s.bytes, kept, s.len);
	}
	relay_expect_import(test, f, &s, 5);
}

static void cut_off_entry_is_named(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	struct relay_saved s;
	size_t len;

	relay_append(test, f, 3);
	relay_run(test, f, &s);
	entry(f, &s, 3, &len);
	for (size_t cut = 1; cut < len; cut++) {
		s.len--;
		KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, 0, &out), -EBADMSG);
		KUNIT_EXPECT_EQ(test, out.sequence, 3);
	}
	relay_expect_untouched(test, f);
	s.len += len - 1;
	relay_expect_import(test, f, &s, 3);
}

static void dropped_swapped_or_added_entry_is_refused(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct relay_saved s, other;
	u8 *p;
	size_t len;

	relay_append(test, f, 4);
	relay_run(test, f, &s);
	other = s;
	other.bytes = kunit_kzalloc(test, 2 * s.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other.bytes);
	p = entry(f, &s, 2, &len);

	memcpy(other.bytes, s.bytes, p - s.bytes);
	memcpy(other.bytes + (p - s.bytes), p + len, s.bytes + s.len - p - len);
	other.len = s.len - len;
	relay_expect_stale(test, f, &other);

	memcpy(other.bytes, s.bytes, s.len);
	other.len = s.len;
	memcpy(other.bytes + (p - s.bytes), p + len, len);
	memcpy(other.bytes + (p - s.bytes) + len, p, len);
	relay_expect_stale(test, f, &other);

	memcpy(other.bytes, s.bytes, s.len);
	memcpy(other.bytes + s.len, p, len);
	other.len = s.len + len;
	relay_expect_stale(test, f, &other);

	other.len = 0;
	relay_expect_stale(test, f, &other);

	relay_expect_import(test, f, &s, 4);
}

static void register_that_has_moved_is_refused_or_diverged(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out;
	struct relay_saved s;

	relay_append(test, f, 2);
	relay_run(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	relay_expect_stale(test, f, &s);
	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out), 0);
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
	struct relay_saved s;
	const char *why;

	relay_append(test, f, 2);
	relay_run(test, f, &s);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_UNEXPLAINED_BASE);
}

static void import_needs_a_provider_an_index_and_room(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_import out = { .index = 7 };
	struct relay_saved s;
	u8 none;

	relay_append(test, f, 2);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	relay_save(test, f, &s);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s.end), 0);
	fixture_next(test, f);
	f->log->awaits_import = true;
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, aael_handover_import(f->log, &out, &none), -EINVAL);
	f->log->max_log_bytes = s.len + 100;
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EFBIG);
	f->log->suspended = true;
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EBUSY);
	f->log->suspended = false;
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -ENODEV);
	f->fake.gone = false;
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_LT(test, relay_import(test, f, &s), 0);
	f->fake.failing_reads = 0;
	f->log->max_log_bytes = SZ_1M;
	relay_expect_untouched(test, f);
	relay_expect_import(test, f, &s, 2);
}

/* ---- all or nothing ---- */

static void import_without_memory_is_none(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct relay_saved s;
	const char *why;
	int ret = -ENOMEM, nth;

	relay_append(test, f, 100);
	relay_run(test, f, &s);
	for (nth = 1; nth < 100 && ret; nth++) {
		fault_set_memory(nth);
		ret = relay_import(test, f, &s);
		fault_set_memory(0);
		if (!ret || f->log->count)
			break;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		relay_expect_untouched(test, f);
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
	struct relay_saved s;
	int ret = -EIO;

	relay_append(test, f, 3);
	relay_run(test, f, &s);
	/* Two hashes an entry: the event, and the register; then the record's. */
	for (int nth = 1; nth <= 8; nth++) {
		fault_set_hash(nth);
		ret = relay_import(test, f, &s);
		fault_set_hash(0);
		KUNIT_EXPECT_EQ(test, ret, -EIO);
		relay_expect_untouched(test, f);
	}
	relay_expect_import(test, f, &s, 3);
}

static void expect_recorded_later(struct kunit *test, enum fake_act act, int ret, u64 end)
{
	struct fixture *f = fixture_sha256(test);
	const char *why;
	struct relay_saved s;

	relay_append(test, f, 3);
	relay_run(test, f, &s);
	fake_script(&f->fake, act);
	if (ret == -ETIMEDOUT) {
		f->fake.skip_reads = 2;
		f->fake.failing_reads = -1;
	}
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), ret);
	KUNIT_EXPECT_EQ(test, f->log->count, 3);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "not yet"), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EBUSY);
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
	struct relay_saved s;

	relay_run(test, f, &s);
	fake_script(&f->fake, FAKE_NOT_SENT);
	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, 0, &out), -EIO);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 1);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	fixture_expect_sound(test, f);
}

static void import_is_not_recorded_while_suspended(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	const char *why;
	struct relay_saved s;

	relay_append(test, f, 3);
	relay_run(test, f, &s);
	fake_script(&f->fake, FAKE_NOT_SENT);
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EIO);
	f->log->suspended = true;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 4);
	f->log->suspended = false;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	fixture_expect_sound(test, f);
}

static struct kunit_case import_cases[] = {
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
	{}
};

static struct kunit_suite import_suite = {
	.name = "aael_import",
	.test_cases = import_cases,
};

kunit_test_suites(&import_suite);
