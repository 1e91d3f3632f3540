// SPDX-License-Identifier: Apache-2.0
/* A text in parts is the same text, however it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parts.h"

#define TEXT "[Zm9vYg==][Zm9v]"

static const struct aael_part parts[] = {
	{ .data = "[", .size = 1 },
	{ .data = "foob", .size = 4, .base64 = true },
	{ .data = "", .size = 0 },
	{ .data = "][", .size = 2 },
	{ .data = "foo", .size = 3, .base64 = true },
	{ .data = NULL, .size = 0, .base64 = true },
	{ .data = "]", .size = 1 },
};

#define COUNT (sizeof(parts) / sizeof(parts[0]))

static void all_at_once(void **state)
{
	size_t size;
	char *text = aael_parts_text(parts, COUNT, &size);

	(void)state;
	assert_string_equal(text, TEXT);
	assert_int_equal(size, strlen(TEXT));
	assert_int_equal(aael_parts_size(parts, COUNT), strlen(TEXT));
	free(text);
	text = aael_parts_text(NULL, 0, &size);
	assert_string_equal(text, "");
	free(text);
}

/* Into memory of exactly that size, so that ASan sees a byte too many. */
static void from_anywhere_and_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t at = 0; at <= strlen(TEXT) + 1; at++)
		for (size_t room = 0; room <= strlen(TEXT) + 1; room++) {
			char *piece = malloc(room ? room : 1);
			size_t left = at < strlen(TEXT) ? strlen(TEXT) - at : 0;
			size_t n = aael_parts_read(parts, COUNT, at, piece, room);

			assert_int_equal(n, left < room ? left : room);
			assert_memory_equal(piece, TEXT + (n ? at : 0), n);
			free(piece);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(from_anywhere_and_in_pieces_of_any_size),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
