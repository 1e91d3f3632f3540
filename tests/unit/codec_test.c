// SPDX-License-Identifier: Apache-2.0
/* Base64 and gzip: what is taken, and that nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"

/* RFC 4648, section 10. */
static const struct {
	const char *bytes;
	const char *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void base64_vectors(void **state)
{
	struct aael_base64_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t bytes = strlen(vectors[i].bytes), chars = strlen(vectors[i].text), size = 99;
		char *text = malloc(AAEL_BASE64_CHARS(bytes) + 1);
		uint8_t *out = malloc(chars / 4 * 3 + 1);

		assert_int_equal(AAEL_BASE64_CHARS(bytes), chars);
		aael_base64_encode(vectors[i].bytes, bytes, text);
		assert_string_equal(text, vectors[i].text);
		assert_int_equal(aael_base64_decode(text, chars, out, &size, &err), 0);
		assert_int_equal(size, bytes);
		assert_memory_equal(out, vectors[i].bytes, bytes);
		free(text);
		free(out);
	}
}

static void base64_has_every_byte_and_character(void **state)
{
	uint8_t bytes[256], out[258];
	char text[AAEL_BASE64_CHARS(256) + 1];
	struct aael_base64_error err;
	size_t size;

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)(255 - i);
	aael_base64_encode(bytes, 256, text);
	assert_non_null(strchr(text, '+'));
	assert_non_null(strchr(text, '/'));
	assert_int_equal(aael_base64_decode(text, strlen(text), out, &size, &err), 0);
	assert_int_equal(size, 256);
	assert_memory_equal(out, bytes, 256);
}

static void base64_has_one_text_for_the_same_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t size, offset;
		const char *reason;
	} cases[] = {
		{ "Zg=", 3, 2, "padding" },
		{ "Zg", 2, 2, "multiple of four" },
		{ "Zm9vY", 5, 5, "multiple of four" },
		{ "Zm9vYmF", 7, 7, "multiple of four" },
		{ "Zm9v\n", 5, 4, "line break" },
		{ "Zm9v\nZm9v\n", 10, 4, "line break" },
		{ "Zh==", 4, 1, "bits" },
		{ "Zm9=", 4, 2, "bits" },
		{ "Zg==Zg==", 8, 2, "padding before" },
		{ "Z===", 4, 1, "padding before" },
		{ "====", 4, 0, "padding before" },
		{ "Z g=", 4, 1, "not base64" },
		{ "Zm9\0", 4, 3, "not base64" },
		{ "Zm-v", 4, 2, "URL-safe" },
		{ "Zm_v", 4, 2, "URL-safe" },
		{ "Zm9\xc3", 4, 3, "not base64" },
	};
	struct aael_base64_error err;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* No byte more than there is, of either. */
		char *text = malloc(cases[i].size);
		uint8_t *out = malloc(cases[i].size / 4 * 3);

		memcpy(text, cases[i].text, cases[i].size);
		if (aael_base64_decode(text, cases[i].size, out, &size, &err) != -EBADMSG)
			fail_msg("case %zu is taken", i);
		if (err.offset != cases[i].offset || !strstr(err.reason, cases[i].reason))
			fail_msg("case %zu: %zu: %s", i, err.offset, err.reason);
		free(text);
		free(out);
	}
}

/* `printf hello | gzip -n`, with its operating system byte. */
static const uint8_t hello[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
				 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
				 0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00 };

static int unpack(const void *data, size_t size, size_t max, const char **why)
{
	char *out = NULL, *copy = malloc(size);
	size_t out_size;
	int ret;

	memcpy(copy, data, size);
	ret = aael_gzip_unpack(copy, size, max, &out, &out_size, why);
	free(copy);
	if (ret)
		return ret;
	assert_null(*why);
	assert_int_equal(out[out_size], '\0');
	ret = (int)out_size;
	free(out);
	return ret;
}

static void gzip_of_another_program(void **state)
{
	const char *why;
	char *out;
	size_t size;

	(void)state;
	assert_int_equal(aael_gzip_unpack(hello, sizeof(hello), 5, &out, &size, &why), 0);
	assert_int_equal(size, 5);
	assert_string_equal(out, "hello");
	free(out);
}

static void gzip_refused(int expected, const void *data, size_t size, size_t max, const char *words)
{
	const char *why = "";

	assert_int_equal(unpack(data, size, max, &why), expected);
	if (!strstr(why, words))
		fail_msg("said \"%s\", not \"%s\"", why, words);
}

static void gzip_is_one_whole_member(void **state)
{
	uint8_t twice[2 * sizeof(hello)], broken[sizeof(hello)];

	(void)state;
	memcpy(twice, hello, sizeof(hello));
	memcpy(twice + sizeof(hello), hello, sizeof(hello));
	gzip_refused(-EBADMSG, twice, sizeof(twice), 99, "something follows");
	twice[sizeof(hello)] = 0;
	gzip_refused(-EBADMSG, twice, sizeof(hello) + 1, 99, "something follows");
	for (size_t n = 0; n < sizeof(hello); n++)
		gzip_refused(-EBADMSG, hello, n, 99, "cut off");
	/* Each of these bytes counts: header, content, checksum, length. */
	for (size_t n = 0; n < sizeof(hello); n++) {
		const char *why;

		/* But time, extra flags, system; and the bits that fill up the content. */
		if ((n >= 4 && n <= 9) || n == 16)
			continue;
		memcpy(broken, hello, sizeof(hello));
		broken[n] ^= 0x80;
		assert_int_equal(unpack(broken, sizeof(broken), 99, &why), -EBADMSG);
	}
	gzip_refused(-EBADMSG, "hello", 5, 99, "incorrect header check");
	/* A zlib stream, and a raw one. */
	gzip_refused(-EBADMSG, "\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15", 13, 99,
		     "header");
	gzip_refused(-EBADMSG, hello + 10, sizeof(hello) - 18, 99, "header");
}

static void gzip_that_grows_is_stopped(void **state)
{
	const size_t big = 32 * 1024 * 1024, max = 1024 * 1024;
	char *zeros = calloc(1, big);
	uint8_t *packed;
	const char *why;
	size_t size;

	(void)state;
	gzip_refused(-E2BIG, hello, sizeof(hello), 4, "too much");
	gzip_refused(-E2BIG, hello, sizeof(hello), 0, "too much");
	assert_int_equal(aael_gzip_pack(zeros, big, &packed, &size), 0);
	assert_true(size < 64 * 1024);
	gzip_refused(-E2BIG, packed, size, max, "too much");
	free(packed);
	assert_int_equal(aael_gzip_pack(zeros, max, &packed, &size), 0);
	assert_int_equal(unpack(packed, size, max, &why), max);
	assert_int_equal(unpack(packed, size, max - 1, &why), -E2BIG);
	free(packed);
	free(zeros);
}

static void gzip_comes_back_and_is_always_the_same(void **state)
{
	uint8_t *first, *second;
	char noise[5000], *out;
	size_t size, again, out_size;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * i * 2654435761u >> 13);
	for (size_t n = 0; n <= sizeof(noise); n += 1000) {
		assert_int_equal(aael_gzip_pack(noise, n, &first, &size), 0);
		assert_int_equal(aael_gzip_pack(noise, n, &second, &again), 0);
		assert_int_equal(size, again);
		assert_memory_equal(first, second, size);
		assert_memory_equal(first, "\x1f\x8b\x08\0\0\0\0\0", 8);
		assert_int_equal(aael_gzip_unpack(first, size, n, &out, &out_size, &why), 0);
		assert_int_equal(out_size, n);
		assert_memory_equal(out, noise, n);
		free(first);
		free(second);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(base64_has_every_byte_and_character),
		cmocka_unit_test(base64_has_one_text_for_the_same_bytes),
		cmocka_unit_test(gzip_of_another_program),
		cmocka_unit_test(gzip_is_one_whole_member),
		cmocka_unit_test(gzip_that_grows_is_stopped),
		cmocka_unit_test(gzip_comes_back_and_is_always_the_same),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
