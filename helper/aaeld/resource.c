// SPDX-License-Identifier: Apache-2.0
/* GET /cdh/resource/{repository}/{type}/{tag}: a secret of the KBS, decrypted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"

#define SEGMENTS 3

struct resource_job {
	struct aaeld_job job;
	struct aaeld_app *app;
	struct aaeld_call *call;
	struct aaeld_kbs_result result;
	char path[];
};

static void run(struct aaeld_job *job)
{
	struct resource_job *j = (struct resource_job *)job;

	j->app->kbs_ops->resource(j->app->kbs, j->path, &j->result);
}

static void finish(struct aaeld_job *job)
{
	struct resource_job *j = (struct resource_job *)job;
	struct aaeld_shared *body = aaeld_kbs_take(&j->result);

	j->app->kbs_calls--;
	aaeld_kbs_reply(j->call, &j->result, body);
	aaeld_shared_release(body);
	free(j);
}

/* The bytes of a segment [A-Za-z0-9_-][A-Za-z0-9_.-]*, or 0. */
static size_t segment(const char *text, size_t size)
{
	static const char letters[] =
		".-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n = 0;

	while (n < size && memchr(letters, text[n], sizeof(letters) - 1))
		n++;
	return n && text[0] != '.' ? n : 0;
}

static bool is_resource(const char *path, size_t size)
{
	for (unsigned int i = 0; i < SEGMENTS; i++) {
		size_t n = segment(path, size), slash = i + 1 < SEGMENTS;

		if (!n || (slash && (n == size || path[n] != '/')))
			return false;
		path += n + slash;
		size -= n + slash;
	}
	return !size;
}

void aaeld_resource_get(struct aaeld_app *app, const struct aaeld_request *request,
			struct aaeld_call *call)
{
	const char *path = request->target + strlen(AAELD_RESOURCE_PREFIX);
	size_t size = strcspn(path, "?#");
	struct resource_job *j;

	if (!is_resource(path, size)) {
		aaeld_routes_reply(call, 400, "text/plain",
				   "resource: must be repository/type/tag of letters, digits, '_', "
				   "'-', and '.' that does not begin one");
		return;
	}
	j = calloc(1, sizeof(*j) + size + 1);
	if (!j) {
		aaeld_routes_reply(call, 500, "text/plain", "no memory");
		return;
	}
	j->job = (struct aaeld_job){ .run = run, .finish = finish };
	j->app = app;
	j->call = call;
	memcpy(j->path, path, size);
	if (aaeld_kbs_submit(app, &j->job, &j->result, call))
		free(j);
}
