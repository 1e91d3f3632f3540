// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may log what, and how much. Reservations are only ever added.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "aael.h"

/**
 * aael_policy_init - nothing reserved
 * @p: the policy
 */
void aael_policy_init(struct aael_policy *p)
{
	spin_lock_init(&p->lock);
	p->count = 0;
}

/* A reservation covers the domain itself and everything below "domain/". */
static bool covers(const char *reserved, const u8 *domain, size_t len)
{
	size_t n = strlen(reserved);

	return len >= n && !memcmp(reserved, domain, n) && (len == n || domain[n] == '/');
}

/**
 * aael_policy_reserve - reserve a domain for CAP_SYS_ADMIN
 * @p: the policy
 * @domain: bytes
 * @len: number of them
 *
 * Return: 0 (also if it was reserved before), -EINVAL or -E2BIG for a malformed
 * domain or one that ends in a slash, -ENOSPC if the table is full.
 */
int aael_policy_reserve(struct aael_policy *p, const char *domain, size_t len)
{
	int ret = aael_event_check_domain((const u8 *)domain, len);

	if (!ret && domain[len - 1] == '/')	/* it would cover next to nothing */
		ret = -EINVAL;
	if (ret)
		return ret;
	if (aael_policy_is_reserved(p, (const u8 *)domain, len))
		return 0;
	spin_lock(&p->lock);
	if (p->count < AAEL_RESERVED_MAX) {
		memcpy(p->domains[p->count], domain, len);
		p->domains[p->count++][len] = '\0';
	} else {
		ret = -ENOSPC;
	}
	spin_unlock(&p->lock);
	return ret;
}

/**
 * aael_policy_reserve_list - reserve what a module parameter names
 * @p: the policy
 * @list: domains between commas
 *
 * Return: as aael_policy_reserve(), of the first that fails.
 */
int aael_policy_reserve_list(struct aael_policy *p, const char *list)
{
	int ret = 0;

	while (!ret && *list) {
		size_t n = strcspn(list, ",");

		ret = aael_policy_reserve(p, list, n);
		list += n + (list[n] == ',');
	}
	return ret;
}

/**
 * aael_policy_is_reserved - does a domain need privilege
 * @p: the policy
 * @domain: bytes
 * @len: number of them
 */
bool aael_policy_is_reserved(struct aael_policy *p, const u8 *domain, size_t len)
{
	bool found = false;

	spin_lock(&p->lock);
	for (unsigned int i = 0; !found && i < p->count; i++)
		found = covers(p->domains[i], domain, len);
	spin_unlock(&p->lock);
	return found;
}

/**
 * aael_policy_room - is there room for an entry
 * @used: bytes of our entries
 * @max: limit
 * @need: bytes of the entry
 * @privileged: may use the headroom
 *
 * Return: 0, -ENOSPC if it does not fit at all, -EDQUOT if only the headroom is left.
 */
int aael_policy_room(u64 used, u64 max, size_t need, bool privileged)
{
	if (used + need > max)
		return -ENOSPC;
	if (!privileged && used + need > max - AAEL_HEADROOM_BYTES)
		return -EDQUOT;
	return 0;
}

/**
 * aael_policy_privileged - CAP_SYS_ADMIN in the initial user namespace
 * @file: the file the request came through, or NULL for a request without privilege
 *
 * Both the caller and whoever opened the file must have it: neither a set-user-id
 * program tricked into writing nor a descriptor handed down gives privilege.
 */
bool aael_policy_privileged(const struct file *file)
{
	return file && file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) &&
	       ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/**
 * aael_policy_show - a status line for each reservation
 * @p: the policy
 * @m: where to
 */
void aael_policy_show(struct aael_policy *p, struct seq_file *m)
{
	spin_lock(&p->lock);
	for (unsigned int i = 0; i < p->count; i++)
		seq_printf(m, "reserved_domain: %s\n", p->domains[i]);
	spin_unlock(&p->lock);
}
