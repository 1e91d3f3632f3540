// SPDX-License-Identifier: Apache-2.0
/* Which request goes where. 404, 405 and Allow follow from the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "json.h"
#include "libaael.h"

struct route {
	const char *method;
	const char *path;
	bool more; /* it is the beginning of paths */
	void (*handle)(struct aaeld_app *app, const struct aaeld_request *request,
		       struct aaeld_call *call);
};

static void get_info(struct aaeld_app *app, const struct aaeld_request *request,
		     struct aaeld_call *call);

static const struct route routes[] = {
	{ "POST", "/aa/aael", false, aaeld_event_post },
	{ "GET", "/aa/token", false, aaeld_token_get },
	{ "GET", "/aa/evidence", false, aaeld_evidence_get },
	{ "GET", "/aa/additional-evidence", false, aaeld_evidence_get_additional },
	{ "GET", AAELD_RESOURCE_PREFIX, true, aaeld_resource_get },
	{ "GET", "/info", false, get_info },
	{ "GET", "/metrics", false, aaeld_metrics_get },
};

/* A part of the tree that a feature switches. */
static const struct {
	const char *prefix;
	unsigned int feature;
	const char *message;
} areas[] = {
	{ "/aa/", AAELD_F_ATTESTATION, "Attestation Feature Not Enabled" },
	{ "/cdh/", AAELD_F_RESOURCE, "Resource Feature Not Enabled" },
	/* Nothing else begins so. */
	{ "/metrics", AAELD_F_METRICS, "URL NOT FOUND" },
};

void aaeld_routes_reply(struct aaeld_call *call, int status, const char *type, const char *body)
{
	struct aaeld_reply reply = {
		.status = status,
		.type = type,
		.body = body,
		.body_size = strlen(body),
	};

	call->done(call, &reply);
}

static void reply_not_allowed(struct aaeld_call *call, const char *allow)
{
	static const char body[] = "Method Not Allowed";
	struct aaeld_reply reply = {
		.status = 405,
		.type = "text/plain",
		.allow = allow,
		.body = body,
		.body_size = sizeof(body) - 1,
	};

	call->done(call, &reply);
}

/* Where events go, once that has been decided, and the hashes of an entry. */
static void put_register(FILE *f, const struct aael_info *info)
{
	const struct aael_alg *alg;

	if (info->state == AAEL_STATE_ENABLED || info->state == AAEL_STATE_SEALED)
		fprintf(f, ",\"register\":%u", info->reg);
	fputs(",\"algorithms\":[", f);
	for (uint32_t i = 0; i < info->alg_count && i < AAEL_BANKS_MAX; i++) {
		alg = aael_alg_by_id(info->algs[i]);
		fprintf(f, "%s\"%s\"", i ? "," : "", alg ? alg->name : "unknown");
	}
	fputs("]", f);
}

static void put_log(FILE *f, const struct aael_info *info, int err)
{
	if (err) {
		fprintf(f, "\"aael\":{\"state\":\"%s\"}", err == -ENXIO ? "absent" : "unavailable");
		return;
	}
	fprintf(f, "\"aael\":{\"state\":\"%s\",\"health\":\"%s\",\"count\":%llu,\"provider\":",
		aael_dev_state_name(info->state), aael_dev_health_name(info->health),
		(unsigned long long)info->count);
	aael_json_put_string(f, info->provider);
	put_register(f, info);
	if (info->flags & AAEL_INFO_F_SOFT)
		fputs(",\"warning\":\"SOFT PROVIDER: NOT PROTECTED, FOR TESTS ONLY\"", f);
	fputs("}", f);
}

static void get_info(struct aaeld_app *app, const struct aaeld_request *request,
		     struct aaeld_call *call)
{
	struct aael_info info;
	char *body = NULL;
	size_t size;
	FILE *f;
	int err;

	(void)request;
	memset(&info, 0, sizeof(info));
	err = app->ops->info(app->kernel, &info);
	info.provider[sizeof(info.provider) - 1] = '\0';
	f = open_memstream(&body, &size);
	if (!f) {
		aaeld_routes_reply(call, 500, "text/plain", "no memory");
		return;
	}
	fputs("{\"version\":\"aaeld " AAEL_VERSION "\",", f);
	if (app->features & AAELD_F_ATTESTATION)
		fprintf(f, "\"tee\":\"%s\",", aaeld_evidence_choose(&info)->tee);
	fprintf(f, "\"feature\":\"%s\",", aaeld_features_name(app->features));
	put_log(f, &info, err);
	fputs("}", f);
	fclose(f);
	if (body)
		aaeld_routes_reply(call, 200, "application/json", body);
	else
		aaeld_routes_reply(call, 500, "text/plain", "no memory");
	free(body);
}

static bool is_route(const struct route *route, const char *path, size_t size)
{
	size_t length = strlen(route->path);

	return (route->more ? size >= length : size == length) &&
	       !memcmp(route->path, path, length);
}

void aaeld_routes_dispatch(struct aaeld_app *app, const struct aaeld_request *request,
			   struct aaeld_call *call)
{
	size_t size = strcspn(request->target, "?#");
	char allow[64] = "";

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		if (!strncmp(request->target, areas[i].prefix, strlen(areas[i].prefix)) &&
		    !(app->features & areas[i].feature)) {
			aaeld_routes_reply(call, 404, "text/plain", areas[i].message);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!is_route(&routes[i], request->target, size))
			continue;
		if (!strcmp(routes[i].method, request->method)) {
			routes[i].handle(app, request, call);
			return;
		}
		strcat(allow, *allow ? ", " : "");
		strcat(allow, routes[i].method);
	}
	if (*allow)
		reply_not_allowed(call, allow);
	else
		aaeld_routes_reply(call, 404, "text/plain", "URL NOT FOUND");
}
