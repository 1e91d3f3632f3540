// SPDX-License-Identifier: Apache-2.0
/* A secret is in memory once, however many take it and however slowly, and cleared behind them. */
#include <stdlib.h>

#include "aaeld.h"
#include "secret.h"

struct aaeld_shared *aaeld_shared_new(uint8_t *data, size_t size)
{
	struct aaeld_shared *s = calloc(1, sizeof(*s));

	if (!s) {
		aael_secret_free(data, size);
		return NULL;
	}
	*s = (struct aaeld_shared){ .holders = 1, .data = data, .size = size };
	return s;
}

void aaeld_shared_hold(struct aaeld_shared *s)
{
	s->holders++;
}

void aaeld_shared_release(struct aaeld_shared *s)
{
	if (!s || --s->holders)
		return;
	aael_secret_free(s->data, s->size);
	free(s);
}

void aaeld_shared_reply(struct aaeld_call *call, struct aaeld_shared *s)
{
	const struct aaeld_reply reply = {
		.status = 200,
		.type = "application/octet-stream",
		.body = (const char *)s->data,
		.body_size = s->size,
		.shared = s,
	};

	call->done(call, &reply);
}
