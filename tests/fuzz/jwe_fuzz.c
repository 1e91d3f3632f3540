// SPDX-License-Identifier: Apache-2.0
/*
 * Any JWE for a key of ours. One that was made for the key is decrypted; another one only if all
 * its parts are those of one that was made, and then to its text. Otherwise there is a reason that can be shown. An input is
 * the digit of one that was made, and then
 *
 *	'='	a JWE
 *	':'	what the header shall be, or nothing, in a line; what the bytes of encrypted_key,
 *		iv, tag and ciphertext are changed by (XOR). It is encoded here: a bit that is
 *		flipped is one bit of the token.
 */
#include <errno.h>

#include <cJSON.h>

#include "codec.h"
#include "fuzz.h"
#include "json.h"
#include "jwe.h"
#include "jwevectors.h"
#include "secret.h"
#include "teekeys.h"

#define PART_MAX_BYTES 256

static const struct {
	const char *pem;
	const struct jwe *jwe;
	const char *text;
} made[] = {
	{ TEST_KEY_P256, &jwe_p256, TEST_JWE_TEXT },
	{ TEST_KEY_P256_ZEROS, &jwe_p256_zeros, TEST_JWE_TEXT },
	{ TEST_KEY_P521, &jwe_p521, TEST_JWE_TEXT },
	{ TEST_KEY_RSA, &jwe_rsa, TEST_JWE_TEXT },
	{ TEST_KEY_P256, &jwe_empty, "" },
};

#define COUNT (sizeof(made) / sizeof(made[0]))

static struct aael_teekey *keys[COUNT];
static const struct bytes nothing = { .p = (uint8_t *)"" };

/* ,"NAME":"…" of @text, changed by the first bytes at @mask, which goes on behind them. */
static void put_changed(FILE *out, const char *name, const char *text, struct bytes *mask)
{
	uint8_t part[PART_MAX_BYTES];
	size_t size;

	MUST(!aael_base64url_decode(text, strlen(text), part, sizeof(part), &size));
	for (size_t i = 0; i < size && mask->size; i++, mask->p++, mask->size--)
		part[i] ^= *mask->p;
	fprintf(out, ",\"%s\":\"", name);
	aael_base64url_put(out, part, size);
	fputc('"', out);
}

/* The token that @b describes, to free(). */
static char *changed(const struct jwe *jwe, const struct bytes *b, size_t *size)
{
	const uint8_t *end = memchr(b->p, '\n', b->size);
	size_t header = end ? (size_t)(end - b->p) : b->size;
	struct bytes mask = { .p = b->p + header, .size = b->size - header };
	char *text;
	FILE *out = open_memstream(&text, size);

	MUST(out);
	if (mask.size) {
		mask.p++;
		mask.size--;
	}
	fputs("{\"protected\":\"", out);
	if (header)
		aael_base64url_put(out, b->p, header);
	else
		fputs(jwe->protected, out);
	fputc('"', out);
	put_changed(out, "encrypted_key", jwe->encrypted_key, &mask);
	put_changed(out, "iv", jwe->iv, &mask);
	put_changed(out, "tag", jwe->tag, &mask);
	put_changed(out, "ciphertext", jwe->ciphertext, &mask);
	fputc('}', out);
	MUST(!fclose(out));
	return text;
}

static bool is(const cJSON *token, const char *name, const char *text)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, name));

	return value && !strcmp(value, text);
}

static bool was_made(const cJSON *token, size_t i, const uint8_t *out, size_t size)
{
	return is(token, "protected", made[i].jwe->protected) &&
	       is(token, "encrypted_key", made[i].jwe->encrypted_key) &&
	       is(token, "iv", made[i].jwe->iv) && is(token, "tag", made[i].jwe->tag) &&
	       is(token, "ciphertext", made[i].jwe->ciphertext) && size == strlen(made[i].text) &&
	       !memcmp(out, made[i].text, size);
}

static void check_opened(const struct bytes *text, size_t key, const uint8_t *out, size_t size)
{
	struct aael_json_error error;
	bool known = false;
	cJSON *token;

	MUST(!aael_json_parse((const char *)text->p, text->size, &token, &error));
	for (size_t i = 0; i < COUNT; i++)
		known |= !strcmp(made[i].pem, made[key].pem) && was_made(token, i, out, size);
	MUST(known);
	aael_json_free(token);
}

static int check(const struct bytes *text, size_t key)
{
	char message[AAEL_JWE_MESSAGE_BYTES];
	uint8_t *out;
	size_t size;
	int ret;

	memset(message, 'x', sizeof(message));
	ret = aael_jwe_decrypt(keys[key], (const char *)text->p, text->size, &out, &size, message);
	MUST(memchr(message, '\0', sizeof(message)));
	MUST(is_utf8(message, strlen(message)));
	MUST(!ret == !*message && !ret == !!out);
	MUST(ret == 0 || ret == -EBADMSG || ret == -EOPNOTSUPP);
	if (!ret)
		check_opened(text, key, out, size);
	aael_secret_free(out, size);
	return ret;
}

static void check_changed(const struct bytes *b, size_t key)
{
	size_t size, whole_size;
	char *text = changed(made[key].jwe, b, &size);
	char *whole = changed(made[key].jwe, &nothing, &whole_size);
	struct bytes token = exact_copy(text, size);
	int ret = check(&token, key);

	MUST(!strcmp(text, whole) == !ret);
	free(token.block);
	free(whole);
	free(text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < COUNT; i++) {
		MUST(!aael_teekey_from_pem(made[i].pem, &keys[i]));
		check_changed(&nothing, i);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b;

	if (size < 2 || data[0] < '0' || data[0] >= '0' + COUNT ||
	    (data[1] != '=' && data[1] != ':'))
		return -1;
	b = exact_copy(data + 2, size - 2);
	if (data[1] == '=')
		check(&b, data[0] - '0');
	else
		check_changed(&b, data[0] - '0');
	free(b.block);
	return 0;
}
