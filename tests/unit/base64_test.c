// SPDX-License-Identifier: Apache-2.0
/* Base64 against the vectors of RFC 4648, section 10, and what must be refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"

static const struct {
	const char *data, *text, *url;
} vectors[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/", "-_-_" },
};

#define VECTOR_COUNT (sizeof(vectors) / sizeof(vectors[0]))

static char *encode_by(void (*put)(FILE *, const void *, size_t), const void *data, size_t size)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	put(f, data, size);
	fclose(f);
	return text;
}

static char *encode(const void *data, size_t size)
{
	return encode_by(aael_base64_put, data, size);
}

static int decode(const char *text, uint8_t *out, size_t room, size_t *size)
{
	size_t len = strlen(text);
	/* Exactly as long as it is, so that ASan sees a read of one byte too many. */
	char *copy = malloc(len ? len : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, text, len);
	ret = aael_base64url_decode(copy, len, out, room, size);
	free(copy);
	return ret;
}

static void the_rfcs_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		char *text = encode(vectors[i].data, strlen(vectors[i].data));
		uint8_t out[16];
		size_t size = 99;

		assert_string_equal(text, vectors[i].text);
		free(text);
		text = encode_by(aael_base64url_put, vectors[i].data, strlen(vectors[i].data));
		assert_string_equal(text, vectors[i].url);
		free(text);
		assert_int_equal(decode(vectors[i].url, out, sizeof(out), &size), 0);
		assert_int_equal(size, strlen(vectors[i].data));
		assert_memory_equal(out, vectors[i].data, size);
	}
}

static void every_pair_of_bytes_survives(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 65536; i++) {
		uint8_t data[2] = { (uint8_t)(i >> 8), (uint8_t)i }, out[2];
		char *text = encode(data, 2);
		size_t size;

		text[3] = '\0'; /* its padding */
		for (char *p = text; *p; p++)
			*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
		assert_int_equal(decode(text, out, 2, &size), 0);
		assert_int_equal(size, 2);
		assert_memory_equal(out, data, 2);
		free(text);
	}
}

static void one_text_for_each_byte_string(void **state)
{
	static const char *const refused[] = {
		"A",
		"Zm9vA",
		"Zg==",
		"Zg=",
		"Zm8=",
		"=",
		"====",
		"Z",
		"Zm9vY",
		"Zh",
		"Zm9",
		"Zm9vYmF",
		"Zm 9v",
		"Zm9v\n",
		" Zm9v",
		"+/+/",
		"Zm+v",
		"Zm/v",
		"Zm.v",
		"\xc3\xa4"
		"aa",
	};
	uint8_t out[16];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (decode(refused[i], out, sizeof(out), &size) != -EINVAL)
			fail_msg("\"%s\" was taken", refused[i]);
}

/* The stream gets them in pieces, and only the last one may end within a group. */
static void long_ones_survive(void **state)
{
	uint8_t data[2000], out[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t size = 760; size <= sizeof(data); size++) {
		char *text = encode_by(aael_base64url_put, data, size);
		size_t got;

		assert_int_equal(decode(text, out, sizeof(out), &got), 0);
		assert_int_equal(got, size);
		assert_memory_equal(out, data, size);
		free(text);
	}
}

static void no_more_than_there_is_room_for(void **state)
{
	uint8_t out[4] = { 1, 2, 3, 4 };
	size_t size;

	(void)state;
	assert_int_equal(decode("Zm9v", out, 2, &size), -E2BIG);
	assert_int_equal(out[2], 3);
	assert_int_equal(decode("Zm9v", out, 3, &size), 0);
	assert_int_equal(size, 3);
	/* Malformed wins: then nobody knows how many bytes it has. */
	assert_int_equal(decode("Zm9vYmF", out, 2, &size), -EINVAL);
}

static void a_slice_is_of_the_same_text(void **state)
{
	static const char data[] = "foobarba";

	(void)state;
	for (size_t size = 0; size < sizeof(data); size++) {
		char *text = encode(data, size), part[16];
		size_t chars = strlen(text), n;

		for (size_t at = 0; at <= chars; at++)
			for (size_t room = 0; room <= sizeof(part); room++) {
				n = aael_base64_slice(data, size, at, part, room);
				assert_int_equal(n, chars - at < room ? chars - at : room);
				assert_memory_equal(part, text + at, n);
			}
		assert_int_equal(aael_base64_slice(data, size, chars + 4, part, 4), 0);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfcs_vectors),
		cmocka_unit_test(every_pair_of_bytes_survives),
		cmocka_unit_test(one_text_for_each_byte_string),
		cmocka_unit_test(long_ones_survive),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(a_slice_is_of_the_same_text),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
