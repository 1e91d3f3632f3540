// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"
#include "cert.h"
#include "fakekernel.h"

static struct aaeld_config config;
static char message[AAELD_MESSAGE_BYTES];

static int parse(const char *text)
{
	aaeld_config_free(&config);
	return aaeld_toml_parse(text, strlen(text), "aa.toml", &config, message);
}

static void assert_refused(const char *text, const char *words)
{
	assert_int_equal(parse(text), -EINVAL);
	if (strncmp(message, words, strlen(words)))
		fail_msg("said \"%s\", not \"%s\"", message, words);
}

static void reads_what_the_agent_reads(void **state)
{
	(void)state;
	assert_int_equal(
		parse("[token_configs.kbs]\nurl = \"https://kbs:8080//\"\n"
		      "cert = '''\n" TEST_CERT "'''\ntee_key_algorithm = \"RSA-OAEP-256\"\n"
		      "[token_configs.coco_as]\nurl = \"x\"\n"
		      "[eventlog_config]\ninit_pcr = 17\nenable_eventlog = true\n"
		      "[log]\nlevel = \"Debug\"\n[other]\nday = 2024-01-01\nx = [1.5, {a = 1}]\n"),
		0);
	assert_true(config.enable_eventlog);
	assert_true(config.has_init_pcr);
	assert_int_equal(config.init_pcr, 17);
	assert_true(config.has_level);
	assert_int_equal(config.level, AAELD_DEBUG);
	assert_string_equal(config.kbs_url, "https://kbs:8080");
	assert_string_equal(config.kbs_from, "token_configs.kbs.url");
	assert_string_equal(config.kbs_cert, TEST_CERT);
	assert_int_equal(config.tee_key, AAEL_TEEKEY_RSA);
}

static void nothing_is_a_configuration(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_false(config.enable_eventlog);
	assert_false(config.has_init_pcr);
	assert_false(config.has_level);
	assert_null(config.kbs_url);
	assert_null(config.kbs_from);
	assert_null(config.kbs_cert);
	assert_int_equal(config.tee_key, AAEL_TEEKEY_P256);
	assert_null(config.origin.path);
}

static void strings_stand_for_values(void **state)
{
	(void)state;
	assert_int_equal(parse("[eventlog_config]\ninit_pcr = \"9\"\nenable_eventlog = \"true\""),
			 0);
	assert_true(config.enable_eventlog);
	assert_int_equal(config.init_pcr, 9);
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = \"false\""), 0);
	assert_false(config.enable_eventlog);
	assert_int_equal(parse("[\"eventlog_config\"]\n\"init_pcr\" = 0x11"), 0);
	assert_int_equal(config.init_pcr, 17);
}

static void bad_values_are_named_with_their_line(void **state)
{
	(void)state;
	assert_refused("\n[eventlog_config]\ninit_pcr = 24\n",
		       "aa.toml:3: eventlog_config.init_pcr must be an integer from 0 to 23");
	assert_refused("[eventlog_config]\ninit_pcr = -1\n", "aa.toml:2: eventlog_config.init_pcr");
	assert_refused("[eventlog_config]\ninit_pcr = 1.0\n",
		       "aa.toml:2: eventlog_config.init_pcr");
	assert_refused("[eventlog_config]\ninit_pcr = \"+1\"\n",
		       "aa.toml:2: eventlog_config.init_pcr");
	assert_refused("[eventlog_config]\ninit_pcr = \"\"\n",
		       "aa.toml:2: eventlog_config.init_pcr");
	assert_refused("[eventlog_config]\nenable_eventlog = 1\n",
		       "aa.toml:2: eventlog_config.enable_eventlog must be true or false");
	assert_refused("[eventlog_config]\nenable_eventlog = \"yes\"\n", "aa.toml:2: ");
	assert_refused("eventlog_config = 3\n", "aa.toml:1: eventlog_config must be a table");
	assert_refused("[token_configs]\nkbs = 1\n",
		       "aa.toml:2: token_configs.kbs must be a table");
	assert_refused("token_configs = []\n", "aa.toml:1: token_configs must be a table");
	assert_refused("[log]\nlevel = \"loud\"\n", "aa.toml:2: log.level must be");
	assert_refused("[log]\nlevel = \"info\\u0000loud\"\n", "aa.toml:2: log.level must be");
	assert_refused("[token_configs.kbs]\nurl = 1\n",
		       "aa.toml:2: token_configs.kbs.url must be a string");
	assert_refused("[token_configs.kbs]\nurl = 'kbs:8080'\n",
		       "aa.toml:2: token_configs.kbs.url must be an http:// or https:// URL");
	assert_refused("[token_configs.kbs]\nurl = \"http://a\\u0000b\"\n",
		       "aa.toml:2: token_configs.kbs.url must be an http");
	assert_refused(
		"[token_configs.kbs]\nurl = 'http://a'\ntee_key_algorithm = 'RSA'\n",
		"aa.toml:3: token_configs.kbs.tee_key_algorithm must be ECDH-ES+A256KW-P256,");
	assert_refused("[token_configs.kbs]\nurl = 'http://a'\ncert = 'PEM'\n",
		       "aa.toml:3: token_configs.kbs.cert must be certificates in PEM");
	assert_refused("[token_configs.kbs]\nurl = \"http://a\"\ncert = []\n",
		       "aa.toml:3: token_configs.kbs.cert");
}

static void bad_toml_is_an_error(void **state)
{
	char deep[4096];

	(void)state;
	assert_refused("[eventlog_config]\ninit_pcr = 1\ninit_pcr = 2\n", "aa.toml:3: ");
	assert_refused("[eventlog_config\n", "aa.toml:1: ");
	assert_refused("x = 1\ny = \"\xff\"\n", "aa.toml:2: ");
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "a = ", 4);
	deep[sizeof(deep) - 1] = '\0';
	assert_refused(deep, "aa.toml:1: ");
}

/* ---- what the daemon does with it at start ---- */

static void enables_a_disabled_log_once(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	k.info.state = AAEL_STATE_DISABLED;
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true\ninit_pcr = 17"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(k.enabled, 1);
	assert_int_equal(k.enable_index, 17);
	/* Enabled already with the same index: no call that would need a capability. */
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(k.enabled, 1);
}

static void another_index_is_an_error(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	k.info.index = 16;
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true\ninit_pcr = 17"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), -EEXIST);
	assert_int_equal(k.enabled, 0);
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(parse("[eventlog_config]\ninit_pcr = 17"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
}

static void without_the_setting_nothing_is_enabled(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	k.info.state = AAEL_STATE_DISABLED;
	assert_int_equal(parse("[eventlog_config]\ninit_pcr = 17"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(k.enabled, 0);
}

static void without_a_register_it_starts(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true"), 0);
	k.info.state = AAEL_STATE_UNSUPPORTED;
	k.enable_ret = -EOPNOTSUPP;
	capture_begin();
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	capture_end();
	assert_int_equal(capture_count("events cannot be logged: words of the kernel"), 1);
	assert_int_equal(k.enabled, 1);
	k.info_ret = -ENXIO;
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(k.enabled, 1);
}

static void register_that_came_meanwhile_is_used(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	k.info.state = AAEL_STATE_UNSUPPORTED;
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(k.enabled, 1);
	k.info.state = AAEL_STATE_UNSUPPORTED;
	assert_int_equal(parse(""), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	assert_int_equal(k.enabled, 1);
}

/* Nobody enables the log of a module that is loaded later: the log says so. */
static void module_that_comes_later_is_not_enabled(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	k.info_ret = -ENXIO;
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true"), 0);
	capture_begin();
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	capture_end();
	assert_int_equal(capture_count("<4>aaeld: no /dev/aael: "), 1);
	assert_int_equal(capture_count("aaelctl enable"), 1);
	assert_int_equal(parse(""), 0);
	capture_begin();
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), 0);
	capture_end();
	assert_int_equal(capture_count("<4>aaeld: no /dev/aael: "), 1);
	assert_int_equal(capture_count("aaelctl enable"), 0);
}

static void what_the_kernel_refuses_is_an_error(void **state)
{
	struct fake_kernel k;

	(void)state;
	fake_init(&k);
	k.info.state = AAEL_STATE_DISABLED;
	k.enable_ret = -EPERM;
	assert_int_equal(parse("[eventlog_config]\nenable_eventlog = true"), 0);
	assert_int_equal(aaeld_start_log(&fake_ops, &k, &config), -EPERM);
	assert_int_equal(k.enable_index, AAEL_INDEX_DEFAULT);
}

static int forget(void **state)
{
	(void)state;
	aaeld_config_free(&config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_agent_reads),
		cmocka_unit_test(nothing_is_a_configuration),
		cmocka_unit_test(strings_stand_for_values),
		cmocka_unit_test(bad_values_are_named_with_their_line),
		cmocka_unit_test(bad_toml_is_an_error),
		cmocka_unit_test(enables_a_disabled_log_once),
		cmocka_unit_test(another_index_is_an_error),
		cmocka_unit_test(without_the_setting_nothing_is_enabled),
		cmocka_unit_test(without_a_register_it_starts),
		cmocka_unit_test(register_that_came_meanwhile_is_used),
		cmocka_unit_test(module_that_comes_later_is_not_enabled),
		cmocka_unit_test(what_the_kernel_refuses_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
