// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers in memory, for trying things out. They prove nothing: no quote covers
 * them. Only by name, and loud about it.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aael.h"

struct soft {
	struct aael_bank banks[2];
	aael_values_t regs[AAEL_REGISTERS_MAX];
};

static const u16 soft_algs[] = { 0x000b, 0x000c };

static void soft_unbind(void *dev)
{
	struct soft *s = dev;

	for (size_t i = 0; i < ARRAY_SIZE(s->banks); i++)
		aael_bank_destroy(&s->banks[i]);
	kfree(s);
}

static int soft_bind(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned)
{
	struct soft *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int ret = 0;

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(soft_algs); i++) {
		algs[i] = soft_algs[i];
		ret = aael_bank_init(&s->banks[i], soft_algs[i]);
	}
	if (ret) {
		soft_unbind(s);
		return ret;
	}
	*alg_count = ARRAY_SIZE(soft_algs);
	*reg_count = AAEL_REGISTERS_MAX;
	*dev = s;
	return 0;
}

static enum aael_outcome soft_extend(void *dev, u32 reg, const aael_values_t digests, int *err)
{
	struct soft *s = dev;

	for (size_t i = 0; i < ARRAY_SIZE(s->banks); i++) {
		*err = aael_bank_extend(&s->banks[i], s->regs[reg][i], digests[i]);
		if (*err)
			return i ? AAEL_UNKNOWN : AAEL_NOT_APPLIED;
	}
	return AAEL_APPLIED;
}

static int soft_read(void *dev, u32 reg, aael_values_t values)
{
	struct soft *s = dev;

	memcpy(values, s->regs[reg], sizeof(s->regs[reg]));
	return 0;
}

const struct aael_provider aael_register_soft = {
	.name = "soft",
	.platform = "none",
	.register_name = "register",
	.flags = AAEL_INFO_F_SOFT,
	.in_caller = true,
	.bind = soft_bind,
	.unbind = soft_unbind,
	.map = aael_register_map_pcr,
	.extend = soft_extend,
	.read = soft_read,
};
