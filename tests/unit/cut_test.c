// SPDX-License-Identifier: Apache-2.0
/* Which prefix of a log is what was quoted. Expected values come from a chain of hashes here. */
#include <errno.h>

#include "cut.h"
#include "logbuild.h"

static const uint16_t sha384[] = { AAEL_ALG_SHA384, 0 };
static const uint16_t sha256[] = { AAEL_ALG_SHA256, 0 };

#define ENTRIES_MAX 8

/* A log, and after each of its entries its length and what all registers hold. */
static struct history {
	const uint16_t *alg;
	struct logbuild log;
	size_t count;
	size_t end[ENTRIES_MAX + 1];
	uint8_t value[ENTRIES_MAX + 1][AAEL_REGISTERS_MAX][64];
} h;

static struct aael_cut cut;
static struct aael_snapshot_register snapshot[2];
static uint32_t snapshot_count;

static void begin(const uint16_t *alg)
{
	memset(&h, 0, sizeof(h));
	h.alg = alg;
	put_header(&h.log, 0, alg);
	h.end[0] = h.log.size;
	/* DRTM PCRs. */
	for (unsigned int reg = 17; reg <= 22; reg++)
		memset(h.value[0][reg], 0xff, 64);
	snapshot_count = 0;
	memset(snapshot, 0, sizeof(snapshot));
}

static void extend(uint8_t *value, const char *text)
{
	uint8_t event[256] = "LEAA", digest[64];
	size_t n = strlen(text), size = aael_alg_by_id(*h.alg)->size;

	event[4] = (uint8_t)n;
	memcpy(event + 8, text, n);
	assert_int_equal(aael_alg_hash(*h.alg, event, 8 + n, "", 0, digest), size);
	assert_int_equal(aael_alg_hash(*h.alg, value, size, digest, size, value), size);
}

static void append(uint32_t reg, const char *text)
{
	assert_true(h.count < ENTRIES_MAX);
	put_aael(&h.log, reg, h.alg, text);
	memcpy(h.value[h.count + 1], h.value[h.count], sizeof(h.value[0]));
	extend(h.value[++h.count][reg], text);
	h.end[h.count] = h.log.size;
}

/* The register is in use at n1, after @entry entries. */
static void in_use(uint32_t reg, size_t entry)
{
	struct aael_snapshot_register *r = &snapshot[snapshot_count++];

	r->reg = reg;
	r->bank_count = 1;
	r->running[0].alg = *h.alg;
	r->running[0].size = aael_alg_by_id(*h.alg)->size;
	memcpy(r->running[0].value, h.value[entry][reg], r->running[0].size);
}

static int cut_bytes(bool tdx, uint64_t from, uint64_t to, const void *a, const void *b,
		     const uint8_t *digest, void *pcrs)
{
	struct aael_snapshot_register *registers = calloc(2, sizeof(*registers));
	struct aael_cut_range range = {
		.log = exact_copy(h.log.data, h.log.size),
		.size = h.log.size,
		.from = from,
		.to = to,
		.reg_count = snapshot_count,
		.registers = registers,
	};
	int ret;

	assert_non_null(registers);
	memcpy(registers, snapshot, sizeof(snapshot));
	ret = tdx ? aael_cut_tdx(&cut, &range, a) : aael_cut_tpm(&cut, &range, a, b, digest, pcrs);
	assert_int_equal(!!ret, !!*cut.error);
	free((void *)range.log);
	free(registers);
	return ret;
}

/* Between these numbers of entries. */
static int cut_tdx(size_t n1, size_t n2, uint8_t rtmrs[4][48])
{
	return cut_bytes(true, h.end[n1], h.end[n2], rtmrs, NULL, NULL, NULL);
}

static void assert_says(const char *part)
{
	if (!strstr(cut.error, part))
		fail_msg("\"%s\" does not say \"%s\"", cut.error, part);
}

static void assert_says_hex(const uint8_t *value, size_t size)
{
	char hex[129];

	aael_hex_encode(value, size, hex);
	assert_says(hex);
}

/* ---- TDX ---------------------------------------------------------------------- */

static void tdx_history(void)
{
	begin(sha384);
	append(1, "boot zero x");
	append(2, "boot one x");
	append(4, "a b 1"); /* n1: 3 */
	append(4, "a b 2");
	append(3, "foreign extend x");
	append(4, "a b 3"); /* n2: 6 */
	append(4, "a b 4"); /* after n2 */
}

/* The quote as of that number of entries. */
static void quote(uint8_t rtmrs[4][48], size_t entry)
{
	for (unsigned int n = 0; n < 4; n++)
		memcpy(rtmrs[n], h.value[entry][n + 1], 48);
}

static void tdx_finds_every_prefix(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	for (size_t at = 3; at <= 6; at++) {
		quote(rtmrs, at);
		assert_int_equal(cut_tdx(3, 6, rtmrs), 0);
		assert_int_equal(cut.bytes, h.end[at]);
		assert_int_equal(cut.entries, at);
	}
}

static void tdx_log_without_entries(void **state)
{
	uint8_t rtmrs[4][48] = { { 0 } };

	(void)state;
	begin(sha384);
	assert_int_equal(cut_tdx(0, 0, rtmrs), 0);
	assert_int_equal(cut.bytes, h.end[0]);
	assert_int_equal(cut.entries, 0);
}

static void tdx_looks_only_between_the_snapshots(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	quote(rtmrs, 2);
	assert_int_equal(cut_tdx(3, 6, rtmrs), -ENOENT);
	assert_says("RTMR3");
	quote(rtmrs, 7);
	assert_int_equal(cut_tdx(3, 6, rtmrs), -ENOENT);
	assert_says("RTMR3");
	assert_int_equal(cut_tdx(3, 7, rtmrs), 0);
}

static void tdx_names_the_register_and_both_values(void **state)
{
	static const char *const names[] = { "RTMR0", "RTMR1", "RTMR2", "RTMR3" };
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	for (unsigned int n = 0; n < 4; n++) {
		quote(rtmrs, 6);
		rtmrs[n][47] ^= 1;
		assert_int_equal(cut_tdx(3, 6, rtmrs), -ENOENT);
		assert_says(names[n]);
		assert_says_hex(rtmrs[n], 48);
		assert_says_hex(h.value[6][n + 1], 48);
	}
}

static void tdx_one_prefix_must_explain_all(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	quote(rtmrs, 6);
	memcpy(rtmrs[2], h.value[3][3], 48); /* RTMR2 as before its entry, RTMR3 as after */
	assert_int_equal(cut_tdx(3, 6, rtmrs), -ENOENT);
	assert_says("RTMR2");
	assert_says("RTMR3");
	assert_says("no part of the log");
}

/* The running values that the kernel tells do not excuse a log that does not replay. */
static void tdx_replays_from_zero(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	in_use(4, 3);
	quote(rtmrs, 5);
	assert_int_equal(cut_tdx(3, 6, rtmrs), 0);
	h.log.data[h.end[2] - 1] ^= 1; /* a text is not replayed */
	assert_int_equal(cut_tdx(3, 6, rtmrs), 0);
	h.log.data[h.end[2] + 12 + 2] ^= 1; /* the digest of "a b 1" is */
	assert_int_equal(cut_tdx(3, 6, rtmrs), -ENOENT);
	assert_says("RTMR3");
}

static void tdx_every_flipped_digest_is_noticed(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	quote(rtmrs, 6);
	for (size_t i = 0; i < 6; i++) {
		for (size_t byte = 0; byte < 48; byte++) {
			/* u32 register, type, count; u16 algorithm; digest */
			uint8_t *p = h.log.data + h.end[i] + 14 + byte;

			*p ^= 0x10;
			assert_int_equal(cut_tdx(3, 6, rtmrs), -ENOENT);
			*p ^= 0x10;
		}
	}
	assert_int_equal(cut_tdx(3, 6, rtmrs), 0);
}

static void malformed_logs(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	tdx_history();
	quote(rtmrs, 6);
	/* The snapshots lie within an entry, within the header, behind the log, the wrong way round. */
	assert_int_equal(cut_bytes(true, h.end[3] + 1, h.end[6], rtmrs, 0, 0, 0), -EBADMSG);
	assert_int_equal(cut_bytes(true, h.end[3], h.end[6] - 1, rtmrs, 0, 0, 0), -EBADMSG);
	assert_int_equal(cut_bytes(true, 5, h.end[6], rtmrs, 0, 0, 0), -EBADMSG);
	assert_int_equal(cut_bytes(true, h.end[3], h.log.size + 1, rtmrs, 0, 0, 0), -EBADMSG);
	assert_int_equal(cut_bytes(true, h.end[6], h.end[3], rtmrs, 0, 0, 0), -EBADMSG);
	h.log.data[h.end[4]] = 200; /* no such register */
	assert_int_equal(cut_tdx(3, 6, rtmrs), -EBADMSG);
	assert_says("replayed");
	h.log.data[h.end[4] + 8] = 99; /* digests */
	assert_int_equal(cut_tdx(3, 6, rtmrs), -EBADMSG);
	assert_says("malformed");
	h.log.data[32] ^= 1; /* the header's signature */
	assert_int_equal(cut_tdx(3, 6, rtmrs), -EBADMSG);
}

/* Register 0, type 0: to Trustee the end of the log, whatever follows. */
static void tdx_log_that_trustee_ends_early(void **state)
{
	uint8_t rtmrs[4][48];

	(void)state;
	begin(sha384);
	append(4, "a b 1");
	put_entry(&h.log, 0, 0, sha384, "x", 1);
	h.end[1] = h.log.size;
	quote(rtmrs, 1);
	assert_int_equal(cut_tdx(0, 1, rtmrs), 0);
	assert_int_equal(cut_tdx(1, 1, rtmrs), -EBADMSG);
}

/* ---- TPM ---------------------------------------------------------------------- */

static uint8_t before[24][32], after[24][32], quoted[24][32], pcrs[24][32];

/* All PCRs as of that number of entries. */
static void hold(uint8_t to[24][32], size_t entry)
{
	for (unsigned int n = 0; n < 24; n++)
		memcpy(to[n], h.value[entry][n], 32);
}

static void tpm_history(void)
{
	begin(sha256);
	append(14, "a b 1");
	append(14, "a b 2"); /* n1: 2 */
	append(14, "a b 3");
	append(9, "a b 4");  /* the first of PCR 9 */
	append(14, "a b 5"); /* n2: 5 */
	in_use(14, 2);
	hold(before, 2);
	hold(after, 5);
}

static int cut_tpm(void)
{
	uint8_t digest[64];

	assert_int_equal(aael_alg_hash(AAEL_ALG_SHA256, quoted, sizeof(quoted), "", 0, digest), 32);
	return cut_bytes(false, h.end[2], h.end[5], before, after, digest, pcrs);
}

static void tpm_finds_every_prefix(void **state)
{
	(void)state;
	tpm_history();
	for (size_t at = 2; at <= 5; at++) {
		hold(quoted, at);
		assert_int_equal(cut_tpm(), 0);
		assert_int_equal(cut.bytes, h.end[at]);
		assert_int_equal(cut.entries, at);
		assert_memory_equal(pcrs, quoted, sizeof(pcrs));
	}
	hold(quoted, 1);
	assert_int_equal(cut_tpm(), -EAGAIN);
}

/* A register whose base the boot log does not explain: n1 knows what it holds. */
static void tpm_starts_at_the_snapshots_values(void **state)
{
	uint8_t value[32] = { 7 };

	(void)state;
	tpm_history();
	memcpy(snapshot[0].running[0].value, value, 32);
	hold(quoted, 4);
	assert_int_equal(cut_tpm(), -ENOENT);
	memcpy(before[14], value, 32);
	assert_int_equal(cut_tpm(), -EAGAIN);
	extend(value, "a b 3");
	memcpy(quoted[14], value, 32);
	assert_int_equal(cut_tpm(), 0);
	assert_int_equal(cut.bytes, h.end[4]);
}

static void tpm_others_have_moved(void **state)
{
	(void)state;
	for (unsigned int n = 0; n <= AAEL_CUT_MOVED_MAX; n++) {
		tpm_history();
		for (unsigned int i = 0; i < n; i++)
			after[i][0] ^= 0x80;
		/* Every other one had moved when it was quoted. */
		hold(quoted, 3);
		for (unsigned int i = 0; i < n; i += 2)
			memcpy(quoted[i], after[i], 32);
		assert_int_equal(cut_tpm(), 0);
		assert_int_equal(cut.bytes, h.end[3]);
		assert_memory_equal(pcrs, quoted, sizeof(pcrs));
	}
	after[AAEL_CUT_MOVED_MAX][0] ^= 0x80;
	assert_int_equal(cut_tpm(), -EAGAIN);
	assert_says("0, 1, 2, 3, 4, 5, 6, 9, 14");
}

/* Moved twice within the quote: its value in between is not known. */
static void tpm_one_moves_twice(void **state)
{
	(void)state;
	tpm_history();
	hold(quoted, 3);
	quoted[10][0] = 1;
	after[10][0] = 2;
	assert_int_equal(cut_tpm(), -EAGAIN);
	assert_says("9, 10, 14");
}

static void tpm_is_where_the_log_is_not(void **state)
{
	(void)state;
	tpm_history();
	memset(before[14], 0xab, 32);
	hold(quoted, 5);
	memset(quoted[14], 0xab, 32);
	assert_int_equal(cut_tpm(), -ENOENT);
	memset(after[14], 0xab, 32);
	assert_int_equal(cut_tpm(), -ENOENT);
	assert_says("PCR 14");
	assert_says_hex(before[14], 32);
	assert_says_hex(h.value[5][14], 32);
}

static void tpm_every_flipped_bit_of_the_quote_is_noticed(void **state)
{
	(void)state;
	tpm_history();
	for (unsigned int n = 0; n < 24; n++) {
		for (unsigned int byte = 0; byte < 32; byte++) {
			hold(quoted, 4);
			quoted[n][byte] ^= 1;
			assert_int_equal(cut_tpm(), -EAGAIN);
		}
	}
	hold(quoted, 4);
	assert_int_equal(cut_tpm(), 0);
}

/* With no register in use, before the log is enabled, all are others. */
static void tpm_no_register_in_use(void **state)
{
	(void)state;
	begin(sha256);
	hold(before, 0);
	hold(after, 0);
	hold(quoted, 0);
	after[10][0] = quoted[10][0] = 1;
	for (unsigned int i = 0; i < 5; i++)
		h.end[i + 1] = h.end[0];
	assert_int_equal(cut_tpm(), 0);
	assert_int_equal(cut.bytes, h.end[0]);
	assert_memory_equal(pcrs, quoted, sizeof(pcrs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tdx_finds_every_prefix),
		cmocka_unit_test(tdx_log_without_entries),
		cmocka_unit_test(tdx_looks_only_between_the_snapshots),
		cmocka_unit_test(tdx_names_the_register_and_both_values),
		cmocka_unit_test(tdx_one_prefix_must_explain_all),
		cmocka_unit_test(tdx_replays_from_zero),
		cmocka_unit_test(tdx_every_flipped_digest_is_noticed),
		cmocka_unit_test(malformed_logs),
		cmocka_unit_test(tdx_log_that_trustee_ends_early),
		cmocka_unit_test(tpm_finds_every_prefix),
		cmocka_unit_test(tpm_starts_at_the_snapshots_values),
		cmocka_unit_test(tpm_others_have_moved),
		cmocka_unit_test(tpm_one_moves_twice),
		cmocka_unit_test(tpm_is_where_the_log_is_not),
		cmocka_unit_test(tpm_every_flipped_bit_of_the_quote_is_noticed),
		cmocka_unit_test(tpm_no_register_in_use),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
