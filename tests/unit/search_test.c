// SPDX-License-Identifier: Apache-2.0
/* Where aaeld finds its configuration, in a tree that stands for the root. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aaeld.h"
#include "capture.h"
#include "tree.h"

#define KATA "/run/confidential-containers/initdata"
#define PEERPOD "/run/peerpod"
#define OURS "/etc/aaeld/aa.toml"

/* Which one was read shows in init_pcr. */
#define AA(n) "[eventlog_config]\ninit_pcr = " #n "\n"
#define INITDATA(text) \
	"version = '0.1.0'\nalgorithm = 'sha256'\n[data]\n\"aa.toml\" = '''\n" text "'''\n"
#define NO_AA "version = '0.1.0'\nalgorithm = 'sha256'\n[data]\n"

static struct aaeld_sources sources;
static struct aaeld_config config;
static char message[AAELD_MESSAGE_BYTES];

static int make_root(void **state)
{
	(void)state;
	memset(&sources, 0, sizeof(sources));
	sources.root = root;
	unsetenv("AAELD_CONFIG");
	unsetenv("AA_KBC_PARAMS");
	return tree_make();
}

static int remove_root(void **state)
{
	(void)state;
	aaeld_config_free(&config);
	unsetenv("AAELD_CONFIG");
	unsetenv("AA_KBC_PARAMS");
	return tree_remove("");
}

/* Loads; it comes from there, and has that init_pcr. */
static void loads(const char *path, unsigned int init_pcr)
{
	aaeld_config_free(&config);
	if (aaeld_config_load(&sources, &config, message))
		fail_msg("%s", message);
	assert_string_equal(message, "");
	if (!path) {
		assert_null(config.origin.path);
		return;
	}
	assert_string_equal(config.origin.path, path);
	assert_true(config.has_init_pcr);
	assert_int_equal(config.init_pcr, init_pcr);
}

static void fails(int expected, const char *words)
{
	aaeld_config_free(&config);
	assert_int_equal(aaeld_config_load(&sources, &config, message), expected);
	if (!strstr(message, words))
		fail_msg("said \"%s\", not \"%s\"", message, words);
	assert_null(config.origin.path);
	assert_null(config.origin.initdata_path);
}

/* From the last source to the first: each takes precedence over all before it. */
static void the_first_source_counts(void **state)
{
	char given[64], env[64], initdata[64], expected[128];

	(void)state;
	loads(NULL, 0);
	put(OURS, AA(1));
	loads(at(OURS), 1);
	put(PEERPOD "/aa.toml", AA(2));
	loads(at(PEERPOD "/aa.toml"), 2);
	put(KATA "/aa.toml", AA(3));
	loads(at(KATA "/aa.toml"), 3);
	put("/env", AA(4));
	strcpy(env, at("/env"));
	setenv("AAELD_CONFIG", env, 1);
	loads(env, 4);
	put("/initdata", INITDATA(AA(5)));
	strcpy(initdata, at("/initdata"));
	sources.initdata = initdata;
	snprintf(expected, sizeof(expected), "%s: data.\"aa.toml\"", initdata);
	loads(expected, 5);
	put("/given", AA(6));
	strcpy(given, at("/given"));
	sources.config = given;
	loads(given, 6);
	/* Which document is measured is another question. */
	assert_string_equal(config.origin.initdata_path, initdata);
	sources.config = NULL;
	put("/initdata", NO_AA);
	loads(env, 4);
	setenv("AAELD_CONFIG", "", 1);
	put(KATA "/initdata.toml", INITDATA(AA(3)));
	loads(at(KATA "/aa.toml"), 3);
	assert_string_equal(config.origin.initdata_path, initdata);
}

static void what_was_named_must_be_there(void **state)
{
	(void)state;
	put(OURS, AA(1));
	sources.config = "/nonexistent/aa.toml";
	fails(-ENOENT, "/nonexistent/aa.toml: ");
	sources.config = NULL;
	sources.initdata = "/nonexistent/initdata";
	fails(-ENOENT, "/nonexistent/initdata: ");
	sources.initdata = NULL;
	setenv("AAELD_CONFIG", "/nonexistent/env", 1);
	fails(-ENOENT, "/nonexistent/env: ");
}

/* Only of a file that is not there the next one is taken. */
static void file_that_may_be_there_is_not_passed_over(void **state)
{
	(void)state;
	put(OURS, AA(1));
	put("/run/confidential-containers", "");
	loads(at(OURS), 1);
	put(PEERPOD "/x", "");
	assert_int_equal(symlink("aa.toml", at(PEERPOD "/aa.toml")), 0);
	fails(-ELOOP, PEERPOD "/aa.toml: ");
}

static void unusable_file_is_an_error(void **state)
{
	(void)state;
	put(OURS, AA(1));
	put(PEERPOD "/aa.toml", AA(99));
	fails(-EINVAL, PEERPOD "/aa.toml:2: eventlog_config.init_pcr must be");
	put("/initdata", INITDATA(AA(99)));
	sources.initdata = at("/initdata");
	fails(-EINVAL, "/initdata: data.\"aa.toml\":2: eventlog_config.init_pcr must be");
	put("/initdata", "version = 1\n");
	sources.initdata = at("/initdata");
	fails(-EINVAL, "/initdata:1: version must be");
	sources.initdata = NULL;
	sources.config = root;
	fails(-EISDIR, root);
}

static void file_has_a_limit(void **state)
{
	size_t size = AAELD_CONFIG_MAX_BYTES + 1;
	char *text = malloc(size + 1);

	(void)state;
	memset(text, '\n', size);
	memcpy(text, AA(7), strlen(AA(7)));
	text[size] = '\0';
	put(OURS, text);
	fails(-EFBIG, OURS);
	text[size - 1] = '\0';
	put(OURS, text);
	loads(at(OURS), 7);
	free(text);
}

static void initdata_beside_it(void **state)
{
	char text[AAELD_INITDATA_TEXT_BYTES];
	uint8_t *packed;
	size_t size;

	(void)state;
	/* Ours has none beside it, whatever lies elsewhere. */
	put(OURS, AA(1));
	put(KATA "/initdata.toml", INITDATA(AA(3)));
	put("/etc/aaeld/initdata", INITDATA(AA(1)));
	loads(at(OURS), 1);
	assert_null(config.origin.initdata_path);
	put(KATA "/aa.toml", AA(3));
	loads(at(KATA "/aa.toml"), 3);
	assert_string_equal(config.origin.initdata_path, at(KATA "/initdata.toml"));
	assert_int_equal(config.origin.initdata.form, AAEL_INITDATA_FILE);
	aaeld_show_initdata(&config.origin, text);
	/* `sha256sum` of it. */
	assert_string_equal(text,
			    "file, sha256:"
			    "ee169a528798b6900573fbb847181975521701d022c26dac3239ebd6bf97053d");

	assert_int_equal(aael_initdata_pack(&config.origin.initdata, AAEL_INITDATA_ANNOTATION,
					    &packed, &size),
			 0);
	((char *)packed)[size] = '\0';
	unlink(at(KATA "/aa.toml"));
	put(PEERPOD "/aa.toml", AA(3));
	put(PEERPOD "/initdata", (const char *)packed);
	free(packed);
	loads(at(PEERPOD "/aa.toml"), 3);
	assert_string_equal(config.origin.initdata_path, at(PEERPOD "/initdata"));
	assert_int_equal(config.origin.initdata.form, AAEL_INITDATA_ANNOTATION);
	put(PEERPOD "/initdata", "H4sI");
	fails(-EBADMSG, PEERPOD "/initdata: gzip: ");
	/* What was named by option or environment has none beside it. */
	sources.config = at(PEERPOD "/aa.toml");
	loads(sources.config, 3);
	assert_null(config.origin.initdata_path);
}

static void file_that_is_not_what_was_measured(void **state)
{
	(void)state;
	put(KATA "/aa.toml", AA(3));
	put(KATA "/initdata.toml", INITDATA(AA(3)));
	capture_begin();
	loads(at(KATA "/aa.toml"), 3);
	capture_end();
	assert_int_equal(capture_count("differs"), 0);
	put(KATA "/initdata.toml", NO_AA);
	capture_begin();
	loads(at(KATA "/aa.toml"), 3);
	capture_end();
	assert_int_equal(capture_count("differs"), 0);
	put(KATA "/aa.toml", AA(3) "# and more\n");
	put(KATA "/initdata.toml", INITDATA(AA(3)));
	capture_begin();
	loads(at(KATA "/aa.toml"), 3);
	capture_end();
	assert_int_equal(capture_count("differs"), 1);
	put(KATA "/initdata.toml", INITDATA(AA(4)));
	capture_begin();
	loads(at(KATA "/aa.toml"), 3);
	capture_end();
	assert_int_equal(capture_count("<4>aaeld: "), 1);
	assert_int_equal(capture_count("is used, but differs from the aa.toml in"), 1);
}

static void kbs_is(const char *url, const char *from)
{
	aaeld_config_free(&config);
	if (aaeld_config_load(&sources, &config, message))
		fail_msg("%s", message);
	if (!url) {
		assert_null(config.kbs_url);
		assert_null(config.kbs_from);
		return;
	}
	assert_string_equal(config.kbs_url, url);
	assert_non_null(strstr(config.kbs_from, from));
}

static void kbs_is_found_elsewhere_too(void **state)
{
	(void)state;
	kbs_is(NULL, NULL);
	put("/proc/cmdline", "quiet agent.aa_kbc_params=cc_kbc::http://line/ x\n");
	kbs_is("http://line", "agent.aa_kbc_params on the kernel command line");
	put(OURS, "[token_configs.kbs]\ntee_key_algorithm = 'RSA-OAEP-256'\n");
	kbs_is("http://line", "agent.aa_kbc_params");
	assert_int_equal(config.tee_key, AAEL_TEEKEY_RSA);
	setenv("AA_KBC_PARAMS", "cc_kbc::http://env", 1);
	kbs_is("http://env", "$AA_KBC_PARAMS");
	put(OURS, "[token_configs.kbs]\nurl = 'http://file'\n");
	kbs_is("http://file", "token_configs.kbs.url");
	/* Not looked at, then. */
	setenv("AA_KBC_PARAMS", "nonsense", 1);
	kbs_is("http://file", "token_configs.kbs.url");
	put(OURS, "");
	fails(-EINVAL, "$AA_KBC_PARAMS: must be cc_kbc:: and an http:// or https:// URL");
	setenv("AA_KBC_PARAMS", "", 1);
	kbs_is("http://line", "agent.aa_kbc_params");
	put("/proc/cmdline",
	    "agent.aa_kbc_params=cc_kbc::kbs agent.aa_kbc_params=cc_kbc::http://b");
	fails(-EINVAL, "agent.aa_kbc_params on the kernel command line: must be cc_kbc::");
}

static void another_kbc_is_none(void **state)
{
	(void)state;
	put("/proc/cmdline", "agent.aa_kbc_params=cc_kbc::http://line");
	setenv("AA_KBC_PARAMS", "offline_fs_kbc::null", 1);
	capture_begin();
	kbs_is(NULL, NULL);
	capture_end();
	assert_int_equal(capture_count("<4>aaeld: $AA_KBC_PARAMS names another KBC"), 1);
}

static void features_are(unsigned int expected, const char *option, bool as_server_rest)
{
	unsigned int features = 0;

	if (aaeld_config_features(&sources, option, as_server_rest, &features, message))
		fail_msg("%s", message);
	assert_int_equal(features, expected);
}

static void features_of_option_command_line_or_name(void **state)
{
	unsigned int features;

	(void)state;
	features_are(AAELD_F_ALL, NULL, false);
	features_are(AAELD_F_RESOURCE, NULL, true);
	put("/proc/cmdline", "quiet xagent.guest_components_rest_api=x\n"
			     "agent.guest_components_rest_api=attestation "
			     "agent.guest_components_rest_api=nonsense\n");
	features_are(AAELD_F_ATTESTATION, NULL, false);
	features_are(AAELD_F_ATTESTATION, NULL, true);
	features_are(AAELD_F_ALL, "all", true);
	features_are(AAELD_F_RESOURCE, "resource", false);
	assert_int_equal(aaeld_config_features(&sources, "", false, &features, message), -EINVAL);
	assert_string_equal(message, "--features: valid are resource, attestation and all");
	put("/proc/cmdline", "agent.guest_components_rest_api=allx");
	assert_int_equal(aaeld_config_features(&sources, NULL, false, &features, message), -EINVAL);
	assert_string_equal(message, "agent.guest_components_rest_api on the kernel command line: "
				     "valid are resource, attestation and all");
	for (unsigned int f = AAELD_F_ATTESTATION; f <= AAELD_F_ALL; f++)
		features_are(f, aaeld_features_name(f), false);
}

static void command_line_is_words(void **state)
{
	size_t size = 99;

	(void)state;
	assert_null(aaeld_cmdline_find("", "a.b", &size));
	assert_null(aaeld_cmdline_find("a.b a.bc=1 xa.b=2 A.b=3\n", "a.b", &size));
	assert_memory_equal(aaeld_cmdline_find("\ta.b=1=2\ta.b=3", "a.b", &size), "1=2\t", 4);
	assert_int_equal(size, 3);
	assert_non_null(aaeld_cmdline_find("a.b=", "a.b", &size));
	assert_int_equal(size, 0);
}

static void shown(const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	aaeld_show_config(f, &config, AAELD_F_ALL);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void all_of_it_is_shown(void **state)
{
	char expected[1024];

	(void)state;
	loads(NULL, 0);
	shown("configuration: none\ninitdata: none\nfeatures: all\n"
	      "eventlog_config.enable_eventlog: false\neventlog_config.init_pcr: the module's\n"
	      "log.level: info\ntoken_configs.kbs.url: none\ntoken_configs.kbs.cert: 0\n"
	      "token_configs.kbs.tee_key_algorithm: ECDH-ES+A256KW-P256\n");
	put(KATA "/aa.toml", AA(3) "enable_eventlog = true\n[log]\nlevel = 'trace'\n"
				   "[token_configs.kbs]\nurl = 'http://kbs/'\n");
	put(KATA "/initdata.toml", NO_AA);
	loads(at(KATA "/aa.toml"), 3);
	snprintf(
		expected, sizeof(expected),
		"configuration: %s" KATA "/aa.toml\n"
		"initdata: %s" KATA "/initdata.toml (file, sha256:"
		"5c2352d2fc30c739221294a2cfba71085bed25abb92cc393032b227a020ee2f0)\nfeatures: all\n"
		"eventlog_config.enable_eventlog: true\neventlog_config.init_pcr: 3\n"
		"log.level: debug\ntoken_configs.kbs.url: http://kbs (token_configs.kbs.url)\n"
		"token_configs.kbs.cert: 0\n"
		"token_configs.kbs.tee_key_algorithm: ECDH-ES+A256KW-P256\n",
		root, root);
	shown(expected);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOT(the_first_source_counts),
		IN_ROOT(what_was_named_must_be_there),
		IN_ROOT(file_that_may_be_there_is_not_passed_over),
		IN_ROOT(unusable_file_is_an_error),
		IN_ROOT(file_has_a_limit),
		IN_ROOT(initdata_beside_it),
		IN_ROOT(file_that_is_not_what_was_measured),
		IN_ROOT(kbs_is_found_elsewhere_too),
		IN_ROOT(another_kbc_is_none),
		IN_ROOT(features_of_option_command_line_or_name),
		cmocka_unit_test(command_line_is_words),
		IN_ROOT(all_of_it_is_shown),
	};

	return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
