/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and layouts of TDX: status codes, leaves and TDREPORT from Intel's "TDX Module ABI
 * Specification", hypercalls from the "Guest-Hypervisor Communication Interface", the quote
 * from the "TDX DCAP Quoting Library API", appendix 3. All little-endian.
 *
 * They are repeated here, since their spelling and their place differ between kernels.
 */
#ifndef _TDXEMUL_ABI_H
#define _TDXEMUL_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* TDCALL leaves, in RAX */
#define LEAF_VMCALL		0
#define LEAF_INFO		1
#define LEAF_RTMR_EXTEND	2
#define LEAF_VEINFO_GET		3
#define LEAF_MR_REPORT		4
#define LEAF_PAGE_ACCEPT	6
#define LEAF_VM_RD		7
#define LEAF_VM_WR		8

/* TDCALL status, in RAX; the low half names the operand. */
#define STATUS_SUCCESS		0ULL
#define STATUS_INVALID_OPERAND	0xc000010000000000ULL
#define STATUS_OPERAND_BUSY	0x8000020000000000ULL
#define STATUS_NO_VE_INFO	0xc000070400000000ULL
#define OPERAND_RAX		0
#define OPERAND_RCX		1
#define OPERAND_RDX		2
#define OPERAND_R8		8
#define OPERAND_RTMR		64

/* Hypercalls, in R11 when R10 is 0 */
#define VMCALL_GET_INFO		0x10000
#define VMCALL_MAP_GPA		0x10001
#define VMCALL_GET_QUOTE	0x10002

/* Their status, in R10 */
#define VMCALL_SUCCESS		0ULL
#define VMCALL_RETRY		1ULL
#define VMCALL_INVALID_OPERAND	0x8000000000000000ULL
#define VMCALL_ALIGN_ERROR	0x8000000000000002ULL
#define VMCALL_UNSUPPORTED	0x8000000000000003ULL

/* GetQuote: state of a request, in its header */
#define QUOTE_DONE		0ULL
#define QUOTE_UNAVAILABLE	0x8000000000000001ULL
#define QUOTE_IN_FLIGHT		0xffffffffffffffffULL

#define DIGEST_BYTES		48	/* SHA-384 */
#define REPORT_DATA_BYTES	64
#define RTMRS			4

#define TEE_TYPE_TDX		0x81

/* TEE_TCB_INFO */
struct tcb_info {
	__le64 valid;
	u8 tee_tcb_svn[16];
	u8 mrseam[DIGEST_BYTES];
	u8 mrsignerseam[DIGEST_BYTES];
	__le64 attributes;
	u8 reserved[111];
} __packed;
static_assert(sizeof(struct tcb_info) == 239);

/* TDINFO_STRUCT */
struct td_info {
	__le64 attributes;
	__le64 xfam;
	u8 mrtd[DIGEST_BYTES];
	u8 mrconfigid[DIGEST_BYTES];
	u8 mrowner[DIGEST_BYTES];
	u8 mrownerconfig[DIGEST_BYTES];
	u8 rtmr[RTMRS][DIGEST_BYTES];
	u8 servtd_hash[DIGEST_BYTES];
	u8 reserved[64];
} __packed;
static_assert(sizeof(struct td_info) == 512);

/* TDREPORT_STRUCT: the first half is REPORTMACSTRUCT and the TCB */
struct td_report {
	u8 type[4];		/* TEE_TYPE_TDX, subtype, version */
	u8 reserved0[12];
	u8 cpusvn[16];
	u8 tcb_info_hash[DIGEST_BYTES];
	u8 td_info_hash[DIGEST_BYTES];
	u8 report_data[REPORT_DATA_BYTES];
	u8 reserved1[32];
	u8 mac[32];
	struct tcb_info tcb;
	u8 reserved2[17];
	struct td_info td;
} __packed;
static_assert(sizeof(struct td_report) == 1024);
static_assert(offsetof(struct td_report, report_data) == 128);
static_assert(offsetof(struct td_report, td.rtmr) == 720);

/* The shared buffer of GetQuote: a report in, a quote out, in the same place. */
struct quote_request {
	__le64 version;		/* 1 */
	__le64 status;
	__le32 in_len;
	__le32 out_len;
	u8 data[];
};

static_assert(sizeof(struct quote_request) == 24);

struct quote_header {
	__le16 version;		/* 4 */
	__le16 key_type;	/* 2: ECDSA with P-256 */
	__le32 tee_type;
	__le32 reserved;
	u8 qe_vendor[16];
	u8 user_data[20];
} __packed;
static_assert(sizeof(struct quote_header) == 48);

struct quote_body {
	u8 tee_tcb_svn[16];
	u8 mrseam[DIGEST_BYTES];
	u8 mrsignerseam[DIGEST_BYTES];
	__le64 seam_attributes;
	u8 td[offsetof(struct td_info, servtd_hash)];
	u8 report_data[REPORT_DATA_BYTES];
} __packed;
static_assert(sizeof(struct quote_body) == 584);

/* Signature and key of 64 bytes each, type and length of a certificate of none */
#define QUOTE_SIGNATURE_BYTES	134

struct quote {
	struct quote_header header;
	struct quote_body body;
	__le32 signature_len;
	u8 signature[QUOTE_SIGNATURE_BYTES];
} __packed;
static_assert(sizeof(struct quote) == 770);

#endif /* _TDXEMUL_ABI_H */
