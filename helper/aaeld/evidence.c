// SPDX-License-Identifier: Apache-2.0
/*
 * GET /aa/evidence: a fresh quote that binds the caller's data, and the log cut to it. The
 * kind of evidence follows the kernel's provider, so that the quote is always of the device
 * that holds the register.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "codec.h"
#include "libaael.h"
#include "uefi.h"

#define MARK_BYTES 8

int aaeld_evidence_fail(struct aaeld_evidence *e, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(e->message, sizeof(e->message), format, ap);
	va_end(ap);
	return err;
}

static int kernel_error(struct aaeld_evidence *e, int err, const char *what)
{
	return aaeld_evidence_fail(e, err, "%s: %s", what, aael_dev_strerror(-err));
}

int aaeld_evidence_point(struct aaeld_evidence *e, struct aaeld_point *point)
{
	struct aael_snapshot snapshot;
	struct aael_info info;
	int ret;

	memset(point, 0, sizeof(*point));
	ret = e->ops->snapshot(e->kernel, &snapshot, point->registers);
	if (!ret) {
		point->enabled = true;
		point->bytes = snapshot.bytes;
		point->reg_count = snapshot.reg_count;
		return 0;
	}
	if (ret == -ENOTCONN) {
		ret = e->ops->info(e->kernel, &info);
		point->bytes = info.bytes;
	}
	return ret ? kernel_error(e, ret, "snapshot of the log") : 0;
}

int aaeld_evidence_length(struct aaeld_evidence *e, struct aaeld_point *point)
{
	struct aael_info info;
	int ret = e->ops->info(e->kernel, &info);

	memset(point, 0, sizeof(*point));
	point->bytes = info.bytes;
	return ret ? kernel_error(e, ret, "length of the log") : 0;
}

static void unmap(struct aaeld_evidence *e)
{
	aael_dev_unmap_log(e->log, e->log_size);
	e->log = NULL;
}

int aaeld_evidence_map(struct aaeld_evidence *e, const struct aaeld_point *to)
{
	int ret;

	unmap(e);
	e->log_size = (size_t)to->bytes;
	ret = e->ops->map_log(e->kernel, e->log_size, &e->log);
	return ret ? kernel_error(e, ret, "mapping the log") : 0;
}

FILE *aaeld_evidence_begin(struct aaeld_evidence *e)
{
	FILE *out = open_memstream(&e->head, &e->json[0].size);

	if (!out)
		aaeld_evidence_fail(e, -ENOMEM, "no memory");
	return out;
}

int aaeld_evidence_end(struct aaeld_evidence *e, FILE *out)
{
	bool failed = ferror(out);

	if (fclose(out) || failed || !e->head)
		return aaeld_evidence_fail(e, -ENOMEM, "no memory");
	e->json[0].data = e->head;
	return 0;
}

/* The mark is not in the log: whole groups of three bytes are, what remains stands before it. */
static void put_log(struct aaeld_evidence *e, size_t bytes)
{
	size_t remain = bytes % 3;
	uint8_t end[2 + MARK_BYTES];

	memcpy(end, e->log + bytes - remain, remain);
	memset(end + remain, 0xff, MARK_BYTES);
	aael_base64_encode(end, remain + MARK_BYTES, e->tail);
	strcat(e->tail, "\"}");
	e->json[1] = (struct aael_part){ e->log, bytes - remain, .base64 = true };
	e->json[2] = (struct aael_part){ e->tail, strlen(e->tail), .base64 = false };
}

int aaeld_evidence_end_log(struct aaeld_evidence *e, FILE *out, size_t bytes)
{
	fputs(bytes ? ",\"cc_eventlog\":\"" : ",\"cc_eventlog\":null}", out);
	if (bytes)
		put_log(e, bytes);
	return aaeld_evidence_end(e, out);
}

void aaeld_evidence_free(struct aaeld_evidence *e)
{
	unmap(e);
	free(e->head);
	e->head = NULL;
}

/* ---- kinds ------------------------------------------------------------------ */

static int make_sample(struct aaeld_evidence *e)
{
	FILE *out = aaeld_evidence_begin(e);

	if (!out)
		return -ENOMEM;
	fputs("{\"svn\":\"1\",\"report_data\":\"", out);
	aael_base64_put(out, e->data, e->data_size);
	fputs("\"}", out);
	return aaeld_evidence_end(e, out);
}

/* What CoCo calls a platform without any TEE. */
static const struct aaeld_evidence_ops sample = { .tee = "sample", .make = make_sample };

static const struct aaeld_evidence_ops *const kinds[] = { &aaeld_evidence_tdx,
							  &aaeld_evidence_tpm };

const struct aaeld_evidence_ops *aaeld_evidence_choose(const struct aael_info *info)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(aael_dev_platform(info), kinds[i]->tee))
			return kinds[i];
	return &sample;
}

int aaeld_evidence_kind(struct aaeld_evidence *e, bool allow_sample,
			const struct aaeld_evidence_ops **kind, struct aael_info *info)
{
	int ret;

	memset(info, 0, sizeof(*info));
	/* Without the module there is no provider, either. */
	ret = e->ops->info(e->kernel, info);
	if (ret && ret != -ENXIO)
		return kernel_error(e, ret, AAEL_DEV_PATH);
	*kind = aaeld_evidence_choose(info);
	if ((*kind)->hardware || allow_sample)
		return 0;
	return aaeld_evidence_fail(e, -EOPNOTSUPP,
				   "the log has no register that hardware could quote");
}

int aaeld_evidence_status(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return 501;
	case -ENOMEM:
		return 500;
	default:
		return 503;
	}
}

/* ---- the request ------------------------------------------------------------- */

struct evidence_job {
	struct aaeld_job job;
	struct aaeld_call *call;
	struct aaeld_evidence evidence;
	bool allow_sample;
	int ret;
	char *text;
	size_t text_size;
};

static int make(struct evidence_job *j)
{
	struct aaeld_evidence *e = &j->evidence;
	const struct aaeld_evidence_ops *kind;
	struct aael_info info;
	int ret = aaeld_evidence_kind(e, j->allow_sample, &kind, &info);

	if (!ret)
		ret = kind->make(e);
	if (ret)
		return ret;
	j->text = aael_parts_text(e->json, AAELD_EVIDENCE_PARTS, &j->text_size);
	return j->text ? 0 : aaeld_evidence_fail(e, -ENOMEM, "no memory");
}

static void run(struct aaeld_job *job)
{
	struct evidence_job *j = (struct evidence_job *)job;

	j->ret = make(j);
	aaeld_evidence_free(&j->evidence);
}

static void finish(struct aaeld_job *job)
{
	static struct aaeld_log_limit limit;
	struct evidence_job *j = (struct evidence_job *)job;
	struct aaeld_evidence *e = &j->evidence;
	struct aaeld_shared *body = NULL;

	if (!j->ret) {
		body = aaeld_shared_new((uint8_t *)j->text, j->text_size);
		if (!body)
			j->ret = aaeld_evidence_fail(e, -ENOMEM, "no memory");
	}
	if (body) {
		aaeld_shared_reply(j->call, body);
	} else {
		aaeld_log_limited(&limit, AAELD_WARNING, "no evidence: %s", e->message);
		aaeld_routes_reply(j->call, aaeld_evidence_status(j->ret), "text/plain",
				   e->message);
	}
	aaeld_shared_release(body);
	free(j);
}

static bool is_utf8(const char *text, size_t size)
{
	size_t n;

	for (size_t at = 0; at < size; at += n) {
		n = text_utf8_sequence((const uint8_t *)text + at, size - at);
		if (!n)
			return false;
	}
	return true;
}

/* NULL, or what is wrong with it. */
static const char *take_data(struct aaeld_evidence *e, const char *value, size_t size, bool base64)
{
	static const char too_long[] = "runtime_data: more than 64 bytes";
	int ret;

	if (base64) {
		ret = aael_base64url_decode(value, size, e->data, sizeof(e->data), &e->data_size);
		if (ret == -EINVAL)
			return "runtime_data: not URL-safe base64 without padding";
		return ret ? too_long : NULL;
	}
	if (!is_utf8(value, size))
		return "runtime_data: not UTF-8; encoding=base64 takes any bytes";
	if (size > sizeof(e->data))
		return too_long;
	memcpy(e->data, value, size);
	e->data_size = size;
	return NULL;
}

static const char *parse_encoding(const char *target, bool *base64)
{
	const char *wrong = NULL;
	char *value;
	size_t size;
	int ret = aaeld_query_get(target, "encoding", &value, &size);

	*base64 = !ret;
	if (ret == -ENOENT)
		return NULL;
	if (ret)
		return "encoding: malformed";
	if (size != strlen("base64") || memcmp(value, "base64", size))
		wrong = "encoding: there is only base64";
	free(value);
	return wrong;
}

static const char *parse(const char *target, struct aaeld_evidence *e)
{
	bool base64;
	const char *wrong = parse_encoding(target, &base64);
	char *value;
	size_t size;
	int ret;

	if (wrong)
		return wrong;
	ret = aaeld_query_get(target, "runtime_data", &value, &size);
	if (ret)
		return ret == -ENOENT ? "runtime_data: missing" : "runtime_data: malformed";
	wrong = take_data(e, value, size, base64);
	free(value);
	return wrong;
}

void aaeld_evidence_get_additional(struct aaeld_app *app, const struct aaeld_request *request,
				   struct aaeld_call *call)
{
	struct aaeld_evidence unused = { 0 };
	const char *wrong = parse(request->target, &unused);

	(void)app;
	aaeld_routes_reply(call, wrong ? 400 : 200,
			   wrong ? "text/plain" : "application/octet-stream", wrong ? wrong : "");
}

void aaeld_evidence_get(struct aaeld_app *app, const struct aaeld_request *request,
			struct aaeld_call *call)
{
	struct evidence_job *j = calloc(1, sizeof(*j));
	const char *wrong;

	if (!j) {
		aaeld_routes_reply(call, 500, "text/plain", "no memory");
		return;
	}
	wrong = parse(request->target, &j->evidence);
	if (wrong) {
		aaeld_routes_reply(call, 400, "text/plain", wrong);
		free(j);
		return;
	}
	j->job = (struct aaeld_job){ .lane = AAELD_LANE_QUOTES, .run = run, .finish = finish };
	j->call = call;
	j->evidence.ops = app->ops;
	j->evidence.kernel = app->kernel;
	j->allow_sample = app->allow_sample;
	j->ret = aaeld_evidence_fail(&j->evidence, -EINTR, "the daemon is stopping");
	if (app->submit(app, &j->job)) {
		aaeld_routes_reply(call, 503, "text/plain",
				   "too many requests are waiting for a quote; try again");
		free(j);
	}
}
