/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a KBS and its client say to each other, without any connection: the RCAR handshake
 * (request, challenge, attestation, response) of protocol 0.4.0.
 *
 * Messages for people hold no control character, whatever the KBS sent.
 */
#ifndef AAEL_LIB_KBSMSG_H
#define AAEL_LIB_KBSMSG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "libaael.h"

#define AAEL_KBS_VERSION "0.4.0"
#define AAEL_KBS_MESSAGE_BYTES 512
#define AAEL_KBS_QUOTED_BYTES 200 /* of an answer that is not understood */
#define AAEL_KBS_COOKIE_BYTES 1024

/* ---- request and challenge: POST /auth ------------------------------------------ */

/* @tee: "tdx", "tpm", "sample". */
void aael_kbs_put_auth(FILE *out, const char *tee);

struct aael_kbs_challenge {
	char *nonce;
	const struct aael_alg *alg; /* hash of the runtime data: that of choice, else SHA-384 */
};

/*
 * 0 and *@challenge to aael_kbs_challenge_close(); -EBADMSG: not a challenge, or a hash that
 * was not offered; -ENOMEM. @message says why.
 */
int aael_kbs_challenge_open(struct aael_kbs_challenge *challenge, const char *body, size_t size,
			    char message[AAEL_KBS_MESSAGE_BYTES]);
void aael_kbs_challenge_close(struct aael_kbs_challenge *challenge);

/*
 * The value of the header "Set-Cookie: kbs-session-id=VALUE; …", of which @header are the
 * @size bytes behind the colon. 0; -ENOENT: another cookie; -E2BIG; -EBADMSG: it is empty, or
 * has characters that no cookie has (RFC 6265, section 4.1.1). Then @cookie stays what it was.
 */
int aael_kbs_cookie(const char *header, size_t size, char cookie[AAEL_KBS_COOKIE_BYTES]);

/* ---- attestation and response: POST /attest --------------------------------------- */

/*
 * The hash by @challenge of the canonical runtime data, which is what the evidence binds; @jwk
 * is our public key. The digest's bytes; -EBADMSG: @jwk is no JSON; as aael_alg_hash().
 */
int aael_kbs_report_data(const struct aael_kbs_challenge *challenge, const char *jwk,
			 uint8_t digest[AAEL_DIGEST_MAX_BYTES]);

struct aael_kbs_attest {
	const char *nonce;
	const char *jwk;
	const char *initdata; /* the document, or NULL */
};

/* What stands in front of the evidence, which is JSON and embedded as it is, and behind it. */
void aael_kbs_put_attest(FILE *out, const struct aael_kbs_attest *attest);
#define AAEL_KBS_ATTEST_END ",\"additional_evidence\":\"\"}}"
/* {"token":…}. 0 and *@token to free(); -EBADMSG, and @message says why; -ENOMEM. */
int aael_kbs_token(const char *body, size_t size, char **token,
		   char message[AAEL_KBS_MESSAGE_BYTES]);
/*
 * When the token (JWT, RFC 7519) ends by its own account, in seconds since 1970; its signature
 * is for others to check. 0; -EBADMSG: it does not say so, or it is no JWT; -ENOMEM.
 */
int aael_kbs_token_expiry(const char *token, int64_t *expiry);

/* ---- what went wrong ----------------------------------------------------------------- */

enum aael_kbs_problem {
	AAEL_KBS_OTHER,
	AAEL_KBS_ATTESTATION, /* AttestationError: the evidence, or the nonce, was refused */
	AAEL_KBS_TOKEN,	      /* TokenNotFound, TokenVerifierError: the session has ended */
	AAEL_KBS_DENIED,      /* PolicyDeny */
	AAEL_KBS_PLUGIN,      /* PluginInternalError: also a resource that is not there */
};

/*
 * An answer that is no success, ErrorInformation {"type","detail"} or not. @message becomes
 * `AttestationError: detail`, else the beginning of the body in quotes.
 */
enum aael_kbs_problem aael_kbs_problem(const char *body, size_t size,
				       char message[AAEL_KBS_MESSAGE_BYTES]);

#endif
