// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is logged already, so that an event can be logged once. Transactions only.
 *
 * The table is filled by who asks: an append that does not, pays nothing for it, and
 * cannot fail for it.
 *
 * The key of an entry is its register, domain and operation. The first entry of a
 * key is found by a hash of the key; every other, unless it is identical to an
 * earlier one, by a hash of register, digests and text. So no entry is in the table
 * twice, and however many share a key, none of them is walked through. A hash only
 * says where to look: what is stored in the log decides.
 *
 * A slot is free (0), or the number of an entry, by which of the two hashes it is
 * here, and five more bits of that hash:
 *
 *	bits 0..25 number   bit 26 enum by   bits 27..31 bits 32..36 of the hash
 *
 * Slots are in segments of 4 KiB, searched from where the hash says up to a free
 * one. The top bits of the hash choose the segment, through a directory. A segment
 * three quarters full is split by one more bit (extendible hashing), so growing
 * moves one segment's entries at a time, and an entry takes 5.3 to 10.7 bytes.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "aael.h"

#define NUMBER_BITS	26
#define NUMBER_MASK	((1u << NUMBER_BITS) - 1)
#define SLOTS		1023
#define SLOTS_FULL	768
/* Far beyond what the largest log needs if hashes are what they should be. */
#define DEPTH_MAX	20

/* No entry is as short as this. */
static_assert(AAEL_LOG_MAX_BYTES / 24 < NUMBER_MASK);

enum by {
	BY_KEY,
	BY_CONTENT,
};

/*
 * @depth: the top bits of the hash that all of its entries have in common
 * @used: slots that are not free; at least one is
 */
struct aael_once_segment {
	u16 depth;
	u16 used;
	u32 slots[SLOTS];
};

static_assert(sizeof(struct aael_once_segment) == AAEL_ONCE_SEGMENT_BYTES);

/* What is known of an entry: the first of its key, or 0, and its own place. */
struct spot {
	u64 first;
	u64 hash;
	enum by by;
};

/**
 * aael_once_init - an empty table
 * @once: out
 */
void aael_once_init(struct aael_once *once)
{
	get_random_bytes(&once->key, sizeof(once->key));
}

/**
 * aael_once_destroy - free the table
 * @once: the table
 */
void aael_once_destroy(struct aael_once *once)
{
	struct aael_once_segment *segment;

	for (u32 i = 0; once->dir && i < 1u << once->depth;) {
		segment = once->dir[i];
		i += 1u << (once->depth - segment->depth);
		kvfree(segment);
	}
	kvfree(once->dir);
	once->dir = NULL;
	once->depth = 0;
	once->segments = 0;
}

/* ---- hashes ---- */

/* Bytes of "domain operation " at the beginning of a text. */
static size_t key_len(const u8 *text, size_t len)
{
	const u8 *end = text + len, *space = memchr(text, ' ', len);

	if (space)
		space = memchr(space + 1, ' ', end - space - 1);
	return space ? space + 1 - text : len;
}

/* Of the text in once->buf. */
static u64 hash_key(struct aael_once *once, u32 reg, size_t len)
{
	put_unaligned_le32(reg, once->buf.reg);
	len = key_len(once->buf.text, len);
	return siphash(&once->buf, sizeof(once->buf.reg) + len, &once->key);
}

/*
 * Of the first bytes of an entry: register, digests, and the beginning of the text.
 * Whoever finds many long texts of one digest can do worse than slow this down.
 */
static u64 hash_content(struct aael_once *once, const void *bytes, size_t len)
{
	return siphash(bytes, min(len, sizeof(once->buf)), &once->key);
}

static_assert(sizeof_field(struct aael_once, buf) >=
	      AAEL_ENTRY_DIGESTS_OFFSET + AAEL_BANKS_MAX * (2 + AAEL_DIGEST_MAX_BYTES));

static u64 hash_entry(struct aael_log *log, const struct aael_entry *e, enum by by)
{
	struct aael_once *once = &log->once;
	size_t offset, len;

	if (by == BY_CONTENT)
		return hash_content(once, e->bytes, e->len);
	offset = aael_entry_text_offset(log->banks, log->bank_count);
	len = min(e->len - offset, sizeof(once->buf.text));
	memcpy(once->buf.text, e->bytes + offset, len);
	return hash_key(once, e->reg, len);
}

static u64 hash_stored(struct aael_log *log, u32 slot)
{
	struct aael_once *once = &log->once;
	u64 pos = aael_query_offset(log, slot & NUMBER_MASK);
	struct aael_entry_view view = {};
	size_t len;

	aael_query_view(log, pos, &view);
	if (slot >> NUMBER_BITS & BY_CONTENT) {
		len = min(view.len, sizeof(once->buf));
		aael_store_read(&log->stream, pos, &once->buf, len);
		return hash_content(once, &once->buf, len);
	}
	len = min(view.text_len, sizeof(once->buf.text));
	aael_store_read(&log->stream, pos + view.text_offset, once->buf.text, len);
	return hash_key(once, view.reg, len);
}

/* ---- comparison with what is stored ---- */

static bool equal(struct aael_log *log, u64 pos, const u8 *bytes, size_t len)
{
	u8 *buf = log->once.buf.text;

	while (len) {
		size_t n = min(len, sizeof(log->once.buf.text));

		if (aael_store_read(&log->stream, pos, buf, n) != n || memcmp(buf, bytes, n))
			return false;
		pos += n;
		bytes += n;
		len -= n;
	}
	return true;
}

/* With e, its last space included, so neither word is the beginning of a longer one. */
static bool same_key(struct aael_log *log, u64 number, const struct aael_entry *e)
{
	size_t offset = aael_entry_text_offset(log->banks, log->bank_count);
	size_t len = key_len(e->bytes + offset, e->len - offset);
	u64 pos = aael_query_offset(log, number);
	struct aael_entry_view view;

	return aael_query_view(log, pos, &view) && view.reg == e->reg && view.text_len >= len &&
	       equal(log, pos + offset, e->bytes + offset, len);
}

static bool same_entry(struct aael_log *log, u64 number, const struct aael_entry *e)
{
	u64 pos = aael_query_offset(log, number);
	struct aael_entry_view view;

	return aael_query_view(log, pos, &view) && view.len == e->len &&
	       equal(log, pos, e->bytes, e->len);
}

/* ---- the table ---- */

static u32 dir_index(const struct aael_once *once, u64 hash)
{
	return once->depth ? hash >> (64 - once->depth) : 0;
}

static struct aael_once_segment *segment_of(const struct aael_once *once, u64 hash)
{
	return once->dir[dir_index(once, hash)];
}

static u32 make_slot(u64 hash, enum by by, u64 number)
{
	return (u32)(hash >> 32 & 0x1f) << (NUMBER_BITS + 1) | by << NUMBER_BITS | number;
}

static u32 slot_index(u64 hash)
{
	return reciprocal_scale(lower_32_bits(hash), SLOTS);
}

static u32 next(u32 i)
{
	return i + 1 == SLOTS ? 0 : i + 1;
}

/* The number of the entry that is here by that hash and is the same, or 0. */
static u64 search(struct aael_log *log, u64 hash, enum by by, const struct aael_entry *e)
{
	const struct aael_once_segment *segment = segment_of(&log->once, hash);
	u32 tag = make_slot(hash, by, 0), slot;

	for (u32 i = slot_index(hash); (slot = segment->slots[i]); i = next(i))
		if ((slot & ~NUMBER_MASK) == tag &&
		    (by == BY_KEY ? same_key : same_entry)(log, slot & NUMBER_MASK, e))
			return slot & NUMBER_MASK;
	return 0;
}

static void put(struct aael_once_segment *segment, u64 hash, u32 slot)
{
	u32 i = slot_index(hash);

	while (segment->slots[i])
		i = next(i);
	segment->slots[i] = slot;
	segment->used++;
}

/* The number of an identical entry; else 0, and the spot is where this one belongs. */
static u64 look(struct aael_log *log, const struct aael_entry *e, struct spot *spot)
{
	spot->by = BY_KEY;
	spot->hash = hash_entry(log, e, BY_KEY);
	spot->first = search(log, spot->hash, BY_KEY, e);
	if (!spot->first || same_entry(log, spot->first, e))
		return spot->first;
	spot->by = BY_CONTENT;
	spot->hash = hash_entry(log, e, BY_CONTENT);
	return search(log, spot->hash, BY_CONTENT, e);
}

/**
 * aael_once_find - is an event logged already
 * @log: the log; it has caught up
 * @e: the event's entry
 * @sequence: out: number of the identical entry or, without one, of the first that
 *	has other content
 *
 * Return: whether there is any.
 */
enum aael_once_found aael_once_find(struct aael_log *log, const struct aael_entry *e,
				    u64 *sequence)
{
	struct spot spot;
	u64 identical;

	if (!log->once.dir)
		return AAEL_ONCE_NONE;
	identical = look(log, e, &spot);
	*sequence = identical ?: spot.first;
	if (identical)
		return AAEL_ONCE_IDENTICAL;
	return spot.first ? AAEL_ONCE_OTHER : AAEL_ONCE_NONE;
}

/* ---- growing ---- */

static struct aael_once_segment *new_segment(u16 depth)
{
	struct aael_once_segment *segment = kvzalloc(sizeof(*segment), GFP_KERNEL | __GFP_NOWARN);

	if (segment)
		segment->depth = depth;
	return segment;
}

static int start(struct aael_once *once)
{
	once->dir = kvcalloc(1, sizeof(*once->dir), GFP_KERNEL);
	if (!once->dir)
		return -ENOMEM;
	once->dir[0] = new_segment(0);
	if (!once->dir[0]) {
		kvfree(once->dir);
		once->dir = NULL;
		return -ENOMEM;
	}
	once->segments = 1;
	return 0;
}

static int double_dir(struct aael_once *once)
{
	size_t count = (size_t)1 << once->depth;
	struct aael_once_segment **dir = kvcalloc(2 * count, sizeof(*dir),
						  GFP_KERNEL | __GFP_NOWARN);

	if (!dir)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * count; i++)
		dir[i] = once->dir[i / 2];
	kvfree(once->dir);
	once->dir = dir;
	once->depth++;
	return 0;
}

/* The segment of that hash becomes two, which share its part of the directory. */
static int split(struct aael_log *log, u64 hash)
{
	struct aael_once *once = &log->once;
	struct aael_once_segment *old = segment_of(once, hash), *halves[2];
	u32 run, first;

	if (old->depth == once->depth && double_dir(once))
		return -ENOMEM;
	for (int i = 0; i < 2; i++)
		halves[i] = new_segment(old->depth + 1);
	if (!halves[0] || !halves[1]) {
		kvfree(halves[0]);
		kvfree(halves[1]);
		return -ENOMEM;
	}
	for (u32 i = 0; i < SLOTS; i++) {
		u64 h = old->slots[i] ? hash_stored(log, old->slots[i]) : 0;

		if (old->slots[i])
			put(halves[h >> (63 - old->depth) & 1], h, old->slots[i]);
		cond_resched();
	}
	run = 1u << (once->depth - old->depth);
	first = dir_index(once, hash) & ~(run - 1);
	for (u32 i = 0; i < run; i++)
		once->dir[first + i] = halves[i >= run / 2];
	once->segments++;
	kvfree(old);
	return 0;
}

static int make_room(struct aael_log *log, u64 hash)
{
	const struct aael_once_segment *segment;
	int ret;

	for (;;) {
		segment = segment_of(&log->once, hash);
		if (segment->used < SLOTS_FULL)
			return 0;
		/* So many equal hashes: not in this world. */
		if (segment->depth == DEPTH_MAX)
			return segment->used < SLOTS - 1 ? 0 : -ENOMEM;
		ret = split(log, hash);
		if (ret)
			return ret;
	}
}

static int insert(struct aael_log *log, const struct aael_entry *e, u64 number)
{
	struct aael_once *once = &log->once;
	struct spot spot;
	int ret;

	ret = once->dir ? 0 : start(once);
	if (ret || look(log, e, &spot))
		return ret;
	ret = make_room(log, spot.hash);
	if (!ret)
		put(segment_of(once, spot.hash), spot.hash, make_slot(spot.hash, spot.by, number));
	return ret;
}

/* ---- catching up ---- */

static struct aael_entry *copy_entry(struct aael_log *log, u64 pos,
				     const struct aael_entry_view *view)
{
	struct aael_entry *e = aael_entry_alloc(view->len);

	if (!e)
		return NULL;
	e->reg = view->reg;
	aael_store_read(&log->stream, pos, e->bytes, view->len);
	return e;
}

/**
 * aael_once_catch_up - take the entries into the table that have been logged since
 * @log: the log
 *
 * Return: 0, or -ENOMEM; the next call goes on.
 */
int aael_once_catch_up(struct aael_log *log)
{
	struct aael_once *once = &log->once;
	struct aael_entry_view view;
	struct aael_entry *e;
	u64 pos;
	int ret;

	if (once->taken == log->count)
		return 0;
	pos = aael_query_offset(log, once->taken + 1);
	for (; once->taken < log->count; once->taken++, pos += view.len) {
		aael_query_view(log, pos, &view);
		e = copy_entry(log, pos, &view);
		ret = e ? insert(log, e, once->taken + 1) : -ENOMEM;
		aael_entry_put(e);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}
