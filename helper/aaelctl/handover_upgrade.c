// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl handover upgrade: another module under the same log. What can be known beforehand is
 * asked before anything is touched; until the running module is gone every failure undoes what was
 * done; from then on the export is the log, and the same command goes on from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ctlhandover.h"

#define TURN_PATH "/run/aael-upgrade.lock"

/* What is found at the start. */
enum situation {
	HOLDING,    /* a log to hand over */
	EMPTY,	    /* a module without a log */
	WAITING,    /* the next module is loaded, and the export there */
	UNRECORDED, /* the next module has the log, but its import is not recorded */
	GONE,	    /* no module, but the export */
	NOTHING,
	FOREIGN, /* a log that is not enabled, and has entries of others */
	UNKNOWN, /* what it is was said */
};

struct upgrade {
	const struct handover_args *args;
	int turn;
	struct handover_module next, fallback;
	bool has_fallback, went_back;
	struct handover_services services;
	struct aael_handover h;
};

static enum situation look(const struct ctl_verb *verb, const struct handover_args *args)
{
	bool exported = aael_handover_exists(args->dir);
	struct aael_info info;
	bool unrecorded;

	if (!handover_module_loaded())
		return exported ? GONE : NOTHING;
	if (ctl_info(verb, &info))
		return UNKNOWN;
	if (info.state == AAEL_STATE_ENABLED || info.state == AAEL_STATE_SEALED)
		return HOLDING;
	if (handover_unrecorded(verb, &unrecorded))
		return UNKNOWN;
	if (unrecorded)
		return UNRECORDED;
	if (info.count)
		return FOREIGN;
	return exported ? WAITING : EMPTY;
}

/* ---- before anything is touched ---------------------------------------------------------- */

static int check_health(const struct ctl_verb *verb, const struct handover_args *args,
			const char *health)
{
	if (args->diverged || !strcmp(health, aael_dev_health_name(AAEL_HEALTH_CONSISTENT)))
		return CTL_OK;
	ctl_error(verb,
		  "the log is %s: the next module would refuse it. --diverged makes it take "
		  "the log all the same; then it is diverged for good",
		  health);
	return CTL_MISMATCH;
}

/* Is what the folder has the beginning of the log that the module has? */
static bool is_of_this_log(const struct ctl_verb *verb, const char *dir)
{
	static struct aael_handover h;
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	uint8_t *log, *live = NULL;
	size_t size, live_size = 0;
	int fd = ctl_open(verb, O_RDONLY);
	bool same = false;

	if (fd >= 0 && !aael_handover_load(dir, &h, &log, &size, message)) {
		if (!aael_dev_read_log(fd, &live, &live_size))
			same = live_size >= size && !memcmp(live, log, size);
		free(live);
		free(log);
	}
	if (fd >= 0)
		close(fd);
	return same;
}

/* A log that another module has left there may be nowhere else. */
static int check_folder(const struct ctl_verb *verb, const char *dir)
{
	if (!aael_handover_exists(dir) || is_of_this_log(verb, dir))
		return CTL_OK;
	ctl_error(verb,
		  "%s has an export that is not of the running module's log: move it away, or name "
		  "another folder by --dir",
		  dir);
	return CTL_MISMATCH;
}

/*
 * The way back is --fallback; without it the installed module, if it is the one that runs and not
 * what we upgrade to.
 */
static int open_modules(const struct ctl_verb *verb, struct upgrade *u)
{
	int code = handover_module_open(verb, u->args->module, &u->next);

	if (!code && u->args->fallback) {
		code = handover_module_open(verb, u->args->fallback, &u->fallback);
		u->has_fallback = !code;
	}
	if (!code && !u->has_fallback && u->args->module)
		u->has_fallback = handover_module_find_running(&u->fallback);
	return code;
}

static int preflight(const struct ctl_verb *verb, struct upgrade *u)
{
	struct aael_info info;
	int code = ctl_info(verb, &info);

	code = code ? code : check_folder(verb, u->args->dir);
	/* What is not known yet, the seal finds out. */
	if (!code && info.health != AAEL_HEALTH_UNKNOWN)
		code = check_health(verb, u->args, aael_dev_health_name(info.health));
	code = code ? code : handover_module_try(verb, &u->next);
	if (!code && u->has_fallback)
		code = handover_module_try(verb, &u->fallback);
	return code;
}

/* ---- the exchange --------------------------------------------------------------------------- */

/* The export is complete when this returns CTL_OK, and the module gone. */
static int take_out(const struct ctl_verb *verb, struct upgrade *u)
{
	struct handover_args args = *u->args;
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	bool unsealed = true;
	int code;

	args.force = true;
	code = handover_services_stop(verb, &u->services);
	if (!code) {
		code = handover_export(verb, &args, &u->h);
		code = code ? code : check_health(verb, &args, u->h.health);
		code = code ? code : handover_release(verb, args.dir);
		code = code ? code : handover_module_unload(verb);
		if (!code)
			return CTL_OK;
		unsealed = !handover_unseal(verb);
		if (unsealed)
			aael_handover_remove(args.dir, message);
	}
	handover_services_start(verb, &u->services);
	ctl_error(verb, "the log stays with the running module, and is %s",
		  unsealed ? "open" : "sealed: aaelctl handover unseal");
	return code;
}

/* Either module, waiting for the log. */
static int put_in(const struct ctl_verb *verb, struct upgrade *u)
{
	char parameters[AAEL_HANDOVER_PARAMETERS_MAX + 16];
	int code;

	snprintf(parameters, sizeof(parameters), "%s import=1", u->h.parameters);
	code = handover_module_load(verb, &u->next, parameters);
	if (code && u->has_fallback) {
		ctl_error(verb, "GOING BACK to %s", u->fallback.path);
		u->went_back = !handover_module_load(verb, &u->fallback, parameters);
		if (u->went_back)
			return CTL_OK;
	}
	if (code)
		ctl_error(verb,
			  "NO MODULE IS LOADED; the log is in %s. Before anything else is "
			  "measured: aaelctl handover upgrade --dir %s MODULE.ko",
			  u->args->dir, u->args->dir);
	return code;
}

/* Also for an export that an earlier run has left. */
static int import_it(const struct ctl_verb *verb, struct upgrade *u)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	int code = handover_import(verb, u->args);

	/* It is not needed any more, so nothing hangs on this. */
	if (!code && aael_handover_remove(u->args->dir, message))
		ctl_error(verb, "%s", message);
	if (code)
		ctl_error(verb,
			  "the module waits for the log in %s, and aaeld is not started: it would "
			  "enable "
			  "another. Go on: aaelctl handover upgrade --diverged --dir %s",
			  u->args->dir, u->args->dir);
	return code;
}

/* The export is still there, and says which index it is. */
static int record_import(const struct ctl_verb *verb, struct upgrade *u)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	uint32_t index = AAEL_INDEX_DEFAULT;
	struct aael_nl *nl = NULL;
	uint8_t *log;
	size_t size;
	int ret;

	if (!aael_handover_load(u->args->dir, &u->h, &log, &size, message)) {
		index = u->h.index;
		free(log);
	}
	ret = aael_nl_open(&nl);
	if (!ret)
		ret = aael_nl_enable(nl, index);
	if (ret)
		ctl_error(verb, "the import is not recorded: %s (%s)",
			  nl && *aael_nl_message(nl) ? aael_nl_message(nl)
						     : aael_handover_strerror(-ret),
			  strerrorname_np(-ret));
	else
		aael_handover_remove(u->args->dir, message);
	aael_nl_close(nl);
	return ret ? CTL_MISMATCH : CTL_OK;
}

/* ---- afterwards ------------------------------------------------------------------------------ */

static int conclude(const struct ctl_verb *verb, const struct upgrade *u)
{
	struct aael_verify v;
	int fd = ctl_open(verb, O_RDONLY), ret;

	if (fd < 0)
		return CTL_UNREADABLE;
	ret = aael_dev_verify(fd, AAEL_INDEX_DEFAULT, &v);
	close(fd);
	if (ret) {
		ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
		return CTL_UNREADABLE;
	}
	printf("%s: %llu entries; register %u %s\n", u->went_back ? "not upgraded" : "upgraded",
	       (unsigned long long)v.count, v.reg,
	       v.match ? "is what they replay to" : "IS NOT WHAT THEY REPLAY TO");
	return v.match || u->args->diverged ? CTL_OK : CTL_MISMATCH;
}

static int exchange(const struct ctl_verb *verb, struct upgrade *u)
{
	int code = preflight(verb, u);

	code = code ? code : take_out(verb, u);
	code = code ? code : put_in(verb, u);
	return code ? code : import_it(verb, u);
}

/* There is nothing to lose. */
static int replace_empty(const struct ctl_verb *verb, struct upgrade *u)
{
	struct aael_info info;
	int code = ctl_info(verb, &info);

	code = code ? code : handover_module_facts(verb, &info, &u->h);
	code = code ? code : handover_module_try(verb, &u->next);
	code = code ? code : handover_services_stop(verb, &u->services);
	code = code ? code : handover_module_unload(verb);
	if (!code) {
		code = handover_module_load(verb, &u->next, u->h.parameters);
		if (code && u->has_fallback)
			handover_module_load(verb, &u->fallback, u->h.parameters);
	}
	if (handover_services_start(verb, &u->services) && !code)
		code = CTL_MISMATCH;
	if (!code)
		puts("replaced: there was no log to hand over");
	return code;
}

static int load_for_export(const struct ctl_verb *verb, struct upgrade *u)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	uint8_t *log;
	size_t size;

	if (!aael_handover_load(u->args->dir, &u->h, &log, &size, message)) {
		free(log);
		return put_in(verb, u);
	}
	ctl_error(verb, "%s", message);
	return CTL_MISMATCH;
}

static int from(const struct ctl_verb *verb, struct upgrade *u, enum situation situation)
{
	int code = CTL_OK;

	switch (situation) {
	case HOLDING:
		code = exchange(verb, u);
		break;
	case EMPTY:
		return replace_empty(verb, u);
	case GONE:
		code = load_for_export(verb, u);
		code = code ? code : import_it(verb, u);
		break;
	case WAITING:
		code = import_it(verb, u);
		break;
	case UNRECORDED:
		code = record_import(verb, u);
		break;
	case NOTHING:
		ctl_error(verb, "no module is loaded, and there is no export in %s", u->args->dir);
		return CTL_UNREADABLE;
	case FOREIGN:
		ctl_error(verb,
			  "the log is not enabled, but has entries of others: it is handed over "
			  "when it is (aaelctl enable), and takes no other");
		return CTL_MISMATCH;
	case UNKNOWN:
		return CTL_UNREADABLE;
	}
	if (code)
		return code;
	if (situation != HOLDING)
		handover_services_enabled(&u->services);
	code = handover_services_start(verb, &u->services);
	return conclude(verb, u) || u->went_back ? CTL_MISMATCH : code;
}

/* Whoever interrupts it leaves it halfway. */
static void go_through(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Two at a time would undo each other's steps. The descriptor is held until the program ends. */
static int take_turn(const struct ctl_verb *verb, struct upgrade *u)
{
	u->turn = open(TURN_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* Whoever may not write there may do nothing of what follows. */
	if (u->turn < 0 && errno == EACCES)
		return CTL_OK;
	if (u->turn >= 0 && !flock(u->turn, LOCK_EX | LOCK_NB))
		return CTL_OK;
	if (errno == EWOULDBLOCK)
		ctl_error(verb, "another upgrade is under way");
	else
		ctl_error(verb, TURN_PATH ": %s", strerror(errno));
	return CTL_MISMATCH;
}

int handover_upgrade(const struct ctl_verb *verb, const struct handover_args *args)
{
	static struct upgrade u;
	enum situation situation;
	int code = take_turn(verb, &u);

	if (code)
		return code;
	u.args = args;
	situation = look(verb, args);
	code = situation < NOTHING ? open_modules(verb, &u) : CTL_OK;
	if (!code) {
		go_through();
		code = from(verb, &u, situation);
	}
	handover_module_close(&u.next);
	handover_module_close(&u.fallback);
	return code;
}
