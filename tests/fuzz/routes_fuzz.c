// SPDX-License-Identifier: Apache-2.0
/*
 * Any request to the routes of the daemon, past the checks that http.c makes of its head. Each
 * is answered exactly once, with a status that rest-api.md knows and a body that is what its
 * type says; and an event is said to be logged exactly if the kernel said so.
 *
 *	u8 features, switches	u8 what becomes of jobs		u8 what the kernel says
 *	method ' ' target '\n' body
 *
 * Neither a device nor the network is there: evidence and sockets are those below.
 */
#include <errno.h>

#include "aaeld.h"
#include "fakekernel.h"
#include "fuzz.h"
#include "json.h"
#include "libaael.h"

#define HEAD_BYTES 3

/* What became of the request. */
struct answer {
	struct aaeld_call call;
	int count;
	int status;
	bool logged; /* CoCo's body of an event that is in the log */
};

static bool is_json(const char *text, size_t size)
{
	struct aael_json_error error;
	struct cJSON *root;
	int ret = aael_json_parse(text, size, &root, &error);
	bool object = !ret && aael_json_is_object(root);

	aael_json_free(root);
	return object;
}

static bool is_documented(int status)
{
	static const int all[] = { 200, 400, 403, 404, 405, 409, 413, 500, 501, 502, 503, 507 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] == status)
			return true;
	return false;
}

static void done(struct aaeld_call *call, const struct aaeld_reply *reply)
{
	static const char logged[] = "{\"success\":\"true\"}";
	struct answer *a = (struct answer *)call;

	a->count++;
	a->status = reply->status;
	a->logged = reply->body_size == strlen(logged) && !strcmp(reply->body, logged);
	MUST(is_documented(reply->status));
	MUST((reply->status == 405) == !!reply->allow);
	MUST(reply->body && reply->body[reply->body_size] == '\0');
	if (!strcmp(reply->type, "application/json"))
		MUST(is_json(reply->body, reply->body_size));
	else if (!strcmp(reply->type, "text/plain"))
		MUST(reply->body_size && is_plain(reply->body, reply->body_size));
	else
		MUST(reply->status == 200 && !strcmp(reply->type, "application/octet-stream"));
}

/* ---- jobs: run at once, after the request is gone, never, or not taken ----------- */

enum { RUN, KEEP, DROP, REFUSE };

static struct {
	int what;
	struct aaeld_job *kept;
} jobs;

static int submit(struct aaeld_app *app, struct aaeld_job *job)
{
	(void)app;
	MUST(!jobs.kept);
	if (jobs.what == REFUSE)
		return -EBUSY;
	if (jobs.what == RUN) {
		job->run(job);
		job->finish(job);
	} else {
		jobs.kept = job;
	}
	return 0;
}

static void end_jobs(void)
{
	struct aaeld_job *job = jobs.kept;

	jobs.kept = NULL;
	if (!job)
		return;
	if (jobs.what == KEEP)
		job->run(job);
	job->finish(job);
}

/* ---- what is not there ------------------------------------------------------------- */

static int make_quote(struct aaeld_evidence *e)
{
	FILE *out;

	if (e->data_size % 2)
		return aaeld_evidence_fail(e, -EIO, "no quote");
	out = aaeld_evidence_begin(e);
	if (!out)
		return -ENOMEM;
	fputs("{\"quote\":\"\"}", out);
	return aaeld_evidence_end(e, out);
}

/* In place of evidence_tdx.c and evidence_tpm.c, which are in an archive. */
const struct aaeld_evidence_ops aaeld_evidence_tdx = { "tdx", true, make_quote };
const struct aaeld_evidence_ops aaeld_evidence_tpm = { "tpm", true, make_quote };

int socket(int domain, int type, int protocol);

int socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	MUST(!"a socket");
	return -1;
}

/* ---- the request --------------------------------------------------------------------- */

static struct fake_kernel kernel_of(uint8_t how)
{
	static const char *const providers[] = { "tpm", "tsm-mr", "tdcall", "soft", "", "other" };
	static const int errors[] = { 0,      EACCES, E2BIG,  EILSEQ,	ENOSPC,	   EDQUOT,
				      EBUSY,  EAGAIN, EINTR,  ENODEV,	ESHUTDOWN, EIO,
				      ENOMEM, ENOTTY, EPERM,  EINVAL,	ENOTCONN,  EOPNOTSUPP,
				      ENXIO,  EEXIST, ERANGE, ETIMEDOUT };
	struct fake_kernel k;

	fake_init(&k);
	k.append_ret = -errors[how % (sizeof(errors) / sizeof(errors[0]))];
	k.sequence = how;
	strcpy(k.info.provider, providers[how % (sizeof(providers) / sizeof(providers[0]))]);
	k.info.state = how % 5;
	k.info.health = how % 7;
	k.info.flags = !strcmp(k.info.provider, "soft") ? AAEL_INFO_F_SOFT : 0;
	k.info.alg_count = how % (AAEL_BANKS_MAX + 1);
	for (uint32_t i = 0; i < k.info.alg_count; i++)
		k.info.algs[i] = (uint16_t)(AAEL_ALG_SHA256 + i);
	k.info_ret = how % 11 ? 0 : -ENXIO;
	k.snapshot_ret = how % 13 ? 0 : -ENOTCONN;
	return k;
}

/* Text up to @end as a string; behind it the rest. */
static char *cut(const uint8_t **data, size_t *size, char end)
{
	const uint8_t *found = *size ? memchr(*data, end, *size) : NULL;
	size_t n = found ? (size_t)(found - *data) : *size;
	char *text = strndup((const char *)*data, n);

	MUST(text);
	*data += found ? n + 1 : n;
	*size -= found ? n + 1 : n;
	return text;
}

/* What the kernel was asked to log it can log, and what it did is what is answered. */
static void check_event(const struct fake_kernel *k, const struct answer *a)
{
	struct aael_event e = {
		.domain = k->domain,
		.domain_size = strlen(k->domain),
		.operation = k->operation,
		.operation_size = strlen(k->operation),
		.content = k->content,
		.content_size = strlen(k->content),
	};
	const char *field, *why;

	MUST(k->asked <= 1 && a->logged == (k->appended == 1));
	/* The copy of a longer content may end within a character. */
	if (k->asked && e.content_size < sizeof(k->content) - 1)
		MUST(!aael_event_check(&e, &field, &why));
}

static void ask(struct aaeld_app *app, const char *method, const char *target,
		const struct bytes *body)
{
	struct answer a = { .call.done = done };
	struct aaeld_request request = {
		.method = method,
		.target = target,
		.body = body->size ? (const char *)body->p : NULL,
		.body_size = body->size,
	};

	if (aaeld_guard_target(&request.target))
		return;
	aaeld_routes_dispatch(app, &request, &a.call);
	MUST(a.count + !!jobs.kept == 1);
	end_jobs();
	MUST(a.count == 1);
	check_event(app->kernel, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_kernel kernel;
	struct aaeld_app app = { .ops = &fake_ops, .kernel = &kernel, .submit = submit };
	char *method, *target;
	struct bytes body;

	if (size < HEAD_BYTES)
		return 0;
	/* At least one feature is always on. */
	app.features = data[0] % AAELD_F_ALL + 1;
	app.enable_eventlog = data[0] & 0x10;
	app.allow_sample = data[0] & 0x20;
	jobs.what = data[1] % 4;
	jobs.kept = NULL;
	kernel = kernel_of(data[2]);
	aaeld_log_set_level(AAELD_ERROR);
	data += HEAD_BYTES;
	size -= HEAD_BYTES;
	method = cut(&data, &size, ' ');
	target = cut(&data, &size, '\n');
	body = exact_copy(data, size);
	ask(&app, method, target, &body);
	free(body.block);
	free(target);
	free(method);
	return 0;
}
