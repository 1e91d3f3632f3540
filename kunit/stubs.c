// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands in for the parts of the module that are left out: netlink, which would
 * be a second family of the same name, and the trace events (the tracepoint is there).
 */
#include "fixture.h"
#include "trace.h"

DEFINE_TRACE(aael_append, PARAMS(u64 sequence, u32 reg, int outcome, int err),
	     PARAMS(sequence, reg, outcome, err));

struct notified notified;

void aael_netlink_notify(u64 sequence, u64 offset, u64 bytes, u32 reg, enum aael_health health)
{
	notified.health = health;
	if (!sequence) {
		notified.health_changes++;
		return;
	}
	notified.entries++;
	notified.sequence = sequence;
	notified.offset = offset;
	notified.bytes = bytes;
	notified.reg = reg;
}

u64 aael_netlink_dropped(void)
{
	return 0;
}
