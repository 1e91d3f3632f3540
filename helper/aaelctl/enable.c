// SPDX-License-Identifier: Apache-2.0
/* aaelctl enable: by netlink, with the kernel's own words where it refuses. */
#include <errno.h>
#include <string.h>

#include "ctl.h"

static const char *reason(const struct aael_nl *nl, int err)
{
	if (nl && *aael_nl_message(nl))
		return aael_nl_message(nl);
	switch (err) {
	case ENOENT:
		return "the kernel has no netlink family aael; is the module loaded?";
	case EPERM:
		return "needs CAP_SYS_ADMIN in the initial user namespace";
	case EBUSY:
		return "already enabled with another index";
	case EOPNOTSUPP:
		return "this platform has no register for runtime measurements";
	case EINVAL:
		return "the index is refused";
	case ETIMEDOUT:
		return "the kernel did not answer";
	default:
		return strerror(err);
	}
}

static int enable(const struct ctl_verb *verb, uint32_t index)
{
	struct aael_nl *nl = NULL;
	int ret = aael_nl_open(&nl);
	int code = CTL_OK;

	if (ret) {
		ctl_error(verb, "%s", reason(NULL, -ret));
		return CTL_UNREADABLE;
	}
	ret = aael_nl_enable(nl, index);
	if (ret) {
		ctl_error(verb, "%s (%s)", reason(nl, -ret), strerrorname_np(-ret));
		code = CTL_MISMATCH;
	}
	aael_nl_close(nl);
	return code;
}

int ctl_enable_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "index", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	uint32_t index = AAEL_INDEX_DEFAULT;
	int c;

	while ((c = getopt_long(argc, argv, "i:h", options, NULL)) != -1) {
		if (c == 'h')
			return ctl_help(verb);
		if (c != 'i')
			return ctl_usage(verb, NULL);
		if (ctl_index(verb, optarg, CTL_INDEX_MAX, &index))
			return CTL_USAGE;
	}
	if (optind != argc)
		return ctl_usage(verb, "takes no operand");
	return enable(verb, index);
}
