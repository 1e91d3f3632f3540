// SPDX-License-Identifier: Apache-2.0
/*
 * A KBS that answers anything: what the daemon asks it, and what comes of that. A token is that
 * of the last answer; evidence binds the nonce that is sent with it; a resource is given only
 * if the KBS sent it; the number of requests is bounded; messages can be shown, and have
 * nothing secret in them.
 *
 *	u8 switches
 *	{ digit: which status	cookie '\n' body '\0' } …	in the order of the requests
 *
 * In place of kbshttp.c, evidence_*.c and fresh keys are those below.
 */
#include <errno.h>

#include <cJSON.h>
#include <openssl/evp.h>

#include "aaeld.h"
#include "codec.h"
#include "fakekernel.h"
#include "fuzz.h"
#include "json.h"
#include "jwevectors.h"
#include "libaael.h"
#include "secret.h"
#include "teekeys.h"

#define ASKED_MAX 2	/* times that the daemon is asked for something */
#define REQUESTS_MAX 24 /* of one: 3 × (2 handshakes of 2, and the resource) for a resource */
#define ANSWER_MAX_BYTES (512 * 1024)

#define HOW_KEY 3
#define HOW_RESOURCE 4
#define HOW_INITDATA 8
#define HOW_NO_EVIDENCE 16
#define HOW_GROWS 32

struct answer {
	int status; /* 0: trouble on the way */
	char *cookie;
	struct bytes body;
};

/* One input, and what has come of it so far. */
static struct {
	uint8_t how;
	const uint8_t *data;
	size_t size;
	struct fake_kernel kernel;
	unsigned int requests;
	char nonce_digest[2 * AAEL_DIGEST_MAX_BYTES + 1]; /* what the evidence has bound */
	char cookie[AAEL_KBS_COOKIE_BYTES];
	char *token;	 /* of the last answer, or NULL */
	bool attested;	 /* the last answer was to /attest, and a success */
	bool resourced;	 /* … to /resource */
	int keys;	 /* that are lent */
	bool quoted_key; /* an answer says PRIVATE KEY itself, or may */
} now;

/* ---- what each answer is on its own -------------------------------------------------- */

static void check_challenge(const struct bytes *body)
{
	char message[AAEL_KBS_MESSAGE_BYTES] = "";
	struct aael_kbs_challenge c;
	int ret = aael_kbs_challenge_open(&c, (const char *)body->p, body->size, message);

	MUST(ret == 0 || ret == -EBADMSG);
	MUST(is_plain(message, strlen(message)) && (!ret || *message));
	MUST(ret ? !c.nonce : c.nonce && c.alg && c.alg->id != AAEL_ALG_SHA1);
	aael_kbs_challenge_close(&c);
}

static void check_token(const struct bytes *body)
{
	char message[AAEL_KBS_MESSAGE_BYTES] = "", *token;
	int ret = aael_kbs_token((const char *)body->p, body->size, &token, message);
	int64_t expiry = -1;

	MUST(ret == 0 || ret == -EBADMSG);
	MUST(!ret == !!token && is_plain(message, strlen(message)) && (!ret || *message));
	if (token && !aael_kbs_token_expiry(token, &expiry))
		MUST(expiry >= 0);
	free(token);
}

static void check_problem(const struct bytes *body)
{
	char message[AAEL_KBS_MESSAGE_BYTES];
	enum aael_kbs_problem problem =
		aael_kbs_problem((const char *)body->p, body->size, message);

	MUST(problem >= AAEL_KBS_OTHER && problem <= AAEL_KBS_PLUGIN);
	MUST(*message && is_plain(message, strlen(message)));
}

/* cJSON finds the same number, and no other. */
static void check_same_expiry(const struct bytes *payload, int64_t expiry)
{
	cJSON *root = cJSON_ParseWithLength((const char *)payload->p, payload->size);
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(root, "exp");

	/* Some versions do not take numbers of more than 63 digits. */
	if (root)
		MUST(cJSON_GetNumberValue(member) == (double)expiry);
	for (member = root ? member->next : NULL; member; member = member->next)
		MUST(strcmp(member->string, "exp"));
	cJSON_Delete(root);
}

static void check_expiry(const struct bytes *payload)
{
	char *base64 = malloc(AAEL_BASE64_CHARS(payload->size) + 1), *token;
	int64_t expiry = -1;

	MUST(base64);
	aael_base64_encode(payload->p, payload->size, base64);
	base64[strcspn(base64, "=")] = '\0';
	for (char *c = base64; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	MUST(asprintf(&token, "a.%s.c", base64) > 0);
	if (!aael_kbs_token_expiry(token, &expiry)) {
		MUST(expiry >= 0);
		/* A name with an escape is another one to us. */
		if (!memchr(payload->p, '\\', payload->size))
			check_same_expiry(payload, expiry);
	}
	free(token);
	free(base64);
}

static void check_body(const struct bytes *body)
{
	check_challenge(body);
	check_token(body);
	check_problem(body);
	check_expiry(body);
}

/* ---- the KBS ---------------------------------------------------------------------------- */

static struct answer next_answer(void)
{
	static const int statuses[] = { 0, 200, 204, 301, 401, 413, 500, 503 };
	const uint8_t *end, *line;
	struct answer a = { 0 };
	size_t n;

	if (now.size < 2) {
		a.body = exact_copy("", 0);
		return a;
	}
	a.status = statuses[*now.data % (sizeof(statuses) / sizeof(statuses[0]))];
	end = memchr(now.data + 1, '\0', now.size - 1);
	n = end ? (size_t)(end - now.data) : now.size;
	line = memchr(now.data + 1, '\n', n - 1);
	a.cookie = strndup((const char *)now.data + 1, line ? (size_t)(line - now.data - 1) : 0);
	MUST(a.cookie);
	a.body = line ? exact_copy(line + 1, (size_t)(now.data + n - line - 1)) : exact_copy("", 0);
	now.data += n + !!end;
	now.size -= n + !!end;
	return a;
}

/* A header of the answer: the request's cookie changes only to one that can be sent. */
static void set_cookie(struct aaeld_kbs_request *request, const char *header)
{
	struct bytes copy = exact_copy(header, strlen(header));
	char before[AAEL_KBS_COOKIE_BYTES];
	int ret;

	strcpy(before, request->cookie);
	ret = aael_kbs_cookie((const char *)copy.p, copy.size, request->cookie);
	free(copy.block);
	MUST(ret == 0 || ret == -ENOENT || ret == -E2BIG || ret == -EBADMSG);
	if (ret)
		MUST(!strcmp(before, request->cookie));
	else
		MUST(*request->cookie && strlen(request->cookie) < AAEL_KBS_COOKIE_BYTES &&
		     !strpbrk(request->cookie, " \t\r\n;,\"\\") &&
		     is_plain(request->cookie, strlen(request->cookie)));
	strcpy(now.cookie, request->cookie);
}

/* What is attested is what was bound: canonical JSON as cJSON writes it. */
static void check_attest(const cJSON *request)
{
	const cJSON *runtime = cJSON_GetObjectItem(request, "runtime-data");
	cJSON *bound = cJSON_CreateObject();
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1], *text;
	uint8_t digest[EVP_MAX_MD_SIZE];
	const char *name;
	unsigned int size;

	cJSON_AddStringToObject(bound, "additional-evidence", "");
	cJSON_AddItemToObject(bound, "nonce",
			      cJSON_Duplicate(cJSON_GetObjectItem(runtime, "nonce"), true));
	cJSON_AddItemToObject(bound, "tee-pubkey",
			      cJSON_Duplicate(cJSON_GetObjectItem(runtime, "tee-pubkey"), true));
	text = cJSON_PrintUnformatted(bound);
	MUST(text);
	name = strlen(now.nonce_digest) == 64	? "sha256"
	       : strlen(now.nonce_digest) == 96 ? "sha384"
						: "sha512";
	MUST(EVP_Digest(text, strlen(text), digest, &size, EVP_get_digestbyname(name), NULL));
	aael_hex_encode(digest, size, hex);
	MUST(!strcmp(hex, now.nonce_digest));
	MUST(cJSON_IsObject(cJSON_GetObjectItem(cJSON_GetObjectItem(request, "tee-evidence"),
						"primary_evidence")));
	MUST(!cJSON_GetObjectItem(request, "init-data") == !(now.how & HOW_INITDATA));
	free(text);
	cJSON_Delete(bound);
}

static void check_request(const struct aaeld_kbs_request *request)
{
	struct aael_json_error error;
	struct cJSON *root = NULL;
	size_t size;
	char *text;

	MUST(++now.requests <= REQUESTS_MAX);
	MUST(!strcmp(now.cookie, request->cookie) || !*request->cookie);
	MUST(!strcmp(request->path, "auth") == !*request->cookie);
	MUST(!request->body == !strncmp(request->path, "resource/", strlen("resource/")));
	if (!request->body)
		return;
	text = aael_parts_text(request->body, request->body_parts, &size);
	MUST(text);
	MUST(!aael_json_parse(text, size, &root, &error));
	MUST(!strstr(text, "PRIVATE KEY") || now.quoted_key);
	free(text);
	if (!strcmp(request->path, "attest"))
		check_attest(root);
	aael_json_free(root);
}

static void remember(const struct aaeld_kbs_request *request, const struct answer *a)
{
	cJSON *root = cJSON_ParseWithLength((const char *)a->body.p, a->body.size);
	const char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "token"));

	free(now.token);
	now.token = token ? strdup(token) : NULL;
	now.attested = a->status == 200 && !strcmp(request->path, "attest");
	now.resourced = a->status == 200 && !request->body;
	now.quoted_key |= memmem(a->body.p, a->body.size, "PRIVATE", strlen("PRIVATE")) ||
			  memmem(a->body.p, a->body.size, "\\u", strlen("\\u"));
	cJSON_Delete(root);
}

/* In place of kbshttp.c. */
struct aaeld_kbshttp {
	char unused;
};

struct aaeld_kbshttp *aaeld_kbshttp_new(const char *url, const char *cert)
{
	(void)url;
	(void)cert;
	return calloc(1, sizeof(struct aaeld_kbshttp));
}

int aaeld_kbshttp_insist(struct aaeld_kbshttp *http, struct aaeld_kbs_request *request,
			 struct aaeld_kbs_answer *answer, char message[AAEL_KBS_MESSAGE_BYTES])
{
	struct answer a = next_answer();

	(void)http;
	check_request(request);
	*answer = (struct aaeld_kbs_answer){ 0 };
	remember(request, &a);
	if (a.cookie)
		set_cookie(request, a.cookie);
	free(a.cookie);
	check_body(&a.body);
	if (!a.status) {
		free(a.body.block);
		strcpy(message, "no answer");
		return a.body.size % 2 ? -ETIMEDOUT : -ECANCELED;
	}
	MUST(a.body.size <= request->answer_max);
	answer->status = a.status;
	answer->size = a.body.size;
	if (a.body.size) {
		/* With its NUL. */
		answer->body = realloc(a.body.block, a.body.size + 1);
		MUST(answer->body);
		answer->body[a.body.size] = '\0';
	} else {
		free(a.body.block);
	}
	return 0;
}

void aaeld_kbshttp_stop(struct aaeld_kbshttp *http)
{
	(void)http;
}

void aaeld_kbshttp_free(struct aaeld_kbshttp *http)
{
	free(http);
}

/* ---- keys that are always the same, and evidence ------------------------------------------ */

int __wrap_aael_teekey_new(enum aael_teekey_alg alg, struct aael_teekey **key);
void __wrap_aael_teekey_free(struct aael_teekey *key);

/* Read once, which takes OpenSSL longer than all the rest; what is lent comes back. */
int __wrap_aael_teekey_new(enum aael_teekey_alg alg, struct aael_teekey **key)
{
	static const char *const pems[] = { TEST_KEY_P256, TEST_KEY_P521, TEST_KEY_RSA };
	static struct aael_teekey *keys[3];

	if (!keys[alg])
		MUST(!aael_teekey_from_pem(pems[alg], &keys[alg]));
	*key = keys[alg];
	now.keys++;
	return 0;
}

void __wrap_aael_teekey_free(struct aael_teekey *key)
{
	now.keys -= !!key;
}

static int make_evidence(struct aaeld_evidence *e)
{
	FILE *out;

	MUST(e->data_size <= AAEL_DIGEST_MAX_BYTES);
	aael_hex_encode(e->data, e->data_size, now.nonce_digest);
	if (now.how & HOW_GROWS)
		now.kernel.info.count++;
	if (now.how & HOW_NO_EVIDENCE)
		return aaeld_evidence_fail(e, -EIO, "no quote");
	out = aaeld_evidence_begin(e);
	MUST(out);
	fputs("{\"quote\":\"\"}", out);
	return aaeld_evidence_end(e, out);
}

const struct aaeld_evidence_ops aaeld_evidence_tdx = { "tdx", true, make_evidence };
const struct aaeld_evidence_ops aaeld_evidence_tpm = { "tpm", true, make_evidence };

/* ---- what the daemon makes of it -------------------------------------------------------------- */

static void check_given_token(const struct aaeld_kbs_result *r)
{
	struct aael_json_error error;
	const char *token, *pem;
	struct cJSON *root;

	MUST(now.attested && now.token);
	MUST(!aael_json_parse((const char *)r->body, r->size, &root, &error));
	MUST(!aael_json_string(root, "token", &token, &error) && !strcmp(token, now.token));
	MUST(!aael_json_string(root, "tee_keypair", &pem, &error) && strstr(pem, "PRIVATE KEY"));
	aael_json_free(root);
}

static void check_result(const struct aaeld_kbs_result *r)
{
	static const int statuses[] = { 200, 403, 404, 500, 501, 502, 503 };
	bool known = false;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		known |= statuses[i] == r->status;
	MUST(known);
	if (r->status != 200) {
		MUST(!r->body && *r->message && is_plain(r->message, strlen(r->message)));
		MUST(!strstr(r->message, "PRIVATE") || now.quoted_key);
	} else if (now.how & HOW_RESOURCE) {
		/* Whoever does not know the key has no more than the vectors. */
		MUST(now.resourced);
		MUST(!r->size || (r->size == strlen(TEST_JWE_TEXT) &&
				  !memcmp(r->body, TEST_JWE_TEXT, r->size)));
	} else {
		check_given_token(r);
	}
}

static void ask(struct aaeld_kbs *kbs)
{
	struct aaeld_kbs_result r = { .deadline_ms = INT64_MAX };

	now.requests = 0;
	if (now.how & HOW_RESOURCE)
		aaeld_kbs_ops.resource(kbs, "default/key/1", &r);
	else
		aaeld_kbs_ops.token(kbs, &r);
	check_result(&r);
	aael_secret_free(r.body, r.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char document[] = "version='0.1.0'\nalgorithm='sha256'\ndata={}\n";
	struct aael_initdata initdata = {
		.document = document,
		.size = strlen(document),
		.alg = aael_alg_by_id(AAEL_ALG_SHA256),
	};
	struct aaeld_kbs_options options = {
		.url = "http://kbs",
		.ops = &fake_ops,
		.kernel = &now.kernel,
	};
	struct aaeld_kbs *kbs;

	if (!size || size > ANSWER_MAX_BYTES)
		return 0;
	memset(&now, 0, sizeof(now));
	now.how = *data;
	now.data = data + 1;
	now.size = size - 1;
	fake_init(&now.kernel);
	/* Mostly the key that is quick. */
	options.tee_key = (now.how & HOW_KEY) == 3   ? AAEL_TEEKEY_RSA
			  : (now.how & HOW_KEY) == 2 ? AAEL_TEEKEY_P521
						     : AAEL_TEEKEY_P256;
	options.initdata = now.how & HOW_INITDATA ? &initdata : NULL;
	kbs = aaeld_kbs_new(&options);
	MUST(kbs);
	for (unsigned int i = 0; i < ASKED_MAX; i++)
		ask(kbs);
	aaeld_kbs_free(kbs);
	MUST(!now.keys);
	free(now.token);
	return 0;
}
