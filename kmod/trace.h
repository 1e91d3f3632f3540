/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM aael

#if !defined(_AAEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _AAEL_TRACE_H

#include <linux/tracepoint.h>

#ifndef AAEL_TRACE_OUTCOMES
#define AAEL_TRACE_OUTCOMES
enum aael_trace_outcome {
	AAEL_TRACE_LOGGED,		/* extended and published */
	AAEL_TRACE_REJECTED,		/* nothing was sent: see the errno */
	AAEL_TRACE_NOT_APPLIED,		/* sent, and certainly not applied */
	AAEL_TRACE_UNDECIDED,		/* the register cannot be read: pending */
	AAEL_TRACE_SETTLED,		/* a pending entry turned out to be applied */
	AAEL_TRACE_LATE,		/* a refused entry turned up and is logged */
	AAEL_TRACE_DUPLICATE,		/* logged already, and to be logged once: nothing sent */
	AAEL_TRACE_REPAIRED,		/* an acknowledged entry was extended again */
	AAEL_TRACE_FOREIGN,		/* somebody else extended, and that is logged */
};
#endif

TRACE_DEFINE_ENUM(AAEL_TRACE_LOGGED);
TRACE_DEFINE_ENUM(AAEL_TRACE_REJECTED);
TRACE_DEFINE_ENUM(AAEL_TRACE_NOT_APPLIED);
TRACE_DEFINE_ENUM(AAEL_TRACE_UNDECIDED);
TRACE_DEFINE_ENUM(AAEL_TRACE_SETTLED);
TRACE_DEFINE_ENUM(AAEL_TRACE_LATE);
TRACE_DEFINE_ENUM(AAEL_TRACE_DUPLICATE);
TRACE_DEFINE_ENUM(AAEL_TRACE_REPAIRED);
TRACE_DEFINE_ENUM(AAEL_TRACE_FOREIGN);

/* One for every outcome of an append; the text of an event is never traced. */
TRACE_EVENT(aael_append,
	TP_PROTO(u64 sequence, u32 reg, int outcome, int err),
	TP_ARGS(sequence, reg, outcome, err),
	TP_STRUCT__entry(
		__field(u64, sequence)
		__field(u32, reg)
		__field(int, outcome)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->sequence = sequence;
		__entry->reg = reg;
		__entry->outcome = outcome;
		__entry->err = err;
	),
	TP_printk("sequence=%llu register=%u outcome=%s err=%d",
		  __entry->sequence, __entry->reg,
		  __print_symbolic(__entry->outcome,
				   { AAEL_TRACE_LOGGED, "logged" },
				   { AAEL_TRACE_REJECTED, "rejected" },
				   { AAEL_TRACE_NOT_APPLIED, "not-applied" },
				   { AAEL_TRACE_UNDECIDED, "undecided" },
				   { AAEL_TRACE_SETTLED, "settled" },
				   { AAEL_TRACE_LATE, "late" },
				   { AAEL_TRACE_DUPLICATE, "duplicate" },
				   { AAEL_TRACE_REPAIRED, "repaired" },
				   { AAEL_TRACE_FOREIGN, "foreign" }),
		  __entry->err)
);

#endif /* _AAEL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
