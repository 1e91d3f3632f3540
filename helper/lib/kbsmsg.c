// SPDX-License-Identifier: Apache-2.0
/* The messages of the KBS protocol: what we write, and what we believe of the answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "codec.h"
#include "jcs.h"
#include "json.h"
#include "jsonscan.h"
#include "kbsmsg.h"
#include "uefi.h"

#define COOKIE "kbs-session-id"
#define EXPIRY_MAX_DIGITS 12 /* the year 33658; fits int64_t */

/* The hashes that are offered, best liked first; the first is also the protocol's default. */
static const char *const hashes[] = { "sha384", "sha256", "sha512" };

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

/* At the end of @out, which has @room bytes, what fits of @data; nothing to control a terminal. */
static void put_plain(char *out, size_t room, const char *data, size_t size)
{
	const uint8_t *p = (const uint8_t *)data;
	size_t used = strlen(out), n;

	for (size_t at = 0; at < size; at += n) {
		bool plain;

		n = text_utf8_sequence(p + at, size - at);
		plain = n && !text_is_control(p + at, n);
		if (used + (plain ? n : 1) >= room)
			break;
		if (plain)
			memcpy(out + used, p + at, n);
		else
			out[used] = '?';
		n = n ? n : 1;
		used += plain ? n : 1;
		out[used] = '\0';
	}
}

static int no_memory(char *message)
{
	snprintf(message, AAEL_KBS_MESSAGE_BYTES, "no memory");
	return -ENOMEM;
}

static int refuse(char *message, const char *why)
{
	message[0] = '\0';
	put_plain(message, AAEL_KBS_MESSAGE_BYTES, why, strlen(why));
	return -EBADMSG;
}

/* 0 and *@root to aael_json_free(); what is no JSON is quoted. */
static int parse_answer(const char *body, size_t size, struct cJSON **root, char *message)
{
	struct aael_json_error err;
	int ret = aael_json_parse(body, size, root, &err);

	if (ret == -ENOMEM)
		return no_memory(message);
	if (ret)
		aael_kbs_problem(body, size, message);
	return ret;
}

/* ---- request and challenge ------------------------------------------------------ */

void aael_kbs_put_auth(FILE *out, const char *tee)
{
	fputs("{\"version\":\"" AAEL_KBS_VERSION "\",\"tee\":", out);
	aael_json_put_string(out, tee);
	fputs(",\"extra-params\":{\"supported-hash-algorithms\":[", out);
	for (size_t i = 0; i < HASHES; i++)
		fprintf(out, "%s\"%s\"", i ? "," : "", hashes[i]);
	fputs("]}}", out);
}

/* NULL: not offered. */
static const struct aael_alg *offered(const char *name)
{
	for (size_t i = 0; i < HASHES; i++)
		if (!strcasecmp(name, hashes[i]))
			return aael_alg_by_name(hashes[i], strlen(hashes[i]));
	return NULL;
}

/* extra-params may be anything; only this member of an object counts. */
static const char *selected(const struct cJSON *root)
{
	const struct cJSON *extra = aael_json_get(root, "extra-params");
	struct aael_json_error err;
	const char *name;

	if (!aael_json_is_object(extra) ||
	    aael_json_string(extra, "selected-hash-algorithm", &name, &err))
		return hashes[0];
	return name;
}

static int take_challenge(struct aael_kbs_challenge *c, const struct cJSON *root, char *message)
{
	struct aael_json_error err;
	const char *nonce, *name;

	if (!aael_json_is_object(root) || aael_json_string(root, "nonce", &nonce, &err))
		return refuse(message, "the challenge has no nonce");
	name = selected(root);
	c->alg = offered(name);
	if (!c->alg) {
		refuse(message, "the challenge demands a hash that was not offered: ");
		put_plain(message, AAEL_KBS_MESSAGE_BYTES, name, strlen(name));
		return -EBADMSG;
	}
	c->nonce = strdup(nonce);
	return c->nonce ? 0 : no_memory(message);
}

int aael_kbs_challenge_open(struct aael_kbs_challenge *c, const char *body, size_t size,
			    char message[AAEL_KBS_MESSAGE_BYTES])
{
	struct cJSON *root;
	int ret = parse_answer(body, size, &root, message);

	*c = (struct aael_kbs_challenge){ 0 };
	if (ret)
		return ret;
	ret = take_challenge(c, root, message);
	aael_json_free(root);
	return ret;
}

void aael_kbs_challenge_close(struct aael_kbs_challenge *c)
{
	free(c->nonce);
	*c = (struct aael_kbs_challenge){ 0 };
}

static bool in_cookie(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

int aael_kbs_cookie(const char *header, size_t size, char cookie[AAEL_KBS_COOKIE_BYTES])
{
	const char *end = memchr(header, ';', size), *equals;

	end = end ? end : header + size;
	while (header < end && (*header == ' ' || *header == '\t'))
		header++;
	while (header < end && strchr(" \t\r\n", end[-1]))
		end--;
	equals = memchr(header, '=', (size_t)(end - header));
	if (!equals || (size_t)(equals - header) != strlen(COOKIE) ||
	    memcmp(header, COOKIE, strlen(COOKIE)))
		return -ENOENT;
	size = (size_t)(end - ++equals);
	if (!size)
		return -EBADMSG;
	if (size >= AAEL_KBS_COOKIE_BYTES)
		return -E2BIG;
	for (size_t i = 0; i < size; i++)
		if (!in_cookie(equals[i]))
			return -EBADMSG;
	memcpy(cookie, equals, size);
	cookie[size] = '\0';
	return 0;
}

/* ---- attestation and response ----------------------------------------------------- */

/* Not canonical yet. 0, -ENOMEM. */
static int runtime_data(const char *nonce, const char *jwk, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (!out)
		return -ENOMEM;
	fputs("{\"nonce\":", out);
	aael_json_put_string(out, nonce);
	fprintf(out, ",\"tee-pubkey\":%s,\"additional-evidence\":\"\"}", jwk);
	return fclose(out) || !*text ? -ENOMEM : 0;
}

/* *@text becomes canonical. */
static int canonicalize(char **text, size_t *size)
{
	struct aael_json_error err;
	struct cJSON *root;
	int ret = aael_json_parse(*text, *size, &root, &err);
	FILE *out;

	free(*text);
	*text = NULL;
	if (ret)
		return ret;
	out = open_memstream(text, size);
	ret = out ? aael_jcs_put(out, root) : -ENOMEM;
	aael_json_free(root);
	if (out && fclose(out))
		ret = -ENOMEM;
	return ret;
}

int aael_kbs_report_data(const struct aael_kbs_challenge *c, const char *jwk,
			 uint8_t digest[AAEL_DIGEST_MAX_BYTES])
{
	char *text = NULL;
	size_t size;
	int ret = runtime_data(c->nonce, jwk, &text, &size);

	if (!ret)
		ret = canonicalize(&text, &size);
	if (!ret)
		ret = aael_alg_hash(c->alg->id, text, size, NULL, 0, digest);
	free(text);
	return ret;
}

void aael_kbs_put_attest(FILE *out, const struct aael_kbs_attest *a)
{
	fputs("{", out);
	if (a->initdata) {
		fputs("\"init-data\":{\"format\":\"toml\",\"body\":", out);
		aael_json_put_string(out, a->initdata);
		fputs("},", out);
	}
	fputs("\"runtime-data\":{\"nonce\":", out);
	aael_json_put_string(out, a->nonce);
	fprintf(out, ",\"tee-pubkey\":%s},\"tee-evidence\":{\"primary_evidence\":", a->jwk);
}

int aael_kbs_token(const char *body, size_t size, char **token,
		   char message[AAEL_KBS_MESSAGE_BYTES])
{
	struct aael_json_error err;
	struct cJSON *root;
	const char *text;
	int ret = parse_answer(body, size, &root, message);

	*token = NULL;
	if (ret)
		return ret;
	/* Not quoted: it may be a secret under another name. */
	if (!aael_json_is_object(root) || aael_json_string(root, "token", &text, &err)) {
		aael_json_free(root);
		return refuse(message, "the answer has no token");
	}
	*token = strdup(text);
	aael_json_free(root);
	return *token ? 0 : no_memory(message);
}

/* The bytes of the token's second part. 0 and *@payload to free(). */
static int payload_of(const char *token, char **payload, size_t *size)
{
	const char *begin = strchr(token, '.'), *end = begin ? strchr(begin + 1, '.') : NULL;
	size_t len;

	*payload = NULL;
	if (!end)
		return -EBADMSG;
	len = (size_t)(end - ++begin);
	*payload = malloc(len + 1);
	if (!*payload)
		return -ENOMEM;
	return aael_base64url_decode(begin, len, (uint8_t *)*payload, len, size) ? -EBADMSG : 0;
}

/*
 * Only a slice of the payload is looked at: it shows texts of the log, which may have NULs, be
 * nested deeper than ours may, and be too many for a tree: 250,000 values of a log of 1 MiB.
 */
int aael_kbs_token_expiry(const char *token, int64_t *expiry)
{
	char *payload;
	const char *exp;
	size_t size, len;
	int64_t seconds = 0;
	int ret = payload_of(token, &payload, &size);

	if (!ret &&
	    (!aael_jsonscan_member(payload, size, "exp", &exp, &len) || len > EXPIRY_MAX_DIGITS))
		ret = -EBADMSG;
	for (size_t i = 0; !ret && i < len; i++) {
		if (exp[i] < '0' || exp[i] > '9')
			ret = -EBADMSG;
		seconds = 10 * seconds + (exp[i] - '0');
	}
	if (!ret)
		*expiry = seconds;
	free(payload);
	return ret;
}

/* ---- what went wrong ------------------------------------------------------------- */

static const struct {
	const char *name;
	enum aael_kbs_problem problem;
} problems[] = {
	{ "AttestationError", AAEL_KBS_ATTESTATION }, { "TokenNotFound", AAEL_KBS_TOKEN },
	{ "TokenVerifierError", AAEL_KBS_TOKEN },     { "PolicyDeny", AAEL_KBS_DENIED },
	{ "PluginInternalError", AAEL_KBS_PLUGIN },
};

static enum aael_kbs_problem problem_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		if (!strcmp(name, problems[i].name))
			return problems[i].problem;
	return AAEL_KBS_OTHER;
}

static void quote(const char *body, size_t size, char *message)
{
	strcpy(message, "\"");
	put_plain(message, AAEL_KBS_QUOTED_BYTES, body, size);
	strcat(message, size < AAEL_KBS_QUOTED_BYTES ? "\"" : "…\"");
}

enum aael_kbs_problem aael_kbs_problem(const char *body, size_t size,
				       char message[AAEL_KBS_MESSAGE_BYTES])
{
	const char *type, *name, *detail;
	enum aael_kbs_problem problem;
	struct aael_json_error err;
	struct cJSON *root;

	if (aael_json_parse(body, size, &root, &err) || !aael_json_is_object(root) ||
	    aael_json_string(root, "type", &type, &err)) {
		aael_json_free(root);
		quote(body, size, message);
		return AAEL_KBS_OTHER;
	}
	name = strrchr(type, '/');
	name = name ? name + 1 : type;
	problem = problem_by_name(name);
	if (aael_json_string(root, "detail", &detail, &err))
		detail = "no detail";
	message[0] = '\0';
	put_plain(message, AAEL_KBS_QUOTED_BYTES, name, strlen(name));
	put_plain(message, AAEL_KBS_MESSAGE_BYTES, ": ", 2);
	put_plain(message, AAEL_KBS_MESSAGE_BYTES, detail, strlen(detail));
	aael_json_free(root);
	return problem;
}
