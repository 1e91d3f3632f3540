// SPDX-License-Identifier: GPL-2.0-only
/* A log that ends in one module and goes on in the next. */
#include <linux/string.h>

#include "fault.h"
#include "relay.h"

static const u16 sha256[] = { ALG_SHA256 };
static const u16 sha384[] = { ALG_SHA384 };

/* ---- sealing ---- */

static void sealed_log_takes_nothing_and_can_be_opened(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	const char *why;

	relay_append(test, f, 2);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "no"), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, 10, &why), -EBUSY);
	KUNIT_EXPECT_EQ(test, fixture_snapshot(f), 0);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_UNDO, 0), 0);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_UNDO, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "yes"), 0);
	fixture_expect(test, f, &(struct expected) { .count = 3, .extends = 3 });
}

static void sealing_reads_every_register(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	relay_append(test, f, 1);
	fixture_expect_sound(test, f);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
}

static void what_is_undecided_cannot_be_sealed(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_ENABLED);
	f->fake.failing_reads = 0;
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
}

static void log_is_sealed_only_when_it_is_enabled(struct kunit *test)
{
	struct fixture *f = fixture_unbound(test, sha256, 1);

	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_UNDO, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, relay_step(f, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE + 1, 0), -EINVAL);
}

static void device_that_is_gone_cannot_be_sealed(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, aael_log_state(f->log), AAEL_STATE_ENABLED);
}

static void only_what_was_read_is_released(struct kunit *test)
{
	struct aael_seal s = { .step = AAEL_SEAL_RELEASE };
	struct fixture *f = fixture_sha256(test);

	relay_append(test, f, 1);
	s.bytes = aael_store_len(&f->log->stream);
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	s.bytes--;
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), -ESTALE);
	KUNIT_EXPECT_EQ(test, s.bytes, aael_store_len(&f->log->stream));
	KUNIT_EXPECT_EQ(test, s.count, 1);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), 0);
	KUNIT_EXPECT_EQ(test, aael_handover_seal(f->log, &s), 0);
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_UNDO, 0), 0);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
}

static void entry_that_comes_after_all_keeps_the_module(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	u64 end;

	relay_append(test, f, 1);
	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "late"), -EIO);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	end = aael_store_len(&f->log->stream);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, end), 0);
	fake_apply_late(&f->fake);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, f->log->count, 2);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, end), -ESTALE);
}

/* ---- importing ---- */

static void log_goes_on_in_the_next_module(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct relay_saved s;
	u8 digest[32];
	char text[160];

	relay_append(test, f, 200);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 10, f->admin, "aael", "other", NULL), 0);
	relay_run(test, f, &s);
	relay_expect_import(test, f, &s, 201);
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
	struct relay_saved s;

	for (u64 round = 0; round < 3; round++) {
		relay_append(test, f, 3);
		relay_run(test, f, &s);
		relay_expect_import(test, f, &s, 4 * round + 3);
	}
}

/* As with a boot log whose header lacks a bank. */
static void bank_that_is_not_logged_is_taken_as_it_is(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA256 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));
	struct relay_saved s;

	f->log->banks[0].logged = false;
	relay_append(test, f, 3);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	relay_save(test, f, &s);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s.end), 0);
	relay_next(test, f, &fake_provider);
	f->log->banks[0].logged = false;
	relay_expect_import(test, f, &s, 3);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "more"), 0);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_CONSISTENT);
}

static void empty_log_can_be_taken_over(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct relay_saved s;

	relay_run(test, f, &s);
	KUNIT_EXPECT_EQ(test, s.len, 0);
	relay_expect_import(test, f, &s, 0);
}

static void imported_entries_are_known_to_once(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct relay_saved s;

	relay_append(test, f, 2000);
	relay_run(test, f, &s);
	relay_expect_import(test, f, &s, 2000);
	fixture_expect_once(test, f, "test", "event 1", 1, 1);
	fixture_expect_once(test, f, "test", "event 2000", 1, 2000);
	fixture_expect_once(test, f, "test", "another", -EEXIST, 1);
	fixture_expect_once(test, f, "new", "event 1", 0, 2002);
	fixture_expect_once(test, f, "new", "event 1", 1, 2002);
	fixture_expect_sound(test, f);
}

/* Memory is short, again and again, and yet it gets there. */
static void once_catches_up_though_memory_is_short(struct kunit *test)
{
	struct aael_event ev = fixture_event("test", "op", "event 1000");
	struct fixture *f = fixture_sha256(test);
	int tries = 0, ret = -ENOMEM;
	struct relay_saved s;
	u64 sequence = 0;

	relay_append(test, f, 1000);
	relay_run(test, f, &s);
	KUNIT_ASSERT_EQ(test, relay_import(test, f, &s), 0);
	for (; tries < 20 && ret == -ENOMEM; tries++) {
		fault_set_memory(100);
		ret = fixture_once(f, TEST_INDEX, &ev, &sequence);
	}
	fault_set_memory(0);
	KUNIT_EXPECT_EQ(test, ret, 1);
	KUNIT_EXPECT_EQ(test, sequence, 1000);
	KUNIT_EXPECT_GT(test, tries, 5);
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
	struct relay_saved s;

	relay_append(test, f, 1);
	fake_foreign_extend(&f->fake, TEST_PCR);
	fake_foreign_extend(&f->fake, 5);
	relay_append(test, f, 1);
	relay_run(test, f, &s);
	relay_expect_import(test, f, &s, 4);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, 5));
	fixture_expect_text(test, f, 1, "test op event 1");
	fixture_expect_text(test, f, 2, "aael foreign-extend {\"imported\":true}");
	fixture_expect_text(test, f, 3, "aael foreign-extend {\"imported\":true}");
	fixture_expect_text(test, f, 4, "test op event 1");
	KUNIT_EXPECT_EQ(test, f->log->violations, 2);
	/* Once more: what was replaced stays as it is. */
	relay_run(test, f, &s);
	relay_expect_import(test, f, &s, 5);
	fixture_expect_text(test, f, 3, "aael foreign-extend {\"imported\":true}");
	KUNIT_EXPECT_EQ(test, f->log->violations, 2);
}

/* The fixed text would not fit into it. */
static void short_text_is_not_taken_for_foreign(struct kunit *test)
{
	static const char text[] = "aael foreign-extend {}";
	const size_t len = sizeof(text) - 1;
	struct fixture *f = followed(test);
	struct aael_import out;
	struct relay_saved s;

	KUNIT_EXPECT_EQ(test, fixture_append(f, "fourteen chars"), 0);
	relay_run(test, f, &s);
	memcpy(s.bytes + s.len - len, text, len);
	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, 0, &out), -EBADMSG);
	KUNIT_EXPECT_EQ(test, out.sequence, 1);
	relay_expect_untouched(test, f);
}

static void foreign_extend_keeps_a_released_module(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct relay_saved s;

	relay_append(test, f, 1);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	relay_save(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s.end), -ESTALE);
	relay_save(test, f, &s);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s.end), 0);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s.end), -ESTALE);
	KUNIT_EXPECT_TRUE(test, f->log->pinned);
	relay_run(test, f, &s);
	relay_expect_import(test, f, &s, 3);
}

static void foreign_extend_before_the_import_is_logged_behind_it(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct aael_import out;
	struct relay_saved s;

	relay_append(test, f, 2);
	relay_run(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	fake_foreign_extend(&f->fake, 5);
	flush_work(&f->log->follow.work);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, 0, &out), 0);
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
	struct relay_saved s;

	relay_append(test, f, 2);
	fake_foreign_extend(&f->fake, 5);
	relay_run(test, f, &s);
	f->fake.regs[5][0][0] ^= 1;
	f->log->regs[5]->unknown = true;
	/* With a report that waits, it cannot be read. */
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), 0);
	KUNIT_EXPECT_TRUE(test, f->log->regs[5]->diverged);
	KUNIT_EXPECT_EQ(test, aael_query_health(f->log), AAEL_HEALTH_DIVERGED);
}

static void enabling_that_fails_does_not_end_the_waiting(struct kunit *test)
{
	struct fixture *f = followed(test);
	const char *why;
	struct relay_saved s;

	relay_append(test, f, 2);
	relay_run(test, f, &s);
	f->log->regs[TEST_PCR]->unknown = true;
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), -EIO);
	f->fake.failing_reads = 0;
	fake_foreign_extend(&f->fake, TEST_PCR);
	flush_work(&f->log->follow.work);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 4);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void log_that_awaits_none_logs_what_is_reported(struct kunit *test)
{
	struct fixture *f = followed(test);
	const char *why;
	struct relay_saved s;

	relay_append(test, f, 2);
	relay_run(test, f, &s);
	fake_foreign_extend(&f->fake, TEST_PCR);
	KUNIT_EXPECT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	KUNIT_EXPECT_EQ(test, f->log->count, 1);
	KUNIT_EXPECT_EQ(test, relay_import(test, f, &s), -EBUSY);
}

static void extend_between_the_modules_is_seen(struct kunit *test)
{
	struct fixture *f = followed(test);
	struct aael_import out;
	struct relay_saved s;

	relay_append(test, f, 2);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_BEGIN, 0), 0);
	relay_save(test, f, &s);
	KUNIT_ASSERT_EQ(test, relay_step(f, AAEL_SEAL_RELEASE, s.end), 0);
	fixture_next(test, f);
	fake_foreign_extend(&f->fake, TEST_PCR);
	f->log->awaits_import = true;
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_followed, true), 0);
	relay_expect_stale(test, f, &s);
	KUNIT_EXPECT_EQ(test, relay_import_as(test, f, &s, AAEL_IMPORT_F_DIVERGED, &out), 0);
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
	KUNIT_CASE(foreign_entries_lose_their_text),
	KUNIT_CASE(short_text_is_not_taken_for_foreign),
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
