// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boot log of a confidential guest: the area that the ACPI table CCEL names
 * (ACPI 6.5, 5.2.34; UEFI 2.10, 38.4). Table and area are untrusted. The area is copied
 * once, into private memory, and only out of memory that is private itself: what is
 * mapped as a device is shared with the host, which could rewrite it under a reader.
 */
#include <linux/acpi.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "aael.h"

#define CC_TYPE_TDX	2

struct ccel {
	struct acpi_table_header header;
	u8 cc_type;
	u8 cc_subtype;
	__le16 reserved;
	__le64 log_bytes;
	__le64 log_address;
} __packed;

static_assert(offsetof(struct ccel, log_bytes) == 40);
static_assert(sizeof(struct ccel) == 56);

static bool all_of(u64 start, u64 len, unsigned long flags, unsigned long desc)
{
	return region_intersects(start, len, flags, desc) == REGION_INTERSECTS;
}

static int copy_acpi(u64 start, u64 len, u8 *out)
{
	void __iomem *area = acpi_os_map_iomem(start, len);

	if (!area)
		return -ENOMEM;
	memcpy_fromio(out, area, len);
	acpi_os_unmap_iomem(area, len);
	return 0;
}

static int copy_ram(u64 start, u64 len, u8 *out)
{
	void *area = memremap(start, len, MEMREMAP_WB);

	if (!area)
		return -ENOMEM;
	memcpy(out, area, len);
	memunmap(area);
	return 0;
}

static int copy_area(u64 start, u64 len, u8 *out)
{
	if (all_of(start, len, IORESOURCE_MEM, IORES_DESC_ACPI_TABLES) ||
	    all_of(start, len, IORESOURCE_MEM, IORES_DESC_ACPI_NV_STORAGE))
		return copy_acpi(start, len, out);
	if (all_of(start, len, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE))
		return copy_ram(start, len, out);
	return -EACCES;
}

/**
 * aael_ccel_copy - copy the firmware's log, as a provider's boot_log does
 * @dev: unused
 * @log: out: for kvfree()
 * @len: out: bytes of the area, padding included
 *
 * Return: 0; -ENOENT: there is no table; -EBADMSG: it is malformed; -EFBIG: the area is
 * too large; -EACCES: it lies where the host can write; -ENOMEM.
 */
int aael_ccel_copy(void *dev, u8 **log, size_t *len)
{
	struct acpi_table_header *table;
	const struct ccel *ccel;
	u64 start, bytes, end;
	int ret = -EBADMSG;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table("CCEL", 0, &table)))
		return -ENOENT;
	ccel = (const struct ccel *)table;
	if (table->length < sizeof(*ccel) || ccel->cc_type != CC_TYPE_TDX)
		goto put;
	bytes = le64_to_cpu(ccel->log_bytes);
	start = le64_to_cpu(ccel->log_address);
	if (!bytes || !start || check_add_overflow(start, bytes, &end))
		goto put;
	ret = -EFBIG;
	if (bytes > AAEL_BOOT_LOG_MAX_BYTES)
		goto put;
	ret = -ENOMEM;
	*log = kvmalloc(bytes, GFP_KERNEL);
	if (!*log)
		goto put;
	*len = bytes;
	ret = copy_area(start, bytes, *log);
	if (ret) {
		kvfree(*log);
		*log = NULL;
	}
put:
	acpi_put_table(table);
	return ret;
}
