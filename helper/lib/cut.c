// SPDX-License-Identifier: Apache-2.0
/*
 * Cut to the quote. A walk replays the log up to n1 and then stops in front of every entry
 * up to n2, and at n2: each stop is a prefix, and is compared with what was quoted.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cut.h"

#define PCRS_BYTES (AAEL_CUT_PCRS * AAEL_CUT_PCR_BYTES)

/* CC event logs count registers from MRTD. */
#define RTMR_REG(n) ((uint32_t)(n) + 1)

struct walk {
	struct aael_tcg2 log;
	struct aael_replay values; /* after the entries in front of log.pos */
	bool given[AAEL_CUT_PCRS]; /* by n1, so that no entry in front of it need be replayed */
};

__attribute__((format(printf, 3, 4))) static int fail(struct aael_cut *cut, int err,
						      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(cut->error, sizeof(cut->error), format, ap);
	va_end(ap);
	return err;
}

/* One entry further: 1; 0: the prefix reaches to @to. */
static int walk_step(struct walk *w, uint64_t to, struct aael_tcg2_entry *entry,
		     struct aael_cut *cut)
{
	int ret;

	if (w->log.pos >= to)
		return 0;
	ret = aael_tcg2_next(&w->log, entry);
	if (ret < 0)
		return fail(cut, ret, "the log is malformed at byte %zu: %s", w->log.error.offset,
			    w->log.error.reason);
	if (ret == 0 || w->log.pos > to)
		return fail(cut, -EBADMSG, "the log has no entry that ends at byte %llu",
			    (unsigned long long)to);
	if (entry->reg < AAEL_CUT_PCRS && w->given[entry->reg])
		return 1;
	ret = aael_replay_entry(&w->values, entry);
	if (ret)
		return fail(cut, ret == -ERANGE ? -EBADMSG : ret,
			    "the entry at byte %zu cannot be replayed: %s", entry->offset,
			    strerror(-ret));
	return 1;
}

/* Of the SHA-256 bank, or NULL. */
static const uint8_t *given_value(const struct aael_snapshot_register *r)
{
	for (uint32_t b = 0; r->reg < AAEL_CUT_PCRS && b < r->bank_count && b < AAEL_BANKS_MAX; b++)
		if (r->running[b].alg == AAEL_ALG_SHA256)
			return r->running[b].value;
	return NULL;
}

static void list_given(struct walk *w, const struct aael_cut_range *range, enum aael_rule rule)
{
	memset(w->given, 0, sizeof(w->given));
	if (rule != AAEL_RULE_HARDWARE)
		return;
	for (uint32_t i = 0; i < range->reg_count; i++)
		if (given_value(&range->registers[i]))
			w->given[range->registers[i].reg] = true;
}

/* To n1. */
static int walk_begin(struct walk *w, const struct aael_cut_range *range, enum aael_rule rule,
		      struct aael_cut *cut)
{
	unsigned int flags = rule == AAEL_RULE_TRUSTEE ? AAEL_TCG2_F_ZERO_ENDS : 0;
	struct aael_tcg2_entry entry;
	int ret;

	memset(cut, 0, sizeof(*cut));
	aael_replay_init(&w->values, rule);
	list_given(w, range, rule);
	if (range->from > range->to || range->to > range->size)
		return fail(cut, -EBADMSG,
			    "the log has %zu bytes, the snapshots have %llu and %llu", range->size,
			    (unsigned long long)range->from, (unsigned long long)range->to);
	ret = aael_tcg2_open(&w->log, range->log, range->size, flags);
	if (ret)
		return fail(cut, ret, "the log is malformed at byte %zu: %s", w->log.error.offset,
			    w->log.error.reason);
	if (w->log.pos > range->from)
		return fail(cut, -EBADMSG, "the snapshot ends within the log's header");
	while ((ret = walk_step(w, range->from, &entry, cut)) > 0)
		;
	return ret;
}

static void take(struct aael_cut *cut, const struct walk *w)
{
	cut->bytes = w->log.pos;
	cut->entries = w->log.count;
}

/* ---- TDX ------------------------------------------------------------------- */

static const uint8_t *rtmr(const struct walk *w, unsigned int n)
{
	return aael_replay_value(&w->values, RTMR_REG(n), AAEL_ALG_SHA384);
}

/* Why no prefix explains all four; the walk is at n2. @explained: by which prefix, each. */
static int unexplained(struct aael_cut *cut, const struct walk *w,
		       const uint8_t rtmrs[AAEL_CUT_RTMRS][AAEL_CUT_RTMR_BYTES],
		       const size_t explained[AAEL_CUT_RTMRS])
{
	char quoted[2 * AAEL_CUT_RTMR_BYTES + 1], logged[2 * AAEL_CUT_RTMR_BYTES + 1];
	unsigned int first = 0, last = 0;

	for (unsigned int n = 0; n < AAEL_CUT_RTMRS; n++) {
		if (!explained[n]) {
			aael_hex_encode(rtmrs[n], AAEL_CUT_RTMR_BYTES, quoted);
			aael_hex_encode(rtmr(w, n), AAEL_CUT_RTMR_BYTES, logged);
			return fail(cut, -ENOENT,
				    "the log does not explain RTMR%u: the quote has %s, the log "
				    "replays to %s",
				    n, quoted, logged);
		}
		if (explained[n] < explained[first])
			first = n;
		if (explained[n] >= explained[last])
			last = n;
	}
	return fail(cut, -ENOENT,
		    "no part of the log explains the whole quote: RTMR%u is as after %zu bytes, "
		    "RTMR%u as after %zu",
		    first, explained[first], last, explained[last]);
}

int aael_cut_tdx(struct aael_cut *cut, const struct aael_cut_range *range,
		 const uint8_t rtmrs[AAEL_CUT_RTMRS][AAEL_CUT_RTMR_BYTES])
{
	size_t explained[AAEL_CUT_RTMRS] = { 0 };
	struct aael_tcg2_entry entry;
	struct walk w;
	int ret = walk_begin(&w, range, AAEL_RULE_TRUSTEE, cut);

	if (ret)
		return ret;
	do {
		unsigned int same = 0;

		for (unsigned int n = 0; n < AAEL_CUT_RTMRS; n++) {
			if (memcmp(rtmr(&w, n), rtmrs[n], AAEL_CUT_RTMR_BYTES))
				continue;
			same++;
			explained[n] = w.log.pos;
		}
		if (same == AAEL_CUT_RTMRS) {
			take(cut, &w);
			return 0;
		}
		ret = walk_step(&w, range->to, &entry, cut);
	} while (ret > 0);
	return ret ? ret : unexplained(cut, &w, rtmrs, explained);
}

/* ---- TPM ------------------------------------------------------------------- */

static uint8_t *pcr(struct walk *w, unsigned int n)
{
	return w->values.reg[n].value[aael_alg_row(AAEL_ALG_SHA256)];
}

/* What n1 says its registers hold; others have what the log replays to. */
static void start_at(struct walk *w, const struct aael_cut_range *range, bool ours[AAEL_CUT_PCRS])
{
	for (uint32_t i = 0; i < range->reg_count; i++) {
		const struct aael_snapshot_register *r = &range->registers[i];
		const uint8_t *value = given_value(r);

		if (!value)
			continue;
		memcpy(pcr(w, r->reg), value, AAEL_CUT_PCR_BYTES);
		ours[r->reg] = true;
	}
	memset(w->given, 0, sizeof(w->given));
}

struct tpm {
	const uint8_t (*before)[AAEL_CUT_PCR_BYTES];
	const uint8_t (*after)[AAEL_CUT_PCR_BYTES];
	const uint8_t *digest;
	bool ours[AAEL_CUT_PCRS];
	bool seen[AAEL_CUT_PCRS];	   /* a prefix explains the value before the quote */
	unsigned int moved[AAEL_CUT_PCRS]; /* of others, by number */
	unsigned int moved_count;
};

static void list_moved(struct tpm *t)
{
	t->moved_count = 0;
	for (unsigned int n = 0; n < AAEL_CUT_PCRS; n++)
		if (!t->ours[n] && memcmp(t->before[n], t->after[n], AAEL_CUT_PCR_BYTES))
			t->moved[t->moved_count++] = n;
}

/* Is one of the combinations of this prefix what was quoted? 1, 0 or an error. */
static int compare(const struct tpm *t, struct walk *w,
		   uint8_t pcrs[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES])
{
	uint8_t hash[AAEL_DIGEST_MAX_BYTES];

	for (unsigned int n = 0; n < AAEL_CUT_PCRS; n++)
		memcpy(pcrs[n], t->ours[n] ? pcr(w, n) : t->before[n], AAEL_CUT_PCR_BYTES);
	for (unsigned int choice = 0; choice < 1u << t->moved_count; choice++) {
		int ret;

		for (unsigned int i = 0; i < t->moved_count; i++) {
			unsigned int n = t->moved[i];

			memcpy(pcrs[n], choice & 1u << i ? t->after[n] : t->before[n],
			       AAEL_CUT_PCR_BYTES);
		}
		ret = aael_alg_hash(AAEL_ALG_SHA256, pcrs, PCRS_BYTES, "", 0, hash);
		if (ret < 0)
			return ret;
		if (!memcmp(hash, t->digest, AAEL_CUT_PCR_BYTES))
			return 1;
	}
	return 0;
}

/* PCRs that have a first entry between n1 and n2 are ours as well; the walk is copied. */
static int look_ahead(struct tpm *t, struct walk w, uint64_t to, struct aael_cut *cut)
{
	struct aael_tcg2_entry entry;
	int ret;

	while ((ret = walk_step(&w, to, &entry, cut)) > 0)
		if (entry.reg < AAEL_CUT_PCRS && entry.type != AAEL_EV_NO_ACTION &&
		    aael_tcg2_digest(&entry, AAEL_ALG_SHA256))
			t->ours[entry.reg] = true;
	return ret;
}

static int none_quoted(struct aael_cut *cut, const struct tpm *t, struct walk *w)
{
	char held[2 * AAEL_CUT_PCR_BYTES + 1], logged[2 * AAEL_CUT_PCR_BYTES + 1];
	char names[4 * AAEL_CUT_PCRS + 1] = "";
	size_t used = 0;

	for (unsigned int n = 0; n < AAEL_CUT_PCRS; n++) {
		if (t->ours[n] && !t->seen[n]) {
			aael_hex_encode(t->before[n], AAEL_CUT_PCR_BYTES, held);
			aael_hex_encode(pcr(w, n), AAEL_CUT_PCR_BYTES, logged);
			return fail(cut, -ENOENT,
				    "the log does not explain PCR %u: it holds %s, the log replays "
				    "to %s",
				    n, held, logged);
		}
		if (memcmp(t->before[n], t->after[n], AAEL_CUT_PCR_BYTES))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%u",
						 used ? ", " : "", n);
	}
	return fail(cut, -EAGAIN,
		    "no combination of PCR values is what was quoted; moved meanwhile: %s",
		    used ? names : "none");
}

int aael_cut_tpm(struct aael_cut *cut, const struct aael_cut_range *range,
		 const uint8_t before[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES],
		 const uint8_t after[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES],
		 const uint8_t digest[AAEL_CUT_PCR_BYTES],
		 uint8_t pcrs[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES])
{
	struct tpm t = { .before = before, .after = after, .digest = digest };
	struct aael_tcg2_entry entry;
	struct walk w;
	int ret = walk_begin(&w, range, AAEL_RULE_HARDWARE, cut);

	if (ret)
		return ret;
	start_at(&w, range, t.ours);
	ret = look_ahead(&t, w, range->to, cut);
	if (ret)
		return ret;
	list_moved(&t);
	do {
		for (unsigned int n = 0; n < AAEL_CUT_PCRS; n++)
			t.seen[n] |= !memcmp(pcr(&w, n), before[n], AAEL_CUT_PCR_BYTES);
		ret = t.moved_count > AAEL_CUT_MOVED_MAX ? 0 : compare(&t, &w, pcrs);
		if (ret < 0)
			return fail(cut, ret, "SHA-256: %s", strerror(-ret));
		if (ret) {
			take(cut, &w);
			return 0;
		}
		ret = walk_step(&w, range->to, &entry, cut);
	} while (ret > 0);
	return ret ? ret : none_quoted(cut, &t, &w);
}
