/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AAEL_FUZZ_BOOTLOG_CHECK_H
#define AAEL_FUZZ_BOOTLOG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the module makes of an area. */
struct bootlog_outcome {
	bool parsed;   /* there is a usable header */
	bool accepted; /* and every algorithm of it has a bank: the log is taken */
	size_t entries;
	size_t len;	 /* bytes that would be published */
	const char *why; /* refused or cut short, or NULL */
};

/*
 * Does with @size bytes at @data what the module does with a boot log, and compares the
 * result with the reader's. Aborts where an invariant does not hold.
 */
void bootlog_check(const uint8_t *data, size_t size, struct bootlog_outcome *out);

#endif
