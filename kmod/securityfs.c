// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/security/aael: the log for administrators, names as IMA's, all 0440.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "aael.h"

static struct aael_log *the_log;

/* ---- binary_runtime_measurements, events ---- */

static ssize_t binary_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	ssize_t n = aael_store_read_user(&the_log->stream, *pos, buf, len);

	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t events_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	ssize_t n = 0;

	if (aael_log_gate(the_log) != -EOPNOTSUPP)
		n = aael_store_read_user(&the_log->stream, the_log->own_offset + *pos, buf, len);
	if (n > 0)
		*pos += n;
	return n;
}

static const struct file_operations binary_fops = {
	.owner = THIS_MODULE,
	.read = binary_read,
	.llseek = default_llseek,
};

static const struct file_operations events_fops = {
	.owner = THIS_MODULE,
	.read = events_read,
	.llseek = default_llseek,
};

/* ---- ascii_runtime_measurements ---- */

/* Where the iterator stands: the entry of that number begins at pos. */
struct ascii_iter {
	u64 sequence;
	u64 pos;
	struct aael_entry_view view;
};

static void *ascii_at(struct ascii_iter *it)
{
	return aael_query_view(the_log, it->pos, &it->view) ? it : NULL;
}

static void *ascii_start(struct seq_file *m, loff_t *n)
{
	struct ascii_iter *it = m->private;

	/* Before there is a log, nothing is known that could be remembered. */
	if (aael_log_gate(the_log) == -EOPNOTSUPP)
		return NULL;
	if (it->sequence != *n + 1) {
		it->sequence = *n + 1;
		it->pos = aael_query_offset(the_log, it->sequence);
	}
	return ascii_at(it);
}

static void *ascii_next(struct seq_file *m, void *v, loff_t *n)
{
	struct ascii_iter *it = v;

	it->pos += it->view.len;
	it->sequence = ++*n + 1;
	return ascii_at(it);
}

static void ascii_stop(struct seq_file *m, void *v)
{
}

static void show_digests(struct seq_file *m, u64 pos)
{
	u8 digest[AAEL_DIGEST_MAX_BYTES];
	char separator = ' ';

	for (unsigned int b = 0; b < the_log->bank_count; b++) {
		const struct aael_bank *bank = &the_log->banks[b];

		if (!bank->logged)
			continue;
		aael_store_read(&the_log->stream, pos + 2, digest, bank->size);
		seq_printf(m, "%c%s:%*phN", separator, bank->name, bank->size, digest);
		separator = ',';
		pos += 2 + bank->size;
	}
}

static int ascii_show(struct seq_file *m, void *v)
{
	struct ascii_iter *it = v;
	u8 chunk[256];
	size_t n;

	seq_printf(m, "%llu %u", it->sequence, it->view.reg);
	show_digests(m, it->pos + AAEL_ENTRY_DIGESTS_OFFSET);
	seq_putc(m, ' ');
	for (size_t done = 0; done < it->view.text_len; done += n) {
		n = min(it->view.text_len - done, sizeof(chunk));
		aael_store_read(&the_log->stream, it->pos + it->view.text_offset + done, chunk, n);
		seq_write(m, chunk, n);
	}
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations ascii_ops = {
	.start = ascii_start,
	.next = ascii_next,
	.stop = ascii_stop,
	.show = ascii_show,
};

static int ascii_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &ascii_ops, sizeof(struct ascii_iter));
}

static const struct file_operations ascii_fops = {
	.owner = THIS_MODULE,
	.open = ascii_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/* ---- runtime_measurements_count, violations, status ---- */

static int count_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%llu\n", READ_ONCE(the_log->count));
	return 0;
}

static int violations_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%llu\n", READ_ONCE(the_log->violations));
	return 0;
}

static int count_open(struct inode *inode, struct file *file)
{
	return single_open(file, count_show, the_log);
}

static int violations_open(struct inode *inode, struct file *file)
{
	return single_open(file, violations_show, the_log);
}

static int status_open(struct inode *inode, struct file *file)
{
	return single_open(file, aael_status_show, the_log);
}

#define SINGLE_FOPS(name)					\
static const struct file_operations name##_fops = {		\
	.owner = THIS_MODULE,					\
	.open = name##_open,					\
	.read = seq_read,					\
	.llseek = seq_lseek,					\
	.release = single_release,				\
}

SINGLE_FOPS(count);
SINGLE_FOPS(violations);
SINGLE_FOPS(status);

/* ---- the folder ---- */

static const struct {
	const char *name;
	const struct file_operations *fops;
} files[] = {
	{ "binary_runtime_measurements", &binary_fops },
	{ "ascii_runtime_measurements", &ascii_fops },
	{ "runtime_measurements_count", &count_fops },
	{ "violations", &violations_fops },
	{ "status", &status_fops },
	{ "events", &events_fops },
};

static struct dentry *folder;
static struct dentry *dentries[ARRAY_SIZE(files)];

/**
 * aael_securityfs_init - make the folder
 * @log: the log behind it
 *
 * Return: 0 or a negative errno.
 */
int aael_securityfs_init(struct aael_log *log)
{
	the_log = log;
	folder = securityfs_create_dir("aael", NULL);
	if (IS_ERR(folder))
		return PTR_ERR(folder);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		dentries[i] = securityfs_create_file(files[i].name, 0440, folder, NULL,
						     files[i].fops);
		if (IS_ERR(dentries[i])) {
			int ret = PTR_ERR(dentries[i]);

			dentries[i] = NULL;
			aael_securityfs_exit();
			return ret;
		}
	}
	return 0;
}

/**
 * aael_securityfs_exit - remove the folder, children first
 *
 * Newer kernels remove a folder's children with it, so they must not be touched
 * behind it; older ones leave them.
 */
void aael_securityfs_exit(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (dentries[i])
			securityfs_remove(dentries[i]);
		dentries[i] = NULL;
	}
	securityfs_remove(folder);
}
