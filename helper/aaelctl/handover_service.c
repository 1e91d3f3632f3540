// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl handover upgrade: the units that have the device open. The socket goes first, which
 * would start the service again; it comes back first, which hands its socket to the service.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctlhandover.h"

static const char *const units[] = { "aaeld.socket", "aaeld.service" };

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

_Static_assert(UNIT_COUNT == sizeof(((struct handover_services *)0)->stopped), "one each");

extern char **environ;

/* systemctl's exit code, or -1. */
static int systemctl(const char *verb, const char *unit)
{
	char *argv[] = { "systemctl", "--quiet", (char *)verb, (char *)unit, NULL };
	posix_spawnattr_t attr;
	sigset_t none;
	int status = -1;
	pid_t pid;

	sigemptyset(&none);
	if (posix_spawnattr_init(&attr))
		return -1;
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (!posix_spawnp(&pid, argv[0], NULL, &attr, argv, environ))
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	posix_spawnattr_destroy(&attr);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_systemd(void)
{
	return !access("/run/systemd/system", F_OK);
}

int handover_services_stop(const struct ctl_verb *verb, struct handover_services *s)
{
	memset(s, 0, sizeof(*s));
	/*
	 * All are asked before one is stopped. One that is not active may be about to start again, and
	 * would load a module that does not wait for the log.
	 */
	for (size_t i = 0; i < UNIT_COUNT && has_systemd(); i++)
		s->stopped[i] = !systemctl("is-active", units[i]);
	for (size_t i = 0; i < UNIT_COUNT && has_systemd(); i++)
		if (systemctl("stop", units[i]) && s->stopped[i]) {
			ctl_error(verb, "systemctl stop %s failed", units[i]);
			return CTL_MISMATCH;
		}
	return CTL_OK;
}

int handover_services_start(const struct ctl_verb *verb, const struct handover_services *s)
{
	int code = CTL_OK;

	for (size_t i = 0; i < UNIT_COUNT; i++)
		if (s->stopped[i] && systemctl("start", units[i])) {
			ctl_error(verb, "systemctl start %s failed", units[i]);
			code = CTL_MISMATCH;
		}
	return code;
}

void handover_services_enabled(struct handover_services *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < UNIT_COUNT && has_systemd(); i++)
		s->stopped[i] = !systemctl("is-enabled", units[i]);
}
