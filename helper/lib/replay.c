// SPDX-License-Identifier: Apache-2.0
/*
 * Replay: value' = H(value ‖ digest), per register and bank. The two rules differ
 * in what they leave out and where they begin, nowhere else.
 */
#include <errno.h>
#include <string.h>

#include "libaael.h"

/* PCRs that only a dynamic launch sets to zero. */
#define DRTM_FIRST 17
#define DRTM_LAST 22

/* TCG PC Client PFP 1.05, 10.4.5.3: signature[16]  u8 locality */
static const char locality_signature[16] = "StartupLocality";

void aael_replay_init(struct aael_replay *replay, enum aael_rule rule)
{
	memset(replay, 0, sizeof(*replay));
	replay->rule = rule;
	/* TCG PC Client Platform TPM Profile, PCR attributes. CC logs go to register 4 only. */
	if (rule == AAEL_RULE_HARDWARE)
		for (unsigned int reg = DRTM_FIRST; reg <= DRTM_LAST; reg++)
			memset(replay->reg[reg].value, 0xff, sizeof(replay->reg[reg].value));
}

static void start_at_locality(struct aael_replay *replay, const struct aael_tcg2_entry *e)
{
	struct aael_replay_register *pcr0 = &replay->reg[0];

	if (e->reg != 0 || e->event_size != sizeof(locality_signature) + 1 ||
	    memcmp(e->event, locality_signature, sizeof(locality_signature)))
		return;
	for (unsigned int i = 0; i < AAEL_ALG_KNOWN_MAX; i++)
		if (!pcr0->touched[i])
			pcr0->value[i][aael_alg_at(i)->size - 1] =
				e->event[sizeof(locality_signature)];
}

int aael_replay_entry(struct aael_replay *replay, const struct aael_tcg2_entry *entry)
{
	struct aael_replay_register *reg;

	if (replay->rule == AAEL_RULE_HARDWARE && entry->type == AAEL_EV_NO_ACTION) {
		start_at_locality(replay, entry);
		return 0;
	}
	if (entry->reg >= AAEL_REGISTERS_MAX)
		return -ERANGE;
	reg = &replay->reg[entry->reg];
	for (uint32_t i = 0; i < entry->digest_count; i++) {
		const struct aael_tcg2_digest *d = &entry->digests[i];
		int row = aael_alg_row(d->alg);
		int ret;

		if (row < 0) {
			replay->unknown++;
			continue;
		}
		ret = aael_alg_hash(d->alg, reg->value[row], d->size, d->value, d->size,
				    reg->value[row]);
		if (ret < 0)
			return ret;
		reg->touched[row] = true;
	}
	return 0;
}

int aael_replay_log(struct aael_replay *replay, enum aael_rule rule, const void *data, size_t size,
		    struct aael_tcg2_error *err)
{
	unsigned int flags = AAEL_TCG2_F_DETECT;
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	int ret;

	if (rule == AAEL_RULE_TRUSTEE)
		flags |= AAEL_TCG2_F_ZERO_ENDS;
	aael_replay_init(replay, rule);
	ret = aael_tcg2_open(&r, data, size, flags);
	while (!ret && (ret = aael_tcg2_next(&r, &e)) > 0) {
		ret = aael_replay_entry(replay, &e);
		if (ret) {
			r.error.offset = e.offset;
			r.error.reason = ret == -ERANGE ? "the entry's register does not exist"
							: "the entry's digest cannot be extended";
		}
	}
	*err = r.error;
	return ret;
}

const uint8_t *aael_replay_value(const struct aael_replay *replay, uint32_t reg, uint16_t alg)
{
	int row = aael_alg_row(alg);

	if (reg >= AAEL_REGISTERS_MAX || row < 0)
		return NULL;
	return replay->reg[reg].value[row];
}

bool aael_replay_touched(const struct aael_replay *replay, uint32_t reg, uint16_t alg)
{
	int row = aael_alg_row(alg);

	return reg < AAEL_REGISTERS_MAX && row >= 0 && replay->reg[reg].touched[row];
}
