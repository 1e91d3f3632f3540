// SPDX-License-Identifier: Apache-2.0
/* What can be said about a KBS before it is asked: its address, certificate, and our key. */
#include <errno.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "aaeld.h"

#define PARAMS_KBC "cc_kbc"
#define PARAMS_SEPARATOR "::"

static bool is_kbs(const struct evhttp_uri *uri)
{
	const char *scheme = evhttp_uri_get_scheme(uri), *host = evhttp_uri_get_host(uri);

	return scheme && (!strcasecmp(scheme, "http") || !strcasecmp(scheme, "https")) && host &&
	       *host && evhttp_uri_get_port(uri) && !evhttp_uri_get_userinfo(uri) &&
	       !evhttp_uri_get_query(uri) && !evhttp_uri_get_fragment(uri);
}

int aaeld_kbs_url(const char *text, size_t size, char **url)
{
	struct evhttp_uri *uri;
	bool good;

	*url = NULL;
	for (size_t i = 0; i < size; i++)
		if (text[i] < '!' || text[i] > '~')
			return -EINVAL;
	while (size && text[size - 1] == '/')
		size--;
	*url = strndup(text, size);
	if (!*url)
		return -ENOMEM;
	uri = evhttp_uri_parse(*url);
	good = uri && is_kbs(uri);
	if (uri)
		evhttp_uri_free(uri);
	if (good)
		return 0;
	free(*url);
	*url = NULL;
	return -EINVAL;
}

int aaeld_kbs_params(const char *text, size_t size, char **url)
{
	const char *split = memmem(text, size, PARAMS_SEPARATOR, strlen(PARAMS_SEPARATOR));
	size_t kbc = split ? (size_t)(split - text) : 0;

	*url = NULL;
	if (!kbc)
		return -EINVAL;
	if (kbc != strlen(PARAMS_KBC) || memcmp(text, PARAMS_KBC, kbc))
		return -ENOENT;
	kbc += strlen(PARAMS_SEPARATOR);
	return aaeld_kbs_url(text + kbc, size - kbc, url);
}

int aaeld_kbs_certs(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	unsigned long err;
	int count = 0;
	X509 *cert;

	if (!bio)
		return -ENOMEM;
	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_free(cert);
		count++;
	}
	/* The end is an error, too: that nothing more begins. */
	err = ERR_peek_last_error();
	ERR_clear_error();
	BIO_free(bio);
	if (ERR_GET_LIB(err) != ERR_LIB_PEM || ERR_GET_REASON(err) != PEM_R_NO_START_LINE)
		return -EINVAL;
	return count ? count : -EINVAL;
}

static const char *const key_names[] = {
	[AAEL_TEEKEY_P256] = "ECDH-ES+A256KW-P256",
	[AAEL_TEEKEY_P521] = "ECDH-ES+A256KW-P521",
	[AAEL_TEEKEY_RSA] = "RSA-OAEP-256",
};

const char *aaeld_kbs_key_name(enum aael_teekey_alg key)
{
	return key_names[key];
}

int aaeld_kbs_parse_key(const char *name, enum aael_teekey_alg *key)
{
	for (unsigned int i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++) {
		if (!strcmp(name, key_names[i])) {
			*key = (enum aael_teekey_alg)i;
			return 0;
		}
	}
	return -EINVAL;
}
