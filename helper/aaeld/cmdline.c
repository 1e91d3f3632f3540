// SPDX-License-Identifier: Apache-2.0
/* The kernel command line as the Kata agent reads it, and the features that it may name. */
#include <errno.h>
#include <string.h>

#include "aaeld.h"

const char *aaeld_cmdline_find(const char *cmdline, const char *name, size_t *size)
{
	static const char space[] = " \t\r\n";
	const char *p = cmdline + strspn(cmdline, space);
	size_t length = strlen(name);

	for (; *p; p += strspn(p, space)) {
		*size = strcspn(p, space);
		if (*size > length && !memcmp(p, name, length) && p[length] == '=') {
			*size -= length + 1;
			return p + length + 1;
		}
		p += *size;
	}
	return NULL;
}

static const char *const feature_names[] = {
	[AAELD_F_ATTESTATION] = "attestation",
	[AAELD_F_RESOURCE] = "resource",
	[AAELD_F_ALL] = "all",
};

const char *aaeld_features_name(unsigned int features)
{
	return feature_names[features & AAELD_F_ALL];
}

int aaeld_features_parse(const char *name, size_t size, unsigned int *features)
{
	for (unsigned int i = AAELD_F_ATTESTATION; i <= AAELD_F_ALL; i++) {
		if (size == strlen(feature_names[i]) && !memcmp(name, feature_names[i], size)) {
			*features = i;
			return 0;
		}
	}
	return -EINVAL;
}
