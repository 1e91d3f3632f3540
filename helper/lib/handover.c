// SPDX-License-Identifier: Apache-2.0
/* The description of a log that is handed over. */
#include <errno.h>
#include <string.h>

#include <cJSON.h>

#include "check.h"
#include "handover.h"
#include "json.h"

/* Only what the type and the own entries of a log in memory could be: 1 GiB and a boot log. */
#define BYTES_MAX UINT32_MAX

static int digest_of(const struct aael_handover *h, const uint8_t *log, uint8_t out[32])
{
	uint8_t value[AAEL_TCG2_DIGEST_MAX_BYTES];
	int ret = aael_alg_hash(AAEL_ALG_SHA256, log + h->own_offset, h->bytes - h->own_offset, "",
				0, value);

	if (ret < 0)
		return ret;
	memcpy(out, value, 32);
	return 0;
}

/* Entries from own_offset on; -EBADMSG unless one begins there, or the log ends. */
static int count_entries(const struct aael_handover *h, const uint8_t *log, uint64_t *count,
			 struct aael_tcg2_error *err)
{
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	bool found;
	int ret = aael_tcg2_open(&r, log, h->bytes, 0);

	*count = 0;
	found = !ret && r.pos == h->own_offset;
	while (!ret && (ret = aael_tcg2_next(&r, &e)) == 1) {
		ret = 0;
		*count += e.offset >= h->own_offset;
		found = found || e.offset + e.size == h->own_offset;
	}
	*err = r.error;
	return ret ? ret : found && r.pos == h->bytes ? 0 : -EBADMSG;
}

int aael_handover_describe(struct aael_handover *h, const struct aael_info *info,
			   const uint8_t *log, size_t size)
{
	struct aael_tcg2_error err;
	int ret;

	memset(h, 0, sizeof(*h));
	if (info->own_offset > size || size > BYTES_MAX)
		return -EBADMSG;
	h->index = info->index;
	h->bytes = size;
	h->own_offset = info->own_offset;
	h->max_log_bytes = info->max_log_bytes;
	memcpy(h->provider, info->provider, sizeof(info->provider));
	snprintf(h->health, sizeof(h->health), "%s", aael_dev_health_name(info->health));
	ret = count_entries(h, log, &h->count, &err);
	return ret ? ret : digest_of(h, log, h->sha256);
}

static int add_reserved(struct aael_handover *h, const char *domain, size_t size)
{
	if (h->reserved_count == AAEL_HANDOVER_RESERVED_MAX || size > AAEL_DOMAIN_MAX_BYTES)
		return -ENOSPC;
	memcpy(h->reserved[h->reserved_count], domain, size);
	h->reserved[h->reserved_count++][size] = '\0';
	return 0;
}

int aael_handover_reserve(struct aael_handover *h, const char *status, size_t size)
{
	static const char key[] = "reserved_domain: ";
	const char *end;
	int ret = 0;

	for (; !ret && (end = memchr(status, '\n', size)); status = end + 1) {
		size_t n = (size_t)(end - status);

		if (n >= sizeof(key) && !memcmp(status, key, sizeof(key) - 1))
			ret = add_reserved(h, status + sizeof(key) - 1, n - (sizeof(key) - 1));
		size -= n + 1;
	}
	return ret;
}

bool aael_handover_unrecorded(const char *status, size_t size)
{
	static const char line[] = "\nimport: not recorded";

	return memmem(status, size, line, sizeof(line) - 1);
}

int aael_handover_parameter(struct aael_handover *h, const char *name, const char *value)
{
	size_t used = strlen(h->parameters), n = strcspn(value, "\n");
	int len;

	if (memchr(value, ' ', n) || memchr(value, '"', n))
		return 0;
	len = snprintf(h->parameters + used, sizeof(h->parameters) - used, "%s%s=%.*s",
		       used ? " " : "", name, (int)n, value);
	if (len > 0 && (size_t)len < sizeof(h->parameters) - used)
		return 0;
	h->parameters[used] = '\0';
	return -ENOSPC;
}

static void put_member(FILE *out, const char *name, const char *text)
{
	fprintf(out, ",\n  \"%s\": ", name);
	aael_json_put_string(out, text);
}

void aael_handover_print(const struct aael_handover *h, FILE *out)
{
	char hex[65];

	aael_hex_encode(h->sha256, sizeof(h->sha256), hex);
	fprintf(out, "{\n  \"format\": %d,\n  \"index\": %u", AAEL_HANDOVER_FORMAT, h->index);
	fprintf(out, ",\n  \"bytes\": %llu,\n  \"own_offset\": %llu,\n  \"count\": %llu",
		(unsigned long long)h->bytes, (unsigned long long)h->own_offset,
		(unsigned long long)h->count);
	fprintf(out, ",\n  \"max_log_bytes\": %llu", (unsigned long long)h->max_log_bytes);
	put_member(out, "sha256", hex);
	put_member(out, "provider", h->provider);
	put_member(out, "health", h->health);
	put_member(out, "module_version", h->module_version);
	put_member(out, "parameters", h->parameters);
	fputs(",\n  \"reserved_domains\": [", out);
	for (size_t i = 0; i < h->reserved_count; i++) {
		fputs(i ? ", " : "", out);
		aael_json_put_string(out, h->reserved[i]);
	}
	fputs("]\n}\n", out);
}

static int get_u64(const struct cJSON *o, const char *name, uint64_t *out,
		   struct aael_json_error *err)
{
	uint32_t value = 0;
	int ret = aael_json_u32(o, name, BYTES_MAX, &value, err);

	*out = value;
	return ret;
}

static int get_text(const struct cJSON *o, const char *name, char *out, size_t room,
		    struct aael_json_error *err)
{
	const char *text;
	int ret = aael_json_string(o, name, &text, err);

	if (ret)
		return ret;
	if (strlen(text) < room) {
		strcpy(out, text);
		return 0;
	}
	snprintf(err->text, sizeof(err->text), "%s: is too long", name);
	return -EINVAL;
}

static int get_sha256(const struct cJSON *o, uint8_t out[32], struct aael_json_error *err)
{
	const char *text;
	int ret = aael_json_string(o, "sha256", &text, err);

	if (ret || !aael_hex_decode(text, strlen(text), out, 32))
		return ret;
	snprintf(err->text, sizeof(err->text), "sha256: is not 64 hexadecimal digits");
	return -EINVAL;
}

static int get_reserved(struct aael_handover *h, const struct cJSON *o, struct aael_json_error *err)
{
	const cJSON *list = aael_json_get(o, "reserved_domains"), *item;
	bool good = cJSON_IsArray(list);

	if (good)
		cJSON_ArrayForEach(item, list)
			good = good && cJSON_IsString(item) &&
			       !add_reserved(h, item->valuestring, strlen(item->valuestring));
	if (good)
		return 0;
	snprintf(err->text, sizeof(err->text),
		 "reserved_domains: is not a list of up to %d domains", AAEL_HANDOVER_RESERVED_MAX);
	return -EINVAL;
}

static int get_format(const struct cJSON *o, struct aael_json_error *err)
{
	uint32_t format = 0;
	int ret = aael_json_u32(o, "format", UINT32_MAX, &format, err);

	if (ret || format == AAEL_HANDOVER_FORMAT)
		return ret;
	snprintf(err->text, sizeof(err->text), "format: %u is not known to this program", format);
	return -EINVAL;
}

static int get_all(struct aael_handover *h, const struct cJSON *o, struct aael_json_error *err)
{
	int ret = get_format(o, err);

	ret = ret ?: aael_json_u32(o, "index", UINT32_MAX, &h->index, err);
	ret = ret ?: get_u64(o, "bytes", &h->bytes, err);
	ret = ret ?: get_u64(o, "own_offset", &h->own_offset, err);
	ret = ret ?: get_u64(o, "count", &h->count, err);
	ret = ret ?: get_u64(o, "max_log_bytes", &h->max_log_bytes, err);
	ret = ret ?: get_sha256(o, h->sha256, err);
	ret = ret ?: get_text(o, "provider", h->provider, sizeof(h->provider), err);
	ret = ret ?: get_text(o, "health", h->health, sizeof(h->health), err);
	ret = ret
		      ?: get_text(o, "module_version", h->module_version, sizeof(h->module_version),
				  err);
	ret = ret ?: get_text(o, "parameters", h->parameters, sizeof(h->parameters), err);
	return ret ?: get_reserved(h, o, err);
}

int aael_handover_parse(struct aael_handover *h, const char *text, size_t size,
			char message[AAEL_HANDOVER_MESSAGE_BYTES])
{
	struct aael_json_error err = {};
	struct cJSON *root = NULL;
	int ret = aael_json_parse(text, size, &root, &err);

	memset(h, 0, sizeof(*h));
	if (!ret && !aael_json_is_object(root)) {
		snprintf(err.text, sizeof(err.text), "body: is not an object");
		ret = -EINVAL;
	}
	if (!ret)
		ret = get_all(h, root, &err);
	aael_json_free(root);
	snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "%s", err.text);
	return !ret || ret == -ENOMEM ? ret : -EBADMSG;
}

/* The first of our entries that is wrong by itself: its number, or 0. */
static uint64_t first_wrong(const struct aael_handover *h, const uint8_t *log, const char **why)
{
	struct aael_tcg2_entry e;
	uint64_t sequence = 0;
	struct aael_tcg2 r;

	if (aael_tcg2_open(&r, log, h->bytes, 0))
		return 0;
	while (aael_tcg2_next(&r, &e) == 1) {
		if (e.offset < h->own_offset)
			continue;
		sequence++;
		*why = aael_check_entry(&e);
		if (*why)
			return sequence;
	}
	return 0;
}

static int bad(char *message, const char *text)
{
	snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "%s", text);
	return -EBADMSG;
}

static int check_digest(const struct aael_handover *h, const uint8_t *log, char *message)
{
	uint8_t value[32];
	const char *why;
	uint64_t wrong;
	int ret = digest_of(h, log, value);

	if (ret || !memcmp(value, h->sha256, sizeof(value))) {
		if (ret)
			snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "sha256: %s",
				 strerror(-ret));
		return ret;
	}
	wrong = first_wrong(h, log, &why);
	if (!wrong)
		return bad(message,
			   "the entries are not those that were exported: another SHA-256");
	snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES,
		 "the entries are not those that were exported: entry %llu: %s",
		 (unsigned long long)wrong, why);
	return -EBADMSG;
}

int aael_handover_check(const struct aael_handover *h, const uint8_t *log, size_t size,
			char message[AAEL_HANDOVER_MESSAGE_BYTES])
{
	struct aael_tcg2_error err;
	uint64_t count;

	if (size != h->bytes) {
		snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES, "the log has %zu bytes and not %llu",
			 size, (unsigned long long)h->bytes);
		return -EBADMSG;
	}
	if (h->own_offset > h->bytes)
		return bad(message, "own_offset is behind the end of the log");
	if (!count_entries(h, log, &count, &err)) {
		if (count == h->count)
			return check_digest(h, log, message);
		snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES,
			 "there are %llu entries and not %llu", (unsigned long long)count,
			 (unsigned long long)h->count);
	} else if (err.reason) {
		snprintf(message, AAEL_HANDOVER_MESSAGE_BYTES,
			 "the log is malformed at byte %zu, behind entry %llu: %s", err.offset,
			 (unsigned long long)count, err.reason);
	} else {
		bad(message, "no entry begins at own_offset");
	}
	return -EBADMSG;
}

int aael_handover_entry(const struct aael_handover *h, const uint8_t *log, size_t size,
			uint64_t sequence, struct aael_tcg2_entry *e)
{
	struct aael_tcg2 r;

	if (aael_tcg2_open(&r, log, size, 0))
		return -ENOENT;
	while (sequence && aael_tcg2_next(&r, e) == 1)
		if (e->offset >= h->own_offset && !--sequence)
			return 0;
	return -ENOENT;
}

/* What differs from aael_dev_strerror(): there, it is about an event. */
static const struct {
	int err;
	const char *words;
} words[] = {
	{ EPERM, "needs CAP_SYS_ADMIN in the initial user namespace" },
	{ EINVAL, "the module refuses the index, or does not know this step" },
	{ E2BIG, "the module is older than this program" },
	{ ENOTTY, "the module is older than the hand-over" },
	{ EFAULT, "the entries' memory could not be read" },
	{ ENOTCONN, "the log is not enabled: there is nothing to hand over" },
	{ EFBIG, "the log is larger than max_log_bytes" },
	{ EBADMSG, "an entry is malformed, or has a digest that is not its event's" },
	{ ESTALE, "the log reaches further than what was exported, or the registers further than "
		  "the log" },
	{ ENOPKG, "the kernel has no hash for an active bank" },
	{ EIO, "the register cannot be read, or the import not be recorded" },
	{ ETIMEDOUT, "undecided: the register cannot be read" },
	{ EINTR, "killed while waiting for the turn" },
};

const char *aael_handover_strerror(int err)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].err == err)
			return words[i].words;
	return aael_dev_strerror(err);
}
