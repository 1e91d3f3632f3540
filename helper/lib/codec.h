/* SPDX-License-Identifier: Apache-2.0 */
/* How bytes are wrapped on their way: base64 and gzip, both strict. */
#ifndef AAEL_LIB_CODEC_H
#define AAEL_LIB_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- base64.c: RFC 4648: section 4, and section 5 in URLs and JOSE ------------- */

struct aael_base64_error {
	size_t offset;	    /* of the character that was refused */
	const char *reason; /* static text */
};

/* Characters that @size bytes become, padding included, NUL not. */
#define AAEL_BASE64_CHARS(size) (((size_t)(size) + 2) / 3 * 4)

/* @out has AAEL_BASE64_CHARS(@size) + 1 bytes. */
void aael_base64_encode(const void *data, size_t size, char *out);
/*
 * A part of that text: from the @at-th character on, as many as there are and @room is for, no
 * NUL. Returns how many; 0: the end.
 */
size_t aael_base64_slice(const void *data, size_t size, size_t at, char *out, size_t room);
/*
 * Exactly the one text that the encoder makes of the bytes: with padding, without line
 * breaks, the bits that no byte uses zero. @out has room for @size / 4 * 3 bytes. 0 and
 * *@out_size; -EBADMSG, then *@err says what is wrong.
 */
int aael_base64_decode(const char *text, size_t size, uint8_t *out, size_t *out_size,
		       struct aael_base64_error *err);

/* As aael_base64_encode(), to a stream. Errors are those of @out. */
void aael_base64_put(FILE *out, const void *data, size_t size);
/* The URL-safe alphabet without padding, to a stream. Errors are those of @out. */
void aael_base64url_put(FILE *out, const void *data, size_t size);
/*
 * The text that aael_base64url_put() makes. Each byte string has one such text and no other is
 * taken: no '=', no blanks, no bits left over.
 * 0 and *@size; -EINVAL: not such a text; -E2BIG: it has more than @room bytes.
 */
int aael_base64url_decode(const char *text, size_t len, uint8_t *out, size_t room, size_t *size);

/* ---- gzip.c: RFC 1952, one member --------------------------------------------- */

/*
 * *@out to free(), with a NUL behind its *@out_size bytes. 0; -EBADMSG: not gzip, cut off,
 * another checksum, or anything behind the one member; -E2BIG: more than @max bytes come
 * out; -ENOMEM. *@why is a static text, NULL on success.
 */
int aael_gzip_unpack(const void *data, size_t size, size_t max, char **out, size_t *out_size,
		     const char **why);
/* The same bytes always become the same: no name, no time. 0 and *@out to free(); -ENOMEM. */
int aael_gzip_pack(const void *data, size_t size, uint8_t **out, size_t *out_size);

#endif
