// SPDX-License-Identifier: GPL-2.0-only
/* The table of what is logged: hashes that collide, growth, memory that runs out. */
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fault.h"
#include "fixture.h"

#define ENTRIES		2000
/* The bits of a hash that choose the segment; and those that choose the slot in it. */
#define DIR_BITS	0xffffffe000000000ULL
#define SLOT_BITS	0x00000000ffffffffULL

/* Eight contents of each of eight keys, and then each of them once more. */
static void expect_found(struct kunit *test, u64 bits)
{
	struct fixture *f = fixture_sha256(test);
	char domain[16], content[16];

	fault_set_siphash(bits);
	for (unsigned int n = 0; n < 64; n++) {
		snprintf(domain, sizeof(domain), "d%u", n / 8);
		snprintf(content, sizeof(content), "c%u", n % 8);
		KUNIT_ASSERT_EQ(test, fixture_append_as(f, TEST_INDEX, NULL, domain, content,
							NULL), 0);
	}
	for (unsigned int n = 0; n < 64; n++) {
		snprintf(domain, sizeof(domain), "d%u", n / 8);
		snprintf(content, sizeof(content), "c%u", n % 8);
		fixture_expect_once(test, f, domain, content, 1, n + 1);
		fixture_expect_once(test, f, domain, "new", -EEXIST, n / 8 * 8 + 1);
	}
	fixture_expect_once(test, f, "new", "c1", 0, 65);
	kunit_release_action(test, fixture_destroy, f);
}

static void colliding_hashes_are_told_apart(struct kunit *test)
{
	expect_found(test, U64_MAX);
	expect_found(test, SLOT_BITS);
	expect_found(test, ~SLOT_BITS);
	expect_found(test, 0);
}

/* Two of three have a key of their own. */
static struct aael_event numbered(char *domain, char *content, size_t size, int n)
{
	snprintf(domain, size, "d%d", n % 3 ? n : 0);
	snprintf(content, size, "c%d", n);
	return fixture_event(domain, "op", content);
}

static void every_entry_is_found_while_the_table_grows(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	const struct aael_once *o = &f->log->once;
	char domain[16], content[16];
	struct aael_event ev;
	u64 sequence;

	f->log->max_log_bytes = SZ_16M;
	for (int n = 0; n < ENTRIES; n++) {
		ev = numbered(domain, content, sizeof(domain), n);
		KUNIT_ASSERT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence),
				n % 3 || !n ? 0 : -EEXIST);
		if (n && n % 3 == 0)
			KUNIT_ASSERT_EQ(test, fixture_append_as(f, TEST_INDEX, NULL, domain,
								content, NULL), 0);
		/* No entry takes more than twelve bytes, but for the first page. */
		KUNIT_ASSERT_LE(test, o->segments * AAEL_ONCE_SEGMENT_BYTES +
				(sizeof(*o->dir) << o->depth),
				max(12ull * (n + 1), AAEL_ONCE_SEGMENT_BYTES + 8ull));
	}
	KUNIT_EXPECT_GE(test, o->segments, 4);
	for (int n = 0; n < ENTRIES; n++) {
		ev = numbered(domain, content, sizeof(domain), n);
		KUNIT_ASSERT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence), 1);
		KUNIT_ASSERT_EQ(test, sequence, n + 1);
	}
	KUNIT_EXPECT_EQ(test, f->fake.extends, ENTRIES);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
}

static void append_until(struct kunit *test, struct fixture *f, u64 count)
{
	char content[16];

	while (f->log->count < count) {
		snprintf(content, sizeof(content), "c%llu", f->log->count + 1);
		KUNIT_ASSERT_EQ(test, fixture_append(f, content), 0);
	}
}

/* Each allocation of the list fails in its turn; what has been had before is kept. */
static void expect_no_memory(struct kunit *test, struct fixture *f, const int *nth, size_t count)
{
	unsigned int extends = f->fake.extends;
	u64 sequence, before = f->log->count;
	struct aael_event ev = fixture_event("other", "op", "x");

	for (size_t i = 0; i < count; i++) {
		fault_set_memory(nth[i]);
		KUNIT_EXPECT_EQ_MSG(test, fixture_once(f, TEST_INDEX, &ev, &sequence), -ENOMEM,
				    "failure %zu", i);
		fault_set_memory(0);
	}
	KUNIT_EXPECT_EQ(test, f->fake.extends, extends);
	KUNIT_EXPECT_EQ(test, f->log->count, before);
	/* There were no others. */
	fault_set_memory(nth[count - 1] + 1);
	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence), 0);
	fault_set_memory(0);
	KUNIT_EXPECT_EQ(test, sequence, before + 1);
	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence), 1);
}

static void first_entry_without_memory_measures_nothing(struct kunit *test)
{
	/* The entry; of the offsets pointers and page. */
	static const int nth[] = { 1, 2, 3 };
	struct fixture *f = fixture_sha256(test);

	expect_no_memory(test, f, nth, ARRAY_SIZE(nth));
	fixture_expect_sound(test, f);
}

static void first_question_without_memory_measures_nothing(struct kunit *test)
{
	/* The entry, the copy of the one logged; of the table directory and segment. */
	static const int nth[] = { 1, 2, 3, 4 };
	struct fixture *f = fixture_sha256(test);

	append_until(test, f, 1);
	KUNIT_EXPECT_NULL(test, f->log->once.dir);
	expect_no_memory(test, f, nth, ARRAY_SIZE(nth));
	fixture_expect_once(test, f, "test", "c1", 1, 1);
	fixture_expect_sound(test, f);
}

static void growing_without_memory_measures_nothing(struct kunit *test)
{
	/* The entry, the copy, the doubled directory, and both halves of the segment. */
	static const int nth[] = { 1, 2, 3, 4, 4 };
	struct fixture *f = fixture_sha256(test);

	/* A quarter of the slots is kept free. */
	append_until(test, f, 768);
	fixture_expect_once(test, f, "test", "c1", 1, 1);
	KUNIT_ASSERT_EQ(test, f->log->once.segments, 1);
	append_until(test, f, 769);
	expect_no_memory(test, f, nth, ARRAY_SIZE(nth));
	KUNIT_EXPECT_EQ(test, f->log->once.segments, 2);
	fixture_expect_once(test, f, "test", "c1", 1, 1);
	fixture_expect_once(test, f, "test", "c769", 1, 769);
	fixture_expect_once(test, f, "test", "new", -EEXIST, 1);
	fixture_expect_sound(test, f);
}

/* Who does not ask is not concerned. */
static void hopeless_hashes_end_in_enomem_for_who_asks(struct kunit *test)
{
	struct aael_event ev = fixture_event("other", "op", "x");
	struct fixture *f = fixture_sha256(test);
	u64 sequence;

	fault_set_siphash(~DIR_BITS);
	append_until(test, f, 1022);
	fixture_expect_once(test, f, "test", "c1022", 1, 1022);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "too many"), 0);
	KUNIT_EXPECT_EQ(test, fixture_once(f, TEST_INDEX, &ev, &sequence), -ENOMEM);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 1023);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "one more"), 0);
	fixture_expect_sound(test, f);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE_SLOW(colliding_hashes_are_told_apart),
	KUNIT_CASE_SLOW(every_entry_is_found_while_the_table_grows),
	KUNIT_CASE(first_entry_without_memory_measures_nothing),
	KUNIT_CASE(first_question_without_memory_measures_nothing),
	KUNIT_CASE_SLOW(growing_without_memory_measures_nothing),
	KUNIT_CASE_SLOW(hopeless_hashes_end_in_enomem_for_who_asks),
	{}
};

static struct kunit_suite table_suite = {
	.name = "aael_table",
	.test_cases = table_cases,
};

kunit_test_suites(&table_suite);
