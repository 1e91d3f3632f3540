// SPDX-License-Identifier: Apache-2.0
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>

#include "serve.h"

int bench_serve(int argc, char **argv, void (*answer)(struct evhttp_request *req, void *unused))
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;

	if (argc != 2 || !http ||
	    evhttp_bind_socket(http, "127.0.0.1", (unsigned short)atoi(argv[1])))
		return 1;
	evhttp_set_gencb(http, answer, NULL);
	return event_base_dispatch(base);
}
