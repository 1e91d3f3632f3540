// SPDX-License-Identifier: Apache-2.0
/* aaelctl handover ($AAELCTL) on a machine without the module: what an export has to be. */
#include <stdbool.h>

#include "ctlrun.h"
#include "handover.h"
#include "logbuild.h"

static const uint16_t one[] = { AAEL_ALG_SHA256, 0 };

static char folder[] = P_tmpdir "/aaelctl-handover.XXXXXX";
static char dir[64], log_path[96];

static int prepare(void **state)
{
	static struct logbuild l;
	static struct aael_handover h;
	struct aael_info info = { .index = 17, .max_log_bytes = 1 << 20 };
	char message[AAEL_HANDOVER_MESSAGE_BYTES];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(dir, sizeof(dir), "%s/export", folder);
	snprintf(log_path, sizeof(log_path), "%s/" AAEL_HANDOVER_LOG, dir);
	put_header(&l, 0, one);
	info.own_offset = l.size;
	put_aael(&l, 14, one, "example.org/app start one");
	put_aael(&l, 14, one, "example.org/app start two");
	assert_int_equal(aael_handover_describe(&h, &info, l.data, l.size), 0);
	assert_int_equal(aael_handover_save(dir, &h, l.data, false, message), 0);
	return 0;
}

static int tidy(void **state)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];

	(void)state;
	return aael_handover_remove(dir, message) || rmdir(folder);
}

/* One byte of the file, and back. */
static void spoil(long offset)
{
	FILE *f = fopen(log_path, "r+b");
	int c;

	assert_non_null(f);
	fseek(f, offset, SEEK_END);
	c = getc(f);
	fseek(f, offset, SEEK_END);
	putc(c ^ 1, f);
	fclose(f);
}

static void a_spoilt_export_is_1_and_names_the_entry(void **state)
{
	static const char *const steps[] = { "import", "release" };
	struct run r;

	(void)state;
	spoil(-1);
	for (int i = 0; i < 2; i++) {
		RUN(&r, "handover", steps[i], dir);
		assert_int_equal(r.code, 1);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err,
				       "log.tcg2: the entries are not those that were exported: "
				       "entry 2: a digest is not that of its event"));
	}
	spoil(-1);
}

static void no_export_is_3(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "handover", "import", "/nonexistent");
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl handover: /nonexistent: No such file or directory\n");
}

static void an_export_that_is_there_is_kept(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "handover", "export", dir);
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.err, "has an export already"));
}

static void without_the_module_it_is_3(void **state)
{
	static const char *const steps[] = { "import", "release" };
	struct run r;

	(void)state;
	if (!access("/sys/module/aael", F_OK)) {
		print_message("# skipped: the module is loaded\n");
		skip();
	}
	for (int i = 0; i < 2; i++) {
		RUN(&r, "handover", steps[i], dir);
		assert_int_equal(r.code, 3);
		assert_non_null(strstr(r.err, "aael"));
	}
	RUN(&r, "handover", "unseal");
	assert_int_equal(r.code, 3);
	RUN(&r, "handover", "upgrade", "--dir", "/nonexistent");
	assert_int_equal(r.code, 3);
	assert_non_null(
		strstr(r.err, "no module is loaded, and there is no export in /nonexistent"));
	/* Where there is one, it goes on; but not with just any file. */
	RUN(&r, "handover", "upgrade", log_path, "--dir", dir);
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "log.tcg2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spoilt_export_is_1_and_names_the_entry),
		cmocka_unit_test(no_export_is_3),
		cmocka_unit_test(an_export_that_is_there_is_kept),
		cmocka_unit_test(without_the_module_it_is_3),
	};

	return cmocka_run_group_tests_name("ctlhandover", tests, prepare, tidy);
}
