// SPDX-License-Identifier: Apache-2.0
/* /dev/aael: every struct goes out zeroed but for what the call is about. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libaael.h"

#define READ_STEP_BYTES (256 * 1024)

int aael_dev_open(const char *path, int open_flags)
{
	int fd = open(path ? path : AAEL_DEV_PATH, open_flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int aael_dev_extend(int fd, const struct aael_event *event, uint64_t *sequence, uint32_t *reg)
{
	struct aael_extend x = {
		.size = sizeof(x),
		.flags = event->flags,
		.index = event->index,
		.domain = address(event->domain),
		.operation = address(event->operation),
		.content = address(event->content),
	};
	int ret;

	if (event->domain_size > UINT32_MAX || event->operation_size > UINT32_MAX ||
	    event->content_size > UINT32_MAX)
		return -E2BIG;
	x.domain_len = (uint32_t)event->domain_size;
	x.operation_len = (uint32_t)event->operation_size;
	x.content_len = (uint32_t)event->content_size;
	ret = call(fd, AAEL_IOC_EXTEND, &x);
	if (sequence)
		*sequence = x.sequence;
	if (reg)
		*reg = x.reg;
	return ret ? ret : x.duplicate == 1;
}

int aael_dev_info(int fd, struct aael_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(fd, AAEL_IOC_INFO, info);
}

int aael_dev_snapshot(int fd, struct aael_snapshot *snapshot,
		      struct aael_snapshot_register *registers, uint32_t room)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->size = sizeof(*snapshot);
	snapshot->reg_size = sizeof(*registers);
	snapshot->reg_room = room;
	snapshot->registers = address(registers);
	return call(fd, AAEL_IOC_SNAPSHOT, snapshot);
}

int aael_dev_verify(int fd, uint32_t index, struct aael_verify *verify)
{
	memset(verify, 0, sizeof(*verify));
	verify->size = sizeof(*verify);
	verify->index = index;
	return call(fd, AAEL_IOC_VERIFY, verify);
}

int aael_dev_seal(int fd, uint32_t step, uint64_t *count, uint64_t *bytes)
{
	struct aael_seal seal = { .size = sizeof(seal), .step = step };
	int ret;

	if (step == AAEL_SEAL_RELEASE)
		seal.bytes = *bytes;
	ret = call(fd, AAEL_IOC_SEAL, &seal);
	*count = seal.count;
	*bytes = seal.bytes;
	return ret;
}

int aael_dev_import(int fd, uint32_t flags, uint32_t index, const void *entries, size_t size,
		    struct aael_import *result)
{
	memset(result, 0, sizeof(*result));
	result->size = sizeof(*result);
	result->flags = flags;
	result->index = index;
	result->entries = address(entries);
	result->bytes = size;
	return call(fd, AAEL_IOC_IMPORT, result);
}

int aael_dev_read_log(int fd, uint8_t **log, size_t *size)
{
	size_t room = 0, used = 0;
	uint8_t *data = NULL, *more;
	ssize_t n;

	do {
		if (room - used < READ_STEP_BYTES) {
			room = room ? 2 * room : READ_STEP_BYTES;
			more = realloc(data, room);
			if (!more) {
				free(data);
				return -ENOMEM;
			}
			data = more;
		}
		n = pread(fd, data + used, room - used, (off_t)used);
		if (n < 0 && errno != EINTR) {
			int err = errno;

			free(data);
			return -err;
		}
		if (n > 0)
			used += (size_t)n;
	} while (n != 0);
	*log = data;
	*size = used;
	return 0;
}

int aael_dev_map_log(int fd, size_t size, const uint8_t **log)
{
	void *at = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*log = at;
	return 0;
}

void aael_dev_unmap_log(const uint8_t *log, size_t size)
{
	if (log)
		munmap((void *)log, size);
}

/* The errnos of uapi/linux/aael.h, in its order. */
static const struct {
	int err;
	const char *words;
} words[] = {
	{ EINVAL, "a field is missing or holds a byte that is not allowed, or there is no such "
		  "index for anybody" },
	{ E2BIG, "a field is too long" },
	{ EFAULT, "the event's memory could not be read" },
	{ EILSEQ, "the content is not well-formed UTF-8" },
	{ EOPNOTSUPP, "this platform has no register for runtime measurements" },
	{ ENOTCONN, "the log is not enabled (aaelctl enable)" },
	{ ESHUTDOWN, "the log is sealed" },
	{ EACCES, "the domain is reserved for CAP_SYS_ADMIN" },
	{ EPERM, "the register index is reserved for CAP_SYS_ADMIN" },
	{ EEXIST, "this domain and operation is logged with other content" },
	{ ENOSPC, "the log is full" },
	{ EDQUOT, "what is left of the log is kept for CAP_SYS_ADMIN" },
	{ ENOMEM, "no memory" },
	{ EBUSY, "the system is being suspended" },
	{ EAGAIN, "another event is being measured" },
	{ EINTR, "killed while waiting for the turn" },
	{ ENODEV, "the device that holds the register is gone" },
	{ EIO, "nothing was logged; aaelctl status shows the log's health" },
	{ ETIMEDOUT, "undecided: the register may have been extended, or cannot be read" },
	{ ENOENT, "there is no such file; is the module aael loaded?" },
	{ ENXIO, "there is no such device; is the module aael loaded?" },
	{ ENOTTY, "that is not the aael device" },
	{ EBADF, "the device is not open for writing" },
};

const char *aael_dev_strerror(int err)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].err == err)
			return words[i].words;
	return strerror(err);
}

const char *aael_dev_platform(const struct aael_info *info)
{
	static const struct {
		const char *provider, *platform;
	} rows[] = { { "tsm-mr", "tdx" }, { "tdcall", "tdx" }, { "tpm", "tpm" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strncmp(info->provider, rows[i].provider, sizeof(info->provider)))
			return rows[i].platform;
	return "none";
}

const char *aael_dev_state_name(uint32_t state)
{
	static const char *const names[] = {
		[AAEL_STATE_UNSUPPORTED] = "unsupported",
		[AAEL_STATE_DISABLED] = "disabled",
		[AAEL_STATE_ENABLED] = "enabled",
		[AAEL_STATE_SEALED] = "sealed",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state]
							: "not known to this program";
}

const char *aael_dev_health_name(uint32_t health)
{
	static const char *const names[] = {
		[AAEL_HEALTH_CONSISTENT] = "consistent",
		[AAEL_HEALTH_UNEXPLAINED_BASE] = "unexplained-base",
		[AAEL_HEALTH_UNKNOWN] = "unknown",
		[AAEL_HEALTH_DIVERGED] = "diverged",
		[AAEL_HEALTH_GONE] = "gone",
	};

	return health < sizeof(names) / sizeof(names[0]) ? names[health]
							 : "not known to this program";
}
