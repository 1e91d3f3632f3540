// SPDX-License-Identifier: Apache-2.0
/* What an aa.toml means, read as the Attestation Agent reads it: unknown keys are ignored. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "toml.h"

#define INIT_PCR_MAX 23

/* The text being read: its name, and where the first thing that is wrong is told. */
struct reader {
	const char *name;
	char *message;
};

static int refuse(const struct reader *r, const struct aael_toml_value *value, const char *key,
		  const char *why)
{
	snprintf(r->message, AAELD_MESSAGE_BYTES, "%s:%lu: %s %s", r->name, aael_toml_line(value),
		 key, why);
	return -EINVAL;
}

/* The string, NULL if it is none, or one that C would cut. */
static const char *text_of(const struct aael_toml_value *value)
{
	size_t size;
	const char *text = aael_toml_string(value, &size);

	return text && strlen(text) == size ? text : NULL;
}

/* *@out: the table of that name, NULL if there is none. @key: its name from the root. */
static int take_table(const struct reader *r, const struct aael_toml_value *parent,
		      const char *name, const char *key, const struct aael_toml_value **out)
{
	*out = aael_toml_get(parent, name);
	return *out && !aael_toml_is_table(*out) ? refuse(r, *out, key, "must be a table") : 0;
}

static int take_bool(const struct reader *r, const struct aael_toml_value *value, const char *key,
		     bool *out)
{
	const char *text = text_of(value);

	if (!value || aael_toml_bool(value, out))
		return 0;
	if (!text || (strcmp(text, "true") && strcmp(text, "false")))
		return refuse(r, value, key, "must be true or false");
	*out = !strcmp(text, "true");
	return 0;
}

/* 17 or "17": Init-Data templates write either. */
static int take_index(const struct reader *r, const struct aael_toml_value *value, const char *key,
		      uint32_t *out)
{
	const char *text = text_of(value);
	int64_t n = -1;

	if (text && (strlen(text) == 1 || strlen(text) == 2) &&
	    strspn(text, "0123456789") == strlen(text))
		n = strtol(text, NULL, 10);
	else
		aael_toml_integer(value, &n);
	if (n < 0 || n > INIT_PCR_MAX)
		return refuse(r, value, key, "must be an integer from 0 to 23");
	*out = (uint32_t)n;
	return 0;
}

static int take_eventlog(const struct reader *r, const struct aael_toml_value *root,
			 struct aaeld_config *config)
{
	const struct aael_toml_value *table, *index;
	int ret = take_table(r, root, "eventlog_config", "eventlog_config", &table);

	if (!ret)
		ret = take_bool(r, aael_toml_get(table, "enable_eventlog"),
				"eventlog_config.enable_eventlog", &config->enable_eventlog);
	index = aael_toml_get(table, "init_pcr");
	if (ret || !index)
		return ret;
	config->has_init_pcr = true;
	return take_index(r, index, "eventlog_config.init_pcr", &config->init_pcr);
}

static int take_log(const struct reader *r, const struct aael_toml_value *root,
		    struct aaeld_config *config)
{
	const struct aael_toml_value *table, *level;
	int ret = take_table(r, root, "log", "log", &table);

	level = aael_toml_get(table, "level");
	if (ret || !level)
		return ret;
	if (!text_of(level) || aaeld_log_parse_level(text_of(level), &config->level))
		return refuse(r, level, "log.level", "must be error, warn, info or debug");
	config->has_level = true;
	return 0;
}

static int take_url(const struct reader *r, const struct aael_toml_value *value,
		    struct aaeld_config *config)
{
	static const char key[] = "token_configs.kbs.url";
	size_t size = 0;
	const char *text = aael_toml_string(value, &size);
	int ret;

	if (!value)
		return 0;
	if (!text)
		return refuse(r, value, key, "must be a string");
	ret = aaeld_kbs_url(text, size, &config->kbs_url);
	if (!ret)
		config->kbs_from = key;
	return ret == -EINVAL ? refuse(r, value, key, "must be an http:// or https:// URL") : ret;
}

static int take_cert(const struct reader *r, const struct aael_toml_value *value,
		     struct aaeld_config *config)
{
	static const char key[] = "token_configs.kbs.cert";
	const char *text = text_of(value);
	int ret;

	if (!value)
		return 0;
	if (!text)
		return refuse(r, value, key, "must be a string");
	ret = aaeld_kbs_certs(text);
	if (ret < 0)
		return ret == -EINVAL ? refuse(r, value, key, "must be certificates in PEM") : ret;
	config->kbs_cert = strdup(text);
	return config->kbs_cert ? 0 : -ENOMEM;
}

static int take_key(const struct reader *r, const struct aael_toml_value *value,
		    struct aaeld_config *config)
{
	const char *text = text_of(value);

	if (!value || (text && !aaeld_kbs_parse_key(text, &config->tee_key)))
		return 0;
	return refuse(r, value, "token_configs.kbs.tee_key_algorithm",
		      "must be ECDH-ES+A256KW-P256, ECDH-ES+A256KW-P521 or RSA-OAEP-256");
}

static int take_kbs(const struct reader *r, const struct aael_toml_value *root,
		    struct aaeld_config *config)
{
	const struct aael_toml_value *table;
	int ret = take_table(r, root, "token_configs", "token_configs", &table);

	if (!ret)
		ret = take_table(r, table, "kbs", "token_configs.kbs", &table);
	if (!ret)
		ret = take_url(r, aael_toml_get(table, "url"), config);
	if (!ret)
		ret = take_cert(r, aael_toml_get(table, "cert"), config);
	if (!ret)
		ret = take_key(r, aael_toml_get(table, "tee_key_algorithm"), config);
	return ret;
}

int aaeld_toml_parse(const char *text, size_t size, const char *name, struct aaeld_config *config,
		     char message[AAELD_MESSAGE_BYTES])
{
	const struct reader r = { .name = name, .message = message };
	const struct aael_toml_value *root;
	struct aael_toml_error err;
	struct aael_toml *doc;
	int ret = aael_toml_parse(text, size, &doc, &err);

	memset(config, 0, sizeof(*config));
	message[0] = '\0';
	if (ret) {
		snprintf(message, AAELD_MESSAGE_BYTES, "%s:%lu: %s", name, err.line, err.text);
		return ret;
	}
	root = aael_toml_root(doc);
	ret = take_eventlog(&r, root, config);
	if (!ret)
		ret = take_log(&r, root, config);
	if (!ret)
		ret = take_kbs(&r, root, config);
	aael_toml_free(doc);
	if (ret == -ENOMEM)
		snprintf(message, AAELD_MESSAGE_BYTES, "%s: no memory", name);
	if (ret)
		aaeld_config_free(config);
	return ret;
}
