/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from strangers: cJSON behind checks that it does not make itself.
 *
 *	struct aael_json_error err;
 *	struct cJSON *root;
 *	const char *name;
 *
 *	if (!aael_json_parse(data, size, &root, &err) &&
 *	    !aael_json_string(root, "name", &name, &err))
 *		use(name);
 *	aael_json_free(root);
 *
 * Refused, though cJSON takes them: text that is not well-formed UTF-8, \u0000, raw
 * control characters, more than AAEL_JSON_DEPTH_MAX levels or AAEL_JSON_VALUES_MAX values
 * (each costs cJSON 64 bytes), an object with one key twice, anything behind the value,
 * numbers that RFC 8259 has not (01, 1.).
 * Names are compared byte for byte.
 */
#ifndef AAEL_LIB_JSON_H
#define AAEL_LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cJSON;

#define AAEL_JSON_DEPTH_MAX 32
#define AAEL_JSON_VALUES_MAX 10000 /* in all; an empty array or object counts as two */
#define AAEL_JSON_ERROR_BYTES 160

struct aael_json_error {
	size_t offset;			  /* of the byte that was refused; 0 from the getters */
	char text[AAEL_JSON_ERROR_BYTES]; /* "content: raw control character at byte 31" */
};

/*
 * @size bytes at @data, no NUL needed. 0 and *@root to aael_json_free(); -EBADMSG:
 * not such a text, see *@err (it names the member of the outermost object that it
 * happened in, or "body"); -ENOMEM.
 */
int aael_json_parse(const char *data, size_t size, struct cJSON **root,
		    struct aael_json_error *err);
/* Also NULL. */
void aael_json_free(struct cJSON *root);

/*
 * A member of an object. 0; -ENOENT: it is missing or null; -EINVAL: it has another
 * type; *@err names it. A string belongs to @object and holds no NUL inside.
 */
int aael_json_string(const struct cJSON *object, const char *name, const char **out,
		     struct aael_json_error *err);
int aael_json_bool(const struct cJSON *object, const char *name, bool *out,
		   struct aael_json_error *err);
/* An integer from 0 to @max, as a number or as its decimal digits in a string. */
int aael_json_u32(const struct cJSON *object, const char *name, uint32_t max, uint32_t *out,
		  struct aael_json_error *err);
/* The member, of any type, or NULL. */
const struct cJSON *aael_json_get(const struct cJSON *object, const char *name);
/* Not of NULL. */
bool aael_json_is_object(const struct cJSON *value);

/* @text, which is UTF-8, as a JSON string with its quotes, escaped as RFC 8785 says. */
void aael_json_put_string(FILE *out, const char *text);

#endif
