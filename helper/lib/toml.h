/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0: tomlplusplus in plain C, since no C library for it is packaged and measured
 * documents must not be read by a parser of our own.
 *
 *	struct aael_toml_error err;
 *	struct aael_toml *doc;
 *	bool on;
 *
 *	if (!aael_toml_parse(text, size, &doc, &err) &&
 *	    aael_toml_bool(aael_toml_get(aael_toml_root(doc), "on"), &on))
 *		use(on);
 *	aael_toml_free(doc);
 *
 * Values belong to their document. Every function takes NULL for a value that is not there.
 */
#ifndef AAEL_LIB_TOML_H
#define AAEL_LIB_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aael_toml;
struct aael_toml_value;

#define AAEL_TOML_ERROR_BYTES 160

struct aael_toml_error {
	unsigned long line;		  /* from 1; 0: not of a line */
	char text[AAEL_TOML_ERROR_BYTES]; /* printable ASCII, '?' for what is not */
};

/*
 * @size bytes at @text, no NUL needed. 0 and *@doc to aael_toml_free(); -EINVAL: not TOML,
 * *@err says what and where; -ENOMEM. *@doc is NULL on error.
 */
int aael_toml_parse(const char *text, size_t size, struct aael_toml **doc,
		    struct aael_toml_error *err);
void aael_toml_free(struct aael_toml *doc);

/* The table that the document is. */
const struct aael_toml_value *aael_toml_root(const struct aael_toml *doc);
/* A member by its name, byte for byte. NULL: there is none, or @table is no table. */
const struct aael_toml_value *aael_toml_get(const struct aael_toml_value *table, const char *name);
/*
 * Calls @each for all members, in the order of their names, until one returns other than 0,
 * which is then returned. 0 if @table is no table. @name is NUL terminated; a NUL inside ends it.
 */
int aael_toml_each(const struct aael_toml_value *table,
		   int (*each)(void *arg, const char *name, const struct aael_toml_value *value),
		   void *arg);

bool aael_toml_is_table(const struct aael_toml_value *value);
/* True and *@out if the value has that type; nothing is converted. */
bool aael_toml_bool(const struct aael_toml_value *value, bool *out);
bool aael_toml_integer(const struct aael_toml_value *value, int64_t *out);
/*
 * NULL if it is no string. UTF-8 with a NUL behind it; "\u0000" makes one inside, so that
 * *@size (which may be NULL) counts.
 */
const char *aael_toml_string(const struct aael_toml_value *value, size_t *size);
/* Where the value stands, from 1; 0 for NULL. */
unsigned long aael_toml_line(const struct aael_toml_value *value);

#ifdef __cplusplus
}
#endif

#endif
