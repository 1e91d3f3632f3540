// SPDX-License-Identifier: Apache-2.0
/* What the configuration amounts to, wherever it came from: "key: value" lines. */
#include <stdio.h>
#include <string.h>

#include "aaeld.h"

static const char *level_name(enum aaeld_level level)
{
	switch (level) {
	case AAELD_ERROR:
		return "error";
	case AAELD_WARNING:
		return "warn";
	case AAELD_INFO:
		return "info";
	default:
		return "debug";
	}
}

void aaeld_show_initdata(const struct aaeld_origin *origin, char text[AAELD_INITDATA_TEXT_BYTES])
{
	uint8_t digest[AAEL_TCG2_DIGEST_MAX_BYTES];
	int size = aael_initdata_digest(&origin->initdata, digest);
	int used = snprintf(text, AAELD_INITDATA_TEXT_BYTES,
			    "%s, %s:", aael_initdata_form_name(origin->initdata.form),
			    origin->initdata.alg->name);

	if (size > 0)
		aael_hex_encode(digest, (size_t)size, text + used);
	else
		snprintf(text + used, AAELD_INITDATA_TEXT_BYTES - (size_t)used, "%s",
			 strerror(-size));
}

void aaeld_show_config(FILE *out, const struct aaeld_config *config, unsigned int features)
{
	char text[AAELD_INITDATA_TEXT_BYTES];
	int certs = config->kbs_cert ? aaeld_kbs_certs(config->kbs_cert) : 0;

	fprintf(out, "configuration: %s\n", config->origin.path ? config->origin.path : "none");
	if (config->origin.initdata_path) {
		aaeld_show_initdata(&config->origin, text);
		fprintf(out, "initdata: %s (%s)\n", config->origin.initdata_path, text);
	} else {
		fputs("initdata: none\n", out);
	}
	fprintf(out, "features: %s\n", aaeld_features_name(features));
	fprintf(out, "eventlog_config.enable_eventlog: %s\n",
		config->enable_eventlog ? "true" : "false");
	if (config->has_init_pcr)
		fprintf(out, "eventlog_config.init_pcr: %u\n", config->init_pcr);
	else
		fputs("eventlog_config.init_pcr: the module's\n", out);
	fprintf(out, "log.level: %s\n", level_name(config->has_level ? config->level : AAELD_INFO));
	if (config->kbs_url)
		fprintf(out, "token_configs.kbs.url: %s (%s)\n", config->kbs_url, config->kbs_from);
	else
		fputs("token_configs.kbs.url: none\n", out);
	fprintf(out, "token_configs.kbs.cert: %d\n", certs);
	fprintf(out, "token_configs.kbs.tee_key_algorithm: %s\n",
		aaeld_kbs_key_name(config->tee_key));
}
