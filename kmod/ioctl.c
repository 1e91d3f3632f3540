// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/aael: extensible structs in and out.
 */
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "aael.h"

static_assert(sizeof(struct aael_value) == 68);
static_assert(sizeof(struct aael_extend) == 64);
static_assert(sizeof(struct aael_info) == 120);
static_assert(sizeof(struct aael_snapshot) == 48);
static_assert(sizeof(struct aael_snapshot_register) == 356);
static_assert(sizeof(struct aael_verify) == 712);
static_assert(sizeof(struct aael_seal) == 24);
static_assert(sizeof(struct aael_import) == 48);

/*
 * The size stands first; the struct is fetched with that size, and the size is
 * what was checked, whatever user memory says by then.
 */
static int fetch(void *out, size_t known, size_t least, const void __user *user)
{
	u32 size;
	int ret;

	if (get_user(size, (const u32 __user *)user))
		return -EFAULT;
	if (size < least || size > PAGE_SIZE)
		return -EINVAL;
	ret = copy_struct_from_user(out, known, user, size);
	if (!ret)
		*(u32 *)out = size;
	return ret;
}

static int give(void __user *user, const void *in, size_t known)
{
	return copy_to_user(user, in, min_t(size_t, *(const u32 *)in, known)) ? -EFAULT : 0;
}

/* domain, operation and content in one buffer */
static u8 *fetch_fields(const struct aael_extend *x, struct aael_event *ev)
{
	u8 *buf;

	if (!x->domain_len || !x->operation_len || !x->content_len)
		return ERR_PTR(-EINVAL);
	if (x->domain_len > AAEL_DOMAIN_MAX_BYTES ||
	    x->operation_len > AAEL_OPERATION_MAX_BYTES ||
	    x->content_len > AAEL_CONTENT_MAX_BYTES)
		return ERR_PTR(-E2BIG);
	buf = kvmalloc(x->domain_len + x->operation_len + x->content_len, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	*ev = (struct aael_event) {
		.domain = buf,
		.domain_len = x->domain_len,
		.operation = buf + x->domain_len,
		.operation_len = x->operation_len,
		.content = buf + x->domain_len + x->operation_len,
		.content_len = x->content_len,
	};
	if (!copy_from_user(buf, u64_to_user_ptr(x->domain), x->domain_len) &&
	    !copy_from_user(buf + x->domain_len, u64_to_user_ptr(x->operation),
			    x->operation_len) &&
	    !copy_from_user(buf + x->domain_len + x->operation_len,
			    u64_to_user_ptr(x->content), x->content_len))
		return buf;
	kvfree(buf);
	return ERR_PTR(-EFAULT);
}

static long ioctl_extend(struct aael_log *log, struct file *file, void __user *user)
{
	struct aael_extend x = {};
	struct aael_append req = {};
	u8 *fields;
	int ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = fetch(&x, sizeof(x), sizeof(x), user);
	if (ret)
		return ret;
	if (x.flags & ~(AAEL_EXTEND_F_UNPRIVILEGED | AAEL_EXTEND_F_ONCE) || x.duplicate)
		return -EINVAL;
	fields = fetch_fields(&x, &req.ev);
	if (IS_ERR(fields))
		return PTR_ERR(fields);
	req.index = x.index;
	req.file = x.flags & AAEL_EXTEND_F_UNPRIVILEGED ? NULL : file;
	req.nonblock = file->f_flags & O_NONBLOCK;
	req.once = x.flags & AAEL_EXTEND_F_ONCE;
	ret = aael_log_append(log, &req);
	kvfree(fields);
	if (ret && ret != -ETIMEDOUT && ret != -EEXIST)
		return ret;
	x.duplicate = req.duplicate;
	x.sequence = req.sequence;
	x.reg = req.reg;
	return give(user, &x, sizeof(x)) ? -EFAULT : ret;
}

static long ioctl_info(struct aael_log *log, void __user *user)
{
	struct aael_info info = {};
	u32 size;
	int ret = fetch(&info, sizeof(info), sizeof(info), user);

	if (ret)
		return ret;
	size = info.size;
	memset(&info, 0, sizeof(info));
	info.size = size;
	aael_query_info(log, &info);
	return give(user, &info, sizeof(info));
}

/* Elements as long as the caller knows them. */
static int give_registers(const struct aael_snapshot *s, const struct aael_snapshot_register *regs)
{
	u8 __user *to = u64_to_user_ptr(s->registers);

	for (u32 i = 0; i < s->reg_count; i++, to += s->reg_size)
		if (copy_to_user(to, &regs[i], sizeof(*regs)) ||
		    clear_user(to + sizeof(*regs), s->reg_size - sizeof(*regs)))
			return -EFAULT;
	return 0;
}

static long ioctl_snapshot(struct aael_log *log, void __user *user)
{
	struct aael_snapshot s = {};
	struct aael_snapshot_register *regs;
	int ret = fetch(&s, sizeof(s), sizeof(s), user);

	if (ret)
		return ret;
	if (s.flags || s.reg_size < sizeof(*regs) || s.reg_size > PAGE_SIZE)
		return -EINVAL;
	regs = kvcalloc(AAEL_REGISTERS_MAX, sizeof(*regs), GFP_KERNEL);
	if (!regs)
		return -ENOMEM;
	ret = aael_query_snapshot(log, &s, regs);
	if (ret)
		goto free;
	ret = s.reg_count > s.reg_room ? -ENOSPC : give_registers(&s, regs);
	if (ret != -EFAULT && give(user, &s, sizeof(s)))
		ret = -EFAULT;
free:
	kvfree(regs);
	return ret;
}

static long ioctl_verify(struct aael_log *log, struct file *file, void __user *user)
{
	struct aael_verify *v = kzalloc(sizeof(*v), GFP_KERNEL);
	u32 size, index;
	long ret;

	if (!v)
		return -ENOMEM;
	ret = fetch(v, sizeof(*v), sizeof(*v), user);
	if (!ret) {
		size = v->size;
		index = v->index;
		memset(v, 0, sizeof(*v));
		v->size = size;
		v->index = index;
		ret = aael_query_verify(log, v, aael_policy_privileged(file));
	}
	if (!ret)
		ret = give(user, v, sizeof(*v));
	kfree(v);
	return ret;
}

static long ioctl_seal(struct aael_log *log, struct file *file, void __user *user)
{
	struct aael_seal s = {};
	int ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = fetch(&s, sizeof(s), sizeof(s), user);
	if (ret)
		return ret;
	if (!aael_policy_privileged(file))
		return -EPERM;
	ret = aael_handover_seal(log, &s);
	if (ret && ret != -ESTALE)
		return ret;
	return give(user, &s, sizeof(s)) ? -EFAULT : ret;
}

/* The entries, in one copy; how many there may be is checked before there is room for them. */
static u8 *fetch_entries(const struct aael_log *log, const struct aael_import *im)
{
	u8 *bytes;

	if (im->bytes > READ_ONCE(log->max_log_bytes))
		return ERR_PTR(-EFBIG);
	/* Of no entries, too, there is a buffer. */
	bytes = kvmalloc(im->bytes + 1, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bytes)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(bytes, u64_to_user_ptr(im->entries), im->bytes))
		return bytes;
	kvfree(bytes);
	return ERR_PTR(-EFAULT);
}

static long ioctl_import(struct aael_log *log, struct file *file, void __user *user)
{
	struct aael_import im = {};
	u8 *bytes;
	int ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = fetch(&im, sizeof(im), sizeof(im), user);
	if (ret)
		return ret;
	if (im.flags & ~AAEL_IMPORT_F_DIVERGED)
		return -EINVAL;
	if (!aael_policy_privileged(file))
		return -EPERM;
	bytes = fetch_entries(log, &im);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	ret = aael_handover_import(log, &im, bytes);
	kvfree(bytes);
	if (ret && ret != -EBADMSG && ret != -ESTALE)
		return ret;
	return give(user, &im, sizeof(im)) ? -EFAULT : ret;
}

/**
 * aael_ioctl - dispatch an ioctl of /dev/aael
 * @log: the log
 * @file: the open file
 * @cmd: AAEL_IOC_*; the size in it does not count, the struct's own does
 * @arg: user address of the struct
 *
 * Return: as uapi/linux/aael.h describes; -ENOTTY for another command.
 */
long aael_ioctl(struct aael_log *log, struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	if (_IOC_TYPE(cmd) != AAEL_IOC_MAGIC)
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(AAEL_IOC_EXTEND):
		return ioctl_extend(log, file, user);
	case _IOC_NR(AAEL_IOC_INFO):
		return ioctl_info(log, user);
	case _IOC_NR(AAEL_IOC_SNAPSHOT):
		return ioctl_snapshot(log, user);
	case _IOC_NR(AAEL_IOC_VERIFY):
		return ioctl_verify(log, file, user);
	case _IOC_NR(AAEL_IOC_SEAL):
		return ioctl_seal(log, file, user);
	case _IOC_NR(AAEL_IOC_IMPORT):
		return ioctl_import(log, file, user);
	default:
		return -ENOTTY;
	}
}
