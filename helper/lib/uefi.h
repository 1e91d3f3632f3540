/* SPDX-License-Identifier: Apache-2.0 */
/* What the data of a boot event says, in words. Private to the library. */
#ifndef AAEL_LIB_UEFI_H
#define AAEL_LIB_UEFI_H

#include "libaael.h"

/* TCG PC Client PFP 1.05, 10.4.1 */
#define EV_ACTION 0x00000005u
#define EV_PLATFORM_CONFIG_FLAGS 0x0000000au
#define EV_IPL 0x0000000du
#define EV_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EV_EFI_VARIABLE_BOOT 0x80000002u
#define EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define EV_EFI_BOOT_SERVICES_DRIVER 0x80000004u
#define EV_EFI_RUNTIME_SERVICES_DRIVER 0x80000005u
#define EV_EFI_ACTION 0x80000007u
#define EV_EFI_PLATFORM_FIRMWARE_BLOB2 0x8000000au
#define EV_EFI_HANDOFF_TABLES2 0x8000000bu
#define EV_EFI_VARIABLE_BOOT2 0x8000000cu
#define EV_EFI_VARIABLE_AUTHORITY 0x800000e0u

/* A growing string; once failed (no memory), it stays failed and empty. */
struct text_buf {
	char *data; /* NUL-terminated, or NULL while empty */
	size_t size;
	size_t room;
	bool failed;
};

void text_append(struct text_buf *buf, const char *data, size_t size);
void text_printf(struct text_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void text_free(struct text_buf *buf);

/*
 * Bytes as UTF-8: what is not well-formed UTF-8, and NUL, becomes U+FFFD.
 * Well-formed as in Unicode 15, table 3-7.
 */
void text_utf8(struct text_buf *buf, const uint8_t *data, size_t size);
/* @units UTF-16LE code units as UTF-8; NUL and lone surrogates become U+FFFD. */
void text_utf16(struct text_buf *buf, const uint8_t *data, size_t units);
/* Length 1..4 of the well-formed UTF-8 sequence at @data, or 0. */
size_t text_utf8_sequence(const uint8_t *data, size_t size);
/*
 * How many bytes there are before the first that is not printable ASCII, or is a quotation mark
 * or a backslash: what is quickly seen to be harmless, and mostly all there is.
 */
size_t text_plain_bytes(const uint8_t *data, size_t size);
/* Is the well-formed sequence of @n bytes at @p a control character: C0, DEL or C1? */
bool text_is_control(const uint8_t *p, size_t n);
/* The bytes in lower-case hexadecimal. */
void text_hex(struct text_buf *buf, const uint8_t *data, size_t size);
/* The bytes as standard base64 with padding (RFC 4648, section 4). */
void text_base64(struct text_buf *buf, const uint8_t *data, size_t size);

/*
 * The string that an event of these types holds: EV_IPL, EV_ACTION, EV_EFI_ACTION,
 * EV_PLATFORM_CONFIG_FLAGS (the data), EV_EVENT_TAG (after tag and size),
 * EV_EFI_HANDOFF_TABLES2 and EV_EFI_PLATFORM_FIRMWARE_BLOB2 (after a length byte);
 * NULs at its end are not part of it. 0, or -ENOENT.
 */
int uefi_event_string(const struct aael_tcg2_entry *entry, const uint8_t **string, size_t *size);

/* UEFI_VARIABLE_DATA (PFP 1.05, 10.2.6), as slices of the event. */
struct uefi_variable {
	const uint8_t *guid; /* 16 bytes as they stand */
	const uint8_t *name; /* UTF-16LE */
	uint64_t name_units;
	const uint8_t *data;
	uint64_t data_size;
};

/* 0, or -ENOENT: another type, or lengths that do not fit the event. */
int uefi_event_variable(const struct aael_tcg2_entry *entry, struct uefi_variable *variable);

/*
 * UEFI_IMAGE_LOAD_EVENT (PFP 1.05, 10.2.3): the device path of an
 * EV_EFI_BOOT_SERVICES_APPLICATION or driver event. 0, or -ENOENT.
 */
int uefi_event_path(const struct aael_tcg2_entry *entry, const uint8_t **path, size_t *size);
/*
 * The next node of a device path as text, its bytes cut off @path. The text is
 * Trustee's: near UEFI 2.10, 10.6.1.6, but Pci has the function first. 1; 0 at the end node, the last byte, or a malformed node. Nodes of
 * kinds without a text of their own show as Path(type,subtype,hex).
 */
int uefi_path_next(const uint8_t **path, size_t *size, struct text_buf *buf);

#endif
