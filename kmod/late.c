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

static void look(struct work_struct *work)
{
	if (aael_log_state(the_log) == AAEL_STATE_UNSUPPORTED &&
	    !aael_register_find(the_log, the_log->provider_name))
		pr_info("aael: provider %s\n", the_log->provider->name);
	aael_log_enable_wanted(the_log);
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
 *
 * Return: 0 or a negative errno.
 */
int aael_late_init(struct aael_log *log)
{
	int ret;

	the_log = log;
	ret = register_module_notifier(&module_notifier);
	/* It may have come while nobody watched. */
	if (!ret && aael_log_state(log) == AAEL_STATE_UNSUPPORTED)
		schedule_work(&look_work);
	return ret;
}

/**
 * aael_late_exit - watch no more
 */
void aael_late_exit(void)
{
	unregister_module_notifier(&module_notifier);
	cancel_work_sync(&look_work);
}
