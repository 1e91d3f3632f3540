// SPDX-License-Identifier: GPL-2.0-only
/* A log on a fake register, and an independent replay of it. */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#include "fault.h"
#include "fixture.h"

static const struct file_operations no_operations = { .owner = THIS_MODULE };

/* Milliseconds that logs have paused for; none of them is waited for. */
unsigned int fixture_paused_ms;

static void count_pause(unsigned int ms)
{
	fixture_paused_ms += ms;
}

/**
 * fixture_event - an event from strings
 * @domain: as in the event
 * @operation: as in the event
 * @content: as in the event
 */
struct aael_event fixture_event(const char *domain, const char *operation, const char *content)
{
	return (struct aael_event) {
		.domain = domain,
		.domain_len = strlen(domain),
		.operation = operation,
		.operation_len = strlen(operation),
		.content = content,
		.content_len = strlen(content),
	};
}

static void drop_log(struct fixture *f)
{
	bool pinned = f->log && f->log->pinned;

	aael_log_destroy(f->log);
	f->log = NULL;
	if (pinned)
		module_put(THIS_MODULE);
}

static void make_log(struct kunit *test, struct fixture *f)
{
	f->log = aael_log_create();
	KUNIT_ASSERT_NOT_NULL(test, f->log);
	f->log->pause = count_pause;
	/* Not by itself, but where a case is about that. */
	f->log->confirm_delay_ms = 3600000;
	f->log->init_index = TEST_INDEX;
	f->log->map_config.tpm_pcr = TEST_PCR;
}

/**
 * fixture_next - the module is removed, and loaded again
 * @test: the case
 * @f: a fixture whose log is released; it gets one that is not bound
 */
void fixture_next(struct kunit *test, struct fixture *f)
{
	KUNIT_EXPECT_FALSE(test, f->log->pinned);
	drop_log(f);
	memset(&notified, 0, sizeof(notified));
	make_log(test, f);
}

/**
 * fixture_destroy - the end of a fixture; comes by itself with the case's
 * @arg: the fixture
 */
void fixture_destroy(void *arg)
{
	struct fixture *f = arg;

	fault_set_memory(0);
	fault_set_hash(0);
	fault_set_siphash(U64_MAX);
	drop_log(f);
	fake_destroy(&f->fake);
	if (!IS_ERR_OR_NULL(f->admin))
		fput(f->admin);
}

/**
 * fixture_unbound - a log whose provider is not bound yet
 * @test: the case
 * @algs: banks of the device
 * @count: number of them
 */
struct fixture *fixture_unbound(struct kunit *test, const u16 *algs, unsigned int count)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	memset(&notified, 0, sizeof(notified));
	fixture_paused_ms = 0;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fixture_destroy, f), 0);
	KUNIT_ASSERT_EQ(test, fake_init(&f->fake, algs, count), 0);
	f->admin = anon_inode_getfile("aael-kunit", &no_operations, NULL, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->admin));
	make_log(test, f);
	return f;
}

static struct fixture *enabled(struct kunit *test, const struct aael_provider *provider,
			       const u16 *algs, unsigned int count)
{
	struct fixture *f = fixture_unbound(test, algs, count);
	const char *why;

	KUNIT_ASSERT_EQ(test, aael_log_bind(f->log, provider, true), 0);
	KUNIT_ASSERT_EQ(test, aael_log_enable(f->log, AAEL_INDEX_DEFAULT, &why), 0);
	f->fake.reads = 0;
	fixture_paused_ms = 0;
	return f;
}

/**
 * fixture_enabled - a log that is bound and enabled
 * @test: the case
 * @algs: banks of the device
 * @count: number of them
 */
struct fixture *fixture_enabled(struct kunit *test, const u16 *algs, unsigned int count)
{
	return enabled(test, &fake_provider, algs, count);
}

/**
 * fixture_in_caller - an enabled log with one bank, whose device needs no worker
 * @test: the case
 */
struct fixture *fixture_in_caller(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };
	static struct aael_provider in_caller;

	in_caller = fake_provider;
	in_caller.in_caller = true;
	return enabled(test, &in_caller, algs, ARRAY_SIZE(algs));
}

/**
 * fixture_sha256 - an enabled log with one bank
 * @test: the case
 */
struct fixture *fixture_sha256(struct kunit *test)
{
	static const u16 algs[] = { ALG_SHA256 };

	return fixture_enabled(test, algs, ARRAY_SIZE(algs));
}

/**
 * fixture_append_as - append an event
 * @f: the fixture
 * @index: register index
 * @file: whose privilege counts, or NULL
 * @domain: of the event; its operation is "op"
 * @content: of the event
 * @sequence: out, or NULL
 *
 * Return: as aael_log_append().
 */
int fixture_append_as(struct fixture *f, u32 index, struct file *file, const char *domain,
		      const char *content, u64 *sequence)
{
	struct aael_append req = {
		.ev = fixture_event(domain, "op", content),
		.index = index,
		.file = file,
	};
	int ret = aael_log_append(f->log, &req);

	if (sequence)
		*sequence = req.sequence;
	return ret;
}

/**
 * fixture_append - append "test op CONTENT" without privilege
 * @f: the fixture
 * @content: of the event
 */
int fixture_append(struct fixture *f, const char *content)
{
	return fixture_append_as(f, AAEL_INDEX_DEFAULT, NULL, "test", content, NULL);
}

/**
 * fixture_once - log an event once, with privilege
 * @f: the fixture
 * @index: register index
 * @ev: the event
 * @sequence: out: as the ioctl gives it
 *
 * Return: 0: logged now; 1: it was there; or the errno.
 */
int fixture_once(struct fixture *f, u32 index, const struct aael_event *ev, u64 *sequence)
{
	struct aael_append req = { .ev = *ev, .index = index, .file = f->admin, .once = true };
	int ret = aael_log_append(f->log, &req);

	*sequence = req.sequence;
	return ret ?: req.duplicate;
}

/**
 * fixture_expect_once - log "DOMAIN op CONTENT" once
 * @test: the case
 * @f: the fixture
 * @domain: of the event
 * @content: of the event
 * @ret: what fixture_once() should return; only with 0 the device is used
 * @sequence: what it should set
 */
void fixture_expect_once(struct kunit *test, struct fixture *f, const char *domain,
			 const char *content, int ret, u64 sequence)
{
	struct aael_event ev = fixture_event(domain, "op", content);
	unsigned int extends = f->fake.extends;
	u64 got = 0;

	KUNIT_EXPECT_EQ_MSG(test, fixture_once(f, AAEL_INDEX_DEFAULT, &ev, &got), ret, "%s %s",
			    domain, content);
	KUNIT_EXPECT_EQ_MSG(test, got, sequence, "%s %s", domain, content);
	KUNIT_EXPECT_EQ(test, f->fake.extends - extends, !ret);
}

/**
 * fixture_snapshot - take a snapshot, into the fixture
 * @f: the fixture
 */
int fixture_snapshot(struct fixture *f)
{
	memset(&f->snapshot, 0, sizeof(f->snapshot));
	memset(f->regs, 0, sizeof(f->regs));
	return aael_query_snapshot(f->log, &f->snapshot, f->regs);
}

/**
 * fixture_verify - compare the register with the log
 * @f: the fixture
 * @privileged: not from the cache
 * @out: the answer
 */
int fixture_verify(struct fixture *f, bool privileged, struct aael_verify *out)
{
	memset(out, 0, sizeof(*out));
	out->index = AAEL_INDEX_DEFAULT;
	return aael_query_verify(f->log, out, privileged);
}

static u8 *copy_stream(struct kunit *test, struct fixture *f, size_t *len)
{
	u8 *bytes;

	*len = aael_store_len(&f->log->stream);
	bytes = kunit_kmalloc(test, *len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	KUNIT_ASSERT_EQ(test, aael_store_read(&f->log->stream, 0, bytes, *len), *len);
	return bytes;
}

static void extend_by_alg(struct fixture *f, aael_values_t values, u16 alg, const u8 *digest)
{
	for (unsigned int b = 0; b < f->fake.bank_count; b++)
		if (f->fake.algs[b] == alg)
			aael_bank_extend(&f->fake.banks[b], values[b], digest);
}

static unsigned int size_of(const struct fixture *f, u16 alg)
{
	for (unsigned int b = 0; b < f->fake.bank_count; b++)
		if (f->fake.algs[b] == alg)
			return f->fake.banks[b].size;
	return 0;
}

/* Walks the bytes as a verifier does; @values: in: the start, out: what they replay to. */
static u64 replay(struct kunit *test, struct fixture *f, u32 reg, aael_values_t values)
{
	size_t len, pos = f->log->own_offset;
	u8 *bytes = copy_stream(test, f, &len);
	u64 count = 0;

	while (pos + 16 <= len) {
		u32 nr = get_unaligned_le32(bytes + pos);
		u32 digests = get_unaligned_le32(bytes + pos + 8);

		KUNIT_ASSERT_EQ(test, get_unaligned_le32(bytes + pos + 4), AAEL_EVENT_TYPE);
		KUNIT_ASSERT_EQ(test, aael_query_offset(f->log, ++count), pos);
		for (pos += 12; digests && pos + 6 <= len; digests--) {
			u16 alg = get_unaligned_le16(bytes + pos);

			KUNIT_ASSERT_NE(test, size_of(f, alg), 0);
			if (nr == reg)
				extend_by_alg(f, values, alg, bytes + pos + 2);
			pos += 2 + size_of(f, alg);
		}
		pos += 4 + get_unaligned_le32(bytes + pos);
	}
	KUNIT_EXPECT_EQ(test, pos, len);
	kunit_kfree(test, bytes);
	return count;
}

/**
 * fixture_replays - does the log replay to what the device holds
 * @test: the case
 * @f: the fixture
 * @reg: the register
 *
 * In every logged bank, from what the register held when the log was bound.
 */
bool fixture_replays(struct kunit *test, struct fixture *f, u32 reg)
{
	aael_values_t values;

	memcpy(values, f->start[reg], sizeof(values));
	KUNIT_EXPECT_EQ(test, replay(test, f, reg, values), f->log->count);
	for (unsigned int b = 0; b < f->log->bank_count; b++)
		if (f->log->banks[b].logged &&
		    memcmp(values[b], f->fake.regs[reg][b], f->log->banks[b].size))
			return false;
	return true;
}

/**
 * fixture_expect_sound - never a silent mismatch
 * @test: the case
 * @f: the fixture
 *
 * After a comparison the log replays to the register, or the health says that it
 * does not or need not. And the device was never used by two at a time.
 */
void fixture_expect_sound(struct kunit *test, struct fixture *f)
{
	struct aael_verify v;
	int ret = fixture_verify(f, true, &v);

	KUNIT_EXPECT_EQ(test, f->fake.overlaps, 0);
	if (aael_query_health(f->log) >= AAEL_HEALTH_UNKNOWN) {
		fixture_replays(test, f, TEST_PCR);
		return;
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, fixture_replays(test, f, TEST_PCR));
	KUNIT_EXPECT_EQ(test, f->log->pending_sequence, 0);
}

/**
 * fixture_expect - how things stand after a comparison
 * @test: the case
 * @f: the fixture
 * @e: how they should
 */
void fixture_expect(struct kunit *test, struct fixture *f, const struct expected *e)
{
	struct aael_info info = {};

	aael_query_info(f->log, &info);
	KUNIT_EXPECT_EQ(test, info.count, e->count);
	KUNIT_EXPECT_EQ(test, info.health, (u32)e->health);
	KUNIT_EXPECT_EQ(test, info.violations, e->violations);
	KUNIT_EXPECT_EQ(test, info.pending_sequence, e->pending);
	KUNIT_EXPECT_EQ(test, f->log->repairs, e->repairs);
	KUNIT_EXPECT_EQ(test, f->fake.extends, e->extends);
	KUNIT_EXPECT_EQ(test, notified.entries, e->count);
}

/**
 * fixture_expect_text - what an entry says
 * @test: the case
 * @f: the fixture
 * @sequence: its number
 * @text: what it should say
 */
void fixture_expect_text(struct kunit *test, struct fixture *f, u64 sequence, const char *text)
{
	u64 pos = aael_query_offset(f->log, sequence);
	struct aael_entry_view view;
	char found[192] = "";

	KUNIT_ASSERT_TRUE(test, aael_query_view(f->log, pos, &view));
	KUNIT_ASSERT_LT(test, view.text_len, sizeof(found));
	aael_store_read(&f->log->stream, pos + view.text_offset, found, view.text_len);
	KUNIT_EXPECT_STREQ(test, found, text);
}
