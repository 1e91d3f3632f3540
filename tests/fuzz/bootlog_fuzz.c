// SPDX-License-Identifier: Apache-2.0
/* The module's walk over a boot log, beside libaael's: bootlog_check(). */
#include "bootlog_check.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bootlog_outcome out;

	bootlog_check(data, size, &out);
	return 0;
}
