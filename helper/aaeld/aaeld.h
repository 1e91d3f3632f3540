/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aaeld: one thread runs the event loop (HTTP, signals, timers) and owns everything
 * but the queue of the worker; a second thread makes the calls that may block.
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

#ifdef __cplusplus
extern "C" {
#endif

/* Limits. */
#define AAELD_BODY_MAX_BYTES (1024 * 1024)
#define AAELD_HEADERS_MAX_BYTES (8 * 1024)
#define AAELD_CONNECTIONS_MAX 64
#define AAELD_QUEUE_MAX_JOBS 64
#define AAELD_REQUEST_TIMEOUT_MS 10000
#define AAELD_CONFIG_MAX_BYTES (1024 * 1024)
#define AAELD_MESSAGE_BYTES 256

#define AAELD_DEFAULT_BIND "127.0.0.1:8006"

/* ---- log.c: one line on stderr, with the <N> that systemd understands ------- */

enum aaeld_level { AAELD_ERROR = 3, AAELD_WARNING = 4, AAELD_INFO = 6, AAELD_DEBUG = 7 };

void aaeld_log(enum aaeld_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void aaeld_log_set_level(enum aaeld_level level);
/* error, warn, warning, info, debug, trace, in any case. 0, or -EINVAL. */
int aaeld_log_parse_level(const char *name, enum aaeld_level *level);

/* ---- config.c, toml.cpp ----------------------------------------------------- */

enum aaeld_feature { AAELD_F_ATTESTATION = 1, AAELD_F_RESOURCE = 2, AAELD_F_ALL = 3 };

struct aaeld_config {
	bool enable_eventlog;
	bool has_init_pcr;
	uint32_t init_pcr; /* 0..23, if has_init_pcr */
	bool has_level;
	enum aaeld_level level;
	char *kbs_url;	/* or NULL; without trailing slashes */
	char *kbs_cert; /* PEM, or NULL */
};

/*
 * The TOML text of an aa.toml, named @name in messages. 0; -EINVAL: not TOML, or a
 * value that makes no sense, @message says where ("aa.toml:3: eventlog_config.init_pcr …");
 * -ENOMEM. Unknown keys are ignored. *@config is zeroed first and must be freed in any case.
 */
int aaeld_toml_parse(const char *text, size_t size, const char *name, struct aaeld_config *config,
		     char message[AAELD_MESSAGE_BYTES]);
void aaeld_config_free(struct aaeld_config *config);

/*
 * Which file configures us: @given (-c) if any, $AAELD_CONFIG if set, else the first of
 * @paths (NULL terminated; NULL: the built-in ones) that exists; NULL if none does.
 */
const char *aaeld_config_find(const char *given, const char *const *paths);
/* Reads the file as above; without a file (@path NULL) everything is at its default. */
int aaeld_config_load(const char *path, struct aaeld_config *config,
		      char message[AAELD_MESSAGE_BYTES]);

/* resource, attestation or all. 0, or -EINVAL. */
int aaeld_config_parse_features(const char *name, unsigned int *features);
const char *aaeld_config_feature_name(unsigned int features);
/* agent.guest_components_rest_api= of a kernel command line. 0, -ENOENT, -EINVAL. */
int aaeld_config_cmdline_features(const char *cmdline, unsigned int *features);

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
	 * the device cannot be used. *@sequence is also set with -ETIMEDOUT and -EEXIST.
	 * Any thread.
	 */
	int (*append)(void *kernel, const struct aaeld_event *event, uint64_t *sequence);
	/* What the log is. Does not block. Errors as above. */
	int (*info)(void *kernel, struct aael_info *info);
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

/* ---- worker.c: what blocks ---------------------------------------------------- */

struct event_base;
struct aaeld_worker;

struct aaeld_job {
	struct aaeld_job *next;
	void (*run)(struct aaeld_job *job); /* on the worker's thread */
	/*
	 * Then on the loop's; owns the job. When the daemon stops, run() may never
	 * have been called.
	 */
	void (*finish)(struct aaeld_job *job);
};

struct aaeld_worker *aaeld_worker_new(struct event_base *base);
/* 0, or -EBUSY: AAELD_QUEUE_MAX_JOBS wait already, the job stays the caller's. */
int aaeld_worker_submit(struct aaeld_worker *worker, struct aaeld_job *job);
/* Waits for the job that runs and finishes all; those that waited never run. */
void aaeld_worker_free(struct aaeld_worker *worker);

/* ---- routes.c: request to answer, without any socket ---------------------------- */

struct aaeld_request {
	const char *method; /* "GET" */
	const char *target; /* as sent: path and query, not decoded */
	const char *body;
	size_t body_size;
};

struct aaeld_reply {
	int status;
	const char *type;  /* Content-Type */
	const char *allow; /* Allow, or NULL */
	char *body;	   /* NUL terminated */
	size_t body_size;
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
	int (*submit)(struct aaeld_app *app, struct aaeld_job *job); /* as aaeld_worker_submit() */
	struct aaeld_worker *worker;
};

void aaeld_routes_dispatch(struct aaeld_app *app, const struct aaeld_request *request,
			   struct aaeld_call *call);
/* Answer with a text that needs no copy: @type is its Content-Type. */
void aaeld_routes_reply(struct aaeld_call *call, int status, const char *type, const char *body);

/* ---- event.c: POST /aa/aael ------------------------------------------------------ */

void aaeld_event_post(struct aaeld_app *app, const struct aaeld_request *request,
		      struct aaeld_call *call);

/* ---- guard.c: who may ask -------------------------------------------------------- */

/* 127.0.0.0/8 or ::1. ::ffff:127.0.0.1 is not, as for Rust's is_loopback(). */
bool aaeld_guard_peer(const struct sockaddr *peer);
/* A Host header: localhost, 127.x.y.z or [::1], each with or without a port. */
bool aaeld_guard_host(const char *host);
/* The path in a request target: *@target without http://host, which must be loopback. */
bool aaeld_guard_target(const char **target);

/* ---- http.c: evhttp and its edges -------------------------------------------------- */

struct aaeld_http;

struct aaeld_http_options {
	unsigned int timeout_ms;  /* for one whole request; 0: AAELD_REQUEST_TIMEOUT_MS */
	unsigned int connections; /* 0: AAELD_CONNECTIONS_MAX */
};

struct aaeld_http *aaeld_http_new(struct event_base *base, struct aaeld_app *app,
				  const struct aaeld_http_options *options);
/* "127.0.0.1:8006", "[::1]:0". 0, or -errno. */
int aaeld_http_bind(struct aaeld_http *http, const char *address);
/* A listening socket that we were given; owned afterwards. 0, or -errno. */
int aaeld_http_accept(struct aaeld_http *http, int fd);
/* Where the last socket listens: "127.0.0.1:40123". */
const char *aaeld_http_address(const struct aaeld_http *http);
void aaeld_http_free(struct aaeld_http *http);

/* ---- sd.c: the service manager ------------------------------------------------------- */

/* Tell $NOTIFY_SOCKET, if there is one. 0, or -errno. */
int aaeld_sd_notify(const char *state);
/* Number of sockets handed over, from descriptor 3 on; 0 without. */
int aaeld_sd_listen_fds(void);
/* Lose all capabilities of this thread, for good. 0, or -errno. */
int aaeld_sd_drop_privilege(void);

#ifdef __cplusplus
}
#endif

#endif
