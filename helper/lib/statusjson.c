// SPDX-License-Identifier: Apache-2.0
/* The state of the log as JSON, whose keys stay as they are. */
#include <errno.h>
#include <string.h>

#include <cJSON.h>

#include "statusjson.h"
#include "uefi.h"

/* A double holds every size that memory has. */
static bool add_number(cJSON *object, const char *key, uint64_t value)
{
	return cJSON_AddNumberToObject(object, key, (double)value);
}

static bool add_number_if(cJSON *object, const char *key, bool has, uint64_t value)
{
	return has ? add_number(object, key, value) : !!cJSON_AddNullToObject(object, key);
}

static bool add_banks(cJSON *object, const struct aael_info *info)
{
	cJSON *banks = cJSON_AddArrayToObject(object, "banks");
	bool ok = banks;

	for (uint32_t i = 0; ok && i < info->alg_count && i < AAEL_BANKS_MAX; i++) {
		const struct aael_alg *alg = aael_alg_by_id(info->algs[i]);

		ok = cJSON_AddItemToArray(banks, cJSON_CreateString(alg ? alg->name : "unknown"));
	}
	return ok;
}

static bool add_provider(cJSON *object, const struct aael_info *info)
{
	char name[AAEL_PROVIDER_NAME_BYTES + 1] = "";

	memcpy(name, info->provider, sizeof(info->provider));
	return cJSON_AddStringToObject(object, "provider", *name ? name : "none") &&
	       cJSON_AddBoolToObject(object, "protected",
				     *name && !(info->flags & AAEL_INFO_F_SOFT));
}

static bool add_info(cJSON *o, const struct aael_info *info)
{
	bool enabled = info->state == AAEL_STATE_ENABLED || info->state == AAEL_STATE_SEALED;

	return add_number(o, "version", info->abi_version) &&
	       cJSON_AddStringToObject(o, "state", aael_dev_state_name(info->state)) &&
	       cJSON_AddStringToObject(o, "health", aael_dev_health_name(info->health)) &&
	       cJSON_AddStringToObject(o, "platform", aael_dev_platform(info)) &&
	       add_provider(o, info) && add_banks(o, info) &&
	       cJSON_AddBoolToObject(o, "boot_log", info->flags & AAEL_INFO_F_BOOT_LOG) &&
	       add_number(o, "index", info->index) &&
	       add_number_if(o, "register", enabled, info->reg) &&
	       cJSON_AddBoolToObject(o, "resettable", info->flags & AAEL_INFO_F_RESETTABLE) &&
	       add_number(o, "count", info->count) && add_number(o, "bytes", info->bytes) &&
	       add_number(o, "own_bytes", info->bytes - info->own_offset) &&
	       add_number(o, "max_log_bytes", info->max_log_bytes) &&
	       add_number(o, "headroom_bytes", info->headroom_bytes) &&
	       add_number(o, "violations", info->violations) &&
	       add_number_if(o, "pending", info->pending_sequence, info->pending_sequence);
}

/* The list of a key, made if it is the first line of that key. */
static cJSON *list_of(cJSON *details, const char *key, size_t size)
{
	struct text_buf name = {};
	cJSON *list;

	text_utf8(&name, (const uint8_t *)key, size);
	if (name.failed || !name.data)
		return NULL;
	list = cJSON_GetObjectItemCaseSensitive(details, name.data);
	if (!list)
		list = cJSON_AddArrayToObject(details, name.data);
	text_free(&name);
	return list;
}

/* "key: value" */
static bool add_line(cJSON *details, const char *line, size_t size)
{
	const char *colon = memmem(line, size, ": ", 2);
	struct text_buf value = {};
	cJSON *list;
	bool ok;

	if (!colon || colon == line)
		return true;
	list = list_of(details, line, (size_t)(colon - line));
	text_utf8(&value, (const uint8_t *)colon + 2, size - (size_t)(colon - line) - 2);
	ok = list && !value.failed &&
	     cJSON_AddItemToArray(list, cJSON_CreateString(value.data ? value.data : ""));
	text_free(&value);
	return ok;
}

static bool add_details(cJSON *object, const char *text, size_t size)
{
	cJSON *details;
	const char *end;

	if (!text)
		return cJSON_AddNullToObject(object, "details");
	details = cJSON_AddObjectToObject(object, "details");
	if (!details)
		return false;
	for (; (end = memchr(text, '\n', size)); size -= (size_t)(end + 1 - text), text = end + 1)
		if (!add_line(details, text, (size_t)(end - text)))
			return false;
	return true;
}

int aael_status_json(const struct aael_info *info, const char *text, size_t size, char **out)
{
	cJSON *object = cJSON_CreateObject();

	*out = NULL;
	if (object && add_info(object, info) && add_details(object, text, size))
		*out = cJSON_Print(object);
	cJSON_Delete(object);
	return *out ? 0 : -ENOMEM;
}
