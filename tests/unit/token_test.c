// SPDX-License-Identifier: Apache-2.0
/* GET /aa/token and /cdh/resource: who asks the KBS, who shares, and what is given again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "aaeld.h"
#include "fakekernel.h"

#define TOKEN "/aa/token?token_type=kbs"
#define JOBS_MAX 8

struct caller {
	struct aaeld_call call;
	int count, status;
	size_t size;
	char type[64], body[256];
};

static struct fake_kernel kernel;
static struct aaeld_app app;
static struct aaeld_job *jobs[JOBS_MAX];
static unsigned int job_count;
static int submit_ret;

/* What the KBS gives. */
static struct {
	int status, asked;
	int64_t expiry;
	const char *body;
	size_t size;
	char path[128];
	bool grows; /* meanwhile the log does */
} kbs;

static void give(struct aaeld_kbs_result *r)
{
	kbs.asked++;
	assert_in_range(r->deadline_ms - aaeld_now_ms(), 1, AAELD_KBS_LIMIT_MS);
	if (kbs.grows)
		kernel.info.count++;
	r->status = kbs.status;
	r->expiry = kbs.expiry;
	snprintf(r->message, sizeof(r->message), "why not");
	if (kbs.status != 200)
		return;
	r->body = malloc(kbs.size + 1);
	memcpy(r->body, kbs.body, kbs.size);
	r->size = kbs.size;
}

static void give_token(void *arg, struct aaeld_kbs_result *r)
{
	(void)arg;
	aaeld_mark_take(app.ops, app.kernel, &r->mark);
	give(r);
}

static void give_resource(void *arg, const char *path, struct aaeld_kbs_result *r)
{
	(void)arg;
	snprintf(kbs.path, sizeof(kbs.path), "%s", path);
	give(r);
}

static const struct aaeld_kbs_ops ops = { .token = give_token, .resource = give_resource };

static int submit(struct aaeld_app *a, struct aaeld_job *job)
{
	(void)a;
	if (submit_ret)
		return submit_ret;
	assert_int_equal(job->lane, AAELD_LANE_KBS);
	assert_in_range(job_count, 0, JOBS_MAX - 1);
	jobs[job_count++] = job;
	return 0;
}

static void done(struct aaeld_call *call, const struct aaeld_reply *reply)
{
	struct caller *c = (struct caller *)call;

	c->count++;
	c->status = reply->status;
	c->size = reply->body_size;
	snprintf(c->type, sizeof(c->type), "%s", reply->type);
	assert_in_range(reply->body_size, 0, sizeof(c->body) - 1);
	memcpy(c->body, reply->body, reply->body_size);
}

static void ask(struct caller *c, const char *target, bool no_cache)
{
	struct aaeld_request request = { .method = "GET", .target = target, .no_cache = no_cache };

	*c = (struct caller){ .call.done = done };
	aaeld_routes_dispatch(&app, &request, &c->call);
}

static void assert_answer(const struct caller *c, int status, const char *body)
{
	assert_int_equal(c->count, 1);
	assert_int_equal(c->status, status);
	assert_string_equal(c->body, body);
	assert_string_equal(c->type, status == 200 ? "application/octet-stream" : "text/plain");
}

static void finish(unsigned int job)
{
	jobs[job]->finish(jobs[job]);
}

static void work(void)
{
	for (unsigned int i = 0; i < job_count; i++) {
		jobs[i]->run(jobs[i]);
		finish(i);
	}
	job_count = 0;
}

static uint64_t handshakes(void)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= AAELD_TOKEN_BOUNDS; i++)
		count += app.metrics.token_buckets[i];
	return count;
}

/* One request, answered by the KBS or not. */
static void assert_asks(bool asks, bool no_cache)
{
	int before = kbs.asked;
	struct caller c;

	ask(&c, TOKEN, no_cache);
	work();
	assert_answer(&c, 200, "a token");
	assert_int_equal(kbs.asked - before, asks);
}

static int setup(void **state)
{
	(void)state;
	fake_init(&kernel);
	app = (struct aaeld_app){
		.ops = &fake_ops,
		.kernel = &kernel,
		.kbs_ops = &ops,
		.kbs = &kbs,
		.features = AAELD_F_ALL,
		.submit = submit,
	};
	memset(&kbs, 0, sizeof(kbs));
	kbs.status = 200;
	kbs.body = "a token";
	kbs.size = strlen(kbs.body);
	kbs.expiry = time(NULL) + 300;
	submit_ret = 0;
	job_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aaeld_tokens_free(&app.tokens);
	return 0;
}

static void type_must_be_kbs(void **state)
{
	static const char *const cases[] = { "",
					     "?",
					     "?token_type",
					     "?token_type=",
					     "?token_type=KBS",
					     "?token_type=kbs%00",
					     "?token_type=coco_as",
					     "?token_type=%6",
					     "?type=kbs" };
	struct caller c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char target[64];

		snprintf(target, sizeof(target), "/aa/token%s", cases[i]);
		ask(&c, target, false);
		assert_int_equal(c.status, 400);
		assert_ptr_equal(strstr(c.body, "token_type: "), c.body);
	}
	assert_int_equal(job_count, 0);
	ask(&c, "/aa/token?token_type=x&token_type=kbs", false);
	work();
	assert_answer(&c, 200, "a token");
}

static void without_a_kbs_there_is_nothing_to_ask(void **state)
{
	struct caller c;

	(void)state;
	app.kbs = NULL;
	ask(&c, TOKEN, false);
	assert_answer(&c, 501, "no KBS is configured: token_configs.kbs.url");
	ask(&c, "/cdh/resource/a/b/c", false);
	assert_answer(&c, 501, "no KBS is configured: token_configs.kbs.url");
}

static void requests_share_what_has_not_begun(void **state)
{
	struct caller first, second, fresh, late;

	(void)state;
	ask(&first, TOKEN, false);
	ask(&second, TOKEN, false);
	ask(&fresh, TOKEN, true);
	assert_int_equal(job_count, 1);
	jobs[0]->run(jobs[0]);
	ask(&late, TOKEN, false);
	assert_int_equal(job_count, 2);
	finish(0);
	assert_answer(&first, 200, "a token");
	assert_answer(&second, 200, "a token");
	assert_answer(&fresh, 200, "a token");
	assert_int_equal(late.count, 0);
	kbs.status = 502;
	jobs[1]->run(jobs[1]);
	finish(1);
	assert_answer(&late, 502, "why not");
}

/* However many share them. */
static void handshakes_are_counted(void **state)
{
	struct caller c[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		ask(&c[i], TOKEN, false);
	work();
	assert_int_equal(handshakes(), 1);
	assert_asks(false, false);
	ask(&c[0], "/cdh/resource/a/b/c", false);
	work();
	assert_int_equal(handshakes(), 1);
	assert_asks(true, true);
	assert_int_equal(handshakes(), 2);
	assert_int_equal(app.metrics.token_failures, 0);
	kbs.status = 502;
	ask(&c[0], TOKEN, true);
	work();
	ask(&c[0], TOKEN, true);
	finish(0);
	assert_int_equal(c[0].status, 503);
	assert_int_equal(handshakes(), 2);
	assert_int_equal(app.metrics.token_failures, 1);
}

static void token_is_given_again(void **state)
{
	(void)state;
	assert_asks(true, false);
	assert_asks(false, false);
	assert_asks(true, true);
	assert_asks(false, false);
}

static void token_is_not_given_again_when_the_log_has_changed(void **state)
{
	(void)state;
	assert_asks(true, false);
	kernel.info.count++;
	assert_asks(true, false);
	kernel.info.bytes++;
	assert_asks(true, false);
	kernel.info.health = AAEL_HEALTH_DIVERGED;
	assert_asks(true, false);
	kernel.info.state = AAEL_STATE_SEALED;
	assert_asks(true, false);
	assert_asks(false, false);
	kernel.info_ret = -EACCES;
	assert_asks(true, false);
}

static void token_is_not_given_again_when_the_log_grew_meanwhile(void **state)
{
	(void)state;
	kbs.grows = true;
	assert_asks(true, false);
	assert_asks(true, false);
}

static void token_is_not_given_again_when_it_ends(void **state)
{
	(void)state;
	kbs.expiry = time(NULL) + AAELD_TOKEN_LEFT_S - 1;
	assert_asks(true, false);
	assert_asks(true, false);
	kbs.expiry = 0;
	assert_asks(true, false);
	assert_asks(true, false);
}

static void failures_are_not_kept(void **state)
{
	struct caller c;

	(void)state;
	kbs.status = 502;
	for (int i = 0; i < 2; i++) {
		ask(&c, TOKEN, false);
		work();
		assert_answer(&c, 502, "why not");
	}
	assert_int_equal(kbs.asked, 2);
}

static void what_never_ran_says_so(void **state)
{
	struct caller token, resource, busy;

	(void)state;
	ask(&token, TOKEN, false);
	ask(&resource, "/cdh/resource/a/b/c", false);
	finish(0);
	finish(1);
	assert_answer(&token, 503, "the daemon is stopping");
	assert_answer(&resource, 503, "the daemon is stopping");
	submit_ret = -EBUSY;
	ask(&busy, TOKEN, false);
	assert_answer(&busy, 503, "too many requests are waiting for the KBS; try again");
	ask(&busy, "/cdh/resource/a/b/c", false);
	assert_answer(&busy, 503, "too many requests are waiting for the KBS; try again");
}

/* Also those that share what has not begun, or has: others must find a connection. */
static void only_so_many_wait(void **state)
{
	struct caller first, sharing[AAELD_KBS_MAX_CALLS], resource;

	(void)state;
	ask(&first, TOKEN, false);
	jobs[0]->run(jobs[0]);
	for (unsigned int i = 0; i < AAELD_KBS_MAX_CALLS; i++)
		ask(&sharing[i], TOKEN, false);
	ask(&resource, "/cdh/resource/a/b/c", false);
	assert_int_equal(job_count, 2);
	assert_answer(&sharing[AAELD_KBS_MAX_CALLS - 1], 503,
		      "too many requests are waiting for the KBS; try again");
	assert_answer(&resource, 503, "too many requests are waiting for the KBS; try again");
	finish(0);
	ask(&resource, "/cdh/resource/a/b/c", false);
	assert_int_equal(resource.count, 0);
	for (unsigned int i = 1; i < job_count; i++) {
		jobs[i]->run(jobs[i]);
		finish(i);
	}
	for (unsigned int i = 0; i < AAELD_KBS_MAX_CALLS - 1; i++)
		assert_answer(&sharing[i], 200, "a token");
	assert_answer(&resource, 200, "a token");
	assert_int_equal(app.kbs_calls, 0);
}

static void resource_is_handed_over_as_it_is(void **state)
{
	struct caller c;

	(void)state;
	kbs.body = "\0\x01\xff";
	kbs.size = 3;
	ask(&c, "/cdh/resource/default/key_1.a/-b?x=y", false);
	work();
	assert_int_equal(c.status, 200);
	assert_string_equal(c.type, "application/octet-stream");
	assert_int_equal(c.size, 3);
	assert_memory_equal(c.body, "\0\x01\xff", 3);
	assert_string_equal(kbs.path, "default/key_1.a/-b");
	kbs.status = 404;
	ask(&c, "/cdh/resource/a/b/c", false);
	work();
	assert_answer(&c, 404, "why not");
}

static void paths_of_resources(void **state)
{
	static const char *const bad[] = { "",		"a",	       "a/b",	  "a/b/",
					   "a/b/c/d",	"a//c",	       "/a/b/c",  "a/b/c/",
					   "a/b/.c",	"../b/c",      "a/b/%41", "a/b/ä",
					   "a/b/c%2Fd", "kbs:///a/b/c" };
	struct caller c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char target[64];

		snprintf(target, sizeof(target), "/cdh/resource/%s", bad[i]);
		ask(&c, target, false);
		if (c.status != 400)
			fail_msg("%s: %d", bad[i], c.status);
	}
	assert_int_equal(job_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(type_must_be_kbs, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_kbs_there_is_nothing_to_ask, setup,
						teardown),
		cmocka_unit_test_setup_teardown(requests_share_what_has_not_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(handshakes_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(token_is_given_again, setup, teardown),
		cmocka_unit_test_setup_teardown(token_is_not_given_again_when_the_log_has_changed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			token_is_not_given_again_when_the_log_grew_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(token_is_not_given_again_when_it_ends, setup,
						teardown),
		cmocka_unit_test_setup_teardown(failures_are_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(what_never_ran_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(only_so_many_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(resource_is_handed_over_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_of_resources, setup, teardown),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
