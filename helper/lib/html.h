/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile text as HTML. Errors are those of the stream. */
#ifndef AAEL_LIB_HTML_H
#define AAEL_LIB_HTML_H

#include <stddef.h>
#include <stdio.h>

/*
 * Text between tags, or in a quoted attribute. What would be markup becomes a character reference;
 * what is not UTF-8, and control characters, are written \xNN; characters that nobody sees or that
 * turn other text around, ⟨U+202E⟩ and the like.
 */
void html_put(FILE *out, const void *text, size_t size);
/* The same of a text of lines: their ends stay. */
void html_put_lines(FILE *out, const char *text);

#endif
