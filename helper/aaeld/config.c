// SPDX-License-Identifier: Apache-2.0
/*
 * Where the configuration comes from; what an aa.toml means is in aatoml.c. A source that
 * was named must be there; a built-in path is passed over only if it certainly is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aaeld.h"

#define CMDLINE_PATH "/proc/cmdline"
#define CMDLINE_MAX_BYTES 65536

#define CONFIG_IN_INITDATA "aa.toml"

struct file {
	char *text; /* a NUL stands behind it */
	size_t size;
};

/* Kata's, the peer pods' (cloud-api-adaptor), ours; and the Init-Data beside it. */
static const struct {
	const char *config;
	const char *initdata;
} built_in[] = {
	{ "/run/confidential-containers/initdata/aa.toml",
	  "/run/confidential-containers/initdata/initdata.toml" },
	{ "/run/peerpod/aa.toml", "/run/peerpod/initdata" },
	{ "/etc/aaeld/aa.toml", NULL },
};

/* ---- files -------------------------------------------------------------------- */

static int say(char *message, const char *path, int ret)
{
	snprintf(message, AAELD_MESSAGE_BYTES, "%s: %s", path, strerror(-ret));
	return ret;
}

static int no_memory(char *message)
{
	snprintf(message, AAELD_MESSAGE_BYTES, "no memory");
	return -ENOMEM;
}

static int read_file(const char *path, size_t max, struct file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t n;

	file->size = 0;
	if (fd < 0)
		return -errno;
	file->text = malloc(max + 1);
	if (!file->text) {
		close(fd);
		return -ENOMEM;
	}
	do {
		n = read(fd, file->text + file->size, max + 1 - file->size);
		if (n > 0)
			file->size += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	err = n < 0 ? errno : file->size > max ? EFBIG : 0;
	close(fd);
	if (err)
		free(file->text);
	else
		file->text[file->size] = '\0';
	return -err;
}

/* 1: it does; 0: it certainly does not; else -errno. */
static int exists(const char *path, char *message)
{
	if (!access(path, F_OK))
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : say(message, path, -errno);
}

/* A built-in path; NULL: no memory. */
static char *below_root(const struct aaeld_sources *sources, const char *path)
{
	char *out;

	return asprintf(&out, "%s%s", sources->root ? sources->root : "", path) < 0 ? NULL : out;
}

/* ---- one source ----------------------------------------------------------------- */

static int parse(struct aaeld_config *config, const struct file *file, const char *name,
		 char *message)
{
	struct aaeld_origin origin = config->origin;
	int ret = aaeld_toml_parse(file->text, file->size, name, config, message);

	config->origin = origin;
	return ret;
}

static int use_file(struct aaeld_config *config, const char *path, struct file *file, char *message)
{
	int ret = read_file(path, AAELD_CONFIG_MAX_BYTES, file);

	if (ret)
		return say(message, path, ret);
	ret = parse(config, file, path, message);
	if (!ret) {
		config->origin.path = strdup(path);
		if (!config->origin.path)
			ret = no_memory(message);
	}
	if (ret) {
		free(file->text);
		file->text = NULL;
	}
	return ret;
}

static int open_initdata(struct aaeld_config *config, const char *path, char *message)
{
	struct aaeld_origin *origin = &config->origin;
	struct file file;
	int ret = read_file(path, AAEL_INITDATA_FILE_MAX_BYTES, &file);

	if (ret)
		return say(message, path, ret);
	ret = aael_initdata_open(&origin->initdata, file.text, file.size, path, message);
	free(file.text);
	if (ret)
		return ret;
	origin->initdata_path = strdup(path);
	return origin->initdata_path ? 0 : no_memory(message);
}

/* The aa.toml inside of Init-Data. 1: it is used; 0: there is none. */
static int use_initdata(struct aaeld_config *config, char *message)
{
	struct aaeld_origin *origin = &config->origin;
	struct file file;
	int ret;

	if (!origin->initdata_path)
		return 0;
	file.text = (char *)aael_initdata_get(&origin->initdata, CONFIG_IN_INITDATA, &file.size);
	if (!file.text)
		return 0;
	ret = asprintf(&origin->path, "%s: data.\"" CONFIG_IN_INITDATA "\"", origin->initdata_path);
	if (ret < 0) {
		origin->path = NULL;
		return no_memory(message);
	}
	ret = parse(config, &file, origin->path, message);
	return ret ? ret : 1;
}

/* What a verifier sees is Init-Data, not the file that was made of it. */
static void compare(const struct aaeld_origin *origin, const struct file *file)
{
	size_t size;
	const char *text = aael_initdata_get(&origin->initdata, CONFIG_IN_INITDATA, &size);

	if (text && (size != file->size || memcmp(text, file->text, size)))
		aaeld_log(AAELD_WARNING,
			  "%s is used, but differs from the aa.toml in %s, which is measured",
			  origin->path, origin->initdata_path);
}

static int open_beside(const struct aaeld_sources *sources, struct aaeld_config *config,
		       const char *beside, const struct file *file, char *message)
{
	char *path = below_root(sources, beside);
	int ret = path ? exists(path, message) : no_memory(message);

	if (ret > 0) {
		ret = open_initdata(config, path, message);
		if (!ret)
			compare(&config->origin, file);
	}
	free(path);
	return ret;
}

/* 1: it exists, and is used; 0: it does not. */
static int use_built_in(const struct aaeld_sources *sources, struct aaeld_config *config,
			const char *name, const char *beside, char *message)
{
	char *path = below_root(sources, name);
	int there = path ? exists(path, message) : no_memory(message);
	int ret = there;
	struct file file;

	if (there > 0)
		ret = use_file(config, path, &file, message);
	free(path);
	if (ret || !there)
		return ret;
	if (beside && !config->origin.initdata_path)
		ret = open_beside(sources, config, beside, &file, message);
	free(file.text);
	return ret ? ret : 1;
}

/* ---- the search ------------------------------------------------------------------- */

static int use_named(struct aaeld_config *config, const char *path, char *message)
{
	struct file file;
	int ret = use_file(config, path, &file, message);

	if (!ret)
		free(file.text);
	return ret;
}

static int use_first(const struct aaeld_sources *sources, struct aaeld_config *config,
		     char *message)
{
	const char *env = getenv("AAELD_CONFIG");
	int ret;

	if (sources->config)
		return use_named(config, sources->config, message);
	ret = use_initdata(config, message);
	if (!ret && env && *env)
		return use_named(config, env, message);
	for (size_t i = 0; !ret && i < sizeof(built_in) / sizeof(built_in[0]); i++)
		ret = use_built_in(sources, config, built_in[i].config, built_in[i].initdata,
				   message);
	return ret < 0 ? ret : 0;
}

static int take_params(struct aaeld_config *config, const char *text, size_t size, const char *from,
		       char *message)
{
	int ret = aaeld_kbs_params(text, size, &config->kbs_url);

	if (ret == -ENOENT) {
		aaeld_log(AAELD_WARNING, "%s names another KBC than cc_kbc: there is no KBS", from);
		return 0;
	}
	if (ret == -EINVAL)
		snprintf(message, AAELD_MESSAGE_BYTES,
			 "%s: must be cc_kbc:: and an http:// or https:// URL", from);
	if (ret == -ENOMEM)
		no_memory(message);
	config->kbs_from = ret ? NULL : from;
	return ret;
}

/* "" if there is none; NULL: no memory. */
static char *read_cmdline(const struct aaeld_sources *sources)
{
	char *path = below_root(sources, CMDLINE_PATH);
	struct file file;
	int ret = path ? read_file(path, CMDLINE_MAX_BYTES, &file) : -ENOMEM;

	free(path);
	return ret == -ENOMEM ? NULL : ret ? strdup("") : file.text;
}

static int find_kbs(const struct aaeld_sources *sources, struct aaeld_config *config, char *message)
{
	const char *env = getenv("AA_KBC_PARAMS"), *value;
	char *cmdline;
	size_t size;
	int ret = 0;

	if (config->kbs_url)
		return 0;
	if (env && *env)
		return take_params(config, env, strlen(env), "$AA_KBC_PARAMS", message);
	cmdline = read_cmdline(sources);
	if (!cmdline)
		return no_memory(message);
	value = aaeld_cmdline_find(cmdline, "agent.aa_kbc_params", &size);
	if (value)
		ret = take_params(config, value, size,
				  "agent.aa_kbc_params on the kernel command line", message);
	free(cmdline);
	return ret;
}

int aaeld_config_load(const struct aaeld_sources *sources, struct aaeld_config *config,
		      char message[AAELD_MESSAGE_BYTES])
{
	int ret = 0;

	memset(config, 0, sizeof(*config));
	message[0] = '\0';
	if (sources->initdata)
		ret = open_initdata(config, sources->initdata, message);
	if (!ret)
		ret = use_first(sources, config, message);
	if (!ret)
		ret = find_kbs(sources, config, message);
	if (ret)
		aaeld_config_free(config);
	return ret;
}

void aaeld_config_free(struct aaeld_config *config)
{
	aael_initdata_close(&config->origin.initdata);
	free(config->origin.initdata_path);
	free(config->origin.path);
	free(config->kbs_url);
	free(config->kbs_cert);
	memset(config, 0, sizeof(*config));
}

int aaeld_config_features(const struct aaeld_sources *sources, const char *option,
			  bool as_server_rest, unsigned int *features,
			  char message[AAELD_MESSAGE_BYTES])
{
	const char *from = "--features", *value = option;
	size_t size = option ? strlen(option) : 0;
	char *cmdline = NULL;
	int ret = 0;

	*features = as_server_rest ? AAELD_F_RESOURCE : AAELD_F_ALL;
	if (!option) {
		cmdline = read_cmdline(sources);
		if (!cmdline)
			return no_memory(message);
		from = "agent.guest_components_rest_api on the kernel command line";
		value = aaeld_cmdline_find(cmdline, "agent.guest_components_rest_api", &size);
	}
	if (value && aaeld_features_parse(value, size, features)) {
		snprintf(message, AAELD_MESSAGE_BYTES,
			 "%s: valid are resource, attestation and all", from);
		ret = -EINVAL;
	}
	free(cmdline);
	return ret;
}
