// SPDX-License-Identifier: Apache-2.0
/* libaael behind the daemon's ops. The device is opened for each call, or for a moment's, so that
 * the module may be loaded after us, and we are not in the way of its removal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aaeld.h"
#include "libaael.h"

/* open()'s other errnos mean something else where the device's are expected. */
static int device(int flags)
{
	static struct aaeld_log_limit limit;
	int fd = aael_dev_open(NULL, flags);

	if (fd == -ENOENT || fd == -ENXIO || fd == -ENODEV)
		return -ENXIO;
	if (fd >= 0)
		return fd;
	aaeld_log_limited(&limit, AAELD_WARNING, "%s cannot be opened: %s", AAEL_DEV_PATH,
			  strerror(-fd));
	return -ENOTTY;
}

/* @ret; the log says it if that is no device of ours. */
static int told(int ret)
{
	static struct aaeld_log_limit limit;

	if (ret == -ENOTTY)
		aaeld_log_limited(&limit, AAELD_WARNING, "%s is not the aael device",
				  AAEL_DEV_PATH);
	return ret;
}

static int done(int fd, int ret)
{
	close(fd);
	return told(ret);
}

static int extend(int fd, const struct aaeld_event *event, uint64_t *sequence)
{
	struct aael_event e = {
		.domain = event->domain,
		.domain_size = strlen(event->domain),
		.operation = event->operation,
		.operation_size = strlen(event->operation),
		.content = event->content,
		.content_size = strlen(event->content),
		.index = event->index,
		.flags = AAEL_EXTEND_F_UNPRIVILEGED,
	};
	int ret;

	if (event->once)
		e.flags |= AAEL_EXTEND_F_ONCE;
	ret = aael_dev_extend(fd, &e, sequence, NULL);
	return ret > 0 ? 0 : ret;
}

static int append(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	int fd = device(O_WRONLY);

	(void)kernel;
	return fd < 0 ? fd : done(fd, extend(fd, event, sequence));
}

/*
 * A register in the processor or in memory answers at once, a TPM perhaps not for minutes. While
 * there is a doubt about a register it is read until that is settled.
 */
static bool is_prompt(int fd)
{
	struct aael_info info;

	return !aael_dev_info(fd, &info) && info.health == AAEL_HEALTH_CONSISTENT &&
	       (info.flags & AAEL_INFO_F_SOFT || !strcmp(aael_dev_platform(&info), "tdx"));
}

/* Of the loop's thread only; -1: none is. */
static int kept_open = -1;

static void let_go(void *kernel)
{
	(void)kernel;
	if (kept_open >= 0)
		close(kept_open);
	kept_open = -1;
}

/* Of a log whose register answers at once, or -EAGAIN. */
static int open_prompt(void)
{
	int fd = device(O_WRONLY | O_NONBLOCK);

	return fd < 0 || is_prompt(fd) ? fd : done(fd, -EAGAIN);
}

/* Opening and asking cost more than the append: the device stays open while all goes well. */
static int append_now(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	int ret;

	/* To know it, the kernel takes in what has been logged since somebody asked last. */
	if (event->once)
		return -EAGAIN;
	if (kept_open < 0)
		kept_open = open_prompt();
	if (kept_open < 0)
		return kept_open;
	ret = extend(kept_open, event, sequence);
	if (ret)
		let_go(kernel);
	return told(ret);
}

static int info(void *kernel, struct aael_info *out)
{
	int fd = device(O_RDONLY);

	(void)kernel;
	if (fd < 0)
		return fd;
	return done(fd, aael_dev_info(fd, out));
}

static int snapshot(void *kernel, struct aael_snapshot *out,
		    struct aael_snapshot_register *registers)
{
	int fd = device(O_RDONLY);

	(void)kernel;
	if (fd < 0)
		return fd;
	return done(fd, aael_dev_snapshot(fd, out, registers, AAEL_REGISTERS_MAX));
}

/* The mapping stays when the descriptor is closed. */
static int map_log(void *kernel, size_t size, const uint8_t **log)
{
	int fd = device(O_RDONLY);

	(void)kernel;
	if (fd < 0)
		return fd;
	return done(fd, aael_dev_map_log(fd, size, log));
}

static int enable(void *kernel, uint32_t index, char message[AAELD_MESSAGE_BYTES])
{
	struct aael_nl *nl;
	int ret = aael_nl_open(&nl);

	(void)kernel;
	message[0] = '\0';
	if (ret)
		return ret == -ENOENT ? -ENXIO : ret;
	ret = aael_nl_enable(nl, index);
	snprintf(message, AAELD_MESSAGE_BYTES, "%s", aael_nl_message(nl));
	aael_nl_close(nl);
	return ret;
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
