// SPDX-License-Identifier: Apache-2.0
/* Time that never goes back. */
#include <time.h>

#include "aaeld.h"

int64_t aaeld_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
