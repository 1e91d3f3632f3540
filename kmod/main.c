// SPDX-License-Identifier: GPL-2.0-only
/*
 * aael: the attestation agent event log in the kernel. Parameters, and the ladder
 * of what is set up and torn down in reverse.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "aael.h"

/* All read-only after load: they are security policy. */
static char *provider = "auto";
module_param(provider, charp, 0444);
MODULE_PARM_DESC(provider, "auto, tsm-mr, tdcall, tpm or soft (no protection at all)");

static unsigned int init_pcr = 17;
module_param(init_pcr, uint, 0444);
MODULE_PARM_DESC(init_pcr, "register index that events go to by default");

static bool enable;
module_param(enable, bool, 0444);
MODULE_PARM_DESC(enable, "record from load on");

static bool import;
module_param(import, bool, 0444);
MODULE_PARM_DESC(import, "another log is to be taken over: record nothing until it is, or until enabled");

static unsigned int tpm_pcr = 14;
module_param(tpm_pcr, uint, 0444);
MODULE_PARM_DESC(tpm_pcr, "PCR that stands for indexes 17 to 22 on a TPM");

static bool allow_resettable;
module_param(allow_resettable, bool, 0444);
MODULE_PARM_DESC(allow_resettable, "allow PCRs 16 and 23, which locality 0 can reset");

static ulong max_log_bytes = AAEL_LOG_DEFAULT_BYTES;
module_param(max_log_bytes, ulong, 0444);
MODULE_PARM_DESC(max_log_bytes, "limit on the bytes of our entries, 128 KiB to 1 GiB");

static char *reserved_domains = "github.com/confidential-containers,aael";
module_param(reserved_domains, charp, 0444);
MODULE_PARM_DESC(reserved_domains, "domains that need CAP_SYS_ADMIN, between commas");

static struct aael_log *the_log;

static int set_suspended(struct aael_log *log, void *arg)
{
	log->suspended = *(bool *)arg;
	if (!log->suspended)
		for (u32 nr = 0; nr < AAEL_REGISTERS_MAX; nr++)
			if (log->regs[nr])
				WRITE_ONCE(log->regs[nr]->unknown, true);
	aael_reconcile_confirm_all(log);
	return 0;
}

/*
 * Hibernation brings the old log back over registers that were reset: nothing is
 * appended while it is under way, and afterwards every register is compared.
 */
static int pm_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	struct aael_log *log = container_of(nb, struct aael_log, pm_notifier);
	bool suspended = event == PM_HIBERNATION_PREPARE || event == PM_SUSPEND_PREPARE ||
			 event == PM_RESTORE_PREPARE;

	aael_txn_insist(log, set_suspended, &suspended);
	return NOTIFY_DONE;
}

static int configure(struct aael_log *log)
{
	int ret;

	if (max_log_bytes < AAEL_LOG_MIN_BYTES || max_log_bytes > AAEL_LOG_MAX_BYTES) {
		pr_err("aael: max_log_bytes=%lu is not within %u and %u\n", max_log_bytes,
		       AAEL_LOG_MIN_BYTES, AAEL_LOG_MAX_BYTES);
		return -EINVAL;
	}
	ret = aael_policy_reserve_list(&log->policy, reserved_domains);
	if (ret) {
		pr_err("aael: reserved_domains: a domain is 1 to 255 bytes of printable ASCII without space, and there are %u at most\n",
		       AAEL_RESERVED_MAX);
		return ret;
	}
	log->max_log_bytes = max_log_bytes;
	log->init_index = init_pcr;
	log->provider_name = provider;
	log->awaits_import = import;
	log->map_config.tpm_pcr = tpm_pcr;
	log->map_config.allow_resettable = allow_resettable;
	return 0;
}

/* Without a register the module loads all the same: it says so when asked. */
static int find_register(struct aael_log *log)
{
	struct aael_mapping map = {};
	const char *why;
	int ret = aael_register_find(log, provider);

	if (ret == -EINVAL) {
		pr_err("aael: provider=%s: no such provider (auto, tsm-mr, tdcall, tpm, soft)\n",
		       provider);
		return ret;
	}
	if (ret == -ENODEV)
		pr_warn("aael: no TD and no TPM 2.0 here: this platform has no register\n");
	else if (ret == -EPROBE_DEFER)
		pr_warn("aael: a TD without tdx-guest: waiting for that module\n");
	else if (ret)
		pr_warn("aael: provider %s: %s (%d)\n", provider, log->refusal, ret);
	if (ret == -EPROBE_DEFER && enable && !import)
		aael_log_enable(log, AAEL_INDEX_DEFAULT, &why);
	if (ret)
		return 0;
	pr_info("aael: provider %s\n", log->provider->name);
	if (log->provider->flags & AAEL_INFO_F_SOFT)
		pr_alert("aael: provider=soft: REGISTERS IN MEMORY, NO PROTECTION AT ALL\n");
	if (enable && !import)
		aael_log_enable(log, AAEL_INDEX_DEFAULT, &why);
	else if (log->provider->map(&log->map_config, log->init_index, &map))
		aael_log_refuse(log, "index %u: %s", log->init_index, map.why);
	return 0;
}

static int __init aael_init(void)
{
	int ret;

	the_log = aael_log_create();
	if (!the_log)
		return -ENOMEM;
	ret = configure(the_log);
	if (!ret)
		ret = find_register(the_log);
	if (ret)
		goto destroy;
	ret = aael_netlink_init(the_log);
	if (ret)
		goto destroy;
	ret = aael_securityfs_init(the_log);
	if (ret)
		goto netlink;
	the_log->pm_notifier.notifier_call = pm_notify;
	ret = register_pm_notifier(&the_log->pm_notifier);
	if (ret)
		goto securityfs;
	ret = aael_late_init(the_log);
	if (ret)
		goto pm;
	ret = aael_chardev_init(the_log);
	if (ret)
		goto late;
	return 0;

late:
	aael_late_exit();
pm:
	unregister_pm_notifier(&the_log->pm_notifier);
securityfs:
	aael_securityfs_exit();
netlink:
	aael_netlink_exit();
destroy:
	aael_log_destroy(the_log);
	return ret;
}

static void __exit aael_exit(void)
{
	aael_chardev_exit();
	aael_late_exit();
	unregister_pm_notifier(&the_log->pm_notifier);
	aael_securityfs_exit();
	aael_netlink_exit();
	aael_log_destroy(the_log);
}

module_init(aael_init);
module_exit(aael_exit);

MODULE_DESCRIPTION("Attestation agent event log");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_SOFTDEP("pre: tdx_guest tpm_crb tpm_tis sha1 sha256 sha384 sha512");
