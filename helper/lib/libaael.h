/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libaael: read, replay and show the attestation agent event log, and talk to
 * the kernel that keeps it.
 *
 *	struct aael_replay values;
 *	struct aael_tcg2_error err;
 *	uint8_t *log;
 *	size_t size;
 *	int fd = aael_dev_open(NULL, O_RDONLY);
 *
 *	if (fd >= 0 && !aael_dev_read_log(fd, &log, &size) &&
 *	    !aael_replay_log(&values, AAEL_RULE_HARDWARE, log, size, &err))
 *		use(aael_replay_value(&values, 14, AAEL_ALG_SHA256));
 *
 * Functions return 0 (or a count) on success and a negative errno otherwise; no
 * function sets errno on purpose. Nothing here has state of its own: two threads
 * may use two readers, devices or netlink handles at once.
 *
 * Everything that takes a pointer and a length treats the bytes as hostile and
 * never looks behind the length.
 */
#ifndef LIBAAEL_H
#define LIBAAEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/aael.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- alg.c: hash algorithms -------------------------------------------- */

/* TCG algorithm ids (TCG Algorithm Registry, TPM_ALG_ID). */
#define AAEL_ALG_SHA1 0x0004
#define AAEL_ALG_SHA256 0x000b
#define AAEL_ALG_SHA384 0x000c
#define AAEL_ALG_SHA512 0x000d
#define AAEL_ALG_SM3 0x0012
#define AAEL_ALG_SHA3_256 0x0027
#define AAEL_ALG_SHA3_384 0x0028
#define AAEL_ALG_SHA3_512 0x0029

#define AAEL_ALG_KNOWN_MAX 8 /* rows of the table of known algorithms */

struct aael_alg {
	uint16_t id;	   /* TCG algorithm id */
	uint16_t size;	   /* bytes of a digest */
	const char *name;  /* "sha256": our text forms, here and in the kernel */
	const char *title; /* "SHA-256": Trustee's JSON */
};

/* The row of an algorithm, or NULL if it is unknown. */
const struct aael_alg *aael_alg_by_id(uint16_t id);
/* The same by name, @len bytes at @name; sm3_256, as tpm2-tools say, is sm3. */
const struct aael_alg *aael_alg_by_name(const char *name, size_t len);
/* Row number 0..AAEL_ALG_KNOWN_MAX-1 of an algorithm, or -1. */
int aael_alg_row(uint16_t id);
/* The row of that number, or NULL. */
const struct aael_alg *aael_alg_at(unsigned int row);

/*
 * out = H(a ‖ b), @out has AAEL_DIGEST_MAX_BYTES.
 * Returns the digest's bytes; -EOPNOTSUPP: unknown algorithm, or the library of
 * hash functions refuses it (FIPS); -ENOMEM.
 */
int aael_alg_hash(uint16_t id, const void *a, size_t a_size, const void *b, size_t b_size,
		  uint8_t *out);

/* Lower-case hexadecimal with a NUL: @out has 2 * @size + 1 bytes. */
void aael_hex_encode(const uint8_t *data, size_t size, char *out);
/* Exactly 2 * @size digits of either case. 0, or -EINVAL. */
int aael_hex_decode(const char *hex, size_t len, uint8_t *out, size_t size);

/* ---- tcg2.c: the log, entry by entry ------------------------------------ */

/*
 * TCG PC Client Platform Firmware Profile 1.05, section 10.2: a TCG_PCR_EVENT
 * with the SHA-1 field zero that carries the Spec ID Event03 structure, then
 * TCG_PCR_EVENT2 entries; all little-endian.
 */
#define AAEL_TCG2_ALGS_MAX 16 /* TPM2_NUM_PCR_BANKS */
#define AAEL_TCG2_DIGEST_MAX_BYTES 64

#define AAEL_EV_NO_ACTION 0x00000003u
#define AAEL_EV_SEPARATOR 0x00000004u
#define AAEL_EV_EVENT_TAG 0x00000006u

/* aael_tcg2_open() flags */
/* No Spec ID header: the securityfs file `events`. Digest sizes are the known ones. */
#define AAEL_TCG2_F_HEADERLESS (1u << 0)
/* A header if the bytes begin with one, else as AAEL_TCG2_F_HEADERLESS. */
#define AAEL_TCG2_F_DETECT (1u << 1)
/*
 * Eight zero bytes end the log whatever follows, as Trustee reads it. Without
 * the flag they are the beginning of an entry (register 0, type 0) if a digest
 * count other than zero follows.
 */
#define AAEL_TCG2_F_ZERO_ENDS (1u << 2)

struct aael_tcg2_alg {
	uint16_t id;
	uint16_t size; /* bytes of a digest, as the header says */
};

struct aael_tcg2_error {
	size_t offset;	    /* of the first byte that could not be understood */
	const char *reason; /* static text; NULL if there was no error */
};

struct aael_tcg2_digest {
	uint16_t alg;
	uint16_t size;
	const uint8_t *value; /* into the log */
};

struct aael_tcg2_entry {
	uint64_t number; /* in the log, from 0, header not counted */
	size_t offset;	 /* of the entry in the log */
	size_t size;	 /* bytes of the encoded entry */
	uint32_t reg;	 /* PCR, or CC measurement register (RTMR n = n + 1) */
	uint32_t type;	 /* TCG event type */
	uint32_t digest_count;
	struct aael_tcg2_digest digests[AAEL_TCG2_ALGS_MAX];
	const uint8_t *event; /* into the log */
	uint32_t event_size;
};

struct aael_tcg2 {
	const uint8_t *data;
	size_t size;
	size_t pos; /* of the next entry; after the last: end of what was used */
	unsigned int flags;
	uint64_t count; /* entries read so far */
	bool has_header;
	bool end_mark; /* the log was ended by a mark, not by its length */
	uint32_t alg_count;
	struct aael_tcg2_alg algs[AAEL_TCG2_ALGS_MAX];
	struct aael_tcg2_error error;
};

/*
 * Begin to read @size bytes at @data, which must outlive the reader and all
 * entries it gave. An empty header-less log is valid.
 * 0, or -EBADMSG: not such a log, see @r->error (offset and reason).
 */
int aael_tcg2_open(struct aael_tcg2 *r, const void *data, size_t size, unsigned int flags);

/*
 * The next entry: 1. 0: the end, that is the last byte, or eight 0xFF or 0x00
 * bytes. -EBADMSG: malformed, see @r->error; every further call says the same.
 * Refused: an algorithm that the header lacks, one twice in an entry, no digest
 * at all, a length that reaches past the end.
 */
int aael_tcg2_next(struct aael_tcg2 *r, struct aael_tcg2_entry *entry);

/* The digest of one algorithm, or NULL. */
const struct aael_tcg2_digest *aael_tcg2_digest(const struct aael_tcg2_entry *entry, uint16_t alg);

/* An AAEL event's text and its fields, as slices of the log. */
struct aael_text {
	const char *text;
	size_t text_size;
	const char *domain;
	size_t domain_size;
	const char *operation;
	size_t operation_size;
	const char *content;
	size_t content_size;
};

/*
 * Decode an EV_EVENT_TAG entry that carries our tag. Returns 0; -ENOENT: another
 * kind of entry; -EBADMSG: our tag, but the sizes do not agree or the text does not
 * have two spaces (then @text->text is set, or NULL if the sizes do not agree).
 * The fields are not validated further.
 */
int aael_text_decode(const struct aael_tcg2_entry *entry, struct aael_text *text);

/* "EV_SEPARATOR" (TCG PC Client PFP 1.05, section 10.4.1), or NULL if unknown. */
const char *aael_tcg2_type_name(uint32_t type);

/* ---- replay.c ----------------------------------------------------------- */

enum aael_rule {
	/*
	 * EV_NO_ACTION is not extended; PCR 0 starts at the StartupLocality, PCRs 17 to 22
	 * with all bits set, the others from zero.
	 */
	AAEL_RULE_HARDWARE,
	/* Every digest is extended, always from zero; eight zero bytes end the log. */
	AAEL_RULE_TRUSTEE,
};

struct aael_replay_register {
	bool touched[AAEL_ALG_KNOWN_MAX];
	uint8_t value[AAEL_ALG_KNOWN_MAX][AAEL_TCG2_DIGEST_MAX_BYTES];
};

struct aael_replay {
	enum aael_rule rule;
	uint64_t unknown; /* digests skipped because their algorithm is unknown */
	struct aael_replay_register reg[AAEL_REGISTERS_MAX];
};

void aael_replay_init(struct aael_replay *replay, enum aael_rule rule);
/*
 * Extend the registers by one entry, all digests of it. 0; -ERANGE: no such
 * register; -ENOMEM, -EOPNOTSUPP as aael_alg_hash().
 */
int aael_replay_entry(struct aael_replay *replay, const struct aael_tcg2_entry *entry);
/*
 * Init and replay of a whole log, with or without header. 0; -EBADMSG: malformed;
 * -ERANGE, -ENOMEM, -EOPNOTSUPP as above, *@err naming the entry. The values are
 * then those of the entries before it.
 */
int aael_replay_log(struct aael_replay *replay, enum aael_rule rule, const void *data, size_t size,
		    struct aael_tcg2_error *err);
/*
 * What @reg holds in the bank of @alg: aael_alg_by_id(alg)->size bytes, owned by
 * @replay. For a register that no entry touched that is its start value. NULL: no
 * such register or unknown algorithm.
 */
const uint8_t *aael_replay_value(const struct aael_replay *replay, uint32_t reg, uint16_t alg);
/* Did an entry extend it? */
bool aael_replay_touched(const struct aael_replay *replay, uint32_t reg, uint16_t alg);

/* ---- filter.c: some of the entries --------------------------------------- */

/*
 * What is zero leaves nothing out. Every member but @own is about our own entries, and so
 * leaves out all others as @own does.
 */
struct aael_filter {
	bool own;	    /* only entries with our tag */
	const char *domain; /* only those of this domain, all of it */
	uint64_t since;	    /* only from this number on */
	bool tail;	    /* only the last @last that the above let pass */
	uint64_t last;
	/* Of the entry that was given last: its number among ours, from 1; 0: not ours. */
	uint64_t sequence;
	uint64_t count, skip; /* private */
};

/* @r has just been opened. What comes behind its end later counts as none of the last. */
void aael_filter_begin(struct aael_filter *f, const struct aael_tcg2 *r);
/* The next entry that passes, and @f->sequence. Returns as aael_tcg2_next(). */
int aael_filter_next(struct aael_filter *f, struct aael_tcg2 *r, struct aael_tcg2_entry *e);

/* ---- render.c: the log as JSON -------------------------------------------- */

/* aael_render_json() flags */
#define AAEL_RENDER_F_PRETTY (1u << 0) /* over many lines */

/*
 * The log as Trustee's tokens show it: {"uefi_event_logs":[{"details","digest_matches_event",
 * "digests":[{"alg","digest"}],"event","index","type_name"}…]}. The header is not
 * an element; eight zero bytes end the log. `details` is {} where an event's data does
 * not follow its type; digest_matches_event says whether every digest is the hash of the
 * event's bytes.
 * A type without a name shows as "EV_UNKNOWN_0x…" (Trustee refuses such a log).
 * An AAEL content that is JSON appears as that JSON, byte for byte.
 *
 * @filter: NULL for all entries. *@out is a NUL-terminated string to free().
 * 0; -EBADMSG: malformed, see *@err; -ENOMEM.
 * Source: the rendering in trustee, deps/eventlog, of the logs in vectors/ccel.
 */
int aael_render_json(const void *data, size_t size, const struct aael_filter *filter,
		     unsigned int flags, char **out, struct aael_tcg2_error *err);

/* ---- entries.c: the log entry by entry -------------------------------------- */

enum aael_form {
	/*
	 * One line per entry, "seq register alg:digest[,alg:digest…] domain operation content";
	 * entries without our tag have "-" for seq, and their type name and what text they hold
	 * in place of the fields. Bytes that are neither printable nor UTF-8 are written \xNN, a
	 * backslash in such a text \\.
	 */
	AAEL_FORM_TEXT,
	/* One line per entry: an element of the JSON, with "sequence" (null: not ours) in front. */
	AAEL_FORM_JSONL,
	/* A sequence of the same; a content that is JSON is its text. */
	AAEL_FORM_YAML,
};

/* One entry. 0; -ENOMEM; -EIO: @out cannot be written. */
int aael_render_entry(const struct aael_tcg2_entry *entry, uint64_t sequence, enum aael_form form,
		      FILE *out);
/*
 * All that pass @filter (NULL: all). Returns as aael_render_json(), or -EIO if @out cannot be
 * written; those before a malformed entry are written.
 */
int aael_render_entries(const void *data, size_t size, const struct aael_filter *filter,
			enum aael_form form, FILE *out, struct aael_tcg2_error *err);
/* The encoded bytes of the entries with our tag, as the file `events` has them. */
int aael_render_own(const void *data, size_t size, FILE *out, struct aael_tcg2_error *err);

/* ---- event.c: the rules for an event's fields -------------------------------- */

/* One event to append; sizes in bytes, no NUL needed. */
struct aael_event {
	const char *domain;
	size_t domain_size;
	const char *operation;
	size_t operation_size;
	const char *content;
	size_t content_size;
	uint32_t index; /* as the user knows it, or AAEL_INDEX_DEFAULT */
	uint32_t flags; /* AAEL_EXTEND_F_* */
};

/*
 * Would the kernel take these fields? domain, operation: 1..255 bytes of 0x21..0x7e;
 * content: 1..65535 bytes of UTF-8 without C0, DEL, C1. Index and flags are not looked at.
 * 0, or -EINVAL, -E2BIG, -EILSEQ, the same as the kernel would answer; then
 * *@field is "domain", "operation" or "content" and *@why reads behind it
 * ("is empty"); static texts, NULL on success.
 */
int aael_event_check(const struct aael_event *event, const char **field, const char **why);

/* ---- dev.c: /dev/aael ------------------------------------------------------ */

#define AAEL_DEV_PATH "/dev/aael"
#define AAEL_SECURITYFS_PATH "/sys/kernel/security/aael"

/* Open @path (NULL: AAEL_DEV_PATH), close-on-exec. The descriptor, or -errno. */
int aael_dev_open(const char *path, int open_flags);
/*
 * Append. 0 and *@sequence, *@reg (either may be NULL); 1: with AAEL_EXTEND_F_ONCE, it is
 * logged already, as *@sequence; else the negative errno of uapi/linux/aael.h (-ETIMEDOUT
 * and -EEXIST with a *@sequence, too), -ENOTTY if @fd is no such device. Is not interrupted by
 * signals that do not kill. -E2BIG, -EINVAL also for sizes that no struct can carry.
 */
int aael_dev_extend(int fd, const struct aael_event *event, uint64_t *sequence, uint32_t *reg);
int aael_dev_info(int fd, struct aael_info *info);
/*
 * @registers: room for @room of them (AAEL_REGISTERS_MAX is always enough); those in use are
 * filled in, by number, and *@snapshot tells how many. -ENOSPC: there are more than @room.
 */
int aael_dev_snapshot(int fd, struct aael_snapshot *snapshot,
		      struct aael_snapshot_register *registers, uint32_t room);
int aael_dev_verify(int fd, uint32_t index, struct aael_verify *verify);
/*
 * One AAEL_SEAL_* @step. *@count and *@bytes are how far the log reaches, also with an error; with
 * AAEL_SEAL_RELEASE the caller says in *@bytes how far he has read it. 0; -ESTALE: not as far
 * as it reaches; else the negative errno of uapi/linux/aael.h.
 */
int aael_dev_seal(int fd, uint32_t step, uint64_t *count, uint64_t *bytes);
/*
 * Take @size bytes of entries over and enable the log with @index. 0, -EBADMSG, -ESTALE and
 * what *@result tells with them; else the negative errno of uapi/linux/aael.h.
 */
int aael_dev_import(int fd, uint32_t flags, uint32_t index, const void *entries, size_t size,
		    struct aael_import *result);
/*
 * The whole log from offset 0, as far as it reached at the last read; moves no file
 * position. *@log to free(); never NULL on success. -errno of read, -ENOMEM.
 */
int aael_dev_read_log(int fd, uint8_t **log, size_t *size);
/*
 * The first @size bytes of the log, which it must have (struct aael_snapshot): they never change.
 * No copy: *@log is of the kernel, to aael_dev_unmap_log(). 0; -errno of mmap.
 */
int aael_dev_map_log(int fd, size_t size, const uint8_t **log);
/* @log may be NULL. */
void aael_dev_unmap_log(const uint8_t *log, size_t size);
/* What an errno (positive) of /dev/aael means, in words; strerror() of others. */
const char *aael_dev_strerror(int err);
/* What a quote of the log's registers comes from: "tdx", "tpm", or "none". */
const char *aael_dev_platform(const struct aael_info *info);
/* "enabled", "consistent" …: the words that securityfs status uses; static text. */
const char *aael_dev_state_name(uint32_t state);
const char *aael_dev_health_name(uint32_t health);

/* ---- netlink.c: generic netlink family "aael" ------------------------------- */

struct aael_nl;

struct aael_nl_status {
	uint32_t state;	 /* enum aael_state */
	uint32_t health; /* enum aael_health */
	uint32_t index;
	uint32_t reg;
	uint64_t count; /* our entries */
	uint64_t bytes; /* of the whole stream */
	uint64_t max_log_bytes;
	uint64_t violations;
	uint64_t dropped; /* notifications */
	char provider[AAEL_PROVIDER_NAME_BYTES];
};

/* 0 and *@nl to close; -ENOENT: no such family, so the module is not loaded. */
int aael_nl_open(struct aael_nl **nl);
void aael_nl_close(struct aael_nl *nl);
/*
 * Each waits for the kernel's answer, at most 10 minutes (a TPM may be slow):
 * 0, or the kernel's errno (negative; see Documentation/netlink/specs/aael.yaml):
 * -EPERM without CAP_SYS_ADMIN, -EINVAL, -EBUSY, -EOPNOTSUPP, -ENOSPC; -EPROTO: an answer
 * that makes no sense. What the kernel said about it is in aael_nl_message().
 */
int aael_nl_get_status(struct aael_nl *nl, struct aael_nl_status *status);
/* @index as the user knows it, or AAEL_INDEX_DEFAULT for the module's init_pcr. */
int aael_nl_enable(struct aael_nl *nl, uint32_t index);
int aael_nl_set_limits(struct aael_nl *nl, uint64_t max_log_bytes);
int aael_nl_reserve_domain(struct aael_nl *nl, const char *domain);
/* The kernel's message about the last call, "" if it gave none. Owned by @nl. */
const char *aael_nl_message(const struct aael_nl *nl);

#ifdef __cplusplus
}
#endif

#endif /* LIBAAEL_H */
