// SPDX-License-Identifier: Apache-2.0
/* Init-Data: three forms of one document, its digest, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "initdata.h"

#define SHA384 "\"sha384\""

/* Made, wrapped and hashed by Python: gzip, base64, hashlib. */
static const char document[] =
	"algorithm = " SHA384 "\nversion = \"0.1.0\"\n\n[data]\n\"aa.toml\" = '''\n"
	"[token_configs.kbs]\nurl = \"https://kbs.example:8080\"\ncert = \"\"\"\n"
	"-----BEGIN CERTIFICATE-----\n\"\"\"\n'''\n"
	"\"policy.rego\" = \"package agent_policy\\n\"\n";
static const char annotation[] =
	"H4sIAADxU2UC/yWNsQ6CMBCG93sKcguTBaMDIXFQgobFwbAhIWetQCgtaavRt7fVS275vv/uJ9lrM7phjnYR2oE2"
	"2RbhJYwdtQooZWuWIkBzJ0ctIBFzepboXRzH0Dg9CdVxrR5jb9l0sy08jQyXg3OLzZPEMybeNC9S5Fma+WdcGBcS"
	"iLAKcyhP1TkqyktdHatiX5c/CsGHDly0HPmHGdHr0IsL8Yl6EflVrvvbq0L4AvBRF/zMAAAA";
static const struct {
	const char *alg; /* in place of sha384 */
	const char *digest, *mrconfigid;
} digests[] = {
	{ "sha256", "b83ff48dcfb2052f68f8661f96d0cf9dec8ffe2e952f80cd2201dc1ddec3a49d",
	  "b83ff48dcfb2052f68f8661f96d0cf9dec8ffe2e952f80cd2201dc1ddec3a49d"
	  "00000000000000000000000000000000" },
	{ "sha384",
	  "ae653976fcf837067b3dbc5fe7918c1d2ea4de170d6c3037ede864a64973dc4141fc12e370bd0cef7b57f276"
	  "4e"
	  "ff9471",
	  "ae653976fcf837067b3dbc5fe7918c1d2ea4de170d6c3037ede864a64973dc4141fc12e370bd0cef7b57f276"
	  "4e"
	  "ff9471" },
	{ "sha512",
	  "e88639f51de11129c036d34e0bd85ee47642065df7442d11565c24eafdda6dad63bba5dd51f6c77a517b7363"
	  "f6"
	  "3b83a51f03e26ad7c766023ffffcf9014ec87b",
	  "e88639f51de11129c036d34e0bd85ee47642065df7442d11565c24eafdda6dad63bba5dd51f6c77a517b7363"
	  "f6"
	  "3b83a5" },
};

static char message[AAEL_INITDATA_MESSAGE_BYTES];

/* With no byte behind it that one could read by mistake. */
static int open_bytes(struct aael_initdata *i, const void *data, size_t size)
{
	void *copy = malloc(size);
	int ret;

	memcpy(copy, data, size);
	ret = aael_initdata_open(i, copy, size, "id", message);
	free(copy);
	return ret;
}

static void open_ok(struct aael_initdata *i, const void *data, size_t size)
{
	if (open_bytes(i, data, size))
		fail_msg("%s", message);
	assert_string_equal(message, "");
}

static void refused(int expected, const void *data, size_t size, const char *words)
{
	struct aael_initdata i;

	assert_int_equal(open_bytes(&i, data, size), expected);
	assert_null(i.document);
	assert_null(i.toml);
	if (strncmp(message, words, strlen(words)))
		fail_msg("said \"%s\", not \"%s\"", message, words);
}

static void text_refused(const char *text, const char *words)
{
	refused(-EINVAL, text, strlen(text), words);
}

static void assert_is_document(const struct aael_initdata *i)
{
	size_t size;

	assert_int_equal(i->size, strlen(document));
	assert_string_equal(i->document, document);
	assert_int_equal(i->alg->id, AAEL_ALG_SHA384);
	assert_memory_equal(aael_initdata_get(i, "aa.toml", &size), "[token_configs.kbs]\n", 20);
	assert_int_equal(size, strlen(aael_initdata_get(i, "aa.toml", NULL)));
	assert_string_equal(aael_initdata_get(i, "policy.rego", &size), "package agent_policy\n");
	assert_null(aael_initdata_get(i, "cdh.toml", &size));
	assert_null(aael_initdata_get(i, "aa", &size));
}

static void forms_are_told_apart_by_content(void **state)
{
	static uint8_t block[4096];
	struct aael_initdata i;
	uint8_t gzip[1024];
	struct aael_base64_error err;
	char line[1024];
	size_t size;

	(void)state;
	open_ok(&i, document, strlen(document));
	assert_int_equal(i.form, AAEL_INITDATA_FILE);
	assert_is_document(&i);
	aael_initdata_close(&i);
	aael_initdata_close(&i);

	open_ok(&i, annotation, strlen(annotation));
	assert_int_equal(i.form, AAEL_INITDATA_ANNOTATION);
	assert_is_document(&i);
	aael_initdata_close(&i);
	snprintf(line, sizeof(line), "%s\n", annotation);
	open_ok(&i, line, strlen(line));
	assert_is_document(&i);
	aael_initdata_close(&i);

	assert_int_equal(aael_base64_decode(annotation, strlen(annotation), gzip, &size, &err), 0);
	assert_true(size > 100 && size < 256);
	memcpy(block, "initdata\0\0\0\0\0\0\0\0", 16);
	block[8] = (uint8_t)size;
	memcpy(block + 16, gzip, size);
	open_ok(&i, block, 16 + size);
	assert_int_equal(i.form, AAEL_INITDATA_BLOCK);
	assert_is_document(&i);
	aael_initdata_close(&i);
	/* A device is longer, and what is behind does not matter. */
	memset(block + 16 + size, 0x5a, sizeof(block) - 16 - size);
	open_ok(&i, block, sizeof(block));
	assert_is_document(&i);
	aael_initdata_close(&i);
}

static void document_that_begins_like_a_block(void **state)
{
	static const char text[] =
		"initdata = 1\nversion = '0.1.0'\nalgorithm = 'sha256'\ndata = {}\n";
	struct aael_initdata i;

	(void)state;
	open_ok(&i, text, strlen(text));
	assert_int_equal(i.form, AAEL_INITDATA_FILE);
	aael_initdata_close(&i);
}

static void damaged_wrapping_is_named(void **state)
{
	static uint8_t block[64];
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), "%s", annotation);
	text[76] = '\n';
	refused(-EBADMSG, text, strlen(text), "id: base64: byte 76: a line break");
	snprintf(text, sizeof(text), "%s\n\n", annotation);
	refused(-EBADMSG, text, strlen(text), "id: base64: byte 248: a line break");
	snprintf(text, sizeof(text), "%s", annotation);
	refused(-EBADMSG, text, strlen(text) - 4, "id: gzip: the compressed data is cut off");
	refused(-EBADMSG, text, strlen(text) - 1, "id: base64: byte 247: the length is no");
	refused(-EBADMSG, "H4sI", 4, "id: gzip: the compressed data is cut off");
	refused(-EBADMSG, "\x1f\x8b\x08", 3, "id: gzip, but neither in base64 nor behind");
	memcpy(block, "initdata", 8);
	refused(-EBADMSG, block, 8, "id: block: the header is cut off");
	refused(-EBADMSG, block, 15, "id: block: the header is cut off");
	refused(-EBADMSG, block, 16, "id: gzip: the compressed data is cut off");
	block[8] = 48;
	refused(-EBADMSG, block, 64, "id: gzip: incorrect header check");
	refused(-EBADMSG, block, 63, "id: block: the length reaches past the end");
	memset(block + 8, 0xff, 7);
	refused(-EBADMSG, block, 64, "id: block: the length reaches past the end");
	refused(-EINVAL, "", 0, "id: version is missing");
}

static void what_is_no_document_is_refused_with_key_and_line(void **state)
{
	(void)state;
	text_refused("version = \"0.1.0\"\nx\n", "id:2: ");
	text_refused("version = \"0.1.0\"\nversion = \"0.1.0\"\n", "id:2: ");
	text_refused("algorithm = 'sha256'\n[data]\n", "id: version is missing");
	text_refused("\nversion = \"0.2.0\"\nalgorithm = 'sha256'\n[data]\n",
		     "id:2: version must be \"0.1.0\"");
	text_refused("version = 1\nalgorithm = 'sha256'\n[data]\n", "id:1: version must be");
	text_refused("version = \"0.1.0\\u0000\"\nalgorithm = 'sha256'\n[data]\n",
		     "id:1: version must be");
	text_refused("version = \"0.1.0\"\n[data]\n", "id: algorithm is missing");
	text_refused("version = \"0.1.0\"\nalgorithm = 'sha1'\n[data]\n",
		     "id:2: algorithm must be sha256, sha384 or sha512");
	text_refused("version = \"0.1.0\"\nalgorithm = 'SHA256'\n[data]\n", "id:2: algorithm");
	text_refused("version = \"0.1.0\"\nalgorithm = 'sm3'\n[data]\n", "id:2: algorithm");
	text_refused("version = \"0.1.0\"\nalgorithm = 256\n[data]\n", "id:2: algorithm must be");
	text_refused("version = \"0.1.0\"\nalgorithm = 'sha256'\n", "id: data is missing");
	text_refused("version = \"0.1.0\"\nalgorithm = 'sha256'\ndata = []\n",
		     "id:3: data must be a table");
	text_refused("version = \"0.1.0\"\nalgorithm = 'sha256'\n[data]\na = ''\n\"aa.toml\" = 1\n",
		     "id:5: data.\"aa.toml\" must be a string");
	text_refused("version = \"0.1.0\"\nalgorithm = 'sha256'\n[data]\n\"a\\nb\" = 1\n",
		     "id:4: data.\"a?b\" must be a string");
	/* Not quoted, it is another key: a table of that name. */
	text_refused("version = \"0.1.0\"\nalgorithm = 'sha256'\n[data]\naa.toml = ''\n",
		     "id:4: data.\"aa\" must be a string");
}

static void unknown_keys_are_ignored(void **state)
{
	static const char text[] =
		"version = \"0.1.0\"\nalgorithm = 'sha256'\nx = 1.5\n[data]\n[y]\n";
	struct aael_initdata i;

	(void)state;
	open_ok(&i, text, strlen(text));
	aael_initdata_close(&i);
}

static void document_may_have_a_mebibyte(void **state)
{
	static const char begin[] = "version = \"0.1.0\"\nalgorithm = 'sha256'\n[data]\n#";
	size_t size = AAEL_INITDATA_MAX_BYTES, packed_size;
	struct aael_initdata i, again;
	char *text = malloc(size + 1), *line;
	uint8_t *packed;

	(void)state;
	memset(text, 'x', size + 1);
	memcpy(text, begin, strlen(begin));
	open_ok(&i, text, size);
	assert_int_equal(aael_initdata_pack(&i, AAEL_INITDATA_ANNOTATION, &packed, &packed_size),
			 0);
	open_ok(&again, packed, packed_size);
	assert_int_equal(again.size, size);
	aael_initdata_close(&again);
	aael_initdata_close(&i);
	free(packed);
	refused(-E2BIG, text, size + 1, "id: the document is too long");
	assert_int_equal(aael_gzip_pack(text, size + 1, &packed, &packed_size), 0);
	line = malloc(AAEL_BASE64_CHARS(packed_size) + 1);
	aael_base64_encode(packed, packed_size, line);
	refused(-E2BIG, line, strlen(line), "id: gzip: too much comes out of it");
	free(line);
	free(packed);
	free(text);
}

static void digest_is_of_the_bytes_as_delivered(void **state)
{
	uint8_t digest[AAEL_TCG2_DIGEST_MAX_BYTES], id[AAEL_MRCONFIGID_BYTES];
	char hex[2 * AAEL_TCG2_DIGEST_MAX_BYTES + 1];
	struct aael_initdata i;
	char text[512], *at;

	(void)state;
	for (size_t n = 0; n < sizeof(digests) / sizeof(digests[0]); n++) {
		strcpy(text, document);
		at = strstr(text, "sha384");
		assert_non_null(at);
		memcpy(at, digests[n].alg, 6);
		open_ok(&i, text, strlen(text));
		assert_string_equal(i.alg->name, digests[n].alg);
		assert_int_equal(aael_initdata_digest(&i, digest), i.alg->size);
		aael_hex_encode(digest, i.alg->size, hex);
		assert_string_equal(hex, digests[n].digest);
		memset(id, 0x5a, sizeof(id));
		aael_initdata_mrconfigid(digest, i.alg->size, id);
		aael_hex_encode(id, sizeof(id), hex);
		assert_string_equal(hex, digests[n].mrconfigid);
		aael_initdata_close(&i);
	}
	open_ok(&i, annotation, strlen(annotation));
	assert_int_equal(aael_initdata_digest(&i, digest), 48);
	aael_hex_encode(digest, 48, hex);
	assert_string_equal(hex, digests[1].digest);
	aael_initdata_close(&i);
	/* A blank more means the same, and is another document. */
	snprintf(text, sizeof(text), "%s ", document);
	open_ok(&i, text, strlen(text));
	assert_int_equal(aael_initdata_digest(&i, digest), 48);
	aael_hex_encode(digest, 48, hex);
	assert_string_not_equal(hex, digests[1].digest);
	aael_initdata_close(&i);
}

static void every_form_packs_into_every_form(void **state)
{
	(void)state;
	for (int from = 0; from < AAEL_INITDATA_FORMS; from++) {
		for (int to = 0; to < AAEL_INITDATA_FORMS; to++) {
			struct aael_initdata i;
			uint8_t *once, *twice;
			size_t size;

			open_ok(&i, document, strlen(document));
			assert_int_equal(aael_initdata_pack(&i, from, &once, &size), 0);
			aael_initdata_close(&i);
			open_ok(&i, once, size);
			free(once);
			assert_int_equal(i.form, from);
			assert_is_document(&i);
			assert_int_equal(aael_initdata_pack(&i, to, &twice, &size), 0);
			aael_initdata_close(&i);
			open_ok(&i, twice, size);
			if (to == AAEL_INITDATA_BLOCK)
				assert_int_equal(size, 512);
			free(twice);
			assert_int_equal(i.form, to);
			assert_is_document(&i);
			aael_initdata_close(&i);
		}
	}
}

static void forms_have_names(void **state)
{
	enum aael_initdata_form form;

	(void)state;
	for (int i = 0; i < AAEL_INITDATA_FORMS; i++) {
		assert_int_equal(aael_initdata_form_by_name(aael_initdata_form_name(i), &form), 0);
		assert_int_equal(form, i);
	}
	assert_int_equal(aael_initdata_form_by_name("disk", &form), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_told_apart_by_content),
		cmocka_unit_test(document_that_begins_like_a_block),
		cmocka_unit_test(damaged_wrapping_is_named),
		cmocka_unit_test(what_is_no_document_is_refused_with_key_and_line),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(document_may_have_a_mebibyte),
		cmocka_unit_test(digest_is_of_the_bytes_as_delivered),
		cmocka_unit_test(every_form_packs_into_every_form),
		cmocka_unit_test(forms_have_names),
	};

	return cmocka_run_group_tests_name("initdata", tests, NULL, NULL);
}
