// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "jcs.h"
#include "json.h"
#include "secret.h"
#include "teekey.h"
#include "teekeys.h"

static struct aael_teekey *import(const char *pem)
{
	struct aael_teekey *key;

	assert_int_equal(aael_teekey_from_pem(pem, &key), 0);
	return key;
}

static char *jwk_of(const struct aael_teekey *key)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	aael_teekey_put_jwk(f, key);
	fclose(f);
	return text;
}

static void assert_jwk(const char *pem, const char *jwk)
{
	struct aael_teekey *key = import(pem);
	char *text = jwk_of(key);

	assert_string_equal(text, jwk);
	free(text);
	aael_teekey_free(key);
}

#define EC_JWK(crv, name)                                                                  \
	"{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"" crv "\",\"kty\":\"EC\",\"x\":\"" name##_X \
		"\",\"y\":\"" name##_Y "\"}"

static void the_jwk_is_exactly_this(void **state)
{
	(void)state;
	assert_jwk(TEST_KEY_P256, EC_JWK("P-256", TEST_KEY_P256));
	assert_jwk(TEST_KEY_P256_ZEROS, EC_JWK("P-256", TEST_KEY_P256_ZEROS));
	assert_jwk(TEST_KEY_P521, EC_JWK("P-521", TEST_KEY_P521));
	assert_jwk(
		TEST_KEY_RSA,
		"{\"alg\":\"RSA-OAEP-256\",\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" TEST_KEY_RSA_N
		"\"}");
}

/* Of the JWK's member. */
static size_t bytes_of(const struct cJSON *jwk, const char *name)
{
	struct aael_json_error err;
	uint8_t bytes[300];
	const char *text;
	size_t size;

	assert_int_equal(aael_json_string(jwk, name, &text, &err), 0);
	assert_int_equal(aael_base64url_decode(text, strlen(text), bytes, sizeof(bytes), &size), 0);
	return size;
}

static void coordinates_have_a_fixed_width(void **state)
{
	static const size_t widths[] = { [AAEL_TEEKEY_P256] = 32, [AAEL_TEEKEY_P521] = 66 };

	(void)state;
	/* Of 256 coordinates one begins with a zero byte; on P-521 every second does. */
	for (int i = 0; i < 600; i++) {
		enum aael_teekey_alg alg = i % 50 ? AAEL_TEEKEY_P256 : AAEL_TEEKEY_P521;
		struct aael_json_error err;
		struct aael_teekey *key;
		struct cJSON *jwk;
		char *text;

		assert_int_equal(aael_teekey_new(alg, &key), 0);
		assert_int_equal(aael_teekey_alg(key), alg);
		text = jwk_of(key);
		assert_int_equal(aael_json_parse(text, strlen(text), &jwk, &err), 0);
		assert_int_equal(bytes_of(jwk, "x"), widths[alg]);
		assert_int_equal(bytes_of(jwk, "y"), widths[alg]);
		aael_json_free(jwk);
		free(text);
		aael_teekey_free(key);
	}
}

static void an_rsa_key_has_2048_bits(void **state)
{
	struct aael_json_error err;
	struct aael_teekey *key;
	struct cJSON *jwk;
	char *text;

	(void)state;
	assert_int_equal(aael_teekey_new(AAEL_TEEKEY_RSA, &key), 0);
	text = jwk_of(key);
	assert_int_equal(aael_json_parse(text, strlen(text), &jwk, &err), 0);
	assert_int_equal(bytes_of(jwk, "n"), 256);
	assert_non_null(strstr(text, "\"e\":\"AQAB\""));
	aael_json_free(jwk);
	free(text);
	aael_teekey_free(key);
}

static void the_jwk_is_canonical(void **state)
{
	static const char *const pems[] = { TEST_KEY_P256, TEST_KEY_P521, TEST_KEY_RSA };

	(void)state;
	for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
		struct aael_teekey *key = import(pems[i]);
		char *text = jwk_of(key), *again = NULL;
		struct aael_json_error err;
		struct cJSON *jwk;
		size_t size;
		FILE *f = open_memstream(&again, &size);

		assert_int_equal(aael_json_parse(text, strlen(text), &jwk, &err), 0);
		assert_int_equal(aael_jcs_put(f, jwk), 0);
		fclose(f);
		assert_string_equal(again, text);
		aael_json_free(jwk);
		aael_teekey_free(key);
		free(text);
		free(again);
	}
}

static void two_keys_are_never_alike(void **state)
{
	(void)state;
	for (int alg = AAEL_TEEKEY_P256; alg <= AAEL_TEEKEY_P521; alg++) {
		struct aael_teekey *keys[2];
		char *texts[2];

		for (int i = 0; i < 2; i++) {
			assert_int_equal(aael_teekey_new((enum aael_teekey_alg)alg, &keys[i]), 0);
			texts[i] = jwk_of(keys[i]);
		}
		assert_string_not_equal(texts[0], texts[1]);
		for (int i = 0; i < 2; i++) {
			aael_teekey_free(keys[i]);
			free(texts[i]);
		}
	}
}

static void assert_pem(const char *pem)
{
	struct aael_teekey *key = import(pem);
	char *text;

	assert_int_equal(aael_teekey_pem(key, &text), 0);
	assert_string_equal(text, pem);
	aael_secret_free(text, strlen(text));
	aael_teekey_free(key);
}

static void pem_is_pkcs8_for_ec_and_pkcs1_for_rsa(void **state)
{
	(void)state;
	assert_memory_equal(TEST_KEY_P256, "-----BEGIN PRIVATE KEY-----", 27);
	assert_memory_equal(TEST_KEY_RSA, "-----BEGIN RSA PRIVATE KEY-----", 31);
	assert_pem(TEST_KEY_P256);
	assert_pem(TEST_KEY_P256_ZEROS);
	assert_pem(TEST_KEY_P521);
	assert_pem(TEST_KEY_RSA);
}

static void a_fresh_key_survives_pem(void **state)
{
	(void)state;
	for (int alg = AAEL_TEEKEY_P256; alg <= AAEL_TEEKEY_RSA; alg++) {
		struct aael_teekey *key, *again;
		char *pem, *jwk, *jwk_again;

		assert_int_equal(aael_teekey_new((enum aael_teekey_alg)alg, &key), 0);
		assert_int_equal(aael_teekey_pem(key, &pem), 0);
		again = import(pem);
		assert_int_equal(aael_teekey_alg(again), alg);
		jwk = jwk_of(key);
		jwk_again = jwk_of(again);
		assert_string_equal(jwk, jwk_again);
		free(jwk);
		free(jwk_again);
		aael_secret_free(pem, strlen(pem));
		aael_teekey_free(again);
		aael_teekey_free(key);
	}
	aael_teekey_free(NULL);
}

static void other_keys_are_refused(void **state)
{
	static const char p384[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAhjHxBgOZhtyk/bae/\n"
		"jUh/dPKu6nyxc6n9rhILHcoopPGeso7v/SUtPCCYgxCbOqyhZANiAAS5OuWMVbtg\n"
		"Uxov2vsG9Hdm2iiOnh3sgKy4fVCjW7ZSbpBbzgMk8NqfqTh1w/3koHxpplX4EXng\n"
		"NV3mJw2QXSn52k01jyxSBZ8+bdjd6ElGqP6lCfn9zJkXAe0eVj5HpGA=\n"
		"-----END PRIVATE KEY-----\n";
	static const char rsa1024[] =
		"-----BEGIN RSA PRIVATE KEY-----\n"
		"MIICWwIBAAKBgQDQD05uDijXTNsfHzXpizH5Zml5ObZjBYawA2LvxV9Bf22sub6y\n"
		"es700yy/7lUy5pWtP14ywMI+IK5L8yBxVk3+E5Ig92ldZAq4OjdQteRXSANuplkr\n"
		"6bv4Ri2snzsZDFxJlSdzQPhZrrhE1i5+FOwY/xJWhvT/FmRwEe/o/gh38QIDAQAB\n"
		"AoGAXNwYAyKqs70Hp1JEu6F2gntk48gQUQ2sWW6Jf741j4QSLR8Rr5MEP1zpAhib\n"
		"SgaEEzjPEBPcHeJ0KE2w0yTT1Z4Ek6DSHzAQKpCI445RTAxYIv+YVjELVtqx/Cz3\n"
		"OSRlW00pCzI496uojNgpR4hnQDwhABrT30DV4FKIjb1EzukCQQD0w0FesHabXR8A\n"
		"XgnWQ09J4jHrY9butjHFbfCUoDO/gyTUO2FPAb8F5HeJmR4zjy7cFbD55pWNYGl0\n"
		"2KTKz+mjAkEA2ZysnKU6A92f8QSrTXGBALyBgccWaH+Wqdd2dCBG/q/w77m+AEfF\n"
		"u2W/iNmA+9KSnugGTHK+/CGmgveC4mqZWwJASf4M8Pcfo/AOwymqh59phMhgluxj\n"
		"uV5SxYBqzkNv4WFf7NjWne/FM57RlEM5ohSS8e2Mxr8yTr7qomwrxTP9SQJAQEAo\n"
		"HuAR7w5CqRDt2yHGKwd9XWoAzb3OKDt7t/HHxG8CPmWjGcYXNatnD+rYUIHt1IlB\n"
		"QtUmWp884LJfrKY4vQJAANwsZ2oLbAsKyKI/CsF8lWe8HBlS96PKhkPQN0iRkXqb\n"
		"1YFxlWnRXdWp/M1IG7GJLhG9bP+3W8BeWTL0Sl2ChQ==\n"
		"-----END RSA PRIVATE KEY-----\n";
	struct aael_teekey *key;

	(void)state;
	assert_int_equal(aael_teekey_from_pem("", &key), -EINVAL);
	assert_null(key);
	assert_int_equal(aael_teekey_from_pem(p384, &key), -EINVAL);
	assert_null(key);
	assert_int_equal(aael_teekey_from_pem(rsa1024, &key), -EINVAL);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_jwk_is_exactly_this),
		cmocka_unit_test(coordinates_have_a_fixed_width),
		cmocka_unit_test(an_rsa_key_has_2048_bits),
		cmocka_unit_test(the_jwk_is_canonical),
		cmocka_unit_test(two_keys_are_never_alike),
		cmocka_unit_test(pem_is_pkcs8_for_ec_and_pkcs1_for_rsa),
		cmocka_unit_test(a_fresh_key_survives_pem),
		cmocka_unit_test(other_keys_are_refused),
	};

	return cmocka_run_group_tests_name("teekey", tests, NULL, NULL);
}
