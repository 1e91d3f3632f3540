/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aaeld: one thread runs the event loop (HTTP, signals, timers) and owns everything
 * but the queues of the worker; three more make the calls that may block: events of a register
 * that is not prompt, quotes, and what is asked of a KBS.
 */
#ifndef AAELD_H
#define AAELD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/aael.h>

#include "initdata.h"
#include "kbsmsg.h"
#include "parts.h"
#include "teekey.h"

/* Limits. */
#define AAELD_BODY_MAX_BYTES (1024 * 1024)
#define AAELD_HEADERS_MAX_BYTES (8 * 1024)
#define AAELD_CONNECTIONS_MAX 64
/* Jobs that wait: together well below the connections, some must be left for /info. */
#define AAELD_EVENTS_MAX_JOBS 32
#define AAELD_QUOTES_MAX_JOBS 12
#define AAELD_KBS_MAX_JOBS 12
/* Requests, not jobs, which they may share: that waits, and that runs. */
#define AAELD_KBS_MAX_CALLS (AAELD_KBS_MAX_JOBS + 1)
#define AAELD_REQUEST_TIMEOUT_MS 10000
#define AAELD_STOP_MAX_MS 1000
#define AAELD_IDLE_MS 1000 /* without a connection, before memory is given back */
#define AAELD_KEPT_MS 100  /* that the device stays open between events */
#define AAELD_CONFIG_MAX_BYTES (1024 * 1024)
#define AAELD_MESSAGE_BYTES 256
#define AAELD_EVIDENCE_MESSAGE_BYTES 640
#define AAELD_PCR_BYTES 32 /* SHA-256 */
#define AAELD_ADDRESS_BYTES 64
#define AAELD_KBS_LIMIT_MS 50000 /* from a request to us until its answer */
#define AAELD_KBS_PAUSE_MS 1000	 /* before a KBS that is in trouble is asked again */
#define AAELD_KBS_SPARE_BYTES (1024 * 1024)
#define AAELD_KBS_HEADERS_MAX_BYTES (64 * 1024)
#define AAELD_TOKEN_LEFT_S 60 /* of a token that may be given out again */

#define AAELD_RESOURCE_PREFIX "/cdh/resource/"
#define AAELD_DEFAULT_BIND "127.0.0.1:8006"

/* ---- log.c: one line on stderr, with the <N> that systemd understands ------- */

enum aaeld_level { AAELD_ERROR = 3, AAELD_WARNING = 4, AAELD_INFO = 6, AAELD_DEBUG = 7 };

void aaeld_log(enum aaeld_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* For what may repeat, and often: says it once a second at most. Zero at first. */
struct aaeld_log_limit {
	int64_t until_ms; /* of CLOCK_MONOTONIC */
	unsigned int dropped;
};

void aaeld_log_limited(struct aaeld_log_limit *limit, enum aaeld_level level, const char *format,
		       ...) __attribute__((format(printf, 3, 4)));
void aaeld_log_set_level(enum aaeld_level level);
/* error, warn, warning, info, debug, trace, in any case. 0, or -EINVAL. */
int aaeld_log_parse_level(const char *name, enum aaeld_level *level);

/* ---- clock.c ----------------------------------------------------------------- */

int64_t aaeld_now_ms(void); /* of CLOCK_MONOTONIC */

/* ---- kbsconf.c: a KBS before it is asked -------------------------------------- */

/*
 * http:// or https://, a host, perhaps a port and a path; no user, query or fragment. 0 and
 * *@url to free(), slashes at its end cut; -EINVAL; -ENOMEM. *@url is NULL on error.
 */
int aaeld_kbs_url(const char *text, size_t size, char **url);
/* "cc_kbc::URL", split at the first "::". As above; -ENOENT: another KBC. */
int aaeld_kbs_params(const char *text, size_t size, char **url);
/* How many certificates there are; -EINVAL: none, or a broken one; -ENOMEM. */
int aaeld_kbs_certs(const char *pem);
/* "ECDH-ES+A256KW-P256" … 0, or -EINVAL. */
int aaeld_kbs_parse_key(const char *name, enum aael_teekey_alg *key);
const char *aaeld_kbs_key_name(enum aael_teekey_alg key);

/* ---- cmdline.c ------------------------------------------------------------------ */

/* Of those that have names; metrics are an option of their own. */
enum aaeld_feature {
	AAELD_F_ATTESTATION = 1,
	AAELD_F_RESOURCE = 2,
	AAELD_F_ALL = 3,
	AAELD_F_METRICS = 4,
};

/*
 * The value of the first word NAME=VALUE of a kernel command line, *@size bytes; NULL if
 * there is none. Words are separated by white space.
 */
const char *aaeld_cmdline_find(const char *cmdline, const char *name, size_t *size);
/* resource, attestation or all. 0, or -EINVAL. */
int aaeld_features_parse(const char *name, size_t size, unsigned int *features);
const char *aaeld_features_name(unsigned int features);

/* ---- config.c, aatoml.c, show.c --------------------------------------------------- */

/* Where it was found. */
struct aaeld_origin {
	char *path;	     /* of aa.toml; NULL: there is none */
	char *initdata_path; /* NULL: none */
	struct aael_initdata initdata;
};

struct aaeld_config {
	bool enable_eventlog;
	bool has_init_pcr;
	uint32_t init_pcr; /* 0..23, if has_init_pcr */
	bool has_level;
	enum aaeld_level level;
	char *kbs_url;	      /* without slashes at its end; NULL: there is no KBS */
	const char *kbs_from; /* who says so; static text, NULL without */
	char *kbs_cert;	      /* certificates in PEM, or NULL */
	enum aael_teekey_alg tee_key;
	struct aaeld_origin origin;
};

struct aaeld_sources {
	const char *root;     /* stands before every built-in path; NULL: nothing does */
	const char *config;   /* -c, or NULL */
	const char *initdata; /* --initdata, or NULL */
};

/*
 * The TOML text of an aa.toml, named @name in messages. 0 and *@config to
 * aaeld_config_free(); -EINVAL: not TOML, or a value that makes no sense, @message says where
 * ("aa.toml:3: eventlog_config.init_pcr …"); -ENOMEM. Unknown keys are ignored. *@config is
 * zeroed first; its origin stays empty.
 */
int aaeld_toml_parse(const char *text, size_t size, const char *name, struct aaeld_config *config,
		     char message[AAELD_MESSAGE_BYTES]);

/*
 * Finds and reads what configures us: -c; --initdata, if there is an aa.toml in it;
 * $AAELD_CONFIG; else the first built-in path that exists; else all is at its default.
 * Init-Data is that of --initdata, else what is beside the built-in path. Without a URL there,
 * the KBS is that of $AA_KBC_PARAMS, else of agent.aa_kbc_params= on the kernel command line.
 *
 * 0 and *@config to aaeld_config_free(); -errno, and @message says of which source and why,
 * if one of them cannot be read or understood, or if it cannot be known whether it exists.
 */
int aaeld_config_load(const struct aaeld_sources *sources, struct aaeld_config *config,
		      char message[AAELD_MESSAGE_BYTES]);
void aaeld_config_free(struct aaeld_config *config);
/*
 * @option (--features, or NULL), else agent.guest_components_rest_api= on the kernel command
 * line, else all, or resource if called as api-server-rest. 0; -EINVAL, -ENOMEM with @message.
 */
int aaeld_config_features(const struct aaeld_sources *sources, const char *option,
			  bool as_server_rest, unsigned int *features,
			  char message[AAELD_MESSAGE_BYTES]);

/* "annotation, sha384:00ff…" of the Init-Data, which must be there. */
#define AAELD_INITDATA_TEXT_BYTES 192
void aaeld_show_initdata(const struct aaeld_origin *origin, char text[AAELD_INITDATA_TEXT_BYTES]);
/* All of it, for --check. */
void aaeld_show_config(FILE *out, const struct aaeld_config *config, unsigned int features);

/* ---- kernel.c: the log's keeper, as the daemon sees it ------------------------ */

struct aaeld_event {
	const char *domain;
	const char *operation;
	const char *content;
	uint32_t index; /* or AAEL_INDEX_DEFAULT */
	bool once;	/* not if it is logged already */
};

struct aaeld_kernel_ops {
	/*
	 * Append, never with privilege; may block. 0, also for a duplicate, or the
	 * negative errno of uapi/linux/aael.h; -ENXIO: the module is not loaded; -ENOTTY:
	 * the device cannot be used, and the log says why. *@sequence is also set with
	 * -ETIMEDOUT and -EEXIST. Any thread.
	 */
	int (*append)(void *kernel, const struct aaeld_event *event, uint64_t *sequence);
	/*
	 * As above, but -EAGAIN, and nothing has happened, where that would wait: for another
	 * event, or for the device that the register is in. Of the loop's thread; let_go() is to
	 * follow within AAELD_KEPT_MS, for what it keeps open holds the module.
	 */
	int (*append_now)(void *kernel, const struct aaeld_event *event, uint64_t *sequence);
	void (*let_go)(void *kernel);
	/* What the log is. Does not block. Errors as above. */
	int (*info)(void *kernel, struct aael_info *info);
	/*
	 * A point that log and registers agree on; room for AAEL_REGISTERS_MAX of them. May
	 * block. Errors as above. Any thread.
	 */
	int (*snapshot)(void *kernel, struct aael_snapshot *snapshot,
			struct aael_snapshot_register *registers);
	/* The first @size bytes of the log, as aael_dev_map_log(). Any thread. */
	int (*map_log)(void *kernel, size_t size, const uint8_t **log);
	/* Enable with an index, or AAEL_INDEX_DEFAULT. @message: the kernel's words. */
	int (*enable)(void *kernel, uint32_t index, char message[AAELD_MESSAGE_BYTES]);
};

extern const struct aaeld_kernel_ops aaeld_kernel_ops;

/*
 * At start: enable the log if the configuration asks for it and it is not enabled yet,
 * and say on stderr what the administrator should know. 0, also where the platform
 * cannot do it; -EEXIST: enabled with another index; else the errno of enable.
 */
int aaeld_start_log(const struct aaeld_kernel_ops *ops, void *kernel,
		    const struct aaeld_config *config);

/* ---- binding.c: Init-Data, and what the platform vouches for -------------------- */

/* The devices. 0, or -errno with the words for it in @message. */
struct aaeld_binding_ops {
	int (*read_mrconfigid)(uint8_t out[AAEL_MRCONFIGID_BYTES], char *message);
	/* PCRs of the SHA-256 bank. */
	int (*read_pcr)(unsigned int n, uint8_t out[AAELD_PCR_BYTES], char *message);
	int (*extend_pcr)(unsigned int n, const uint8_t digest[AAELD_PCR_BYTES], char *message);
};

extern const struct aaeld_binding_ops aaeld_binding_devices;

/*
 * Is it this Init-Data that the platform ("tdx", "tpm") vouches for? On a TPM PCR 8 is extended
 * with the digest if it is still zero. 0: it is; -EOPNOTSUPP: no such platform; -EINVAL: not an
 * algorithm for it; -EKEYREJECTED: it is not; errnos of the devices. @message says more.
 */
int aaeld_binding_check(const struct aaeld_binding_ops *devices, const char *platform,
			const struct aael_initdata *initdata, char message[AAELD_MESSAGE_BYTES]);
/*
 * At start, if there is Init-Data: as above for the platform of the log, and say so on stderr.
 * 0, also where nothing could vouch for it.
 */
int aaeld_binding_start(const struct aaeld_kernel_ops *ops, void *kernel,
			const struct aaeld_binding_ops *devices, const struct aaeld_origin *origin);

/* ---- beside.c: a stock Attestation Agent on the same machine --------------------- */

/*
 * At start, while there is privilege, and only where the log is enabled and hardware holds its
 * register: makes /run/attestation-agent/eventlog a link to the module's file `events`, mounting
 * securityfs if need be, unless something else stands there; and says on stderr if that fails,
 * and if an agent of root's runs that keeps a log of its own, or may. @sources: the root.
 */
void aaeld_beside_start(const struct aaeld_sources *sources, const struct aaeld_kernel_ops *ops,
			void *kernel);

/* ---- worker.c: what blocks ---------------------------------------------------- */

struct event_base;
struct aaeld_worker;

/* Each has a thread of its own. */
enum aaeld_lane { AAELD_LANE_EVENTS, AAELD_LANE_QUOTES, AAELD_LANE_KBS, AAELD_LANES };

struct aaeld_job {
	struct aaeld_job *next;
	enum aaeld_lane lane;
	void (*run)(struct aaeld_job *job); /* on the worker's thread */
	/*
	 * Then on the loop's; owns the job. When the daemon stops, run() may never
	 * have been called.
	 */
	void (*finish)(struct aaeld_job *job);
};

struct aaeld_worker *aaeld_worker_new(struct event_base *base);
/*
 * 0, or -EBUSY: as many as the lane may have wait already; the job stays the caller's.
 */
int aaeld_worker_submit(struct aaeld_worker *worker, struct aaeld_job *job);
/* Waits for the jobs that run and finishes all; those that waited never run. */
void aaeld_worker_free(struct aaeld_worker *worker);

/* ---- kbshttp.c: a connection to a KBS ------------------------------------------- */

struct aaeld_kbshttp;

struct aaeld_kbs_request {
	const char *path;	      /* behind /kbs/v0/ */
	const struct aael_part *body; /* NULL: GET; else POST of JSON */
	size_t body_parts;
	char *cookie; /* in, out: of AAEL_KBS_COOKIE_BYTES, the session's; "": none */
	int64_t deadline_ms;
	size_t answer_max;
};

struct aaeld_kbs_answer {
	int status;
	char *body; /* to free(), a NUL behind it; NULL: empty */
	size_t size;
	size_t room;
};

/* @cert: PEM, the only certificates that are believed, or NULL. NULL: no memory. */
struct aaeld_kbshttp *aaeld_kbshttp_new(const char *url, const char *cert);
/*
 * 0 and *@answer, of whatever status; -ETIMEDOUT; -ECANCELED: the daemon stops; -EFBIG: the answer
 * is larger than what was to be expected; -EKEYREJECTED: the certificate is not believed; -EIO:
 * any other trouble on the way; -ELIBACC: there is no libcurl; -ENOMEM. Then *@answer is empty and
 * @message says why.
 * One thread at a time.
 */
int aaeld_kbshttp_ask(struct aaeld_kbshttp *http, struct aaeld_kbs_request *request,
		      struct aaeld_kbs_answer *answer, char message[AAEL_KBS_MESSAGE_BYTES]);
/* The same, up to five times if there is trouble on the way or the KBS says 5xx. */
int aaeld_kbshttp_insist(struct aaeld_kbshttp *http, struct aaeld_kbs_request *request,
			 struct aaeld_kbs_answer *answer, char message[AAEL_KBS_MESSAGE_BYTES]);
/* From now on every request ends at once. Any thread. */
void aaeld_kbshttp_stop(struct aaeld_kbshttp *http);
void aaeld_kbshttp_free(struct aaeld_kbshttp *http);

/* ---- kbs.c: tokens and resources of a KBS ------------------------------------------ */

/* What the log was: as long as it is that, what was attested still holds. */
struct aaeld_mark {
	uint64_t count, bytes;
	uint32_t state, health;
};

struct aaeld_kbs_result {
	int64_t deadline_ms; /* in: of aaeld_now_ms() */
	int status;	     /* out: 200, or that of our answer */
	uint8_t *body;	     /* out, of 200: to aael_secret_free() */
	size_t size;
	struct aaeld_mark mark; /* out, of a token: before it was asked for */
	int64_t expiry;		/* out, of a token: seconds since 1970; 0: unknown */
	char message[AAELD_EVIDENCE_MESSAGE_BYTES + AAEL_KBS_MESSAGE_BYTES]; /* out: why not */
};

/* Each may take until the deadline; the thread of AAELD_LANE_KBS. */
struct aaeld_kbs_ops {
	/* The body is the text of {"token","tee_keypair"}. */
	void (*token)(void *kbs, struct aaeld_kbs_result *result);
	/* @path: "repository/type/tag". */
	void (*resource)(void *kbs, const char *path, struct aaeld_kbs_result *result);
	/* Both end soon, now and later. Any thread. */
	void (*stop)(void *kbs);
};

extern const struct aaeld_kbs_ops aaeld_kbs_ops;

struct aaeld_kbs_options {
	const char *url;
	const char *cert; /* or NULL */
	enum aael_teekey_alg tee_key;
	const struct aael_initdata *initdata; /* or NULL */
	const struct aaeld_kernel_ops *ops;
	void *kernel;
	bool allow_sample;
};

struct aaeld_kbs;

/* What @options points to must stay. NULL: no memory. */
struct aaeld_kbs *aaeld_kbs_new(const struct aaeld_kbs_options *options);
void aaeld_kbs_free(struct aaeld_kbs *kbs);

/* 0, or as info(); without the module all of it is zero. */
int aaeld_mark_take(const struct aaeld_kernel_ops *ops, void *kernel, struct aaeld_mark *mark);
bool aaeld_mark_is(const struct aaeld_mark *a, const struct aaeld_mark *b);

/* ---- shared.c: a secret that answers hold until they are sent; of the loop's thread --- */

struct aaeld_call;

struct aaeld_shared {
	unsigned int holders;
	size_t size;
	uint8_t *data;
};

/* Takes @data over, also on error; one holder. NULL: no memory. */
struct aaeld_shared *aaeld_shared_new(uint8_t *data, size_t size);
void aaeld_shared_hold(struct aaeld_shared *shared);
/* The last one clears and frees it. @shared may be NULL. */
void aaeld_shared_release(struct aaeld_shared *shared);
/* Answer 200, application/octet-stream with it; who asked holds it until it is sent. */
void aaeld_shared_reply(struct aaeld_call *call, struct aaeld_shared *shared);

/* ---- routes.c: request to answer, without any socket ---------------------------- */

struct aaeld_request {
	const char *method; /* "GET" */
	const char *target; /* as sent: path and query, not decoded */
	const char *body;
	size_t body_size;
	bool no_cache; /* Cache-Control: no-cache */
};

struct aaeld_reply {
	int status;
	const char *type;  /* Content-Type */
	const char *allow; /* Allow, or NULL */
	const char *body;
	size_t body_size;
	struct aaeld_shared *shared; /* that @body is of; NULL: it must be copied */
};

struct token_job;

/* token.c: of the loop's thread. All zero at first. */
struct aaeld_tokens {
	struct token_job *waiting; /* more may join it */
	struct aaeld_shared *kept; /* the last answer, or NULL */
	struct aaeld_mark mark;	   /* of @kept */
	int64_t expiry;
};

/* metrics.c: since the start; of the loop's thread. All zero at first. */
#define AAELD_STATUS_END 600
#define AAELD_TOKEN_BOUNDS 10

struct aaeld_metrics {
	uint64_t answers[AAELD_STATUS_END]; /* by status */
	/* Handshakes for /aa/token: without a token; with one, by duration, and all their time. */
	uint64_t token_failures;
	uint64_t token_buckets[AAELD_TOKEN_BOUNDS + 1];
	uint64_t token_ms;
};

/* Whoever asked; @done is called exactly once, before or after dispatch returns. */
struct aaeld_call {
	void (*done)(struct aaeld_call *call, const struct aaeld_reply *reply);
};

struct aaeld_app {
	const struct aaeld_kernel_ops *ops;
	void *kernel;
	unsigned int features;
	bool enable_eventlog; /* the configuration wants the log */
	bool said_disabled;   /* that it is disabled all the same */
	bool allow_sample;    /* evidence without hardware, for tests */
	const struct aaeld_kbs_ops *kbs_ops;
	void *kbs;		/* NULL: none is configured */
	unsigned int kbs_calls; /* that wait for the KBS, at most AAELD_KBS_MAX_CALLS */
	struct aaeld_tokens tokens;
	struct aaeld_metrics metrics;
	int (*submit)(struct aaeld_app *app, struct aaeld_job *job); /* as aaeld_worker_submit() */
	struct aaeld_worker *worker;
	struct event *let_go; /* calls that of @ops; NULL: the caller does */
};

void aaeld_routes_dispatch(struct aaeld_app *app, const struct aaeld_request *request,
			   struct aaeld_call *call);
/* Answer with a text that needs no copy: @type is its Content-Type. */
void aaeld_routes_reply(struct aaeld_call *call, int status, const char *type, const char *body);

/* ---- event.c: POST /aa/aael ------------------------------------------------------ */

void aaeld_event_post(struct aaeld_app *app, const struct aaeld_request *request,
		      struct aaeld_call *call);

/* ---- query.c: what stands behind the '?' ------------------------------------------ */

/*
 * The value of a parameter of @target, decoded ('+' is a space); of several the last, as CoCo's
 * agent takes it. 0, *@value to free() and its size, which NULs count to; -ENOENT: there is
 * none; -EINVAL: a '%' without two digits behind it; -ENOMEM.
 */
int aaeld_query_get(const char *target, const char *name, char **value, size_t *size);

/* ---- evidence.c: GET /aa/evidence; evidence_tdx.c, evidence_tpm.c ------------------- */

#define AAELD_REPORT_DATA_BYTES 64
#define AAELD_EVIDENCE_PARTS 3	     /* what is in front of the log, most of the log, its end */
#define AAELD_EVIDENCE_TAIL_BYTES 32 /* eight 0xFF and up to two bytes of the log, in base64 */

/* One piece of evidence in the making. */
struct aaeld_evidence {
	const struct aaeld_kernel_ops *ops;
	void *kernel;
	uint8_t data[AAELD_REPORT_DATA_BYTES]; /* zero behind @data_size */
	size_t data_size;
	/* Out: the JSON, and what its parts are of, to aaeld_evidence_free(). */
	struct aael_part json[AAELD_EVIDENCE_PARTS];
	char *head;
	const uint8_t *log;
	size_t log_size;
	char tail[AAELD_EVIDENCE_TAIL_BYTES];
	char message[AAELD_EVIDENCE_MESSAGE_BYTES]; /* out: why there is none */
};

/* A kind of evidence. */
struct aaeld_evidence_ops {
	const char *tee; /* as GET /info and a KBS name it */
	bool hardware;
	/*
	 * May take seconds; any thread. 0 and the JSON; else a negative errno and a message:
	 * -ENOMEM, or what prevents it now. Both to aaeld_evidence_free().
	 */
	int (*make)(struct aaeld_evidence *evidence);
};

extern const struct aaeld_evidence_ops aaeld_evidence_tdx, aaeld_evidence_tpm;

/* The kind that the register of this log is quoted by. Never NULL. */
const struct aaeld_evidence_ops *aaeld_evidence_choose(const struct aael_info *info);
/*
 * The kind for the log of @evidence, and what the log is. 0; -EOPNOTSUPP: there is no hardware,
 * and no sample is allowed; errnos of info. The message is set.
 */
int aaeld_evidence_kind(struct aaeld_evidence *evidence, bool allow_sample,
			const struct aaeld_evidence_ops **kind, struct aael_info *info);
/* The HTTP status for an error of these: 500, 501 or 503. */
int aaeld_evidence_status(int err);
void aaeld_evidence_get(struct aaeld_app *app, const struct aaeld_request *request,
			struct aaeld_call *call);

/* For the kinds. @e->message is set; returns @err. */
int aaeld_evidence_fail(struct aaeld_evidence *e, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A snapshot; of a log that is not enabled only its length, and no registers. */
struct aaeld_point {
	bool enabled;
	uint64_t bytes;
	uint32_t reg_count;
	struct aael_snapshot_register registers[AAEL_REGISTERS_MAX];
};

int aaeld_evidence_point(struct aaeld_evidence *e, struct aaeld_point *point);
/*
 * The log's length alone, which does not wait: an event may be in the register that is not yet in
 * the log.
 */
int aaeld_evidence_length(struct aaeld_evidence *e, struct aaeld_point *point);
/* @e->log becomes the log as far as that point. 0, or the errno of map_log(). */
int aaeld_evidence_map(struct aaeld_evidence *e, const struct aaeld_point *to);
/* Begin to write the JSON; NULL: no memory, which the message says. */
FILE *aaeld_evidence_begin(struct aaeld_evidence *e);
/* It is complete. 0, or -ENOMEM. */
int aaeld_evidence_end(struct aaeld_evidence *e, FILE *out);
/*
 * It is complete but for its last member, the first @bytes of @e->log and eight 0xFF; 0: null.
 * 0, or -ENOMEM.
 */
int aaeld_evidence_end_log(struct aaeld_evidence *e, FILE *out, size_t bytes);
void aaeld_evidence_free(struct aaeld_evidence *e);

/* GET /aa/additional-evidence: empty, no further device is supported yet. */
void aaeld_evidence_get_additional(struct aaeld_app *app, const struct aaeld_request *request,
				   struct aaeld_call *call);

/* ---- kbsjob.c; token.c: GET /aa/token; resource.c: GET /cdh/resource/… --------------- */

/*
 * @job will fill @result, on the KBS's thread. 0, and @call is one of the app's kbs_calls until the
 * job finishes it; else @call has been answered and the job stays the caller's: -ENOTCONN: there is
 * no KBS, -EBUSY: too many wait.
 */
int aaeld_kbs_submit(struct aaeld_app *app, struct aaeld_job *job, struct aaeld_kbs_result *result,
		     struct aaeld_call *call);
/* The body of a result of 200; NULL of others, and without memory the result is one of them. */
struct aaeld_shared *aaeld_kbs_take(struct aaeld_kbs_result *result);
/* @result, or @body if it is not NULL. */
void aaeld_kbs_reply(struct aaeld_call *call, const struct aaeld_kbs_result *result,
		     struct aaeld_shared *body);

void aaeld_token_get(struct aaeld_app *app, const struct aaeld_request *request,
		     struct aaeld_call *call);
void aaeld_tokens_free(struct aaeld_tokens *tokens);
void aaeld_resource_get(struct aaeld_app *app, const struct aaeld_request *request,
			struct aaeld_call *call);

/* ---- metrics.c: GET /metrics; all of the loop's thread ------------------------------ */

/* An answer is sent, whoever gives it. */
void aaeld_metrics_answer(struct aaeld_metrics *metrics, int status);
/* A handshake for /aa/token has ended, after @ms, with a token or without. */
void aaeld_metrics_token(struct aaeld_metrics *metrics, bool given, int64_t ms);
void aaeld_metrics_get(struct aaeld_app *app, const struct aaeld_request *request,
		       struct aaeld_call *call);

/* ---- guard.c: who may ask -------------------------------------------------------- */

/* 127.0.0.0/8 or ::1. ::ffff:127.0.0.1 is not, as for Rust's is_loopback(). */
bool aaeld_guard_peer(const struct sockaddr *peer);
/* A Host header: localhost, 127.x.y.z or [::1], each with or without a port. */
bool aaeld_guard_host(const char *host);
/* An Origin header: http:// and such a host. "null" is not, nor is https. */
bool aaeld_guard_origin(const char *origin);
/*
 * The path in a request target: *@target without http://host. 0; -EINVAL: neither a path
 * nor http://; -EACCES: the host is not loopback.
 */
int aaeld_guard_target(const char **target);

/* ---- address.c --------------------------------------------------------------------- */

/* "127.0.0.1:8006", "[::1]:0": libevent's own parser refuses port 0. 0, or -EINVAL. */
int aaeld_address_parse(const char *text, struct sockaddr_storage *to, socklen_t *size);
/* The other way; @from is IPv4 or IPv6. */
void aaeld_address_format(const struct sockaddr *from, char text[AAELD_ADDRESS_BYTES]);

/* ---- framing.c, page.c: what evhttp takes too easily, and says badly ----------------- */

struct evbuffer;
struct evhttp_request;

/* What makes the end of this request doubtful, naming the header; NULL: nothing. */
const char *aaeld_framing_error(const struct evhttp_request *req);
/*
 * If @out, the output of a connection, holds an error page of evhttp's, as which it comes
 * at once: its status, and it is JSON now. The connection ends with it. Else 0.
 */
int aaeld_page_replace(struct evbuffer *out);

/* ---- conn.c: connections, from accept to close ---------------------------------------- */

struct aaeld_conn;
struct aaeld_conns;
struct bufferevent;
struct evhttp_connection;
struct timeval;

/*
 * At most @max at once, each with @timeout for a whole request, and again to take the
 * answer. @metrics counts what is answered before the routes. NULL: no memory.
 */
struct aaeld_conns *aaeld_conns_new(struct event_base *base, unsigned int max,
				    const struct timeval *timeout, struct aaeld_metrics *metrics);
/*
 * For evhttp_set_bevcb(): the connection being accepted joins @conns, unless its peer is
 * foreign: then it is answered 403 and closed.
 */
struct bufferevent *aaeld_conns_accept(struct event_base *base, void *conns);
/* The one that belongs to @evcon, or NULL. */
struct aaeld_conn *aaeld_conns_find(struct aaeld_conns *conns,
				    const struct evhttp_connection *evcon);
/* No more of them, and none that has neither a request under way nor an answer. */
void aaeld_conns_stop(struct aaeld_conns *conns);
/* Is there one that has? */
bool aaeld_conns_are_busy(const struct aaeld_conns *conns);
/* After evhttp_free(). */
void aaeld_conns_free(struct aaeld_conns *conns);
/*
 * Its request is with the routes: no deadline, and it is not dropped. If it ends all the
 * same, because the peer has left, *@owner becomes NULL.
 */
void aaeld_conn_busy(struct aaeld_conn *c, struct aaeld_conn **owner);
/* The connection ends with the answer to this request: be sure that it arrives. */
void aaeld_conn_end(struct aaeld_conn *c);
/* The peer is to take his answer, or to send the next request: his time begins. */
void aaeld_conn_wait(struct aaeld_conn *c);

/* ---- http.c: evhttp and its edges -------------------------------------------------- */

struct aaeld_http;

/* What tests shorten. */
struct aaeld_http_options {
	unsigned int timeout_ms;  /* for one whole request; 0: AAELD_REQUEST_TIMEOUT_MS */
	unsigned int connections; /* 0: AAELD_CONNECTIONS_MAX */
};

struct aaeld_http *aaeld_http_new(struct event_base *base, struct aaeld_app *app,
				  const struct aaeld_http_options *options);
/* "127.0.0.1:8006", "[::1]:0". 0, or -errno. */
int aaeld_http_bind(struct aaeld_http *http, const char *address);
/*
 * A listening socket that we were given; owned afterwards. 0; -EAFNOSUPPORT, -EINVAL: it
 * is none of TCP, and the log says so; or another -errno.
 */
int aaeld_http_accept(struct aaeld_http *http, int fd);
/* Where the last socket listens: "127.0.0.1:40123". */
const char *aaeld_http_address(const struct aaeld_http *http);
/*
 * Ends @http and @worker, either may be NULL: nothing more is accepted, the job that runs
 * is waited for, all answers go out as far as AAELD_STOP_MAX_MS allow. Frees both.
 */
void aaeld_http_stop(struct aaeld_http *http, struct aaeld_worker *worker);

/* ---- sd.c: the service manager ------------------------------------------------------- */

#define AAELD_LISTEN_FDS_START 3 /* sd_listen_fds(3) */

/* Tell $NOTIFY_SOCKET, if there is one. 0, or -errno. */
int aaeld_sd_notify(const char *state);
/* Number of sockets handed over, from descriptor AAELD_LISTEN_FDS_START on; 0 without. */
int aaeld_sd_listen_fds(void);
/* In which time it wants to hear of us again; 0: it does not. Only the first call knows. */
uint64_t aaeld_sd_watchdog_us(void);
/* Lose all capabilities of this thread, for good. 0, or -errno. */
int aaeld_sd_drop_privilege(void);

/* ---- watchdog.c ------------------------------------------------------------------------ */

struct event;

/* 0 and *@tick to event_free(), NULL if nobody watches; -ENOMEM. */
int aaeld_watchdog_start(struct event_base *base, struct event **tick);

#endif
