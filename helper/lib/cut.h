/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cut to the quote: events may be logged while a quote is made. Which prefix of the log
 * replays to the values inside the quote? Pure: bytes in, a length out.
 *
 *	snapshot n1; quote; snapshot n2; read the log
 *	aael_cut_tdx(&cut, &range, rtmrs);	send the first cut.bytes bytes
 *
 * Prefixes from n1 to n2 are looked at, no others: one that is shorter would leave out an
 * entry that was acknowledged before the quote was asked for.
 */
#ifndef AAEL_LIB_CUT_H
#define AAEL_LIB_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libaael.h"

#define AAEL_CUT_RTMRS 4
#define AAEL_CUT_RTMR_BYTES 48
#define AAEL_CUT_PCRS 24
#define AAEL_CUT_PCR_BYTES 32 /* SHA-256 */
/* Each of these doubles the combinations. */
#define AAEL_CUT_MOVED_MAX 6
#define AAEL_CUT_ERROR_BYTES 512

/* The log, and between which two snapshots of it the quote was made. */
struct aael_cut_range {
	const uint8_t *log; /* from its beginning, at least to @to */
	size_t size;
	uint64_t from;	    /* n1: aael_snapshot.bytes */
	uint64_t to;	    /* n2 */
	uint32_t reg_count; /* n1's registers; none: their values come from the log */
	const struct aael_snapshot_register *registers;
};

struct aael_cut {
	size_t bytes;			  /* of the log, its header included */
	uint64_t entries;		  /* in them */
	char error[AAEL_CUT_ERROR_BYTES]; /* why not; "" on success */
};

/*
 * All of RTMR 0 to 3, in the quote at @rtmrs, must be explained by one prefix, replayed as
 * Trustee does: from zero, everything extended. So n1's values are not needed.
 * 0 and @cut; -ENOENT: no prefix explains them, @cut->error names a register and both values,
 * or two registers that are explained by different prefixes only; -EBADMSG: the log is
 * malformed or does not reach to n1 or n2; -ENOMEM, -EOPNOTSUPP as aael_alg_hash().
 */
int aael_cut_tdx(struct aael_cut *cut, const struct aael_cut_range *range,
		 const uint8_t rtmrs[AAEL_CUT_RTMRS][AAEL_CUT_RTMR_BYTES]);

/*
 * @before, @after: the PCRs of the SHA-256 bank, read one after another before and after the
 * quote, both between the snapshots. @digest: pcrDigest of the quote, the SHA-256 of all.
 * A PCR of ours (in use at n1, or with an entry between n1 and n2) has a value that a prefix
 * explains, from n1's on; another one that moved has its value before or after, and at most
 * AAEL_CUT_MOVED_MAX of them may have moved. *@pcrs become the combination that was quoted.
 * 0 and @cut; -EAGAIN: no combination, quote once more, @cut->error names the PCRs that moved;
 * -ENOENT: before the quote a PCR of ours had a value that no prefix explains, so it will be no
 * better, @cut->error names it and both values; others as aael_cut_tdx().
 */
int aael_cut_tpm(struct aael_cut *cut, const struct aael_cut_range *range,
		 const uint8_t before[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES],
		 const uint8_t after[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES],
		 const uint8_t digest[AAEL_CUT_PCR_BYTES],
		 uint8_t pcrs[AAEL_CUT_PCRS][AAEL_CUT_PCR_BYTES]);

#endif
