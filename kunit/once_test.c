// SPDX-License-Identifier: GPL-2.0-only
/* Events that are to be logged once: duplicates, conflicts, doubts, races. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "fixture.h"

#define RACERS	16

static void identical_event_is_logged_once(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA512 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));

	fixture_expect_once(test, f, "test", "x", 0, 1);
	fixture_expect_once(test, f, "test", "x", 1, 1);
	fixture_expect_once(test, f, "test", "x", 1, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void other_content_is_a_conflict(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fixture_expect_once(test, f, "first", "x", 0, 1);
	fixture_expect_once(test, f, "test", "x", 0, 2);
	fixture_expect_once(test, f, "test", "y", -EEXIST, 2);
	fixture_expect_once(test, f, "test", "x ", -EEXIST, 2);
	fixture_expect_once(test, f, "test", "xx", -EEXIST, 2);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

static void identical_one_wins_over_a_conflict(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	KUNIT_EXPECT_EQ(test, fixture_append(f, "a"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "b"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "c"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "b"), 0);
	fixture_expect_once(test, f, "test", "a", 1, 1);
	fixture_expect_once(test, f, "test", "b", 1, 2);
	fixture_expect_once(test, f, "test", "c", 1, 3);
	fixture_expect_once(test, f, "test", "d", -EEXIST, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 4, .extends = 4 });
}

static void once_does_not_bind_others(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fixture_expect_once(test, f, "test", "x", 0, 1);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "y"), 0);
	fixture_expect_once(test, f, "test", "x", 1, 1);
	fixture_expect_once(test, f, "test", "y", 1, 3);
	fixture_expect_sound(test, f);
}

static void words_are_compared_whole(struct kunit *test)
{
	static const struct {
		const char *domain, *operation, *content;
		int ret;
	} cases[] = {
		{ "a", "b", "c", 0 },
		{ "a", "bc", "c", 0 },
		{ "ab", "c", "c", 0 },
		{ "a", "b", "c d", -EEXIST },
		{ "a", "B", "c", 0 },
		{ "aa", "b", "c", 0 },
		{ "a", "b", "C", -EEXIST },
		{ "a", "b", "c", 1 },
		{ "ab", "c", "c", 1 },
	};
	struct fixture *f = fixture_sha256(test);
	struct aael_event ev;
	u64 sequence;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ev = fixture_event(cases[i].domain, cases[i].operation, cases[i].content);
		KUNIT_EXPECT_EQ_MSG(test, fixture_once(f, AAEL_INDEX_DEFAULT, &ev, &sequence),
				    cases[i].ret, "case %zu", i);
	}
	fixture_expect_sound(test, f);
}

static void longest_words_are_compared_whole(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	char *word = kunit_kzalloc(test, 2 * 256, GFP_KERNEL);
	struct aael_event ev;
	u64 sequence;

	KUNIT_ASSERT_NOT_NULL(test, word);
	memset(word, 'w', 255);
	memset(word + 256, 'o', 255);
	ev = fixture_event(word, word + 256, "x");
	KUNIT_EXPECT_EQ(test, fixture_once(f, AAEL_INDEX_DEFAULT, &ev, &sequence), 0);
	KUNIT_EXPECT_EQ(test, fixture_once(f, AAEL_INDEX_DEFAULT, &ev, &sequence), 1);
	word[256 + 254] = 'O';
	KUNIT_EXPECT_EQ(test, fixture_once(f, AAEL_INDEX_DEFAULT, &ev, &sequence), 0);
	ev = fixture_event(word, word + 256, "y");
	KUNIT_EXPECT_EQ(test, fixture_once(f, AAEL_INDEX_DEFAULT, &ev, &sequence), -EEXIST);
	KUNIT_EXPECT_EQ(test, sequence, 2);
}

static void registers_are_apart(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_event x = fixture_event("test", "op", "x");
	struct aael_event y = fixture_event("test", "op", "y");
	u64 sequence;

	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX, &x, &sequence), 0);
	KUNIT_EXPECT_EQ(test, fixture_once(f, 9, &x, &sequence), 0);
	KUNIT_EXPECT_EQ(test, fixture_once(f, 11, &y, &sequence), 0);
	KUNIT_EXPECT_EQ(test, fixture_once(f, 9, &x, &sequence), 1);
	KUNIT_EXPECT_EQ(test, sequence, 2);
	KUNIT_EXPECT_EQ(test, fixture_once(f, 11, &x, &sequence), -EEXIST);
	KUNIT_EXPECT_EQ(test, sequence, 3);
	/* Another index of the same register is the same place. */
	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX + 1, &x, &sequence), 1);
	KUNIT_EXPECT_EQ(test, sequence, 1);
	fixture_expect_sound(test, f);
}

static void duplicate_needs_neither_room_nor_memory_for_the_log(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fixture_expect_once(test, f, "test", "x", 0, 1);
	f->log->max_log_bytes = aael_store_len(&f->log->stream) - f->log->own_offset;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ENOSPC);
	fixture_expect_once(test, f, "test", "x", 1, 1);
	fixture_expect_once(test, f, "test", "y", -EEXIST, 1);
	fixture_expect_once(test, f, "new", "x", -ENOSPC, 0);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

/* ---- doubts ---- */

static void expect_pending(struct kunit *test, enum fake_act act)
{
	bool applied = act == FAKE_TIMEOUT_APPLIED;
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, act);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ETIMEDOUT);
	fixture_expect_once(test, f, "test", "x", -EIO, 0);
	fixture_expect_once(test, f, "test", "y", -EIO, 0);
	f->fake.failing_reads = 0;
	fixture_expect_once(test, f, "test", "x", applied, 1);
	fixture_expect_once(test, f, "test", "y", -EEXIST, 1);
	fixture_expect_text(test, f, 1, "test op x");
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 2 - applied });
	kunit_release_action(test, fixture_destroy, f);
}

static void pending_entry_counts_once_it_is_decided(struct kunit *test)
{
	expect_pending(test, FAKE_TIMEOUT_APPLIED);
	expect_pending(test, FAKE_TIMEOUT_LOST);
}

static void undecided_once_may_be_repeated(struct kunit *test)
{
	struct aael_event ev = fixture_event("test", "op", "x");
	struct fixture *f = fixture_sha256(test);
	u64 sequence;

	fake_script(&f->fake, FAKE_TIMEOUT_APPLIED);
	f->fake.failing_reads = -1;
	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, sequence, 1);
	f->fake.failing_reads = 0;
	fixture_expect_once(test, f, "test", "x", 1, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void refused_entry_that_turns_up_counts(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_LATE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -EIO);
	fake_apply_late(&f->fake);
	fixture_expect_once(test, f, "test", "y", -EEXIST, 1);
	fixture_expect_once(test, f, "test", "x", 1, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void refused_entry_that_never_turns_up_does_not(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	fake_script(&f->fake, FAKE_TIMEOUT_LOST);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -EIO);
	fixture_expect_once(test, f, "test", "y", 0, 1);
	fixture_expect_once(test, f, "test", "x", -EEXIST, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 2 });
}

static void device_that_is_gone_is_told_first(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_event ev = fixture_event("test", "op", "x");
	u64 sequence;

	fixture_expect_once(test, f, "test", "x", 0, 1);
	f->fake.gone = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "y"), -ENODEV);
	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence), -ENODEV);
}

/* ---- races ---- */

struct racer {
	struct fixture *f;
	struct completion done;
	char content[16];
	u64 sequence;
	int ret;
};

static int race(void *arg)
{
	struct racer *r = arg;
	struct aael_event ev = fixture_event("test", "op", r->content);

	r->ret = fixture_once(r->f, TEST_INDEX, &ev, &r->sequence);
	kthread_complete_and_exit(&r->done, 0);
}

/* All are in the queue before the first of them is measured. */
static struct racer *start_race(struct kunit *test, struct fixture *f, const char *format)
{
	struct racer *r = kunit_kcalloc(test, RACERS, sizeof(*r), GFP_KERNEL);
	struct completion hold;

	KUNIT_ASSERT_NOT_NULL(test, r);
	init_completion(&hold);
	f->fake.hold = &hold;
	for (unsigned int i = 0; i < RACERS; i++) {
		r[i].f = f;
		init_completion(&r[i].done);
		snprintf(r[i].content, sizeof(r[i].content), format, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(race, &r[i], "aael-race/%u", i)));
	}
	while (atomic_read(&f->log->queued) < RACERS)
		schedule_timeout_uninterruptible(1);
	complete_all(&hold);
	for (unsigned int i = 0; i < RACERS; i++)
		wait_for_completion(&r[i].done);
	f->fake.hold = NULL;
	return r;
}

static void racers_with_one_event_all_succeed(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct racer *r = start_race(test, f, "same");
	unsigned int first = 0;

	for (unsigned int i = 0; i < RACERS; i++) {
		first += !r[i].ret;
		KUNIT_EXPECT_GE(test, r[i].ret, 0);
		KUNIT_EXPECT_EQ(test, r[i].sequence, 1);
	}
	KUNIT_EXPECT_EQ(test, first, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void racers_with_many_contents_have_one_winner(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct racer *r = start_race(test, f, "content-%u");
	unsigned int first = 0;
	char text[32];

	for (unsigned int i = 0; i < RACERS; i++) {
		KUNIT_EXPECT_EQ(test, r[i].sequence, 1);
		if (r[i].ret) {
			KUNIT_EXPECT_EQ(test, r[i].ret, -EEXIST);
			continue;
		}
		first++;
		snprintf(text, sizeof(text), "test op content-%u", i);
		fixture_expect_text(test, f, 1, text);
	}
	KUNIT_EXPECT_EQ(test, first, 1);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static struct kunit_case once_cases[] = {
	KUNIT_CASE(identical_event_is_logged_once),
	KUNIT_CASE(other_content_is_a_conflict),
	KUNIT_CASE(identical_one_wins_over_a_conflict),
	KUNIT_CASE(once_does_not_bind_others),
	KUNIT_CASE(words_are_compared_whole),
	KUNIT_CASE(longest_words_are_compared_whole),
	KUNIT_CASE(registers_are_apart),
	KUNIT_CASE(duplicate_needs_neither_room_nor_memory_for_the_log),
	KUNIT_CASE(pending_entry_counts_once_it_is_decided),
	KUNIT_CASE(undecided_once_may_be_repeated),
	KUNIT_CASE(refused_entry_that_turns_up_counts),
	KUNIT_CASE(refused_entry_that_never_turns_up_does_not),
	KUNIT_CASE(device_that_is_gone_is_told_first),
	KUNIT_CASE(racers_with_one_event_all_succeed),
	KUNIT_CASE(racers_with_many_contents_have_one_winner),
	{}
};

static struct kunit_suite once_suite = {
	.name = "aael_once",
	.test_cases = once_cases,
};

kunit_test_suites(&once_suite);
