// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose driver is loaded after this module, or comes back: it is taken when
 * the driver's module is there, without anybody asking for it.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "aael.h"

static struct aael_log *the_log;
static bool enable_then;

static void look(struct work_struct *work)
{
	const char *why;

	if (aael_log_state(the_log) == AAEL_STATE_UNSUPPORTED &&
	    !aael_register_find(the_log, the_log->provider_name))
		pr_info("aael: provider %s\n", the_log->provider->name);
	if (enable_then && aael_log_state(the_log) == AAEL_STATE_DISABLED)
		aael_log_enable(the_log, AAEL_INDEX_DEFAULT, &why);
	/* Where it has been bound before: is it back? */
	aael_publish_confirm_soon(the_log);
}

static DECLARE_WORK(look_work, look);

static int on_module(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *module = data;

	if (state == MODULE_STATE_LIVE && !strcmp(module->name, "tdx_guest"))
		schedule_work(&look_work);
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = { .notifier_call = on_module };

/**
 * aael_late_init - watch for drivers that are loaded later
 * @log: the log
 * @enable: enable it once it has a provider
 *
 * Return: 0 or a negative errno.
 */
int aael_late_init(struct aael_log *log, bool enable)
{
	the_log = log;
	enable_then = enable;
	return register_module_notifier(&module_notifier);
}

/**
 * aael_late_exit - watch no more
 */
void aael_late_exit(void)
{
	unregister_module_notifier(&module_notifier);
	cancel_work_sync(&look_work);
}
