// SPDX-License-Identifier: Apache-2.0
/* Boot events' data: strings, variables, device paths. All slices stay inside the event. */
#include <errno.h>
#include <string.h>

#include "le.h"
#include "uefi.h"

int uefi_event_string(const struct aael_tcg2_entry *e, const uint8_t **string, size_t *size)
{
	size_t skip = 0, len = e->event_size;

	switch (e->type) {
	case EV_IPL:
	case EV_ACTION:
	case EV_EFI_ACTION:
	case EV_PLATFORM_CONFIG_FLAGS:
		break;
	case AAEL_EV_EVENT_TAG:
		if (e->event_size < 8 || get32(e->event + 4) > e->event_size - 8)
			return -ENOENT;
		skip = 8;
		len = get32(e->event + 4);
		break;
	case EV_EFI_HANDOFF_TABLES2:
	case EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		if (e->event_size < 1 || e->event[0] > e->event_size - 1)
			return -ENOENT;
		skip = 1;
		len = e->event[0];
		break;
	default:
		return -ENOENT;
	}
	*string = e->event + skip;
	while (len && (*string)[len - 1] == 0)
		len--;
	*size = len;
	return 0;
}

/* guid[16]  u64 name units  u64 data size  name[]  data[] */
int uefi_event_variable(const struct aael_tcg2_entry *e, struct uefi_variable *v)
{
	uint64_t left;

	switch (e->type) {
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
	case EV_EFI_VARIABLE_AUTHORITY:
		break;
	default:
		return -ENOENT;
	}
	if (e->event_size < 32)
		return -ENOENT;
	left = e->event_size - 32;
	v->guid = e->event;
	v->name_units = get64(e->event + 16);
	v->data_size = get64(e->event + 24);
	if (v->name_units > left / 2 || v->data_size > left - 2 * v->name_units)
		return -ENOENT;
	v->name = e->event + 32;
	v->data = v->name + 2 * v->name_units;
	return 0;
}

/* u64 location  u64 length  u64 link address  u64 path size  path[] */
int uefi_event_path(const struct aael_tcg2_entry *e, const uint8_t **path, size_t *size)
{
	uint64_t len;

	switch (e->type) {
	case EV_EFI_BOOT_SERVICES_APPLICATION:
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		break;
	default:
		return -ENOENT;
	}
	if (e->event_size < 32)
		return -ENOENT;
	len = get64(e->event + 24);
	if (len > e->event_size - 32)
		return -ENOENT;
	*path = e->event + 32;
	*size = (size_t)len;
	return 0;
}

/* The GUID of the UEFI specification: the first three fields are little-endian. */
static void append_guid(struct text_buf *buf, const uint8_t *g)
{
	text_printf(buf, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", get32(g), get16(g + 4),
		    get16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static void append_hex(struct text_buf *buf, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text_printf(buf, "%02X", data[i]);
}

/* u32 hid  u32 uid; the hid is a compressed EISA id, "PNP" being 0x41d0. */
static void append_acpi(struct text_buf *buf, const uint8_t *d)
{
	uint32_t hid = get32(d);

	if ((hid & 0xffff) == 0x41d0)
		text_printf(buf, "ACPI(PNP%04X,%u)", hid >> 16, get32(d + 4));
	else
		text_printf(buf, "ACPI(0x%08X,%u)", hid, get32(d + 4));
}

/* u32 partition  u64 start  u64 size  u8 signature[16]  u8 format  u8 signature type */
static void append_hd(struct text_buf *buf, const uint8_t *d)
{
	text_printf(buf, "HD(%u,", get32(d));
	if (d[36] == 2)
		text_printf(buf, "GPT,");
	else if (d[36] == 1)
		text_printf(buf, "MBR,");
	else
		text_printf(buf, "%u,", d[36]);
	if (d[37] == 2)
		append_guid(buf, d + 20);
	else if (d[37] == 1)
		text_printf(buf, "0x%08X", get32(d + 20));
	else
		text_printf(buf, "0");
	text_printf(buf, ",0x%llX,0x%llX)", (unsigned long long)get64(d + 4),
		    (unsigned long long)get64(d + 12));
}

static void append_vendor(struct text_buf *buf, const char *name, const uint8_t *d, size_t n)
{
	text_printf(buf, "%s(", name);
	append_guid(buf, d);
	text_printf(buf, ",");
	append_hex(buf, d + 16, n - 16);
	text_printf(buf, ")");
}

static void append_file(struct text_buf *buf, const uint8_t *d, size_t n)
{
	size_t units = n / 2;

	while (units && d[2 * units - 1] == 0 && d[2 * units - 2] == 0)
		units--;
	text_printf(buf, "File(");
	text_utf16(buf, d, units);
	text_printf(buf, ")");
}

static void append_fv(struct text_buf *buf, const char *name, const uint8_t *d)
{
	text_printf(buf, "%s(", name);
	append_guid(buf, d);
	text_printf(buf, ")");
}

static void append_node(struct text_buf *buf, uint8_t type, uint8_t sub, const uint8_t *d, size_t n)
{
	switch (type << 8 | sub) {
	case 0x0101:
		if (n != 2)
			break;
		text_printf(buf, "Pci(%u,%u)", d[0], d[1]);
		return;
	case 0x0104:
		if (n < 16)
			break;
		append_vendor(buf, "VenHw", d, n);
		return;
	case 0x0201:
		if (n != 8)
			break;
		append_acpi(buf, d);
		return;
	case 0x0401:
		if (n != 38)
			break;
		append_hd(buf, d);
		return;
	case 0x0403:
		if (n < 16)
			break;
		append_vendor(buf, "VenMedia", d, n);
		return;
	case 0x0404:
		append_file(buf, d, n);
		return;
	case 0x0406:
	case 0x0407:
		if (n != 16)
			break;
		append_fv(buf, sub == 6 ? "FvFile" : "Fv", d);
		return;
	default:
		break;
	}
	text_printf(buf, "Path(%u,%u,", type, sub);
	append_hex(buf, d, n);
	text_printf(buf, ")");
}

/* u8 type  u8 subtype  u16 length, these four bytes included  data[] */
int uefi_path_next(const uint8_t **path, size_t *size, struct text_buf *buf)
{
	const uint8_t *p = *path;
	size_t len;

	if (*size < 4)
		return 0;
	len = get16(p + 2);
	if (len < 4 || len > *size || (p[0] == 0x7f && p[1] == 0xff))
		return 0;
	append_node(buf, p[0], p[1], p + 4, len - 4);
	*path += len;
	*size -= len;
	return 1;
}
