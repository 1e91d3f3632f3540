// SPDX-License-Identifier: Apache-2.0
/* One write per line: lines of two threads never mix. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "aaeld.h"

#define LINE_MAX_BYTES 1024
#define INTERVAL_MS 1000

static enum aaeld_level threshold = AAELD_INFO;

void aaeld_log_set_level(enum aaeld_level level)
{
	threshold = level;
}

int aaeld_log_parse_level(const char *name, enum aaeld_level *level)
{
	static const struct {
		const char *name;
		enum aaeld_level level;
	} names[] = {
		{ "off", AAELD_ERROR },	      { "error", AAELD_ERROR }, { "warn", AAELD_WARNING },
		{ "warning", AAELD_WARNING }, { "info", AAELD_INFO },	{ "debug", AAELD_DEBUG },
		{ "trace", AAELD_DEBUG },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcasecmp(name, names[i].name)) {
			*level = names[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

static void say(enum aaeld_level level, const char *text, unsigned int dropped)
{
	char line[LINE_MAX_BYTES + 64];
	int used;

	used = snprintf(line, sizeof(line), "<%d>aaeld: %s", level, text);
	if (dropped)
		used += snprintf(line + used, sizeof(line) - (size_t)used,
				 " (and %u more since the last)", dropped);
	/* What a file or a client said must not begin a line of its own. */
	for (int i = 0; i < used; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)used) < 0)
		return; /* nowhere else to say it */
}

void aaeld_log(enum aaeld_level level, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;
	int n;

	if (level > threshold)
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n >= 0)
		say(level, text, 0);
}

/* Is it time again? Then *@dropped says how often it was not. */
static bool allow(struct aaeld_log_limit *limit, unsigned int *dropped)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all limits */
	int64_t now = aaeld_now_ms();
	bool allowed;

	pthread_mutex_lock(&lock);
	allowed = now >= limit->until_ms;
	*dropped = limit->dropped;
	limit->dropped = allowed ? 0 : limit->dropped + 1;
	if (allowed)
		limit->until_ms = now + INTERVAL_MS;
	pthread_mutex_unlock(&lock);
	return allowed;
}

void aaeld_log_limited(struct aaeld_log_limit *limit, enum aaeld_level level, const char *format,
		       ...)
{
	char text[LINE_MAX_BYTES];
	unsigned int dropped;
	va_list ap;
	int n;

	if (level > threshold || !allow(limit, &dropped))
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n >= 0)
		say(level, text, dropped);
}
