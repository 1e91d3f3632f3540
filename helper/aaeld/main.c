// SPDX-License-Identifier: Apache-2.0
/*
 * Options, then the ladder: configuration, log, privilege, sockets, loop. The event
 * loop and everything it calls run on this thread; see worker.c for the other ones.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aaeld.h"

struct options {
	bool as_server_rest; /* called as api-server-rest */
	const char *bind;
	struct aaeld_sources sources;
	const char *features;
	const char *level;
	bool allow_sample;
	bool check;
	bool metrics;
};

enum { OPT_LEVEL = 256, OPT_INITDATA, OPT_CHECK, OPT_ALLOW_SAMPLE, OPT_METRICS };

static const char usage[] =
	"usage: aaeld [options]\n"
	"  -b, --bind ADDRESS       listen there (default " AAELD_DEFAULT_BIND ")\n"
	"  -f, --features NAME      resource, attestation or all (default: the kernel command\n"
	"                           line's agent.guest_components_rest_api, else all)\n"
	"  -c, --config FILE        aa.toml (default: the one in --initdata, else $AAELD_CONFIG,\n"
	"                           else the first of\n"
	"                           /run/confidential-containers/initdata/aa.toml,\n"
	"                           /run/peerpod/aa.toml, /etc/aaeld/aa.toml)\n"
	"      --initdata FILE      Init-Data, in any form (default: initdata.toml or initdata\n"
	"                           beside those in /run)\n"
	"      --check              print what the configuration amounts to, and end\n"
	"      --log-level LEVEL    error, warn, info or debug\n"
	"      --metrics            answer GET /metrics, for Prometheus\n"
	"      --allow-sample       without hardware, give evidence that proves nothing; for "
	"tests\n"
	"  -h, --help  -V, --version\n"
	"Called as api-server-rest: -b, -f, -c/--cdh_addr and -a/--aa_addr (both ignored).\n";

static const struct option own_options[] = {
	{ "bind", required_argument, NULL, 'b' },
	{ "features", required_argument, NULL, 'f' },
	{ "config", required_argument, NULL, 'c' },
	{ "initdata", required_argument, NULL, OPT_INITDATA },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "log-level", required_argument, NULL, OPT_LEVEL },
	{ "metrics", no_argument, NULL, OPT_METRICS },
	{ "allow-sample", no_argument, NULL, OPT_ALLOW_SAMPLE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const struct option server_rest_options[] = {
	{ "bind", required_argument, NULL, 'b' },
	{ "features", required_argument, NULL, 'f' },
	{ "cdh_addr", required_argument, NULL, 'c' },
	{ "aa_addr", required_argument, NULL, 'a' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void take_option(struct options *o, int opt)
{
	switch (opt) {
	case 'b':
		o->bind = optarg;
		break;
	case 'f':
		o->features = optarg;
		break;
	case 'c':
		if (!o->as_server_rest) {
			o->sources.config = optarg;
			break;
		}
		/* fall through */
	case 'a':
		aaeld_log(AAELD_INFO, "the address %s is not used: aaeld needs no other service",
			  optarg);
		break;
	case OPT_INITDATA:
		o->sources.initdata = optarg;
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_LEVEL:
		o->level = optarg;
		break;
	case OPT_METRICS:
		o->metrics = true;
		break;
	case OPT_ALLOW_SAMPLE:
		o->allow_sample = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case 'V':
		puts("aaeld " AAEL_VERSION);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(1);
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int opt;

	o->bind = AAELD_DEFAULT_BIND;
	o->as_server_rest = !strcmp(slash ? slash + 1 : argv[0], "api-server-rest");
	while ((opt = getopt_long(argc, argv, o->as_server_rest ? "b:f:c:a:hV" : "b:f:c:hV",
				  o->as_server_rest ? server_rest_options : own_options, NULL)) !=
	       -1)
		take_option(o, opt);
	if (optind < argc)
		take_option(o, '?');
}

static int load_config(const struct options *o, struct aaeld_config *config, unsigned int *features)
{
	char message[AAELD_MESSAGE_BYTES], initdata[AAELD_INITDATA_TEXT_BYTES];

	if (aaeld_config_load(&o->sources, config, message) ||
	    aaeld_config_features(&o->sources, o->features, o->as_server_rest, features, message)) {
		aaeld_log(AAELD_ERROR, "%s", message);
		return -EINVAL;
	}
	if (o->level) {
		config->has_level = true;
		if (aaeld_log_parse_level(o->level, &config->level)) {
			aaeld_log(AAELD_ERROR,
				  "--log-level: valid are error, warn, info and debug");
			return -EINVAL;
		}
	}
	if (config->has_level)
		aaeld_log_set_level(config->level);
	aaeld_log(AAELD_INFO, "configuration: %s",
		  config->origin.path ? config->origin.path : "none, defaults");
	if (config->origin.initdata_path) {
		aaeld_show_initdata(&config->origin, initdata);
		aaeld_log(AAELD_INFO, "Init-Data: %s (%s)", config->origin.initdata_path, initdata);
	}
	return 0;
}

static int listen_everywhere(const struct options *o, struct aaeld_http *http)
{
	int count = aaeld_sd_listen_fds(), ret = 0;

	for (int i = 0; !ret && i < count; i++)
		ret = aaeld_http_accept(http, AAELD_LISTEN_FDS_START + i);
	if (!count)
		ret = aaeld_http_bind(http, o->bind);
	if (ret)
		aaeld_log(AAELD_ERROR, "cannot listen on %s: %s",
			  count ? "the socket that was handed over" : o->bind, strerror(-ret));
	else
		aaeld_log(AAELD_INFO, "listening on %s", aaeld_http_address(http));
	return ret;
}

static void on_signal(evutil_socket_t sig, short what, void *base)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(base);
}

static void on_kept_long(evutil_socket_t fd, short what, void *arg)
{
	const struct aaeld_app *app = arg;

	(void)fd;
	(void)what;
	app->ops->let_go(app->kernel);
}

static int submit(struct aaeld_app *app, struct aaeld_job *job)
{
	return aaeld_worker_submit(app->worker, job);
}

static int serve(const struct options *o, struct aaeld_app *app)
{
	struct event_base *base = event_base_new();
	struct event *term = base ? evsignal_new(base, SIGTERM, on_signal, base) : NULL;
	struct event *interrupt = base ? evsignal_new(base, SIGINT, on_signal, base) : NULL;
	const struct aaeld_http_options http_options = { 0 };
	struct aaeld_http *http = NULL;
	struct event *tick = NULL;
	int ret = -ENOMEM;

	if (!term || !interrupt || event_add(term, NULL) || event_add(interrupt, NULL))
		goto out;
	app->let_go = evtimer_new(base, on_kept_long, app);
	app->worker = app->let_go ? aaeld_worker_new(base) : NULL;
	http = app->worker ? aaeld_http_new(base, app, &http_options) : NULL;
	if (!http)
		goto out;
	ret = aaeld_watchdog_start(base, &tick);
	if (!ret)
		ret = listen_everywhere(o, http);
	if (ret)
		goto out;
	aaeld_sd_notify("READY=1");
	event_base_dispatch(base);
	aaeld_sd_notify("STOPPING=1");
	aaeld_log(AAELD_INFO, "stopping");
out:
	if (app->kbs)
		app->kbs_ops->stop(app->kbs);
	aaeld_http_stop(http, app->worker);
	aaeld_tokens_free(&app->tokens);
	if (app->let_go)
		event_free(app->let_go);
	if (tick)
		event_free(tick);
	if (interrupt)
		event_free(interrupt);
	if (term)
		event_free(term);
	if (base)
		event_base_free(base);
	return ret;
}

/* 0 and *@kbs, NULL if none is configured; -ENOMEM. */
static int open_kbs(const struct aaeld_app *app, const struct aaeld_config *config,
		    struct aaeld_kbs **kbs)
{
	const struct aaeld_kbs_options options = {
		.url = config->kbs_url,
		.cert = config->kbs_cert,
		.tee_key = config->tee_key,
		.initdata = config->origin.initdata_path ? &config->origin.initdata : NULL,
		.ops = app->ops,
		.kernel = app->kernel,
		.allow_sample = app->allow_sample,
	};

	*kbs = NULL;
	if (!config->kbs_url)
		return 0;
	*kbs = aaeld_kbs_new(&options);
	if (*kbs)
		return 0;
	aaeld_log(AAELD_ERROR, "the KBS cannot be asked: no memory");
	return -ENOMEM;
}

/* Init-Data and the log while there is privilege; then never again. */
static int start(const struct options *o, const struct aaeld_config *config, struct aaeld_app *app)
{
	struct aaeld_kbs *kbs;
	int ret =
		aaeld_binding_start(app->ops, app->kernel, &aaeld_binding_devices, &config->origin);

	if (!ret)
		ret = aaeld_start_log(app->ops, app->kernel, config);
	if (ret)
		return ret;
	aaeld_beside_start(&o->sources, app->ops, app->kernel);
	app->enable_eventlog = config->enable_eventlog;
	app->allow_sample = o->allow_sample;
	if (o->metrics)
		app->features |= AAELD_F_METRICS;
	ret = aaeld_sd_drop_privilege();
	if (ret) {
		aaeld_log(AAELD_ERROR, "cannot give up privilege: %s", strerror(-ret));
		return ret;
	}
	ret = open_kbs(app, config, &kbs);
	if (ret)
		return ret;
	app->kbs = kbs;
	ret = serve(o, app);
	aaeld_kbs_free(kbs);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct aaeld_config config = { 0 };
	struct aaeld_app app = {
		.ops = &aaeld_kernel_ops,
		.kbs_ops = &aaeld_kbs_ops,
		.submit = submit,
	};
	int ret;

	signal(SIGPIPE, SIG_IGN);
	/* We say ourselves what a TPM refuses. */
	setenv("TSS2_LOG", "all+none", 0);
	parse_options(&options, argc, argv);
	ret = load_config(&options, &config, &app.features);
	if (!ret && options.check) {
		aaeld_show_config(stdout, &config, app.features);
		ret = fflush(stdout);
	} else if (!ret) {
		ret = start(&options, &config, &app);
	}
	aaeld_config_free(&config);
	return ret ? 1 : 0;
}
