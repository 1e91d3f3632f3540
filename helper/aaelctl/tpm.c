// SPDX-License-Identifier: Apache-2.0
/* aaelctl tpm provision: the attestation key, and its public half for the verifier. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "ctl.h"
#include "tpm.h"

static int provision(struct aael_tpm *tpm, char error[AAEL_TPM_ERROR_BYTES])
{
	uint8_t *der = NULL;
	size_t size = 0;
	int ret = aael_tpm_provision(tpm, error);

	if (!ret)
		ret = aael_tpm_ak_public(tpm, &der, &size, error);
	if (!ret) {
		aael_base64_put(stdout, der, size);
		putchar('\n');
	}
	free(der);
	return ret;
}

int ctl_tpm_run(const struct ctl_verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	char error[AAEL_TPM_ERROR_BYTES];
	struct aael_tpm *tpm = NULL;
	int c, ret;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return c == 'h' ? ctl_help(verb) : ctl_usage(verb, NULL);
	if (optind + 1 != argc || strcmp(argv[optind], "provision"))
		return ctl_usage(verb, "takes one operand: provision");
	/* The library's own complaints would stand among ours. */
	setenv("TSS2_LOG", "all+none", 0);
	ret = aael_tpm_open(&tpm, error);
	if (!ret)
		ret = provision(tpm, error);
	aael_tpm_close(tpm);
	if (!ret)
		return ctl_finish(verb, CTL_OK);
	ctl_error(verb, "%s", error);
	if (ret == -EINVAL)
		return CTL_USAGE;
	return ret == -ENODEV ? CTL_UNREADABLE : CTL_MISMATCH;
}
