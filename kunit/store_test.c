// SPDX-License-Identifier: GPL-2.0-only
/* The append-only stream: page edges, growth, and readers while it grows. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "fault.h"
#include "fixture.h"

#define DIR_BYTES	((u64)PAGE_SIZE / sizeof(u8 *) * PAGE_SIZE)	/* 2 MiB */
#define READERS		3
#define GROWTH_BYTES	(SZ_2M + SZ_1M)

static void destroy(void *arg)
{
	fault_set_memory(0);
	aael_store_destroy(arg);
}

static struct aael_store *new_store(struct kunit *test)
{
	struct aael_store *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, destroy, s), 0);
	return s;
}

/* Every position has its byte, so that a reader knows what to expect anywhere. */
static u8 byte_at(u64 pos)
{
	return (pos ^ pos >> 8 ^ pos >> 16) * 167 + 1;
}

static int append(struct aael_store *s, size_t len)
{
	u8 chunk[256];
	int ret = aael_store_reserve(s, len);

	while (!ret && len) {
		size_t n = min(len, sizeof(chunk));

		for (size_t i = 0; i < n; i++)
			chunk[i] = byte_at(s->len + i);
		aael_store_fill(s, chunk, n);
		aael_store_publish(s, n);
		len -= n;
	}
	return ret;
}

static bool right(const u8 *bytes, u64 pos, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != byte_at(pos + i))
			return false;
	return true;
}

static void expect_read(struct kunit *test, struct aael_store *s, u64 pos, size_t len)
{
	u8 bytes[64];
	u64 end = aael_store_len(s);
	size_t want = pos < end ? min_t(u64, len, end - pos) : 0;

	memset(bytes, 0, sizeof(bytes));
	KUNIT_EXPECT_EQ_MSG(test, aael_store_read(s, pos, bytes, len), want, "at %llu", pos);
	KUNIT_EXPECT_TRUE_MSG(test, right(bytes, pos, want), "at %llu", pos);
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes + want, 0, sizeof(bytes) - want));
}

static void empty_store_has_nothing(struct kunit *test)
{
	struct aael_store *s = new_store(test);

	expect_read(test, s, 0, 8);
	expect_read(test, s, PAGE_SIZE, 8);
	expect_read(test, s, U64_MAX, 8);
	KUNIT_EXPECT_EQ(test, aael_store_reserve(s, 0), 0);
	KUNIT_EXPECT_EQ(test, aael_store_len(s), 0);
}

static void filled_bytes_are_hidden_until_published(struct kunit *test)
{
	struct aael_store *s = new_store(test);
	u8 byte = 1;

	KUNIT_ASSERT_EQ(test, aael_store_reserve(s, 3), 0);
	aael_store_fill(s, "abc", 3);
	KUNIT_EXPECT_EQ(test, aael_store_len(s), 0);
	KUNIT_EXPECT_EQ(test, aael_store_read(s, 0, &byte, 1), 0);
	aael_store_publish(s, 2);
	KUNIT_EXPECT_EQ(test, aael_store_len(s), 2);
	KUNIT_EXPECT_EQ(test, aael_store_read(s, 1, &byte, 1), 1);
	KUNIT_EXPECT_EQ(test, byte, 'b');
	KUNIT_EXPECT_EQ(test, aael_store_read(s, 2, &byte, 1), 0);
}

static void fill_may_be_repeated_before_it_is_published(struct kunit *test)
{
	struct aael_store *s = new_store(test);
	char word[3];

	KUNIT_ASSERT_EQ(test, aael_store_reserve(s, 3), 0);
	aael_store_fill(s, "xyz", 3);
	aael_store_fill(s, "abc", 3);
	aael_store_publish(s, 3);
	KUNIT_EXPECT_EQ(test, aael_store_read(s, 0, word, 3), 3);
	KUNIT_EXPECT_MEMEQ(test, word, "abc", 3);
}

static void chunks_meet_at_page_edges(struct kunit *test)
{
	static const size_t sizes[] = { 1, 2, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
					2 * PAGE_SIZE, 3 * PAGE_SIZE - 7 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct aael_store *s = new_store(test);

		for (int n = 0; n < 4; n++)
			KUNIT_ASSERT_EQ(test, append(s, sizes[i]), 0);
		KUNIT_EXPECT_EQ(test, aael_store_len(s), 4 * sizes[i]);
		for (u64 edge = 0; edge <= 4 * sizes[i]; edge += PAGE_SIZE)
			for (u64 pos = edge < 3 ? 0 : edge - 3; pos < edge + 4; pos++)
				for (size_t len = 1; len <= 8; len++)
					expect_read(test, s, pos, len);
	}
}

static void every_boundary_of_an_append_reads_back(struct kunit *test)
{
	struct aael_store *s = new_store(test);
	u64 starts[32];

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		starts[i] = aael_store_len(s);
		KUNIT_ASSERT_EQ(test, append(s, 1 + i * 577), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		for (int d = -2; d <= 2; d++)
			if ((s64)starts[i] + d >= 0)
				expect_read(test, s, starts[i] + d, 64);
}

static void store_grows_across_pages_of_pointers(struct kunit *test)
{
	struct aael_store *s = new_store(test);

	KUNIT_ASSERT_EQ(test, append(s, DIR_BYTES - 5), 0);
	KUNIT_EXPECT_NULL(test, s->dirs[1]);
	KUNIT_ASSERT_EQ(test, append(s, 10), 0);
	KUNIT_EXPECT_NOT_NULL(test, s->dirs[1]);
	KUNIT_ASSERT_EQ(test, append(s, DIR_BYTES), 0);
	for (u64 edge = DIR_BYTES; edge <= 2 * DIR_BYTES; edge += DIR_BYTES)
		for (u64 pos = edge - 9; pos < edge + 9; pos++)
			expect_read(test, s, pos, 12);
}

static void one_reserve_may_cross_pages_of_pointers(struct kunit *test)
{
	struct aael_store *s = new_store(test);

	KUNIT_ASSERT_EQ(test, aael_store_reserve(s, DIR_BYTES + PAGE_SIZE + 1), 0);
	KUNIT_EXPECT_NOT_NULL(test, s->dirs[1][1]);
	KUNIT_EXPECT_NULL(test, s->dirs[1][2]);
	KUNIT_EXPECT_NULL(test, s->dirs[2]);
}

static void reserve_beyond_the_largest_store_is_refused(struct kunit *test)
{
	struct aael_store *s = new_store(test);

	KUNIT_EXPECT_EQ(test, aael_store_reserve(s, AAEL_STORE_DIRS * DIR_BYTES + 1), -ENOSPC);
	KUNIT_EXPECT_NULL(test, s->dirs[0]);
	KUNIT_EXPECT_GE(test, AAEL_STORE_DIRS * DIR_BYTES,
			(u64)AAEL_LOG_MAX_BYTES + AAEL_BOOT_LOG_MAX_BYTES);
}

static void reserve_without_memory_can_be_repeated(struct kunit *test)
{
	struct aael_store *s = new_store(test);
	int nth = 1;

	KUNIT_ASSERT_EQ(test, append(s, 100), 0);
	for (;; nth++) {
		int ret;

		fault_set_memory(nth);
		ret = aael_store_reserve(s, 4 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, aael_store_len(s), 100);
		if (!ret)
			break;
		KUNIT_ASSERT_EQ(test, ret, -ENOMEM);
		KUNIT_ASSERT_LT(test, nth, 10);
	}
	fault_set_memory(0);
	KUNIT_EXPECT_GT(test, nth, 1);
	KUNIT_ASSERT_EQ(test, append(s, 4 * PAGE_SIZE), 0);
	expect_read(test, s, 90, 64);
	expect_read(test, s, 4 * PAGE_SIZE + 90, 64);
}

static void pages_are_given_out_up_to_the_published_end(struct kunit *test)
{
	static const u64 ends[] = { 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE };
	struct aael_store *s = new_store(test);
	struct page *page;

	KUNIT_EXPECT_NULL(test, aael_store_page(s, 0));
	KUNIT_ASSERT_EQ(test, aael_store_reserve(s, 5 * PAGE_SIZE), 0);
	KUNIT_EXPECT_NULL(test, aael_store_page(s, 0));
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		u64 pages = DIV_ROUND_UP_ULL(ends[i], PAGE_SIZE);

		KUNIT_ASSERT_EQ(test, append(s, ends[i] - s->len), 0);
		for (u64 index = 0; index < pages; index++) {
			const u8 *bytes;
			size_t have = min_t(u64, ends[i] - index * PAGE_SIZE, PAGE_SIZE);

			page = aael_store_page(s, index);
			KUNIT_ASSERT_NOT_NULL(test, page);
			bytes = page_address(page);
			KUNIT_EXPECT_TRUE(test, right(bytes, index * PAGE_SIZE, have));
			KUNIT_EXPECT_NULL(test, memchr_inv(bytes + have, 0, PAGE_SIZE - have));
			put_page(page);
		}
		KUNIT_EXPECT_NULL(test, aael_store_page(s, pages));
		KUNIT_EXPECT_NULL(test, aael_store_page(s, pages + 1));
	}
	KUNIT_EXPECT_NULL(test, aael_store_page(s, U64_MAX));
	KUNIT_EXPECT_NULL(test, aael_store_page(s, U64_MAX / PAGE_SIZE));
}

static void page_outlives_the_store(struct kunit *test)
{
	struct aael_store *s = new_store(test);
	struct page *page;

	KUNIT_ASSERT_EQ(test, append(s, 2 * PAGE_SIZE), 0);
	page = aael_store_page(s, 1);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page_count(page), 2);
	aael_store_destroy(s);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	KUNIT_EXPECT_TRUE(test, right(page_address(page), PAGE_SIZE, PAGE_SIZE));
	put_page(page);
}

struct reader {
	struct aael_store *store;
	struct completion done;
	unsigned int number;
	bool stop;
	u64 reads;
	u64 wrong;
};

static int read_at_random(void *arg)
{
	struct reader *r = arg;
	u64 seed = r->number * 7919 + 1, last = 0;
	u8 bytes[200];

	for (;;) {
		u64 end = aael_store_len(r->store), pos;
		size_t len, got;

		r->wrong += end < last;
		last = end;
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		/* Half of them at the end, where the writer works. */
		pos = seed & 1 << 20 ? max_t(s64, end - 50, 0) : (seed >> 24) % (end + 1);
		len = 1 + (seed >> 16) % sizeof(bytes);
		got = aael_store_read(r->store, pos, bytes, len);
		r->wrong += got < min_t(u64, len, end - pos);
		r->wrong += !right(bytes, pos, got);
		r->reads++;
		if (end >= GROWTH_BYTES || READ_ONCE(r->stop))
			break;
		cond_resched();
	}
	kthread_complete_and_exit(&r->done, 0);
}

static void readers_see_only_right_bytes_while_it_grows(struct kunit *test)
{
	struct aael_store *s = new_store(test);
	struct reader *readers = kunit_kcalloc(test, READERS, sizeof(*readers), GFP_KERNEL);
	unsigned int started = 0;
	int ret = 0;

	KUNIT_ASSERT_NOT_NULL(test, readers);
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i] = (struct reader) { .store = s, .number = i };
		init_completion(&readers[i].done);
		started += !IS_ERR(kthread_run(read_at_random, &readers[i], "aael-read/%u", i));
	}
	for (size_t n = 1; !ret && aael_store_len(s) < GROWTH_BYTES; n = n * 5 % 4999) {
		ret = append(s, n);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, started, READERS);
	for (unsigned int i = 0; i < started; i++) {
		WRITE_ONCE(readers[i].stop, ret);
		wait_for_completion(&readers[i].done);
		KUNIT_EXPECT_EQ(test, readers[i].wrong, 0);
		KUNIT_EXPECT_GT(test, readers[i].reads, 0);
	}
}

static struct kunit_case store_cases[] = {
	KUNIT_CASE(empty_store_has_nothing),
	KUNIT_CASE(filled_bytes_are_hidden_until_published),
	KUNIT_CASE(fill_may_be_repeated_before_it_is_published),
	KUNIT_CASE(chunks_meet_at_page_edges),
	KUNIT_CASE(every_boundary_of_an_append_reads_back),
	KUNIT_CASE(store_grows_across_pages_of_pointers),
	KUNIT_CASE(one_reserve_may_cross_pages_of_pointers),
	KUNIT_CASE(reserve_beyond_the_largest_store_is_refused),
	KUNIT_CASE(reserve_without_memory_can_be_repeated),
	KUNIT_CASE(pages_are_given_out_up_to_the_published_end),
	KUNIT_CASE(page_outlives_the_store),
	KUNIT_CASE(readers_see_only_right_bytes_while_it_grows),
	{}
};

static struct kunit_suite store_suite = {
	.name = "aael_store",
	.test_cases = store_cases,
};

kunit_test_suites(&store_suite);
