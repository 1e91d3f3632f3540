// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCRs of a TPM 2.0, through the kernel's TPM core.
 *
 * The chip is bound once. Another one is never taken in its place: after its
 * driver has gone, only the chip of the same parent device with the same banks is
 * accepted, and the core of the module compares its registers before it is used.
 * Chips made by user space (tpm_vtpm_proxy) only when the user asks for "tpm".
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tpm.h>

#include "aael.h"

#define TPM_PCRS	24

struct tpm {
	struct tpm_chip *chip;
	char *parent;
	bool pinned;
	unsigned int bank_count;
	u16 algs[AAEL_BANKS_MAX];
};

static bool usable(const struct tpm_chip *chip, bool pinned)
{
	if (!(chip->flags & TPM_CHIP_FLAG_TPM2))
		return false;
	return pinned || (!(chip->flags & TPM_CHIP_FLAG_VIRTUAL) && chip->dev.parent);
}

/* With the operations held: the parent may go as soon as they are given back. */
static int describe(struct tpm *t)
{
	const struct tpm_chip *chip = t->chip;
	const struct device *named = chip->dev.parent ?: &chip->dev;

	if (!usable(chip, t->pinned) || !chip->nr_allocated_banks)
		return -ENODEV;
	if (chip->nr_allocated_banks > AAEL_BANKS_MAX) {
		pr_warn("aael: %s has %u active banks, %u are the most that a log can have\n",
			dev_name(&chip->dev), chip->nr_allocated_banks, AAEL_BANKS_MAX);
		return -ENODEV;
	}
	t->bank_count = chip->nr_allocated_banks;
	for (unsigned int i = 0; i < t->bank_count; i++)
		t->algs[i] = chip->allocated_banks[i].alg_id;
	t->parent = kstrdup(dev_name(named), GFP_KERNEL);
	return t->parent ? 0 : -ENOMEM;
}

static void forget(struct tpm *t)
{
	put_device(&t->chip->dev);
	kfree(t->parent);
	kfree(t);
}

/* The default chip, for forget(), or an error pointer. */
static struct tpm *find(bool pinned)
{
	struct tpm *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int ret;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->pinned = pinned;
	t->chip = tpm_default_chip();
	if (!t->chip) {
		kfree(t);
		return ERR_PTR(-ENODEV);
	}
	ret = tpm_try_get_ops(t->chip) ? -ENODEV : 0;
	if (!ret) {
		ret = describe(t);
		tpm_put_ops(t->chip);
	}
	if (!ret)
		return t;
	forget(t);
	return ERR_PTR(ret);
}

static int tpm_bind(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned)
{
	struct tpm *t = find(pinned);

	if (IS_ERR(t))
		return PTR_ERR(t);
	memcpy(algs, t->algs, sizeof(t->algs));
	*alg_count = t->bank_count;
	*reg_count = TPM_PCRS;
	*dev = t;
	return 0;
}

static void tpm_unbind(void *dev)
{
	forget(dev);
}

static int tpm_reopen(void *dev)
{
	struct tpm *t = dev, *found = find(t->pinned);
	bool same;

	if (IS_ERR(found))
		return -ENODEV;
	same = !strcmp(found->parent, t->parent) && found->bank_count == t->bank_count &&
	       !memcmp(found->algs, t->algs, sizeof(t->algs));
	if (same)
		swap(t->chip, found->chip);
	forget(found);
	return same ? 0 : -ENODEV;
}

/* No driver: nothing can be sent. Cheap, for it stands in front of every extend. */
static bool unbound(struct tpm_chip *chip)
{
	bool without_ops;

	down_read(&chip->ops_sem);
	without_ops = !chip->ops;
	up_read(&chip->ops_sem);
	return without_ops;
}

/*
 * Newer kernels answer -EIO for a failed command as for a driver that has gone, or
 * one that takes no commands any more (disabled after an error, suspended).
 */
static bool gone(struct tpm_chip *chip)
{
	if (tpm_try_get_ops(chip))
		return true;
	tpm_put_ops(chip);
	return false;
}

/*
 * Neither sign of a result tells whether the command was carried out: a TPM_RC
 * may be another command's, and a transport error may come after the fact. Only
 * "there is no device" is certain.
 */
static enum aael_outcome tpm_extend(void *dev, u32 reg, const aael_values_t digests, int *err)
{
	struct tpm_digest banks[AAEL_BANKS_MAX] = {};
	struct tpm *t = dev;
	int ret;

	*err = -ENODEV;
	if (unbound(t->chip))
		return AAEL_NOT_APPLIED;
	for (unsigned int i = 0; i < t->bank_count; i++) {
		banks[i].alg_id = t->algs[i];
		memcpy(banks[i].digest, digests[i], sizeof(banks[i].digest));
	}
	ret = tpm_pcr_extend(t->chip, reg, banks);
	if (!ret)
		return AAEL_APPLIED;
	*err = ret > 0 ? -EIO : ret;
	return ret == -ENODEV ? AAEL_NOT_APPLIED : AAEL_UNKNOWN;
}

static int tpm_read(void *dev, u32 reg, aael_values_t values)
{
	struct tpm *t = dev;
	int ret;

	for (unsigned int i = 0; i < t->bank_count; i++) {
		struct tpm_digest digest = { .alg_id = t->algs[i] };

		ret = tpm_pcr_read(t->chip, reg, &digest);
		if (ret && gone(t->chip))
			return -ENODEV;
		if (ret)
			return ret > 0 ? -EIO : ret;
		memcpy(values[i], digest.digest, sizeof(digest.digest));
	}
	return 0;
}

/*
 * The TPM core frees the boot log when the driver is unbound, whoever holds the
 * chip. Unbinding holds the parent's device lock, so under that lock, with the
 * operations still there, the log is.
 */
static int copy_log(struct tpm_chip *chip, u8 **log, size_t *len)
{
	const u8 *start = chip->log.bios_event_log;
	const u8 *end = chip->log.bios_event_log_end;

	if (!start || end <= start)
		return -ENOENT;
	if (end - start > AAEL_BOOT_LOG_MAX_BYTES)
		return -EFBIG;
	*len = end - start;
	*log = kvmalloc(*len, GFP_KERNEL);
	if (!*log)
		return -ENOMEM;
	memcpy(*log, start, *len);
	return 0;
}

static int tpm_boot_log(void *dev, u8 **log, size_t *len)
{
	struct tpm *t = dev;
	struct device *parent;
	int ret;

	if (t->chip->flags & TPM_CHIP_FLAG_VIRTUAL)
		return -ENOENT;
	/* With the operations held the driver cannot finish unbinding. */
	if (tpm_try_get_ops(t->chip))
		return -ENODEV;
	parent = get_device(t->chip->dev.parent);
	tpm_put_ops(t->chip);
	if (!parent)
		return -ENOENT;

	device_lock(parent);
	ret = tpm_try_get_ops(t->chip);
	if (!ret) {
		ret = copy_log(t->chip, log, len);
		tpm_put_ops(t->chip);
	}
	device_unlock(parent);
	put_device(parent);
	return ret;
}

/* PCRs 17 to 22 start as ones (PC Client Platform TPM Profile, 4.6.2). */
static bool tpm_starts_zero(u32 reg)
{
	return reg < 17 || reg > 22;
}

const struct aael_provider aael_register_tpm = {
	.name = "tpm",
	.platform = "tpm",
	.register_name = "PCR",
	.bind = tpm_bind,
	.unbind = tpm_unbind,
	.map = aael_register_map_pcr,
	.extend = tpm_extend,
	.read = tpm_read,
	.reopen = tpm_reopen,
	.boot_log = tpm_boot_log,
	.starts_zero = tpm_starts_zero,
};
