// SPDX-License-Identifier: Apache-2.0
/*
 * CoCo's own Attestation Agent beside us. Whenever there is a firmware log it sends that and
 * the file that it keeps its own events in; after our first event such a log would not replay.
 * So that file is ours, as a link. Nothing here is worth not to start for.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aaeld.h"
#include "libaael.h"
#include "toml.h"

#define AGENT_FOLDER "/run/attestation-agent"
#define LINK_PATH AGENT_FOLDER "/eventlog"
#define SECURITYFS "/sys/kernel/security"
#define EVENTS_PATH AAEL_SECURITYFS_PATH "/events"

#define AGENT "attestation-agent"
#define COMM_BYTES 15 /* what the kernel keeps of a name */
#define CMDLINE_MAX_BYTES 4096
#define PATH_BYTES 4096

static const char *root_of(const struct aaeld_sources *sources)
{
	return sources->root ? sources->root : "";
}

/* ---- the link -------------------------------------------------------------------- */

/* 0, or -errno if the module's file cannot be reached. */
static int find_events(const char *root)
{
	char events[PATH_BYTES], folder[PATH_BYTES];

	snprintf(events, sizeof(events), "%s" EVENTS_PATH, root);
	if (!access(events, F_OK))
		return 0;
	snprintf(folder, sizeof(folder), "%s" SECURITYFS, root);
	if (mount("securityfs", folder, "securityfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) &&
	    errno != EBUSY)
		return -errno;
	return access(events, F_OK) ? -errno : 0;
}

/* 0: it is our link; -ENOENT: nothing is there; -EEXIST: something else is; or -errno. */
static int check_link(const char *path)
{
	char target[sizeof(EVENTS_PATH)];
	ssize_t size = readlink(path, target, sizeof(target));

	if (size < 0)
		return errno == EINVAL ? -EEXIST : -errno;
	return size == sizeof(EVENTS_PATH) - 1 && !memcmp(target, EVENTS_PATH, (size_t)size)
		       ? 0
		       : -EEXIST;
}

static int make_link(const char *root)
{
	char folder[PATH_BYTES], path[PATH_BYTES];
	int ret;

	snprintf(folder, sizeof(folder), "%s" AGENT_FOLDER, root);
	snprintf(path, sizeof(path), "%s" LINK_PATH, root);
	ret = check_link(path);
	if (ret != -ENOENT)
		return ret;
	if (mkdir(folder, 0755) && errno != EEXIST)
		return -errno;
	if (!symlink(EVENTS_PATH, path))
		return 0;
	return errno == EEXIST ? check_link(path) : -errno;
}

static void offer_events(const char *root)
{
	int ret = find_events(root);

	if (!ret)
		ret = make_link(root);
	if (!ret)
		aaeld_log(AAELD_INFO, "a stock " AGENT " finds our events: " LINK_PATH
				      " is a link to " EVENTS_PATH);
	else if (ret == -EEXIST)
		aaeld_log(AAELD_ERROR,
			  LINK_PATH " is not a link to " EVENTS_PATH ", and left alone: the "
				    "evidence of a stock " AGENT " lacks our events and will be "
				    "refused. Remove it and start aaeld anew");
	else
		aaeld_log(AAELD_WARNING,
			  LINK_PATH " cannot be made a link to " EVENTS_PATH " (%s): the evidence "
				    "of a stock " AGENT " would lack our events and be refused",
			  strerror(-ret));
}

/* ---- agents ----------------------------------------------------------------------- */

/*
 * At most @max bytes of a regular file, NUL terminated, to free(); *@size is more than @max if
 * there are more. NULL: it cannot be read.
 */
static char *read_some(int folder, const char *path, size_t max, size_t *size)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;

	*size = 0;
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
		text = malloc(max + 2);
	while (text && *size <= max && (n = read(fd, text + *size, max + 1 - *size)) > 0)
		*size += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (text && n < 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[*size] = '\0';
	return text;
}

/* The value of -c FILE, --config-file=FILE …; NULL: there is none. */
static const char *config_of(const char *words, const char *end)
{
	static const char name[] = "--config-file";
	const char *w = words + strlen(words) + 1, *next;

	for (; w < end; w = next) {
		next = w + strlen(w) + 1;
		if (!strcmp(w, "-c") || !strcmp(w, name))
			return next < end ? next : NULL;
		if (!strncmp(w, name, sizeof(name) - 1) && w[sizeof(name) - 1] == '=')
			return w + sizeof(name);
		if (w[0] == '-' && w[1] == 'c')
			return w + (w[2] == '=' ? 3 : 2);
	}
	return NULL;
}

/* 1: the agent keeps a log; 0: it does not; -EINVAL: nobody knows. */
static int keeps_log(int process, const char *config)
{
	char path[PATH_BYTES];
	struct aael_toml_error err;
	const struct aael_toml_value *value;
	struct aael_toml *doc = NULL;
	const char *word;
	bool on = false;
	size_t size;
	char *text;
	int ret;

	/* As the agent sees it, whatever its root is. */
	snprintf(path, sizeof(path), "%s/%s", config[0] == '/' ? "root" : "cwd", config);
	text = read_some(process, path, AAELD_CONFIG_MAX_BYTES, &size);
	ret = text && size <= AAELD_CONFIG_MAX_BYTES ? aael_toml_parse(text, size, &doc, &err)
						     : -EINVAL;
	free(text);
	if (ret)
		return -EINVAL;
	value = aael_toml_get(aael_toml_get(aael_toml_root(doc), "eventlog_config"),
			      "enable_eventlog");
	word = aael_toml_string(value, NULL);
	if (!aael_toml_bool(value, &on))
		on = word && !strcmp(word, "true");
	aael_toml_free(doc);
	return on;
}

static void say_agent(const char *pid, const char *config, int log)
{
	if (log > 0)
		aaeld_log(AAELD_ERROR,
			  AGENT
			  " (process %s) keeps an event log of its own: "
			  "eventlog_config.enable_eventlog is true in %s. Neither its log nor "
			  "ours has all events of the register, and its evidence will be "
			  "refused. Set it to false there",
			  pid, config);
	else if (log < 0)
		aaeld_log(AAELD_WARNING,
			  AGENT
			  " (process %s) runs with %s%s: make sure that "
			  "eventlog_config.enable_eventlog is not true there, or its evidence "
			  "will be refused",
			  pid, config ? "a configuration that cannot be read, " : "no -c FILE",
			  config ? config : "");
	else
		aaeld_log(AAELD_DEBUG, AGENT " (process %s) runs without an event log of its own",
			  pid);
}

/* Is that process an agent of root's? Only root may tell us which files to read. */
static void look_at(int proc, const char *pid)
{
	int fd = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *comm = NULL, *words = NULL;
	const char *slash, *config;
	size_t size;
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && (st.st_uid == 0 || st.st_uid == geteuid()))
		comm = read_some(fd, "comm", COMM_BYTES + 1, &size);
	if (comm && !strncmp(comm, AGENT, COMM_BYTES))
		words = read_some(fd, "cmdline", CMDLINE_MAX_BYTES, &size);
	slash = words ? strrchr(words, '/') : NULL;
	if (words && !strcmp(slash ? slash + 1 : words, AGENT)) {
		config = config_of(words, words + size);
		say_agent(pid, config, config ? keeps_log(fd, config) : -EINVAL);
	}
	free(words);
	free(comm);
	close(fd);
}

static void look_for_agents(const char *root)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	DIR *proc;

	snprintf(path, sizeof(path), "%s/proc", root);
	proc = opendir(path);
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at(dirfd(proc), entry->d_name);
	if (proc)
		closedir(proc);
}

/* ---- at start ------------------------------------------------------------------------ */

void aaeld_beside_start(const struct aaeld_sources *sources, const struct aaeld_kernel_ops *ops,
			void *kernel)
{
	struct aael_info info;

	/* What a software register holds is in no quote. */
	if (ops->info(kernel, &info) || info.state < AAEL_STATE_ENABLED ||
	    !strcmp(aael_dev_platform(&info), "none"))
		return;
	offer_events(root_of(sources));
	look_for_agents(root_of(sources));
}
