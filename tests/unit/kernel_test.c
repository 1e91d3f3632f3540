// SPDX-License-Identifier: Apache-2.0
/* The daemon's way to the device, with an open() and an ioctl() of our own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "aaeld.h"
#include "capture.h"

static int open_error, ioctl_error;

/* These two stand before libc's for this program. */
int open(const char *path, int flags, ...)
{
	(void)flags;
	assert_string_equal(path, "/dev/aael");
	errno = open_error;
	return open_error ? -1 : memfd_create("device", MFD_CLOEXEC);
}

int ioctl(int fd, unsigned long request, ...)
{
	(void)fd;
	(void)request;
	errno = ioctl_error;
	return ioctl_error ? -1 : 0;
}

static const struct aaeld_event event = {
	.domain = "secret",
	.operation = "secret",
	.content = "secret",
	.index = AAEL_INDEX_DEFAULT,
};

static int append(int on_open, int on_ioctl)
{
	uint64_t sequence;

	open_error = on_open;
	ioctl_error = on_ioctl;
	return aaeld_kernel_ops.append(NULL, &event, &sequence);
}

static void missing_module_is_enxio(void **state)
{
	struct aael_info info;

	(void)state;
	capture_begin();
	assert_int_equal(append(ENOENT, 0), -ENXIO);
	assert_int_equal(append(ENXIO, 0), -ENXIO);
	assert_int_equal(append(ENODEV, 0), -ENXIO);
	assert_int_equal(aaeld_kernel_ops.info(NULL, &info), -ENXIO);
	assert_string_equal(capture_end(), "");
}

/* open()'s errnos mean something else to those who append: the log has them. */
static void the_log_says_why_the_device_cannot_be_used(void **state)
{
	struct aael_info info;

	(void)state;
	capture_begin();
	assert_int_equal(append(EACCES, 0), -ENOTTY);
	assert_int_equal(append(EMFILE, 0), -ENOTTY);
	assert_int_equal(aaeld_kernel_ops.info(NULL, &info), -ENOTTY);
	assert_string_equal(capture_end(),
			    "<4>aaeld: /dev/aael cannot be opened: Permission denied\n");
	capture_begin();
	assert_int_equal(append(0, ENOTTY), -ENOTTY);
	assert_string_equal(capture_end(), "<4>aaeld: /dev/aael is not the aael device\n");
}

static void errnos_of_the_device_are_passed_on(void **state)
{
	(void)state;
	capture_begin();
	assert_int_equal(append(0, 0), 0);
	assert_int_equal(append(0, EACCES), -EACCES);
	assert_int_equal(append(0, ETIMEDOUT), -ETIMEDOUT);
	assert_string_equal(capture_end(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_module_is_enxio),
		cmocka_unit_test(the_log_says_why_the_device_cannot_be_used),
		cmocka_unit_test(errnos_of_the_device_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
