// SPDX-License-Identifier: Apache-2.0
/*
 * evhttp answers some malformed requests by itself, in HTML. Its page stands complete in
 * the output buffer, perhaps behind a "100 Continue", before anything of it is sent:
 * it is replaced there.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"

#define PAGE_END "</BODY></HTML>\n"
#define PAGE_MAX_BYTES 1024
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static const struct page {
	int status;
	const char *phrase;
	const char *text;
} pages[] = {
	{ 413, "Content Too Large", "body: more than 1 MiB, or a malformed chunk" },
	{ 417, "Expectation Failed", "Expect: only 100-continue" },
	{ 500, "Internal Server Error", "out of memory" },
	{ 501, "Not Implemented", "method: CONNECT is not served" },
	{ 400, "Bad Request", "malformed HTTP request" },
};

/* The last one stands for what is not there. */
static const struct page *find_page(int status)
{
	const struct page *p = pages;

	while (p->status != status && p->status != 400)
		p++;
	return p;
}

int aaeld_page_replace(struct evbuffer *out)
{
	char page[PAGE_MAX_BYTES], body[AAELD_MESSAGE_BYTES];
	size_t size = evbuffer_get_length(out), end = strlen(PAGE_END);
	const struct page *new;
	const char *error = page;

	if (size < end || size >= sizeof(page))
		return 0;
	/* Between two writes bufferevents keep the beginning frozen. */
	evbuffer_unfreeze(out, 1);
	if (evbuffer_copyout(out, page, size) != (ev_ssize_t)size)
		return 0;
	page[size] = '\0';
	if (!strncmp(error, CONTINUE, strlen(CONTINUE)))
		error += strlen(CONTINUE);
	if (memcmp(page + size - end, PAGE_END, end) || strncmp(error, "HTTP/1.", 7))
		return 0;
	new = find_page(atoi(error + strlen("HTTP/1.1 ")));
	snprintf(body, sizeof(body), "{\"success\":\"false\",\"message\": \"%s\"}", new->text);
	evbuffer_drain(out, size);
	evbuffer_add_printf(out,
			    "%.*sHTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			    (int)(error - page), page, new->status, new->phrase, strlen(body),
			    body);
	return new->status;
}
