// SPDX-License-Identifier: Apache-2.0
/*
 * Evidence of a TDX guest, by configfs-tsm: a folder of our own, from making it to removing
 * it. The registers' values are in the quote, and tell how much of the log it is about.
 *
 * {"quote":base64,"cc_eventlog":base64(log) or null}
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aaeld.h"
#include "codec.h"
#include "cut.h"
#include "tdquote.h"

#define REPORTS "/sys/kernel/config/tsm/report"
#define NAMES_MAX 16
#define QUOTE_MAX_BYTES (1024 * 1024)
#define PATH_BYTES 128
/* A log that is not enabled has no snapshots: what its length tells may be a moment late. */
#define UNSETTLED_TRIES 10
#define UNSETTLED_US 50000

_Static_assert(AAEL_CUT_RTMRS == AAEL_TDQUOTE_RTMRS &&
		       AAEL_CUT_RTMR_BYTES == AAEL_TDQUOTE_RTMR_BYTES,
	       "the cut takes what is quoted");
_Static_assert(AAEL_TDQUOTE_DATA_BYTES == AAELD_REPORT_DATA_BYTES, "all of it is bound");

struct quoted {
	struct aaeld_point from, to;
	uint8_t *quote;
	size_t quote_size;
	struct aael_tdquote fields;
	struct aael_cut cut;
};

/* ---- configfs-tsm ------------------------------------------------------------- */

static int refused(struct aaeld_evidence *e, const char *what)
{
	int err = errno;

	return aaeld_evidence_fail(e, -err, "TDX quote: %s: %s", what, strerror(err));
}

static int make_folder(struct aaeld_evidence *e, char path[PATH_BYTES])
{
	for (unsigned int i = 0; i < NAMES_MAX; i++) {
		snprintf(path, PATH_BYTES, REPORTS "/aaeld-%d-%u", (int)getpid(), i);
		if (!mkdir(path, 0700))
			return 0;
		if (errno != EEXIST)
			break;
	}
	if (errno == ENOENT)
		return aaeld_evidence_fail(e, -ENODEV,
					   "TDX quote: there is no " REPORTS
					   ": configfs is not mounted, or the kernel has no "
					   "configfs-tsm");
	return refused(e, path);
}

static int open_attribute(const char *folder, const char *name, int flags)
{
	char path[PATH_BYTES + 16];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, flags | O_CLOEXEC);
}

static int write_data(struct aaeld_evidence *e, const char *folder)
{
	int fd = open_attribute(folder, "inblob", O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, e->data, sizeof(e->data));
	int ret = n == (ssize_t)sizeof(e->data) ? 0 : refused(e, "inblob");

	if (fd >= 0)
		close(fd);
	return ret;
}

/* Is the first line of an attribute that text? */
static int expect(struct aaeld_evidence *e, const char *folder, const char *name, const char *want)
{
	int fd = open_attribute(folder, name, O_RDONLY);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int ret = n < 0 ? refused(e, name) : 0;

	if (fd >= 0)
		close(fd);
	if (ret)
		return ret;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (!strcmp(text, want))
		return 0;
	return aaeld_evidence_fail(e, -EIO, "TDX quote: %s is \"%s\" and not \"%s\"", name, text,
				   want);
}

static int read_quote(struct aaeld_evidence *e, const char *folder, struct quoted *q)
{
	int fd = open_attribute(folder, "outblob", O_RDONLY);
	ssize_t n = 0;

	if (fd < 0)
		return refused(e, "outblob");
	q->quote = malloc(QUOTE_MAX_BYTES);
	while (q->quote && q->quote_size < QUOTE_MAX_BYTES &&
	       (n = read(fd, q->quote + q->quote_size, QUOTE_MAX_BYTES - q->quote_size)) > 0)
		q->quote_size += (size_t)n;
	if (!q->quote)
		n = aaeld_evidence_fail(e, -ENOMEM, "no memory");
	else if (n < 0)
		n = refused(e, "outblob");
	else if (n > 0)
		n = aaeld_evidence_fail(e, -EIO, "TDX quote: larger than %d bytes",
					QUOTE_MAX_BYTES);
	/* Kernels before 7 do not tell it in another way. */
	else if (!q->quote_size)
		n = aaeld_evidence_fail(e, -EIO, "TDX quote: the quote failed");
	close(fd);
	return (int)n;
}

/* One write has been made to the folder, ours: whoever else wrote would have counted. */
static int use_folder(struct aaeld_evidence *e, const char *folder, struct quoted *q)
{
	int ret = write_data(e, folder);

	if (!ret)
		ret = expect(e, folder, "provider", "tdx_guest");
	if (!ret)
		ret = read_quote(e, folder, q);
	return ret ? ret : expect(e, folder, "generation", "1");
}

static int quote(struct aaeld_evidence *e, struct quoted *q)
{
	char folder[PATH_BYTES];
	int ret = make_folder(e, folder);

	if (ret)
		return ret;
	ret = use_folder(e, folder, q);
	rmdir(folder);
	if (ret)
		return ret;
	if (aael_tdquote_parse(q->quote, q->quote_size, &q->fields))
		return aaeld_evidence_fail(e, -EIO,
					   "TDX quote: not a quote of version 4 or 5 (%zu bytes)",
					   q->quote_size);
	if (memcmp(q->fields.report_data, e->data, sizeof(e->data)))
		return aaeld_evidence_fail(e, -EIO, "TDX quote: it binds other data");
	return 0;
}

/* ---- the log ------------------------------------------------------------------ */

static int cut_once(struct aaeld_evidence *e, struct quoted *q)
{
	struct aael_cut_range range = { .from = q->from.bytes };
	int ret = aaeld_evidence_point(e, &q->to);

	if (!ret)
		ret = aaeld_evidence_map(e, &q->to);
	if (ret)
		return ret;
	range.log = e->log;
	range.to = range.size = q->to.bytes;
	ret = aael_cut_tdx(&q->cut, &range, q->fields.rtmrs);
	return ret ? aaeld_evidence_fail(e, ret, "%s", q->cut.error) : 0;
}

static int cut(struct aaeld_evidence *e, struct quoted *q)
{
	int ret = cut_once(e, q);

	for (unsigned int i = 1; i < UNSETTLED_TRIES && ret == -ENOENT && !q->to.enabled; i++) {
		usleep(UNSETTLED_US);
		ret = cut_once(e, q);
	}
	return ret;
}

static int put_evidence(struct aaeld_evidence *e, struct quoted *q)
{
	FILE *out = aaeld_evidence_begin(e);

	if (!out)
		return -ENOMEM;
	fputs("{\"quote\":\"", out);
	aael_base64_put(out, q->quote, q->quote_size);
	fputc('"', out);
	return aaeld_evidence_end_log(e, out, q->cut.entries ? q->cut.bytes : 0);
}

static int make(struct aaeld_evidence *e)
{
	struct quoted *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return aaeld_evidence_fail(e, -ENOMEM, "no memory");
	ret = aaeld_evidence_point(e, &q->from);
	if (!ret)
		ret = quote(e, q);
	if (!ret)
		ret = cut(e, q);
	if (!ret)
		ret = put_evidence(e, q);
	free(q->quote);
	free(q);
	return ret == -EOPNOTSUPP ? -ENODEV : ret;
}

const struct aaeld_evidence_ops aaeld_evidence_tdx = {
	.tee = "tdx",
	.hardware = true,
	.make = make,
};
