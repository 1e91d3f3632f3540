// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl log --follow: what is there, and then each entry as it is published. The log is read
 * up to its end before it is parsed, so that there is never half an entry.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define READ_STEP_BYTES ((size_t)256 * 1024)

struct follower {
	const struct ctl_verb *verb;
	enum aael_form form;
	struct aael_filter filter;
	int fd;
	uint8_t *data; /* what has been read and not been printed */
	size_t size, room;
	struct aael_tcg2 log;
	bool opened;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

/* They are only let in while there is nothing to do; then none can be missed. */
static void catch_signals(sigset_t *as_before)
{
	const struct sigaction action = { .sa_handler = stop };
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, as_before);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int read_on(struct follower *f)
{
	ssize_t n;

	do {
		if (f->room - f->size < READ_STEP_BYTES) {
			size_t room = f->room + f->room / 2 + READ_STEP_BYTES;
			uint8_t *more = realloc(f->data, room);

			if (!more)
				return -ENOMEM;
			f->data = more;
			f->room = room;
		}
		n = read(f->fd, f->data + f->size, f->room - f->size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			f->size += (size_t)n;
	} while (n != 0);
	return 0;
}

static int print_on(struct follower *f)
{
	struct aael_tcg2_entry e;
	int ret = 0;

	if (!f->size)
		return 0;
	f->log.data = f->data;
	f->log.size = f->size;
	f->log.pos = 0;
	if (!f->opened) {
		ret = aael_tcg2_open(&f->log, f->data, f->size, AAEL_TCG2_F_DETECT);
		if (!ret)
			aael_filter_begin(&f->filter, &f->log);
		f->opened = true;
	}
	while (!ret && (ret = aael_filter_next(&f->filter, &f->log, &e)) > 0)
		ret = aael_render_entry(&e, f->filter.sequence, f->form, stdout);
	f->size = 0;
	fflush(stdout);
	return ferror(stdout) ? -EPIPE : ret;
}

/* 1: there is more; 0: it is over; -errno. */
static int wait_on(const struct follower *f, const sigset_t *unblocked)
{
	struct pollfd fds[] = { { .fd = f->fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };

	if (ppoll(fds, 2, NULL, unblocked) < 0)
		return errno == EINTR && stopped ? 0 : errno == EINTR ? 1 : -errno;
	if (fds[1].revents)
		return 0;
	return fds[0].revents & POLLIN ? 1 : -ENODEV;
}

static int run(struct follower *f, const sigset_t *unblocked)
{
	int ret;

	do {
		ret = read_on(f);
		if (ret) {
			ctl_error(f->verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
			return CTL_UNREADABLE;
		}
		ret = print_on(f);
		if (ret == -EPIPE)
			break;
		if (ret) {
			ctl_malformed(f->verb, &f->log.error, ret);
			return CTL_UNREADABLE;
		}
		ret = wait_on(f, unblocked);
	} while (ret > 0);
	if (ret == 0 || ret == -EPIPE)
		return CTL_OK;
	ctl_error(f->verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
	return CTL_UNREADABLE;
}

int ctl_log_follow(const struct ctl_verb *verb, enum aael_form form,
		   const struct aael_filter *filter)
{
	struct follower f = { .verb = verb, .form = form, .filter = *filter };
	sigset_t unblocked;
	int code;

	f.fd = ctl_open(verb, O_RDONLY);
	if (f.fd < 0)
		return CTL_UNREADABLE;
	catch_signals(&unblocked);
	code = run(&f, &unblocked);
	close(f.fd);
	free(f.data);
	return ctl_finish(verb, code);
}
