// SPDX-License-Identifier: Apache-2.0
/* aaelctl handover upgrade: the module by libkmod. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <libkmod.h>

#include "ctlhandover.h"

#define NAME "aael"

/* What is wrong is said here, with what it means. */
static void quiet(void *data, int priority, const char *file, int line, const char *function,
		  const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)function, (void)format,
		(void)args;
}

static struct kmod_ctx *context(void)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);

	if (ctx)
		kmod_set_log_fn(ctx, quiet, NULL);
	return ctx;
}

/* The first value of a key counts. */
static void keep(struct handover_module *m, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **to;
	} rows[] = { { "name", &m->name },
		     { "version", &m->version },
		     { "srcversion", &m->srcversion },
		     { "vermagic", &m->vermagic },
		     { "depends", &m->depends } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(key, rows[i].key) && !*rows[i].to)
			*rows[i].to = strdup(value);
	if (!strcmp(key, "parm") && !strncmp(value, "import:", 7))
		m->imports = true;
}

static int read_info(struct handover_module *m)
{
	struct kmod_list *list = NULL, *l;
	int ret = kmod_module_get_info(m->mod, &list);

	if (ret >= 0)
		kmod_list_foreach(l, list)
			keep(m, kmod_module_info_get_key(l), kmod_module_info_get_value(l));
	kmod_module_info_free_list(list);
	return ret < 0 ? ret : 0;
}

/* 0 or -errno, and in any case *@m to close. */
static int open_module(struct handover_module *m, const char *file)
{
	const char *path;
	int ret;

	memset(m, 0, sizeof(*m));
	m->ctx = context();
	if (!m->ctx)
		return -ENOMEM;
	if (file)
		ret = kmod_module_new_from_path(m->ctx, file, &m->mod);
	else
		ret = kmod_module_new_from_name(m->ctx, NAME, &m->mod);
	if (ret < 0)
		return ret;
	path = kmod_module_get_path(m->mod);
	if (!path)
		return -ENOENT;
	m->path = strdup(path);
	return m->path ? read_info(m) : -ENOMEM;
}

int handover_module_open(const struct ctl_verb *verb, const char *file, struct handover_module *m)
{
	int ret = open_module(m, file);

	if (ret) {
		ctl_error(verb, "%s: %s", file ? file : "the installed module " NAME,
			  ret == -ENOEXEC ? "is no module" : strerror(-ret));
		return CTL_UNREADABLE;
	}
	/* Trying another module would load it. */
	if (!m->name || strcmp(m->name, NAME)) {
		ctl_error(verb, "%s is not the module " NAME, m->path);
		return CTL_MISMATCH;
	}
	if (m->imports)
		return CTL_OK;
	ctl_error(verb, "%s cannot take a log: it has no parameter \"import\"", m->path);
	return CTL_MISMATCH;
}

bool handover_module_find_running(struct handover_module *m)
{
	char running[64];

	if (!open_module(m, NULL) && m->srcversion &&
	    !ctl_read_line("/sys/module/" NAME "/srcversion", running, sizeof(running)) &&
	    !strcmp(m->srcversion, running))
		return true;
	handover_module_close(m);
	return false;
}

void handover_module_close(struct handover_module *m)
{
	kmod_module_unref(m->mod);
	kmod_unref(m->ctx);
	free(m->path);
	free(m->name);
	free(m->version);
	free(m->srcversion);
	free(m->vermagic);
	free(m->depends);
	memset(m, 0, sizeof(*m));
}

static const char *meaning(int err)
{
	static const struct {
		int err;
		const char *words;
	} rows[] = {
		{ EPERM, "not allowed: it needs CAP_SYS_MODULE, and lockdown wants a signature" },
		{ EKEYREJECTED, "its signature is refused, or missing" },
		{ ENOKEY, "it is signed with a key that this kernel does not know, or not at all" },
		{ ENOPKG, "the kernel lacks what its signature is made with" },
		{ EBADMSG, "its signature is malformed" },
		{ ENOENT, "a symbol is missing: it was built for another kernel" },
		{ EINVAL, "it refuses its parameters, or was built for another kernel" },
		{ EEXIST, "a module of that name is loaded" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].err == err)
			return rows[i].words;
	return strerror(err);
}

static int explain(const struct ctl_verb *verb, const struct handover_module *m, int err)
{
	struct utsname name;

	if (err == ENOEXEC && !uname(&name))
		ctl_error(verb,
			  "%s: built for another kernel, or damaged: it is for \"%s\", and this is "
			  "%s "
			  "(ENOEXEC)",
			  m->path, m->vermagic ? m->vermagic : "", name.release);
	else
		ctl_error(verb, "%s: %s (%s)", m->path, meaning(err), strerrorname_np(err));
	return CTL_MISMATCH;
}

/* What it needs is loaded while there is a way back. */
static int load_needed(const struct ctl_verb *verb, const struct handover_module *m)
{
	char *names = m->depends, *name;
	int ret = 0;

	while (!ret && (name = strsep(&names, ",")) != NULL) {
		struct kmod_module *mod = NULL;

		if (!*name)
			continue;
		ret = kmod_module_new_from_name(m->ctx, name, &mod);
		if (ret >= 0)
			ret = kmod_module_probe_insert_module(mod, 0, NULL, NULL, NULL, NULL);
		kmod_module_unref(mod);
		if (ret < 0)
			ctl_error(verb, "%s needs %s: %s", m->path, name, strerror(-ret));
	}
	return ret < 0 ? CTL_MISMATCH : CTL_OK;
}

int handover_module_try(const struct ctl_verb *verb, const struct handover_module *m)
{
	int ret = kmod_module_insert_module(m->mod, 0, NULL);

	if (ret == -EEXIST)
		return load_needed(verb, m);
	if (ret < 0)
		return explain(verb, m, -ret);
	ctl_error(verb, "%s was loaded: the one before had just gone", m->path);
	return CTL_MISMATCH;
}

int handover_module_load(const struct ctl_verb *verb, const struct handover_module *m,
			 const char *parameters)
{
	int code = load_needed(verb, m), ret;

	if (code)
		return code;
	ret = kmod_module_insert_module(m->mod, 0, parameters);
	return ret < 0 ? explain(verb, m, -ret) : CTL_OK;
}

bool handover_module_loaded(void)
{
	return !access("/sys/module/" NAME, F_OK);
}

static bool is_ours(const char *target)
{
	return !strcmp(target, AAEL_DEV_PATH) ||
	       !strncmp(target, AAEL_SECURITYFS_PATH "/", sizeof(AAEL_SECURITYFS_PATH));
}

/* Has that process one of our files open? */
static bool holds(const char *pid)
{
	char path[64], link[PATH_MAX], target[PATH_MAX];
	struct dirent *d;
	bool found = false;
	ssize_t n;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	fds = opendir(path);
	while (fds && !found && (d = readdir(fds))) {
		snprintf(link, sizeof(link), "%s/%s", path, d->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = is_ours(target);
	}
	if (fds)
		closedir(fds);
	return found;
}

static void name_holder(const struct ctl_verb *verb, const char *pid)
{
	char path[64], name[32];

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	if (ctl_read_line(path, name, sizeof(name)))
		strcpy(name, "?");
	ctl_error(verb, "process %s (%s) has it open", pid, name);
}

static void name_holders(const struct ctl_verb *verb)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	while (proc && (d = readdir(proc)))
		if (strspn(d->d_name, "0123456789") == strlen(d->d_name) && holds(d->d_name))
			name_holder(verb, d->d_name);
	if (proc)
		closedir(proc);
}

int handover_module_unload(const struct ctl_verb *verb)
{
	struct kmod_ctx *ctx = context();
	struct kmod_module *mod = NULL;
	int ret = ctx ? kmod_module_new_from_name(ctx, NAME, &mod) : -ENOMEM;

	if (ret >= 0)
		ret = kmod_module_remove_module(mod, KMOD_REMOVE_NOLOG);
	kmod_module_unref(mod);
	kmod_unref(ctx);
	if (ret >= 0)
		return CTL_OK;
	ctl_error(verb, "the running module cannot be removed: %s", strerror(-ret));
	if (ret == -EAGAIN || ret == -EBUSY)
		name_holders(verb);
	return CTL_MISMATCH;
}
