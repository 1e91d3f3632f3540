// SPDX-License-Identifier: Apache-2.0
/*
 * The folder of an export. The description is the mark: it is renamed into place after the log is
 * on the disk, and removed before the log is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handover.h"

#define DESCRIPTION_MAX_BYTES (1024 * 1024)
#define TEMPORARY ".new"

static int says(char *message, const char *dir, const char *name, int ret)
{
	snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "%.120s%s%s: %s", dir, *name ? "/" : "",
		 name, strerror(-ret));
	return ret;
}

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Whoever may write there could take the log away, or have the next module given other parameters. */
static int open_own_dir(const char *dir, char *message)
{
	int fd = open_dir(dir);
	struct stat st;

	if (fd < 0)
		return says(message, dir, "", fd);
	if (!fstat(fd, &st) && (!st.st_uid || st.st_uid == geteuid()) &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "%.120s: others can write there", dir);
	return -EPERM;
}

/* The folder above may be missing as well, but none above that. */
static int make_dir(const char *dir)
{
	char *above = strdup(dir), *slash;
	size_t size = above ? strlen(above) : 0;
	int ret = above ? 0 : -ENOMEM;

	while (size > 1 && above[size - 1] == '/')
		above[--size] = '\0';
	slash = above ? strrchr(above, '/') : NULL;
	if (!ret && slash && slash != above) {
		*slash = '\0';
		if (mkdir(above, 0755) && errno != EEXIST)
			ret = -errno;
	}
	free(above);
	if (!ret && mkdir(dir, 0700) && errno != EEXIST)
		ret = -errno;
	return ret;
}

static int write_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) ? -errno : 0;
}

/* Whole under its name, or not there. */
static int put_file(int dirfd, const char *name, const void *data, size_t size)
{
	char temporary[64];
	int fd, ret;

	snprintf(temporary, sizeof(temporary), "%s" TEMPORARY, name);
	if (unlinkat(dirfd, temporary, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, size);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(dirfd, temporary, dirfd, name))
		ret = -errno;
	if (!ret && fsync(dirfd))
		ret = -errno;
	if (ret)
		unlinkat(dirfd, temporary, 0);
	return ret;
}

static int put_both(int dirfd, const char *dir, const struct aael_handover *h, const uint8_t *log,
		    char *message)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f;
	int ret;

	if (unlinkat(dirfd, AAEL_HANDOVER_DESCRIPTION, 0) && errno != ENOENT)
		return says(message, dir, AAEL_HANDOVER_DESCRIPTION, -errno);
	ret = put_file(dirfd, AAEL_HANDOVER_LOG, log, h->bytes);
	if (ret)
		return says(message, dir, AAEL_HANDOVER_LOG, ret);
	f = open_memstream(&text, &size);
	if (f)
		aael_handover_print(h, f);
	if (!f || fclose(f))
		ret = -ENOMEM;
	if (!ret)
		ret = put_file(dirfd, AAEL_HANDOVER_DESCRIPTION, text, size);
	free(text);
	return ret ? says(message, dir, AAEL_HANDOVER_DESCRIPTION, ret) : 0;
}

bool aael_handover_exists(const char *dir)
{
	int fd = open_dir(dir);
	bool exists = fd >= 0 && !faccessat(fd, AAEL_HANDOVER_DESCRIPTION, F_OK, 0);

	if (fd >= 0)
		close(fd);
	return exists;
}

int aael_handover_save(const char *dir, const struct aael_handover *h, const uint8_t *log,
		       bool force, char message[AAEL_HANDOVER_MESSAGE_BYTES])
{
	int ret = make_dir(dir), fd;

	if (ret)
		return says(message, dir, "", ret);
	fd = open_own_dir(dir, message);
	if (fd < 0)
		return fd;
	if (!force && !faccessat(fd, AAEL_HANDOVER_DESCRIPTION, F_OK, 0))
		ret = says(message, dir, AAEL_HANDOVER_DESCRIPTION, -EEXIST);
	if (!ret)
		ret = put_both(fd, dir, h, log, message);
	close(fd);
	return ret;
}

/* With a NUL behind it. */
static int get_file(int dirfd, const char *name, size_t max, uint8_t **data, size_t *size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), ret = 0;
	struct stat st;
	uint8_t *buf;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else if ((uintmax_t)st.st_size > max)
		ret = -EFBIG;
	buf = ret ? NULL : malloc((size_t)st.st_size + 1);
	if (!ret && !buf)
		ret = -ENOMEM;
	for (*size = 0; !ret && n > 0 && *size < (size_t)st.st_size; *size += (size_t)n) {
		n = read(fd, buf + *size, (size_t)st.st_size - *size);
		if (n < 0) {
			ret = -errno;
			break;
		}
	}
	close(fd);
	if (!ret)
		buf[*size] = '\0';
	else
		free(buf);
	*data = ret ? NULL : buf;
	return ret;
}

static int get_description(int dirfd, const char *dir, struct aael_handover *h, char *message)
{
	char why[AAEL_HANDOVER_MESSAGE_BYTES];
	uint8_t *text;
	size_t size;
	int ret = get_file(dirfd, AAEL_HANDOVER_DESCRIPTION, DESCRIPTION_MAX_BYTES, &text, &size);

	if (ret)
		return says(message, dir, AAEL_HANDOVER_DESCRIPTION, ret);
	ret = aael_handover_parse(h, (const char *)text, size, why);
	free(text);
	if (ret)
		snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES,
			 "%.80s/" AAEL_HANDOVER_DESCRIPTION ": %.150s", dir, why);
	return ret;
}

int aael_handover_load(const char *dir, struct aael_handover *h, uint8_t **log, size_t *size,
		       char message[AAEL_HANDOVER_MESSAGE_BYTES])
{
	char why[AAEL_HANDOVER_MESSAGE_BYTES];
	int fd = open_own_dir(dir, message), ret;

	*log = NULL;
	if (fd < 0)
		return fd;
	ret = get_description(fd, dir, h, message);
	if (!ret) {
		ret = get_file(fd, AAEL_HANDOVER_LOG, UINT32_MAX, log, size);
		if (ret)
			says(message, dir, AAEL_HANDOVER_LOG, ret);
	}
	close(fd);
	if (ret)
		return ret;
	ret = aael_handover_check(h, *log, *size, why);
	if (!ret)
		return 0;
	snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "%.80s/" AAEL_HANDOVER_LOG ": %.150s", dir,
		 why);
	free(*log);
	*log = NULL;
	return ret;
}

int aael_handover_remove(const char *dir, char message[AAEL_HANDOVER_MESSAGE_BYTES])
{
	static const char *const names[] = { AAEL_HANDOVER_DESCRIPTION, AAEL_HANDOVER_LOG };
	int fd = open_dir(dir), ret = 0;

	if (fd < 0)
		return says(message, dir, "", fd);
	for (size_t i = 0; !ret && i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(fd, names[i], 0) && errno != ENOENT)
			ret = says(message, dir, names[i], -errno);
	if (!ret && fsync(fd))
		ret = says(message, dir, "", -errno);
	close(fd);
	if (!ret && rmdir(dir) && errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY)
		ret = says(message, dir, "", -errno);
	return ret;
}
