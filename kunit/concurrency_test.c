// SPDX-License-Identifier: GPL-2.0-only
/* Many writers, readers beside them, writers that do not wait, and killed ones. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "fixture.h"

#define WRITERS		8
#define EVENTS		40

struct writer {
	struct fixture *f;
	struct task_struct *task;
	struct completion started;
	struct completion done;
	unsigned int number;
	unsigned int failed;
	u64 sequences[EVENTS];
	int ret;
};

static struct writer *new_writers(struct kunit *test, struct fixture *f, unsigned int count,
				  int (*fn)(void *arg))
{
	struct writer *w = kunit_kcalloc(test, count, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	for (unsigned int i = 0; i < count; i++) {
		w[i].f = f;
		w[i].number = i;
		init_completion(&w[i].started);
		init_completion(&w[i].done);
		w[i].task = kthread_run(fn, &w[i], "aael-writer/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(w[i].task));
	}
	return w;
}

static int write_many(void *arg)
{
	struct writer *w = arg;
	char content[32];

	for (unsigned int i = 0; i < EVENTS; i++) {
		snprintf(content, sizeof(content), "writer-%u-%u", w->number, i);
		w->failed += !!fixture_append_as(w->f, AAEL_INDEX_DEFAULT, NULL, "test", content,
						 &w->sequences[i]);
	}
	kthread_complete_and_exit(&w->done, 0);
}

static int write_one(void *arg)
{
	struct writer *w = arg;
	char content[32];

	allow_signal(SIGKILL);
	complete(&w->started);
	snprintf(content, sizeof(content), "writer-%u", w->number);
	w->ret = fixture_append_as(w->f, AAEL_INDEX_DEFAULT, NULL, "test", content,
				   &w->sequences[0]);
	flush_signals(current);
	kthread_complete_and_exit(&w->done, 0);
}

/* Walks the stream as long as it grows; every entry it sees is whole. */
static u64 walk(struct kunit *test, struct fixture *f)
{
	struct aael_entry_view view;
	u64 pos = f->log->own_offset, n = 0;

	while (n < WRITERS * EVENTS) {
		if (!aael_query_view(f->log, pos, &view)) {
			cond_resched();
			continue;
		}
		if (view.reg != TEST_PCR || view.text_len < 18 || view.text_len > 20)
			break;
		KUNIT_EXPECT_EQ(test, aael_query_offset(f->log, n + 1), pos);
		pos += view.len;
		n++;
	}
	return n;
}

static void expect_an_entry_for_every_event(struct kunit *test, struct fixture *f)
{
	u8 *seen = kunit_kzalloc(test, WRITERS * EVENTS + 1, GFP_KERNEL);
	struct writer *w;
	char text[40];

	KUNIT_ASSERT_NOT_NULL(test, seen);
	w = new_writers(test, f, WRITERS, write_many);
	KUNIT_EXPECT_EQ(test, walk(test, f), WRITERS * EVENTS);
	for (unsigned int i = 0; i < WRITERS; i++) {
		wait_for_completion(&w[i].done);
		KUNIT_EXPECT_EQ(test, w[i].failed, 0);
		for (unsigned int j = 0; j < EVENTS; j++) {
			u64 sequence = w[i].sequences[j];

			KUNIT_ASSERT_GT(test, sequence, j ? w[i].sequences[j - 1] : 0);
			KUNIT_ASSERT_LE(test, sequence, WRITERS * EVENTS);
			KUNIT_EXPECT_EQ(test, seen[sequence]++, 0);
			snprintf(text, sizeof(text), "test op writer-%u-%u", i, j);
			fixture_expect_text(test, f, sequence, text);
		}
	}
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) {
		.count = WRITERS * EVENTS, .extends = WRITERS * EVENTS });
}

static void writers_get_an_entry_for_every_event(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256, ALG_SHA384 };

	expect_an_entry_for_every_event(test, fixture_enabled(test, algs, ARRAY_SIZE(algs)));
}

static void writers_without_a_worker_get_an_entry_for_every_event(struct kunit *test)
{
	expect_an_entry_for_every_event(test, fixture_in_caller(test));
}

/* Starts a writer whose extend hangs until the completion. */
static struct writer *hang(struct kunit *test, struct fixture *f, struct completion *hold)
{
	struct writer *w;

	init_completion(hold);
	f->fake.hold = hold;
	w = new_writers(test, f, 1, write_one);
	wait_for_completion(&f->fake.held);
	return w;
}

static void nonblocking_append_does_not_wait(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_append req = {
		.ev = fixture_event("test", "op", "x"),
		.index = AAEL_INDEX_DEFAULT,
		.nonblock = true,
	};
	struct aael_info info = {};
	struct completion hold;
	struct writer *w;

	KUNIT_EXPECT_EQ(test, aael_log_append(f->log, &req), 0);
	w = hang(test, f, &hold);
	KUNIT_EXPECT_EQ(test, aael_log_append(f->log, &req), -EAGAIN);
	/* What does not need the device answers meanwhile. */
	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.count, 1);
	complete_all(&hold);
	wait_for_completion(&w->done);
	KUNIT_EXPECT_EQ(test, w->ret, 0);
	KUNIT_EXPECT_EQ(test, aael_log_append(f->log, &req), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 3, .extends = 3 });
}

/* Between being counted and being queued a writer does not sleep. */
static void wait_until_queued(struct fixture *f, const struct writer *w, int count)
{
	while (atomic_read(&f->log->queued) < count || task_is_running(w->task))
		schedule_timeout_uninterruptible(1);
}

static void expect_first_come_first_served(struct kunit *test, struct fixture *f)
{
	struct completion hold;
	struct writer *first = hang(test, f, &hold), *w[5];

	for (unsigned int i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = new_writers(test, f, 1, write_one);
		wait_until_queued(f, w[i], i + 2);
	}
	complete_all(&hold);
	wait_for_completion(&first->done);
	for (unsigned int i = 0; i < ARRAY_SIZE(w); i++) {
		wait_for_completion(&w[i]->done);
		KUNIT_EXPECT_EQ(test, w[i]->ret, 0);
		KUNIT_EXPECT_EQ(test, w[i]->sequences[0], i + 2);
	}
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 6, .extends = 6 });
}

static void writers_are_served_first_come_first_served(struct kunit *test)
{
	expect_first_come_first_served(test, fixture_sha256(test));
	expect_first_come_first_served(test, fixture_in_caller(test));
}

/* Bytes behind the published ones, as somebody sees them who has mapped the page. */
static bool rest_is_zero(struct fixture *f, u64 len)
{
	struct page *page = aael_store_page(&f->log->stream, len / PAGE_SIZE);
	bool zero = page && !memchr_inv(page_address(page) + len % PAGE_SIZE, 0,
					PAGE_SIZE - len % PAGE_SIZE);

	if (page)
		put_page(page);
	return zero;
}

static void nothing_is_filled_in_before_it_is_measured(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct completion hold;
	struct writer *w;
	u64 len;

	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	len = aael_store_len(&f->log->stream);
	fake_script(&f->fake, FAKE_REFUSE);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "refused"), -EIO);
	KUNIT_EXPECT_TRUE(test, rest_is_zero(f, len));
	w = hang(test, f, &hold);
	KUNIT_EXPECT_TRUE(test, rest_is_zero(f, len));
	complete_all(&hold);
	wait_for_completion(&w->done);
	KUNIT_EXPECT_FALSE(test, rest_is_zero(f, len));
	KUNIT_EXPECT_TRUE(test, rest_is_zero(f, aael_store_len(&f->log->stream)));
	fixture_expect_text(test, f, 2, "test op writer-0");
}

static void expect_nothing_of_the_killed(struct kunit *test, struct fixture *f)
{
	struct completion hold;
	struct writer *first = hang(test, f, &hold), *second;

	second = new_writers(test, f, 1, write_one);
	wait_for_completion(&second->started);
	wait_until_queued(f, second, 2);
	send_sig(SIGKILL, second->task, 1);
	wait_for_completion(&second->done);
	KUNIT_EXPECT_EQ(test, second->ret, -EINTR);
	complete_all(&hold);
	wait_for_completion(&first->done);
	KUNIT_EXPECT_EQ(test, first->ret, 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void writer_killed_in_the_queue_leaves_nothing(struct kunit *test)
{
	expect_nothing_of_the_killed(test, fixture_sha256(test));
	expect_nothing_of_the_killed(test, fixture_in_caller(test));
}

static void expect_completed(struct kunit *test, struct fixture *f)
{
	struct completion hold;
	struct writer *w = hang(test, f, &hold);

	send_sig(SIGKILL, w->task, 1);
	/* It stays: the extend is under way and cannot be taken back. */
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&w->done, HZ / 10), 0);
	complete_all(&hold);
	wait_for_completion(&w->done);
	KUNIT_EXPECT_EQ(test, w->ret, 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 1, .extends = 1 });
}

static void entry_of_a_writer_killed_in_its_turn_is_completed(struct kunit *test)
{
	expect_completed(test, fixture_sha256(test));
	expect_completed(test, fixture_in_caller(test));
}

static struct kunit_case concurrency_cases[] = {
	KUNIT_CASE(writers_get_an_entry_for_every_event),
	KUNIT_CASE(writers_without_a_worker_get_an_entry_for_every_event),
	KUNIT_CASE(nonblocking_append_does_not_wait),
	KUNIT_CASE(nothing_is_filled_in_before_it_is_measured),
	KUNIT_CASE(writers_are_served_first_come_first_served),
	KUNIT_CASE(writer_killed_in_the_queue_leaves_nothing),
	KUNIT_CASE(entry_of_a_writer_killed_in_its_turn_is_completed),
	{}
};

static struct kunit_suite concurrency_suite = {
	.name = "aael_concurrency",
	.test_cases = concurrency_cases,
};

kunit_test_suites(&concurrency_suite);
