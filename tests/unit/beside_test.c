// SPDX-License-Identifier: Apache-2.0
/* What aaeld does for a stock Attestation Agent, in a tree that stands for the root. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"
#include "fakekernel.h"
#include "tree.h"

#define EVENTS "/sys/kernel/security/aael/events"
#define FOLDER "/run/attestation-agent"
#define EVENTLOG FOLDER "/eventlog"
#define KEEPS_LOG "[eventlog_config]\nenable_eventlog = true\n"

static struct fake_kernel kernel;

/* Process 42, whose root is ours; @size bytes at @cmdline, a NUL behind each word. */
static void put_process(const char *comm, const char *cmdline, size_t size)
{
	put("/proc/42/comm", comm);
	put_bytes("/proc/42/cmdline", cmdline, size);
	if (access(at("/proc/42/root"), F_OK)) {
		assert_int_equal(symlink("../..", at("/proc/42/root")), 0);
		assert_int_equal(symlink("../../etc", at("/proc/42/cwd")), 0);
	}
}

#define PUT_AGENT(cmdline) put_process("attestation-age\n", cmdline, sizeof(cmdline))

static void set_kernel(const char *provider, uint32_t state)
{
	fake_init(&kernel);
	kernel.info.state = state;
	memset(kernel.info.provider, 0, sizeof(kernel.info.provider));
	memcpy(kernel.info.provider, provider, strlen(provider));
}

static int make_root(void **state)
{
	(void)state;
	if (tree_make())
		return -1;
	put(EVENTS, "");
	put("/run/x", "");
	set_kernel("tsm-mr", AAEL_STATE_ENABLED);
	return 0;
}

static int remove_root(void **state)
{
	(void)state;
	return tree_remove("");
}

static void start(void)
{
	const struct aaeld_sources sources = { .root = root };

	capture_begin();
	aaeld_beside_start(&sources, &fake_ops, &kernel);
	capture_end();
}

static void says(const char *words)
{
	if (capture_count(words) != 1)
		fail_msg("\"%s\" is not once in \"%s\"", words, captured);
}

static void warns_of_nothing(void)
{
	if (capture_count("<3>") || capture_count("<4>"))
		fail_msg("said \"%s\"", captured);
}

static void is_linked(bool yes)
{
	char target[256] = "";

	if (!yes) {
		assert_int_equal(readlink(at(EVENTLOG), target, sizeof(target) - 1), -1);
		return;
	}
	assert_true(readlink(at(EVENTLOG), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, EVENTS);
}

static void link_is_made_once(void **state)
{
	struct stat first, second;

	(void)state;
	start();
	is_linked(true);
	warns_of_nothing();
	assert_int_equal(stat(at(FOLDER), &first), 0);
	assert_int_equal(first.st_mode & 0777, 0755);
	assert_int_equal(lstat(at(EVENTLOG), &first), 0);
	start();
	warns_of_nothing();
	assert_int_equal(lstat(at(EVENTLOG), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
}

static void only_of_a_log_that_a_quote_can_speak_of(void **state)
{
	static const struct {
		const char *provider;
		uint32_t state;
		int info_ret;
		bool linked;
	} rows[] = {
		{ "tsm-mr", AAEL_STATE_DISABLED, 0, false },
		{ "", AAEL_STATE_UNSUPPORTED, 0, false },
		{ "soft", AAEL_STATE_ENABLED, 0, false },
		{ "tpm", AAEL_STATE_ENABLED, -ENXIO, false },
		{ "tpm", AAEL_STATE_ENABLED, 0, true },
		{ "tdcall", AAEL_STATE_SEALED, 0, true },
	};

	(void)state;
	put("/etc/aa.toml", KEEPS_LOG);
	PUT_AGENT("attestation-agent\0-c\0/etc/aa.toml");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_kernel(rows[i].provider, rows[i].state);
		kernel.info_ret = rows[i].info_ret;
		start();
		is_linked(rows[i].linked);
		assert_int_equal(capture_count("log of its own"), rows[i].linked);
		unlink(at(EVENTLOG));
	}
}

static void what_stands_there_is_left_alone(void **state)
{
	struct stat st;

	(void)state;
	put(EVENTLOG, "mine");
	start();
	says("<3>aaeld: " EVENTLOG " is not a link to " EVENTS ", and left alone");
	assert_int_equal(lstat(at(EVENTLOG), &st), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 4);
	assert_int_equal(unlink(at(EVENTLOG)), 0);
	assert_int_equal(mkdir(at(EVENTLOG), 0700), 0);
	start();
	says("<3>aaeld: " EVENTLOG " is not a link to " EVENTS);
}

static void other_link_is_left_alone(void **state)
{
	static const char *const targets[] = {
		"/nowhere",
		EVENTS "/..",
		"/sys/kernel/security/aael/event",
		"/sys/kernel/security/aael/eventz",
	};
	char target[64];

	(void)state;
	put(FOLDER "/x", "");
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_int_equal(symlink(targets[i], at(EVENTLOG)), 0);
		start();
		says("<3>aaeld: " EVENTLOG " is not a link to " EVENTS ", and left alone");
		memset(target, 0, sizeof(target));
		assert_true(readlink(at(EVENTLOG), target, sizeof(target) - 1) > 0);
		assert_string_equal(target, targets[i]);
		assert_int_equal(unlink(at(EVENTLOG)), 0);
	}
}

/* The folder of securityfs is not there either: nothing can be mounted. */
static void no_link_to_nothing(void **state)
{
	(void)state;
	assert_int_equal(tree_remove("/sys"), 0);
	start();
	says("<4>aaeld: " EVENTLOG " cannot be made a link to " EVENTS
	     " (No such file or directory)");
	is_linked(false);
}

static void folder_that_cannot_be_made(void **state)
{
	(void)state;
	put(FOLDER, "");
	start();
	says("<4>aaeld: " EVENTLOG " cannot be made a link to " EVENTS " (Not a directory)");
}

static void agent_with_a_log_of_its_own(void **state)
{
	(void)state;
	put("/etc/aa.toml", KEEPS_LOG);
	put("/etc/text.toml", "[eventlog_config]\nenable_eventlog = \"true\"\n");
	PUT_AGENT("/usr/local/bin/attestation-agent\0--attestation_sock\0x\0-c\0/etc/aa.toml");
	start();
	says("<3>aaeld: attestation-agent (process 42) keeps an event log of its own: "
	     "eventlog_config.enable_eventlog is true in /etc/aa.toml");
	PUT_AGENT("attestation-agent\0--config-file\0/etc/text.toml");
	start();
	says("is true in /etc/text.toml");
	PUT_AGENT("./attestation-agent\0--config-file=aa.toml");
	start();
	says("is true in aa.toml");
	PUT_AGENT("attestation-agent\0-c/etc/aa.toml\0-c\0/etc/other.toml");
	start();
	says("is true in /etc/aa.toml");
	PUT_AGENT("attestation-agent\0-c=aa.toml");
	start();
	says("is true in aa.toml");
	is_linked(true);
}

static void agent_without_one(void **state)
{
	static const char *const texts[] = {
		"",
		"[eventlog_config]\ninit_pcr = 17\n",
		"[eventlog_config]\nenable_eventlog = false\n",
		"[eventlog_config]\nenable_eventlog = 'false'\n",
		"[token_configs.kbs]\nurl = 'something new'\n",
	};

	(void)state;
	PUT_AGENT("attestation-agent\0-c\0/etc/aa.toml");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("/etc/aa.toml", texts[i]);
		start();
		warns_of_nothing();
	}
}

static void agent_that_may_have_one(void **state)
{
	char *large = calloc(1, AAELD_CONFIG_MAX_BYTES + 1);

	(void)state;
	PUT_AGENT("attestation-agent");
	start();
	says("<4>aaeld: attestation-agent (process 42) runs with no -c FILE: make sure that "
	     "eventlog_config.enable_eventlog is not true there");
	PUT_AGENT("attestation-agent\0-c");
	start();
	says("runs with no -c FILE");
	PUT_AGENT("attestation-agent\0-c\0/etc/aa.toml");
	start();
	says("<4>aaeld: attestation-agent (process 42) runs with a configuration that cannot be "
	     "read, /etc/aa.toml: make sure");
	put("/etc/aa.toml", "{ \"eventlog_config\": {} }");
	start();
	says("cannot be read, /etc/aa.toml");
	assert_int_equal(unlink(at("/etc/aa.toml")), 0);
	/* Would wait for a writer if it were opened as any file is. */
	assert_int_equal(mkfifo(at("/etc/aa.toml"), 0600), 0);
	start();
	says("cannot be read, /etc/aa.toml");
	assert_int_equal(unlink(at("/etc/aa.toml")), 0);
	memset(large, '\n', AAELD_CONFIG_MAX_BYTES + 1);
	put_bytes("/etc/aa.toml", large, AAELD_CONFIG_MAX_BYTES + 1);
	start();
	says("cannot be read, /etc/aa.toml");
	put_bytes("/etc/aa.toml", large, AAELD_CONFIG_MAX_BYTES);
	start();
	warns_of_nothing();
	free(large);
}

static void other_processes_are_none(void **state)
{
	static const char other[] = "/bin/attestation-agency\0-c\0/etc/aa.toml";

	(void)state;
	put("/etc/aa.toml", KEEPS_LOG);
	put_process("attestation-age\n", other, sizeof(other));
	put("/proc/version/comm", "attestation-age\n");
	put("/proc/43/comm", "attestation-age\n"); /* has just ended */
	start();
	warns_of_nothing();
	put_process("python3\n", "attestation-agent", sizeof("attestation-agent"));
	start();
	warns_of_nothing();
	put_process("attestation-age\n", "", 0);
	start();
	warns_of_nothing();
}

static void processes_of_users_are_none(void **state)
{
	(void)state;
	if (geteuid()) {
		print_message("# skipped: needs root\n");
		skip();
	}
	put("/etc/aa.toml", KEEPS_LOG);
	PUT_AGENT("attestation-agent\0-c\0/etc/aa.toml");
	assert_int_equal(chown(at("/proc/42"), 1000, 1000), 0);
	start();
	warns_of_nothing();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(link_is_made_once),
		TEST(only_of_a_log_that_a_quote_can_speak_of),
		TEST(what_stands_there_is_left_alone),
		TEST(other_link_is_left_alone),
		TEST(no_link_to_nothing),
		TEST(folder_that_cannot_be_made),
		TEST(agent_with_a_log_of_its_own),
		TEST(agent_without_one),
		TEST(agent_that_may_have_one),
		TEST(other_processes_are_none),
		TEST(processes_of_users_are_none),
	};

	return cmocka_run_group_tests_name("beside", tests, NULL, NULL);
}
