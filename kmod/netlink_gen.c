// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/aael.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <linux/aael_netlink.h>

/* Global operation policy for aael */
const struct nla_policy aael_nl_policy[AAEL_A_DOMAIN + 1] = {
	[AAEL_A_INDEX] = { .type = NLA_U32, },
	[AAEL_A_MAX_LOG_BYTES] = { .type = NLA_U64, },
	[AAEL_A_DOMAIN] = { .type = NLA_NUL_STRING, .len = 255, },
};

/* Ops table for aael */
const struct genl_small_ops aael_nl_ops[4] = {
	{
		.cmd		= AAEL_CMD_GET_STATUS,
		.validate	= GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit		= aael_nl_get_status_doit,
	},
	{
		.cmd		= AAEL_CMD_ENABLE,
		.validate	= GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit		= aael_nl_enable_doit,
	},
	{
		.cmd		= AAEL_CMD_SET_LIMITS,
		.validate	= GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit		= aael_nl_set_limits_doit,
	},
	{
		.cmd		= AAEL_CMD_RESERVE_DOMAIN,
		.validate	= GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit		= aael_nl_reserve_domain_doit,
	},
};

static const struct genl_multicast_group aael_nl_mcgrps[] = {
	[AAEL_NLGRP_EVENTS] = { "events", },
};

struct genl_family aael_nl_family __ro_after_init = {
	.name		= AAEL_FAMILY_NAME,
	.version	= AAEL_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.policy		= aael_nl_policy,
	.maxattr	= AAEL_A_DOMAIN,
	.small_ops	= aael_nl_ops,
	.n_small_ops	= ARRAY_SIZE(aael_nl_ops),
	.mcgrps		= aael_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(aael_nl_mcgrps),
};
