/* SPDX-License-Identifier: Apache-2.0 */
/* aaelctl handover: what its files share. All say what is wrong, and return exit codes. */
#ifndef AAELCTL_CTLHANDOVER_H
#define AAELCTL_CTLHANDOVER_H

#include "ctl.h"
#include "handover.h"

/* The registers lose their values with the boot, and /run is empty then, too. */
#define HANDOVER_DIR "/run/aael/handover"

struct handover_args {
	const char *dir;
	const char *module;   /* file of the new module; NULL: the installed one */
	const char *fallback; /* file of the running module, or NULL */
	bool force, diverged, remove;
};

/* ---- handover.c ------------------------------------------------------------ */

/* Seal the log and write the export. If that fails, a log that was not sealed before is not now. */
int handover_export(const struct ctl_verb *verb, const struct handover_args *args,
		    struct aael_handover *h);
int handover_unseal(const struct ctl_verb *verb);
/* Let the module go, if the log is what the folder has. */
int handover_release(const struct ctl_verb *verb, const char *dir);
/* Import, with limit and reservations. Prints what was taken. */
int handover_import(const struct ctl_verb *verb, const struct handover_args *args);
/* Version, parameters (without enable and import) and reservations of the running module. */
int handover_module_facts(const struct ctl_verb *verb, const struct aael_info *info,
			  struct aael_handover *h);
/* Has the module taken a log whose import is not recorded? Not the same as entries in a log that is
 * not enabled: those may be foreign ones, of a log of its own. */
int handover_unrecorded(const struct ctl_verb *verb, bool *unrecorded);

/* ---- handover_upgrade.c ------------------------------------------------------ */

int handover_upgrade(const struct ctl_verb *verb, const struct handover_args *args);

/* ---- handover_module.c: libkmod ------------------------------------------------ */

struct kmod_ctx;
struct kmod_module;

struct handover_module {
	struct kmod_ctx *ctx;
	struct kmod_module *mod;
	char *path, *name, *version, *srcversion, *vermagic, *depends;
	bool imports; /* it has the parameter "import" */
};

/*
 * The module in that file, or the installed one with NULL. CTL_OK and *@m to close, also after an
 * error.
 */
int handover_module_open(const struct ctl_verb *verb, const char *file, struct handover_module *m);
/* The installed module, if it is the one that is loaded; says nothing. *@m to close if true. */
bool handover_module_find_running(struct handover_module *m);
void handover_module_close(struct handover_module *m);
/*
 * Would this kernel load it? Its signature, format and version are checked by the kernel itself,
 * which finds only then that there is one of that name: call this only while one is loaded.
 */
int handover_module_try(const struct ctl_verb *verb, const struct handover_module *m);
int handover_module_load(const struct ctl_verb *verb, const struct handover_module *m,
			 const char *parameters);
bool handover_module_loaded(void);
/* Names who has the device open if that is why the module stays. */
int handover_module_unload(const struct ctl_verb *verb);

/* ---- handover_service.c: systemd -------------------------------------------------- */

struct handover_services {
	bool stopped[2];
};

/* Those that are active. CTL_OK also where systemd does not run. */
int handover_services_stop(const struct ctl_verb *verb, struct handover_services *s);
int handover_services_start(const struct ctl_verb *verb, const struct handover_services *s);
/* Those that would start at boot: for an upgrade that goes on after it was interrupted. */
void handover_services_enabled(struct handover_services *s);

#endif
