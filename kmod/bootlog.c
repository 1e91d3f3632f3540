// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware's event log: a walker over untrusted bytes, its replay, and a
 * header of our own where there is none. Pure: pointer and length, no globals,
 * and nothing is read outside them.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, 10.2 and 10.4.5.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "bootlog.h"

#define EV_NO_ACTION	0x00000003

/* TCG_PCR_EVENT: u32 PCR, u32 type, SHA-1 digest, u32 size */
#define PCR_EVENT_BYTES	(4 + 4 + 20 + 4)
/* TCG_EfiSpecIDEvent up to its algorithms: signature, class, version, count */
#define SPEC_ID_BYTES	(16 + 4 + 4 + 4)
/* TCG_EfiStartupLocalityEvent: signature, u8 locality */
#define LOCALITY_EVENT_BYTES	(16 + 1)

static const char signature[16] = "Spec ID Event03";
static const char locality_signature[16] = "StartupLocality";

/* A cursor that never leaves its bytes. */
struct cursor {
	const u8 *p;
	size_t left;
	bool bad;
};

static const u8 *take(struct cursor *c, size_t n)
{
	const u8 *p = c->p;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return p;
}

static u32 take_le32(struct cursor *c)
{
	const u8 *p = take(c, 4);

	return p ? get_unaligned_le32(p) : 0;
}

static u16 take_le16(struct cursor *c)
{
	const u8 *p = take(c, 2);

	return p ? get_unaligned_le16(p) : 0;
}

static int bad(struct aael_bootlog *bl, const char *why)
{
	bl->why = why;
	return -EINVAL;
}

static int parse_header(struct aael_bootlog *bl, struct cursor *c)
{
	const u8 *event, *vendor_size;
	struct cursor h;
	u32 type, count;

	/* The header is no event of a register; TPM logs have 0 here, CC logs 1. */
	take_le32(c);
	type = take_le32(c);
	take(c, 20);
	h.left = take_le32(c);
	h.p = take(c, h.left);
	h.bad = c->bad;
	if (c->bad)
		return bad(bl, "shorter than its header");
	event = take(&h, 16);
	if (!event || type != EV_NO_ACTION || memcmp(event, signature, 16))
		return bad(bl, "not in the Spec ID Event03 format");
	take(&h, 8);
	count = take_le32(&h);
	if (h.bad || !count)
		return bad(bl, "header without algorithms");
	if (count > AAEL_BANKS_MAX)
		return bad(bl, "header with too many algorithms");
	for (u32 i = 0; i < count; i++) {
		bl->algs[i] = take_le16(&h);
		bl->sizes[i] = take_le16(&h);
		if (!bl->sizes[i] || bl->sizes[i] > AAEL_DIGEST_MAX_BYTES)
			return bad(bl, "header with a digest size that cannot be");
		for (u32 j = 0; j < i; j++)
			if (bl->algs[j] == bl->algs[i])
				return bad(bl, "header that names an algorithm twice");
	}
	vendor_size = take(&h, 1);
	if (!vendor_size || !take(&h, *vendor_size) || h.left)
		return bad(bl, "header that ends too early or too late");
	bl->alg_count = count;
	return 0;
}

static bool end_mark(const struct cursor *c)
{
	size_t n = min_t(size_t, c->left, 8);

	return !memchr_inv(c->p, 0x00, n) || !memchr_inv(c->p, 0xff, n);
}

/* Exactly the header's algorithms, each once: Linux and Trustee refuse others. */
static const char *parse_entry(const struct aael_bootlog *bl, struct cursor *c,
			       struct aael_bootlog_entry *e)
{
	u32 count;

	memset(e, 0, sizeof(*e));
	e->reg = take_le32(c);
	e->type = take_le32(c);
	count = take_le32(c);
	if (c->bad)
		return "entry cut short";
	if (count != bl->alg_count)
		return "entry whose digests are not those of the header";
	for (u32 i = 0; i < count; i++) {
		u16 alg = take_le16(c);
		unsigned int a = 0;

		while (a < bl->alg_count && bl->algs[a] != alg)
			a++;
		if (c->bad)
			return "entry cut short";
		if (a == bl->alg_count || e->digests[a])
			return "entry whose digests are not those of the header";
		e->digests[a] = take(c, bl->sizes[a]);
	}
	e->event_len = take_le32(c);
	e->event = take(c, e->event_len);
	return c->bad ? "entry cut short" : NULL;
}

/**
 * aael_bootlog_parse - find out how far a boot log is well-formed
 * @data: the log; must outlive @bl
 * @len: bytes of it, padding included
 * @bl: out
 *
 * The walk ends at the end, at eight 0x00 or 0xff bytes, which the end may cut short,
 * or at a malformed entry, which @bl->why then names.
 *
 * Return: 0, or -EINVAL if there is no usable header; @bl->why says what is wrong.
 */
int aael_bootlog_parse(const u8 *data, size_t len, struct aael_bootlog *bl)
{
	struct cursor c = { .p = data, .left = len };
	struct aael_bootlog_entry e;
	int ret;

	memset(bl, 0, sizeof(*bl));
	bl->data = data;
	ret = parse_header(bl, &c);
	if (ret)
		return ret;
	bl->first = c.p - data;
	bl->len = bl->first;
	while (c.left && !end_mark(&c)) {
		bl->why = parse_entry(bl, &c, &e);
		if (bl->why)
			break;
		bl->len = c.p - data;
	}
	return 0;
}

/**
 * aael_bootlog_next - step through the well-formed entries
 * @bl: a parsed log
 * @pos: 0 to begin with; moved behind the entry
 * @e: out
 *
 * Return: false behind the last entry.
 */
bool aael_bootlog_next(const struct aael_bootlog *bl, size_t *pos,
		       struct aael_bootlog_entry *e)
{
	size_t from = *pos ? *pos : bl->first;
	struct cursor c = { .p = bl->data + from, .left = bl->len - from };

	if (from >= bl->len || parse_entry(bl, &c, e))
		return false;
	*pos = c.p - bl->data;
	return true;
}

/**
 * aael_bootlog_replay - the value that the log gives a register
 * @bl: a parsed log
 * @alg: number of the algorithm in the header
 * @bank: that algorithm, of the header's digest size
 * @reg: the register
 * @value: out: @bank->size bytes
 *
 * By the hardware's rule: EV_NO_ACTION is not extended, and PCR 0 starts as the
 * locality that the firmware started the TPM from, if that stands in front of the
 * first extend.
 *
 * Return: 0 or the crypto API's negative errno.
 */
int aael_bootlog_replay(const struct aael_bootlog *bl, unsigned int alg,
			const struct aael_bank *bank, u32 reg, u8 *value)
{
	struct aael_bootlog_entry e;
	bool extended = false;
	size_t pos = 0;
	int ret = 0;

	memset(value, 0, bank->size);
	while (!ret && aael_bootlog_next(bl, &pos, &e)) {
		if (e.reg != reg)
			continue;
		if (e.type != EV_NO_ACTION) {
			ret = aael_bank_extend(bank, value, e.digests[alg]);
			extended = true;
		} else if (!reg && !extended && e.event_len == LOCALITY_EVENT_BYTES &&
			   !memcmp(e.event, locality_signature, sizeof(locality_signature))) {
			value[bank->size - 1] = e.event[LOCALITY_EVENT_BYTES - 1];
		}
	}
	return ret;
}

/**
 * aael_bootlog_header - a Spec ID Event03 header for a log without a boot log
 * @banks: the banks
 * @bank_count: number of them
 * @out: AAEL_BOOTLOG_HEADER_MAX_BYTES bytes
 *
 * Return: bytes written.
 */
size_t aael_bootlog_header(const struct aael_bank *banks, unsigned int bank_count, u8 *out)
{
	u32 size = SPEC_ID_BYTES + 4 * bank_count + 1;
	u8 *p = out + PCR_EVENT_BYTES;

	memset(out, 0, PCR_EVENT_BYTES + size);
	put_unaligned_le32(EV_NO_ACTION, out + 4);
	put_unaligned_le32(size, out + PCR_EVENT_BYTES - 4);
	memcpy(p, signature, sizeof(signature));
	p[21] = 2;		/* specVersionMajor; platform class 0 is a client */
	p[23] = 2;		/* uintnSize: 64 bits */
	put_unaligned_le32(bank_count, p + 24);
	p += SPEC_ID_BYTES;
	for (unsigned int i = 0; i < bank_count; i++, p += 4) {
		put_unaligned_le16(banks[i].alg, p);
		put_unaligned_le16(banks[i].size, p + 2);
	}
	return PCR_EVENT_BYTES + size;
}
