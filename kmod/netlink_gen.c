// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/aael.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/aael_netlink.h>

/* Global operation policy for aael */
const struct nla_policy aael_nl_policy[AAEL_A_DOMAIN + 1] = {
	[AAEL_A_INDEX] = { .type = NLA_U32, },
	[AAEL_A_MAX_LOG_BYTES] = { .type = NLA_U64, },
	[AAEL_A_DOMAIN] = { .type = NLA_NUL_STRING, .len = 255, },
};

/* Ops table for aael */
const struct genl_small_ops aael_nl_ops[4] = {
	{
		.cmd	= AAEL_CMD_GET_STATUS,
		.doit	= aael_nl_get_status_doit,
	},
	{
		.cmd	= AAEL_CMD_ENABLE,
		.doit	= aael_nl_enable_doit,
	},
	{
		.cmd	= AAEL_CMD_SET_LIMITS,
		.doit	= aael_nl_set_limits_doit,
	},
	{
		.cmd	= AAEL_CMD_RESERVE_DOMAIN,
		.doit	= aael_nl_reserve_domain_doit,
	},
};

static const struct genl_multicast_group aael_nl_mcgrps[] = {
	[AAEL_NLGRP_EVENTS] = { "events", },
};
