/* SPDX-License-Identifier: Apache-2.0 */
/* A request to the routes, without HTTP, and the one answer to it. */
#ifndef AAEL_TEST_ANSWER_H
#define AAEL_TEST_ANSWER_H

#include <stdio.h>
#include <string.h>

#include "aaeld.h"

static struct answer {
	struct aaeld_call call;
	int count, status;
	char type[64], allow[64], body[8192];
} answer;

static inline void answer_done(struct aaeld_call *call, const struct aaeld_reply *reply)
{
	struct answer *a = (struct answer *)call;

	a->count++;
	a->status = reply->status;
	snprintf(a->type, sizeof(a->type), "%s", reply->type);
	snprintf(a->allow, sizeof(a->allow), "%s", reply->allow ? reply->allow : "");
	snprintf(a->body, sizeof(a->body), "%.*s", (int)reply->body_size, reply->body);
}

static inline void answer_to(struct aaeld_app *app, const char *method, const char *target,
			     const char *body)
{
	struct aaeld_request request = {
		.method = method,
		.target = target,
		.body = body,
		.body_size = strlen(body),
	};

	answer = (struct answer){ .call.done = answer_done };
	aaeld_routes_dispatch(app, &request, &answer.call);
	assert_int_equal(answer.count, 1);
}

#endif
