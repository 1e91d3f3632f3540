// SPDX-License-Identifier: Apache-2.0
/*
 * A TDX quote, little-endian:
 *
 *	header[48]: u16 version  u16 key type  u32 TEE type = 0x81  …
 *	version 5 only: u16 body type  u32 body size
 *	body: …  328: RTMR0 to RTMR3, 48 bytes each  520: report data[64] = 584 bytes or more
 *	u32 signature size  signature[]
 */
#include <errno.h>
#include <string.h>

#include "le.h"
#include "tdquote.h"

#define HEADER_BYTES 48
#define TYPE_AND_SIZE_BYTES 6
#define BODY_RTMR 328
#define BODY_DATA 520
#define BODY_BYTES 584
#define TEE_TYPE_TDX 0x81
/* Body types of version 5: TD report of TDX 1.0, of TDX 1.5. */
#define BODY_TDX_10 2
#define BODY_TDX_15 3

int aael_tdquote_parse(const uint8_t *quote, size_t size, struct aael_tdquote *out)
{
	const uint8_t *body = quote + HEADER_BYTES;
	uint16_t version, type;

	if (size < HEADER_BYTES + TYPE_AND_SIZE_BYTES + BODY_BYTES)
		return -EBADMSG;
	version = get16(quote);
	if ((version != 4 && version != 5) || get32(quote + 4) != TEE_TYPE_TDX)
		return -EBADMSG;
	if (version == 5) {
		type = get16(body);
		if ((type != BODY_TDX_10 && type != BODY_TDX_15) || get32(body + 2) < BODY_BYTES)
			return -EBADMSG;
		body += TYPE_AND_SIZE_BYTES;
	}
	memcpy(out->rtmrs, body + BODY_RTMR, sizeof(out->rtmrs));
	memcpy(out->report_data, body + BODY_DATA, sizeof(out->report_data));
	return 0;
}
