// SPDX-License-Identifier: Apache-2.0
/* Quotes of both versions that the design names, byte by byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tdquote.h"

/* Where RTMR0 and RTMR3 are, and the least size. */
static const struct layout {
	uint8_t version;
	size_t rtmr0, rtmr3, data, size;
} v4 = { 4, 376, 520, 568, 48 + 584 + 6 }, v5 = { 5, 382, 526, 574, 48 + 6 + 584 };

static uint8_t quote[800];

static void build(const struct layout *l)
{
	memset(quote, 0xee, sizeof(quote));
	quote[0] = l->version;
	quote[1] = 0;
	memcpy(quote + 4, "\x81\0\0", 4);
	if (l->version == 5)
		memcpy(quote + 48, "\3\0\x88\2\0", 6); /* TDX 1.5, 648 bytes */
	memset(quote + l->rtmr0, 0xa0, 48);
	memset(quote + l->rtmr3, 0xa3, 48);
	memset(quote + l->data, 0xdd, 64);
}

static int parse(size_t size, struct aael_tdquote *q)
{
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, quote, size);
	ret = aael_tdquote_parse(copy, size, q);
	free(copy);
	return ret;
}

static void assert_all(const uint8_t *p, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(p[i], value);
}

static void finds_the_fields(const struct layout *l)
{
	struct aael_tdquote q;

	build(l);
	assert_int_equal(parse(sizeof(quote), &q), 0);
	assert_all(q.rtmrs[0], 48, 0xa0);
	assert_all(q.rtmrs[1], 48, 0xee);
	assert_all(q.rtmrs[3], 48, 0xa3);
	assert_all(q.report_data, 64, 0xdd);
	assert_int_equal(parse(l->size, &q), 0);
	for (size_t size = 0; size < l->size; size++)
		assert_int_equal(parse(size, &q), -EBADMSG);
}

static void version_4(void **state)
{
	(void)state;
	finds_the_fields(&v4);
}

static void version_5(void **state)
{
	(void)state;
	finds_the_fields(&v5);
}

static void other_quotes(void **state)
{
	static const struct {
		const struct layout *layout;
		size_t at;
		uint8_t value;
	} changes[] = {
		{ &v4, 0, 3 },	{ &v4, 0, 6 },	{ &v4, 1, 1 },	{ &v4, 4, 0 },	{ &v4, 7, 1 },
		{ &v5, 48, 1 }, { &v5, 48, 4 }, { &v5, 49, 1 }, { &v5, 51, 0 },
	};
	struct aael_tdquote q;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		build(changes[i].layout);
		quote[changes[i].at] = changes[i].value;
		if (parse(sizeof(quote), &q) != -EBADMSG)
			fail_msg("change %zu was taken", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_4),
		cmocka_unit_test(version_5),
		cmocka_unit_test(other_quotes),
	};

	return cmocka_run_group_tests_name("tdquote", tests, NULL, NULL);
}
