/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/aael.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _UAPI_LINUX_AAEL_NETLINK_H
#define _UAPI_LINUX_AAEL_NETLINK_H

#define AAEL_FAMILY_NAME	"aael"
#define AAEL_FAMILY_VERSION	1

enum {
	AAEL_A_STATE = 1,
	AAEL_A_HEALTH,
	AAEL_A_INDEX,
	AAEL_A_REGISTER,
	AAEL_A_PROVIDER,
	AAEL_A_COUNT,
	AAEL_A_BYTES,
	AAEL_A_MAX_LOG_BYTES,
	AAEL_A_VIOLATIONS,
	AAEL_A_DROPPED,
	AAEL_A_DOMAIN,
	AAEL_A_SEQUENCE,
	AAEL_A_OFFSET,

	__AAEL_A_MAX,
	AAEL_A_MAX = (__AAEL_A_MAX - 1)
};

enum {
	AAEL_CMD_GET_STATUS = 1,
	AAEL_CMD_ENABLE,
	AAEL_CMD_SET_LIMITS,
	AAEL_CMD_RESERVE_DOMAIN,
	AAEL_CMD_EVENT,

	__AAEL_CMD_MAX,
	AAEL_CMD_MAX = (__AAEL_CMD_MAX - 1)
};

#define AAEL_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_AAEL_NETLINK_H */
