// SPDX-License-Identifier: Apache-2.0
/* What is sent to a KBS, byte for byte, and what is believed of its answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kbsmsg.h"

/* The check vector: three independent computations agree on it. */
#define NONCE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define JWK                                                             \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\"," \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","        \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define SHA384                                                             \
	"dfa65d498315212bdaf8857231cf0482172933db271f15856bf30db447227eb5" \
	"b1dd9e29fcc1fb9076fb00792c3bb7e7"

static char message[AAEL_KBS_MESSAGE_BYTES];
static struct aael_kbs_challenge challenge;

static int open_challenge(const char *body)
{
	aael_kbs_challenge_close(&challenge);
	return aael_kbs_challenge_open(&challenge, body, strlen(body), message);
}

static void assert_refused(int ret, const char *why)
{
	assert_int_equal(ret, -EBADMSG);
	if (!strstr(message, why))
		fail_msg("\"%s\" does not say \"%s\"", message, why);
}

static void request_is_that_of_the_protocol(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	aael_kbs_put_auth(out, "tdx");
	fclose(out);
	assert_string_equal(text, "{\"version\":\"0.4.0\",\"tee\":\"tdx\",\"extra-params\":"
				  "{\"supported-hash-algorithms\":[\"sha384\",\"sha256\","
				  "\"sha512\"]}}");
	free(text);
}

static void hash_is_what_the_challenge_selects(void **state)
{
	static const struct {
		const char *body, *name;
	} rows[] = {
		{ "{\"nonce\":\"n\",\"extra-params\":\"\"}", "sha384" },
		{ "{\"nonce\":\"n\"}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":null}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":[1]}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":7.5e300}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":1}}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"sha256\"}}",
		  "sha256" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"SHA512\"}}",
		  "sha512" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(open_challenge(rows[i].body), 0);
		assert_string_equal(challenge.nonce, "n");
		assert_string_equal(challenge.alg->name, rows[i].name);
	}
	assert_refused(open_challenge("{\"nonce\":\"n\",\"extra-params\":"
				      "{\"selected-hash-algorithm\":\"sha1\"}}"),
		       "not offered: sha1");
}

static void challenges_without_a_nonce_are_refused(void **state)
{
	(void)state;
	assert_refused(open_challenge("{}"), "no nonce");
	assert_refused(open_challenge("{\"nonce\":5}"), "no nonce");
	assert_refused(open_challenge("[]"), "no nonce");
	assert_refused(open_challenge("no \x1b[2J JSON"), "\"no ?[2J JSON\"");
	assert_null(challenge.nonce);
}

static void report_data_is_the_check_vector(void **state)
{
	uint8_t digest[AAEL_DIGEST_MAX_BYTES];
	char text[2 * AAEL_DIGEST_MAX_BYTES + 1];

	(void)state;
	assert_int_equal(open_challenge("{\"nonce\":\"" NONCE "\"}"), 0);
	assert_int_equal(aael_kbs_report_data(&challenge, JWK, digest), 48);
	aael_hex_encode(digest, 48, text);
	assert_string_equal(text, SHA384);
	assert_int_equal(aael_kbs_report_data(&challenge, "{", digest), -EBADMSG);
}

static void attestation_is_that_of_the_protocol(void **state)
{
	struct aael_kbs_attest attest = { .nonce = "n\"", .jwk = "{}" };
	char *text = NULL;
	size_t size;

	(void)state;
	for (int i = 0; i < 2; i++) {
		FILE *out = open_memstream(&text, &size);

		attest.initdata = i ? "a = \"b\"\n" : NULL;
		aael_kbs_put_attest(out, &attest);
		fputs("{\"a\":1e30}" AAEL_KBS_ATTEST_END, out);
		fclose(out);
		assert_string_equal(
			text,
			i ? "{\"init-data\":{\"format\":\"toml\",\"body\":\"a = \\\"b\\\"\\n\"},"
			    "\"runtime-data\":{\"nonce\":\"n\\\"\",\"tee-pubkey\":{}},"
			    "\"tee-evidence\":{\"primary_evidence\":{\"a\":1e30},"
			    "\"additional_evidence\":\"\"}}"
			  : "{\"runtime-data\":{\"nonce\":\"n\\\"\",\"tee-pubkey\":{}},"
			    "\"tee-evidence\":{\"primary_evidence\":{\"a\":1e30},"
			    "\"additional_evidence\":\"\"}}");
		free(text);
	}
}

static int take_cookie(const char *header, char *cookie)
{
	return aael_kbs_cookie(header, strlen(header), cookie);
}

static void cookie_is_the_sessions(void **state)
{
	char cookie[AAEL_KBS_COOKIE_BYTES], large[AAEL_KBS_COOKIE_BYTES + 32];

	(void)state;
	assert_int_equal(take_cookie(" kbs-session-id=a-1; Expires=Thu, 01 Jan 1970\r\n", cookie),
			 0);
	assert_string_equal(cookie, "a-1");
	assert_int_equal(take_cookie("kbs-session-id=b==\r\n", cookie), 0);
	assert_string_equal(cookie, "b==");
	assert_int_equal(take_cookie(" other=c; kbs-session-id=d", cookie), -ENOENT);
	assert_int_equal(take_cookie(" kbs-session-idx=c", cookie), -ENOENT);
	assert_int_equal(take_cookie("", cookie), -ENOENT);
	assert_int_equal(take_cookie("kbs-session-id=", cookie), -EBADMSG);
	assert_int_equal(take_cookie("kbs-session-id=a b", cookie), -EBADMSG);
	assert_int_equal(take_cookie("kbs-session-id=a\x7f", cookie), -EBADMSG);
	memset(large, 'x', sizeof(large));
	memcpy(large, "kbs-session-id=", 15);
	assert_int_equal(aael_kbs_cookie(large, 15 + AAEL_KBS_COOKIE_BYTES, cookie), -E2BIG);
	assert_int_equal(aael_kbs_cookie(large, 15 + AAEL_KBS_COOKIE_BYTES - 1, cookie), 0);
	assert_int_equal(strlen(cookie), AAEL_KBS_COOKIE_BYTES - 1);
}

static void what_is_no_cookie_leaves_the_sessions(void **state)
{
	static const char *const headers[] = { "", "other=c",
					       "kbs-session-id=", "kbs-session-id=; Max-Age=0",
					       "kbs-session-id=a b" };
	char cookie[AAEL_KBS_COOKIE_BYTES] = "ours";

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		assert_true(take_cookie(headers[i], cookie) < 0);
		assert_string_equal(cookie, "ours");
	}
}

static int take_token(const char *body, char **token)
{
	return aael_kbs_token(body, strlen(body), token, message);
}

static void token_is_taken_as_it_is(void **state)
{
	char *token;

	(void)state;
	assert_int_equal(take_token("{\"token\":\"a.b.c\",\"more\":1}", &token), 0);
	assert_string_equal(token, "a.b.c");
	free(token);
	assert_refused(take_token("{\"tokn\":\"secret\"}", &token), "no token");
	assert_null(strstr(message, "secret"));
	assert_refused(take_token("{\"token\":{}}", &token), "no token");
	assert_refused(take_token("<html>", &token), "\"<html>\"");
	assert_null(token);
}

static void expiry_is_read_from_the_payload(void **state)
{
	/* {"exp":"x"}, {}; {"exp":1,"exp":1}, {"exp":1.5}, {"exp":-1}, {"a":{"exp":1}} */
	static const char *const bad[] = {
		"a.eyJleHAiOiJ4In0.c",
		"a.e30.c",
		"a.e30",
		"",
		"a.!.c",
		"a.eyJleHAiOjEsImV4cCI6MX0.c",
		"a.eyJleHAiOjEuNX0.c",
		"a.eyJleHAiOi0xfQ.c",
		"a.eyJhIjp7ImV4cCI6MX19.c",
	};
	/* {"s":"\u0000","exp":1700000000}, {"exp" : 1700000000 ,"d":[[…[]…]]} of depth 50 */
	static const char *const good[] = {
		"a.eyJleHAiOjE3MDAwMDAwMDB9.c",
		"a.eyJzIjoiXHUwMDAwIiwiZXhwIjoxNzAwMDAwMDAwfQ.c",
		"a."
		"eyJleHAiIDogMTcwMDAwMDAwMCAsImQiOltbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1"
		"tbW1tb"
		"W1tbW1tbW1tbXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV19."
		"c",
	};
	int64_t expiry = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++, expiry = 0) {
		assert_int_equal(aael_kbs_token_expiry(good[i], &expiry), 0);
		assert_int_equal(expiry, 1700000000);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(aael_kbs_token_expiry(bad[i], &expiry), -EBADMSG);
	assert_int_equal(expiry, 0);
}

static enum aael_kbs_problem problem_of(const char *body)
{
	return aael_kbs_problem(body, strlen(body), message);
}

static void problems_are_told_by_their_type(void **state)
{
	static const struct {
		const char *body;
		enum aael_kbs_problem problem;
		const char *message;
	} rows[] = {
		{ "{\"type\":\"https://a/b/AttestationError\",\"detail\":\"no \\u001b[1m\"}",
		  AAEL_KBS_ATTESTATION, "AttestationError: no ?[1m" },
		{ "{\"type\":\"TokenNotFound\"}", AAEL_KBS_TOKEN, "TokenNotFound: no detail" },
		{ "{\"type\":\"x/TokenVerifierError\",\"detail\":\"\"}", AAEL_KBS_TOKEN,
		  "TokenVerifierError: " },
		{ "{\"type\":\"x/PolicyDeny\",\"detail\":1}", AAEL_KBS_DENIED,
		  "PolicyDeny: no detail" },
		{ "{\"type\":\"x/PluginInternalError\",\"detail\":\"ä\"}", AAEL_KBS_PLUGIN,
		  "PluginInternalError: ä" },
		{ "{\"type\":\"x/AttestationErrorx\",\"detail\":\"d\"}", AAEL_KBS_OTHER,
		  "AttestationErrorx: d" },
		{ "{\"type\":7}", AAEL_KBS_OTHER, "\"{\"type\":7}\"" },
		{ "", AAEL_KBS_OTHER, "\"\"" },
		{ "<h1>\xff \n</h1>", AAEL_KBS_OTHER, "\"<h1>? ?</h1>\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(problem_of(rows[i].body), rows[i].problem);
		assert_string_equal(message, rows[i].message);
	}
}

static void long_texts_are_cut(void **state)
{
	char body[4096], *end = body + sprintf(body, "{\"type\":\"t\",\"detail\":\"");

	(void)state;
	for (int i = 0; i < 1500; i++)
		end = stpcpy(end, "ä");
	strcpy(end, "\"}");
	problem_of(body);
	assert_in_range(strlen(message), AAEL_KBS_MESSAGE_BYTES - 3, AAEL_KBS_MESSAGE_BYTES - 1);
	memset(body, 'x', sizeof(body));
	aael_kbs_problem(body, sizeof(body), message);
	assert_in_range(strlen(message), AAEL_KBS_QUOTED_BYTES, AAEL_KBS_QUOTED_BYTES + 5);
}

static int close_challenge(void **state)
{
	(void)state;
	aael_kbs_challenge_close(&challenge);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_that_of_the_protocol),
		cmocka_unit_test(hash_is_what_the_challenge_selects),
		cmocka_unit_test(challenges_without_a_nonce_are_refused),
		cmocka_unit_test(report_data_is_the_check_vector),
		cmocka_unit_test(attestation_is_that_of_the_protocol),
		cmocka_unit_test(cookie_is_the_sessions),
		cmocka_unit_test(what_is_no_cookie_leaves_the_sessions),
		cmocka_unit_test(token_is_taken_as_it_is),
		cmocka_unit_test(expiry_is_read_from_the_payload),
		cmocka_unit_test(problems_are_told_by_their_type),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests_name("kbsmsg", tests, NULL, close_challenge);
}
