// SPDX-License-Identifier: Apache-2.0
/* aaelctl verify ($AAELCTL): beside another log, evidence, quotes; which entry is named. */
#include <stdbool.h>

#include <tss2/tss2_mu.h>

#include "codec.h"
#include "ctlrun.h"
#include "logbuild.h"

static const uint16_t two[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };

static char folder[] = P_tmpdir "/aaelctl-verify.XXXXXX";
static char log_path[64], other_path[64], evidence_path[64];
static struct logbuild right;
static struct run r;

/* In TDX's registers: what TPMs' tests look at is one of them, too. */
#define OURS 4

static void build(struct logbuild *l, const char *entries)
{
	l->size = 0;
	put_header(l, 0, two);
	put_entry(l, 1, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	/* What the two rules differ about. */
	put_entry(l, 1, AAEL_EV_NO_ACTION, two, "nothing", 7);
	for (; *entries; entries++) {
		char text[] = "d op ?";

		text[5] = *entries;
		put_aael(l, OURS, two, text);
	}
}

static int prepare(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	snprintf(other_path, sizeof(other_path), "%s/other", folder);
	snprintf(evidence_path, sizeof(evidence_path), "%s/evidence", folder);
	build(&right, "12345");
	save(other_path, right.data, right.size);
	return 0;
}

static int tidy(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(other_path);
	unlink(evidence_path);
	return rmdir(folder);
}

static void assert_ends(int code, const char *const *says)
{
	assert_string_equal(r.err, "");
	for (; *says; says++)
		if (!strstr(r.out, *says))
			fail_msg("\"%s\" is not in %s", *says, r.out);
	assert_int_equal(r.code, code);
}

#define ENDS(code, ...) assert_ends(code, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- another log ------------------------------------------------------------------ */

static void against(const char *entries)
{
	struct logbuild l;

	build(&l, entries);
	save(log_path, l.data, l.size);
	RUN(&r, "verify", "--log", log_path, "--against", other_path);
}

static void against_another_log_the_entry_is_named(void **state)
{
	(void)state;
	against("12345");
	ENDS(0, "the log is that of ");
	against("12x45");
	ENDS(1, "entry 3 is altered (event), compared with ", "\n  here: 3 4 sha256:", " d op x\n",
	     "\n  there: 3 4 sha256:", " d op 3\n");
	against("1345");
	ENDS(1, "entry 2 is missing, compared with ", "there: 2 4 sha256:");
	against("15");
	ENDS(1, "entry 2 and 2 more are missing, compared with ");
	against("1x2345");
	ENDS(1, "entry 2 is extra, compared with ", "here: 2 4 sha256:");
	against("14325");
	ENDS(1, "entry 2 and entry 4 are swapped, compared with ");
	against("23415");
	ENDS(1, "entry 1 has been moved, compared with ");
	against("1234");
	ENDS(1, "entry 5 is missing at the end, compared with ");
	against("1234567");
	ENDS(1, "entry 6 and 1 more are extra at the end, compared with ");
}

static void an_altered_text_is_named_without_another_log(void **state)
{
	struct logbuild l = right;

	(void)state;
	l.data[l.size - 1]++;
	save(log_path, l.data, l.size);
	RUN(&r, "verify", "--log", log_path, "--against", log_path);
	ENDS(1, "entry 5: a digest is not that of its event\n");
	assert_null(strstr(r.out, "compared with"));
}

/* ---- values ----------------------------------------------------------------------- */

static const uint8_t *value_after(const char *entries, uint32_t reg, uint16_t alg)
{
	static struct aael_replay replay;
	struct aael_tcg2_error err;
	struct logbuild l;

	build(&l, entries);
	assert_int_equal(aael_replay_log(&replay, AAEL_RULE_TRUSTEE, l.data, l.size, &err), 0);
	return aael_replay_value(&replay, reg, alg);
}

static void a_register_that_stands_earlier(void **state)
{
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1], option[256];

	(void)state;
	aael_hex_encode(value_after("123", OURS, AAEL_ALG_SHA256), 32, hex);
	snprintf(option, sizeof(option), "sha256:4=%s", hex);
	RUN(&r, "verify", "--log", other_path, "--register", option);
	ENDS(1, "sha256:4: mismatch\n",
	     "  register: as after entry 3; nothing behind that is in it\n");
	aael_hex_encode(value_after("", OURS, AAEL_ALG_SHA256), 32, hex);
	snprintf(option, sizeof(option), "sha256:4=%s", hex);
	RUN(&r, "verify", "--log", other_path, "--register", option);
	ENDS(1, "  register: as before the first entry; nothing");
}

/* ---- evidence --------------------------------------------------------------------- */

/* Of the RTMRs after these entries. */
static size_t build_quote(uint8_t quote[1024], int version, const char *entries)
{
	size_t rtmr0 = version == 4 ? 376 : 382;

	memset(quote, 0, 1024);
	quote[0] = (uint8_t)version;
	quote[4] = 0x81;
	if (version == 5)
		memcpy(quote + 48, "\3\0\x88\2\0", 6);
	for (uint32_t n = 0; n < 4; n++)
		memcpy(quote + rtmr0 + 48 * n, value_after(entries, n + 1, AAEL_ALG_SHA384), 48);
	return 1024;
}

static void put_evidence(const char *format, const void *a, size_t a_size, const void *b,
			 size_t b_size)
{
	char *first = malloc(AAEL_BASE64_CHARS(a_size) + 1);
	char *second = malloc(AAEL_BASE64_CHARS(b_size) + 1);
	FILE *f = fopen(evidence_path, "w");

	assert_true(f && first && second);
	aael_base64_encode(a, a_size, first);
	aael_base64_encode(b, b_size, second);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	fprintf(f, format, first, second);
#pragma GCC diagnostic pop
	fclose(f);
	free(first);
	free(second);
}

#define TDX "{\"cc_eventlog\":\"%s\",\"quote\":\"%s\"}"

static void evidence_of_tdx(void **state)
{
	uint8_t quote[1024];
	size_t size;

	(void)state;
	for (int version = 4; version <= 5; version++) {
		size = build_quote(quote, version, "12345");
		put_evidence(TDX, right.data, right.size, quote, size);
		RUN(&r, "verify", "--evidence", evidence_path);
		ENDS(0, "signature: not checked\n", "sha384:1: match\n", "sha384:2: match\n",
		     "sha384:3: match\n", "sha384:4: match\n");
		save(log_path, quote, size);
		RUN(&r, "verify", "--quote", log_path, "--log", other_path);
		ENDS(0, "signature: not checked\n", "sha384:1: match\n", "sha384:4: match\n");
		size = build_quote(quote, version, "1234");
		put_evidence(TDX, right.data, right.size, quote, size);
		RUN(&r, "verify", "--evidence", evidence_path);
		ENDS(1, "sha384:1: match\n", "sha384:4: mismatch\n", "as after entry 4;");
	}
}

static void evidence_from_standard_input_and_without_log(void **state)
{
	static char json[4096];
	uint8_t quote[1024];
	FILE *f;

	(void)state;
	build_quote(quote, 4, "");
	memset(quote + 376, 0, 192);
	put_evidence("{\"quote\":\"%s\",\"cc_eventlog\":null%.0s}", quote, sizeof(quote), "", 0);
	f = fopen(evidence_path, "r");
	assert_non_null(f);
	json[fread(json, 1, sizeof(json) - 1, f)] = '\0';
	fclose(f);
	run(&r, json, (const char *const[]){ "verify", "-e", "-", NULL });
	ENDS(0, "sha384:1: match\n", "sha384:4: match\n");
	/* Another log than the one in it. */
	run(&r, json, (const char *const[]){ "verify", "-e", "-", "-l", other_path, NULL });
	ENDS(1, "sha384:2: match\n", "sha384:4: mismatch\n", "as before the first entry");
}

/* The TPM's part of evidence; @change: "message", "pcrs", "selection" or "". */
static void put_tpm_evidence(const char *entries, const char *change)
{
	TPMS_ATTEST attest = { .magic = TPM2_GENERATED_VALUE, .type = TPM2_ST_ATTEST_QUOTE };
	TPMS_PCR_SELECTION *s = attest.attested.quote.pcrSelect.pcrSelections;
	TPM2B_DIGEST *digest = &attest.attested.quote.pcrDigest;
	static char format[4096];
	uint8_t pcrs[24][32], message[1024];
	size_t size = 0;

	for (uint32_t pcr = 0; pcr < 24; pcr++)
		memset(pcrs[pcr], (int)pcr, 32);
	memcpy(pcrs[OURS], value_after(entries, OURS, AAEL_ALG_SHA256), 32);
	attest.attested.quote.pcrSelect.count = 1;
	s->hash = TPM2_ALG_SHA256;
	s->sizeofSelect = 3;
	memset(s->pcrSelect, 0xff, 3);
	s->pcrSelect[2] = *change == 's' ? 0xfe : 0xff;
	digest->size = 32;
	aael_alg_hash(AAEL_ALG_SHA256, pcrs, sizeof(pcrs), "", 0, digest->buffer);
	digest->buffer[31] ^= *change == 'm';
	pcrs[9][0] ^= *change == 'p';
	assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(&attest, message, sizeof(message), &size), 0);
	strcpy(format, "{\"tpm_quote\":{\"signature\":\"\",\"message\":\"%s\",\"pcrs\":[");
	for (int pcr = 0; pcr < 24; pcr++) {
		char hex[65];

		aael_hex_encode(pcrs[pcr], 32, hex);
		sprintf(format + strlen(format), "%s\"%s\"", pcr ? "," : "", hex);
	}
	strcat(format, "]},\"ak_public\":\"\",\"cc_eventlog\":\"%s\"}");
	put_evidence(format, message, size, right.data, right.size);
	RUN(&r, "verify", "--evidence", evidence_path);
}

/* The page about the evidence. */
static void assert_report_says(int code, const char *text)
{
	static char page[65536];
	FILE *f;

	RUN(&r, "report", "--evidence", evidence_path, "--output", log_path);
	assert_int_equal(r.code, code);
	f = fopen(log_path, "r");
	assert_non_null(f);
	slurp(f, page, sizeof(page));
	if (!strstr(page, text))
		fail_msg("\"%s\" is not in %s", text, page);
}

static void evidence_of_a_tpm(void **state)
{
	(void)state;
	put_tpm_evidence("12345", "");
	ENDS(0, "signature: not checked\npcrDigest: match\nsha256:4: match\n");
	assert_report_says(0, "VERIFIED</strong> The log replays to every value");
	assert_report_says(0, "Not compared with anything: register 1.</b>");
	assert_null(strstr(r.out, "sha256:1:"));
	put_tpm_evidence("1234", "");
	ENDS(1, "pcrDigest: match\nsha256:4: mismatch\n", "as after entry 4;");
	put_tpm_evidence("12345", "message");
	ENDS(1, "pcrDigest: mismatch\nsha256:4: match\n");
	assert_report_says(1, "NOT VERIFIED: IT DOES NOT FIT");
	assert_report_says(1, "<pre>signature: not checked\npcrDigest: mismatch\n");
	put_tpm_evidence("12345", "pcrs");
	ENDS(1, "pcrDigest: mismatch\nsha256:4: match\n");
	put_tpm_evidence("12345", "selection");
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl verify: the evidence: tpm_quote: message: no quote of "
				   "PCR 0 to 23 of sha256\n");
}

static void what_is_no_evidence(void **state)
{
	static const char *const rows[][2] = {
		{ "", "the evidence: " },
		{ "[]", "neither quote nor tpm_quote" },
		{ "{\"svn\":\"1\",\"report_data\":\"\"}", "neither quote nor tpm_quote" },
		{ "{\"quote\":1}", "quote" },
		{ "{\"quote\":\"AAAA\"}", "quote: no TDX quote of version 4 or 5" },
		{ "{\"quote\":\"AAA\"}", "quote: no base64" },
		{ "{\"quote\":\"AAAA\",\"cc_eventlog\":\"=\"}", "cc_eventlog: no base64" },
		{ "{\"tpm_quote\":\"\"}", "pcrs are not 24" },
		{ "{\"tpm_quote\":{\"pcrs\":[1]}}", "pcrs are not 24" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(&r, rows[i][0], (const char *const[]){ "verify", "-e", "-", NULL });
		assert_int_equal(r.code, 3);
		assert_string_equal(r.out, "");
		if (!strstr(r.err, rows[i][1]))
			fail_msg("row %zu says %s", i, r.err);
	}
	run(&r, "junk", (const char *const[]){ "verify", "-q", "-", "-l", other_path, NULL });
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "no TDX quote of version 4 or 5"));
}

static void one_source_of_values(void **state)
{
	static const char *const rows[][4] = {
		{ "-e", "x", "-q", "x" }, { "-e", "x", "-i", "17" }, { "-q", "x", "-i", "17" },
		{ "-e", "-", "-l", "-" }, { "-a", "-", "-l", "-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN(&r, "verify", rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
		assert_int_equal(r.code, 2);
		assert_string_equal(r.out, "");
	}
}

/* Real logs, and the values of all RTMRs that their vectors list. */
static void the_values_of_real_logs(void **state)
{
	static const struct {
		const char *name, *values[4];
	} rows[] = {
		{ "CCEL_data_ovmf",
		  {
			  "sha384:1="
			  "8566f998798db09443b244c62de9a3041fb02e2e6936c439"
			  "6d784bba2e90177329ec5aba3bb484404f2ab9cc90abe193",
			  "sha384:2="
			  "775b9f6bfe99f8a31396f0d0218e67ffa796d3b96ccf961c"
			  "bb0deba48c79c00f082cda1a5567c1c16305f1fc210c13c6",
			  "sha384:3="
			  "94eaf7a7bf398ed8d888c91057ae0261802e4f3df084213a"
			  "76ca7f0b5055ac9d2241de43cd58d9e8b49c503bbf25f34a",
			  "sha384:4="
			  "000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000",
		  } },
		{ "CCEL_data_grub",
		  {
			  "sha384:1="
			  "cec0a104f691f60da2387fea3c2de00c4ac035e2bb479ff0"
			  "2edcce69039d9e9907f0b3e55031da3dc7038f423adebd79",
			  "sha384:2="
			  "6c289e0c62182d41ebe97bdbc9872d10998a08eaa86adcdc"
			  "684001a363207ee72942c7522cdf00a4bbc3d784bed7b670",
			  "sha384:3="
			  "08919d017ba0e52cd6d966351c7de16fe76c1d3d3d3da455"
			  "4239e4c7d16cb8b82a94e7eaea3a0e6e18eb690b999fd31e",
			  "sha384:4="
			  "000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000",
		  } },
	};
	const char *vectors = getenv("AAEL_VECTORS");
	char path[4096];

	(void)state;
	if (!vectors || !*vectors) {
		print_message("# skipped: AAEL_VECTORS does not name the vectors' folder\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const *values = rows[i].values;

		snprintf(path, sizeof(path), "%s/ccel/%s", vectors, rows[i].name);
		RUN(&r, "verify", "-l", path, "-r", values[0], "-r", values[1], "-r", values[2],
		    "-r", values[3], "--rule", "trustee");
		ENDS(0, "sha384:1: match\n", "sha384:2: match\n", "sha384:3: match\n",
		     "sha384:4: match\n");
		for (int n = 0; n < 4; n++)
			ENDS(0, strchr(values[n], '=') + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_another_log_the_entry_is_named),
		cmocka_unit_test(an_altered_text_is_named_without_another_log),
		cmocka_unit_test(a_register_that_stands_earlier),
		cmocka_unit_test(evidence_of_tdx),
		cmocka_unit_test(evidence_from_standard_input_and_without_log),
		cmocka_unit_test(evidence_of_a_tpm),
		cmocka_unit_test(what_is_no_evidence),
		cmocka_unit_test(one_source_of_values),
		cmocka_unit_test(the_values_of_real_logs),
	};

	return cmocka_run_group_tests_name("ctlverify", tests, prepare, tidy);
}
