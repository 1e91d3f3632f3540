// SPDX-License-Identifier: Apache-2.0
/*
 * usage: barehttp PORT
 *
 * What no POST to aaeld can be without: evhttp and a handler that answers a constant, the bytes
 * with which aaeld says that an event is logged.
 */
#include <event2/buffer.h>
#include <event2/http.h>

#include "serve.h"

static void answer(struct evhttp_request *req, void *arg)
{
	static const char success[] = "{\"success\":\"true\"}";
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();

	(void)arg;
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evbuffer_add(body, success, sizeof(success) - 1);
	evhttp_send_reply(req, HTTP_OK, NULL, body);
	evbuffer_free(body);
}

int main(int argc, char **argv)
{
	return bench_serve(argc, argv, answer);
}
