// SPDX-License-Identifier: Apache-2.0
/*
 * GET /metrics, in Prometheus' text format 0.0.4. All of it is known without waiting: counters,
 * which are of the loop's thread, and what the kernel answers at once. Nothing here depends on
 * what events, tokens or requests hold.
 */
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"
#include "libaael.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"
#define DURATION "aaeld_token_duration_seconds"

/* Upper bounds of the buckets, up to AAELD_KBS_LIMIT_MS. */
static const struct {
	unsigned int ms;
	const char *le;
} bounds[] = {
	{ 50, "0.05" },	 { 100, "0.1" }, { 250, "0.25" }, { 500, "0.5" },  { 1000, "1" },
	{ 2500, "2.5" }, { 5000, "5" },	 { 10000, "10" }, { 25000, "25" }, { 50000, "50" },
};

#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))
_Static_assert(BOUNDS == AAELD_TOKEN_BOUNDS, "a counter for each bucket");

/* ---- counting --------------------------------------------------------------------- */

void aaeld_metrics_answer(struct aaeld_metrics *m, int status)
{
	if (status >= 0 && status < AAELD_STATUS_END)
		m->answers[status]++;
}

void aaeld_metrics_token(struct aaeld_metrics *m, bool given, int64_t ms)
{
	size_t i = 0;

	if (!given) {
		m->token_failures++;
		return;
	}
	while (i < BOUNDS && ms > bounds[i].ms)
		i++;
	m->token_buckets[i]++;
	m->token_ms += (uint64_t)ms;
}

/* ---- writing ------------------------------------------------------------------------ */

static void put_head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_number(FILE *f, const char *name, const char *type, const char *help,
		       uint64_t value)
{
	put_head(f, name, type, help);
	fprintf(f, "%s %llu\n", name, (unsigned long long)value);
}

static void put_label(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || *text == '\n')
			putc('\\', f);
		putc(*text == '\n' ? 'n' : *text, f);
	}
}

/* One of @names: each has a series, and only that one is 1. */
static void put_one_of(FILE *f, const char *name, const char *label, const char *help,
		       const char *(*name_of)(uint32_t), uint32_t last, uint32_t value)
{
	put_head(f, name, "gauge", help);
	for (uint32_t i = 0; i <= last; i++)
		fprintf(f, "%s{%s=\"%s\"} %d\n", name, label, name_of(i), i == value);
}

static void put_log(FILE *f, const struct aael_info *info)
{
	put_head(f, "aael_build_info", "gauge",
		 "Always 1. version is that of aaeld, provider the one of the log's register.");
	fputs("aael_build_info{version=\"" AAEL_VERSION "\",provider=\"", f);
	put_label(f, info->provider);
	fputs("\"} 1\n", f);
	put_one_of(f, "aael_state", "state", "1 for the state that the log is in.",
		   aael_dev_state_name, AAEL_STATE_SEALED, info->state);
	put_one_of(f, "aael_health", "health", "1 for how log and registers agree.",
		   aael_dev_health_name, AAEL_HEALTH_GONE, info->health);
	put_number(f, "aael_events_total", "counter", "Events in the log.", info->count);
	put_number(
		f, "aael_violations_total", "counter",
		"Extends of a register of the log that were not its own, as far as they were seen.",
		info->violations);
	put_number(f, "aael_log_bytes", "gauge", "Length of the log, the boot log included.",
		   info->bytes);
	put_number(f, "aael_log_own_bytes", "gauge",
		   "Length of the entries behind the boot log, which aael_log_max_bytes limits.",
		   info->bytes - info->own_offset);
	put_number(f, "aael_log_max_bytes", "gauge", "Limit on aael_log_own_bytes.",
		   info->max_log_bytes);
	put_number(f, "aael_log_headroom_bytes", "gauge",
		   "What of aael_log_max_bytes is kept for privileged writers.",
		   info->headroom_bytes);
}

/* A series that begins with its first answer would hide that one from rate(). */
static bool is_usual(int status)
{
	static const int usual[] = {
		200, 400, 403, 404, 405, 409, 413, 417, 500, 501, 502, 503, 507
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (usual[i] == status)
			return true;
	return false;
}

static void put_answers(FILE *f, const struct aaeld_metrics *m)
{
	static const char name[] = "aaeld_http_requests_total";

	put_head(f, name, "counter", "Requests that have been answered, by status.");
	for (int status = 0; status < AAELD_STATUS_END; status++)
		if (m->answers[status] || is_usual(status))
			fprintf(f, "%s{code=\"%d\"} %llu\n", name, status,
				(unsigned long long)m->answers[status]);
}

static void put_tokens(FILE *f, const struct aaeld_metrics *m)
{
	unsigned long long count = 0, ms = m->token_ms;

	put_head(f, DURATION, "histogram",
		 "Handshakes with the KBS that gave a token for /aa/token.");
	for (size_t i = 0; i <= BOUNDS; i++) {
		count += m->token_buckets[i];
		fprintf(f, DURATION "_bucket{le=\"%s\"} %llu\n", i < BOUNDS ? bounds[i].le : "+Inf",
			count);
	}
	fprintf(f, DURATION "_sum %llu.%03llu\n" DURATION "_count %llu\n", ms / 1000, ms % 1000,
		count);
	put_number(f, "aaeld_token_failures_total", "counter",
		   "Handshakes with the KBS that gave no token for /aa/token.", m->token_failures);
}

void aaeld_metrics_get(struct aaeld_app *app, const struct aaeld_request *request,
		       struct aaeld_call *call)
{
	struct aael_info info = { 0 };
	char *body = NULL;
	size_t size;
	FILE *f = open_memstream(&body, &size);
	int err = app->ops->info(app->kernel, &info);

	(void)request;
	info.provider[sizeof(info.provider) - 1] = '\0';
	if (f && !err)
		put_log(f, &info);
	if (f) {
		put_answers(f, &app->metrics);
		put_tokens(f, &app->metrics);
	}
	if (f && !fclose(f) && body)
		aaeld_routes_reply(call, 200, TYPE, body);
	else
		aaeld_routes_reply(call, 500, "text/plain", "no memory");
	free(body);
}
