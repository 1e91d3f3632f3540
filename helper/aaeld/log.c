// SPDX-License-Identifier: Apache-2.0
/* One write per line: lines of two threads never mix. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "aaeld.h"

#define LINE_MAX_BYTES 1024

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

void aaeld_log(enum aaeld_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	int n, used;
	va_list ap;

	if (level > threshold)
		return;
	used = snprintf(line, sizeof(line), "<%d>aaeld: ", level);
	va_start(ap, format);
	n = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, ap);
	va_end(ap);
	if (n < 0)
		return;
	used += n;
	if (used > (int)sizeof(line) - 2)
		used = sizeof(line) - 2;
	/* What a file or a client said must not begin a line of its own. */
	for (int i = 0; i < used; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)used) < 0)
		return; /* nowhere else to say it */
}
