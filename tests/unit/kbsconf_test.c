// SPDX-License-Identifier: Apache-2.0
/* A KBS's address, certificates and the names of keys. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aaeld.h"
#include "cert.h"

static void takes_url(const char *text, const char *as)
{
	char *url;

	assert_int_equal(aaeld_kbs_url(text, strlen(text), &url), 0);
	assert_string_equal(url, as);
	free(url);
}

static void addresses_of_a_kbs(void **state)
{
	(void)state;
	takes_url("https://kbs.example:8080", "https://kbs.example:8080");
	takes_url("http://10.0.0.1", "http://10.0.0.1");
	takes_url("http://[fd00::1]:8080/", "http://[fd00::1]:8080");
	takes_url("https://kbs/a/b///", "https://kbs/a/b");
	takes_url("HTTPS://KBS", "HTTPS://KBS");
}

static void what_is_no_address_of_a_kbs(void **state)
{
	static const char *const cases[] = {
		"",
		"/",
		"kbs",
		"kbs:8080",
		"//kbs",
		"ftp://kbs",
		"unix:///kbs",
		"https://",
		"https:///x",
		"http://:8080",
		"http://kbs:x",
		"http://kbs:65536",
		"http://kbs:0",
		"http://u:p@kbs",
		"http://kbs?x=1",
		"http://kbs/#x",
		"http://k bs",
		"http://kbs\n",
		" http://kbs",
		"http://k\xc3\xa4",
		"http://[fd00",
		"http://kbs/\"",
	};
	char *url;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (aaeld_kbs_url(cases[i], strlen(cases[i]), &url) != -EINVAL)
			fail_msg("\"%s\" is taken", cases[i]);
		assert_null(url);
	}
	assert_int_equal(aaeld_kbs_url("http://kbs\0x", 12, &url), -EINVAL);
}

static int params(const char *text, char **url)
{
	return aaeld_kbs_params(text, strlen(text), url);
}

static void params_split_at_the_first_colons(void **state)
{
	char *url;

	(void)state;
	assert_int_equal(params("cc_kbc::http://[fd00::1]:8080/", &url), 0);
	assert_string_equal(url, "http://[fd00::1]:8080");
	free(url);
	assert_int_equal(aaeld_kbs_params("cc_kbc::http://kbs root=/", 18, &url), 0);
	assert_string_equal(url, "http://kbs");
	free(url);
	assert_int_equal(params("offline_fs_kbc::null", &url), -ENOENT);
	assert_null(url);
	assert_int_equal(params("cc_kbc2::http://kbs", &url), -ENOENT);
	assert_int_equal(params("cc_kbc", &url), -EINVAL);
	assert_int_equal(params("", &url), -EINVAL);
	assert_int_equal(params("::http://kbs", &url), -EINVAL);
	assert_int_equal(params("cc_kbc::", &url), -EINVAL);
	assert_int_equal(params("cc_kbc::kbs", &url), -EINVAL);
	assert_int_equal(params("cc_kbc:http://kbs", &url), -EINVAL);
	assert_null(url);
}

static void certificates_are_counted(void **state)
{
	(void)state;
	assert_int_equal(aaeld_kbs_certs(TEST_CERT), 1);
	assert_int_equal(aaeld_kbs_certs("about\n" TEST_CERT "\n" TEST_CERT), 2);
	assert_int_equal(aaeld_kbs_certs(""), -EINVAL);
	assert_int_equal(aaeld_kbs_certs("PEM"), -EINVAL);
	assert_int_equal(aaeld_kbs_certs("-----BEGIN CERTIFICATE-----\n"), -EINVAL);
	assert_int_equal(aaeld_kbs_certs("-----BEGIN CERTIFICATE-----\nAAAA\n"
					 "-----END CERTIFICATE-----\n"),
			 -EINVAL);
	/* The first is not enough. */
	assert_int_equal(aaeld_kbs_certs(TEST_CERT "-----BEGIN CERTIFICATE-----\nAAAA\n"
						   "-----END CERTIFICATE-----\n"),
			 -EINVAL);
}

static void keys_have_names(void **state)
{
	enum aael_teekey_alg key = AAEL_TEEKEY_RSA;

	(void)state;
	for (int i = AAEL_TEEKEY_P256; i <= AAEL_TEEKEY_RSA; i++) {
		assert_int_equal(aaeld_kbs_parse_key(aaeld_kbs_key_name(i), &key), 0);
		assert_int_equal(key, i);
	}
	assert_string_equal(aaeld_kbs_key_name(AAEL_TEEKEY_P521), "ECDH-ES+A256KW-P521");
	assert_int_equal(aaeld_kbs_parse_key("RSA", &key), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_a_kbs),
		cmocka_unit_test(what_is_no_address_of_a_kbs),
		cmocka_unit_test(params_split_at_the_first_colons),
		cmocka_unit_test(certificates_are_counted),
		cmocka_unit_test(keys_have_names),
	};

	return cmocka_run_group_tests_name("kbsconf", tests, NULL, NULL);
}
