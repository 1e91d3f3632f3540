/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the log for programs: see Documentation/aaelctl.md. */
#ifndef AAEL_LIB_STATUSJSON_H
#define AAEL_LIB_STATUSJSON_H

#include "libaael.h"

/*
 * @text: what securityfs says, "key: value" lines, each ended; NULL: it could not be read.
 * 0 and *@out, a text to free(); -ENOMEM.
 *
 * {"version","state","health","platform","provider","protected","banks":[…],"boot_log","index",
 * "register","resettable","count","bytes","own_bytes","max_log_bytes","headroom_bytes",
 * "violations","pending","details"}, in this order. register is null until the log is enabled,
 * pending is null or the number of the undecided event, details is null or
 * {"key":["value",…],…}, every line of @text.
 */
int aael_status_json(const struct aael_info *info, const char *text, size_t size, char **out);

#endif
