// SPDX-License-Identifier: Apache-2.0
/* One gzip member by zlib. Whatever comes out is bounded before it is believed. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "codec.h"

#define WINDOW_BITS 15
#define GZIP_ONLY 16 /* added to it: no zlib or raw stream */
#define MEMORY_LEVEL 8
#define GZIP_HEADER_TRAILER_BYTES 18

static const char *reason(int ret, const z_stream *z)
{
	if (ret == Z_STREAM_END)
		return z->avail_in ? "something follows the compressed data" : NULL;
	if (ret == Z_OK || ret == Z_BUF_ERROR)
		return z->avail_out ? "the compressed data is cut off" : "too much comes out of it";
	return z->msg ? z->msg : "not gzip";
}

int aael_gzip_unpack(const void *data, size_t size, size_t max, char **out, size_t *out_size,
		     const char **why)
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)size };
	char *buf;
	int ret;

	*why = "too long";
	if (size > UINT_MAX || max >= UINT_MAX)
		return -E2BIG;
	*why = "no memory";
	/* One byte more than may come out, which is the NUL's afterwards. */
	buf = malloc(max + 1);
	if (!buf || inflateInit2(&z, WINDOW_BITS + GZIP_ONLY) != Z_OK) {
		free(buf);
		return -ENOMEM;
	}
	z.next_out = (Bytef *)buf;
	z.avail_out = (uInt)max + 1;
	ret = inflate(&z, Z_FINISH);
	*out_size = max + 1 - z.avail_out;
	if (ret == Z_STREAM_END && !z.avail_out)
		ret = Z_BUF_ERROR;
	*why = reason(ret, &z);
	inflateEnd(&z);
	if (*why) {
		free(buf);
		return ret == Z_MEM_ERROR ? -ENOMEM : *out_size > max ? -E2BIG : -EBADMSG;
	}
	buf[*out_size] = '\0';
	*out = buf;
	return 0;
}

int aael_gzip_pack(const void *data, size_t size, uint8_t **out, size_t *out_size)
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)size };
	uLong room;
	int ret;

	if (size > UINT_MAX / 2 ||
	    deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_BITS + GZIP_ONLY, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&z, (uLong)size) + GZIP_HEADER_TRAILER_BYTES;
	*out = malloc(room);
	z.next_out = *out;
	z.avail_out = (uInt)room;
	ret = *out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	*out_size = room - z.avail_out;
	deflateEnd(&z);
	if (ret == Z_STREAM_END)
		return 0;
	free(*out);
	return -ENOMEM;
}
