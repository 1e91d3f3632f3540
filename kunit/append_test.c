// SPDX-License-Identifier: GPL-2.0-only
/* Appending: numbers, room, memory, and the order in which an append is refused. */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/string.h>

#include "fault.h"
#include "fixture.h"

#define RESERVED	"github.com/confidential-containers"

static void sequences_and_offsets_follow_each_other(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	u64 sequence, end = f->log->own_offset;
	char content[16], text[32];

	for (u64 n = 1; n <= 3 * AAEL_INDEX_STRIDE + 2; n++) {
		snprintf(content, sizeof(content), "event-%llu", n);
		KUNIT_ASSERT_EQ(test, fixture_append_as(f, AAEL_INDEX_DEFAULT, NULL, "test",
							content, &sequence), 0);
		KUNIT_ASSERT_EQ(test, sequence, n);
		KUNIT_EXPECT_EQ(test, notified.sequence, n);
		KUNIT_EXPECT_EQ(test, notified.offset, end);
		end = aael_store_len(&f->log->stream);
		KUNIT_EXPECT_EQ(test, notified.bytes, end);
		KUNIT_EXPECT_EQ(test, notified.reg, TEST_PCR);
	}
	for (u64 n = 1; n <= 3 * AAEL_INDEX_STRIDE + 2; n++) {
		snprintf(text, sizeof(text), "test op event-%llu", n);
		fixture_expect_text(test, f, n, text);
	}
	KUNIT_EXPECT_EQ(test, aael_query_offset(f->log, 3 * AAEL_INDEX_STRIDE + 3), end);
	KUNIT_EXPECT_EQ(test, aael_query_offset(f->log, 100 * AAEL_INDEX_STRIDE), end);
	fixture_expect_sound(test, f);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 3 * AAEL_INDEX_STRIDE + 2);
}

static void identical_events_are_separate_entries(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	for (int i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fixture_append(f, "same"), 0);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 3, .extends = 3 });
}

static void registers_have_values_of_their_own(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA1, ALG_SHA512 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));

	for (u32 index = 9; index <= 15; index++) {
		KUNIT_EXPECT_EQ(test, fixture_append_as(f, index, f->admin, "test", "x", NULL), 0);
		KUNIT_EXPECT_EQ(test, fixture_append(f, "y"), 0);
	}
	for (u32 reg = 9; reg <= 15; reg++)
		KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, reg));
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 14, .extends = 14 });
}

static int append_text(struct kunit *test, struct fixture *f, struct file *file, size_t need)
{
	struct aael_event small = fixture_event("test", "op", "x");
	size_t base = aael_entry_size(f->log->banks, f->log->bank_count, &small) - 1;
	char *content = kunit_kzalloc(test, need - base + 1, GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, content);
	memset(content, 'c', need - base);
	ret = fixture_append_as(f, AAEL_INDEX_DEFAULT, file, "test", content, NULL);
	kunit_kfree(test, content);
	return ret;
}

static void full_log_refuses_before_any_extend(struct kunit *test)
{
	const u64 quota = AAEL_LOG_MIN_BYTES - AAEL_HEADROOM_BYTES;
	struct fixture *f = fixture_sha256(test);
	u64 used = 0;

	f->log->max_log_bytes = AAEL_LOG_MIN_BYTES;
	for (; used + 16384 + 200 <= quota; used += 16384)
		KUNIT_ASSERT_EQ(test, append_text(test, f, NULL, 16384), 0);
	KUNIT_EXPECT_EQ(test, append_text(test, f, NULL, quota - used + 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, append_text(test, f, NULL, quota - used), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -EDQUOT);
	for (used = quota; used + 16384 + 200 <= AAEL_LOG_MIN_BYTES; used += 16384)
		KUNIT_ASSERT_EQ(test, append_text(test, f, f->admin, 16384), 0);
	KUNIT_EXPECT_EQ(test, append_text(test, f, f->admin, AAEL_LOG_MIN_BYTES - used + 1),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, append_text(test, f, f->admin, AAEL_LOG_MIN_BYTES - used), 0);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, AAEL_INDEX_DEFAULT, f->admin, "test", "x",
						NULL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ENOSPC);
	KUNIT_EXPECT_EQ(test, f->fake.extends, f->log->count);
	KUNIT_EXPECT_EQ(test, aael_store_len(&f->log->stream) - f->log->own_offset,
			AAEL_LOG_MIN_BYTES);
	KUNIT_EXPECT_EQ(test, aael_log_set_max(f->log, AAEL_LOG_DEFAULT_BYTES), 0);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	fixture_expect_sound(test, f);
}

/* Whatever fails in front of the extend, nothing has happened. */
static void expect_failures(struct kunit *test, void (*fault)(int nth), int errno)
{
	static const u16 algs[] = { ALG_SHA256, ALG_SHA384 };
	struct fixture *f = fixture_enabled(test, algs, ARRAY_SIZE(algs));
	int nth, ret = -1;

	/* So that the entry needs another page. */
	KUNIT_ASSERT_EQ(test, append_text(test, f, NULL, 2 * PAGE_SIZE), 0);
	for (nth = 1; ret; nth++) {
		KUNIT_ASSERT_LT(test, nth, 20);
		fault(nth);
		ret = append_text(test, f, NULL, PAGE_SIZE);
		fault(0);
		if (ret)
			KUNIT_EXPECT_EQ(test, ret, errno);
		KUNIT_EXPECT_EQ(test, f->log->count, ret ? 1 : 2);
		KUNIT_EXPECT_EQ(test, f->fake.extends, ret ? 1 : 2);
	}
	KUNIT_EXPECT_GT(test, nth, 3);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 2, .extends = 2 });
}

static void lack_of_memory_comes_before_the_extend(struct kunit *test)
{
	expect_failures(test, fault_set_memory, -ENOMEM);
}

static void failing_hash_comes_before_the_extend(struct kunit *test)
{
	expect_failures(test, fault_set_hash, -EIO);
}

static void suspended_system_refuses(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);

	f->log->suspended = true;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 0);
	f->log->suspended = false;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
}

static void sealed_log_refuses_but_can_be_compared(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct aael_verify v;

	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), 0);
	f->log->state = AAEL_STATE_SEALED;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "y"), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, fixture_verify(f, true, &v), 0);
	KUNIT_EXPECT_EQ(test, v.match, 1);
}

static void reserve(struct kunit *test, struct fixture *f)
{
	KUNIT_ASSERT_EQ(test, aael_policy_reserve_list(&f->log->policy, RESERVED ",aael"), 0);
}

static int append_reserved(struct fixture *f, u32 index, struct file *file, const char *content)
{
	return fixture_append_as(f, index, file, RESERVED "/PullImage", content, NULL);
}

static void errors_come_in_the_promised_order(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };
	struct fixture *f = fixture_unbound(test, algs, 1);
	const char *why;

	reserve(test, f);
	/* Each append has all the later faults too. */
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, NULL, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, NULL, "\xff"), -EILSEQ);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, NULL, "x"), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, &fake_provider, true), 0);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, NULL, "\xff"), -EILSEQ);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, NULL, "x"), -ENOTCONN);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, TEST_INDEX, &why), 0);
	f->fake.gone = true;
	f->log->suspended = true;
	f->log->max_log_bytes = 50;
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, NULL, "x"), -EACCES);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 9, NULL, "x"), -EACCES);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 0, f->admin, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, NULL, "test", "x", NULL), -EPERM);
	fault_set_memory(1);
	KUNIT_EXPECT_EQ(test, append_reserved(f, 9, f->admin, "x"), -ENOSPC);
	f->log->max_log_bytes = AAEL_HEADROOM_BYTES + 50;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -EDQUOT);
	f->log->max_log_bytes = AAEL_LOG_DEFAULT_BYTES;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->fake.extends, 0);
	f->log->suspended = false;
	KUNIT_EXPECT_EQ(test, fixture_append(f, "x"), -ENODEV);
	KUNIT_EXPECT_EQ(test, f->log->count, 0);
}

static struct file *open_file(struct kunit *test)
{
	static const struct file_operations no_operations = {};
	struct file *file = anon_inode_getfile("aael-kunit", &no_operations, NULL, O_RDWR);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static void privilege_is_of_opener_and_caller(struct kunit *test)
{
	struct fixture *f = fixture_sha256(test);
	struct cred *plain = prepare_creds();
	const struct cred *old;
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	cap_clear(plain->cap_effective);
	reserve(test, f);
	old = override_creds(plain);
	file = open_file(test);
	/* Opened with privilege, used without. */
	KUNIT_EXPECT_EQ(test, append_reserved(f, TEST_INDEX, f->admin, "x"), -EACCES);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, f->admin, "test", "x", NULL), -EPERM);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, TEST_PCR, f->admin, "test", "x", NULL), 0);
	revert_creds(old);
	/* The other way round. */
	KUNIT_EXPECT_EQ(test, append_reserved(f, TEST_INDEX, file, "x"), -EACCES);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, file, "test", "x", NULL), -EPERM);
	/* Neither: write(2) and REST. */
	KUNIT_EXPECT_EQ(test, append_reserved(f, TEST_INDEX, NULL, "x"), -EACCES);
	KUNIT_EXPECT_EQ(test, append_reserved(f, TEST_INDEX, f->admin, "x"), 0);
	KUNIT_EXPECT_EQ(test, fixture_append_as(f, 9, f->admin, "test", "x", NULL), 0);
	fput(file);
	put_cred(plain);
	fixture_expect_sound(test, f);
	fixture_expect(test, f, &(struct expected) { .count = 3, .extends = 3 });
}

static struct kunit_case append_cases[] = {
	KUNIT_CASE(sequences_and_offsets_follow_each_other),
	KUNIT_CASE(identical_events_are_separate_entries),
	KUNIT_CASE(registers_have_values_of_their_own),
	KUNIT_CASE(full_log_refuses_before_any_extend),
	KUNIT_CASE(lack_of_memory_comes_before_the_extend),
	KUNIT_CASE(failing_hash_comes_before_the_extend),
	KUNIT_CASE(suspended_system_refuses),
	KUNIT_CASE(sealed_log_refuses_but_can_be_compared),
	KUNIT_CASE(errors_come_in_the_promised_order),
	KUNIT_CASE(privilege_is_of_opener_and_caller),
	{}
};

static struct kunit_suite append_suite = {
	.name = "aael_append",
	.test_cases = append_cases,
};

kunit_test_suites(&append_suite);
