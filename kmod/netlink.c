// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family of Documentation/netlink/specs/aael.yaml.
 *
 * Commands may come from any network namespace and need CAP_SYS_ADMIN in the
 * initial user namespace. A group's own capability flag does not hold against a
 * user with namespaces of his own, so notifications go to the initial network
 * namespace only and never carry an event's text.
 */
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/string.h>

#include "aael.h"
#include "netlink_gen.h"

static const struct genl_multicast_group groups[] = {
	[AAEL_NLGRP_EVENTS] = { .name = AAEL_MCGRP_EVENTS },
};

static struct genl_family family __ro_after_init = {
	.name = AAEL_FAMILY_NAME,
	.version = AAEL_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.policy = aael_nl_policy,
	.maxattr = ARRAY_SIZE(aael_nl_policy) - 1,
	.small_ops = aael_nl_ops,
	.n_small_ops = ARRAY_SIZE(aael_nl_ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

static struct aael_log *the_log;
static atomic64_t dropped;

static int permit(struct sk_buff *skb, struct genl_info *info)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	GENL_SET_ERR_MSG(info, "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

/* why is static text: the message outlives this call. */
static int refuse(struct genl_info *info, const char *why, int err)
{
	if (info->extack)
		info->extack->_msg = why;
	return err;
}

static int put_status(struct sk_buff *reply, const struct aael_info *info)
{
	u64 drops = aael_netlink_dropped();

	if (nla_put_u32(reply, AAEL_A_STATE, info->state) ||
	    nla_put_u32(reply, AAEL_A_HEALTH, info->health) ||
	    nla_put_u32(reply, AAEL_A_INDEX, info->index) ||
	    nla_put_u32(reply, AAEL_A_REGISTER, info->reg) ||
	    nla_put_string(reply, AAEL_A_PROVIDER, info->provider) ||
	    nla_put(reply, AAEL_A_COUNT, sizeof(u64), &info->count) ||
	    nla_put(reply, AAEL_A_BYTES, sizeof(u64), &info->bytes) ||
	    nla_put(reply, AAEL_A_MAX_LOG_BYTES, sizeof(u64), &info->max_log_bytes) ||
	    nla_put(reply, AAEL_A_VIOLATIONS, sizeof(u64), &info->violations) ||
	    nla_put(reply, AAEL_A_DROPPED, sizeof(u64), &drops))
		return -EMSGSIZE;
	return 0;
}

int aael_nl_get_status_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct aael_info status = {};
	struct sk_buff *reply;
	void *header;
	int ret = permit(skb, info);

	if (ret)
		return ret;
	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &family, 0, AAEL_CMD_GET_STATUS);
	aael_query_info(the_log, &status);
	if (!header || put_status(reply, &status)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/*
 * Enabling again what is enabled changes nothing, so it needs no capability: a
 * daemon that has given its own up may say what it wants at every start.
 */
int aael_nl_enable_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[AAEL_A_INDEX];
	u32 index = attr ? nla_get_u32(attr) : the_log->init_index;
	const char *why = NULL;
	int ret;

	if (!aael_log_gate(the_log) && the_log->index == index)
		return 0;
	ret = permit(skb, info);
	if (ret)
		return ret;
	ret = aael_log_enable(the_log, index, &why);
	return ret ? refuse(info, why, ret) : 0;
}

int aael_nl_set_limits_doit(struct sk_buff *skb, struct genl_info *info)
{
	int ret = permit(skb, info);

	if (ret)
		return ret;
	if (!info->attrs[AAEL_A_MAX_LOG_BYTES])
		return refuse(info, "max-log-bytes is missing", -EINVAL);
	ret = aael_log_set_max(the_log, nla_get_u64(info->attrs[AAEL_A_MAX_LOG_BYTES]));
	return ret ? refuse(info, "max-log-bytes can only grow, up to 1 GiB", ret) : 0;
}

int aael_nl_reserve_domain_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[AAEL_A_DOMAIN];
	int ret = permit(skb, info);

	if (ret)
		return ret;
	if (!attr)
		return refuse(info, "domain is missing", -EINVAL);
	ret = aael_policy_reserve(&the_log->policy, nla_data(attr), strlen(nla_data(attr)));
	if (ret == -ENOSPC)
		return refuse(info, "the table of reserved domains is full", ret);
	if (ret)
		return refuse(info,
			      "domain: 1 to 255 bytes of printable ASCII without space, no slash at the end",
			      ret);
	return 0;
}

/**
 * aael_netlink_dropped - notifications that could not be sent
 */
u64 aael_netlink_dropped(void)
{
	return atomic64_read(&dropped);
}

static int put_event(struct sk_buff *msg, u64 sequence, u64 offset, u64 bytes, u32 reg,
		     u32 health)
{
	return nla_put(msg, AAEL_A_SEQUENCE, sizeof(u64), &sequence) ||
	       nla_put(msg, AAEL_A_OFFSET, sizeof(u64), &offset) ||
	       nla_put_u32(msg, AAEL_A_REGISTER, reg) ||
	       nla_put(msg, AAEL_A_BYTES, sizeof(u64), &bytes) ||
	       nla_put_u32(msg, AAEL_A_HEALTH, health);
}

/**
 * aael_netlink_notify - tell the group "events"; never waits, may drop
 * @sequence: number of the entry, or 0 for a change of health
 * @offset: where it begins in the stream
 * @bytes: length of the stream
 * @reg: its register
 * @health: health of the log
 */
void aael_netlink_notify(u64 sequence, u64 offset, u64 bytes, u32 reg, enum aael_health health)
{
	struct sk_buff *msg;
	void *header;

	/* Without a family (in the tests, and during init) there is no group. */
	if (!the_log || !genl_has_listeners(&family, &init_net, AAEL_NLGRP_EVENTS))
		return;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL | __GFP_NOWARN);
	if (!msg) {
		atomic64_inc(&dropped);
		return;
	}
	header = genlmsg_put(msg, 0, 0, &family, 0, AAEL_CMD_EVENT);
	if (!header || put_event(msg, sequence, offset, bytes, reg, health)) {
		nlmsg_free(msg);
		atomic64_inc(&dropped);
		return;
	}
	genlmsg_end(msg, header);
	if (genlmsg_multicast_netns(&family, &init_net, msg, 0, AAEL_NLGRP_EVENTS,
				    GFP_KERNEL) == -ENOBUFS)
		atomic64_inc(&dropped);
}

/**
 * aael_netlink_init - register the family
 * @log: the log behind it
 *
 * Return: 0 or a negative errno.
 */
int aael_netlink_init(struct aael_log *log)
{
	int ret;

	the_log = log;
	ret = genl_register_family(&family);
	if (ret)
		the_log = NULL;
	return ret;
}

/**
 * aael_netlink_exit - unregister the family
 */
void aael_netlink_exit(void)
{
	genl_unregister_family(&family);
	the_log = NULL;
}
