// SPDX-License-Identifier: Apache-2.0
/* Where a log comes from. Files are read once and whole: a live one grows. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

/* 1 GiB of our own entries, and a boot log. */
#define LOG_MAX_BYTES ((size_t)1088 * 1024 * 1024)

/* securityfs tells no size. */
#define STATUS_MAX_BYTES 65536
#define SECURITYFS_LOG AAEL_SECURITYFS_PATH "/binary_runtime_measurements"

static int read_fd(int fd, size_t max, uint8_t **data, size_t *size)
{
	size_t room = 65536, used = 0;
	uint8_t *buf = malloc(room), *more;
	ssize_t n = buf ? 1 : -1;

	while (n > 0 && used <= max) {
		if (used == room) {
			more = realloc(buf, room *= 2);
			if (!more) {
				n = -1;
				break;
			}
			buf = more;
		}
		do
			n = read(fd, buf + used, room - used);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			used += (size_t)n;
	}
	if (n < 0 || used > max) {
		int err = n < 0 ? errno : EFBIG;

		free(buf);
		return -err;
	}
	*data = buf;
	*size = used;
	return 0;
}

int ctl_read_file(const struct ctl_verb *verb, const char *path, size_t max, uint8_t **data,
		  size_t *size)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : read_fd(fd, max, data, size);

	if (fd >= 0 && !standard)
		close(fd);
	if (!ret)
		return 0;
	if (ret == -EFBIG)
		ctl_error(verb, "%s: more than %zu bytes", standard ? "standard input" : path, max);
	else
		ctl_error(verb, "%s: %s", standard ? "standard input" : path, strerror(-ret));
	return -1;
}

int ctl_read_status(const struct ctl_verb *verb, uint8_t **text, size_t *size)
{
	return ctl_read_file(verb, CTL_STATUS_PATH, STATUS_MAX_BYTES, text, size);
}

int ctl_read_line(const char *path, char *line, size_t room)
{
	FILE *f = fopen(path, "re");
	int ret = f ? 0 : -errno;

	if (f && !fgets(line, (int)room, f))
		ret = -EIO;
	if (f)
		fclose(f);
	if (!ret)
		line[strcspn(line, "\n")] = '\0';
	return ret;
}

int ctl_open(const struct ctl_verb *verb, int open_flags)
{
	int fd = aael_dev_open(NULL, open_flags);

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT || fd == -ENXIO || fd == -ENODEV)
		ctl_error(verb, "%s does not exist: is the module aael loaded?", AAEL_DEV_PATH);
	else
		ctl_error(verb, "%s: %s", AAEL_DEV_PATH, strerror(-fd));
	return -1;
}

int ctl_info(const struct ctl_verb *verb, struct aael_info *info)
{
	int fd = ctl_open(verb, O_RDONLY), ret;

	if (fd < 0)
		return CTL_UNREADABLE;
	ret = aael_dev_info(fd, info);
	close(fd);
	if (!ret)
		return CTL_OK;
	ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
	return CTL_UNREADABLE;
}

int ctl_read_log(const struct ctl_verb *verb, const char *path, uint8_t **data, size_t *size)
{
	int fd, ret;

	if (path)
		return ctl_read_file(verb, path, LOG_MAX_BYTES, data, size);
	if (access(AAEL_DEV_PATH, R_OK) && !access(SECURITYFS_LOG, R_OK))
		return ctl_read_file(verb, SECURITYFS_LOG, LOG_MAX_BYTES, data, size);
	fd = ctl_open(verb, O_RDONLY);
	if (fd < 0)
		return -1;
	ret = aael_dev_read_log(fd, data, size);
	close(fd);
	if (!ret)
		return 0;
	ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
	return -1;
}

void ctl_malformed(const struct ctl_verb *verb, const struct aael_tcg2_error *err, int ret)
{
	if (err->reason)
		ctl_error(verb, "the log is malformed at byte %zu: %s", err->offset, err->reason);
	else
		ctl_error(verb, "%s", strerror(-ret));
}
