// SPDX-License-Identifier: Apache-2.0
/* Shapes of a request that two parsers could cut in two ways, which evhttp takes. */
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <sys/queue.h>

#include "aaeld.h"

static unsigned int count_header(const struct evkeyvalq *headers, const char *name)
{
	const struct evkeyval *h;
	unsigned int n = 0;

	TAILQ_FOREACH(h, headers, next)
	n += !evutil_ascii_strcasecmp(h->key, name);
	return n;
}

/* RFC 9110, 5.6.2 */
static bool is_token(const char *text)
{
	static const bool token[256] = {
		['!'] = true,	      ['#' ... '\''] = true, ['*'] = true,
		['+'] = true,	      ['-'] = true,	     ['.'] = true,
		['0' ... '9'] = true, ['A' ... 'Z'] = true,  ['^' ... 'z'] = true,
		['|'] = true,	      ['~'] = true,
	};
	const char *p = text;

	while (token[(unsigned char)*p])
		p++;
	return p > text && !*p;
}

/* What looks like a header to the next parser must be one to us. */
static bool names_are_tokens(const struct evkeyvalq *headers)
{
	const struct evkeyval *h;

	TAILQ_FOREACH(h, headers, next)
	if (!is_token(h->key))
		return false;
	return true;
}

const char *aaeld_framing_error(const struct evhttp_request *req)
{
	const struct evkeyvalq *h = req->input_headers;
	const char *length = evhttp_find_header(h, "Content-Length");
	const char *coding = evhttp_find_header(h, "Transfer-Encoding");

	if (req->major != 1)
		return "HTTP version: only 1.0 and 1.1 are served";
	if (!names_are_tokens(h))
		return "header: bad name";
	if (count_header(h, "Content-Length") > 1 || (length && coding))
		return "Content-Length: more than one length";
	if (length && (!*length || length[strspn(length, "0123456789")]))
		return "Content-Length: not a number";
	if (count_header(h, "Transfer-Encoding") > 1 ||
	    (coding && evutil_ascii_strcasecmp(coding, "chunked")))
		return "Transfer-Encoding: only chunked";
	if (coding && req->minor < 1)
		return "Transfer-Encoding: not in HTTP/1.0";
	if ((coding || (length && length[strspn(length, "0")])) &&
	    evhttp_request_get_command(req) != EVHTTP_REQ_POST &&
	    evhttp_request_get_command(req) != EVHTTP_REQ_PUT &&
	    evhttp_request_get_command(req) != EVHTTP_REQ_PATCH)
		return "body: only POST has one";
	if (count_header(h, "Host") > 1 || (req->minor >= 1 && !evhttp_find_header(h, "Host")))
		return "Host: exactly one is needed";
	return NULL;
}
