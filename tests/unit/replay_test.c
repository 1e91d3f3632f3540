// SPDX-License-Identifier: Apache-2.0
/* Replay by both rules, on logs made here and on real ones. */
#include <errno.h>

#include "logbuild.h"

static const uint16_t two[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };
static const uint16_t one[] = { AAEL_ALG_SHA1, 0 };

static int replay(const struct logbuild *l, enum aael_rule rule, struct aael_replay *v)
{
	uint8_t *copy = exact_copy(l->data, l->size);
	struct aael_tcg2_error err;
	int ret = aael_replay_log(v, rule, copy, l->size, &err);

	assert_int_equal(!!ret, !!err.reason);
	free(copy);
	return ret;
}

/* H(…H(H(start ‖ H(e1)) ‖ H(e2))…), computed apart from the library's replay. */
static void chain(uint16_t alg, uint8_t *value, const char *text)
{
	uint8_t event[512], digest[64];
	uint32_t n = (uint32_t)strlen(text);

	memcpy(event, "LEAA", 4);
	for (int i = 0; i < 4; i++)
		event[4 + i] = (uint8_t)(n >> 8 * i);
	memcpy(event + 8, text, n);
	assert_true(aael_alg_hash(alg, event, 8 + n, "", 0, digest) > 0);
	assert_true(aael_alg_hash(alg, value, aael_alg_by_id(alg)->size, digest,
				  aael_alg_by_id(alg)->size, value) > 0);
}

static void our_entries_extend_every_bank(void **state)
{
	struct logbuild l = {};
	struct aael_replay v;
	uint8_t want[2][64] = {};

	(void)state;
	put_header(&l, 0, two);
	put_aael(&l, 14, two, "domain operation content");
	put_aael(&l, 14, two, "a b c");
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	for (int i = 0; i < 2; i++) {
		chain(two[i], want[i], "domain operation content");
		chain(two[i], want[i], "a b c");
		assert_memory_equal(aael_replay_value(&v, 14, two[i]), want[i],
				    aael_alg_by_id(two[i])->size);
		assert_true(aael_replay_touched(&v, 14, two[i]));
	}
	assert_false(aael_replay_touched(&v, 14, AAEL_ALG_SHA1));
	assert_false(aael_replay_touched(&v, 13, AAEL_ALG_SHA256));
	assert_null(aael_replay_value(&v, 24, AAEL_ALG_SHA256));
	assert_null(aael_replay_value(&v, 0, 0x1234));
}

/* Constant made with: printf of 32 zero bytes and the check vector | sha256sum */
static void one_extend_has_a_known_value(void **state)
{
	struct logbuild l = {};
	struct aael_replay v;

	(void)state;
	put_aael(&l, 14, two, "domain operation content");
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	assert_hex(aael_replay_value(&v, 14, AAEL_ALG_SHA256), 32,
		   "14adddd6f695b5ea739479ff662bed8ae19b3051977f2cc16a2ee32a719e6032");
	assert_hex(aael_replay_value(&v, 14, AAEL_ALG_SHA384), 48,
		   "82d3f7a4203f58dafe0519eb5e9f645339cda127418c62d4b0270d790ab6ff3c"
		   "38783523613a7a9f610e7ba004788c26");
}

static void hardware_skips_no_action_and_starts_at_the_locality(void **state)
{
	struct logbuild l = {};
	struct aael_replay v;
	uint8_t want[64] = {};

	(void)state;
	put_header(&l, 0, one);
	put_entry(&l, 0, AAEL_EV_NO_ACTION, one, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	want[19] = 3;
	assert_memory_equal(aael_replay_value(&v, 0, AAEL_ALG_SHA1), want, 20);
	assert_false(aael_replay_touched(&v, 0, AAEL_ALG_SHA1));
	put_aael(&l, 0, one, "a b c");
	put_entry(&l, 0, AAEL_EV_NO_ACTION, one, "StartupLocality\0\4", 17);
	put_entry(&l, 0xffffffff, AAEL_EV_NO_ACTION, one, "x", 1);
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	chain(AAEL_ALG_SHA1, want, "a b c");
	assert_memory_equal(aael_replay_value(&v, 0, AAEL_ALG_SHA1), want, 20);
}

/* As in the kernel: the event is the signature and one byte, nothing else. */
static void other_no_action_is_no_locality(void **state)
{
	static const uint8_t zero[20];
	struct logbuild l = {};
	struct aael_replay v;

	(void)state;
	put_header(&l, 0, one);
	put_entry(&l, 0, AAEL_EV_NO_ACTION, one, "StartupLocality\0", 16);
	put_entry(&l, 0, AAEL_EV_NO_ACTION, one, "StartupLocality\0\3x", 18);
	put_entry(&l, 0, AAEL_EV_NO_ACTION, one, "StartupLocalitx\0\3", 17);
	put_entry(&l, 1, AAEL_EV_NO_ACTION, one, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	assert_memory_equal(aael_replay_value(&v, 0, AAEL_ALG_SHA1), zero, 20);
	assert_memory_equal(aael_replay_value(&v, 1, AAEL_ALG_SHA1), zero, 20);
}

/* Until a dynamic launch resets them, which Linux does not: all bits set. */
static void hardware_starts_pcrs_17_to_22_with_ones(void **state)
{
	static const uint8_t zero[64];
	struct logbuild l = {};
	struct aael_replay v;
	uint8_t want[64];

	(void)state;
	put_header(&l, 0, two);
	put_aael(&l, 18, two, "a b c");
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	memset(want, 0xff, sizeof(want));
	for (uint32_t reg = 0; reg < AAEL_REGISTERS_MAX; reg++)
		if (reg != 18)
			assert_memory_equal(aael_replay_value(&v, reg, AAEL_ALG_SHA384),
					    reg >= 17 && reg <= 22 ? want : zero, 48);
	chain(AAEL_ALG_SHA256, want, "a b c");
	assert_memory_equal(aael_replay_value(&v, 18, AAEL_ALG_SHA256), want, 32);
	assert_int_equal(replay(&l, AAEL_RULE_TRUSTEE, &v), 0);
	assert_memory_equal(aael_replay_value(&v, 17, AAEL_ALG_SHA384), zero, 48);
}

static void trustee_extends_no_action_from_zero(void **state)
{
	struct logbuild l = {};
	struct aael_replay v;
	uint8_t want[64] = {}, digest[64];

	(void)state;
	put_header(&l, 0, one);
	put_entry(&l, 0, AAEL_EV_NO_ACTION, one, "StartupLocality\0\3", 17);
	assert_int_equal(replay(&l, AAEL_RULE_TRUSTEE, &v), 0);
	assert_true(aael_alg_hash(AAEL_ALG_SHA1, "StartupLocality\0\3", 17, "", 0, digest) > 0);
	assert_true(aael_alg_hash(AAEL_ALG_SHA1, want, 20, digest, 20, want) > 0);
	assert_memory_equal(aael_replay_value(&v, 0, AAEL_ALG_SHA1), want, 20);
}

static void trustee_stops_at_eight_zero_bytes(void **state)
{
	struct logbuild l = {};
	struct aael_replay v;

	(void)state;
	put_header(&l, 0, one);
	put_entry(&l, 0, 0, one, "x", 1);
	put_aael(&l, 14, one, "a b c");
	assert_int_equal(replay(&l, AAEL_RULE_TRUSTEE, &v), 0);
	assert_false(aael_replay_touched(&v, 0, AAEL_ALG_SHA1));
	assert_false(aael_replay_touched(&v, 14, AAEL_ALG_SHA1));
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	assert_true(aael_replay_touched(&v, 0, AAEL_ALG_SHA1));
	assert_true(aael_replay_touched(&v, 14, AAEL_ALG_SHA1));
}

static void registers_beyond_23_are_refused(void **state)
{
	struct logbuild l = {};
	struct aael_replay v;

	(void)state;
	put_aael(&l, 23, one, "a b c");
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), 0);
	put_aael(&l, 24, one, "a b c");
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), -ERANGE);
	assert_true(aael_replay_touched(&v, 23, AAEL_ALG_SHA1));
	l.size -= 1;
	assert_int_equal(replay(&l, AAEL_RULE_HARDWARE, &v), -EBADMSG);
}

static void real_log(const char *name, const char *const rtmr[3])
{
	static const uint8_t zero[48];
	enum aael_rule rules[] = { AAEL_RULE_HARDWARE, AAEL_RULE_TRUSTEE };
	struct aael_tcg2_error err;
	struct aael_replay v;
	size_t size = 0;
	uint8_t *log = vector_file(name, &size);

	if (!log)
		skip();
	for (int k = 0; k < 2; k++) {
		assert_int_equal(aael_replay_log(&v, rules[k], log, size, &err), 0);
		for (uint32_t i = 0; i < 3; i++)
			assert_hex(aael_replay_value(&v, i + 1, AAEL_ALG_SHA384), 48, rtmr[i]);
		assert_memory_equal(aael_replay_value(&v, 4, AAEL_ALG_SHA384), zero, 48);
	}
	free(log);
}

static void real_log_of_ovmf(void **state)
{
	static const char *const rtmr[] = {
		"8566f998798db09443b244c62de9a3041fb02e2e6936c4396d784bba2e901773"
		"29ec5aba3bb484404f2ab9cc90abe193",
		"775b9f6bfe99f8a31396f0d0218e67ffa796d3b96ccf961cbb0deba48c79c00f"
		"082cda1a5567c1c16305f1fc210c13c6",
		"94eaf7a7bf398ed8d888c91057ae0261802e4f3df084213a76ca7f0b5055ac9d"
		"2241de43cd58d9e8b49c503bbf25f34a",
	};

	(void)state;
	real_log("ccel/CCEL_data_ovmf", rtmr);
}

static void real_log_of_grub(void **state)
{
	static const char *const rtmr[] = {
		"cec0a104f691f60da2387fea3c2de00c4ac035e2bb479ff02edcce69039d9e99"
		"07f0b3e55031da3dc7038f423adebd79",
		"6c289e0c62182d41ebe97bdbc9872d10998a08eaa86adcdc684001a363207ee7"
		"2942c7522cdf00a4bbc3d784bed7b670",
		"08919d017ba0e52cd6d966351c7de16fe76c1d3d3d3da4554239e4c7d16cb8b8"
		"2a94e7eaea3a0e6e18eb690b999fd31e",
	};

	(void)state;
	real_log("ccel/CCEL_data_grub", rtmr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_entries_extend_every_bank),
		cmocka_unit_test(one_extend_has_a_known_value),
		cmocka_unit_test(hardware_skips_no_action_and_starts_at_the_locality),
		cmocka_unit_test(other_no_action_is_no_locality),
		cmocka_unit_test(hardware_starts_pcrs_17_to_22_with_ones),
		cmocka_unit_test(trustee_extends_no_action_from_zero),
		cmocka_unit_test(trustee_stops_at_eight_zero_bytes),
		cmocka_unit_test(registers_beyond_23_are_refused),
		cmocka_unit_test(real_log_of_ovmf),
		cmocka_unit_test(real_log_of_grub),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
