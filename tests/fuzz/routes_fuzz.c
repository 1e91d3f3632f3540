// SPDX-License-Identifier: Apache-2.0
/*
 * Any requests to the routes of the daemon, past the checks that http.c makes of their heads.
 * Each is answered exactly once, with a status that rest-api.md knows and a body that is what
 * its type says; events are said to be logged exactly if the kernel said so; tokens and
 * resources are what the KBS gave, and a token's log has what was logged before it was asked for.
 *
 *	u8 features, switches	u8 what becomes of jobs
 *	u8 what the kernel says	u8 what the KBS says
 *	{ method ' ' target '\n' body '\0' } …
 *
 * Neither a device nor the network is there: evidence, the KBS and sockets are those below.
 */
#include <errno.h>

#include "aaeld.h"
#include "fakekernel.h"
#include "fuzz.h"
#include "json.h"
#include "libaael.h"

#define HEAD_BYTES 4
#define REQUESTS_MAX 8
#define LOGGED "{\"success\":\"true\"}"
#define SECRET "secret\0\xff"
#define TOKEN "{\"token\":\"%llu\",\"tee_keypair\":\"\"}"
#define MESSAGE "KBS http://kbs, auth: 401 \"no\""

/* What became of a request. */
struct answer {
	struct aaeld_call call;
	int count;
	bool logged;	/* CoCo's body of an event that is in the log */
	uint64_t least; /* events that were in the log when it was asked */
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

/* Lines of plain text, all of them complete. */
static void check_metrics(const char *text)
{
	const char *end;

	MUST(*text);
	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		MUST(end && is_plain(text, (size_t)(end - text)));
		MUST(!strncmp(text, "# HELP aael", 11) || !strncmp(text, "# TYPE aael", 11) ||
		     !strncmp(text, "aael", 4));
	}
}

static void check_text(const struct aaeld_reply *reply)
{
	MUST(reply->body && reply->body[reply->body_size] == '\0');
	if (!strcmp(reply->type, "text/plain; version=0.0.4; charset=utf-8"))
		check_metrics(reply->body);
	else if (!strcmp(reply->type, "application/json"))
		MUST(is_json(reply->body, reply->body_size));
	else
		MUST(!strcmp(reply->type, "text/plain") && reply->body_size &&
		     is_plain(reply->body, reply->body_size));
}

static void check_token(const struct answer *a, const struct aaeld_reply *reply)
{
	unsigned long long count;
	char *text = strndup(reply->body ? reply->body : "", reply->body_size);

	MUST(text);
	if (sscanf(text, TOKEN, &count) == 1)
		MUST(count >= a->least);
	free(text);
}

static void done(struct aaeld_call *call, const struct aaeld_reply *reply)
{
	struct answer *a = (struct answer *)call;

	MUST(!a->count++);
	MUST(is_documented(reply->status));
	MUST((reply->status == 405) == !!reply->allow);
	MUST(reply->body || !reply->body_size);
	if (strcmp(reply->type, "application/octet-stream"))
		check_text(reply);
	else
		MUST(reply->status == 200 &&
		     (!reply->body_size || is_json(reply->body, reply->body_size) ||
		      (reply->body_size == sizeof(SECRET) &&
		       !memcmp(reply->body, SECRET, sizeof(SECRET)))));
	check_token(a, reply);
	a->logged =
		reply->body_size == strlen(LOGGED) && !memcmp(reply->body, LOGGED, strlen(LOGGED));
}

/* ---- jobs: run after each request, after all, never, not taken, ended after all -------- */

enum { RUN, KEEP, DROP, REFUSE, EARLY };

static struct {
	int what;
	unsigned int count;
	struct aaeld_job *kept[REQUESTS_MAX];
} jobs;

static int submit(struct aaeld_app *app, struct aaeld_job *job)
{
	(void)app;
	MUST(job->lane < AAELD_LANES && jobs.count < REQUESTS_MAX);
	if (jobs.what == REFUSE)
		return -EBUSY;
	jobs.kept[jobs.count++] = job;
	if (jobs.what == EARLY)
		job->run(job);
	return 0;
}

static void end_jobs(void)
{
	for (unsigned int i = 0; i < jobs.count; i++) {
		if (jobs.what != DROP && jobs.what != EARLY)
			jobs.kept[i]->run(jobs.kept[i]);
		jobs.kept[i]->finish(jobs.kept[i]);
	}
	jobs.count = 0;
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

struct fake_kbs {
	struct fake_kernel *kernel;
	int status;
	int64_t expiry;
};

/* fakekernel.h's, with a log that grows. */
static int append(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	struct fake_kernel *k = kernel;
	int ret = fake_append(kernel, event, sequence);

	k->info.count += !ret;
	return ret;
}

static int append_now(void *kernel, const struct aaeld_event *event, uint64_t *sequence)
{
	struct fake_kernel *k = kernel;

	return k->prompt && k->append_ret != -EAGAIN ? append(kernel, event, sequence) : -EAGAIN;
}

static const struct aaeld_kernel_ops kernel_ops = {
	.append = append,
	.append_now = append_now,
	.info = fake_info,
	.snapshot = fake_snapshot,
};

static void give(const struct fake_kbs *kbs, const char *body, size_t size,
		 struct aaeld_kbs_result *r)
{
	struct bytes copy = exact_copy(body, size);

	r->status = kbs->status;
	r->expiry = kbs->expiry;
	snprintf(r->message, sizeof(r->message), "%s", MESSAGE);
	if (r->status != 200) {
		free(copy.block);
		return;
	}
	r->body = copy.block;
	r->size = size;
}

static void give_token(void *arg, struct aaeld_kbs_result *r)
{
	struct fake_kbs *kbs = arg;
	char token[80];

	aaeld_mark_take(&kernel_ops, kbs->kernel, &r->mark);
	snprintf(token, sizeof(token), TOKEN, (unsigned long long)r->mark.count);
	give(kbs, token, strlen(token), r);
}

static void give_resource(void *kbs, const char *path, struct aaeld_kbs_result *r)
{
	size_t segments = 1;

	/* It becomes a part of an URL as it is. */
	for (const char *p = path; *p; p++)
		segments += *p == '/';
	MUST(segments == 3 && is_plain(path, strlen(path)) && !strpbrk(path, "%?#\\ ") &&
	     !strstr(path, "/.") && *path != '.' && !strstr(path, "//"));
	give(kbs, SECRET, sizeof(SECRET), r);
}

static const struct aaeld_kbs_ops kbs_ops = { .token = give_token, .resource = give_resource };

static struct fake_kbs kbs_of(uint8_t how, struct fake_kernel *kernel)
{
	static const int statuses[] = { 200, 403, 404, 500, 501, 502, 503 };

	return (struct fake_kbs){
		.kernel = kernel,
		.status = statuses[how % (sizeof(statuses) / sizeof(statuses[0]))],
		.expiry = how & 0x80 ? INT64_MAX : 0,
	};
}

int socket(int domain, int type, int protocol);

int socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	MUST(!"a socket");
	return -1;
}

/* ---- the requests --------------------------------------------------------------------- */

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
	k.prompt = how & 1;
	strcpy(k.info.provider, providers[how % (sizeof(providers) / sizeof(providers[0]))]);
	k.info.state = how % 5;
	k.info.health = how % 7;
	k.info.flags = !strcmp(k.info.provider, "soft") ? AAEL_INFO_F_SOFT : 0;
	k.info.alg_count = how % (AAEL_BANKS_MAX + 1);
	for (uint32_t i = 0; i < k.info.alg_count; i++)
		k.info.algs[i] = (uint16_t)(AAEL_ALG_SHA256 + i);
	k.info_ret = how % 11 == 5 ? -ENXIO : 0;
	k.snapshot_ret = how % 13 == 5 ? -ENOTCONN : 0;
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
static void check_events(const struct fake_kernel *k, const struct answer answers[REQUESTS_MAX])
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
	int logged = 0;

	for (unsigned int i = 0; i < REQUESTS_MAX; i++)
		logged += answers[i].logged;
	MUST(k->asked <= REQUESTS_MAX && logged == k->appended);
	/* The copy of a longer content may end within a character. */
	if (k->asked && e.content_size < sizeof(k->content) - 1)
		MUST(!aael_event_check(&e, &field, &why));
}

/* Is it answered, or will it be? */
static bool ask(struct aaeld_app *app, const uint8_t *data, size_t size, struct answer *a)
{
	char *method = cut(&data, &size, ' '), *target = cut(&data, &size, '\n');
	struct bytes body = exact_copy(data, size);
	struct aaeld_request request = {
		.method = method,
		.target = target,
		.body = size ? (const char *)body.p : NULL,
		.body_size = size,
		.no_cache = size % 2,
	};
	const struct fake_kernel *kernel = app->kernel;
	bool asked = !aaeld_guard_target(&request.target);

	a->call.done = done;
	a->least = kernel->info.count;
	if (asked)
		aaeld_routes_dispatch(app, &request, &a->call);
	MUST(a->count == 1 || !asked || jobs.count);
	if (jobs.what == RUN)
		end_jobs();
	free(body.block);
	free(target);
	free(method);
	return asked;
}

static void ask_all(struct aaeld_app *app, const uint8_t *data, size_t size)
{
	struct answer answers[REQUESTS_MAX] = { 0 };
	bool asked[REQUESTS_MAX] = { 0 };

	for (unsigned int i = 0; size && i < REQUESTS_MAX; i++) {
		const uint8_t *end = memchr(data, '\0', size);
		size_t n = end ? (size_t)(end - data) : size;

		asked[i] = ask(app, data, n, &answers[i]);
		n += !!end;
		data += n;
		size -= n;
	}
	end_jobs();
	for (unsigned int i = 0; i < REQUESTS_MAX; i++)
		MUST(answers[i].count == asked[i]);
	check_events(app->kernel, answers);
	aaeld_tokens_free(&app->tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_kernel kernel;
	struct fake_kbs kbs;
	struct aaeld_app app = {
		.ops = &kernel_ops,
		.kernel = &kernel,
		.kbs_ops = &kbs_ops,
		.submit = submit,
	};

	if (size < HEAD_BYTES)
		return 0;
	/* At least one feature is always on. */
	app.features = data[0] % AAELD_F_ALL + 1;
	app.features |= data[0] & 0x80 ? AAELD_F_METRICS : 0;
	app.enable_eventlog = data[0] & 0x10;
	app.allow_sample = data[0] & 0x20;
	app.kbs = data[0] & 0x40 ? NULL : &kbs;
	jobs.what = data[1] % 5;
	jobs.count = 0;
	kernel = kernel_of(data[2]);
	kbs = kbs_of(data[3], &kernel);
	aaeld_log_set_level(AAELD_ERROR);
	ask_all(&app, data + HEAD_BYTES, size - HEAD_BYTES);
	return 0;
}
