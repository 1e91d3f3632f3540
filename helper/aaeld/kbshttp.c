// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP to one KBS: libcurl, within a deadline, ended at once when the daemon stops. Redirects
 * are not followed, and the session's cookie is ours to keep: its Expires is by the KBS's clock.
 *
 * libcurl is loaded with the first request: it and the thirty libraries that come with it take
 * more memory than all the rest of the daemon, which many never ask for a token.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "aaeld.h"

#define CONNECT_MS 10000
#define TRIES 5
#define SMALL_BODY_BYTES (16 * 1024)
#define COOKIE_HEADER "set-cookie:"
#define LIBRARY "libcurl.so.4"

struct aaeld_kbshttp {
	char *url;
	char *cert;	      /* PEM, or NULL */
	CURLM *_Atomic multi; /* NULL before the first request, as easy */
	CURL *easy;
	atomic_bool stop;
};

/* One request under way. */
struct transfer {
	struct aaeld_kbs_request *request;
	struct aaeld_kbs_answer *answer;
	size_t sent; /* of the request's body */
	size_t header_bytes;
	const char *too_large; /* what has more bytes than its limit, or NULL */
	size_t limit;
};

/* ---- the library ------------------------------------------------------------------ */

/* curl.easy_init() is curl.easy_init(), and so on. */
static struct {
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_global_cleanup) *global_cleanup;
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_info_read) *multi_info_read;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_perform) *multi_perform;
	__typeof__(curl_multi_poll) *multi_poll;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_wakeup) *multi_wakeup;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
} curl;

#define CALL(name) { "curl_" #name, &curl.name }

static const struct {
	const char *name;
	void *pointer; /* of curl */
} calls[] = {
	CALL(easy_cleanup),   CALL(easy_getinfo),	 CALL(easy_init),    CALL(easy_setopt),
	CALL(easy_strerror),  CALL(global_cleanup),	 CALL(global_init),  CALL(multi_add_handle),
	CALL(multi_cleanup),  CALL(multi_info_read),	 CALL(multi_init),   CALL(multi_perform),
	CALL(multi_poll),     CALL(multi_remove_handle), CALL(multi_wakeup), CALL(slist_append),
	CALL(slist_free_all),
};

/* 0, or -ELIBACC. On the KBS's thread. */
static int load(char message[AAEL_KBS_MESSAGE_BYTES])
{
	void *library = dlopen(LIBRARY, RTLD_NOW), *call;

	for (size_t i = 0; library && i < sizeof(calls) / sizeof(calls[0]); i++) {
		call = dlsym(library, calls[i].name);
		if (call)
			memcpy(calls[i].pointer, &call, sizeof(call));
		else
			library = NULL;
	}
	if (library)
		return 0;
	snprintf(message, AAEL_KBS_MESSAGE_BYTES, "%s", dlerror());
	return -ELIBACC;
}

/* ---- what curl calls ------------------------------------------------------------ */

/* Ends the transfer. */
static size_t refuse(struct transfer *t, const char *what, size_t limit)
{
	t->too_large = what;
	t->limit = limit;
	return 0;
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
	struct transfer *t = arg;
	struct aaeld_kbs_answer *a = t->answer;
	char *body;

	(void)one;
	if (size > t->request->answer_max - a->size)
		return refuse(t, "the answer", t->request->answer_max);
	/* Grows by half: what is kept is never asked of the heap a byte at a time. */
	if (a->size + size >= a->room) {
		a->room = (a->size + size) * 3 / 2 + 1;
		body = realloc(a->body, a->room);
		if (!body)
			return 0;
		a->body = body;
	}
	memcpy(a->body + a->size, data, size);
	a->size += size;
	a->body[a->size] = '\0';
	return size;
}

static size_t on_header(char *data, size_t one, size_t size, void *arg)
{
	struct transfer *t = arg;
	size_t name = strlen(COOKIE_HEADER);

	(void)one;
	/* libcurl keeps each line, also those behind the body, for whose number it has no limit. */
	if (size > AAELD_KBS_HEADERS_MAX_BYTES - t->header_bytes)
		return refuse(t, "the answer's header", AAELD_KBS_HEADERS_MAX_BYTES);
	t->header_bytes += size;
	if (size > name && !strncasecmp(data, COOKIE_HEADER, name))
		aael_kbs_cookie(data + name, size - name, t->request->cookie);
	return size;
}

static size_t on_upload(char *to, size_t one, size_t room, void *arg)
{
	struct transfer *t = arg;
	size_t n =
		aael_parts_read(t->request->body, t->request->body_parts, t->sent, to, one * room);

	t->sent += n;
	return n;
}

/* To send it once more: the KBS had closed a connection that was kept. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_FAIL;
	t->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- a request ---------------------------------------------------------------------- */

/*
 * The certificates of the configuration are the only ones that are believed then; without,
 * those of the system are.
 */
static CURLcode set_trust(struct aaeld_kbshttp *h)
{
	struct curl_blob blob = { .data = h->cert, .flags = CURL_BLOB_COPY };
	CURLcode ret = curl.easy_setopt(h->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);

	if (ret || !h->cert)
		return ret;
	blob.len = strlen(h->cert);
	ret = curl.easy_setopt(h->easy, CURLOPT_CAINFO_BLOB, &blob);
	return ret ? ret : curl.easy_setopt(h->easy, CURLOPT_CAPATH, NULL);
}

static CURLcode set_once(struct aaeld_kbshttp *h)
{
	CURLcode ret = curl.easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");

	if (!ret)
		ret = set_trust(h);
	if (!ret)
		ret = curl.easy_setopt(h->easy, CURLOPT_USERAGENT, "aaeld/" AAEL_VERSION);
	if (ret)
		return ret;
	curl.easy_setopt(h->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl.easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
	/* A resolver that is at it stays behind: neither deadline nor stop wait for it. */
	curl.easy_setopt(h->easy, CURLOPT_QUICK_EXIT, 1L);
	curl.easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl.easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl.easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl.easy_setopt(h->easy, CURLOPT_READFUNCTION, on_upload);
	curl.easy_setopt(h->easy, CURLOPT_SEEKFUNCTION, on_rewind);
	curl.easy_setopt(h->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return CURLE_OK;
}

static void close_handles(struct aaeld_kbshttp *h)
{
	if (!h->multi)
		return;
	curl.easy_cleanup(h->easy);
	curl.multi_cleanup(h->multi);
	curl.global_cleanup();
	h->multi = NULL;
	h->easy = NULL;
}

/* 0, also if they are open. */
static int open_handles(struct aaeld_kbshttp *h, char message[AAEL_KBS_MESSAGE_BYTES])
{
	int ret = h->multi ? 0 : load(message);

	if (ret || h->multi)
		return ret;
	snprintf(message, AAEL_KBS_MESSAGE_BYTES, "no memory");
	if (curl.global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	h->easy = curl.easy_init();
	h->multi = curl.multi_init();
	if (!h->multi) {
		curl.easy_cleanup(h->easy);
		h->easy = NULL;
		curl.global_cleanup();
		return -ENOMEM;
	}
	if (h->easy && !set_once(h))
		return 0;
	close_handles(h);
	return -ENOMEM;
}

/* NULL: no memory. */
static struct curl_slist *headers_of(const struct aaeld_kbs_request *r)
{
	/* A KBS of HTTP/1.0 says nothing to an Expect. */
	struct curl_slist *list = curl.slist_append(NULL, "Expect:"), *more;

	if (!list || !r->body)
		return list;
	more = curl.slist_append(list, "Content-Type: application/json");
	if (!more)
		curl.slist_free_all(list);
	return more;
}

/* A small one goes with the header, in one piece; a large one is made while it is sent. */
static CURLcode set_body(struct aaeld_kbshttp *h, struct transfer *t)
{
	const struct aaeld_kbs_request *r = t->request;
	size_t size = aael_parts_size(r->body, r->body_parts);
	char *text = NULL;
	CURLcode ret;

	if (size <= SMALL_BODY_BYTES) {
		text = aael_parts_text(r->body, r->body_parts, &size);
		if (!text)
			return CURLE_OUT_OF_MEMORY;
	}
	curl.easy_setopt(h->easy, CURLOPT_POST, 1L);
	curl.easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
	curl.easy_setopt(h->easy, CURLOPT_READDATA, t);
	curl.easy_setopt(h->easy, CURLOPT_SEEKDATA, t);
	ret = curl.easy_setopt(h->easy, CURLOPT_COPYPOSTFIELDS, text);
	free(text);
	return ret;
}

static CURLcode set_request(struct aaeld_kbshttp *h, struct transfer *t, struct curl_slist *headers)
{
	const struct aaeld_kbs_request *r = t->request;
	char cookie[AAEL_KBS_COOKIE_BYTES + sizeof("kbs-session-id=")], *url;
	CURLcode ret;

	if (asprintf(&url, "%s/kbs/v0/%s", h->url, r->path) < 0)
		return CURLE_OUT_OF_MEMORY;
	ret = curl.easy_setopt(h->easy, CURLOPT_URL, url);
	free(url);
	snprintf(cookie, sizeof(cookie), "kbs-session-id=%s", r->cookie);
	if (!ret)
		ret = curl.easy_setopt(h->easy, CURLOPT_COOKIE, *r->cookie ? cookie : NULL);
	if (ret)
		return ret;
	curl.easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
	curl.easy_setopt(h->easy, CURLOPT_WRITEDATA, t);
	curl.easy_setopt(h->easy, CURLOPT_HEADERDATA, t);
	if (r->body)
		return set_body(h, t);
	curl.easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
	return CURLE_OK;
}

/* The one transfer of the multi handle, until it is done. */
static CURLcode transfer(struct aaeld_kbshttp *h, int64_t deadline_ms)
{
	int running = 1, left;
	int64_t ms;
	CURLMsg *message;

	for (;;) {
		if (curl.multi_perform(h->multi, &running))
			return CURLE_FAILED_INIT;
		if (!running)
			break;
		ms = deadline_ms - aaeld_now_ms();
		if (h->stop)
			return CURLE_ABORTED_BY_CALLBACK;
		if (ms <= 0)
			return CURLE_OPERATION_TIMEDOUT;
		curl.multi_poll(h->multi, NULL, 0, (int)ms, NULL);
	}
	message = curl.multi_info_read(h->multi, &left);
	return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

static CURLcode ask(struct aaeld_kbshttp *h, struct transfer *t, char *error)
{
	struct curl_slist *headers = headers_of(t->request);
	CURLcode ret = headers ? set_request(h, t, headers) : CURLE_OUT_OF_MEMORY;

	*error = '\0';
	curl.easy_setopt(h->easy, CURLOPT_ERRORBUFFER, error);
	if (!ret && curl.multi_add_handle(h->multi, h->easy))
		ret = CURLE_OUT_OF_MEMORY;
	if (!ret) {
		ret = transfer(h, t->request->deadline_ms);
		curl.multi_remove_handle(h->multi, h->easy);
	}
	curl.easy_setopt(h->easy, CURLOPT_ERRORBUFFER, NULL);
	curl.slist_free_all(headers);
	return ret;
}

static void drop(struct aaeld_kbs_answer *answer)
{
	free(answer->body);
	*answer = (struct aaeld_kbs_answer){ 0 };
}

/* Errors that another try may not meet. */
static int error_of(CURLcode code, const struct transfer *t)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	case CURLE_OPERATION_TIMEDOUT:
		/* Before the deadline it is only the connection that was not made in time. */
		return aaeld_now_ms() < t->request->deadline_ms ? -EIO : -ETIMEDOUT;
	case CURLE_WRITE_ERROR:
		return t->too_large ? -EFBIG : -ENOMEM;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return -EKEYREJECTED;
	default:
		return -EIO;
	}
}

int aaeld_kbshttp_ask(struct aaeld_kbshttp *h, struct aaeld_kbs_request *request,
		      struct aaeld_kbs_answer *answer, char message[AAEL_KBS_MESSAGE_BYTES])
{
	struct transfer t = { .request = request, .answer = answer };
	char error[CURL_ERROR_SIZE];
	CURLcode code;
	long status;
	int ret;

	*answer = (struct aaeld_kbs_answer){ 0 };
	ret = open_handles(h, message);
	if (ret)
		return ret;
	code = ask(h, &t, error);
	ret = error_of(code, &t);
	if (!ret) {
		curl.easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
		answer->status = (int)status;
		return 0;
	}
	drop(answer);
	if (ret == -EFBIG)
		snprintf(message, AAEL_KBS_MESSAGE_BYTES, "%s has more than %zu bytes", t.too_large,
			 t.limit);
	else if (ret == -ETIMEDOUT)
		snprintf(message, AAEL_KBS_MESSAGE_BYTES, "no answer in time");
	else
		snprintf(message, AAEL_KBS_MESSAGE_BYTES, "%s",
			 *error ? error : curl.easy_strerror(code));
	return ret;
}

/* ---- tries ----------------------------------------------------------------------- */

static bool is_worth_a_try(int ret, int status)
{
	return ret == -EIO || (!ret && status >= 500);
}

/* 0, or -ECANCELED; curl's own poll, because it can be woken. */
static int pause_for(struct aaeld_kbshttp *h, int64_t ms)
{
	int64_t until = aaeld_now_ms() + ms;

	while (!h->stop && ms > 0) {
		curl.multi_poll(h->multi, NULL, 0, (int)ms, NULL);
		ms = until - aaeld_now_ms();
	}
	return h->stop ? -ECANCELED : 0;
}

int aaeld_kbshttp_insist(struct aaeld_kbshttp *h, struct aaeld_kbs_request *request,
			 struct aaeld_kbs_answer *answer, char message[AAEL_KBS_MESSAGE_BYTES])
{
	int ret;

	for (unsigned int i = 1;; i++) {
		ret = aaeld_kbshttp_ask(h, request, answer, message);
		if (i == TRIES || !is_worth_a_try(ret, answer->status) ||
		    aaeld_now_ms() + AAELD_KBS_PAUSE_MS >= request->deadline_ms)
			return ret;
		aaeld_log(AAELD_DEBUG, "the KBS will be asked again: %s",
			  ret ? message : "it is in trouble");
		drop(answer);
		if (pause_for(h, AAELD_KBS_PAUSE_MS))
			return -ECANCELED;
	}
}

/* ---- life ------------------------------------------------------------------------ */

struct aaeld_kbshttp *aaeld_kbshttp_new(const char *url, const char *cert)
{
	struct aaeld_kbshttp *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->url = strdup(url);
	h->cert = cert ? strdup(cert) : NULL;
	if (h->url && (h->cert || !cert))
		return h;
	aaeld_kbshttp_free(h);
	return NULL;
}

void aaeld_kbshttp_stop(struct aaeld_kbshttp *h)
{
	CURLM *multi;

	/* Whose handle comes later sees this before it waits for anything. */
	h->stop = true;
	multi = h->multi;
	if (multi)
		curl.multi_wakeup(multi);
}

void aaeld_kbshttp_free(struct aaeld_kbshttp *h)
{
	if (!h)
		return;
	close_handles(h);
	free(h->url);
	free(h->cert);
	free(h);
}
