/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * aael: the attestation agent event log, kernel interface.
 *
 * /dev/aael
 *   write(2)   one or more lines "domain operation content\n"; every line is one
 *              event. Only complete lines are consumed, and the return value is
 *              the number of bytes of the lines that were appended: an error
 *              behind the first line is a short write. write(2) never has
 *              privilege: reserved domains and privileged indexes need the ioctl.
 *   read(2)    the binary log: header, boot log, our entries; no end mark.
 *   lseek(2), pread(2), mmap(2)
 *              on that same stream. pwrite(2): ESPIPE. mmap(2) for writing: EACCES;
 *              a mapping grows with the log, touching a page behind its end: SIGBUS.
 *   poll(2)    POLLIN: the log reaches past the file position;
 *              POLLPRI: the health has changed since this file last asked for it
 *              (AAEL_IOC_INFO); POLLOUT: the log is enabled.
 *   ioctl(2)   the six below.
 *
 * Every ioctl takes a struct whose first member is its size as the caller knows
 * it. A kernel that knows a longer struct treats the missing tail as zero; a
 * kernel that knows a shorter one answers E2BIG if the tail it does not know is
 * not zero. Unknown flags and non-zero reserved members: EINVAL.
 *
 * Errors of write(2) and AAEL_IOC_EXTEND, in the order of the checks:
 *
 *   EINVAL      bad size, flag or reserved member; no complete line; a field that
 *               is missing, or holds a byte that is not allowed
 *   E2BIG       a field is too long; an unknown tail of the struct is not zero
 *   EFAULT      the memory cannot be read (or the result not be written: then the
 *               event *is* logged)
 *   EILSEQ      the content is not well-formed UTF-8
 *   EOPNOTSUPP  this platform has no register (no provider)
 *   ENOTCONN    the log is not enabled
 *   ESHUTDOWN   the log is sealed
 *   EACCES      the domain is reserved for CAP_SYS_ADMIN
 *   EINVAL      there is no such index, or it is refused to everybody
 *   EPERM       the register index is reserved for CAP_SYS_ADMIN
 *   EEXIST      AAEL_EXTEND_F_ONCE, and an event of the same register, domain and
 *               operation is logged with other content
 *   ENOSPC      the log is full
 *   EDQUOT      what is left of the log is kept for CAP_SYS_ADMIN
 *   ENOMEM      no memory for the entry
 *   EAGAIN      O_NONBLOCK, and another event is being measured
 *   EINTR       killed while waiting for the turn
 *   EBUSY       the system is being suspended
 *   ENODEV      the device that holds the register is gone
 *   EIO         nothing was logged. The register was not extended either, unless the
 *               health has become "diverged"; should the device apply the event
 *               even later, it is logged then. Also while an earlier event is
 *               undecided
 *   ETIMEDOUT   undecided: the register may have been extended; the next use
 *               reads it again, and logs the event if it was
 *
 * ENOMEM may come before all of them, when there is none to copy the event into.
 * EBUSY to EIO may come in front of ENOSPC, EDQUOT and ENOMEM when others were faster,
 * and ENOMEM to EIO in front of EEXIST, which takes the turn to be told.
 * After every error but EFAULT on the result and ETIMEDOUT nothing has been logged.
 */
#ifndef _UAPI_LINUX_AAEL_H
#define _UAPI_LINUX_AAEL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define AAEL_ABI_VERSION		1

/* Limits of an event's fields, in bytes. */
#define AAEL_DOMAIN_MAX_BYTES		255
#define AAEL_OPERATION_MAX_BYTES	255
#define AAEL_CONTENT_MAX_BYTES		65535

/* The text of an entry: the fields joined by single spaces. */
#define AAEL_TEXT_MAX_BYTES	(AAEL_DOMAIN_MAX_BYTES + 1 + \
				 AAEL_OPERATION_MAX_BYTES + 1 + \
				 AAEL_CONTENT_MAX_BYTES)

/* TCG PC Client event type EV_EVENT_TAG and our tag ("LEAA" in the bytes). */
#define AAEL_EVENT_TYPE			0x00000006u
#define AAEL_EVENT_TAG			0x4141454cu

#define AAEL_BANKS_MAX			5	/* SHA-1, -256, -384, -512, SM3 */
#define AAEL_DIGEST_MAX_BYTES		64
#define AAEL_REGISTERS_MAX		24	/* PCR 0..23, or CCMR 0..4 */
#define AAEL_PROVIDER_NAME_BYTES	16

/* aael_extend.index, aael_verify.index: the index the log was enabled with. */
#define AAEL_INDEX_DEFAULT		0xffffffffu

/* The log's life. */
enum aael_state {
	AAEL_STATE_UNSUPPORTED	= 0,	/* no provider has a register here */
	AAEL_STATE_DISABLED	= 1,	/* a provider, but not enabled yet */
	AAEL_STATE_ENABLED	= 2,	/* one way until reboot or reload */
	AAEL_STATE_SEALED	= 3,	/* to be handed over; the one way back is AAEL_SEAL_UNDO */
};

/* How log and registers agree; a larger value is worse. */
enum aael_health {
	AAEL_HEALTH_CONSISTENT		= 0,
	/* The register's value at load is not what the boot log explains. */
	AAEL_HEALTH_UNEXPLAINED_BASE	= 1,
	/* The register could not be read: the last event may be undecided. */
	AAEL_HEALTH_UNKNOWN		= 2,
	/* The register has gone another way than the log. For good. */
	AAEL_HEALTH_DIVERGED		= 3,
	/* The device that holds the register is gone. */
	AAEL_HEALTH_GONE		= 4,
};

/* A register value or digest in one bank. */
struct aael_value {
	__u16 alg;			/* TCG algorithm id */
	__u16 size;			/* bytes used of value[] */
	__u8  value[AAEL_DIGEST_MAX_BYTES];
};

/* Renounce privilege: treat the caller as if it had no capability. */
#define AAEL_EXTEND_F_UNPRIVILEGED	0x1u
/*
 * Log it once: if an identical event (register, domain, operation, content) is logged
 * already, succeed without measuring it again; if none is, but one of the same register,
 * domain and operation with other content: EEXIST. However many ask at once, one is first.
 */
#define AAEL_EXTEND_F_ONCE		0x2u

/**
 * struct aael_extend - append one event (AAEL_IOC_EXTEND)
 * @size: sizeof(struct aael_extend)
 * @flags: AAEL_EXTEND_F_*
 * @index: register index as the user knows it, or AAEL_INDEX_DEFAULT
 * @domain_len: bytes at @domain, 1..255
 * @operation_len: bytes at @operation, 1..255
 * @content_len: bytes at @content, 1..65535
 * @domain: user address; printable ASCII without space
 * @operation: user address; printable ASCII without space
 * @content: user address; UTF-8 without control characters
 * @sequence: out: number of the entry, from 1; also set with ETIMEDOUT, to the
 *	number that it will have if it turns out to be measured, and with EEXIST, to
 *	that of the first entry of the same register, domain and operation
 * @reg: out: the register it went into (PCR or CC measurement register)
 * @duplicate: in: zero; out: 1 if AAEL_EXTEND_F_ONCE found it logged as @sequence
 *
 * Needs the file open for writing (EBADF). A reserved domain or a privileged
 * index needs CAP_SYS_ADMIN in the initial user namespace, of the caller and of
 * whoever opened the file.
 */
struct aael_extend {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 domain_len;
	__u32 operation_len;
	__u32 content_len;
	__aligned_u64 domain;
	__aligned_u64 operation;
	__aligned_u64 content;
	__aligned_u64 sequence;
	__u32 reg;
	__u32 duplicate;
};

/* aael_info.flags */
#define AAEL_INFO_F_UNEXPLAINED_BASE	0x1u
#define AAEL_INFO_F_BOOT_LOG		0x2u	/* the log begins with it */
#define AAEL_INFO_F_SOFT		0x4u	/* no protection at all */
#define AAEL_INFO_F_RESETTABLE		0x8u	/* not append-only */

/**
 * struct aael_info - what the log is (AAEL_IOC_INFO); never waits for the device
 * @size: in: sizeof(struct aael_info)
 * @abi_version: AAEL_ABI_VERSION
 * @state: enum aael_state
 * @health: enum aael_health, the worst of all registers in use
 * @flags: AAEL_INFO_F_*
 * @index: the default index (init_pcr), as the user gave it
 * @reg: the register it is mapped to
 * @alg_count: banks logged, 0..AAEL_BANKS_MAX
 * @algs: their TCG algorithm ids in the order of the digests of an entry
 * @reserved: zero
 * @count: our entries
 * @bytes: length of the whole stream
 * @own_offset: where our entries begin in it
 * @max_log_bytes: limit on the bytes of our entries
 * @headroom_bytes: what of that only CAP_SYS_ADMIN may use
 * @violations: extends that were not ours, as far as they were seen
 * @pending_sequence: number that the undecided event will have, or 0
 * @provider: name of the provider, NUL terminated; empty without one
 */
struct aael_info {
	__u32 size;
	__u32 abi_version;
	__u32 state;
	__u32 health;
	__u32 flags;
	__u32 index;
	__u32 reg;
	__u32 alg_count;
	__u16 algs[AAEL_BANKS_MAX];
	__u16 reserved[3];
	__aligned_u64 count;
	__aligned_u64 bytes;
	__aligned_u64 own_offset;
	__aligned_u64 max_log_bytes;
	__aligned_u64 headroom_bytes;
	__aligned_u64 violations;
	__aligned_u64 pending_sequence;
	char provider[AAEL_PROVIDER_NAME_BYTES];
};

/**
 * struct aael_snapshot_register - one register in a snapshot
 * @reg: its number
 * @health: enum aael_health of it
 * @bank_count: values at @running
 * @reserved: zero
 * @running: what it holds after the entries of the snapshot, as the log has it
 */
struct aael_snapshot_register {
	__u32 reg;
	__u32 health;
	__u32 bank_count;
	__u32 reserved;
	struct aael_value running[AAEL_BANKS_MAX];
};

/**
 * struct aael_snapshot - a point that log and registers agree on (AAEL_IOC_SNAPSHOT)
 * @size: in: sizeof(struct aael_snapshot)
 * @flags: in: zero
 * @reg_size: in: sizeof(struct aael_snapshot_register)
 * @reg_room: in: elements that fit at @registers; AAEL_REGISTERS_MAX is always enough
 * @reg_count: out: registers in use, also with ENOSPC
 * @health: out: enum aael_health, the worst of them
 * @count: out: our entries
 * @bytes: out: length of the whole stream
 * @registers: in: user address of an array; out: the registers in use, by number
 *
 * A register is in use from the log's enabling, or from its first entry, on. Entries
 * that no read of their register has confirmed yet are confirmed first. An element
 * has @reg_size bytes; those that this kernel does not know are zero.
 * EFAULT, EINVAL (struct, flags, reg_size), E2BIG (unknown tail), ENOMEM, EOPNOTSUPP,
 * ENOTCONN, EINTR, ENODEV, ETIMEDOUT (a register cannot be read), ENOSPC (there are more
 * registers than @reg_room; nothing is at @registers, but all the rest is right).
 */
struct aael_snapshot {
	__u32 size;
	__u32 flags;
	__u32 reg_size;
	__u32 reg_room;
	__u32 reg_count;
	__u32 health;
	__aligned_u64 count;
	__aligned_u64 bytes;
	__aligned_u64 registers;
};

/**
 * struct aael_verify - read the live register and compare (AAEL_IOC_VERIFY)
 * @size: in: sizeof(struct aael_verify)
 * @index: in: register index, or AAEL_INDEX_DEFAULT
 * @reg: out: the register
 * @health: out: enum aael_health of that register
 * @match: out: 1 if every bank holds what the log replays to, else 0
 * @bank_count: out: values at @live and @replayed
 * @count: out: our entries at the time of the comparison
 * @live: out: what the register holds
 * @replayed: out: boot log and our entries, replayed by the hardware's rule
 *
 * Callers without CAP_SYS_ADMIN get an answer that may be one second old.
 * EINVAL (struct, index), E2BIG (unknown tail), EFAULT, EOPNOTSUPP, ENOTCONN, EPERM,
 * ENOMEM, ENODEV, EINTR, ETIMEDOUT (the register cannot be read).
 */
struct aael_verify {
	__u32 size;
	__u32 index;
	__u32 reg;
	__u32 health;
	__u32 match;
	__u32 bank_count;
	__aligned_u64 count;
	struct aael_value live[AAEL_BANKS_MAX];
	struct aael_value replayed[AAEL_BANKS_MAX];
};

/* aael_seal.step */
#define AAEL_SEAL_BEGIN		1u	/* enabled -> sealed: nothing of ours is appended */
#define AAEL_SEAL_UNDO		2u	/* sealed -> enabled */
#define AAEL_SEAL_RELEASE	3u	/* sealed: the module may be removed */

/**
 * struct aael_seal - prepare to hand the log over (AAEL_IOC_SEAL)
 * @size: in: sizeof(struct aael_seal)
 * @step: in: AAEL_SEAL_*
 * @count: out: our entries
 * @bytes: out: length of the whole stream. In, with AAEL_SEAL_RELEASE: the length that
 *	was read, so that nothing is released that has not been
 *
 * Appends to a sealed log are refused with ESHUTDOWN. What others extend is logged all the
 * same where the device reports it; if that happens to a released log, the module stays
 * again. Sealing a sealed log, or undoing that of an enabled one, changes nothing.
 * EPERM (no CAP_SYS_ADMIN in the initial user namespace, of the caller and of whoever opened
 * the file), EFAULT, EINVAL (struct, step), E2BIG (unknown tail), EOPNOTSUPP, ENOTCONN, EINTR;
 * AAEL_SEAL_BEGIN: EBUSY (the system is being suspended), ENODEV, ETIMEDOUT, ENOMEM (something
 * is undecided or not confirmed: not sealed); AAEL_SEAL_RELEASE: EBUSY (not sealed), ESTALE
 * (the log is longer than @bytes by now; @count and @bytes are set).
 */
struct aael_seal {
	__u32 size;
	__u32 step;
	__aligned_u64 count;
	__aligned_u64 bytes;
};

/* aael_import.flags */
/* Also if the registers are not what the log replays to; they are diverged then. */
#define AAEL_IMPORT_F_DIVERGED		0x1u

/**
 * struct aael_import - take a log over, and enable it (AAEL_IOC_IMPORT)
 * @size: in: sizeof(struct aael_import)
 * @flags: in: AAEL_IMPORT_F_*
 * @index: in: register index the log was enabled with, or AAEL_INDEX_DEFAULT
 * @reg: out: with ESTALE the first register that holds something else
 * @entries: in: user address of the entries of ours: what the stream had from
 *	aael_info.own_offset on
 * @bytes: in: number of bytes there; may be 0
 * @sequence: out: number of the event that records the import; with EBADMSG that of the
 *	first entry that is wrong
 * @foreign: out: entries that are not ours
 *
 * The log must be neither enabled nor have any entry. Either all of it is taken or nothing.
 * Every entry must have a digest that is its event's, for each bank. Foreign ones, which the
 * provider tsm-mr logs, have another: these lose their text, which nothing vouches for, for
 * "aael foreign-extend {"imported":true}". Every register with entries, and that of the index,
 * must hold what the boot log, read anew, and the entries replay to. The first event of the new
 * log records the import, and is measured:
 * "aael handover {"entries":N,"foreign":N,"sha256":"HEX"}", with the digest of the
 * bytes of the first N entries, those that were taken over.
 * EPERM as with AAEL_IOC_SEAL, EFAULT, EINVAL (struct, flags, index), E2BIG (unknown tail),
 * EOPNOTSUPP, EFBIG (more than max_log_bytes), ENOPKG (this kernel has no SHA-256), EBUSY
 * (enabled, not empty, an import is not recorded yet, or the system is being suspended), EBADMSG
 * (malformed, or a digest that is not the event's), ESTALE, ENOMEM, EINTR, ENODEV; EIO, ETIMEDOUT:
 * a register cannot be read, or the import could not be recorded. In the latter case the log is
 * there (its count is not 0, unless it had no entries), but not enabled: enabling it records the
 * import first.
 */
struct aael_import {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 reg;
	__aligned_u64 entries;
	__aligned_u64 bytes;
	__aligned_u64 sequence;
	__aligned_u64 foreign;
};

#define AAEL_IOC_MAGIC		0xAE
#define AAEL_IOC_EXTEND		_IOWR(AAEL_IOC_MAGIC, 0x01, struct aael_extend)
#define AAEL_IOC_INFO		_IOWR(AAEL_IOC_MAGIC, 0x02, struct aael_info)
#define AAEL_IOC_SNAPSHOT	_IOWR(AAEL_IOC_MAGIC, 0x03, struct aael_snapshot)
#define AAEL_IOC_VERIFY		_IOWR(AAEL_IOC_MAGIC, 0x04, struct aael_verify)
#define AAEL_IOC_SEAL		_IOWR(AAEL_IOC_MAGIC, 0x05, struct aael_seal)
#define AAEL_IOC_IMPORT		_IOWR(AAEL_IOC_MAGIC, 0x06, struct aael_import)

#endif /* _UAPI_LINUX_AAEL_H */
