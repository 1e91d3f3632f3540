/* SPDX-License-Identifier: Apache-2.0 */
/* Is this text JSON? Private to the library. */
#ifndef AAEL_LIB_JSONSCAN_H
#define AAEL_LIB_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSONSCAN_DEPTH_MAX	127	/* as serde_json, which Trustee parses with */

/*
 * Is the whole of @text one JSON value (RFC 8259), as Trustee would take it: nested
 * at most JSONSCAN_DEPTH_MAX deep, no lone surrogate escape, no number beyond a
 * double? Duplicate keys are taken. Well-formed UTF-8 is demanded.
 */
bool aael_jsonscan_valid(const char *text, size_t size);

#endif
