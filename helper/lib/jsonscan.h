/* SPDX-License-Identifier: Apache-2.0 */
/* Is this text JSON? Private to the library. */
#ifndef AAEL_LIB_JSONSCAN_H
#define AAEL_LIB_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSONSCAN_DEPTH_MAX 127 /* as serde_json, which Trustee parses with */

/*
 * Is the whole of @text one JSON value (RFC 8259), as Trustee would take it: nested
 * at most JSONSCAN_DEPTH_MAX deep, no lone surrogate escape, no number beyond a
 * double? Duplicate keys are taken. Well-formed UTF-8 is demanded.
 */
bool aael_jsonscan_valid(const char *text, size_t size);
/*
 * Where in such a text the value of a member of the outermost object stands, for
 * what is too large for a tree or has strings that ours cannot hold. @name is what
 * stands between the quotes, byte for byte. False: no such text, or the member is
 * not there or there twice.
 */
bool aael_jsonscan_member(const char *text, size_t size, const char *name, const char **value,
			  size_t *value_size);

#endif
