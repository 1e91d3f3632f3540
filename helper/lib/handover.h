/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log on its way from one module to the next: the binary log in a file, and beside it a
 * description of what it needs there. Neither is a proof of anything: the kernel that takes
 * the log recomputes every digest and compares the registers.
 */
#ifndef AAEL_LIB_HANDOVER_H
#define AAEL_LIB_HANDOVER_H

#include "libaael.h"

#define AAEL_HANDOVER_FORMAT 1
#define AAEL_HANDOVER_LOG "log.tcg2"
#define AAEL_HANDOVER_DESCRIPTION "handover.json"
#define AAEL_HANDOVER_MESSAGE_BYTES 256
#define AAEL_HANDOVER_RESERVED_MAX 64	  /* domains; the kernel has room for fewer */
#define AAEL_HANDOVER_PARAMETERS_MAX 4096 /* bytes, the NUL included */
#define AAEL_HANDOVER_VERSION_BYTES 64

struct aael_handover {
	uint32_t index;	     /* that the log was enabled with */
	uint64_t bytes;	     /* of the log */
	uint64_t own_offset; /* where our entries begin in it */
	uint64_t count;	     /* our entries */
	uint64_t max_log_bytes;
	uint8_t sha256[32]; /* of the bytes of our entries */
	char provider[AAEL_PROVIDER_NAME_BYTES + 1];
	char health[24]; /* as the exporting module saw it */
	char module_version[AAEL_HANDOVER_VERSION_BYTES];
	/* Of the exporting module, as finit_module(2) takes them: "init_pcr=17 tpm_pcr=14". */
	char parameters[AAEL_HANDOVER_PARAMETERS_MAX];
	size_t reserved_count;
	char reserved[AAEL_HANDOVER_RESERVED_MAX][AAEL_DOMAIN_MAX_BYTES + 1];
};

/* ---- handover.c: the description, pure ------------------------------------- */

/*
 * What @log says of itself (bytes, count, sha256), the rest of *@h from @info, which may be of a
 * shorter log; module_version, parameters and reserved are left empty. 0; -EBADMSG: not a log, or no
 * entry begins at info->own_offset; -ENOMEM.
 */
int aael_handover_describe(struct aael_handover *h, const struct aael_info *info,
			   const uint8_t *log, size_t size);
/* The lines "reserved_domain: …" of the securityfs status. More than there is room for: -ENOSPC. */
int aael_handover_reserve(struct aael_handover *h, const char *status, size_t size);
/* Does the securityfs status say that an import was taken, and is not recorded? */
bool aael_handover_unrecorded(const char *status, size_t size);
/*
 * " name=value" behind the parameters, unless it needs quotes. @value may end in a newline, as in
 * /sys/module. 0, or -ENOSPC.
 */
int aael_handover_parameter(struct aael_handover *h, const char *name, const char *value);

/* One JSON object over several lines. */
void aael_handover_print(const struct aael_handover *h, FILE *out);
/*
 * What aael_handover_print() printed; members that are not known are passed over. 0; -EBADMSG:
 * it is not that, or of another format, and @message says what is wrong; -ENOMEM.
 */
int aael_handover_parse(struct aael_handover *h, const char *text, size_t size,
			char message[AAEL_HANDOVER_MESSAGE_BYTES]);
/*
 * Is @log what @h describes? 0, or -EBADMSG and a @message that names the first of our entries
 * that is wrong by itself, if there is one.
 */
int aael_handover_check(const struct aael_handover *h, const uint8_t *log, size_t size,
			char message[AAEL_HANDOVER_MESSAGE_BYTES]);
/* Our entry of that number, from 1: 0 and *@e, or -ENOENT. */
int aael_handover_entry(const struct aael_handover *h, const uint8_t *log, size_t size,
			uint64_t sequence, struct aael_tcg2_entry *e);
/* What an errno (positive) of AAEL_IOC_SEAL or AAEL_IOC_IMPORT means, in words. */
const char *aael_handover_strerror(int err);

/* ---- handoverdir.c: the two files ------------------------------------------- */

/*
 * Make @dir (0700) if it is missing, and write both files (0600) to the disk, the description
 * last: where it is, the log is whole. 0; -EEXIST: there is an export, and not @force; -EPERM: @dir is
 * somebody else's, or others can write there; another errno. @message says of what.
 */
int aael_handover_save(const char *dir, const struct aael_handover *h, const uint8_t *log,
		       bool force, char message[AAEL_HANDOVER_MESSAGE_BYTES]);
/* Both files, checked. 0 and *@log to free(); -EBADMSG, -EPERM as above or an errno, and a @message. */
int aael_handover_load(const char *dir, struct aael_handover *h, uint8_t **log, size_t *size,
		       char message[AAEL_HANDOVER_MESSAGE_BYTES]);
/* Is there an export? */
bool aael_handover_exists(const char *dir);
/* The files; @dir as well, if nothing else is in it. 0, or an errno and a @message. */
int aael_handover_remove(const char *dir, char message[AAEL_HANDOVER_MESSAGE_BYTES]);

#endif
