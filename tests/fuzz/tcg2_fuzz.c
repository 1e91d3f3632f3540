// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a log: libaael's walk, replay, comparison and the ways to show it. The walk stays
 * within the bytes and gives all of them; what is shown is what the walk gave, as JSON that
 * two parsers take, and as text without control characters. A log is the same as itself.
 */
#include <errno.h>

#include <cJSON.h>

#include "check.h"
#include "codec.h"
#include "fuzz.h"
#include "json.h"
#include "libaael.h"
#include "report.h"

/* What a walk gives. */
struct walk {
	int ret;
	size_t end;
	uint64_t entries;
	uint64_t own;
	bool own_headerless; /* those are readable without the header */
};

static void check_digests(const struct aael_tcg2 *r, const struct aael_tcg2_entry *e)
{
	MUST(e->digest_count && e->digest_count <= r->alg_count);
	for (uint32_t i = 0; i < e->digest_count; i++) {
		const struct aael_tcg2_digest *d = &e->digests[i];

		MUST(aael_tcg2_digest(e, d->alg) == d);
		MUST(d->value > r->data + e->offset && d->value + d->size < e->event);
	}
}

/* An entry ends with its event, and the next one begins there. */
static void check_entry(const struct aael_tcg2 *r, const struct aael_tcg2_entry *e,
			const struct walk *w)
{
	struct aael_text t;
	int ret = aael_text_decode(e, &t);

	MUST(e->number == w->entries && e->offset == w->end);
	MUST(e->offset + e->size == r->pos && r->pos <= r->size);
	MUST(e->event + e->event_size == r->data + r->pos);
	check_digests(r, e);
	MUST(ret == 0 || ret == -ENOENT || ret == -EBADMSG);
	if (!ret)
		MUST(t.domain + t.domain_size + 1 == t.operation &&
		     t.operation + t.operation_size + 1 == t.content &&
		     t.content + t.content_size == (const char *)e->event + e->event_size &&
		     !memchr(t.domain, ' ', t.domain_size) &&
		     !memchr(t.operation, ' ', t.operation_size));
}

static bool all_known(const struct aael_tcg2_entry *e)
{
	for (uint32_t i = 0; i < e->digest_count; i++)
		if (!aael_alg_by_id(e->digests[i].alg))
			return false;
	return true;
}

static struct walk walk(const struct bytes *log, unsigned int flags)
{
	struct walk w = { .own_headerless = true };
	struct aael_tcg2_entry e;
	struct aael_text text;
	struct aael_tcg2 r;

	w.ret = aael_tcg2_open(&r, log->p, log->size, flags);
	w.end = r.pos;
	MUST(w.ret == 0 || w.ret == -EBADMSG);
	MUST(!w.ret || (r.error.reason && r.error.offset <= log->size && !r.pos));
	while (!w.ret && (w.ret = aael_tcg2_next(&r, &e)) > 0) {
		check_entry(&r, &e, &w);
		w.entries++;
		w.end = r.pos;
		if (aael_text_decode(&e, &text) != -ENOENT) {
			w.own++;
			w.own_headerless &= all_known(&e);
		}
		w.ret = 0;
	}
	MUST(r.pos == w.end && r.count == w.entries);
	MUST(w.ret ? r.error.offset >= w.end && r.error.offset <= log->size : !r.error.reason);
	MUST(w.ret || r.end_mark || r.pos == log->size);
	MUST(aael_tcg2_next(&r, &e) == w.ret && r.pos == w.end);
	return w;
}

/* What was read of it is a log of its own, which ends where the bytes do. */
static void check_prefix(const struct bytes *log, unsigned int flags, const struct walk *all)
{
	struct bytes used = exact_copy(log->p, all->end);
	struct walk again = walk(&used, flags);

	/* Without a header there is nothing, not even an end. */
	if (flags & AAEL_TCG2_F_HEADERLESS || used.size)
		MUST(!again.ret && again.entries == all->entries && again.end == all->end);
	free(used.block);
}

static void check_replay(const struct bytes *log, enum aael_rule rule, const struct walk *w)
{
	struct aael_tcg2_error error;
	struct aael_replay replay;
	int ret = aael_replay_log(&replay, rule, log->p, log->size, &error);

	MUST(ret == w->ret || ret == -ERANGE);
	MUST(!ret == !error.reason && (!ret || error.offset <= log->size));
	for (uint32_t reg = 0; reg < AAEL_REGISTERS_MAX; reg++)
		for (unsigned int row = 0; row < AAEL_ALG_KNOWN_MAX; row++)
			MUST(aael_replay_value(&replay, reg, aael_alg_at(row)->id));
	MUST(!aael_replay_value(&replay, AAEL_REGISTERS_MAX, AAEL_ALG_SHA256));
}

/* Content that is JSON may have what aael_json_parse() refuses, and nothing else may. */
static bool is_json(const char *text)
{
	struct aael_json_error error;
	struct cJSON *root;
	int ret = aael_json_parse(text, strlen(text), &root, &error);

	aael_json_free(root);
	return !ret || strstr(error.text, "appears twice") || strstr(error.text, "too deeply") ||
	       strstr(error.text, "values") || strstr(error.text, "NUL character") ||
	       strstr(error.text, "not strict JSON");
}

/* Is @shown the bytes, with U+FFFD for what is no character, or NUL? */
static bool is_text(const char *shown, const char *bytes, size_t size)
{
	const uint8_t *p = (const uint8_t *)bytes;
	uint32_t number;
	size_t n;

	for (; shown && size; p += n, size -= n) {
		n = utf8_character(p, size, &number);
		if (!n || !*p) {
			n = 1;
			if (strncmp(shown, "\xef\xbf\xbd", 3))
				return false;
			shown += 3;
		} else if (!strncmp(shown, (const char *)p, n)) {
			shown += n;
		} else {
			return false;
		}
	}
	return shown && !*shown;
}

static void check_text(const cJSON *details, const struct aael_tcg2_entry *e)
{
	const cJSON *data = cJSON_GetObjectItem(details, "data");
	struct aael_text t;
	int ret = aael_text_decode(e, &t);

	MUST(cJSON_IsObject(details));
	if (ret != -ENOENT && t.text)
		MUST(is_text(cJSON_GetStringValue(cJSON_GetObjectItem(details, "string")), t.text,
			     t.text_size));
	MUST(!ret == !!data);
	if (!ret)
		MUST(is_text(cJSON_GetStringValue(cJSON_GetObjectItem(data, "domain")), t.domain,
			     t.domain_size) &&
		     is_text(cJSON_GetStringValue(cJSON_GetObjectItem(data, "operation")),
			     t.operation, t.operation_size) &&
		     cJSON_GetObjectItem(data, "content"));
}

/* The entry's own bytes, in base64, its text and its register. */
static void check_shown(const cJSON *item, const struct aael_tcg2_entry *e)
{
	const char *event = cJSON_GetStringValue(cJSON_GetObjectItem(item, "event"));
	size_t chars = event ? strlen(event) : 0, size = 0;
	uint8_t *bytes = malloc(chars / 4 * 3 + 1);
	struct aael_base64_error error;

	MUST(event && bytes);
	MUST(!aael_base64_decode(event, chars, bytes, &size, &error));
	MUST(size == e->event_size && !memcmp(bytes, e->event, size));
	MUST(cJSON_GetNumberValue(cJSON_GetObjectItem(item, "index")) == e->reg);
	check_text(cJSON_GetObjectItem(item, "details"), e);
	MUST(cJSON_GetArraySize(cJSON_GetObjectItem(item, "digests")) == (int)e->digest_count);
	free(bytes);
}

static void check_tree(const char *json, const struct bytes *log, bool own)
{
	cJSON *root = cJSON_Parse(json);
	const cJSON *item = cJSON_GetObjectItem(root, "uefi_event_logs");
	struct aael_tcg2_entry e;
	struct aael_text text;
	struct aael_tcg2 r;

	MUST(cJSON_IsArray(item));
	item = item->child;
	MUST(!aael_tcg2_open(&r, log->p, log->size, AAEL_TCG2_F_DETECT | AAEL_TCG2_F_ZERO_ENDS));
	while (aael_tcg2_next(&r, &e) > 0) {
		if (own && aael_text_decode(&e, &text) == -ENOENT)
			continue;
		MUST(item);
		check_shown(item, &e);
		item = item->next;
	}
	MUST(!item);
	cJSON_Delete(root);
}

static void check_json(const struct bytes *log, bool own, unsigned int flags, const struct walk *w)
{
	const struct aael_filter filter = { .own = own };
	struct aael_tcg2_error error;
	char *json;
	int ret = aael_render_json(log->p, log->size, &filter, flags, &json, &error);

	MUST(ret == w->ret && !ret == !!json);
	if (!ret) {
		MUST(is_json(json));
		check_tree(json, log, own);
	}
	free(json);
}

static void check_lines(const struct bytes *log, bool own, const struct walk *w)
{
	const struct aael_filter filter = { .own = own };
	uint64_t wanted = own ? w->own : w->entries;
	struct aael_tcg2_error error;
	char *text = NULL, *end;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	MUST(out && aael_render_entries(log->p, log->size, &filter, AAEL_FORM_TEXT, out, &error) ==
			    w->ret);
	MUST(!fclose(out));
	for (char *line = text; line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		MUST(end && is_plain(line, (size_t)(end - line)));
		MUST(wanted--);
	}
	MUST(!wanted);
	free(text);
}

/* A line is one object, whatever stands in the entry. */
static void check_jsonl(const struct bytes *log, const struct walk *w)
{
	struct aael_tcg2_error error;
	char *text = NULL, *end;
	uint64_t lines = 0;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	MUST(out &&
	     aael_render_entries(log->p, log->size, NULL, AAEL_FORM_JSONL, out, &error) == w->ret);
	MUST(!fclose(out));
	for (char *line = text; line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		MUST(end);
		*end = '\0';
		MUST(is_json(line));
		lines++;
	}
	MUST(lines == w->entries);
	free(text);
}

/* No character in YAML but line feeds is one that a reader might not take as it is. */
static void check_yaml(const struct bytes *log, const struct walk *w)
{
	struct aael_tcg2_error error;
	char *text = NULL, *end;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	MUST(out &&
	     aael_render_entries(log->p, log->size, NULL, AAEL_FORM_YAML, out, &error) == w->ret);
	MUST(!fclose(out));
	for (char *line = text; line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		MUST(end && is_plain(line, (size_t)(end - line)));
	}
	free(text);
}

/* How often the page of a log has a '<', and none of its lines a control character. */
static size_t tags_of_page(const struct bytes *log, const struct aael_replay *replay)
{
	const struct aael_report report = {
		.verdict = AAEL_REPORT_UNCOMPARED,
		.log_name = "",
		.made = "",
		.findings = "",
		.log = log->p,
		.size = log->size,
		.values = replay,
	};
	char *text = NULL, *end;
	size_t size, tags = 0;
	FILE *out = open_memstream(&text, &size);

	MUST(out && !aael_report_html(&report, out));
	MUST(!fclose(out));
	for (char *line = text; line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		MUST(end && is_plain(line, (size_t)(end - line)));
	}
	for (size_t i = 0; i < size; i++)
		tags += text[i] == '<';
	free(text);
	return tags;
}

/* No more markup than the rows, and two paragraphs about what is malformed, have of their own. */
static void check_page(const struct bytes *log, const struct walk *w)
{
	enum { OWN_ROW = 18, BOOT_ROW = 14, REGISTER_ROW = 14, MALFORMED = 8 };
	struct bytes nothing = exact_copy("", 0);
	struct aael_tcg2_error error;
	struct aael_replay replay;
	size_t tags;

	aael_replay_init(&replay, AAEL_RULE_HARDWARE);
	tags = tags_of_page(&nothing, &replay) + w->own * OWN_ROW +
	       (w->entries - w->own) * BOOT_ROW + (w->ret ? MALFORMED : 0);
	aael_replay_log(&replay, AAEL_RULE_HARDWARE, log->p, log->size, &error);
	for (uint32_t reg = 0; reg < AAEL_REGISTERS_MAX; reg++)
		for (unsigned int row = 0; row < AAEL_ALG_KNOWN_MAX; row++)
			tags += aael_replay_touched(&replay, reg, aael_alg_at(row)->id)
					? REGISTER_ROW
					: 0;
	MUST(tags_of_page(log, &replay) == tags);
	free(nothing.block);
}

/* Beside itself, and beside the half of it; entries by themselves. */
static void check_compared(const struct bytes *log)
{
	struct aael_tcg2_entry e;
	struct aael_diff diff;
	struct aael_tcg2 r;

	aael_compare_logs(&diff, log->p, log->size, log->p, log->size);
	MUST(diff.kind == AAEL_DIFF_SAME);
	aael_compare_logs(&diff, log->p, log->size, log->p, log->size / 2);
	MUST(diff.kind != AAEL_DIFF_ALTERED || diff.part);
	if (aael_tcg2_open(&r, log->p, log->size, AAEL_TCG2_F_DETECT))
		return;
	while (aael_tcg2_next(&r, &e) > 0)
		aael_check_entry(&e);
}

static void check_own(const struct bytes *log, const struct walk *w)
{
	struct aael_tcg2_error error;
	char *copy = NULL;
	size_t size;
	FILE *out = open_memstream(&copy, &size);
	struct bytes own;

	MUST(out && aael_render_own(log->p, log->size, out, &error) == w->ret);
	MUST(!fclose(out));
	own = exact_copy(copy, size);
	if (w->own_headerless) {
		struct walk again = walk(&own, AAEL_TCG2_F_HEADERLESS);

		MUST(!again.ret && again.end == size && again.entries == w->own &&
		     again.own == w->own);
	}
	free(own.block);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int all_flags[] = {
		0,
		AAEL_TCG2_F_HEADERLESS,
		AAEL_TCG2_F_DETECT,
		AAEL_TCG2_F_DETECT | AAEL_TCG2_F_ZERO_ENDS,
	};
	struct bytes log = exact_copy(data, size);
	struct walk detected, zero_ends;

	for (size_t i = 0; i < sizeof(all_flags) / sizeof(all_flags[0]); i++) {
		struct walk w = walk(&log, all_flags[i]);

		check_prefix(&log, all_flags[i], &w);
	}
	detected = walk(&log, AAEL_TCG2_F_DETECT);
	zero_ends = walk(&log, AAEL_TCG2_F_DETECT | AAEL_TCG2_F_ZERO_ENDS);
	check_replay(&log, AAEL_RULE_HARDWARE, &detected);
	check_replay(&log, AAEL_RULE_TRUSTEE, &zero_ends);
	check_json(&log, false, 0, &zero_ends);
	check_json(&log, true, AAEL_RENDER_F_PRETTY, &zero_ends);
	check_lines(&log, false, &detected);
	check_lines(&log, true, &detected);
	check_jsonl(&log, &detected);
	check_yaml(&log, &detected);
	check_page(&log, &detected);
	check_compared(&log);
	check_own(&log, &detected);
	free(log.block);
	return 0;
}
