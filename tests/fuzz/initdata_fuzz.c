// SPDX-License-Identifier: Apache-2.0
/*
 * Init-Data in its three forms. The first byte says how the others are delivered, since no
 * mutation keeps a checksum: as they are, or packed as a document. What is opened is the same
 * in every form, and its digest is that of the bytes; more than AAEL_INITDATA_MAX_BYTES never
 * comes out of a few.
 *
 *	u8 how: bits 0-1: a form, or 3: the bytes are deflated; bits 4-7 set: a mebibyte of
 *	blanks behind them (costs time, so that it is not every other input)
 */
#include <errno.h>
#include <strings.h>

#include <openssl/evp.h>

#include "aaeld.h"
#include "codec.h"
#include "fuzz.h"
#include "initdata.h"
#include "le.h"

#define HOW_FORM 3
#define HOW_LONG 0xf0
#define NAME "id"

static char message[AAEL_INITDATA_MESSAGE_BYTES];

static int open_bytes(struct aael_initdata *i, const void *data, size_t size)
{
	struct bytes copy = exact_copy(data, size);
	int ret = aael_initdata_open(i, copy.p, size, NAME, message);

	free(copy.block);
	MUST(strlen(message) < sizeof(message));
	if (!ret) {
		MUST(!message[0] && i->document[i->size] == '\0');
		MUST(i->size <= AAEL_INITDATA_MAX_BYTES && is_utf8(i->document, i->size));
	} else {
		MUST(ret == -EBADMSG || ret == -EINVAL || ret == -E2BIG);
		MUST(!strncmp(message, NAME ":", strlen(NAME ":")) && message[strlen(NAME ":")]);
		MUST(is_plain(message, strlen(message)));
		MUST(!i->document && !i->toml);
	}
	return ret;
}

static void check_digest(const struct aael_initdata *i)
{
	uint8_t digest[AAEL_TCG2_DIGEST_MAX_BYTES], expected[EVP_MAX_MD_SIZE];
	uint8_t mrconfigid[AAEL_MRCONFIGID_BYTES];
	unsigned int size;
	int n = aael_initdata_digest(i, digest);

	MUST(EVP_Digest(i->document, i->size, expected, &size, EVP_get_digestbyname(i->alg->name),
			NULL));
	MUST(n == (int)size && !memcmp(digest, expected, size));
	aael_initdata_mrconfigid(digest, size, mrconfigid);
	for (unsigned int at = 0; at < sizeof(mrconfigid); at++)
		MUST(mrconfigid[at] == (at < size ? expected[at] : 0));
}

/* What the daemon makes of it. */
static void check_config(const char *text, size_t size)
{
	char why[AAELD_MESSAGE_BYTES];
	struct bytes copy = exact_copy(text, size);
	struct aaeld_config config;
	int ret = aaeld_toml_parse((const char *)copy.p, size, NAME, &config, why);

	free(copy.block);
	MUST(ret == 0 || ret == -EINVAL);
	if (!ret) {
		MUST(!config.has_init_pcr || config.init_pcr < AAEL_REGISTERS_MAX);
		MUST(!config.kbs_url || !strncasecmp(config.kbs_url, "http", 4));
	} else {
		MUST(!strncmp(why, NAME, strlen(NAME)) && is_plain(why, strlen(why)));
	}
	aaeld_config_free(&config);
}

static void check_forms(const struct aael_initdata *i)
{
	struct aael_initdata again;
	uint8_t *packed;
	size_t size;

	for (int form = 0; form < AAEL_INITDATA_FORMS; form++) {
		/* A file that begins like an annotation is taken for one. */
		if (form == AAEL_INITDATA_FILE && !strncmp(i->document, "H4sI", 4))
			continue;
		MUST(!aael_initdata_pack(i, (enum aael_initdata_form)form, &packed, &size));
		MUST(!open_bytes(&again, packed, size));
		free(packed);
		MUST(again.form == (enum aael_initdata_form)form && again.alg == i->alg);
		MUST(again.size == i->size && !memcmp(again.document, i->document, i->size));
		check_digest(&again);
		aael_initdata_close(&again);
	}
}

static void check_open(const void *data, size_t size)
{
	struct aael_initdata i;
	const char *text;
	size_t text_size = 0;

	if (!open_bytes(&i, data, size)) {
		check_digest(&i);
		check_forms(&i);
		text = aael_initdata_get(&i, "aa.toml", &text_size);
		if (text)
			check_config(text, text_size);
	}
	aael_initdata_close(&i);
}

/* zlib, which is not built for ASan, must not be told of a byte that is not there. */
static void check_cut(const uint8_t *block)
{
	struct aael_initdata i;

	MUST(open_bytes(&i, block, 16 + (size_t)get64(block + 8) - 1) == -EBADMSG);
	MUST(strstr(message, "past the end"));
}

/* A document of any kind, in a form. */
static void check_packed(const struct bytes *document, enum aael_initdata_form form)
{
	struct aael_initdata i = { .document = (char *)document->p, .size = document->size };
	uint8_t *packed;
	size_t size;

	MUST(!aael_initdata_pack(&i, form, &packed, &size));
	if (form == AAEL_INITDATA_BLOCK)
		check_cut(packed);
	if (document->size > AAEL_INITDATA_MAX_BYTES)
		MUST(open_bytes(&i, packed, size) == -E2BIG);
	else
		check_open(packed, size);
	free(packed);
}

/* Bytes as what is compressed, behind gzip's header without a name or time. */
static void check_deflated(const uint8_t *data, size_t size)
{
	static const uint8_t header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	struct bytes gzip = exact_copy(data, size), text;

	gzip.block = realloc(gzip.block, sizeof(header) + size);
	MUST(gzip.block);
	memcpy(gzip.block, header, sizeof(header));
	if (size)
		memcpy(gzip.block + sizeof(header), data, size);
	size += sizeof(header);
	text = exact_copy(gzip.block, 0);
	text.block = realloc(text.block, AAEL_BASE64_CHARS(size) + 1);
	MUST(text.block);
	aael_base64_encode(gzip.block, size, (char *)text.block);
	check_open(text.block, AAEL_BASE64_CHARS(size));
	free(text.block);
	free(gzip.block);
}

/* With @more blanks, which every document may end with, behind the bytes. */
static struct bytes filled(const uint8_t *data, size_t size, size_t more)
{
	struct bytes b = { .block = malloc(size + more + 1), .size = size + more };

	MUST(b.block);
	b.p = b.block;
	if (size)
		memcpy(b.p, data, size);
	memset(b.p + size, '\n', more);
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how = size ? *data++ : 0;
	struct bytes b;

	size -= !!size;
	if ((how & HOW_FORM) == HOW_FORM) {
		check_deflated(data, size);
		return 0;
	}
	b = filled(data, size, how >= HOW_LONG ? AAEL_INITDATA_MAX_BYTES : 0);
	if ((how & HOW_FORM) == AAEL_INITDATA_FILE) {
		check_open(b.p, b.size);
		check_config((const char *)b.p, b.size);
	} else {
		check_packed(&b, (enum aael_initdata_form)(how & HOW_FORM));
	}
	free(b.block);
	return 0;
}
