// SPDX-License-Identifier: Apache-2.0
/*
 * aaelctl handover: the steps by which the log goes from one module to the next. Until "release"
 * each can be taken back; after it, the export is the log.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctlhandover.h"

#define MODULE_PATH "/sys/module/aael"
#define RECORD_ROOM_BYTES 4096
#define LIMIT_MAX_BYTES (1024 * 1024 * 1024) /* that the module takes */

static unsigned long long ull(uint64_t v)
{
	return v;
}

static int refused(const struct ctl_verb *verb, int err)
{
	ctl_error(verb, "%s (%s)", aael_handover_strerror(err), strerrorname_np(err));
	return CTL_MISMATCH;
}

int handover_unrecorded(const struct ctl_verb *verb, bool *unrecorded)
{
	uint8_t *status;
	size_t size;

	if (ctl_read_status(verb, &status, &size))
		return CTL_UNREADABLE;
	*unrecorded = aael_handover_unrecorded((const char *)status, size);
	free(status);
	return CTL_OK;
}

/* ---- export --------------------------------------------------------------------- */

/* The next module starts with what is given to it, and is not enabled before it has the log. */
static int is_parameter(const struct dirent *d)
{
	return d->d_name[0] != '.' && strcmp(d->d_name, "enable") && strcmp(d->d_name, "import") &&
	       strcmp(d->d_name, "max_log_bytes");
}

static int add_parameters(struct aael_handover *h)
{
	struct dirent **names;
	char path[512], value[AAEL_HANDOVER_PARAMETERS_MAX];
	int n = scandir(MODULE_PATH "/parameters", &names, is_parameter, alphasort), ret = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), MODULE_PATH "/parameters/%s", names[i]->d_name);
		if (!ret)
			ret = ctl_read_line(path, value, sizeof(value));
		if (!ret)
			ret = aael_handover_parameter(h, names[i]->d_name, value);
		free(names[i]);
	}
	free(names);
	return ret;
}

int handover_module_facts(const struct ctl_verb *verb, const struct aael_info *info,
			  struct aael_handover *h)
{
	char limit[24];
	uint8_t *status;
	size_t size;
	int ret;

	if (ctl_read_status(verb, &status, &size))
		return CTL_UNREADABLE;
	ret = aael_handover_reserve(h, (const char *)status, size);
	free(status);
	if (!ret)
		ret = ctl_read_line(MODULE_PATH "/version", h->module_version,
				    sizeof(h->module_version));
	if (!ret)
		ret = add_parameters(h);
	snprintf(limit, sizeof(limit), "%llu", ull(info->max_log_bytes));
	if (!ret)
		ret = aael_handover_parameter(h, "max_log_bytes", limit);
	if (!ret)
		return CTL_OK;
	ctl_error(verb, MODULE_PATH ": %s", strerror(-ret));
	return CTL_UNREADABLE;
}

static int write_export(const struct ctl_verb *verb, int fd, const struct handover_args *args,
			struct aael_handover *h)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	struct aael_info info;
	uint8_t *log = NULL;
	size_t size = 0;
	int ret = aael_dev_read_log(fd, &log, &size), code;

	if (!ret)
		ret = aael_dev_info(fd, &info);
	if (!ret)
		ret = aael_handover_describe(h, &info, log, size);
	if (ret) {
		free(log);
		ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
		return CTL_UNREADABLE;
	}
	code = handover_module_facts(verb, &info, h);
	if (!code) {
		ret = aael_handover_save(args->dir, h, log, args->force, message);
		if (ret)
			ctl_error(verb, "%s", message);
		code = ret ? CTL_UNREADABLE : CTL_OK;
	}
	free(log);
	return code;
}

/* For a log that would be refused, or taken only with --diverged. */
static void warn_of_health(const struct ctl_verb *verb, const struct aael_handover *h)
{
	if (strcmp(h->health, aael_dev_health_name(AAEL_HEALTH_CONSISTENT)))
		ctl_error(verb,
			  "the log is %s: if the registers are not what it replays to, it can only "
			  "be "
			  "imported with --diverged",
			  h->health);
}

int handover_export(const struct ctl_verb *verb, const struct handover_args *args,
		    struct aael_handover *h)
{
	uint64_t count, bytes;
	struct aael_info info;
	int fd, ret, code;

	/* Not to seal for nothing. */
	if (!args->force && aael_handover_exists(args->dir)) {
		ctl_error(verb, "%s has an export already (--force replaces it)", args->dir);
		return CTL_MISMATCH;
	}
	if (ctl_info(verb, &info))
		return CTL_UNREADABLE;
	fd = ctl_open(verb, O_RDWR);
	if (fd < 0)
		return CTL_UNREADABLE;
	ret = aael_dev_seal(fd, AAEL_SEAL_BEGIN, &count, &bytes);
	code = ret ? refused(verb, -ret) : write_export(verb, fd, args, h);
	if (code && !ret && info.state == AAEL_STATE_ENABLED)
		aael_dev_seal(fd, AAEL_SEAL_UNDO, &count, &bytes);
	close(fd);
	if (!code)
		warn_of_health(verb, h);
	return code;
}

static int run_export(const struct ctl_verb *verb, const struct handover_args *args)
{
	struct aael_handover h;
	int code = handover_export(verb, args, &h);

	if (code)
		return code;
	printf("sealed and exported: %llu entries, %llu bytes, in %s\n", ull(h.count), ull(h.bytes),
	       args->dir);
	printf("back: aaelctl handover unseal\n");
	printf("on: aaelctl handover release %s\n", args->dir);
	return ctl_finish(verb, CTL_OK);
}

/* ---- unseal, release ---------------------------------------------------------------- */

int handover_unseal(const struct ctl_verb *verb)
{
	uint64_t count, bytes;
	int fd = ctl_open(verb, O_RDWR), ret;

	if (fd < 0)
		return CTL_UNREADABLE;
	ret = aael_dev_seal(fd, AAEL_SEAL_UNDO, &count, &bytes);
	close(fd);
	return ret ? refused(verb, -ret) : CTL_OK;
}

static int run_unseal(const struct ctl_verb *verb, const struct handover_args *args)
{
	(void)args;
	return handover_unseal(verb);
}

static int load_export(const struct ctl_verb *verb, const char *dir, struct aael_handover *h,
		       uint8_t **log, size_t *size)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	int ret = aael_handover_load(dir, h, log, size, message);

	if (!ret)
		return CTL_OK;
	ctl_error(verb, "%s", message);
	return ret == -EBADMSG ? CTL_MISMATCH : CTL_UNREADABLE;
}

static int stale(const struct ctl_verb *verb, const char *dir)
{
	ctl_error(verb,
		  "the log is not what %s has: export it again (aaelctl handover export "
		  "--force %s)",
		  dir, dir);
	return CTL_MISMATCH;
}

static int release(const struct ctl_verb *verb, int fd, const char *dir, const uint8_t *log,
		   size_t size)
{
	uint64_t count, bytes = size;
	uint8_t *live = NULL;
	size_t live_size = 0;
	int ret = aael_dev_read_log(fd, &live, &live_size);
	bool same = !ret && live_size == size && !memcmp(live, log, size);

	free(live);
	if (ret) {
		ctl_error(verb, "%s: %s", AAEL_DEV_PATH, aael_dev_strerror(-ret));
		return CTL_UNREADABLE;
	}
	ret = same ? aael_dev_seal(fd, AAEL_SEAL_RELEASE, &count, &bytes) : -ESTALE;
	if (ret == -ESTALE)
		return stale(verb, dir);
	if (ret != -EBUSY)
		return ret ? refused(verb, -ret) : CTL_OK;
	ctl_error(verb, "the log is not sealed: export it again (EBUSY)");
	return CTL_MISMATCH;
}

int handover_release(const struct ctl_verb *verb, const char *dir)
{
	struct aael_handover h;
	uint8_t *log;
	size_t size;
	int code = load_export(verb, dir, &h, &log, &size), fd;

	if (code)
		return code;
	fd = ctl_open(verb, O_RDWR);
	code = fd < 0 ? CTL_UNREADABLE : release(verb, fd, dir, log, size);
	if (fd >= 0)
		close(fd);
	free(log);
	return code;
}

static int run_release(const struct ctl_verb *verb, const struct handover_args *args)
{
	return handover_release(verb, args->dir);
}

/* ---- import ---------------------------------------------------------------------------- */

/* A full log, too, must take the event that records the import. */
static uint64_t limit_for(const struct aael_handover *h)
{
	uint64_t least = h->bytes - h->own_offset + RECORD_ROOM_BYTES;

	if (least > LIMIT_MAX_BYTES)
		least = LIMIT_MAX_BYTES;
	return h->max_log_bytes > least ? h->max_log_bytes : least;
}

/* What the log could grow to, and who may not log what, before anybody can log. */
static int set_policy(const struct ctl_verb *verb, const struct aael_handover *h)
{
	struct aael_nl_status status;
	struct aael_nl *nl = NULL;
	int ret = aael_nl_open(&nl);

	if (!ret)
		ret = aael_nl_get_status(nl, &status);
	if (!ret && limit_for(h) > status.max_log_bytes)
		ret = aael_nl_set_limits(nl, limit_for(h));
	for (size_t i = 0; !ret && i < h->reserved_count; i++)
		ret = aael_nl_reserve_domain(nl, h->reserved[i]);
	if (ret)
		ctl_error(verb, "limit and reserved domains: %s (%s)",
			  nl && *aael_nl_message(nl) ? aael_nl_message(nl)
						     : aael_handover_strerror(-ret),
			  strerrorname_np(-ret));
	aael_nl_close(nl);
	return ret ? CTL_MISMATCH : CTL_OK;
}

static void name_entry(const struct ctl_verb *verb, const struct aael_handover *h,
		       const uint8_t *log, uint64_t sequence)
{
	struct aael_tcg2_entry e;
	struct aael_text text;

	if (aael_handover_entry(h, log, h->bytes, sequence, &e))
		ctl_error(verb, "entry %llu is malformed (EBADMSG)", ull(sequence));
	else if (aael_text_decode(&e, &text))
		ctl_error(verb, "entry %llu is not an event of ours (EBADMSG)", ull(sequence));
	else
		ctl_error(verb, "entry %llu has a digest that is not that of \"%.*s\" (EBADMSG)",
			  ull(sequence), (int)(text.text_size < 512 ? text.text_size : 512),
			  text.text);
}

static int import_refused(const struct ctl_verb *verb, const struct handover_args *args,
			  const struct aael_handover *h, const uint8_t *log,
			  const struct aael_import *result, int err)
{
	bool taken;

	if (err == EBADMSG) {
		name_entry(verb, h, log, result->sequence);
	} else if (err == ESTALE) {
		ctl_error(verb,
			  "register %u is not what the log replays to: somebody extended it, or "
			  "the log is "
			  "not whole (ESTALE). --diverged takes the log all the same; it stays "
			  "diverged",
			  result->reg);
	} else if (err == EBUSY) {
		ctl_error(verb, "the log is enabled, or has entries of its own (EBUSY): only a "
				"module loaded with import=1 waits for a log");
	} else {
		refused(verb, err);
		if (!handover_unrecorded(verb, &taken) && taken)
			ctl_error(verb,
				  "the log is taken, but that is not recorded yet: aaelctl enable "
				  "does it; "
				  "%s is not needed any more",
				  args->dir);
	}
	return CTL_MISMATCH;
}

static int import(const struct ctl_verb *verb, const struct handover_args *args,
		  const struct aael_handover *h, const uint8_t *log)
{
	struct aael_import result;
	struct aael_info info;
	int fd = ctl_open(verb, O_RDWR), ret;

	if (fd < 0)
		return CTL_UNREADABLE;
	if (set_policy(verb, h)) {
		close(fd);
		return CTL_MISMATCH;
	}
	ret = aael_dev_import(fd, args->diverged ? AAEL_IMPORT_F_DIVERGED : 0, h->index,
			      log + h->own_offset, h->bytes - h->own_offset, &result);
	close(fd);
	if (ret)
		return import_refused(verb, args, h, log, &result, -ret);
	printf("imported: %llu entries, %llu of them foreign; recorded as entry %llu\n",
	       ull(h->count), ull(result.foreign), ull(result.sequence));
	if (!ctl_info(verb, &info) && info.health != AAEL_HEALTH_CONSISTENT)
		ctl_error(verb, "the log is %s", aael_dev_health_name(info.health));
	return CTL_OK;
}

int handover_import(const struct ctl_verb *verb, const struct handover_args *args)
{
	char message[AAEL_HANDOVER_MESSAGE_BYTES];
	struct aael_handover h;
	uint8_t *log;
	size_t size;
	int code = load_export(verb, args->dir, &h, &log, &size);

	if (code)
		return code;
	code = import(verb, args, &h, log);
	free(log);
	if (code || !args->remove)
		return code;
	if (!aael_handover_remove(args->dir, message))
		return CTL_OK;
	ctl_error(verb, "%s", message);
	return CTL_UNREADABLE;
}

static int run_import(const struct ctl_verb *verb, const struct handover_args *args)
{
	return ctl_finish(verb, handover_import(verb, args));
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int run_upgrade(const struct ctl_verb *verb, const struct handover_args *args)
{
	return ctl_finish(verb, handover_upgrade(verb, args));
}

static const struct {
	const char *name;
	const char *options; /* that belong to it */
	bool dir;	     /* takes the operand DIR */
	int (*run)(const struct ctl_verb *verb, const struct handover_args *args);
} actions[] = {
	{ "export", "f", true, run_export },	  { "unseal", "", false, run_unseal },
	{ "release", "", true, run_release },	  { "import", "Dr", true, run_import },
	{ "upgrade", "dFD", false, run_upgrade },
};

#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static int run_action(const struct ctl_verb *verb, const char *given, int argc, char **argv,
		      struct handover_args *args)
{
	size_t action = 0;

	while (action < ACTION_COUNT && (!argc || strcmp(argv[0], actions[action].name)))
		action++;
	if (action == ACTION_COUNT)
		return ctl_usage(verb,
				 "the first operand is export, unseal, release, import or upgrade");
	if (given[strspn(given, actions[action].options)])
		return ctl_usage(verb, "--force is for export, --remove for import, --diverged for "
				       "import and upgrade, --dir and --fallback for upgrade");
	if (actions[action].dir && argc != 2)
		return ctl_usage(verb, "takes the operand DIR behind that");
	if (!actions[action].dir && argc > 1 + (actions[action].run == run_upgrade))
		return ctl_usage(verb, "takes no such operand");
	if (actions[action].dir)
		args->dir = argv[1];
	else if (argc == 2)
		args->module = argv[1];
	return actions[action].run(verb, args);
}

int ctl_handover_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "diverged", no_argument, NULL, 'D' },
		{ "remove", no_argument, NULL, 'r' },
		{ "dir", required_argument, NULL, 'd' },
		{ "fallback", required_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct handover_args args = { .dir = HANDOVER_DIR };
	char given[6] = "";
	int c;

	while ((c = getopt_long(argc, argv, "fDrd:F:h", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		if (c == '?')
			return ctl_usage(verb, NULL);
		if (!strchr(given, c))
			given[strlen(given)] = (char)c;
		args.force |= c == 'f';
		args.diverged |= c == 'D';
		args.remove |= c == 'r';
		if (c == 'd')
			args.dir = optarg;
		if (c == 'F')
			args.fallback = optarg;
	}
	return run_action(verb, given, argc - optind, argv + optind, &args);
}
