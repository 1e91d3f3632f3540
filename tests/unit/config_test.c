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
#include "fakekernel.h"

static struct aaeld_config config;
static char message[AAELD_MESSAGE_BYTES];

static int parse(const char *text)
{
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
		      "cert = '''\nPEM \"\"\" x\n'''\ntee_key_algorithm = \"RSA\"\n"
		      "[token_configs.coco_as]\nurl = \"x\"\n"
		      "[eventlog_config]\ninit_pcr = 17\nenable_eventlog = true\n"
		      "[log]\nlevel = \"Debug\"\n[other]\nday = 2024-01-01\nx = [1.5, {a = 1}]\n"),
		0);
	assert_true(config.enable_eventlog);
	assert_true(config.has_init_pcr);
	assert_int_equal(config.init_pcr, 17);
	assert_true(config.has_level);
	assert_int_equal(config.level, AAELD_DEBUG);
}

static void nothing_is_a_configuration(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_false(config.enable_eventlog);
	assert_false(config.has_init_pcr);
	assert_int_equal(aaeld_config_load(NULL, &config, message), 0);
	assert_false(config.enable_eventlog);
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
	assert_refused("[token_configs.kbs]\nurl = 1\n", "aa.toml:2: token_configs.kbs.url");
	assert_refused("[token_configs.kbs]\nurl = \"a\"\ncert = []\n",
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

static const char *find(const char *given, const char *const *paths)
{
	const char *path = "unset";

	assert_int_equal(aaeld_config_find(given, paths, &path, message), 0);
	return path;
}

static char dir[32], a[64], b[64];
static const char *const paths[] = { a, b, NULL };

static void create(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/aaeld-config-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(a, sizeof(a), "%s/a.toml", dir);
	snprintf(b, sizeof(b), "%s/b.toml", dir);
	return unsetenv("AAELD_CONFIG");
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(a);
	unlink(b);
	unsetenv("AAELD_CONFIG");
	return rmdir(dir);
}

static void file_search_order(void **state)
{
	(void)state;
	assert_null(find(NULL, paths));
	create(b, "");
	assert_string_equal(find(NULL, paths), b);
	create(a, "");
	assert_string_equal(find(NULL, paths), a);
	setenv("AAELD_CONFIG", "/env.toml", 1);
	assert_string_equal(find(NULL, paths), "/env.toml");
	assert_string_equal(find("/given.toml", paths), "/given.toml");
	setenv("AAELD_CONFIG", "", 1);
	assert_string_equal(find(NULL, paths), a);
}

/* Only of a file that is not there the next one is taken. */
static void file_that_may_be_there_is_not_passed_over(void **state)
{
	const char *const below_a_file[] = { "/dev/null/aa.toml", b, NULL };
	const char *path;

	(void)state;
	create(b, "");
	assert_string_equal(find(NULL, below_a_file), b);
	assert_int_equal(symlink(a, a), 0);
	assert_int_equal(aaeld_config_find(NULL, paths, &path, message), -ELOOP);
	assert_memory_equal(message, a, strlen(a));
	assert_non_null(strstr(message, strerror(ELOOP)));
}

static void file_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	create(b, "[eventlog_config]\ninit_pcr = 99\n");
	assert_int_equal(aaeld_config_load(b, &config, message), -EINVAL);
	assert_non_null(strstr(message, "/b.toml:2: eventlog_config.init_pcr"));
	assert_int_equal(aaeld_config_load(dir, &config, message), -EISDIR);
	/* Named with -c or in $AAELD_CONFIG: it has to be there. */
	assert_int_equal(aaeld_config_load(a, &config, message), -ENOENT);
	assert_memory_equal(message, a, strlen(a));
}

static void features_of_the_command_line(void **state)
{
	unsigned int f = 0;

	(void)state;
	assert_int_equal(aaeld_config_cmdline_features("quiet root=/dev/vda\n", &f), -ENOENT);
	assert_int_equal(aaeld_config_cmdline_features("", &f), -ENOENT);
	assert_int_equal(aaeld_config_cmdline_features("a agent.guest_components_rest_api=resource "
						       "agent.guest_components_rest_api=all\n",
						       &f),
			 0);
	assert_int_equal(f, AAELD_F_RESOURCE);
	assert_int_equal(aaeld_config_cmdline_features("agent.guest_components_rest_api=none", &f),
			 -EINVAL);
	assert_int_equal(aaeld_config_cmdline_features("xagent.guest_components_rest_api=all", &f),
			 -ENOENT);
	assert_int_equal(aaeld_config_parse_features("attestation", &f), 0);
	assert_int_equal(f, AAELD_F_ATTESTATION);
	assert_int_equal(aaeld_config_parse_features("", &f), -EINVAL);
	assert_string_equal(aaeld_config_feature_name(AAELD_F_ALL), "all");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_agent_reads),
		cmocka_unit_test(nothing_is_a_configuration),
		cmocka_unit_test(strings_stand_for_values),
		cmocka_unit_test(bad_values_are_named_with_their_line),
		cmocka_unit_test(bad_toml_is_an_error),
		cmocka_unit_test_setup_teardown(file_search_order, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(file_that_may_be_there_is_not_passed_over,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(file_that_cannot_be_read_is_an_error, make_folder,
						remove_folder),
		cmocka_unit_test(features_of_the_command_line),
		cmocka_unit_test(enables_a_disabled_log_once),
		cmocka_unit_test(another_index_is_an_error),
		cmocka_unit_test(without_the_setting_nothing_is_enabled),
		cmocka_unit_test(without_a_register_it_starts),
		cmocka_unit_test(register_that_came_meanwhile_is_used),
		cmocka_unit_test(module_that_comes_later_is_not_enabled),
		cmocka_unit_test(what_the_kernel_refuses_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
