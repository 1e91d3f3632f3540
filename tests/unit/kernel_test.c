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

static int open_error, ioctl_error, info_error;
static struct aael_info answered; /* by the device */
static int opened_with;		  /* flags */
static unsigned int opens, extends;

/* These two stand before libc's for this program. */
int open(const char *path, int flags, ...)
{
	assert_string_equal(path, "/dev/aael");
	opens++;
	opened_with = flags;
	errno = open_error;
	return open_error ? -1 : memfd_create("device", MFD_CLOEXEC);
}

static int answer_info(struct aael_info *info)
{
	*info = answered;
	errno = info_error;
	return info_error ? -1 : 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == AAEL_IOC_INFO && !ioctl_error)
		return answer_info(arg);
	extends += request == AAEL_IOC_EXTEND;
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

/* How append_now() ends above such a log, and whether anything was asked of the register. */
static void expect_now(const char *provider, uint32_t health, int want)
{
	uint64_t sequence;

	open_error = ioctl_error = 0;
	extends = 0;
	aaeld_kernel_ops.let_go(NULL);
	answered = (struct aael_info){ .health = health };
	strcpy(answered.provider, provider);
	answered.flags = strcmp(provider, "soft") ? 0 : AAEL_INFO_F_SOFT;
	assert_int_equal(aaeld_kernel_ops.append_now(NULL, &event, &sequence), want);
	assert_int_equal(extends, want ? 0 : 1);
	assert_int_equal(opened_with & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
}

static void only_a_register_that_answers_at_once_is_appended_to_now(void **state)
{
	static const char *const prompt[] = { "soft", "tsm-mr", "tdcall" };
	static const char *const others[] = { "tpm", "", "another" };

	(void)state;
	capture_begin();
	for (size_t i = 0; i < sizeof(prompt) / sizeof(prompt[0]); i++)
		expect_now(prompt[i], AAEL_HEALTH_CONSISTENT, 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		expect_now(others[i], AAEL_HEALTH_CONSISTENT, -EAGAIN);
	for (uint32_t health = AAEL_HEALTH_CONSISTENT + 1; health <= AAEL_HEALTH_GONE; health++)
		expect_now("soft", health, -EAGAIN);
	info_error = ENOTTY;
	expect_now("soft", AAEL_HEALTH_CONSISTENT, -EAGAIN);
	info_error = 0;
	assert_string_equal(capture_end(), "");
}

/* Until it is let go of, or there is an error. */
static void device_is_kept_open(void **state)
{
	static const struct {
		int error;
		unsigned int opens; /* by the next append */
	} steps[] = { { 0, 1 }, { 0, 0 }, { ENOSPC, 0 }, { 0, 1 }, { ETIMEDOUT, 0 }, { 0, 1 } };
	uint64_t sequence;

	(void)state;
	aaeld_kernel_ops.let_go(NULL);
	answered = (struct aael_info){ .provider = "soft", .flags = AAEL_INFO_F_SOFT };
	open_error = info_error = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		opens = 0;
		ioctl_error = steps[i].error;
		aaeld_kernel_ops.append_now(NULL, &event, &sequence);
		assert_int_equal(opens, steps[i].opens);
	}
	aaeld_kernel_ops.let_go(NULL);
	aaeld_kernel_ops.let_go(NULL);
	expect_now("soft", AAEL_HEALTH_CONSISTENT, 0);
	assert_int_equal(opens, 2);
}

static void who_asks_for_once_goes_to_the_thread(void **state)
{
	struct aaeld_event once = event;
	uint64_t sequence;

	(void)state;
	once.once = true;
	extends = 0;
	answered = (struct aael_info){ .provider = "soft", .flags = AAEL_INFO_F_SOFT };
	assert_int_equal(aaeld_kernel_ops.append_now(NULL, &once, &sequence), -EAGAIN);
	assert_int_equal(extends, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_module_is_enxio),
		cmocka_unit_test(the_log_says_why_the_device_cannot_be_used),
		cmocka_unit_test(errnos_of_the_device_are_passed_on),
		cmocka_unit_test(only_a_register_that_answers_at_once_is_appended_to_now),
		cmocka_unit_test(device_is_kept_open),
		cmocka_unit_test(who_asks_for_once_goes_to_the_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
