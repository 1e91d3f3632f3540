// SPDX-License-Identifier: GPL-2.0-only
/* See abi.h. For measurements only: whoever may open the device may extend PCRs. */
#include <crypto/hash.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tpm.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "abi.h"

#define DIGEST_MAX	64
#define PAGES_BYTES	(1024 * 1024)

static const char *const algs[] = { "sha256", "sha384" };

struct bench {
	struct crypto_shash *hashes[ARRAY_SIZE(algs)];
	u8 values[ARRAY_SIZE(algs)][DIGEST_MAX];
	u8 *log;
	size_t used;
	struct mutex lock;	/* of values, log and used */
};

static struct bench bench;

struct command {
	struct work_struct work;
	struct completion done;
	struct tpm_chip *chip;
	struct tpm_digest *digests;
	u32 pcr;
	int ret;
};

static void send(struct command *c)
{
	c->ret = tpm_pcr_extend(c->chip, c->pcr, c->digests);
}

static void send_work(struct work_struct *work)
{
	struct command *c = container_of(work, struct command, work);

	send(c);
	complete(&c->done);
}

static void send_in_worker(struct command *c)
{
	INIT_WORK_ONSTACK(&c->work, send_work);
	init_completion(&c->done);
	queue_work(system_highpri_wq, &c->work);
	wait_for_completion(&c->done);
	destroy_work_on_stack(&c->work);
}

static int extend(struct aael_bench_extend *args)
{
	struct command c = { .chip = tpm_default_chip(), .pcr = args->pcr };
	u64 begin;

	if (!c.chip)
		return -ENODEV;
	c.digests = kcalloc(c.chip->nr_allocated_banks, sizeof(*c.digests), GFP_KERNEL);
	if (c.digests) {
		for (u32 i = 0; i < c.chip->nr_allocated_banks; i++)
			c.digests[i].alg_id = c.chip->allocated_banks[i].alg_id;
		begin = ktime_get_ns();
		(args->in_worker ? send_in_worker : send)(&c);
		args->ns = ktime_get_ns() - begin;
		kfree(c.digests);
	} else {
		c.ret = -ENOMEM;
	}
	put_device(&c.chip->dev);
	return c.ret > 0 ? -EIO : c.ret;
}

static void store(const void *data, size_t size)
{
	if (bench.used + size > PAGES_BYTES)
		bench.used = 0;
	memcpy(bench.log + bench.used, data, size);
	bench.used += size;
}

static int hash_one(unsigned int i, const u8 *data, size_t size)
{
	size_t digest_size = crypto_shash_digestsize(bench.hashes[i]);
	u8 both[2 * DIGEST_MAX];
	int ret;

	memcpy(both, bench.values[i], digest_size);
	ret = crypto_shash_tfm_digest(bench.hashes[i], data, size, both + digest_size);
	for (int k = 0; !ret && k < 2; k++)
		ret = crypto_shash_tfm_digest(bench.hashes[i], both, 2 * digest_size,
					      bench.values[i]);
	store(both + digest_size, digest_size);
	return ret;
}

static int hash(struct aael_bench_hash *args)
{
	u64 begin = ktime_get_ns();
	int ret = 0;
	void *data;

	if (!args->size || args->size > AAEL_BENCH_DATA_MAX)
		return -EINVAL;
	data = memdup_user(u64_to_user_ptr(args->data), args->size);
	if (IS_ERR(data))
		return PTR_ERR(data);
	mutex_lock(&bench.lock);
	for (unsigned int i = 0; !ret && i < ARRAY_SIZE(algs); i++)
		ret = hash_one(i, data, args->size);
	store(data, args->size);
	mutex_unlock(&bench.lock);
	kfree(data);
	args->ns = ktime_get_ns() - begin;
	return ret;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	union {
		struct aael_bench_extend extend;
		struct aael_bench_hash hash;
	} args = {};
	int ret;

	if (cmd != AAEL_BENCH_IOC_EXTEND && cmd != AAEL_BENCH_IOC_HASH)
		return -ENOTTY;
	if (copy_from_user(&args, (void __user *)arg, _IOC_SIZE(cmd)))
		return -EFAULT;
	ret = cmd == AAEL_BENCH_IOC_EXTEND ? extend(&args.extend) : hash(&args.hash);
	if (!ret && copy_to_user((void __user *)arg, &args, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = bench_ioctl,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "aael_bench",
	.fops = &bench_fops,
	.mode = 0600,
};

static void bench_free(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(algs); i++)
		if (!IS_ERR_OR_NULL(bench.hashes[i]))
			crypto_free_shash(bench.hashes[i]);
	kvfree(bench.log);
}

static int __init bench_init(void)
{
	int ret = 0;

	mutex_init(&bench.lock);
	bench.log = kvmalloc(PAGES_BYTES, GFP_KERNEL);
	if (!bench.log)
		return -ENOMEM;
	for (unsigned int i = 0; !ret && i < ARRAY_SIZE(algs); i++) {
		bench.hashes[i] = crypto_alloc_shash(algs[i], 0, 0);
		ret = PTR_ERR_OR_ZERO(bench.hashes[i]);
	}
	if (!ret)
		ret = misc_register(&bench_device);
	if (ret)
		bench_free();
	return ret;
}

static void __exit bench_exit(void)
{
	misc_deregister(&bench_device);
	bench_free();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("what appends to the log of aael are measured against");
MODULE_LICENSE("GPL");
