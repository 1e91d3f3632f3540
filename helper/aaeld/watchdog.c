// SPDX-License-Identifier: Apache-2.0
/* The service manager's watchdog: the loop shows that it still turns, twice in the time allowed. */
#include <errno.h>
#include <event2/event.h>

#include "aaeld.h"

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	aaeld_sd_notify("WATCHDOG=1");
}

int aaeld_watchdog_start(struct event_base *base, struct event **tick)
{
	uint64_t half = aaeld_sd_watchdog_us() / 2;
	struct timeval every = { .tv_sec = (time_t)(half / 1000000),
				 .tv_usec = (suseconds_t)(half % 1000000) };

	*tick = NULL;
	if (!half)
		return 0;
	*tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	if (!*tick || event_add(*tick, &every))
		return -ENOMEM;
	return 0;
}
