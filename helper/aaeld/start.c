// SPDX-License-Identifier: Apache-2.0
/* What happens to the log when the daemon starts, and what the administrator is told. */
#include <errno.h>
#include <string.h>

#include "aaeld.h"
#include "libaael.h"

static void say_health(const struct aael_info *info)
{
	if (info->flags & AAEL_INFO_F_SOFT)
		aaeld_log(AAELD_WARNING,
			  "SOFT PROVIDER: the register is in memory. Nothing is protected and "
			  "no verifier can trust this log; for tests only");
	if (info->flags & AAEL_INFO_F_RESETTABLE)
		aaeld_log(AAELD_WARNING, "register %u can be reset: the log can be rewritten",
			  info->reg);
	if (info->health == AAEL_HEALTH_DIVERGED || info->health == AAEL_HEALTH_GONE)
		aaeld_log(AAELD_ERROR,
			  "the log's health is \"%s\": log and register do not agree any more, "
			  "attestation will fail until reboot",
			  aael_dev_health_name(info->health));
	else if (info->health != AAEL_HEALTH_CONSISTENT)
		aaeld_log(AAELD_WARNING, "the log's health is \"%s\"",
			  aael_dev_health_name(info->health));
}

static void say_missing(int err, bool wanted)
{
	if (err == -ENXIO)
		aaeld_log(AAELD_WARNING,
			  "no /dev/aael: the module aael is not loaded (modprobe aael); events "
			  "cannot be logged%s",
			  wanted ? ". aaeld enables the log only when it starts: load the module "
				   "before it, or run aaelctl enable afterwards"
				 : "");
	else
		aaeld_log(AAELD_ERROR, "/dev/aael cannot be used%s%s; events cannot be logged",
			  err == -ENOTTY ? "" : ": ", err == -ENOTTY ? "" : strerror(-err));
}

static void say_unsupported(const char *why)
{
	aaeld_log(AAELD_WARNING,
		  "there is no register for runtime measurements; events cannot be "
		  "logged%s%s",
		  *why ? ": " : "", why);
}

static int check_index(const struct aael_info *info, const struct aaeld_config *config)
{
	if (!config->enable_eventlog || !config->has_init_pcr || info->index == config->init_pcr)
		return 0;
	aaeld_log(AAELD_ERROR,
		  "eventlog_config.init_pcr is %u, but the kernel's log was enabled with index %u, "
		  "which stays until reboot",
		  config->init_pcr, info->index);
	return -EEXIST;
}

static int enable(const struct aaeld_kernel_ops *ops, void *kernel,
		  const struct aaeld_config *config, struct aael_info *info)
{
	uint32_t index = config->has_init_pcr ? config->init_pcr : AAEL_INDEX_DEFAULT;
	char message[AAELD_MESSAGE_BYTES] = "", name[32] = "the module's index";
	int ret = ops->enable(kernel, index, message);

	if (config->has_init_pcr)
		snprintf(name, sizeof(name), "index %u", index);
	if (ret && info->state == AAEL_STATE_UNSUPPORTED) {
		say_unsupported(message[0] ? message : strerror(-ret));
		return 0;
	}
	if (ret) {
		aaeld_log(AAELD_ERROR, "the log cannot be enabled with %s: %s%s%s%s", name,
			  ret == -EPERM ? "that needs CAP_SYS_ADMIN (or enable it before: aaelctl "
					  "enable)"
					: strerror(-ret),
			  message[0] ? " (the kernel says: " : "", message, message[0] ? ")" : "");
		/* Somebody else may have been faster, with our index or another. */
		return ops->info(kernel, info) || info->state < AAEL_STATE_ENABLED ? ret : 0;
	}
	return ops->info(kernel, info);
}

int aaeld_start_log(const struct aaeld_kernel_ops *ops, void *kernel,
		    const struct aaeld_config *config)
{
	struct aael_info info;
	int ret = ops->info(kernel, &info);

	if (ret) {
		say_missing(ret, config->enable_eventlog);
		return 0;
	}
	/* Also without a register: it may have come since the module was loaded. */
	if (info.state <= AAEL_STATE_DISABLED && config->enable_eventlog)
		ret = enable(ops, kernel, config, &info);
	else if (info.state == AAEL_STATE_UNSUPPORTED)
		say_unsupported("");
	if (ret || info.state == AAEL_STATE_UNSUPPORTED)
		return ret;
	if (info.state == AAEL_STATE_DISABLED) {
		aaeld_log(AAELD_INFO, "the log is disabled (eventlog_config.enable_eventlog is not "
				      "true); events are not logged");
		return 0;
	}
	say_health(&info);
	ret = check_index(&info, config);
	if (!ret)
		aaeld_log(AAELD_INFO, "log %s: provider %.*s, index %u, register %u, %llu entries",
			  aael_dev_state_name(info.state), AAEL_PROVIDER_NAME_BYTES, info.provider,
			  info.index, info.reg, (unsigned long long)info.count);
	return ret;
}
