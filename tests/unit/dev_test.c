// SPDX-License-Identifier: Apache-2.0
/* The kernel client against a kernel made here: an ioctl() of our own. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "logbuild.h"

static struct {
	int error; /* errno to fail with, or 0 */
	unsigned long request;
	uint32_t duplicate;
	struct aael_extend extend;
	struct aael_seal seal;
	struct aael_import import;
} kernel;

static void answer(unsigned long request, void *arg)
{
	struct aael_extend *x = arg;
	struct aael_info *info = arg;
	struct aael_snapshot *s = arg;
	struct aael_snapshot_register *registers;
	struct aael_verify *v = arg;
	struct aael_import *import = arg;
	struct aael_seal *seal = arg;

	if (request == AAEL_IOC_EXTEND) {
		assert_int_equal(x->size, sizeof(*x));
		kernel.extend = *x;
		x->sequence = 7;
		x->reg = 14;
		x->duplicate = kernel.duplicate;
	} else if (request == AAEL_IOC_INFO) {
		assert_int_equal(info->size, sizeof(*info));
		info->count = 3;
	} else if (request == AAEL_IOC_SNAPSHOT) {
		assert_int_equal(s->size, sizeof(*s));
		assert_int_equal(s->flags, 0);
		assert_int_equal(s->reg_size, sizeof(*registers));
		assert_int_equal(s->reg_room, 2);
		registers = (void *)(uintptr_t)s->registers;
		registers[1].reg = 14;
		s->reg_count = 2;
	} else if (request == AAEL_IOC_VERIFY) {
		assert_int_equal(v->size, sizeof(*v));
		v->match = v->index == AAEL_INDEX_DEFAULT;
	} else if (request == AAEL_IOC_SEAL) {
		assert_int_equal(seal->size, sizeof(*seal));
		kernel.seal = *seal;
		seal->count = 3;
		seal->bytes = 900;
	} else if (request == AAEL_IOC_IMPORT) {
		assert_int_equal(import->size, sizeof(*import));
		kernel.import = *import;
		import->sequence = 4;
	} else {
		fail();
	}
}

/* Stands before libc's for this program. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	(void)fd;
	kernel.request = request;
	answer(request, arg);
	if (!kernel.error)
		return 0;
	errno = kernel.error;
	return -1;
}

static int reset(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static void extend_passes_every_field(void **state)
{
	struct aael_event event = {
		"dom", 3, "op", 2, "content", 7, 17, AAEL_EXTEND_F_UNPRIVILEGED
	};
	const struct aael_extend *x = &kernel.extend;
	uint64_t sequence;
	uint32_t reg;

	(void)state;
	assert_int_equal(aael_dev_extend(5, &event, &sequence, &reg), 0);
	assert_int_equal(sequence, 7);
	assert_int_equal(reg, 14);
	assert_int_equal(x->flags, AAEL_EXTEND_F_UNPRIVILEGED);
	assert_int_equal(x->index, 17);
	assert_int_equal(x->domain_len, 3);
	assert_int_equal(x->operation_len, 2);
	assert_int_equal(x->content_len, 7);
	assert_int_equal(x->domain, (uintptr_t)event.domain);
	assert_int_equal(x->operation, (uintptr_t)event.operation);
	assert_int_equal(x->content, (uintptr_t)event.content);
	assert_int_equal(x->sequence, 0);
	assert_int_equal(x->reg, 0);
	assert_int_equal(x->duplicate, 0);
	assert_int_equal(aael_dev_extend(5, &event, NULL, NULL), 0);
}

static void extend_gives_the_kernels_errno(void **state)
{
	struct aael_event event = { "d", 1, "o", 1, "c", 1, AAEL_INDEX_DEFAULT, 0 };
	uint64_t sequence = 0;

	(void)state;
	kernel.error = ETIMEDOUT;
	assert_int_equal(aael_dev_extend(5, &event, &sequence, NULL), -ETIMEDOUT);
	assert_int_equal(sequence, 7);
}

static void extend_tells_a_duplicate(void **state)
{
	struct aael_event event = {
		"d", 1, "o", 1, "c", 1, AAEL_INDEX_DEFAULT, AAEL_EXTEND_F_ONCE
	};
	uint64_t sequence = 0;

	(void)state;
	assert_int_equal(aael_dev_extend(5, &event, &sequence, NULL), 0);
	assert_int_equal(kernel.extend.flags, AAEL_EXTEND_F_ONCE);
	kernel.duplicate = 1;
	assert_int_equal(aael_dev_extend(5, &event, &sequence, NULL), 1);
	assert_int_equal(sequence, 7);
	kernel.error = EEXIST;
	sequence = 0;
	assert_int_equal(aael_dev_extend(5, &event, &sequence, NULL), -EEXIST);
	assert_int_equal(sequence, 7);
}

static void extend_never_cuts_a_length(void **state)
{
	struct aael_event event = { "d", 1, "o", 1, "c", (size_t)UINT32_MAX + 2, 17, 0 };

	(void)state;
	assert_int_equal(aael_dev_extend(5, &event, NULL, NULL), -E2BIG);
	assert_int_equal(kernel.request, 0);
}

static void info_snapshot_and_verify(void **state)
{
	struct aael_info info;
	struct aael_snapshot snapshot;
	struct aael_snapshot_register registers[2];
	struct aael_verify verify;

	(void)state;
	assert_int_equal(aael_dev_info(5, &info), 0);
	assert_int_equal(info.count, 3);
	assert_int_equal(aael_dev_snapshot(5, &snapshot, registers, 2), 0);
	assert_int_equal(snapshot.reg_count, 2);
	assert_int_equal(registers[1].reg, 14);
	assert_int_equal(aael_dev_verify(5, AAEL_INDEX_DEFAULT, &verify), 0);
	assert_int_equal(verify.match, 1);
	kernel.error = ENOTTY;
	assert_int_equal(aael_dev_info(5, &info), -ENOTTY);
	assert_int_equal(aael_dev_snapshot(5, &snapshot, registers, 2), -ENOTTY);
	assert_int_equal(aael_dev_verify(5, 9, &verify), -ENOTTY);
}

static void seal_says_how_far_only_to_release(void **state)
{
	uint64_t count = 1, bytes = 800;

	(void)state;
	assert_int_equal(aael_dev_seal(5, AAEL_SEAL_BEGIN, &count, &bytes), 0);
	assert_int_equal(kernel.seal.step, AAEL_SEAL_BEGIN);
	assert_int_equal(kernel.seal.bytes, 0);
	assert_int_equal(count, 3);
	assert_int_equal(bytes, 900);
	kernel.error = ESTALE;
	bytes = 800;
	assert_int_equal(aael_dev_seal(5, AAEL_SEAL_RELEASE, &count, &bytes), -ESTALE);
	assert_int_equal(kernel.seal.bytes, 800);
	assert_int_equal(bytes, 900);
}

static void import_passes_the_entries(void **state)
{
	struct aael_import result;
	static const char entries[] = "entries";

	(void)state;
	kernel.error = EBADMSG;
	assert_int_equal(aael_dev_import(5, AAEL_IMPORT_F_DIVERGED, 17, entries, 7, &result),
			 -EBADMSG);
	assert_int_equal(kernel.import.flags, AAEL_IMPORT_F_DIVERGED);
	assert_int_equal(kernel.import.index, 17);
	assert_int_equal(kernel.import.entries, (uintptr_t)entries);
	assert_int_equal(kernel.import.bytes, 7);
	assert_int_equal(kernel.import.reg, 0);
	assert_int_equal(kernel.import.sequence, 0);
	assert_int_equal(kernel.import.foreign, 0);
	assert_int_equal(result.sequence, 4);
}

static void open_says_why_not(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(aael_dev_open("/nonexistent/aael", O_RDONLY), -ENOENT);
	assert_int_equal(aael_dev_open("/dev/null/x", O_RDONLY), -ENOTDIR);
	fd = aael_dev_open("/dev/null", O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

/* Of sizes around the steps in which it is read. */
static void read_log_reads_all_of_it(void **state)
{
	static const size_t sizes[] = { 0, 1, 262143, 262144, 262145, 1048577 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		FILE *f = tmpfile();
		uint8_t *log;
		size_t size;

		assert_non_null(f);
		for (size_t k = 0; k < sizes[i]; k++)
			putc((int)(k * 7 % 251), f);
		fflush(f);
		assert_int_equal(aael_dev_read_log(fileno(f), &log, &size), 0);
		assert_int_equal(size, sizes[i]);
		assert_non_null(log);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(log[k], k * 7 % 251);
		free(log);
		fclose(f);
	}
}

static void read_log_fails_cleanly(void **state)
{
	uint8_t *log;
	size_t size;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(aael_dev_read_log(fds[0], &log, &size), -ESPIPE);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(aael_dev_read_log(fds[0], &log, &size), -EBADF);
}

static void a_log_is_mapped(void **state)
{
	const uint8_t *log = NULL;
	FILE *f = tmpfile();
	int fds[2];

	(void)state;
	assert_non_null(f);
	fputs("log, and more", f);
	fflush(f);
	assert_int_equal(aael_dev_map_log(fileno(f), 3, &log), 0);
	fclose(f);
	assert_memory_equal(log, "log", 3);
	aael_dev_unmap_log(log, 3);
	aael_dev_unmap_log(NULL, 3);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(aael_dev_map_log(fds[0], 3, &log), -ENODEV);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(aael_dev_map_log(fds[0], 3, &log), -EBADF);
}

static void every_errno_has_words_of_its_own(void **state)
{
	static const int errnos[] = { EINVAL,	E2BIG,	   EFAULT, EILSEQ,   EOPNOTSUPP,
				      ENOTCONN, ESHUTDOWN, EACCES, EPERM,    EEXIST,
				      ENOSPC,	EDQUOT,	   ENOMEM, EBUSY,    EAGAIN,
				      EINTR,	ENODEV,	   EIO,	   ETIMEDOUT };
	size_t n = sizeof(errnos) / sizeof(errnos[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_string_not_equal(aael_dev_strerror(errnos[i]), strerror(errnos[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(aael_dev_strerror(errnos[i]),
						aael_dev_strerror(errnos[k]));
	}
	/* Not that the register was not extended: it may have diverged. */
	assert_string_equal(aael_dev_strerror(EIO),
			    "nothing was logged; aaelctl status shows the log's health");
	assert_string_equal(aael_dev_strerror(ELOOP), strerror(ELOOP));
}

static void states_and_healths_have_names(void **state)
{
	(void)state;
	assert_string_equal(aael_dev_state_name(AAEL_STATE_UNSUPPORTED), "unsupported");
	assert_string_equal(aael_dev_state_name(AAEL_STATE_SEALED), "sealed");
	assert_string_equal(aael_dev_state_name(99), "not known to this program");
	assert_string_equal(aael_dev_health_name(AAEL_HEALTH_DIVERGED), "diverged");
	assert_string_equal(aael_dev_health_name(AAEL_HEALTH_GONE), "gone");
	assert_string_equal(aael_dev_health_name(99), "not known to this program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(extend_passes_every_field, reset),
		cmocka_unit_test_setup(extend_gives_the_kernels_errno, reset),
		cmocka_unit_test_setup(extend_tells_a_duplicate, reset),
		cmocka_unit_test_setup(extend_never_cuts_a_length, reset),
		cmocka_unit_test_setup(info_snapshot_and_verify, reset),
		cmocka_unit_test_setup(seal_says_how_far_only_to_release, reset),
		cmocka_unit_test_setup(import_passes_the_entries, reset),
		cmocka_unit_test_setup(open_says_why_not, reset),
		cmocka_unit_test_setup(read_log_reads_all_of_it, reset),
		cmocka_unit_test_setup(read_log_fails_cleanly, reset),
		cmocka_unit_test_setup(a_log_is_mapped, reset),
		cmocka_unit_test(every_errno_has_words_of_its_own),
		cmocka_unit_test(states_and_healths_have_names),
	};

	return cmocka_run_group_tests_name("dev", tests, NULL, NULL);
}
