// SPDX-License-Identifier: Apache-2.0
/*
 * Base64: bytes come back from their text; a text that is taken is the only one for its bytes.
 * OpenSSL encodes as well, and each alphabet is taken where the other is, once translated.
 */
#include <errno.h>

#include <openssl/evp.h>

#include "codec.h"
#include "fuzz.h"
#include "uefi.h"

static char *encode(const struct bytes *b)
{
	char *text = malloc(AAEL_BASE64_CHARS(b->size) + 1);

	MUST(text);
	aael_base64_encode(b->p, b->size, text);
	MUST(strlen(text) == AAEL_BASE64_CHARS(b->size));
	return text;
}

/* 0 and the bytes, or what the decoder says. */
static int decode(const struct bytes *text, struct bytes *out)
{
	struct aael_base64_error error;
	int ret;

	*out = exact_copy(text->p, text->size / 4 * 3);
	ret = aael_base64_decode((const char *)text->p, text->size, out->p, &out->size, &error);
	MUST(ret == 0 || ret == -EBADMSG);
	MUST(!ret == !error.reason && error.offset <= text->size);
	return ret;
}

/* In the other alphabet and without padding, to exactly @room bytes. */
static int decode_url(const struct bytes *text, size_t room, struct bytes *out)
{
	char *zero = calloc(1, room + 1);
	int ret;

	MUST(zero);
	*out = exact_copy(zero, room);
	free(zero);
	ret = aael_base64url_decode((const char *)text->p, text->size, out->p, room, &out->size);
	MUST(ret == 0 || ret == -EINVAL || (ret == -E2BIG && out->size > room));
	MUST(ret || out->size <= room);
	return ret;
}

static void check_stream(const struct bytes *b, const char *text)
{
	struct text_buf buf = {};
	char *put = NULL;
	size_t size;
	FILE *out = open_memstream(&put, &size);

	MUST(out);
	aael_base64_put(out, b->p, b->size);
	MUST(!fclose(out) && !strcmp(put, text));
	free(put);
	text_base64(&buf, b->p, b->size);
	MUST(!buf.failed && !strcmp(buf.data, text));
	text_free(&buf);
}

/* @text, which stands for @b, in the URL-safe alphabet. */
static void check_url(const struct bytes *b, const char *text)
{
	size_t chars = strcspn(text, "=");
	struct bytes url = exact_copy(text, chars), out;

	for (size_t i = 0; i < chars; i++)
		url.p[i] = url.p[i] == '+' ? '-' : url.p[i] == '/' ? '_' : url.p[i];
	MUST(!decode_url(&url, b->size, &out));
	MUST(out.size == b->size && !memcmp(out.p, b->p, b->size));
	free(out.block);
	if (b->size) {
		MUST(decode_url(&url, b->size - 1, &out) == -E2BIG);
		MUST(!memcmp(out.p, b->p, b->size - 1));
		free(out.block);
	}
	free(url.block);
}

/* Is what it stands for written as it is? */
static void check_text(const struct bytes *text)
{
	struct bytes out;
	char *again;

	if (!decode(text, &out)) {
		again = encode(&out);
		MUST(strlen(again) == text->size && !memcmp(again, text->p, text->size));
		free(again);
	}
	free(out.block);
}

/* The last digit of a text may have bits that no byte uses: each in its place. */
static void check_last_digits(const char *text)
{
	size_t chars = strlen(text);
	struct bytes end;

	if (!chars)
		return;
	end = exact_copy(text + chars - 4, 4);
	for (int digit = '+'; digit <= 'z'; digit++) {
		end.p[strcspn(text + chars - 4, "=") - 1] = (uint8_t)digit;
		check_text(&end);
	}
	free(end.block);
}

/* A text in the URL-safe alphabet is taken exactly if its translation is. */
static void check_url_text(const struct bytes *url)
{
	size_t padded = (url->size + 3) / 4 * 4;
	struct bytes out, other, text;
	char *translated = malloc(padded + 1);
	int ret = decode_url(url, url->size, &out);

	MUST(translated);
	memset(translated, '=', padded);
	for (size_t i = 0; i < url->size; i++)
		translated[i] = url->p[i] == '-'	      ? '+'
				: url->p[i] == '_'	      ? '/'
				: memchr("+/=", url->p[i], 3) ? '\n'
							      : (char)url->p[i];
	text = exact_copy(translated, padded);
	MUST(!decode(&text, &other) == !ret);
	MUST(ret || (out.size == other.size && !memcmp(out.p, other.p, out.size)));
	free(other.block);
	free(text.block);
	free(translated);
	free(out.block);
}

static void check_bytes(const struct bytes *b)
{
	char *text = encode(b), *other = malloc(AAEL_BASE64_CHARS(b->size) + 1);
	struct bytes copy = exact_copy(text, strlen(text)), back;

	MUST(other);
	EVP_EncodeBlock((unsigned char *)other, b->p, (int)b->size);
	MUST(!strcmp(text, other));
	MUST(!decode(&copy, &back));
	MUST(back.size == b->size && !memcmp(back.p, b->p, b->size));
	check_stream(b, text);
	/* Longer ones end alike. */
	if (b->size <= 4)
		check_last_digits(text);
	check_url(b, text);
	free(back.block);
	free(copy.block);
	free(other);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = exact_copy(data, size);

	check_bytes(&b);
	check_text(&b);
	check_url_text(&b);
	free(b.block);
	return 0;
}
