// SPDX-License-Identifier: Apache-2.0
/*
 * The module's walk over a boot log, called as kmod/bind.c calls it, beside a second
 * implementation: libaael, which is what reads the published log. The module may be
 * stricter than the reader, never the other way round.
 */
#include <errno.h>

#include "bootlog.h"
#include "bootlog_check.h"
#include "fuzz.h"
#include "libaael.h"

/* What a mark consists of at least, unless the log ends within it. */
#define MARK_BYTES 8
/* PCRs that start with ones; kmod/bind.c does not use what a boot log says of them. */
#define DRTM_FIRST 17
#define DRTM_LAST 22

/* kmod/bank.c without the kernel's hashes. */
int aael_bank_extend(const struct aael_bank *bank, u8 *value, const u8 *digest)
{
	int ret = aael_alg_hash(bank->alg, value, bank->size, digest, bank->size, value);

	return ret < 0 ? ret : 0;
}

/* All banks that a device can have: the first rows of libaael's table. */
static const struct aael_bank *all_banks(void)
{
	static struct aael_bank banks[AAEL_BANKS_MAX];

	for (unsigned int i = 0; !banks[AAEL_BANKS_MAX - 1].alg && i < AAEL_BANKS_MAX; i++) {
		banks[i].alg = aael_alg_at(i)->id;
		banks[i].size = aael_alg_at(i)->size;
	}
	return banks;
}

static const struct aael_bank *bank_of(const struct aael_bootlog *bl, unsigned int alg)
{
	const struct aael_bank *banks = all_banks();

	for (unsigned int i = 0; i < AAEL_BANKS_MAX; i++)
		if (banks[i].alg == bl->algs[alg] && banks[i].size == bl->sizes[alg])
			return &banks[i];
	return NULL;
}

/* accept_header() of kmod/bind.c for a device with all banks. */
static bool header_accepted(const struct aael_bootlog *bl)
{
	for (unsigned int i = 0; i < bl->alg_count; i++)
		if (!bank_of(bl, i))
			return false;
	return true;
}

/* The reader refuses a header that gives an algorithm it knows another size. */
static bool header_readable(const struct aael_bootlog *bl)
{
	for (unsigned int i = 0; i < bl->alg_count; i++) {
		const struct aael_alg *known = aael_alg_by_id(bl->algs[i]);

		if (known && known->size != bl->sizes[i])
			return false;
	}
	return true;
}

static void check_bounds(const struct aael_bootlog *bl, const struct bytes *area)
{
	size_t left = area->size - bl->len;
	size_t n = left < MARK_BYTES ? left : MARK_BYTES;
	const u8 *end = area->p + bl->len;

	MUST(bl->data == area->p);
	MUST(bl->first && bl->first <= bl->len && bl->len <= area->size);
	MUST(bl->alg_count && bl->alg_count <= AAEL_BANKS_MAX);
	for (unsigned int i = 0; i < bl->alg_count; i++)
		MUST(bl->sizes[i] && bl->sizes[i] <= AAEL_DIGEST_MAX_BYTES);
	/* It ends at a mark, or at the end, or says why not. */
	for (size_t i = 0; !bl->why && i < n; i++)
		MUST(end[i] == end[0] && (end[0] == 0x00 || end[0] == 0xff));
}

static void same_entry(const struct aael_bootlog *bl, const struct aael_bootlog_entry *e,
		       const struct aael_tcg2 *r, const struct aael_tcg2_entry *read)
{
	MUST(read->reg == e->reg && read->type == e->type);
	MUST(read->digest_count == bl->alg_count);
	for (unsigned int i = 0; i < bl->alg_count; i++) {
		const struct aael_tcg2_digest *d = aael_tcg2_digest(read, bl->algs[i]);

		MUST(d && d->size == bl->sizes[i] && e->digests[i]);
		MUST(d->value - r->data == e->digests[i] - bl->data);
		MUST(!memcmp(d->value, e->digests[i], d->size));
	}
	MUST(read->event_size == e->event_len);
	MUST(read->event - r->data == e->event - bl->data);
}

/*
 * The reader's walk over @log gives the module's entries, and with them the log ends where
 * the module says; @exactly: there also for the reader. Returns the number of entries.
 */
static size_t same_walk(const struct aael_bootlog *bl, const struct bytes *log, unsigned int flags,
			bool exactly)
{
	struct aael_bootlog_entry e;
	struct aael_tcg2_entry read;
	struct aael_tcg2 r;
	size_t pos = 0, count = 0;

	MUST(!aael_tcg2_open(&r, log->p, log->size, flags));
	MUST(r.has_header && r.pos == bl->first && r.alg_count == bl->alg_count);
	while (aael_bootlog_next(bl, &pos, &e)) {
		MUST(aael_tcg2_next(&r, &read) == 1);
		MUST(r.pos == pos);
		same_entry(bl, &e, &r, &read);
		count++;
	}
	MUST(r.pos == bl->len);
	if (exactly)
		MUST(!aael_tcg2_next(&r, &read) && r.pos == bl->len);
	while (aael_tcg2_next(&r, &read) > 0)
		;
	MUST(r.pos <= log->size);
	return count;
}

/* A register that no device has: the reader cannot replay an entry that extends it. */
static bool beyond_registers(const struct aael_bootlog *bl)
{
	struct aael_bootlog_entry e;
	size_t pos = 0;

	while (aael_bootlog_next(bl, &pos, &e))
		if (e.type != AAEL_EV_NO_ACTION && e.reg >= AAEL_REGISTERS_MAX)
			return true;
	return false;
}

static void same_replay(const struct aael_bootlog *bl, const struct bytes *log)
{
	struct aael_tcg2_error error;
	struct aael_replay replay;
	bool beyond = beyond_registers(bl);
	int ret = aael_replay_log(&replay, AAEL_RULE_HARDWARE, log->p, log->size, &error);

	MUST(ret == (beyond ? -ERANGE : 0));
	for (unsigned int alg = 0; alg < bl->alg_count; alg++) {
		const struct aael_bank *bank = bank_of(bl, alg);

		for (u32 reg = 0; bank && reg < AAEL_REGISTERS_MAX; reg++) {
			struct bytes value = exact_copy(log->p, bank->size);

			MUST(!aael_bootlog_replay(bl, alg, bank, reg, value.p));
			if (!beyond && (reg < DRTM_FIRST || reg > DRTM_LAST))
				MUST(!memcmp(value.p, aael_replay_value(&replay, reg, bank->alg),
					     bank->size));
			free(value.block);
		}
	}
}

static void check_parsed(const struct aael_bootlog *bl, const struct bytes *area,
			 struct bootlog_outcome *out)
{
	static const unsigned int flags[] = { 0, AAEL_TCG2_F_DETECT, AAEL_TCG2_F_ZERO_ENDS };
	/* What is published, and all that a reader gets. */
	struct bytes log = exact_copy(area->p, bl->len);
	bool whole = !bl->why && (bl->len == area->size || area->size - bl->len >= MARK_BYTES);
	struct aael_tcg2 r;

	if (header_readable(bl)) {
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			out->entries = same_walk(bl, &log, flags[i], true);
		/* The same file as the firmware left it, its padding included. */
		same_walk(bl, area, AAEL_TCG2_F_ZERO_ENDS, whole);
		same_replay(bl, &log);
	} else {
		MUST(aael_tcg2_open(&r, log.p, log.size, 0));
		MUST(!out->accepted);
	}
	free(log.block);
}

/* Without a log of the firmware's: a header of our own in front. */
static void check_own_header(unsigned int bank_count)
{
	static const uint8_t zero[AAEL_BOOTLOG_HEADER_MAX_BYTES];
	struct bytes out = exact_copy(zero, sizeof(zero));
	size_t len = aael_bootlog_header(all_banks(), bank_count, out.p);
	struct bytes header = exact_copy(out.p, len);
	struct aael_bootlog bl;

	MUST(!aael_bootlog_parse(header.p, len, &bl));
	MUST(!bl.why && bl.len == len && bl.alg_count == bank_count);
	MUST(!same_walk(&bl, &header, 0, true));
	free(header.block);
	free(out.block);
}

/* Bytes that may be no log at all: the reader only has to stay within them. */
static void read_anyhow(const struct bytes *area, unsigned int flags)
{
	struct aael_tcg2_entry read;
	struct aael_text text;
	struct aael_tcg2 r;
	int ret = aael_tcg2_open(&r, area->p, area->size, flags);

	while (!ret && aael_tcg2_next(&r, &read) > 0)
		if (!aael_text_decode(&read, &text))
			MUST(text.domain_size + 1 + text.operation_size + 1 + text.content_size ==
			     text.text_size);
	MUST(r.pos <= area->size);
}

void bootlog_check(const uint8_t *data, size_t size, struct bootlog_outcome *out)
{
	struct bytes area = exact_copy(data, size);
	struct aael_bootlog bl;
	int ret = aael_bootlog_parse(area.p, size, &bl);

	*out = (struct bootlog_outcome){ .parsed = !ret, .why = bl.why, .len = bl.len };
	if (ret) {
		MUST(ret == -EINVAL && bl.why && !bl.len);
	} else {
		check_bounds(&bl, &area);
		out->accepted = header_accepted(&bl);
		check_parsed(&bl, &area, out);
	}
	read_anyhow(&area, 0);
	read_anyhow(&area, AAEL_TCG2_F_DETECT);
	if (!out->accepted)
		check_own_header(1 + (unsigned int)(size % AAEL_BANKS_MAX));
	free(area.block);
}
