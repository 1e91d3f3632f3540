// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry, encoded and hashed before anything is locked or sent.
 *
 * TCG_PCR_EVENT2, all little-endian (TCG PC Client Platform Firmware Profile, 10.2.2):
 *
 *	u32 register   u32 type = EV_EVENT_TAG
 *	u32 digest_count   { u16 alg   u8 digest[] } × digest_count
 *	u32 event_size   event[event_size]        event: see event.c
 *	digest = H(event)
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "aael.h"

static size_t digests_size(const struct aael_bank *banks, unsigned int bank_count)
{
	size_t size = 0;

	for (unsigned int i = 0; i < bank_count; i++)
		if (banks[i].logged)
			size += 2 + banks[i].size;
	return size;
}

static u32 digests_count(const struct aael_bank *banks, unsigned int bank_count)
{
	u32 count = 0;

	for (unsigned int i = 0; i < bank_count; i++)
		count += banks[i].logged;
	return count;
}

/**
 * aael_entry_text_offset - where the text begins in an entry of ours
 * @banks: the banks
 * @bank_count: number of them
 */
size_t aael_entry_text_offset(const struct aael_bank *banks, unsigned int bank_count)
{
	return AAEL_ENTRY_DIGESTS_OFFSET + digests_size(banks, bank_count) + 4 +
	       AAEL_EVENT_HEADER_BYTES;
}

/**
 * aael_entry_size - bytes an event takes in the log
 * @banks: the banks
 * @bank_count: number of them
 * @ev: a valid event
 */
size_t aael_entry_size(const struct aael_bank *banks, unsigned int bank_count,
		       const struct aael_event *ev)
{
	return aael_entry_text_offset(banks, bank_count) + aael_event_text_size(ev);
}

/**
 * aael_entry_parse - find the parts of an entry as we make them
 * @banks: the banks
 * @bank_count: number of them
 * @bytes: where it begins
 * @len: bytes there
 * @view: out
 *
 * Return: 0; -EBADMSG if it is cut off or not of these banks. Neither its text nor its
 * digests are looked at.
 */
int aael_entry_parse(const struct aael_bank *banks, unsigned int bank_count, const u8 *bytes,
		     size_t len, struct aael_entry_view *view)
{
	const u8 *p = bytes + AAEL_ENTRY_DIGESTS_OFFSET, *event;

	view->text_offset = aael_entry_text_offset(banks, bank_count);
	if (len < view->text_offset ||
	    get_unaligned_le32(bytes + 4) != AAEL_EVENT_TYPE ||
	    get_unaligned_le32(bytes + 8) != digests_count(banks, bank_count))
		return -EBADMSG;
	for (unsigned int i = 0; i < bank_count; i++) {
		if (!banks[i].logged)
			continue;
		if (get_unaligned_le16(p) != banks[i].alg)
			return -EBADMSG;
		p += 2 + banks[i].size;
	}
	event = p + 4;
	view->reg = get_unaligned_le32(bytes);
	view->text_len = get_unaligned_le32(event + 4);
	if (get_unaligned_le32(event) != AAEL_EVENT_TAG ||
	    view->text_len > len - view->text_offset ||
	    get_unaligned_le32(p) != view->text_len + AAEL_EVENT_HEADER_BYTES)
		return -EBADMSG;
	view->len = view->text_offset + view->text_len;
	return 0;
}

/* The event at the end of an entry, and its size. */
static u8 *put_event(struct aael_entry *e, const struct aael_event *ev, size_t *event_size)
{
	u8 *event;

	*event_size = AAEL_EVENT_HEADER_BYTES + aael_event_text_size(ev);
	event = e->bytes + e->len - *event_size;
	aael_event_encode(ev, event);
	put_unaligned_le32(*event_size, event - 4);
	return event;
}

/* What stands in front of it; the digests are there. */
static void put_head(struct aael_entry *e, const struct aael_bank *banks,
		     unsigned int bank_count)
{
	u8 *p = e->bytes;

	put_unaligned_le32(e->reg, p);
	put_unaligned_le32(AAEL_EVENT_TYPE, p + 4);
	put_unaligned_le32(digests_count(banks, bank_count), p + 8);
	p += 12;
	for (unsigned int i = 0; i < bank_count; i++) {
		if (!banks[i].logged)
			continue;
		put_unaligned_le16(banks[i].alg, p);
		memcpy(p + 2, e->digests[i], banks[i].size);
		p += 2 + banks[i].size;
	}
}

static int fill(struct aael_entry *e, const struct aael_bank *banks, unsigned int bank_count,
		const struct aael_event *ev)
{
	size_t event_size;
	u8 *event = put_event(e, ev, &event_size);
	int ret = 0;

	for (unsigned int i = 0; !ret && i < bank_count; i++)
		ret = aael_bank_digest(&banks[i], event, event_size, e->digests[i]);
	if (!ret)
		put_head(e, banks, bank_count);
	return ret;
}

/**
 * aael_entry_alloc - an empty entry
 * @len: bytes that it may take in the log
 *
 * Return: the entry with one reference, or NULL without memory.
 */
struct aael_entry *aael_entry_alloc(size_t len)
{
	struct aael_entry *e = kvzalloc(struct_size(e, bytes, len), GFP_KERNEL_ACCOUNT);

	if (!e)
		return NULL;
	refcount_set(&e->refs, 1);
	e->len = len;
	return e;
}

/**
 * aael_entry_set_foreign - encode an extend that was not ours
 * @e: an entry with enough room
 * @banks: the banks
 * @bank_count: number of them
 * @reg: register that was extended
 * @ev: what is said of it; unlike with an event of ours, nothing vouches for that
 * @digest: with what, in every bank; it is not the event's
 */
void aael_entry_set_foreign(struct aael_entry *e, const struct aael_bank *banks,
			    unsigned int bank_count, u32 reg, const struct aael_event *ev,
			    const u8 *digest)
{
	size_t event_size;

	e->reg = reg;
	e->len = aael_entry_size(banks, bank_count, ev);
	for (unsigned int i = 0; i < bank_count; i++)
		memcpy(e->digests[i], digest, banks[i].size);
	put_event(e, ev, &event_size);
	put_head(e, banks, bank_count);
}

/**
 * aael_entry_create - encode and hash an event
 * @banks: the banks
 * @bank_count: number of them
 * @reg: register it is for
 * @ev: a valid event
 *
 * Return: the entry with one reference, ERR_PTR(-ENOMEM), or the crypto API's errno.
 */
struct aael_entry *aael_entry_create(const struct aael_bank *banks, unsigned int bank_count,
				     u32 reg, const struct aael_event *ev)
{
	struct aael_entry *e = aael_entry_alloc(aael_entry_size(banks, bank_count, ev));
	int ret;

	if (!e)
		return ERR_PTR(-ENOMEM);
	e->reg = reg;
	ret = fill(e, banks, bank_count, ev);
	if (ret) {
		kvfree(e);
		return ERR_PTR(ret);
	}
	return e;
}

/**
 * aael_entry_get - take another reference
 * @e: an entry
 */
struct aael_entry *aael_entry_get(struct aael_entry *e)
{
	refcount_inc(&e->refs);
	return e;
}

/**
 * aael_entry_put - drop a reference
 * @e: an entry or NULL
 */
void aael_entry_put(struct aael_entry *e)
{
	if (e && refcount_dec_and_test(&e->refs))
		kvfree(e);
}
