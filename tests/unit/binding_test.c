// SPDX-License-Identifier: Apache-2.0
/* Which Init-Data a platform vouches for, with devices that are told what they hold. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aaeld.h"
#include "capture.h"
#include "fakekernel.h"
#include "libaael.h"

#define DOCUMENT "version = \"0.1.0\"\nalgorithm = \"%s\"\n[data]\n"

/* Of the document with each algorithm, and what PCR 8 holds then, by Python's hashlib. */
static const char sha256[] = "af398df379eb475aff9f02cd056d0d1f5d496b7a073927cb3ea92407d8ad61a3";
static const char sha384[] = "c2d9f12884812d609fffc5ae527195adce05b66d8c8d7d33"
			     "3366d5fbf01637aaf16237578dd7b7f7b7f0e0971d23bc6a";
static const char sha512[] = "2fdf9419e43c548a07ee7234ab0b5e72f1d05a0a7d8c267d6f98dbdd490561be"
			     "b130c07e2f28e8d7a7e7c627bca9ac685a1ad040b7566a019c16344f5ae17cfb";
static const char bound[] = "1ae80ea019f008c20d5f6f3491ab06281df9de044d25fe37bc3f3d59c5671255";

static struct {
	uint8_t mrconfigid[AAEL_MRCONFIGID_BYTES];
	uint8_t pcr[AAELD_PCR_BYTES];
	unsigned int extends;
	bool deaf; /* an extend that does nothing */
	int error;
} device;

static int fails(char *message)
{
	snprintf(message, AAELD_MESSAGE_BYTES, "%s", device.error ? "words of the device" : "");
	return device.error;
}

static int fake_mrconfigid(uint8_t out[AAEL_MRCONFIGID_BYTES], char *message)
{
	memcpy(out, device.mrconfigid, AAEL_MRCONFIGID_BYTES);
	return fails(message);
}

static int fake_read(unsigned int n, uint8_t out[AAELD_PCR_BYTES], char *message)
{
	assert_int_equal(n, 8);
	memcpy(out, device.pcr, AAELD_PCR_BYTES);
	return fails(message);
}

static int fake_extend(unsigned int n, const uint8_t value[AAELD_PCR_BYTES], char *message)
{
	uint8_t out[AAEL_DIGEST_MAX_BYTES];

	assert_int_equal(n, 8);
	device.extends++;
	aael_alg_hash(AAEL_ALG_SHA256, device.pcr, AAELD_PCR_BYTES, value, AAELD_PCR_BYTES, out);
	if (!device.deaf)
		memcpy(device.pcr, out, AAELD_PCR_BYTES);
	return fails(message);
}

static const struct aaeld_binding_ops devices = {
	.read_mrconfigid = fake_mrconfigid,
	.read_pcr = fake_read,
	.extend_pcr = fake_extend,
};

static char message[AAELD_MESSAGE_BYTES];

static int check(const char *platform, const char *algorithm)
{
	struct aael_initdata initdata;
	char text[128];
	int ret;

	snprintf(text, sizeof(text), DOCUMENT, algorithm);
	assert_int_equal(aael_initdata_open(&initdata, text, strlen(text), "id", message), 0);
	ret = aaeld_binding_check(&devices, platform, &initdata, message);
	aael_initdata_close(&initdata);
	return ret;
}

static int reset(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	return 0;
}

/* The first bytes of @hex, or all and zeros behind them. */
static void hold(uint8_t *out, size_t size, const char *hex)
{
	size_t bytes = strlen(hex) / 2 < size ? strlen(hex) / 2 : size;

	memset(out, 0, size);
	assert_int_equal(aael_hex_decode(hex, 2 * bytes, out, bytes), 0);
}

static void says(const char *words)
{
	if (!strstr(message, words))
		fail_msg("\"%s\" is not in \"%s\"", words, message);
}

static void mrconfigid_must_be_the_digest(void **state)
{
	static const struct {
		const char *algorithm, *digest;
	} rows[] = { { "sha256", sha256 }, { "sha384", sha384 }, { "sha512", sha512 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		hold(device.mrconfigid, AAEL_MRCONFIGID_BYTES, rows[i].digest);
		assert_int_equal(check("tdx", rows[i].algorithm), 0);
		device.mrconfigid[AAEL_MRCONFIGID_BYTES - 1] ^= 1;
		assert_int_equal(check("tdx", rows[i].algorithm), -EKEYREJECTED);
		says("MRCONFIGID is ");
		says(" and not ");
	}
	assert_int_equal(device.extends, 0);
}

static void a_tpm_is_told_once(void **state)
{
	uint8_t want[AAELD_PCR_BYTES];

	(void)state;
	hold(want, sizeof(want), bound);
	for (int i = 0; i < 3; i++)
		assert_int_equal(check("tpm", "sha256"), 0);
	assert_memory_equal(device.pcr, want, sizeof(want));
	assert_int_equal(device.extends, 1);
}

static void what_else_is_in_the_pcr_is_refused(void **state)
{
	(void)state;
	hold(device.pcr, sizeof(device.pcr), sha256);
	assert_int_equal(check("tpm", "sha256"), -EKEYREJECTED);
	says(sha256);
	assert_int_equal(device.extends, 0);
}

static void an_extend_without_effect_is_noticed(void **state)
{
	(void)state;
	device.deaf = true;
	assert_int_equal(check("tpm", "sha256"), -EKEYREJECTED);
	assert_int_equal(device.extends, 1);
}

static void on_a_tpm_there_is_only_sha256(void **state)
{
	(void)state;
	assert_int_equal(check("tpm", "sha384"), -EINVAL);
	says("sha256");
	assert_int_equal(check("tpm", "sha512"), -EINVAL);
	assert_int_equal(device.extends, 0);
}

static void errors_of_the_devices_are_passed_on(void **state)
{
	(void)state;
	device.error = -EIO;
	assert_int_equal(check("tdx", "sha256"), -EIO);
	says("words of the device");
	assert_int_equal(check("tpm", "sha256"), -EIO);
	says("words of the device");
	assert_int_equal(device.extends, 0);
}

static void start(const char *provider, int info_ret, int ret, const char *words)
{
	struct aaeld_origin origin = { .initdata_path = "/run/id" };
	struct fake_kernel k;
	char text[128];

	fake_init(&k);
	k.info_ret = info_ret;
	memset(k.info.provider, 0, sizeof(k.info.provider));
	memcpy(k.info.provider, provider, strlen(provider));
	snprintf(text, sizeof(text), DOCUMENT, "sha256");
	assert_int_equal(aael_initdata_open(&origin.initdata, text, strlen(text), "id", message),
			 0);
	capture_begin();
	assert_int_equal(aaeld_binding_start(&fake_ops, &k, &devices, &origin), ret);
	capture_end();
	if (capture_count(words) != 1)
		fail_msg("\"%s\" is not in \"%s\"", words, captured);
	aael_initdata_close(&origin.initdata);
}

static void the_platform_is_that_of_the_log(void **state)
{
	(void)state;
	start("tpm", 0, 0, "<6>aaeld: Init-Data /run/id is bound to the platform (tpm)");
	assert_int_equal(device.extends, 1);
	start("tsm-mr", 0, -EKEYREJECTED, "<3>aaeld: Init-Data /run/id: the guest was not started");
	start("tdcall", 0, -EKEYREJECTED, "<3>aaeld: Init-Data /run/id: the guest was not started");
	start("soft", 0, 0, "<4>aaeld: Init-Data /run/id is not bound");
	start("tpm", -ENXIO, 0, "<4>aaeld: Init-Data /run/id is not bound");
	assert_int_equal(device.extends, 1);
}

static void without_initdata_nothing_is_asked(void **state)
{
	const struct aaeld_origin origin = { 0 };
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	device.error = -EIO;
	assert_int_equal(aaeld_binding_start(&fake_ops, &k, &devices, &origin), 0);
	assert_int_equal(device.extends, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mrconfigid_must_be_the_digest, reset),
		cmocka_unit_test_setup(a_tpm_is_told_once, reset),
		cmocka_unit_test_setup(what_else_is_in_the_pcr_is_refused, reset),
		cmocka_unit_test_setup(an_extend_without_effect_is_noticed, reset),
		cmocka_unit_test_setup(on_a_tpm_there_is_only_sha256, reset),
		cmocka_unit_test_setup(errors_of_the_devices_are_passed_on, reset),
		cmocka_unit_test_setup(the_platform_is_that_of_the_log, reset),
		cmocka_unit_test_setup(without_initdata_nothing_is_asked, reset),
	};

	return cmocka_run_group_tests_name("binding", tests, NULL, NULL);
}
