// SPDX-License-Identifier: Apache-2.0
/* Where the configuration comes from; what it means is in aatoml.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aaeld.h"

#define FEATURES_OPTION "agent.guest_components_rest_api="

/* Kata's, the peer pods' (cloud-api-adaptor), ours. */
static const char *const built_in_paths[] = {
	"/run/confidential-containers/initdata/aa.toml",
	"/run/peerpod/aa.toml",
	"/etc/aaeld/aa.toml",
	NULL,
};

int aaeld_config_find(const char *given, const char *const *paths, const char **path,
		      char message[AAELD_MESSAGE_BYTES])
{
	const char *env = getenv("AAELD_CONFIG");

	*path = given ? given : env && *env ? env : NULL;
	if (*path)
		return 0;
	/* One that exists but cannot be read is an error later, not a reason to go on. */
	for (paths = paths ? paths : built_in_paths; *paths; paths++) {
		int err = access(*paths, F_OK) ? errno : 0;

		if (!err) {
			*path = *paths;
			return 0;
		}
		if (err != ENOENT && err != ENOTDIR) {
			snprintf(message, AAELD_MESSAGE_BYTES, "%s: %s", *paths, strerror(err));
			return -err;
		}
	}
	return 0;
}

static int read_file(const char *path, char **text, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	*text = malloc(AAELD_CONFIG_MAX_BYTES + 1);
	if (!*text) {
		close(fd);
		return -ENOMEM;
	}
	do {
		n = read(fd, *text + used, AAELD_CONFIG_MAX_BYTES + 1 - used);
		if (n > 0)
			used += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	err = n < 0 ? errno : used > AAELD_CONFIG_MAX_BYTES ? EFBIG : 0;
	close(fd);
	if (err)
		free(*text);
	*size = used;
	return -err;
}

int aaeld_config_load(const char *path, struct aaeld_config *config,
		      char message[AAELD_MESSAGE_BYTES])
{
	char *text = NULL;
	size_t size = 0;
	int ret;

	memset(config, 0, sizeof(*config));
	if (!path)
		return 0;
	ret = read_file(path, &text, &size);
	if (ret) {
		snprintf(message, AAELD_MESSAGE_BYTES, "%s: %s", path, strerror(-ret));
		return ret;
	}
	ret = aaeld_toml_parse(text, size, path, config, message);
	free(text);
	return ret;
}

static const char *const feature_names[] = {
	[AAELD_F_ATTESTATION] = "attestation",
	[AAELD_F_RESOURCE] = "resource",
	[AAELD_F_ALL] = "all",
};

const char *aaeld_config_feature_name(unsigned int features)
{
	return feature_names[features & AAELD_F_ALL];
}

int aaeld_config_parse_features(const char *name, unsigned int *features)
{
	for (unsigned int i = AAELD_F_ATTESTATION; i <= AAELD_F_ALL; i++) {
		if (!strcmp(name, feature_names[i])) {
			*features = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* The first one counts, as in the Kata agent; words are separated by white space. */
int aaeld_config_cmdline_features(const char *cmdline, unsigned int *features)
{
	static const char space[] = " \t\r\n";
	const char *p = cmdline + strspn(cmdline, space);
	size_t option = strlen(FEATURES_OPTION);
	char value[16];

	for (; *p; p += strspn(p, space)) {
		size_t size = strcspn(p, space);

		if (!strncmp(p, FEATURES_OPTION, option)) {
			if (size - option >= sizeof(value))
				return -EINVAL;
			memcpy(value, p + option, size - option);
			value[size - option] = '\0';
			return aaeld_config_parse_features(value, features);
		}
		p += size;
	}
	return -ENOENT;
}
