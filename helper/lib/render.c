// SPDX-License-Identifier: Apache-2.0
/*
 * The log as the JSON that Trustee's tokens show. cJSON only builds and prints
 * here, it parses nothing: what is JSON in an event goes in as raw text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "check.h"
#include "jsonscan.h"
#include "render.h"
#include "uefi.h"

/* Every add consumes @item, also when it fails. */
static bool add(cJSON *object, const char *key, cJSON *item)
{
	if (item && cJSON_AddItemToObjectCS(object, key, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static bool push(cJSON *array, cJSON *item)
{
	if (item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

/* Consumes @buf. */
static cJSON *string_of(struct text_buf *buf)
{
	cJSON *item = buf->failed ? NULL : cJSON_CreateString(buf->data ? buf->data : "");

	text_free(buf);
	return item;
}

static cJSON *utf8_string(const void *data, size_t size)
{
	struct text_buf buf = {};

	text_utf8(&buf, data, size);
	return string_of(&buf);
}

static cJSON *base64_string(const uint8_t *data, size_t size)
{
	struct text_buf buf = {};

	text_base64(&buf, data, size);
	return string_of(&buf);
}

static cJSON *content_item(const char *content, size_t size)
{
	struct text_buf buf = {};
	cJSON *item;

	if (!aael_jsonscan_valid(content, size))
		return utf8_string(content, size);
	text_append(&buf, content, size);
	item = buf.failed ? NULL : cJSON_CreateRaw(buf.data);
	text_free(&buf);
	return item;
}

static bool aael_data(cJSON *details, const struct aael_text *t)
{
	cJSON *data = cJSON_CreateObject();

	return add(details, "data", data) &&
	       add(data, "domain", utf8_string(t->domain, t->domain_size)) &&
	       add(data, "operation", utf8_string(t->operation, t->operation_size)) &&
	       add(data, "content", content_item(t->content, t->content_size));
}

/* Raw bytes in the order they stand in, as Trustee shows them: not a GUID's own order. */
static cJSON *guid_string(const uint8_t *guid)
{
	struct text_buf buf = {};
	char hex[33];

	aael_hex_encode(guid, 16, hex);
	text_printf(&buf, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return string_of(&buf);
}

static bool variable_details(cJSON *details, const struct uefi_variable *v)
{
	struct text_buf name = {};

	text_utf16(&name, v->name, (size_t)v->name_units);
	return add(details, "unicode_name", string_of(&name)) &&
	       add(details, "unicode_name_length", cJSON_CreateNumber((double)v->name_units)) &&
	       add(details, "variable_data", base64_string(v->data, (size_t)v->data_size)) &&
	       add(details, "variable_data_length", cJSON_CreateNumber((double)v->data_size)) &&
	       add(details, "variable_name", guid_string(v->guid));
}

static bool path_details(cJSON *details, const uint8_t *path, size_t size)
{
	struct text_buf node = {};
	cJSON *array = NULL;

	while (uefi_path_next(&path, &size, &node)) {
		if (!array) {
			array = cJSON_CreateArray();
			if (!add(details, "device_paths", array)) {
				text_free(&node);
				return false;
			}
		}
		if (!push(array, string_of(&node)))
			return false;
	}
	return true;
}

static bool fill_details(cJSON *details, const struct aael_tcg2_entry *e)
{
	struct uefi_variable variable;
	struct aael_text text;
	const uint8_t *data;
	size_t size;
	int ret = aael_text_decode(e, &text);

	if (ret != -ENOENT && text.text)
		return add(details, "string", utf8_string(text.text, text.text_size)) &&
		       add(details, "unicode_name", cJSON_CreateString("AAEL")) &&
		       (ret || aael_data(details, &text));
	if (!uefi_event_string(e, &data, &size))
		return add(details, "string", utf8_string(data, size));
	if (!uefi_event_variable(e, &variable))
		return variable_details(details, &variable);
	if (!uefi_event_path(e, &data, &size))
		return path_details(details, data, size);
	return true;
}

static bool digests_match(const struct aael_tcg2_entry *e)
{
	for (uint32_t i = 0; i < e->digest_count; i++)
		if (!aael_check_digest(e, &e->digests[i]))
			return false;
	return true;
}

static cJSON *digest_item(const struct aael_tcg2_digest *d)
{
	const struct aael_alg *alg = aael_alg_by_id(d->alg);
	struct text_buf name = {}, hex = {};
	cJSON *item = cJSON_CreateObject();
	bool named, whole;

	if (alg)
		text_printf(&name, "%s", alg->title);
	else
		text_printf(&name, "0x%04x", d->alg);
	text_hex(&hex, d->value, d->size);
	/* Each consumes its text. */
	named = add(item, "alg", string_of(&name));
	whole = add(item, "digest", string_of(&hex));
	if (named && whole)
		return item;
	cJSON_Delete(item);
	return NULL;
}

static cJSON *type_item(uint32_t type)
{
	const char *name = aael_tcg2_type_name(type);
	char unknown[24];

	snprintf(unknown, sizeof(unknown), "EV_UNKNOWN_0x%08x", type);
	return cJSON_CreateString(name ? name : unknown);
}

/* Consumes @item; NULL on failure, too. */
static cJSON *fill_item(cJSON *item, const struct aael_tcg2_entry *e)
{
	cJSON *details = cJSON_CreateObject();
	cJSON *digests;
	bool ok = add(item, "details", details) && fill_details(details, e) &&
		  add(item, "digest_matches_event", cJSON_CreateBool(digests_match(e)));

	digests = ok ? cJSON_CreateArray() : NULL;
	ok = ok && add(item, "digests", digests);
	for (uint32_t i = 0; ok && i < e->digest_count; i++)
		ok = push(digests, digest_item(&e->digests[i]));
	ok = ok && add(item, "event", base64_string(e->event, e->event_size)) &&
	     add(item, "index", cJSON_CreateNumber(e->reg)) &&
	     add(item, "type_name", type_item(e->type));
	if (ok)
		return item;
	cJSON_Delete(item);
	return NULL;
}

cJSON *render_item(const struct aael_tcg2_entry *e, uint64_t sequence)
{
	cJSON *item = cJSON_CreateObject();
	/* A double holds every number of entries that memory does. */
	cJSON *number = sequence ? cJSON_CreateNumber((double)sequence) : cJSON_CreateNull();

	if (add(item, "sequence", number))
		return fill_item(item, e);
	cJSON_Delete(item);
	return NULL;
}

int aael_render_json(const void *data, size_t size, const struct aael_filter *filter,
		     unsigned int flags, char **out, struct aael_tcg2_error *err)
{
	struct aael_filter f = filter ? *filter : (struct aael_filter){};
	cJSON *root = cJSON_CreateObject();
	cJSON *entries = cJSON_CreateArray();
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	int ret;

	*out = NULL;
	ret = aael_tcg2_open(&r, data, size, AAEL_TCG2_F_DETECT | AAEL_TCG2_F_ZERO_ENDS);
	if (!add(root, "uefi_event_logs", entries))
		ret = -ENOMEM;
	aael_filter_begin(&f, &r);
	while (!ret && (ret = aael_filter_next(&f, &r, &e)) > 0)
		ret = push(entries, fill_item(cJSON_CreateObject(), &e)) ? 0 : -ENOMEM;
	*err = r.error;
	if (!ret) {
		*out = flags & AAEL_RENDER_F_PRETTY ? cJSON_Print(root)
						    : cJSON_PrintUnformatted(root);
		ret = *out ? 0 : -ENOMEM;
	}
	cJSON_Delete(root);
	return ret;
}
