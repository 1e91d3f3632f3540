/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of interest of a TDX quote. */
#ifndef AAEL_LIB_TDQUOTE_H
#define AAEL_LIB_TDQUOTE_H

#include <stddef.h>
#include <stdint.h>

#define AAEL_TDQUOTE_RTMRS 4
#define AAEL_TDQUOTE_RTMR_BYTES 48
#define AAEL_TDQUOTE_DATA_BYTES 64

struct aael_tdquote {
	uint8_t rtmrs[AAEL_TDQUOTE_RTMRS][AAEL_TDQUOTE_RTMR_BYTES];
	uint8_t report_data[AAEL_TDQUOTE_DATA_BYTES];
};

/*
 * 0, or -EBADMSG: not a quote of version 4 or 5 (Intel TDX DCAP: Quote Generation Library and
 * Quote Verification Library, appendix A) of a TDX guest, or cut short. No signature is checked.
 */
int aael_tdquote_parse(const uint8_t *quote, size_t size, struct aael_tdquote *out);

#endif
