// SPDX-License-Identifier: Apache-2.0
/* libFuzzer's entry to bootlog_check(). */
#include "bootlog_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bootlog_outcome out;

	bootlog_check(data, size, &out);
	return 0;
}
