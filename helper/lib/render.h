/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of one entry. Private to the library. */
#ifndef AAEL_LIB_RENDER_H
#define AAEL_LIB_RENDER_H

#include "libaael.h"

struct cJSON;

/* lines.c: the line without its end. @sequence: its number among ours, or 0. */
void render_line(FILE *out, const struct aael_tcg2_entry *e, uint64_t sequence);
/*
 * Parts of it: "alg:digest"; the type's name; and, behind a space, what text an entry that is
 * not ours holds, if it holds any.
 */
void render_digest(FILE *out, const struct aael_tcg2_digest *d);
void render_type(FILE *out, uint32_t type);
void render_boot_text(FILE *out, const struct aael_tcg2_entry *e);
/* render.c: as an element of the JSON, with "sequence" in front. NULL: no memory. */
struct cJSON *render_item(const struct aael_tcg2_entry *e, uint64_t sequence);
/*
 * yaml.c: an object as an element of a YAML sequence, indented by no more than that. Strings,
 * and what was taken over as raw JSON, are double-quoted; every key is a plain word.
 */
void render_yaml(FILE *out, const struct cJSON *object);

#endif
