// SPDX-License-Identifier: Apache-2.0
/* A request that only the KBS can answer goes to its thread, or is refused at once. */
#include <errno.h>

#include "aaeld.h"

_Static_assert(AAELD_EVENTS_MAX_JOBS + 1 + AAELD_QUOTES_MAX_JOBS + 1 + AAELD_KBS_MAX_CALLS <
		       AAELD_CONNECTIONS_MAX,
	       "however many wait, one more is answered at once");

int aaeld_kbs_submit(struct aaeld_app *app, struct aaeld_job *job, struct aaeld_kbs_result *result,
		     struct aaeld_call *call)
{
	if (!app->kbs) {
		aaeld_routes_reply(call, 501, "text/plain",
				   "no KBS is configured: token_configs.kbs.url");
		return -ENOTCONN;
	}
	job->lane = AAELD_LANE_KBS;
	result->deadline_ms = aaeld_now_ms() + AAELD_KBS_LIMIT_MS;
	/* Of a job that never runs. */
	result->status = 503;
	snprintf(result->message, sizeof(result->message), "the daemon is stopping");
	if (app->kbs_calls < AAELD_KBS_MAX_CALLS && !app->submit(app, job)) {
		app->kbs_calls++;
		return 0;
	}
	aaeld_routes_reply(call, 503, "text/plain",
			   "too many requests are waiting for the KBS; try again");
	return -EBUSY;
}

struct aaeld_shared *aaeld_kbs_take(struct aaeld_kbs_result *result)
{
	struct aaeld_shared *body;

	if (result->status != 200)
		return NULL;
	body = aaeld_shared_new(result->body, result->size);
	result->body = NULL;
	if (!body) {
		result->status = 500;
		snprintf(result->message, sizeof(result->message), "no memory");
	}
	return body;
}

void aaeld_kbs_reply(struct aaeld_call *call, const struct aaeld_kbs_result *result,
		     struct aaeld_shared *body)
{
	if (body)
		aaeld_shared_reply(call, body);
	else
		aaeld_routes_reply(call, result->status, "text/plain", result->message);
}
