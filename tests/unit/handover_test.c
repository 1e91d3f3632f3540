// SPDX-License-Identifier: Apache-2.0
/* A log that is handed over: its description, and the folder of both. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handover.h"
#include "logbuild.h"

static const uint16_t two[] = { AAEL_ALG_SHA256, AAEL_ALG_SHA384, 0 };
static const char status[] = "version: 1\nreserved_domain: aael\nreserved_domain: a\"b\n"
			     "reserved_domain: \nno_reserved_domain: x\nreserved_domain: cut";

static struct logbuild log_;
static size_t own;
static struct aael_handover h;
static char message[AAEL_HANDOVER_MESSAGE_BYTES];
static char folder[] = P_tmpdir "/aael-handover.XXXXXX";
static char dir[64];

static void sample_log(void)
{
	log_.size = 0;
	put_header(&log_, 0, two);
	put_entry(&log_, 4, AAEL_EV_SEPARATOR, two, "\0\0\0\0", 4);
	own = log_.size;
	put_aael(&log_, 14, two, "example.org/app start one");
	put_aael(&log_, 14, two, "example.org/app start two");
	put_aael(&log_, 14, two, "example.org/app start three");
}

static int sample(void **state)
{
	struct aael_info info = {
		.state = AAEL_STATE_SEALED, .index = 17, .max_log_bytes = 1 << 20, .provider = "tpm"
	};

	(void)state;
	sample_log();
	info.own_offset = own;
	if (aael_handover_describe(&h, &info, log_.data, log_.size))
		return -1;
	strcpy(h.module_version, "0.1.0");
	aael_handover_reserve(&h, status, sizeof(status) - 1);
	aael_handover_parameter(&h, "provider", "auto\n");
	aael_handover_parameter(&h, "tpm_pcr", "14");
	return 0;
}

static void describe_counts_and_hashes_our_part(void **state)
{
	uint8_t hash[AAEL_TCG2_DIGEST_MAX_BYTES];
	struct aael_info info = { .own_offset = own };

	(void)state;
	assert_int_equal(h.count, 3);
	assert_int_equal(h.bytes, log_.size);
	assert_int_equal(h.own_offset, own);
	assert_int_equal(
		aael_alg_hash(AAEL_ALG_SHA256, log_.data + own, log_.size - own, "", 0, hash), 32);
	assert_memory_equal(h.sha256, hash, 32);
	assert_int_equal(h.reserved_count, 2);
	assert_string_equal(h.reserved[1], "a\"b");
	assert_string_equal(h.parameters, "provider=auto tpm_pcr=14");
	assert_int_equal(aael_handover_describe(&h, &info, log_.data, log_.size - 1), -EBADMSG);
	info.own_offset++;
	assert_int_equal(aael_handover_describe(&h, &info, log_.data, log_.size), -EBADMSG);
	info.own_offset = log_.size + 1;
	assert_int_equal(aael_handover_describe(&h, &info, log_.data, log_.size), -EBADMSG);
}

/* A log without entries of ours is a log, too. */
static void describe_an_empty_log(void **state)
{
	struct aael_info info = { .own_offset = own };

	(void)state;
	assert_int_equal(aael_handover_describe(&h, &info, log_.data, own), 0);
	assert_int_equal(h.count, 0);
	assert_int_equal(aael_handover_check(&h, log_.data, own, message), 0);
}

static void parameters_that_need_quotes_are_left_out(void **state)
{
	(void)state;
	assert_int_equal(aael_handover_parameter(&h, "reserved_domains", "a b"), 0);
	assert_int_equal(aael_handover_parameter(&h, "reserved_domains", "a\"b\n"), 0);
	assert_string_equal(h.parameters, "provider=auto tpm_pcr=14");
	for (int i = 0; i < 400; i++)
		aael_handover_parameter(&h, "a", "0123456789");
	assert_int_equal(aael_handover_parameter(&h, "a", "0123456789"), -ENOSPC);
	assert_int_equal(strlen(h.parameters) % 13, strlen("provider=auto tpm_pcr=14") % 13);
}

static const char *print(void)
{
	static char text[8192];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	aael_handover_print(&h, f);
	fclose(f);
	return text;
}

static void parse_gives_what_was_printed(void **state)
{
	struct aael_handover back;
	const char *text = print();

	(void)state;
	assert_int_equal(aael_handover_parse(&back, text, strlen(text), message), 0);
	assert_memory_equal(&back, &h, sizeof(h));
}

/* @from replaced by @to must be refused with those words. */
static void refused(const char *from, const char *to, const char *says)
{
	const char *text = print(), *at = strstr(text, from);
	char changed[8192];
	struct aael_handover back;

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		 at + strlen(from));
	assert_int_equal(aael_handover_parse(&back, changed, strlen(changed), message), -EBADMSG);
	if (!strstr(message, says))
		fail_msg("%s: %s", to, message);
}

static void parse_refuses_what_is_not_a_description(void **state)
{
	struct aael_handover back;

	(void)state;
	assert_int_equal(aael_handover_parse(&back, "[]", 2, message), -EBADMSG);
	assert_int_equal(aael_handover_parse(&back, "", 0, message), -EBADMSG);
	refused("\"format\": 1", "\"format\": 2", "format: 2 is not known to this program");
	refused("\"format\": 1", "\"forma\": 1", "format");
	refused("\"count\": 3", "\"count\": -3", "count");
	refused("\"count\": 3", "\"count\": \"three\"", "count");
	refused("\"index\": 17", "\"index\": 4294967296", "index");
	refused("\"sha256\": \"", "\"sha256\": \"0", "sha256: is not 64");
	refused("\"tpm\"", "\"a name that is too long\"", "provider: is too long");
	refused("[\"aael\", ", "[7, ", "reserved_domains");
	refused("\"reserved_domains\"", "\"reserved\"", "reserved_domains");
}

static void check_says_what_differs(void **state)
{
	(void)state;
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), 0);
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size - 1, message), -EBADMSG);
	assert_non_null(strstr(message, "bytes and not"));
	log_.data[log_.size - 1] ^= 1;
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), -EBADMSG);
	assert_non_null(strstr(message, "entry 3: a digest is not that of its event"));
	sample_log();
	/* An entry that fits by itself. */
	log_.size = own;
	put_aael(&log_, 14, two, "example.org/app start one");
	put_aael(&log_, 14, two, "example.org/app start owt");
	put_aael(&log_, 14, two, "example.org/app start three");
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), -EBADMSG);
	assert_non_null(strstr(message, "another SHA-256"));
	sample_log();
	h.count = 2;
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), -EBADMSG);
	assert_string_equal(message, "there are 3 entries and not 2");
	h.count = 3;
	h.own_offset++;
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), -EBADMSG);
	assert_string_equal(message, "no entry begins at own_offset");
	h.own_offset = h.bytes + 1;
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), -EBADMSG);
	h.own_offset = own;
	log_.data[own + 8] = 0;
	assert_int_equal(aael_handover_check(&h, log_.data, log_.size, message), -EBADMSG);
	assert_non_null(strstr(message, "behind entry 0"));
}

static void entry_by_its_number(void **state)
{
	struct aael_tcg2_entry e;
	struct aael_text text;

	(void)state;
	assert_int_equal(aael_handover_entry(&h, log_.data, log_.size, 0, &e), -ENOENT);
	assert_int_equal(aael_handover_entry(&h, log_.data, log_.size, 4, &e), -ENOENT);
	assert_int_equal(aael_handover_entry(&h, log_.data, log_.size, 2, &e), 0);
	assert_int_equal(aael_text_decode(&e, &text), 0);
	assert_memory_equal(text.content, "two", 3);
}

static void every_errno_has_words(void **state)
{
	static const int errnos[] = { EPERM, EINVAL, E2BIG,   EFAULT,	EOPNOTSUPP, ENOTCONN,
				      EFBIG, EBUSY,  EBADMSG, ESTALE,	ENOMEM,	    ENOPKG,
				      EINTR, ENODEV, EIO,     ETIMEDOUT };

	(void)state;
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		assert_string_not_equal(aael_handover_strerror(errnos[i]), strerror(errnos[i]));
}

static void the_status_says_what_is_not_recorded(void **state)
{
	static const char owed[] = "count: 0\nimport: not recorded: enable the log to try again\n";
	static const char awaited[] = "count: 3\nimport: awaited (import=1): not recorded\n";

	(void)state;
	assert_true(aael_handover_unrecorded(owed, sizeof(owed) - 1));
	assert_false(aael_handover_unrecorded(awaited, sizeof(awaited) - 1));
	assert_false(aael_handover_unrecorded("", 0));
}

static mode_t mode_of(const char *name)
{
	struct stat st;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void saved_is_loaded(void **state)
{
	struct aael_handover back;
	uint8_t *log;
	size_t size;

	(void)state;
	assert_false(aael_handover_exists(dir));
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), -ENOENT);
	assert_int_equal(aael_handover_save(dir, &h, log_.data, false, message), 0);
	assert_true(aael_handover_exists(dir));
	assert_int_equal(mode_of(""), 0700);
	assert_int_equal(mode_of(AAEL_HANDOVER_LOG), 0600);
	assert_int_equal(mode_of(AAEL_HANDOVER_DESCRIPTION), 0600);
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), 0);
	assert_memory_equal(&back, &h, sizeof(h));
	assert_int_equal(size, log_.size);
	assert_memory_equal(log, log_.data, size);
	free(log);
	assert_int_equal(aael_handover_remove(dir, message), 0);
	assert_int_equal(access(dir, F_OK), -1);
}

static void an_export_is_not_replaced_unless_forced(void **state)
{
	struct aael_handover back;
	uint8_t *log;
	size_t size;

	(void)state;
	assert_int_equal(aael_handover_save(dir, &h, log_.data, false, message), 0);
	h.index = 16;
	assert_int_equal(aael_handover_save(dir, &h, log_.data, false, message), -EEXIST);
	assert_non_null(strstr(message, "File exists"));
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), 0);
	assert_int_equal(back.index, 17);
	free(log);
	assert_int_equal(aael_handover_save(dir, &h, log_.data, true, message), 0);
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), 0);
	assert_int_equal(back.index, 16);
	free(log);
	assert_int_equal(aael_handover_remove(dir, message), 0);
}

/* What was there is gone as an export before the log is touched; a failure leaves none. */
static void a_failure_leaves_no_export(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(aael_handover_save(dir, &h, log_.data, false, message), 0);
	snprintf(path, sizeof(path), "%s/" AAEL_HANDOVER_LOG ".new", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(aael_handover_save(dir, &h, log_.data, true, message), -EISDIR);
	assert_non_null(strstr(message, AAEL_HANDOVER_LOG));
	assert_false(aael_handover_exists(dir));
	assert_int_equal(rmdir(path), 0);
	/* A file that is not ours stays, and the folder with it. */
	snprintf(path, sizeof(path), "%s/other", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(aael_handover_remove(dir, message), 0);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_int_equal(aael_handover_remove(dir, message), 0);
}

static void load_refuses_a_cut_or_linked_log(void **state)
{
	struct aael_handover back;
	char path[128];
	uint8_t *log;
	size_t size;

	(void)state;
	snprintf(path, sizeof(path), "%s/" AAEL_HANDOVER_LOG, dir);
	assert_int_equal(aael_handover_save(dir, &h, log_.data, false, message), 0);
	assert_int_equal(truncate(path, (off_t)log_.size - 1), 0);
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), -EBADMSG);
	assert_non_null(strstr(message, "/" AAEL_HANDOVER_LOG ": the log has"));
	assert_null(log);
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), -ELOOP);
	assert_int_equal(aael_handover_remove(dir, message), 0);
}

static void a_folder_that_others_can_write_to_is_refused(void **state)
{
	struct aael_handover back;
	uint8_t *log;
	size_t size;

	(void)state;
	assert_int_equal(aael_handover_save(dir, &h, log_.data, false, message), 0);
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(aael_handover_save(dir, &h, log_.data, true, message), -EPERM);
	assert_non_null(strstr(message, "others can write there"));
	assert_int_equal(chmod(dir, 0702), 0);
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), -EPERM);
	assert_null(log);
	assert_int_equal(chmod(dir, 0755), 0);
	if (!geteuid()) {
		assert_int_equal(chown(dir, 1000, 0), 0);
		assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), -EPERM);
		assert_int_equal(chown(dir, 0, 0), 0);
	}
	assert_int_equal(aael_handover_load(dir, &back, &log, &size, message), 0);
	free(log);
	assert_int_equal(aael_handover_remove(dir, message), 0);
}

static void a_slash_at_the_end_changes_nothing(void **state)
{
	char path[96];

	(void)state;
	assert_int_equal(rmdir(strcat(strcpy(path, folder), "/above")), 0);
	snprintf(path, sizeof(path), "%s//", dir);
	assert_int_equal(aael_handover_save(path, &h, log_.data, false, message), 0);
	assert_int_equal(mode_of(""), 0700);
	assert_int_equal(aael_handover_remove(path, message), 0);
	assert_int_equal(access(dir, F_OK), -1);
}

static void a_folder_that_cannot_be_made(void **state)
{
	(void)state;
	assert_int_equal(aael_handover_save("/dev/null/x", &h, log_.data, false, message),
			 -ENOTDIR);
	assert_non_null(strstr(message, "/dev/null/x: "));
}

static int prepare(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(dir, sizeof(dir), "%s/above/export", folder);
	return 0;
}

static int tidy(void **state)
{
	char above[64];

	(void)state;
	snprintf(above, sizeof(above), "%s/above", folder);
	return rmdir(above) || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(describe_counts_and_hashes_our_part, sample),
		cmocka_unit_test_setup(describe_an_empty_log, sample),
		cmocka_unit_test_setup(parameters_that_need_quotes_are_left_out, sample),
		cmocka_unit_test_setup(parse_gives_what_was_printed, sample),
		cmocka_unit_test_setup(parse_refuses_what_is_not_a_description, sample),
		cmocka_unit_test_setup(check_says_what_differs, sample),
		cmocka_unit_test_setup(entry_by_its_number, sample),
		cmocka_unit_test(every_errno_has_words),
		cmocka_unit_test_setup(saved_is_loaded, sample),
		cmocka_unit_test_setup(an_export_is_not_replaced_unless_forced, sample),
		cmocka_unit_test_setup(a_failure_leaves_no_export, sample),
		cmocka_unit_test_setup(load_refuses_a_cut_or_linked_log, sample),
		cmocka_unit_test_setup(a_folder_that_others_can_write_to_is_refused, sample),
		cmocka_unit_test_setup(a_slash_at_the_end_changes_nothing, sample),
		cmocka_unit_test_setup(a_folder_that_cannot_be_made, sample),
		cmocka_unit_test(the_status_says_what_is_not_recorded),
	};

	return cmocka_run_group_tests_name("handover", tests, prepare, tidy);
}
