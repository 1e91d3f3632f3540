/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON (RFC 8785), as far as we need it: no numbers but integers. */
#ifndef AAEL_LIB_JCS_H
#define AAEL_LIB_JCS_H

#include <stdio.h>

struct cJSON;

/*
 * @value is of aael_json_parse(). 0; -ERANGE: it has a number that is no integer from -(2^53 - 1)
 * to 2^53 - 1; -ENOMEM. On error @out has got a part. Errors of @out are its own.
 */
int aael_jcs_put(FILE *out, const struct cJSON *value);

#endif
