// SPDX-License-Identifier: Apache-2.0
/*
 * GET /aa/token?token_type=kbs. Requests that arrive before a handshake begins share what it
 * gives; an answer is given again as long as the log is what it was, unless the request says
 * no-cache. All but run() is of the loop's thread.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aaeld.h"

struct token_job {
	struct aaeld_job job;
	struct aaeld_app *app;
	atomic_bool begun;
	int64_t ms; /* that it took */
	struct aaeld_call *calls[AAELD_KBS_MAX_CALLS];
	unsigned int count;
	struct aaeld_kbs_result result;
};

void aaeld_tokens_free(struct aaeld_tokens *tokens)
{
	aaeld_shared_release(tokens->kept);
	tokens->kept = NULL;
}

/* The answer is the keeper's. */
static void keep(struct aaeld_tokens *tokens, const struct aaeld_kbs_result *r,
		 struct aaeld_shared *answer)
{
	aaeld_shared_release(tokens->kept);
	tokens->kept = answer;
	tokens->mark = r->mark;
	tokens->expiry = r->expiry;
}

static bool may_be_given_again(struct aaeld_app *app)
{
	struct aaeld_tokens *tokens = &app->tokens;
	struct aaeld_mark now;

	return tokens->kept && tokens->expiry - time(NULL) >= AAELD_TOKEN_LEFT_S &&
	       !aaeld_mark_take(app->ops, app->kernel, &now) && aaeld_mark_is(&tokens->mark, &now);
}

/* From now on nobody joins: the log that is attested is read behind this. */
static void run(struct aaeld_job *job)
{
	struct token_job *j = (struct token_job *)job;

	int64_t begin = aaeld_now_ms();

	j->begun = true;
	j->app->kbs_ops->token(j->app->kbs, &j->result);
	j->ms = aaeld_now_ms() - begin;
}

static void finish(struct aaeld_job *job)
{
	struct token_job *j = (struct token_job *)job;
	struct aaeld_shared *answer = aaeld_kbs_take(&j->result);

	if (j->begun)
		aaeld_metrics_token(&j->app->metrics, answer, j->ms);
	j->app->kbs_calls -= j->count;
	for (unsigned int i = 0; i < j->count; i++)
		aaeld_kbs_reply(j->calls[i], &j->result, answer);
	if (j->app->tokens.waiting == j)
		j->app->tokens.waiting = NULL;
	if (answer)
		keep(&j->app->tokens, &j->result, answer);
	free(j);
}

/* Is there a handshake to come that this request may share? */
static bool join(struct aaeld_app *app, struct aaeld_call *call)
{
	struct token_job *j = app->tokens.waiting;

	if (!j || j->begun || app->kbs_calls == AAELD_KBS_MAX_CALLS)
		return false;
	j->calls[j->count++] = call;
	app->kbs_calls++;
	return true;
}

static void start(struct aaeld_app *app, struct aaeld_call *call)
{
	struct token_job *j = calloc(1, sizeof(*j));

	if (!j) {
		aaeld_routes_reply(call, 500, "text/plain", "no memory");
		return;
	}
	j->job = (struct aaeld_job){ .run = run, .finish = finish };
	j->app = app;
	j->calls[j->count++] = call;
	if (aaeld_kbs_submit(app, &j->job, &j->result, call))
		free(j);
	else
		app->tokens.waiting = j;
}

/* NULL, or what is wrong. */
static const char *check_type(const char *target)
{
	static const char only[] = "token_type: there is only kbs";
	const char *wrong = NULL;
	char *value;
	size_t size;
	int ret = aaeld_query_get(target, "token_type", &value, &size);

	if (ret)
		return ret == -ENOENT ? "token_type: missing; there is only kbs" : only;
	if (size != strlen("kbs") || memcmp(value, "kbs", size))
		wrong = only;
	free(value);
	return wrong;
}

void aaeld_token_get(struct aaeld_app *app, const struct aaeld_request *request,
		     struct aaeld_call *call)
{
	const char *wrong = check_type(request->target);

	if (wrong)
		aaeld_routes_reply(call, 400, "text/plain", wrong);
	else if (!request->no_cache && may_be_given_again(app))
		aaeld_kbs_reply(call, NULL, app->tokens.kept);
	else if (!join(app, call))
		start(app, call);
}
