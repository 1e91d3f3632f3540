// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measurement registers that the kernel's tsm-mr shows in sysfs (6.16 and later).
 *
 * They are extended and read through those files: tsm-mr caches values, and only a
 * write through it drops the cache, and it keeps other writers out. The files are opened
 * on a mount of our own, so no process's root or mount namespace can lead elsewhere; the
 * worker has the kernel's credentials and gets no signals.
 *
 * The tracepoint tsm_mr_write tells every extend, of whomever, under the lock of the
 * write itself: the order of its calls is the register's order, and a call means that
 * the register has been extended, whatever the write returns.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/tsm-mr.h>

#include "aael.h"

#define MAX_REGISTERS	4
#define MAX_PATH	96

/*
 * One line for each kind of device: misc device; pattern of a register's name; hash,
 * as in the file's name; its TCG id and size; number of registers, which the log counts
 * from 1; and what an index means.
 */
static const struct tsm_row {
	const char *device;
	const char *pattern;
	const char *hash;
	u16 alg;
	u16 size;
	u32 count;
} rows[] = {
	{ "tdx_guest", "rtmr%u", "sha384", AAEL_ALG_SHA384, 48, 4 },
};

struct tsm {
	const struct tsm_row *row;
	struct vfsmount *sysfs;
	struct file *files[MAX_REGISTERS];
	char names[MAX_REGISTERS][16];
	struct aael_follow *follow;
};

static struct tracepoint *write_tracepoint;

static void find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "tsm_mr_write"))
		write_tracepoint = tp;
}

/**
 * aael_register_tsm_possible - has this kernel got tsm-mr, whether a device is there or not
 */
bool aael_register_tsm_possible(void)
{
	if (!write_tracepoint)
		for_each_kernel_tracepoint(find_tracepoint, NULL);
	return write_tracepoint;
}

static void close_files(struct tsm *t)
{
	for (u32 i = 0; i < MAX_REGISTERS; i++) {
		if (t->files[i])
			filp_close(t->files[i], NULL);
		t->files[i] = NULL;
	}
}

static int open_files(struct tsm *t)
{
	struct path root = { .mnt = t->sysfs, .dentry = t->sysfs->mnt_root };
	const struct tsm_row *row = t->row;
	char path[MAX_PATH];
	struct file *file;

	close_files(t);
	for (u32 i = 0; i < row->count; i++) {
		snprintf(path, sizeof(path), "devices/virtual/misc/%s/measurements/%s:%s",
			 row->device, t->names[i], row->hash);
		file = file_open_root(&root, path, O_RDWR, 0);
		if (IS_ERR(file)) {
			close_files(t);
			return PTR_ERR(file) == -ENOMEM ? -ENOMEM : -ENODEV;
		}
		t->files[i] = file;
	}
	return 0;
}

static int mount_sysfs(struct tsm *t)
{
	struct file_system_type *type = get_fs_type("sysfs");
	struct vfsmount *mount;

	if (!type)
		return -ENODEV;
	mount = kern_mount(type);
	module_put(type->owner);
	if (IS_ERR(mount))
		return PTR_ERR(mount);
	t->sysfs = mount;
	return 0;
}

static void tsm_unbind(void *dev)
{
	struct tsm *t = dev;

	close_files(t);
	if (t->sysfs)
		kern_unmount(t->sysfs);
	kfree(t);
}

static int try_row(struct tsm *t, const struct tsm_row *row)
{
	t->row = row;
	for (u32 i = 0; i < row->count; i++)
		snprintf(t->names[i], sizeof(t->names[i]), row->pattern, i);
	return open_files(t);
}

/* In a TD with tsm-mr its driver may be loaded later; nothing else is taken instead. */
static int tsm_bind(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned)
{
	struct tsm *t;
	int ret;

	if (!aael_register_tsm_possible())
		return -ENODEV;
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	ret = mount_sysfs(t);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(rows); i++) {
		ret = try_row(t, &rows[i]);
		if (ret != -ENODEV)
			break;
	}
	if (ret) {
		tsm_unbind(t);
		return ret == -ENODEV && aael_tdcall_in_td() ? -EPROBE_DEFER : ret;
	}
	algs[0] = t->row->alg;
	*alg_count = 1;
	*reg_count = t->row->count + 1;
	*dev = t;
	return 0;
}

static int tsm_reopen(void *dev)
{
	return open_files(dev);
}

/* Not in process context: what is reported is queued. */
static void on_write(void *data, const struct tsm_measurement_register *mr, const u8 *digest)
{
	struct tsm *t = data;

	for (u32 i = 0; i < t->row->count; i++)
		if (mr->mr_size == t->row->size && !strcmp(mr->mr_name, t->names[i]))
			aael_follow_note(t->follow, i + 1, digest, mr->mr_size);
}

static int tsm_follow(void *dev, struct aael_follow *follow)
{
	struct tsm *t = dev;

	if (follow) {
		t->follow = follow;
		return tracepoint_probe_register(write_tracepoint, on_write, t);
	}
	tracepoint_probe_unregister(write_tracepoint, on_write, t);
	tracepoint_synchronize_unregister();
	return 0;
}

/* Whatever the error, an extend that was not reported has not been made. */
static enum aael_outcome tsm_extend(void *dev, u32 reg, const aael_values_t digests, int *err)
{
	struct tsm *t = dev;
	ssize_t n = -EIO;

	for (int i = 0; i < AAEL_BUSY_TRIES; i++) {
		loff_t pos = 0;

		if (!t->files[reg - 1])
			n = -ENODEV;
		else
			n = kernel_write(t->files[reg - 1], digests[0], t->row->size, &pos);
		if (n != -EBUSY)
			break;
		usleep_range(AAEL_BUSY_PAUSE_US, 2 * AAEL_BUSY_PAUSE_US);
	}
	if (n == t->row->size)
		return AAEL_APPLIED;
	*err = n < 0 ? n : -EIO;
	return AAEL_NOT_APPLIED;
}

static int tsm_read(void *dev, u32 reg, aael_values_t values)
{
	struct tsm *t = dev;
	loff_t pos = 0;
	ssize_t n;

	if (!t->files[reg - 1])
		return -ENODEV;
	n = kernel_read(t->files[reg - 1], values[0], t->row->size, &pos);
	if (n == t->row->size)
		return 0;
	return n < 0 ? n : -EIO;
}

const struct aael_provider aael_register_tsm = {
	.name = "tsm-mr",
	.platform = "tdx",
	.register_name = "CC register",
	.first_register = 1,
	.exact = true,
	.bind = tsm_bind,
	.unbind = tsm_unbind,
	.map = aael_register_map_cc,
	.extend = tsm_extend,
	.read = tsm_read,
	.reopen = tsm_reopen,
	.boot_log = aael_ccel_copy,
	.follow = tsm_follow,
};
