// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/aael. Whatever comes from user space is copied once, into a buffer of
 * bounded size, and what was copied is what is checked, hashed and logged.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "aael.h"
#include "trace.h"

static struct aael_log *the_log;

/* The health as this file has last been told it. */
static int *seen_health(struct file *file)
{
	return (int *)&file->private_data;
}

static int chardev_open(struct inode *inode, struct file *file)
{
	*seen_health(file) = atomic_read(&the_log->health_changes);
	/* pwrite(2) names a place; there is only one, the end: ESPIPE. */
	file->f_mode &= ~FMODE_PWRITE;
	return 0;
}

static ssize_t chardev_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	ssize_t n = aael_store_read_user(&the_log->stream, *pos, buf, len);

	if (n > 0)
		*pos += n;
	return n;
}

static loff_t chardev_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, aael_store_len(&the_log->stream));
}

static __poll_t chardev_poll(struct file *file, poll_table *wait)
{
	__poll_t mask = 0;

	poll_wait(file, &the_log->wait, wait);
	if (file->f_pos < aael_store_len(&the_log->stream))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!aael_log_gate(the_log))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (*seen_health(file) != atomic_read(&the_log->health_changes))
		mask |= EPOLLPRI;
	return mask;
}

/* write(2) never has privilege: the file it is tricked into writing may be ours. */
static int append_line(struct file *file, const u8 *line, size_t len)
{
	struct aael_append req = {
		.index = AAEL_INDEX_DEFAULT,
		.nonblock = file->f_flags & O_NONBLOCK,
	};
	int ret = aael_event_parse_line(line, len, &req.ev);

	if (!ret)
		return aael_log_append(the_log, &req);
	trace_aael_append(0, 0, AAEL_TRACE_REJECTED, ret);
	return ret;
}

/*
 * Append the complete lines of buf[0..have). Returns the bytes they took; an error
 * goes to *err and ends it.
 */
static size_t append_lines(struct file *file, const u8 *buf, size_t have, int *err)
{
	size_t done = 0;
	const u8 *end;

	*err = 0;
	while ((end = memchr(buf + done, '\n', have - done))) {
		if (fatal_signal_pending(current))
			*err = -EINTR;
		else
			*err = append_line(file, buf + done, end - (buf + done));
		if (*err)
			break;
		done = end - buf + 1;
		cond_resched();
	}
	return done;
}

static ssize_t write_lines(struct file *file, u8 *buf, const char __user *user, size_t len)
{
	size_t copied = 0, done = 0, have = 0, used;
	int err = 0;

	while (copied < len && !err) {
		size_t n = min(len - copied, AAEL_LINE_MAX_BYTES - have);

		if (!n)
			return done ? done : -E2BIG;
		if (copy_from_user(buf + have, user + copied, n))
			return done ? done : -EFAULT;
		copied += n;
		have += n;
		used = append_lines(file, buf, have, &err);
		done += used;
		have -= used;
		memmove(buf, buf + used, have);
	}
	if (done)
		return done;
	if (!err)
		err = have == AAEL_LINE_MAX_BYTES ? -E2BIG : -EINVAL;
	return err;
}

static ssize_t chardev_write(struct file *file, const char __user *user, size_t len, loff_t *pos)
{
	ssize_t ret;
	u8 *buf;

	if (!len)
		return 0;
	buf = kvmalloc(min_t(size_t, len, AAEL_LINE_MAX_BYTES), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	ret = write_lines(file, buf, user, len);
	kvfree(buf);
	return ret;
}

static long chardev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	int seen = atomic_read(&the_log->health_changes);
	long ret = aael_ioctl(the_log, file, cmd, arg);

	if (!ret && _IOC_NR(cmd) == _IOC_NR(AAEL_IOC_INFO))
		*seen_health(file) = seen;
	return ret;
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	return aael_mmap(the_log, vma);
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.read = chardev_read,
	.write = chardev_write,
	.llseek = chardev_llseek,
	.poll = chardev_poll,
	.mmap = chardev_mmap,
	.unlocked_ioctl = chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice chardev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "aael",
	.fops = &chardev_fops,
};

/**
 * aael_chardev_init - make /dev/aael
 * @log: the log behind it
 *
 * Return: 0 or a negative errno.
 */
int aael_chardev_init(struct aael_log *log)
{
	the_log = log;
	return misc_register(&chardev);
}

/**
 * aael_chardev_exit - remove /dev/aael
 */
void aael_chardev_exit(void)
{
	misc_deregister(&chardev);
}
