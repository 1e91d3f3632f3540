// SPDX-License-Identifier: Apache-2.0
/*
 * A KBS that believes whatever it is sent, at once and with the same words: what is left is a
 * round trip. tests/kbs verifies, which in Python and under emulation takes far longer than all that
 * is to be measured.
 *
 *	kbs PORT
 */
#include <event2/buffer.h>
#include <event2/http.h>
#include <string.h>

#include "serve.h"

/* Of {"alg":"none"}, {"exp":9999999999}: it may be given again for long. */
#define TOKEN "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9."

static void answer(struct evhttp_request *req, void *arg)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();

	(void)arg;
	evhttp_add_header(headers, "Content-Type", "application/json");
	if (strstr(evhttp_request_get_uri(req), "/auth")) {
		evhttp_add_header(headers, "Set-Cookie", "kbs-session-id=1");
		evbuffer_add_printf(body,
				    "{\"nonce\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
				    "\",\"extra-params\":\"\"}");
	} else {
		evbuffer_add_printf(body, "{\"token\":\"" TOKEN "\"}");
	}
	evhttp_send_reply(req, HTTP_OK, NULL, body);
	evbuffer_free(body);
}

int main(int argc, char **argv)
{
	return bench_serve(argc, argv, answer);
}
