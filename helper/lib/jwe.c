// SPDX-License-Identifier: Apache-2.0
/* Everything is checked for its form before the private key is used. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "codec.h"
#include "json.h"
#include "jwa.h"
#include "jwe.h"
#include "secret.h"

struct parts {
	struct aael_jwa_point epk; /* EC only */
	uint8_t wrapped[AAEL_JWA_WRAPPED_MAX_BYTES];
	uint8_t iv[AAEL_JWA_IV_BYTES];
	uint8_t tag[AAEL_JWA_TAG_BYTES];
	const char *aad; /* "protected", as it came; belongs to the JSON */
	uint8_t *data;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int refuse(char *message, int ret, const char *format,
							...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, AAEL_JWE_MESSAGE_BYTES, format, ap);
	va_end(ap);
	return ret;
}

static int get_string(const cJSON *object, const char *name, const char **text, char *message)
{
	struct aael_json_error err;

	if (aael_json_string(object, name, text, &err))
		return refuse(message, -EBADMSG, "%s", err.text);
	return 0;
}

/* Exactly @size bytes. */
static int get_bytes(const cJSON *object, const char *name, uint8_t *out, size_t size,
		     char *message)
{
	const char *text;
	size_t got;
	int ret = get_string(object, name, &text, message);

	if (ret)
		return ret;
	ret = aael_base64url_decode(text, strlen(text), out, size, &got);
	if (ret == -EINVAL)
		return refuse(message, -EBADMSG, "%s: not base64url", name);
	if (ret || got != size)
		return refuse(message, -EBADMSG, "%s: must have %zu bytes", name, size);
	return 0;
}

/* However many there are; *@out to free(). */
static int get_all_bytes(const cJSON *object, const char *name, uint8_t **out, size_t *size,
			 char *message)
{
	const char *text;
	size_t room;
	int ret = get_string(object, name, &text, message);

	if (ret)
		return ret;
	room = strlen(text) / 4 * 3 + 3;
	*out = malloc(room);
	if (!*out)
		return refuse(message, -ENOMEM, "%s: no memory", name);
	if (!aael_base64url_decode(text, strlen(text), *out, room, size))
		return 0;
	free(*out);
	*out = NULL;
	return refuse(message, -EBADMSG, "%s: not base64url", name);
}

static int check_text(const cJSON *object, const char *name, const char *wanted, int err,
		      char *message)
{
	const char *text;
	int ret = get_string(object, name, &text, message);

	if (!ret && strcmp(text, wanted))
		ret = refuse(message, err, "%s: must be %s", name, wanted);
	return ret;
}

static int get_epk(const cJSON *header, enum aael_teekey_alg alg, struct aael_jwa_point *point,
		   char *message)
{
	const cJSON *epk = cJSON_GetObjectItemCaseSensitive(header, "epk");
	size_t bytes;
	const char *curve = aael_teekey_curve(alg, &bytes);
	int ret;

	if (!cJSON_IsObject(epk))
		return refuse(message, -EBADMSG, "epk: must be an object in the protected header");
	ret = check_text(epk, "kty", "EC", -EBADMSG, message);
	if (!ret)
		ret = check_text(epk, "crv", curve, -EBADMSG, message);
	point->bytes[0] = 4;
	if (!ret)
		ret = get_bytes(epk, "x", point->bytes + 1, bytes, message);
	if (!ret)
		ret = get_bytes(epk, "y", point->bytes + 1 + bytes, bytes, message);
	point->size = 1 + 2 * bytes;
	return ret;
}

static int check_header(const cJSON *header, enum aael_teekey_alg alg, struct parts *parts,
			char *message)
{
	static const char *const unsupported[] = { "crit", "zip", "apu", "apv" };
	bool rsa = alg == AAEL_TEEKEY_RSA;
	int ret;

	if (!cJSON_IsObject(header))
		return refuse(message, -EBADMSG, "protected: not a JSON object");
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
		if (cJSON_GetObjectItemCaseSensitive(header, unsupported[i]))
			return refuse(message, -EOPNOTSUPP, "%s: not supported", unsupported[i]);
	ret = check_text(header, "alg", rsa ? "RSA-OAEP-256" : "ECDH-ES+A256KW", -EOPNOTSUPP,
			 message);
	if (!ret)
		ret = check_text(header, "enc", "A256GCM", -EOPNOTSUPP, message);
	if (!ret && !rsa)
		ret = get_epk(header, alg, &parts->epk, message);
	return ret;
}

static int read_header(const cJSON *root, enum aael_teekey_alg alg, struct parts *parts,
		       char *message)
{
	struct aael_json_error err;
	uint8_t *text = NULL;
	cJSON *header;
	size_t size = 0;
	int ret;

	ret = get_string(root, "protected", &parts->aad, message);
	if (!ret)
		ret = get_all_bytes(root, "protected", &text, &size, message);
	if (ret)
		return ret;
	ret = aael_json_parse((const char *)text, size, &header, &err);
	if (ret)
		refuse(message, ret, "protected: %s", err.text);
	else
		ret = check_header(header, alg, parts, message);
	aael_json_free(header);
	free(text);
	return ret;
}

static int read_parts(const cJSON *root, enum aael_teekey_alg alg, struct parts *parts,
		      char *message)
{
	static const char *const refused[] = { "header", "unprotected", "recipients", "aad" };
	int ret;

	if (!cJSON_IsObject(root))
		return refuse(message, -EBADMSG, "not a JSON object");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const cJSON *member = cJSON_GetObjectItemCaseSensitive(root, refused[i]);

		if (member && !cJSON_IsNull(member))
			return refuse(message, -EBADMSG, "%s: not expected", refused[i]);
	}
	ret = read_header(root, alg, parts, message);
	if (!ret)
		ret = get_bytes(root, "encrypted_key", parts->wrapped, aael_jwa_wrapped_bytes(alg),
				message);
	if (!ret)
		ret = get_bytes(root, "iv", parts->iv, sizeof(parts->iv), message);
	if (!ret)
		ret = get_bytes(root, "tag", parts->tag, sizeof(parts->tag), message);
	if (!ret)
		ret = get_all_bytes(root, "ciphertext", &parts->data, &parts->size, message);
	return ret;
}

static int decrypt(const struct aael_teekey *key, const struct parts *parts, uint8_t **out,
		   char *message)
{
	uint8_t cek[AAEL_JWA_CEK_BYTES] = { 0 };
	uint8_t *data = malloc(parts->size ? parts->size : 1);
	bool ok;

	if (!data)
		return refuse(message, -ENOMEM, "no memory for %zu bytes", parts->size);
	ok = aael_jwa_unwrap(key, &parts->epk, parts->wrapped, cek);
	/* Also with a wrong key, so that it takes as long (RFC 7516, 11.5). */
	ok &= aael_jwa_open(cek, parts->iv, parts->aad, parts->data, parts->size, parts->tag, data);
	explicit_bzero(cek, sizeof(cek));
	if (!ok) {
		aael_secret_free(data, parts->size);
		return refuse(message, -EBADMSG,
			      "cannot be decrypted: tampered with, or for another key");
	}
	*out = data;
	return 0;
}

int aael_jwe_decrypt(const struct aael_teekey *key, const char *jwe, size_t size, uint8_t **out,
		     size_t *out_size, char message[AAEL_JWE_MESSAGE_BYTES])
{
	struct parts parts = { .data = NULL };
	struct aael_json_error err;
	cJSON *root;
	int ret;

	*out = NULL;
	*out_size = 0;
	message[0] = '\0';
	if (size > INT_MAX)
		return refuse(message, -EBADMSG, "%zu bytes are too many", size);
	ret = aael_json_parse(jwe, size, &root, &err);
	if (ret)
		return refuse(message, ret, "%s", err.text);
	ret = read_parts(root, aael_teekey_alg(key), &parts, message);
	if (!ret)
		ret = decrypt(key, &parts, out, message);
	if (!ret)
		*out_size = parts.size;
	free(parts.data);
	aael_json_free(root);
	return ret;
}
