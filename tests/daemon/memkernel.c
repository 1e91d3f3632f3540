// SPDX-License-Identifier: Apache-2.0
/*
 * Stands for helper/aaeld/kernel.c: a log that is a number in memory, so that the daemon, for
 * the rest as it is, answers on a machine without the module all that it ever answers.
 *
 *	AAEL_MEMKERNEL=enabled,soft	state and provider; absent: no module
 *
 * An event of the domain "errno" fails with the errno that its operation is; one of the domain
 * "wait" takes as many milliseconds as its operation is.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aaeld.h"
#include "libaael.h"

#define HEADER_BYTES 65
#define LOG_MAX_BYTES (1024 * 1024)

static atomic_uint_least64_t count;
static atomic_bool enabled_by_us;

static uint32_t state(void)
{
	const char *text = getenv("AAEL_MEMKERNEL");
	size_t size = text ? strcspn(text, ",") : 0;

	if (enabled_by_us)
		return AAEL_STATE_ENABLED;
	for (uint32_t s = AAEL_STATE_UNSUPPORTED; s <= AAEL_STATE_SEALED; s++) {
		const char *name = aael_dev_state_name(s);

		if (strlen(name) == size && !memcmp(name, text, size))
			return s;
	}
	return UINT32_MAX;
}

static const char *provider(void)
{
	const char *text = getenv("AAEL_MEMKERNEL");
	const char *comma = text ? strchr(text, ',') : NULL;

	return comma ? comma + 1 : "";
}

static int append(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	uint32_t s = state();

	(void)kernel;
	*sequence = count + 1;
	if (s == UINT32_MAX)
		return -ENXIO;
	if (s != AAEL_STATE_ENABLED)
		return s == AAEL_STATE_UNSUPPORTED ? -EOPNOTSUPP
		       : s == AAEL_STATE_DISABLED  ? -ENOTCONN
						   : -ESHUTDOWN;
	if (!strcmp(event->domain, "errno"))
		return -atoi(event->operation);
	if (!strcmp(event->domain, "wait"))
		usleep(1000 * (useconds_t)atoi(event->operation));
	*sequence = ++count;
	return 0;
}

static int append_now(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	return strcmp(event->domain, "wait") ? append(kernel, event, sequence) : -EAGAIN;
}

static void let_go(void *kernel)
{
	(void)kernel;
}

static int info(void *kernel, struct aael_info *info)
{
	uint32_t s = state();

	(void)kernel;
	memset(info, 0, sizeof(*info));
	if (s == UINT32_MAX)
		return -ENXIO;
	info->state = s;
	info->count = count;
	info->bytes = HEADER_BYTES;
	info->max_log_bytes = LOG_MAX_BYTES;
	strncpy(info->provider, provider(), sizeof(info->provider) - 1);
	if (!strcmp(info->provider, "soft"))
		info->flags = AAEL_INFO_F_SOFT;
	if (s == AAEL_STATE_UNSUPPORTED)
		return 0;
	info->index = 17;
	info->reg = 14;
	info->alg_count = 1;
	info->algs[0] = AAEL_ALG_SHA256;
	return 0;
}

static int snapshot(void *kernel, struct aael_snapshot *snapshot,
		    struct aael_snapshot_register *registers)
{
	(void)kernel;
	(void)registers;
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->count = count;
	snapshot->bytes = HEADER_BYTES;
	return state() == UINT32_MAX ? -ENXIO : state() < AAEL_STATE_ENABLED ? -ENOTCONN : 0;
}

static int map_log(void *kernel, size_t size, const uint8_t **log)
{
	(void)kernel;
	*log = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return *log == MAP_FAILED ? -ENOMEM : 0;
}

static int enable(void *kernel, uint32_t index, char message[AAELD_MESSAGE_BYTES])
{
	(void)kernel;
	(void)index;
	message[0] = '\0';
	if (state() != AAEL_STATE_DISABLED)
		return -EOPNOTSUPP;
	enabled_by_us = true;
	return 0;
}

const struct aaeld_kernel_ops aaeld_kernel_ops = {
	.append = append,
	.append_now = append_now,
	.let_go = let_go,
	.info = info,
	.snapshot = snapshot,
	.map_log = map_log,
	.enable = enable,
};
