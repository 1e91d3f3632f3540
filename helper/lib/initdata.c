// SPDX-License-Identifier: Apache-2.0
/* Init-Data: from any form to its document and digest, and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "initdata.h"
#include "le.h"
#include "toml.h"

/* u8 magic[8], u64 length (little-endian), gzip[length]. */
#define BLOCK_MAGIC "initdata"
#define BLOCK_MAGIC_BYTES 8
#define BLOCK_HEADER_BYTES 16

#define ANNOTATION_START "H4sI"
#define ANNOTATION_START_BYTES 4
#define GZIP_MAGIC "\x1f\x8b"
#define GZIP_MAGIC_BYTES 2

#define KEY_SHOWN_BYTES 64

/* What is being read: its name, and where to tell what is wrong. */
struct source {
	const char *name;
	char *message;
};

static const char *const form_names[] = { "file", "annotation", "block" };

_Static_assert(sizeof(form_names) / sizeof(form_names[0]) == AAEL_INITDATA_FORMS, "one each");

const char *aael_initdata_form_name(enum aael_initdata_form form)
{
	return form_names[form];
}

int aael_initdata_form_by_name(const char *name, enum aael_initdata_form *form)
{
	for (int i = 0; i < AAEL_INITDATA_FORMS; i++) {
		if (!strcmp(name, form_names[i])) {
			*form = (enum aael_initdata_form)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int say(const struct source *s, int ret, const char *what, const char *why)
{
	snprintf(s->message, AAEL_INITDATA_MESSAGE_BYTES, "%s: %s%s", s->name, what, why);
	return ret;
}

/* ---- the wrapping ------------------------------------------------------------------ */

static int begins(const void *data, size_t size, const char *with, size_t bytes)
{
	return size >= bytes && !memcmp(data, with, bytes);
}

static int unzip(struct aael_initdata *i, const struct source *s, const void *data, size_t size)
{
	const char *why;
	int ret =
		aael_gzip_unpack(data, size, AAEL_INITDATA_MAX_BYTES, &i->document, &i->size, &why);

	return ret ? say(s, ret, "gzip: ", why) : 0;
}

static int unwrap_annotation(struct aael_initdata *i, const struct source *s, const char *text,
			     size_t size)
{
	struct aael_base64_error err;
	uint8_t *gzip;
	int ret;

	size -= text[size - 1] == '\n';
	gzip = malloc(size + 1);
	if (!gzip)
		return say(s, -ENOMEM, "no memory", "");
	ret = aael_base64_decode(text, size, gzip, &size, &err);
	if (ret)
		snprintf(s->message, AAEL_INITDATA_MESSAGE_BYTES, "%s: base64: byte %zu: %s",
			 s->name, err.offset, err.reason);
	else
		ret = unzip(i, s, gzip, size);
	free(gzip);
	return ret;
}

static int unwrap_block(struct aael_initdata *i, const struct source *s, const uint8_t *data,
			size_t size)
{
	uint64_t length;

	if (size < BLOCK_HEADER_BYTES)
		return say(s, -EBADMSG, "block: the header is cut off", "");
	length = get64(data + BLOCK_MAGIC_BYTES);
	if (length > size - BLOCK_HEADER_BYTES)
		return say(s, -EBADMSG, "block: the length reaches past the end", "");
	return unzip(i, s, data + BLOCK_HEADER_BYTES, (size_t)length);
}

static int copy_document(struct aael_initdata *i, const struct source *s, const void *data,
			 size_t size)
{
	if (begins(data, size, GZIP_MAGIC, GZIP_MAGIC_BYTES))
		return say(s, -EBADMSG, "gzip, but neither in base64 nor behind a block header",
			   "");
	if (size > AAEL_INITDATA_MAX_BYTES)
		return say(s, -E2BIG, "the document is too long", "");
	i->document = malloc(size + 1);
	if (!i->document)
		return say(s, -ENOMEM, "no memory", "");
	memcpy(i->document, data, size);
	i->document[size] = '\0';
	i->size = size;
	return 0;
}

static enum aael_initdata_form recognise(const uint8_t *data, size_t size)
{
	size_t header = size < BLOCK_HEADER_BYTES ? size : BLOCK_HEADER_BYTES;

	if (begins(data, size, ANNOTATION_START, ANNOTATION_START_BYTES))
		return AAEL_INITDATA_ANNOTATION;
	if (begins(data, size, BLOCK_MAGIC, BLOCK_MAGIC_BYTES) &&
	    (header == BLOCK_MAGIC_BYTES ||
	     memchr(data + BLOCK_MAGIC_BYTES, '\0', header - BLOCK_MAGIC_BYTES)))
		return AAEL_INITDATA_BLOCK;
	return AAEL_INITDATA_FILE;
}

/* ---- the document ------------------------------------------------------------------- */

static int refuse(const struct source *s, const struct aael_toml_value *value, const char *key,
		  const char *why)
{
	if (value)
		snprintf(s->message, AAEL_INITDATA_MESSAGE_BYTES, "%s:%lu: %s must be %s", s->name,
			 aael_toml_line(value), key, why);
	else
		snprintf(s->message, AAEL_INITDATA_MESSAGE_BYTES, "%s: %s is missing", s->name,
			 key);
	return -EINVAL;
}

static int check_entry(void *arg, const char *name, const struct aael_toml_value *value)
{
	char key[KEY_SHOWN_BYTES];

	if (aael_toml_string(value, NULL))
		return 0;
	snprintf(key, sizeof(key), "data.\"%s\"", name);
	for (char *c = key; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return refuse(arg, value, key, "a string");
}

static int check_document(struct aael_initdata *i, const struct source *s)
{
	const struct aael_toml_value *root, *version, *algorithm, *data;
	struct aael_toml_error err;
	int ret = aael_toml_parse(i->document, i->size, &i->toml, &err);
	const char *text;
	size_t size = 0;

	if (ret) {
		snprintf(s->message, AAEL_INITDATA_MESSAGE_BYTES, "%s:%lu: %s", s->name, err.line,
			 err.text);
		return ret;
	}
	root = aael_toml_root(i->toml);
	version = aael_toml_get(root, "version");
	text = aael_toml_string(version, &size);
	if (!text || size != strlen(text) || strcmp(text, AAEL_INITDATA_VERSION))
		return refuse(s, version, "version", "\"" AAEL_INITDATA_VERSION "\"");
	algorithm = aael_toml_get(root, "algorithm");
	text = aael_toml_string(algorithm, &size);
	i->alg = text ? aael_alg_by_name(text, size) : NULL;
	if (!i->alg || (i->alg->id != AAEL_ALG_SHA256 && i->alg->id != AAEL_ALG_SHA384 &&
			i->alg->id != AAEL_ALG_SHA512))
		return refuse(s, algorithm, "algorithm", "sha256, sha384 or sha512");
	data = aael_toml_get(root, "data");
	if (!aael_toml_is_table(data))
		return refuse(s, data, "data", "a table");
	return aael_toml_each(data, check_entry, (void *)s);
}

int aael_initdata_open(struct aael_initdata *initdata, const void *data, size_t size,
		       const char *name, char message[AAEL_INITDATA_MESSAGE_BYTES])
{
	const struct source s = { .name = name, .message = message };
	int ret;

	memset(initdata, 0, sizeof(*initdata));
	message[0] = '\0';
	initdata->form = recognise(data, size);
	if (initdata->form == AAEL_INITDATA_ANNOTATION)
		ret = unwrap_annotation(initdata, &s, data, size);
	else if (initdata->form == AAEL_INITDATA_BLOCK)
		ret = unwrap_block(initdata, &s, data, size);
	else
		ret = copy_document(initdata, &s, data, size);
	if (!ret)
		ret = check_document(initdata, &s);
	if (ret)
		aael_initdata_close(initdata);
	return ret;
}

void aael_initdata_close(struct aael_initdata *initdata)
{
	aael_toml_free(initdata->toml);
	free(initdata->document);
	memset(initdata, 0, sizeof(*initdata));
}

const char *aael_initdata_get(const struct aael_initdata *initdata, const char *name, size_t *size)
{
	const struct aael_toml_value *data = aael_toml_get(aael_toml_root(initdata->toml), "data");

	return aael_toml_string(aael_toml_get(data, name), size);
}

int aael_initdata_digest(const struct aael_initdata *initdata,
			 uint8_t digest[AAEL_TCG2_DIGEST_MAX_BYTES])
{
	return aael_alg_hash(initdata->alg->id, initdata->document, initdata->size, "", 0, digest);
}

void aael_initdata_mrconfigid(const uint8_t *digest, size_t size,
			      uint8_t out[AAEL_MRCONFIGID_BYTES])
{
	memset(out, 0, AAEL_MRCONFIGID_BYTES);
	memcpy(out, digest, size < AAEL_MRCONFIGID_BYTES ? size : AAEL_MRCONFIGID_BYTES);
}

/* ---- the way back --------------------------------------------------------------------- */

static int wrap_annotation(const uint8_t *gzip, size_t gzip_size, uint8_t **out, size_t *size)
{
	*size = AAEL_BASE64_CHARS(gzip_size);
	*out = malloc(*size + 1);
	if (!*out)
		return -ENOMEM;
	aael_base64_encode(gzip, gzip_size, (char *)*out);
	return 0;
}

static int wrap_block(const uint8_t *gzip, size_t gzip_size, uint8_t **out, size_t *size)
{
	*size = BLOCK_HEADER_BYTES + gzip_size + AAEL_INITDATA_SECTOR_BYTES - 1;
	*size -= *size % AAEL_INITDATA_SECTOR_BYTES;
	*out = calloc(1, *size);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, BLOCK_MAGIC, BLOCK_MAGIC_BYTES);
	for (int i = 0; i < 8; i++)
		(*out)[BLOCK_MAGIC_BYTES + i] = (uint8_t)((uint64_t)gzip_size >> (8 * i));
	memcpy(*out + BLOCK_HEADER_BYTES, gzip, gzip_size);
	return 0;
}

int aael_initdata_pack(const struct aael_initdata *initdata, enum aael_initdata_form form,
		       uint8_t **out, size_t *size)
{
	uint8_t *gzip;
	size_t gzip_size;
	int ret;

	if (form == AAEL_INITDATA_FILE) {
		*size = initdata->size;
		*out = malloc(*size + 1);
		if (*out)
			memcpy(*out, initdata->document, *size);
		return *out ? 0 : -ENOMEM;
	}
	ret = aael_gzip_pack(initdata->document, initdata->size, &gzip, &gzip_size);
	if (ret)
		return ret;
	ret = form == AAEL_INITDATA_BLOCK ? wrap_block(gzip, gzip_size, out, size)
					  : wrap_annotation(gzip, gzip_size, out, size);
	free(gzip);
	return ret;
}
