/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every limit of the module that is not part of the UAPI, units in the names.
 */
#ifndef _AAEL_LIMITS_H
#define _AAEL_LIMITS_H

#include <linux/sizes.h>
#include <linux/aael.h>

/* Bytes of our entries; a boot log does not count. */
#define AAEL_LOG_DEFAULT_BYTES		SZ_1M
#define AAEL_LOG_MIN_BYTES		SZ_128K
#define AAEL_LOG_MAX_BYTES		SZ_1G
/* The end of it that only CAP_SYS_ADMIN may fill. */
#define AAEL_HEADROOM_BYTES		SZ_64K
/*
 * A stock KBS takes requests of 2 MiB, in which a log is in base64 and not alone: from here on it
 * is time to say so.
 */
#define AAEL_LOG_LARGE_BYTES		(SZ_1M + SZ_256K)
/* A boot log beyond this is not taken. */
#define AAEL_BOOT_LOG_MAX_BYTES		SZ_16M

/* One line of write(2): the text and its newline. */
#define AAEL_LINE_MAX_BYTES		(AAEL_TEXT_MAX_BYTES + 1)

/* Tag and length in front of the text. */
#define AAEL_EVENT_HEADER_BYTES		8

/* Reserved domains: those of the module parameter and what is added at run time. */
#define AAEL_RESERVED_MAX		32

/* An extend slower than this is confirmed before it is acknowledged. */
#define AAEL_SLOW_EXTEND_MS		500
/* The last append is confirmed at most this much later. */
#define AAEL_CONFIRM_DELAY_MS		900
/* Reads of a register until two agree; the pauses in front of them. */
#define AAEL_READ_TRIES			5
#define AAEL_READ_PAUSES_MS		{ 0, 150, 500, 1000, 1500 }
/* Reads until one that no reported extend overlaps. */
#define AAEL_QUIET_TRIES		32
/* A device that is busy is asked again so often, and with pauses of so much. */
#define AAEL_BUSY_TRIES			200
#define AAEL_BUSY_PAUSE_US		5000
/* VERIFY for the unprivileged reads the device at most this often. */
#define AAEL_VERIFY_CACHE_MS		1000

/* Every so many entries the index notes an offset. */
#define AAEL_INDEX_STRIDE		64

#endif /* _AAEL_LIMITS_H */
