// SPDX-License-Identifier: Apache-2.0
/*
 * POST /aa/aael: an event from a workload to the kernel. The kernel is the judge of
 * what is accepted; the same rules are looked at here first only so that the answer
 * can name the field. The two answers of 200 and "false" are CoCo's, byte for byte.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "json.h"
#include "libaael.h"

struct append_job {
	struct aaeld_job job;
	struct aaeld_app *app;
	struct aaeld_call *call;
	struct aaeld_event event; /* its strings stand in text[] */
	bool has_index;
	uint64_t sequence;
	int ret;
	char text[];
};

static const char not_enabled[] = "{\"success\":\"false\",\"message\": "
				  "\"Attestation Agent does not enable eventlog recording\"}";
static const char not_supported[] = "{\"success\":\"false\",\"message\": "
				    "\"The platform does not support runtime measurement\"}";

/* @sequence: of an event that is undecided, else 0 */
static void reply_false(struct aaeld_call *call, int status, const char *message, uint64_t sequence)
{
	char *body = NULL;
	size_t size;
	FILE *f = open_memstream(&body, &size);

	if (f) {
		fputs("{\"success\":\"false\",\"message\": ", f);
		aael_json_put_string(f, message);
		/* 64-bit values travel as strings. */
		if (sequence)
			fprintf(f, ",\"undecided\":true,\"sequence\":\"%llu\"",
				(unsigned long long)sequence);
		fputs("}", f);
		fclose(f);
	}
	aaeld_routes_reply(call, status, "application/json",
			   body ? body : "{\"success\":\"false\",\"message\": \"no memory\"}");
	free(body);
}

__attribute__((format(printf, 3, 4))) static void refuse(struct aaeld_call *call, int status,
							 const char *format, ...)
{
	char message[AAELD_MESSAGE_BYTES + 64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	reply_false(call, status, message, 0);
}

/* What the kernel said, for the errnos that need no words of their own. */
static const struct {
	int err;
	int status;
	const char *message;
} answers[] = {
	{ EACCES, 403, "domain: reserved for privileged writers, which REST callers never are" },
	{ E2BIG, 400, "event: a field is too long" },
	{ EILSEQ, 400, "content: not well-formed UTF-8" },
	{ ENOSPC, 507, "the log is full" },
	{ EDQUOT, 507, "the log is full: what is left is kept for privileged writers" },
	{ EBUSY, 503, "the system is being suspended, or too many events are waiting" },
	{ EAGAIN, 503, "another event is being measured" },
	{ EINTR, 503, "interrupted, the daemon is stopping; the event was not logged" },
	{ ENODEV, 503, "the device that holds the register is gone" },
	{ ESHUTDOWN, 503, "the log is sealed" },
	{ EIO, 500, "the event was not logged; GET /info shows the log's health" },
	{ ENOMEM, 500, "no memory; the event was not logged" },
	{ ENOTTY, 500, "/dev/aael cannot be used: see the daemon's log" },
};

static void answer_error(struct append_job *j)
{
	int err = -j->ret;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].err == err) {
			reply_false(j->call, answers[i].status, answers[i].message, 0);
			return;
		}
	}
	if (err == EINVAL && j->has_index)
		refuse(j->call, 400,
		       "register_index: there is no index %u, or it is refused to everybody",
		       j->event.index);
	else if (err == EINVAL)
		refuse(j->call, 400, "event: the kernel refused domain, operation or content");
	else if (err == EPERM && j->has_index)
		refuse(j->call, 403, "register_index: %u is reserved for privileged writers",
		       j->event.index);
	else if (err == EPERM)
		refuse(j->call, 403, "the default register is reserved for privileged writers");
	else
		refuse(j->call, 500, "the event was not logged: %s", strerror(err));
}

static void say_disabled(struct aaeld_app *app)
{
	if (!app->enable_eventlog || app->said_disabled)
		return;
	app->said_disabled = true;
	aaeld_log(
		AAELD_WARNING,
		"events are refused: the log is disabled, although eventlog_config.enable_eventlog "
		"is true; the module was loaded after aaeld had started: run aaelctl enable, or "
		"restart aaeld");
}

static void answer(struct append_job *j)
{
	switch (-j->ret) {
	case 0:
		aaeld_routes_reply(j->call, 200, "application/json", "{\"success\":\"true\"}");
		break;
	case ENOTCONN:
		say_disabled(j->app);
		aaeld_routes_reply(j->call, 200, "application/json", not_enabled);
		break;
	case EOPNOTSUPP:
	case ENXIO:
		/* "Not enabled" wins over "not supported". */
		aaeld_routes_reply(j->call, 200, "application/json",
				   j->app->enable_eventlog ? not_supported : not_enabled);
		break;
	case EEXIST:
		refuse(j->call, 409,
		       "once: entry %llu has this domain and operation with other content",
		       (unsigned long long)j->sequence);
		break;
	case ETIMEDOUT:
		reply_false(j->call, 503,
			    "undecided: the register may have been extended; if it was, the event "
			    "appears in the log with this sequence number",
			    j->sequence);
		break;
	default:
		answer_error(j);
	}
}

static void run(struct aaeld_job *job)
{
	struct append_job *j = (struct append_job *)job;

	j->ret = j->app->ops->append(j->app->kernel, &j->event, &j->sequence);
}

static void finish(struct aaeld_job *job)
{
	struct append_job *j = (struct append_job *)job;

	if (j->ret && j->ret != -ENOTCONN)
		aaeld_log(AAELD_DEBUG, "an event was not logged: %s", strerror(-j->ret));
	answer(j);
	free(j);
}

/* Behind @to, which is moved. */
static const char *copy(char **to, const char *text)
{
	const char *begin = *to;

	*to = stpcpy(*to, text) + 1;
	return begin;
}

/* Jobs may wait for long: of the request they keep no more than the event. */
static struct append_job *job_new(const struct aaeld_event *event)
{
	size_t size = strlen(event->domain) + strlen(event->operation) + strlen(event->content) + 3;
	struct append_job *j = calloc(1, sizeof(*j) + size);
	char *to;

	if (!j)
		return NULL;
	to = j->text;
	j->event = *event;
	j->event.domain = copy(&to, event->domain);
	j->event.operation = copy(&to, event->operation);
	j->event.content = copy(&to, event->content);
	j->job = (struct aaeld_job){ .run = run, .finish = finish };
	return j;
}

/* The strings of @event are those of @root. */
static int parse(const struct cJSON *root, struct aaeld_event *event, bool *has_index,
		 struct aael_json_error *err)
{
	int ret;

	if (!aael_json_is_object(root)) {
		snprintf(err->text, sizeof(err->text), "body: must be a JSON object");
		return -EINVAL;
	}
	ret = aael_json_string(root, "domain", &event->domain, err);
	if (!ret)
		ret = aael_json_string(root, "operation", &event->operation, err);
	if (!ret)
		ret = aael_json_string(root, "content", &event->content, err);
	if (ret)
		return ret;
	event->index = AAEL_INDEX_DEFAULT;
	if (aael_json_get(root, "register_index")) {
		ret = aael_json_u32(root, "register_index", AAEL_INDEX_DEFAULT - 1, &event->index,
				    err);
		*has_index = !ret;
	}
	if ((!ret || ret == -ENOENT) && aael_json_get(root, "once"))
		ret = aael_json_bool(root, "once", &event->once, err);
	return ret == -ENOENT ? 0 : ret;
}

static int validate(const struct aaeld_event *event, struct aael_json_error *err)
{
	struct aael_event e = {
		.domain = event->domain,
		.domain_size = strlen(event->domain),
		.operation = event->operation,
		.operation_size = strlen(event->operation),
		.content = event->content,
		.content_size = strlen(event->content),
	};
	const char *field, *why;
	int ret = aael_event_check(&e, &field, &why);

	if (ret)
		snprintf(err->text, sizeof(err->text), "%s: %s", field, why);
	return ret;
}

/* 0 and *@root, which the strings of @event are of, or an error with the words for it. */
static int read_request(const struct aaeld_request *request, struct cJSON **root,
			struct aaeld_event *event, bool *has_index, struct aael_json_error *err)
{
	int ret = aael_json_parse(request->body, request->body_size, root, err);

	if (ret)
		return ret;
	ret = parse(*root, event, has_index, err);
	if (!ret)
		ret = validate(event, err);
	if (ret)
		aael_json_free(*root);
	return ret;
}

static void let_go_later(const struct aaeld_app *app)
{
	static const struct timeval kept = { AAELD_KEPT_MS / 1000, AAELD_KEPT_MS % 1000 * 1000 };

	if (app->let_go && !event_pending(app->let_go, EV_TIMEOUT, NULL))
		event_add(app->let_go, &kept);
}

/* Whoever would have to wait does so on the worker's thread. */
static void append(struct append_job *j)
{
	struct aaeld_app *app = j->app;

	j->ret = app->ops->append_now(app->kernel, &j->event, &j->sequence);
	if (j->ret != -EAGAIN) {
		let_go_later(app);
		finish(&j->job);
		return;
	}
	j->ret = -EINTR;
	if (app->submit(app, &j->job)) {
		refuse(j->call, 503, "too many events are waiting; try again");
		free(j);
	}
}

void aaeld_event_post(struct aaeld_app *app, const struct aaeld_request *request,
		      struct aaeld_call *call)
{
	struct aaeld_event event = { 0 };
	bool has_index = false;
	struct append_job *j;
	struct aael_json_error err;
	struct cJSON *root;
	int ret = read_request(request, &root, &event, &has_index, &err);

	if (ret) {
		reply_false(call, ret == -ENOMEM ? 500 : 400, err.text, 0);
		return;
	}
	j = job_new(&event);
	aael_json_free(root);
	if (!j) {
		reply_false(call, 500, "no memory; the event was not logged", 0);
		return;
	}
	j->app = app;
	j->call = call;
	j->has_index = has_index;
	append(j);
}
