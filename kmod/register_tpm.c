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

static const char *parent_name(const struct tpm_chip *chip)
{
	return chip->dev.parent ? dev_name(chip->dev.parent) : dev_name(&chip->dev);
}

/* The chip with its banks, or NULL; the caller puts the reference. */
static struct tpm_chip *find(bool pinned, u16 *algs, unsigned int *count)
{
	struct tpm_chip *chip = tpm_default_chip();

	if (!chip)
		return NULL;
	if (tpm_try_get_ops(chip)) {
		put_device(&chip->dev);
		return NULL;
	}
	*count = chip->nr_allocated_banks;
	if (usable(chip, pinned) && *count && *count <= AAEL_BANKS_MAX)
		for (unsigned int i = 0; i < *count; i++)
			algs[i] = chip->allocated_banks[i].alg_id;
	else
		*count = 0;
	tpm_put_ops(chip);
	if (!*count) {
		put_device(&chip->dev);
		return NULL;
	}
	return chip;
}

static int tpm_bind(void **dev, u16 *algs, unsigned int *alg_count, u32 *reg_count, bool pinned)
{
	struct tpm *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	t->chip = find(pinned, t->algs, &t->bank_count);
	if (!t->chip) {
		kfree(t);
		return -ENODEV;
	}
	t->parent = kstrdup(parent_name(t->chip), GFP_KERNEL);
	if (!t->parent) {
		put_device(&t->chip->dev);
		kfree(t);
		return -ENOMEM;
	}
	t->pinned = pinned;
	memcpy(algs, t->algs, sizeof(t->algs));
	*alg_count = t->bank_count;
	*reg_count = TPM_PCRS;
	*dev = t;
	return 0;
}

static void tpm_unbind(void *dev)
{
	struct tpm *t = dev;

	put_device(&t->chip->dev);
	kfree(t->parent);
	kfree(t);
}

static int tpm_reopen(void *dev)
{
	struct tpm *t = dev;
	u16 algs[AAEL_BANKS_MAX] = {};
	unsigned int count;
	struct tpm_chip *chip = find(t->pinned, algs, &count);

	if (!chip)
		return -ENODEV;
	if (strcmp(parent_name(chip), t->parent) || count != t->bank_count ||
	    memcmp(algs, t->algs, sizeof(algs))) {
		put_device(&chip->dev);
		return -ENODEV;
	}
	put_device(&t->chip->dev);
	t->chip = chip;
	return 0;
}

/* Newer kernels answer -EIO both for a driver that has gone and for a failed command. */
static bool gone(struct tpm_chip *chip)
{
	bool without_ops;

	down_read(&chip->ops_sem);
	without_ops = !chip->ops;
	up_read(&chip->ops_sem);
	return without_ops;
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
	if (gone(t->chip))
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
