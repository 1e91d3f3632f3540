// SPDX-License-Identifier: Apache-2.0
/*
 * Decrypts a JWE from standard input. One that is refused ends with status 3.
 *
 *	jwe KEY.pem		as for a KBS
 *	jwe KEY.pem header	epk is in "header", where jose puts it and we do not look: the same
 *				steps, but for that
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "codec.h"
#include "json.h"
#include "jwa.h"
#include "jwe.h"
#include "secret.h"
#include "teekey.h"

#define REFUSED 3

static void die(const char *why)
{
	fprintf(stderr, "jwe: %s\n", why);
	exit(2);
}

/* To free(), with a NUL behind it. */
static char *read_all(FILE *in, size_t *size)
{
	char *data = NULL;
	FILE *out = open_memstream(&data, size);
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), in)))
		fwrite(buf, 1, n, out);
	if (ferror(in) || fclose(out))
		die("cannot read");
	return data;
}

static struct aael_teekey *read_key(const char *path)
{
	FILE *in = fopen(path, "re");
	struct aael_teekey *key;
	size_t size;
	char *pem;

	if (!in)
		die("cannot open the key");
	pem = read_all(in, &size);
	fclose(in);
	if (aael_teekey_from_pem(pem, &key))
		die("not a key");
	aael_secret_free(pem, size);
	return key;
}

static const char *member(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsString(value))
		die(name);
	return value->valuestring;
}

static size_t decode(const cJSON *object, const char *name, uint8_t *out, size_t room)
{
	const char *text = member(object, name);
	size_t size;

	if (aael_base64url_decode(text, strlen(text), out, room, &size))
		die(name);
	return size;
}

static int open_header(const struct aael_teekey *key, const cJSON *jwe, uint8_t **out,
		       size_t *out_size)
{
	const cJSON *epk = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(jwe, "header"), "epk");
	uint8_t wrapped[AAEL_JWA_WRAPPED_MAX_BYTES], cek[AAEL_JWA_CEK_BYTES];
	uint8_t iv[AAEL_JWA_IV_BYTES], tag[AAEL_JWA_TAG_BYTES], *data;
	size_t room = strlen(member(jwe, "ciphertext")) + 1, width;
	struct aael_jwa_point point = { .bytes = { 4 } };
	bool ok;

	width = decode(epk, "x", point.bytes + 1, AAEL_JWA_COORDINATE_MAX_BYTES);
	point.size = 1 + width + decode(epk, "y", point.bytes + 1 + width, width);
	if (decode(jwe, "encrypted_key", wrapped, sizeof(wrapped)) !=
		    aael_jwa_wrapped_bytes(aael_teekey_alg(key)) ||
	    decode(jwe, "iv", iv, sizeof(iv)) != sizeof(iv) ||
	    decode(jwe, "tag", tag, sizeof(tag)) != sizeof(tag))
		die("other sizes");
	data = malloc(room);
	*out = malloc(room);
	*out_size = decode(jwe, "ciphertext", data, room);
	ok = aael_jwa_unwrap(key, &point, wrapped, cek) &&
	     aael_jwa_open(cek, iv, member(jwe, "protected"), data, *out_size, tag, *out);
	free(data);
	return ok ? 0 : REFUSED;
}

int main(int argc, char **argv)
{
	struct aael_teekey *key = read_key(argc > 1 ? argv[1] : "");
	char message[AAEL_JWE_MESSAGE_BYTES] = "by its header";
	size_t size, out_size;
	char *text = read_all(stdin, &size);
	struct aael_json_error err;
	uint8_t *out = NULL;
	cJSON *jwe;
	int ret;

	if (argc > 2) {
		if (aael_json_parse(text, size, &jwe, &err))
			die(err.text);
		ret = open_header(key, jwe, &out, &out_size);
		aael_json_free(jwe);
	} else {
		ret = aael_jwe_decrypt(key, text, size, &out, &out_size, message) ? REFUSED : 0;
	}
	if (ret)
		fprintf(stderr, "refused: %s\n", message);
	else
		fwrite(out, 1, out_size, stdout);
	aael_secret_free(out, ret ? 0 : out_size);
	aael_teekey_free(key);
	free(text);
	return ret;
}
