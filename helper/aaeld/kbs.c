// SPDX-License-Identifier: Apache-2.0
/*
 * The handshake with a KBS (RCAR), and what a session gives: tokens and resources. A token has
 * a session and a key pair of its own, because the pair is handed out with it; resources share
 * another session for as long as the log is what was attested.
 *
 * Nothing secret is in any message: no token, key, cookie or resource.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "aaeld.h"
#include "jwe.h"
#include "json.h"
#include "libaael.h"
#include "secret.h"
#include "teekey.h"

#define RESOURCE_TRIES 3
#define JWK_MAX_BYTES 1024

/* What was attested with one key pair. */
struct session {
	struct aael_teekey *key;
	char cookie[AAEL_KBS_COOKIE_BYTES];
	struct aaeld_mark mark;
	bool attested;
};

struct aaeld_kbs {
	struct aaeld_kbs_options o;
	struct aaeld_kbshttp *http;
	struct session resources;
};

/* One handshake. */
struct handshake {
	struct aaeld_kbs *kbs;
	struct session *session;
	struct aaeld_kbs_result *result; /* where failures go */
	const struct aaeld_evidence_ops *kind;
	struct aaeld_evidence evidence;
	size_t answer_max;
	struct aael_kbs_challenge challenge;
	char *jwk;
	char *token;
};

/* ---- failures -------------------------------------------------------------------- */

/* -EPROTO, which ends the request with what stands in the result. */
__attribute__((format(printf, 3, 4))) static int fail(struct aaeld_kbs_result *r, int status,
						      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->message, sizeof(r->message), format, ap);
	va_end(ap);
	r->status = status;
	return -EPROTO;
}

static int no_memory(struct aaeld_kbs_result *r)
{
	return fail(r, 500, "no memory");
}

__attribute__((format(printf, 2, 3))) static void add(struct aaeld_kbs_result *r,
						      const char *format, ...)
{
	size_t used = strlen(r->message);
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->message + used, sizeof(r->message) - used, format, ap);
	va_end(ap);
}

static size_t evidence_size(const struct handshake *h)
{
	return aael_parts_size(h->evidence.json, AAELD_EVIDENCE_PARTS);
}

/* The KBS often says no more than "refused": what we know ourselves. */
static void add_sent(const struct handshake *h)
{
	const struct aael_initdata *initdata = h->kbs->o.initdata;

	add(h->result, "; sent: %s evidence of %zu bytes, a log of %llu events (%s), %s Init-Data",
	    h->kind->tee, evidence_size(h), (unsigned long long)h->session->mark.count,
	    aael_dev_health_name(h->session->mark.health), initdata ? initdata->alg->name : "no");
}

static struct aaeld_mark mark_of(const struct aael_info *info)
{
	return (struct aaeld_mark){ info->count, info->bytes, info->state, info->health };
}

/* Of every byte of the log a token has several. */
static size_t answer_max(const struct aael_info *info)
{
	return 8 * (size_t)info->max_log_bytes + AAELD_KBS_SPARE_BYTES;
}

/* ---- messages -------------------------------------------------------------------- */

/* 0, or -EPROTO: there was no answer. */
static int ask(struct aaeld_kbs *kbs, struct aaeld_kbs_result *r, struct aaeld_kbs_request *request,
	       struct aaeld_kbs_answer *answer)
{
	char message[AAEL_KBS_MESSAGE_BYTES];
	int ret;

	request->deadline_ms = r->deadline_ms;
	ret = aaeld_kbshttp_insist(kbs->http, request, answer, message);
	if (!ret)
		return 0;
	if (ret == -ECANCELED)
		return fail(r, 503, "the daemon is stopping");
	return fail(r, 502, "KBS %s, %s: %s", kbs->o.url, request->path, message);
}

/* An answer that is no success. */
static enum aael_kbs_problem refused(struct aaeld_kbs *kbs, struct aaeld_kbs_result *r,
				     const struct aaeld_kbs_request *request,
				     const struct aaeld_kbs_answer *answer)
{
	char message[AAEL_KBS_MESSAGE_BYTES];
	enum aael_kbs_problem problem = aael_kbs_problem(answer->body, answer->size, message);

	fail(r, problem == AAEL_KBS_DENIED ? 403 : 502, "KBS %s, %s: %d %s", kbs->o.url,
	     request->path, answer->status, message);
	return problem;
}

/*
 * POST of a body. 0 and *@answer, which is a success; -EPROTO; -EKEYREJECTED: the KBS does not
 * believe the evidence.
 */
static int post(struct handshake *h, const char *path, const struct aael_part *body, size_t parts,
		struct aaeld_kbs_answer *answer)
{
	struct aaeld_kbs_request request = {
		.path = path,
		.body = body,
		.body_parts = parts,
		.cookie = h->session->cookie,
		.answer_max = h->answer_max,
	};
	int ret = ask(h->kbs, h->result, &request, answer);

	if (ret || answer->status == 200)
		return ret;
	if (answer->status == 413 && evidence_size(h))
		ret = fail(
			h->result, 502,
			"KBS %s: the log is too large for it: a request of %zu bytes, of which the "
			"evidence is %zu, is refused",
			h->kbs->o.url, aael_parts_size(body, parts), evidence_size(h));
	else
		ret = refused(h->kbs, h->result, &request, answer) == AAEL_KBS_ATTESTATION
			      ? -EKEYREJECTED
			      : -EPROTO;
	free(answer->body);
	answer->body = NULL;
	return ret;
}

/* What a function writes; to free(). NULL: no memory, and the result says so. */
static char *text_of(struct handshake *h, void (*put)(FILE *, const struct handshake *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out)
		put(out, h);
	if (out && !fclose(out) && text)
		return text;
	free(text);
	no_memory(h->result);
	return NULL;
}

static void put_auth(FILE *out, const struct handshake *h)
{
	aael_kbs_put_auth(out, h->kind->tee);
}

static int post_auth(struct handshake *h, struct aaeld_kbs_answer *answer)
{
	char *text = text_of(h, put_auth);
	const struct aael_part body = { .data = text, .size = text ? strlen(text) : 0 };
	int ret = text ? post(h, "auth", &body, 1, answer) : -EPROTO;

	free(text);
	return ret;
}

static void put_attest(FILE *out, const struct handshake *h)
{
	const struct aael_initdata *initdata = h->kbs->o.initdata;
	const struct aael_kbs_attest attest = {
		.nonce = h->challenge.nonce,
		.jwk = h->jwk,
		.initdata = initdata ? initdata->document : NULL,
	};

	aael_kbs_put_attest(out, &attest);
}

static int post_attest(struct handshake *h, struct aaeld_kbs_answer *answer)
{
	static const char end[] = AAEL_KBS_ATTEST_END;
	char *text = text_of(h, put_attest);
	struct aael_part body[AAELD_EVIDENCE_PARTS + 2] = { 0 };
	int ret = -EPROTO;

	if (text) {
		body[0] = (struct aael_part){ .data = text, .size = strlen(text) };
		memcpy(&body[1], h->evidence.json, sizeof(h->evidence.json));
		body[AAELD_EVIDENCE_PARTS + 1] =
			(struct aael_part){ .data = end, .size = sizeof(end) - 1 };
		ret = post(h, "attest", body, AAELD_EVIDENCE_PARTS + 2, answer);
	}
	free(text);
	return ret;
}

/* ---- the handshake ----------------------------------------------------------------- */

static int make_key(struct handshake *h)
{
	size_t size;
	FILE *out;

	aael_teekey_free(h->session->key);
	h->session->key = NULL;
	if (aael_teekey_new(h->kbs->o.tee_key, &h->session->key))
		return fail(h->result, 500, "no key pair could be made");
	out = open_memstream(&h->jwk, &size);
	if (!out)
		return no_memory(h->result);
	aael_teekey_put_jwk(out, h->session->key);
	return fclose(out) || !h->jwk ? no_memory(h->result) : 0;
}

static int request_challenge(struct handshake *h)
{
	char message[AAEL_KBS_MESSAGE_BYTES];
	struct aaeld_kbs_answer answer = { 0 };
	int ret;

	h->session->cookie[0] = '\0';
	ret = post_auth(h, &answer);
	if (ret)
		return -EPROTO;
	if (aael_kbs_challenge_open(&h->challenge, answer.body, answer.size, message))
		ret = fail(h->result, 502, "KBS %s, auth: %s", h->kbs->o.url, message);
	else if (!*h->session->cookie)
		ret = fail(h->result, 502, "KBS %s, auth: it gave no session", h->kbs->o.url);
	free(answer.body);
	return ret;
}

static int make_evidence(struct handshake *h)
{
	uint8_t digest[AAEL_DIGEST_MAX_BYTES];
	int ret = aael_kbs_report_data(&h->challenge, h->jwk, digest);

	if (ret < 0)
		return fail(h->result, 500, "%s of the runtime data: %s", h->challenge.alg->name,
			    strerror(-ret));
	memcpy(h->evidence.data, digest, (size_t)ret);
	h->evidence.data_size = (size_t)ret;
	ret = h->kind->make(&h->evidence);
	if (ret)
		return fail(h->result, aaeld_evidence_status(ret), "%s", h->evidence.message);
	return 0;
}

static int attest(struct handshake *h)
{
	char message[AAEL_KBS_MESSAGE_BYTES];
	struct aaeld_kbs_answer answer = { 0 };
	int ret = post_attest(h, &answer);

	if (ret == -EKEYREJECTED)
		add_sent(h);
	if (ret)
		return ret;
	if (aael_kbs_token(answer.body, answer.size, &h->token, message))
		ret = fail(h->result, 502, "KBS %s, attest: %s", h->kbs->o.url, message);
	aael_secret_free(answer.body, answer.size);
	return ret;
}

static int begin(struct handshake *h)
{
	struct aael_info info;
	int ret = aaeld_evidence_kind(&h->evidence, h->kbs->o.allow_sample, &h->kind, &info);

	if (ret)
		return fail(h->result, aaeld_evidence_status(ret), "%s", h->evidence.message);
	h->session->mark = mark_of(&info);
	h->answer_max = answer_max(&info);
	return make_key(h);
}

static int handshake_once(struct aaeld_kbs *kbs, struct session *session,
			  struct aaeld_kbs_result *result, char **token)
{
	struct handshake h = { .kbs = kbs, .session = session, .result = result };
	int ret;

	h.evidence.ops = kbs->o.ops;
	h.evidence.kernel = kbs->o.kernel;
	session->attested = false;
	ret = begin(&h);
	if (!ret)
		ret = request_challenge(&h);
	if (!ret)
		ret = make_evidence(&h);
	if (!ret)
		ret = attest(&h);
	session->attested = !ret;
	*token = h.token;
	aael_kbs_challenge_close(&h.challenge);
	aaeld_evidence_free(&h.evidence);
	free(h.jwk);
	return ret;
}

/*
 * 0 and *@token to aael_secret_free(); else the result says why not. What a KBS refuses it is
 * asked once more: its session may have ended meanwhile.
 */
static int handshake(struct aaeld_kbs *kbs, struct session *session,
		     struct aaeld_kbs_result *result, char **token)
{
	int ret = handshake_once(kbs, session, result, token);

	if (ret == -EKEYREJECTED)
		ret = handshake_once(kbs, session, result, token);
	return ret;
}

static void close_session(struct session *session)
{
	aael_teekey_free(session->key);
	OPENSSL_cleanse(session, sizeof(*session));
}

/* ---- tokens ------------------------------------------------------------------------- */

static int put_token(struct aaeld_kbs_result *r, const struct session *session, const char *token)
{
	char *pem, *body = NULL;
	FILE *out;

	if (aael_teekey_pem(session->key, &pem))
		return fail(r, 500, "the key pair cannot be written");
	out = open_memstream(&body, &r->size);
	if (out) {
		fputs("{\"token\":", out);
		aael_json_put_string(out, token);
		fputs(",\"tee_keypair\":", out);
		aael_json_put_string(out, pem);
		fputs("}", out);
	}
	aael_secret_free(pem, strlen(pem));
	if (!out || fclose(out) || !body)
		return no_memory(r);
	r->body = (uint8_t *)body;
	r->status = 200;
	return 0;
}

static void get_token(void *arg, struct aaeld_kbs_result *result)
{
	struct session session = { 0 };
	struct aaeld_kbs *kbs = arg;
	char *token = NULL;

	if (!handshake(kbs, &session, result, &token) && !put_token(result, &session, token)) {
		result->mark = session.mark;
		if (aael_kbs_token_expiry(token, &result->expiry))
			result->expiry = 0;
	}
	if (token)
		aael_secret_free(token, strlen(token));
	close_session(&session);
}

/* ---- resources ---------------------------------------------------------------------- */

static int attest_for_resources(struct aaeld_kbs *kbs, struct aaeld_kbs_result *result)
{
	char *token = NULL;
	int ret = handshake(kbs, &kbs->resources, result, &token);

	if (token)
		aael_secret_free(token, strlen(token));
	return ret ? -EPROTO : 0;
}

static int decrypt(struct aaeld_kbs *kbs, struct aaeld_kbs_result *r,
		   const struct aaeld_kbs_answer *answer)
{
	char message[AAEL_JWE_MESSAGE_BYTES];

	if (aael_jwe_decrypt(kbs->resources.key, answer->body, answer->size, &r->body, &r->size,
			     message))
		return fail(r, 502, "KBS %s: the resource: %s", kbs->o.url, message);
	r->status = 200;
	return 0;
}

/* 0; -EPROTO; -ENOKEY: the session has ended. */
static int ask_resource(struct aaeld_kbs *kbs, struct aaeld_kbs_request *request,
			struct aaeld_kbs_result *r)
{
	struct aaeld_kbs_answer answer;
	int ret = ask(kbs, r, request, &answer);

	if (ret)
		return ret;
	if (answer.status == 200) {
		ret = decrypt(kbs, r, &answer);
	} else {
		ret = -EPROTO;
		switch (refused(kbs, r, request, &answer)) {
		case AAEL_KBS_TOKEN:
		case AAEL_KBS_ATTESTATION:
			ret = -ENOKEY;
			break;
		case AAEL_KBS_PLUGIN:
			r->status = 404;
			add(r, "; it is not there, or the KBS's plugin failed");
			break;
		default:
			break;
		}
	}
	free(answer.body);
	return ret;
}

/* May the session be used for what the log is now? */
static bool still_holds(struct aaeld_kbs *kbs)
{
	struct aaeld_mark now;

	return kbs->resources.attested && !aaeld_mark_take(kbs->o.ops, kbs->o.kernel, &now) &&
	       aaeld_mark_is(&kbs->resources.mark, &now);
}

static void get_resource(void *arg, const char *path, struct aaeld_kbs_result *result)
{
	struct aaeld_kbs *kbs = arg;
	struct aaeld_kbs_request request = { .cookie = kbs->resources.cookie };
	struct aael_info info = { 0 };
	char *target;
	int ret = -ENOKEY;

	if (asprintf(&target, "resource/%s", path) < 0) {
		no_memory(result);
		return;
	}
	kbs->o.ops->info(kbs->o.kernel, &info);
	request.path = target;
	request.answer_max = answer_max(&info);
	for (unsigned int i = 0; i < RESOURCE_TRIES && ret == -ENOKEY; i++) {
		if (!still_holds(kbs) && attest_for_resources(kbs, result))
			break;
		ret = ask_resource(kbs, &request, result);
		if (ret == -ENOKEY)
			kbs->resources.attested = false;
	}
	free(target);
}

/* ---- what the log was --------------------------------------------------------------- */

int aaeld_mark_take(const struct aaeld_kernel_ops *ops, void *kernel, struct aaeld_mark *mark)
{
	struct aael_info info = { 0 };
	int ret = ops->info(kernel, &info);

	*mark = mark_of(&info);
	return ret == -ENXIO ? 0 : ret;
}

bool aaeld_mark_is(const struct aaeld_mark *a, const struct aaeld_mark *b)
{
	return a->count == b->count && a->bytes == b->bytes && a->state == b->state &&
	       a->health == b->health;
}

/* ---- life ------------------------------------------------------------------------- */

static void stop(void *arg)
{
	struct aaeld_kbs *kbs = arg;

	aaeld_kbshttp_stop(kbs->http);
}

const struct aaeld_kbs_ops aaeld_kbs_ops = {
	.token = get_token,
	.resource = get_resource,
	.stop = stop,
};

struct aaeld_kbs *aaeld_kbs_new(const struct aaeld_kbs_options *options)
{
	struct aaeld_kbs *kbs = calloc(1, sizeof(*kbs));

	if (!kbs)
		return NULL;
	kbs->o = *options;
	kbs->http = aaeld_kbshttp_new(options->url, options->cert);
	if (kbs->http)
		return kbs;
	free(kbs);
	return NULL;
}

void aaeld_kbs_free(struct aaeld_kbs *kbs)
{
	if (!kbs)
		return;
	aaeld_kbshttp_free(kbs->http);
	close_session(&kbs->resources);
	free(kbs);
}
