// SPDX-License-Identifier: Apache-2.0
/* After which entry did a register hold this value? */
#include <stdlib.h>
#include <string.h>

#include "check.h"

static bool holds(const struct aael_replay *replay, uint32_t reg, const struct aael_value *value)
{
	const uint8_t *have = aael_replay_value(replay, reg, value->alg);

	return have && !memcmp(have, value->value, value->size);
}

int aael_history_find(struct aael_diff_entry *last, enum aael_rule rule, const void *log,
		      size_t size, uint32_t reg, const struct aael_value *value)
{
	unsigned int flags = AAEL_TCG2_F_DETECT;
	struct aael_replay *replay = malloc(sizeof(*replay));
	const struct aael_alg *alg = aael_alg_by_id(value->alg);
	struct aael_filter f = {};
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	int found;

	if (rule == AAEL_RULE_TRUSTEE)
		flags |= AAEL_TCG2_F_ZERO_ENDS;
	memset(last, 0, sizeof(*last));
	if (!replay || !alg || value->size != alg->size || aael_tcg2_open(&r, log, size, flags)) {
		free(replay);
		return 0;
	}
	aael_replay_init(replay, rule);
	found = holds(replay, reg, value);
	while (aael_filter_next(&f, &r, &e) > 0 && !aael_replay_entry(replay, &e)) {
		if (e.reg == reg && holds(replay, reg, value)) {
			last->e = e;
			last->sequence = f.sequence;
			found = 1;
		}
	}
	free(replay);
	return found;
}
