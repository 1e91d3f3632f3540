// SPDX-License-Identifier: Apache-2.0
/* aaelctl ($AAELCTL) on saved logs: exit codes, and what goes to which stream. */
#include <stdbool.h>

#include "ctlrun.h"
#include "logbuild.h"

static const uint16_t two[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };

#define DOMAIN_SHA256 "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351"

static char folder[] = P_tmpdir "/aaelctl-test.XXXXXX";
static char log_path[64], broken_path[64], events_path[64];
static char right_256[160], right_384[160], wrong_256[160];

static void sample(struct logbuild *l, bool header)
{
	l->size = 0;
	if (header) {
		put_header(l, 0, two);
		put_entry(l, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	}
	put_aael(l, 14, two, "domain operation content");
}

static int prepare(void **state)
{
	static struct logbuild l;
	struct aael_tcg2_error err;
	static struct aael_replay v;
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	snprintf(broken_path, sizeof(broken_path), "%s/broken", folder);
	snprintf(events_path, sizeof(events_path), "%s/events", folder);
	sample(&l, false);
	save(events_path, l.data, l.size);
	sample(&l, true);
	save(log_path, l.data, l.size);
	save(broken_path, l.data, l.size - 1);
	assert_int_equal(aael_replay_log(&v, AAEL_RULE_HARDWARE, l.data, l.size, &err), 0);
	aael_hex_encode(aael_replay_value(&v, 14, AAEL_ALG_SHA256), 32, hex);
	snprintf(right_256, sizeof(right_256), "sha256:14=%s", hex);
	snprintf(wrong_256, sizeof(wrong_256), "sha256:13=%s", hex);
	aael_hex_encode(aael_replay_value(&v, 14, AAEL_ALG_SHA384), 48, hex);
	snprintf(right_384, sizeof(right_384), "sha384:14=%s", hex);
	return 0;
}

static int tidy(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(broken_path);
	unlink(events_path);
	return rmdir(folder);
}

static void verify_matches(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "verify", "--log", log_path, "--register", right_256, "-r", right_384);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.err, "");
	assert_memory_equal(r.out, "sha256:14: match\n  register: ", 29);
	assert_non_null(strstr(r.out, "sha384:14: match\n"));
	RUN(&r, "verify", "--log", events_path, "--register", right_256, "--rule", "trustee");
	assert_int_equal(r.code, 0);
}

static void verify_mismatch_is_1_and_shows_both(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "verify", "--log", log_path, "-r", right_256, "-r", wrong_256);
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.out, "sha256:14: match\n"));
	assert_non_null(strstr(r.out, "sha256:13: mismatch\n"));
	assert_non_null(strstr(r.out, "replayed: 00000000"));
}

static void wrong_usage_is_2_and_says_what(void **state)
{
	static const struct {
		const char *args[6];
		const char *says;
	} cases[] = {
		{ { NULL }, "usage:" },
		{ { "destroy" }, "there is no verb \"destroy\"" },
		{ { "verify", "-r", "sha256:14" }, "is not ALG:REGISTER=HEX" },
		{ { "verify", "-r", "md5:14=00" }, "\"md5\" is not a known algorithm" },
		{ { "verify", "-r", "sha256:14=00" }, "64 hexadecimal digits" },
		{ { "verify", "-r", "sha256:24=00" }, "\"24\" is not a number from 0 to 23" },
		{ { "verify", "--rule", "none" }, "hardware or trustee" },
		{ { "verify", "operand" }, "takes no operand" },
		{ { "log", "--format", "xml" }, "text, json, jsonl, tcg2 or yaml" },
		{ { "log", "--bogus" }, "--bogus" },
		{ { "log", "--follow", "--log", "x" }, "--follow is for the live log" },
		{ { "log", "-F", "-f", "json" }, "--follow prints text, jsonl or yaml" },
		{ { "log", "-F", "-f", "tcg2" }, "--follow prints text, jsonl or yaml" },
		{ { "status", "--json=1" }, "--json" },
		{ { "append", "only", "two" }, "three operands" },
		{ { "append", "-i", "-1", "a", "b", "c" }, "\"-1\" is not a number" },
		{ { "append", "--once=1", "a", "b", "c" }, "--once" },
		{ { "enable", "--index", "x" }, "\"x\" is not a number" },
		{ { "status", "now" }, "takes no operand" },
		{ { "handover" }, "export, unseal, release, import or upgrade" },
		{ { "handover", "seal" }, "export, unseal, release, import or upgrade" },
		{ { "handover", "export" }, "takes the operand DIR" },
		{ { "handover", "import", "a", "b" }, "takes the operand DIR" },
		{ { "handover", "unseal", "a" }, "takes no such operand" },
		{ { "handover", "upgrade", "a", "b" }, "takes no such operand" },
		{ { "handover", "release", "a", "--force" }, "--force is for export" },
		{ { "handover", "export", "a", "--dir", "b" }, "--dir and --fallback for upgrade" },
		{ { "handover", "upgrade", "--remove" }, "--remove for import" },
		{ { "initdata" }, "takes two operands" },
		{ { "initdata", "pack" }, "takes two operands" },
		{ { "initdata", "wrap", "x" }, "the first operand is pack, unpack or digest" },
		{ { "initdata", "pack", "-f", "disk", "x" }, "annotation, block or file" },
		{ { "initdata", "digest", "-r", "tpm", "x" }, "the register is tdx" },
		{ { "initdata", "digest", "-k", "aa.toml", "x" }, "--key for unpack" },
		{ { "initdata", "-f", "block", "-k", "a", "pack" }, "--key for unpack" },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *args[7] = {};

		memcpy(args, cases[i].args, sizeof(cases[i].args));
		run(&r, NULL, args);
		assert_int_equal(r.code, 2);
		assert_string_equal(r.out, "");
		if (!strstr(r.err, cases[i].says))
			fail_msg("case %zu says: %s", i, r.err);
	}
}

static void unreadable_is_3_and_says_what(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "verify", "--log", "/nonexistent", "-r", right_256);
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl verify: /nonexistent: No such file or directory\n");
	RUN(&r, "verify", "--log", broken_path, "-r", right_256);
	assert_int_equal(r.code, 3);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "malformed at byte "));
	RUN(&r, "log", "--log", broken_path);
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.out, "EV_SEPARATOR\n"));
	assert_non_null(strstr(r.err, "the event reaches past the end"));
}

static void log_in_each_format(void **state)
{
	static struct logbuild l;
	struct run r;

	(void)state;
	RUN(&r, "log", "--log", log_path);
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "\n1 14 sha256:" DOMAIN_SHA256 ",sha384:"));
	assert_non_null(strstr(r.out, " domain operation content\n"));
	RUN(&r, "log", "--log", log_path, "--format", "json", "--own");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "\"digest\":\t\"" DOMAIN_SHA256 "\""));
	assert_null(strstr(r.out, "EV_SEPARATOR"));
	RUN(&r, "log", "--log", log_path, "--format", "tcg2");
	sample(&l, true);
	assert_int_equal(r.out_size, l.size);
	assert_memory_equal(r.out, l.data, l.size);
	RUN(&r, "log", "--log", log_path, "--format", "tcg2", "--own");
	sample(&l, false);
	assert_int_equal(r.out_size, l.size);
	assert_memory_equal(r.out, l.data, l.size);
}

static void log_from_standard_input(void **state)
{
	struct run r;

	(void)state;
	run(&r, "junk", (const char *const[]){ "log", "--log", "-", NULL });
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "malformed at byte 0: too short for an entry"));
	run(&r, "", (const char *const[]){ "log", "--log", "-", NULL });
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "");
}

static void help_and_version_go_to_stdout(void **state)
{
	static const char *const verbs[] = { "status", "enable",   "append",   "log", "verify",
					     "report", "handover", "initdata", "tpm" };
	struct run r;

	(void)state;
	RUN(&r, "--version");
	assert_int_equal(r.code, 0);
	assert_memory_equal(r.out, "aaelctl ", 8);
	RUN(&r, "--help");
	assert_int_equal(r.code, 0);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct run h;

		assert_non_null(strstr(r.out, verbs[i]));
		RUN(&h, verbs[i], "--help");
		assert_int_equal(h.code, 0);
		assert_string_equal(h.err, "");
		assert_non_null(strstr(h.out, verbs[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_matches),
		cmocka_unit_test(verify_mismatch_is_1_and_shows_both),
		cmocka_unit_test(wrong_usage_is_2_and_says_what),
		cmocka_unit_test(unreadable_is_3_and_says_what),
		cmocka_unit_test(log_in_each_format),
		cmocka_unit_test(log_from_standard_input),
		cmocka_unit_test(help_and_version_go_to_stdout),
	};

	return cmocka_run_group_tests_name("ctl", tests, prepare, tidy);
}
