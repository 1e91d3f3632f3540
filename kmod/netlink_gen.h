/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/aael.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_AAEL_GEN_H
#define _LINUX_AAEL_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/aael_netlink.h>

/* Global operation policy for aael */
extern const struct nla_policy aael_nl_policy[AAEL_A_DOMAIN + 1];

/* Ops table for aael */
extern const struct genl_small_ops aael_nl_ops[4];

int aael_nl_get_status_doit(struct sk_buff *skb, struct genl_info *info);
int aael_nl_enable_doit(struct sk_buff *skb, struct genl_info *info);
int aael_nl_set_limits_doit(struct sk_buff *skb, struct genl_info *info);
int aael_nl_reserve_domain_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	AAEL_NLGRP_EVENTS,
};

#endif /* _LINUX_AAEL_GEN_H */
