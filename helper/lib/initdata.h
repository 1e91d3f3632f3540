/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init-Data of Confidential Containers: configuration that the host hands to a guest, and
 * whose digest the platform vouches for. A TOML document:
 *
 *	version = "0.1.0"
 *	algorithm = "sha384"		(or sha256, sha512)
 *	[data]
 *	"aa.toml" = '''…'''		(any names; the values are strings)
 *
 * The digest is that of the document's bytes, exactly as they were delivered. Forms, told
 * apart by how they begin:
 *
 *	file		the document
 *	annotation	base64(gzip(document)), as in Kata's cc_init_data; one newline
 *			may follow. Begins with "H4sI": gzip's magic and its only method.
 *	block		Kata's block device: the 8 bytes "initdata", u64 little-endian: the
 *			length of what follows, gzip(document). What is behind that (the rest of
 *			the device) is not looked at. The length's highest byte is a NUL, which
 *			no document has.
 */
#ifndef AAEL_LIB_INITDATA_H
#define AAEL_LIB_INITDATA_H

#include "libaael.h"

#define AAEL_INITDATA_MAX_BYTES (1024 * 1024)	       /* of a document */
#define AAEL_INITDATA_FILE_MAX_BYTES (2 * 1024 * 1024) /* of any form of it */
#define AAEL_INITDATA_SECTOR_BYTES 512		       /* what pack fills the block form up to */
#define AAEL_INITDATA_MESSAGE_BYTES 256
#define AAEL_INITDATA_VERSION "0.1.0"

#define AAEL_MRCONFIGID_BYTES 48

struct aael_toml;

enum aael_initdata_form {
	AAEL_INITDATA_FILE,
	AAEL_INITDATA_ANNOTATION,
	AAEL_INITDATA_BLOCK,
	AAEL_INITDATA_FORMS,
};

struct aael_initdata {
	enum aael_initdata_form form;
	char *document; /* a NUL stands behind it */
	size_t size;
	const struct aael_alg *alg;
	struct aael_toml *toml;
};

/* "file", "annotation", "block". */
const char *aael_initdata_form_name(enum aael_initdata_form form);
/* 0, or -EINVAL. */
int aael_initdata_form_by_name(const char *name, enum aael_initdata_form *form);

/*
 * @size bytes in any form, which @name names in messages. 0 and *@initdata to
 * aael_initdata_close(); -EBADMSG: damaged wrapping; -EINVAL: not TOML, or not such a document;
 * -E2BIG: more than AAEL_INITDATA_MAX_BYTES; -ENOMEM. Then @message says what is wrong and where
 * ("initdata.toml:2: algorithm must be …"), and *@initdata holds nothing.
 */
int aael_initdata_open(struct aael_initdata *initdata, const void *data, size_t size,
		       const char *name, char message[AAEL_INITDATA_MESSAGE_BYTES]);
/* Also of one that is all zeros, or closed already. */
void aael_initdata_close(struct aael_initdata *initdata);

/* The text in [data] of that name, owned by @initdata, *@size bytes; NULL: none. */
const char *aael_initdata_get(const struct aael_initdata *initdata, const char *name, size_t *size);
/* Of the document, by its algorithm: returns the digest's bytes, or as aael_alg_hash(). */
int aael_initdata_digest(const struct aael_initdata *initdata,
			 uint8_t digest[AAEL_TCG2_DIGEST_MAX_BYTES]);
/* What TDX's MRCONFIGID holds for a digest: cut, or filled up with zeros. */
void aael_initdata_mrconfigid(const uint8_t *digest, size_t size,
			      uint8_t out[AAEL_MRCONFIGID_BYTES]);
/* The document in a form. 0 and *@out to free(), *@size bytes; -ENOMEM. */
int aael_initdata_pack(const struct aael_initdata *initdata, enum aael_initdata_form form,
		       uint8_t **out, size_t *size);

#endif
