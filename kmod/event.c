// SPDX-License-Identifier: GPL-2.0-only
/*
 * An event's fields: what is accepted, and how the tagged event is encoded.
 * Pure. Nothing is measured that the strictest consumer of the log would refuse,
 * because an extend cannot be taken back: a verifier that cannot parse one text
 * rejects the whole log.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "aael.h"

static int check_size(size_t len, size_t max)
{
	if (!len)
		return -EINVAL;
	return len > max ? -E2BIG : 0;
}

/* domain and operation: printable ASCII without space */
static int check_word(const u8 *p, size_t len, size_t max)
{
	int ret = check_size(len, max);

	for (size_t i = 0; !ret && i < len; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			ret = -EINVAL;
	return ret;
}

/**
 * aael_event_check_domain - the rule for a domain
 * @domain: bytes
 * @len: number of them
 *
 * Return: 0, -EINVAL (empty, or a byte outside 0x21..0x7e), -E2BIG.
 */
int aael_event_check_domain(const u8 *domain, size_t len)
{
	return check_word(domain, len, AAEL_DOMAIN_MAX_BYTES);
}

/*
 * Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), or 0.
 * Its code point goes to *cp.
 */
static unsigned int utf8_sequence(const u8 *p, size_t len, u32 *cp)
{
	static const u32 smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int n;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	if ((p[0] & 0xe0) == 0xc0)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if ((p[0] & 0xf8) == 0xf0)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	*cp = p[0] & (0x7f >> n);
	for (unsigned int i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	if (*cp < smallest[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

static int check_content(const u8 *p, size_t len)
{
	int ret = check_size(len, AAEL_CONTENT_MAX_BYTES);
	unsigned int n;
	u32 cp;

	if (ret)
		return ret;
	for (size_t i = 0; i < len; i += n) {
		n = utf8_sequence(p + i, len - i, &cp);
		if (!n)
			return -EILSEQ;
		if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))	/* C0, DEL, C1 */
			return -EINVAL;
	}
	return 0;
}

/**
 * aael_event_validate - accept or refuse an event
 * @ev: its fields
 *
 * Return: 0; -EINVAL for an empty field or a byte that is not allowed; -E2BIG for
 * a field that is too long; -EILSEQ for content that is not UTF-8.
 */
int aael_event_validate(const struct aael_event *ev)
{
	int ret;

	ret = check_word(ev->domain, ev->domain_len, AAEL_DOMAIN_MAX_BYTES);
	if (!ret)
		ret = check_word(ev->operation, ev->operation_len, AAEL_OPERATION_MAX_BYTES);
	if (!ret)
		ret = check_content(ev->content, ev->content_len);
	return ret;
}

/**
 * aael_event_parse_line - split "domain operation content" at its first two spaces
 * @line: the line without its newline
 * @len: bytes of it
 * @ev: out: points into @line
 *
 * Return: 0, or -EINVAL if there are not two spaces. The fields are not validated.
 */
int aael_event_parse_line(const u8 *line, size_t len, struct aael_event *ev)
{
	const u8 *end = line + len;
	const u8 *first = memchr(line, ' ', len);
	const u8 *second = first ? memchr(first + 1, ' ', end - first - 1) : NULL;

	if (!second)
		return -EINVAL;
	*ev = (struct aael_event) {
		.domain = line,
		.domain_len = first - line,
		.operation = first + 1,
		.operation_len = second - first - 1,
		.content = second + 1,
		.content_len = end - second - 1,
	};
	return 0;
}

/**
 * aael_event_text_size - bytes of "domain operation content"
 * @ev: a valid event
 */
size_t aael_event_text_size(const struct aael_event *ev)
{
	return ev->domain_len + 1 + ev->operation_len + 1 + ev->content_len;
}

/**
 * aael_event_encode - write the tagged event
 * @ev: a valid event
 * @out: AAEL_EVENT_HEADER_BYTES + aael_event_text_size() bytes
 *
 *	u32 0x4141454c   u32 text_size   text[text_size]      little-endian
 */
void aael_event_encode(const struct aael_event *ev, u8 *out)
{
	put_unaligned_le32(AAEL_EVENT_TAG, out);
	put_unaligned_le32(aael_event_text_size(ev), out + 4);
	out += AAEL_EVENT_HEADER_BYTES;
	memcpy(out, ev->domain, ev->domain_len);
	out += ev->domain_len;
	*out++ = ' ';
	memcpy(out, ev->operation, ev->operation_len);
	out += ev->operation_len;
	*out++ = ' ';
	memcpy(out, ev->content, ev->content_len);
}

/**
 * aael_event_of_module - an event that the module itself logs
 * @operation: NUL terminated
 * @content: JSON
 * @len: bytes of @content
 *
 * Return: the event, of the domain "aael"; it points to the arguments.
 */
struct aael_event aael_event_of_module(const char *operation, const char *content, size_t len)
{
	return (struct aael_event) {
		.domain = "aael",
		.domain_len = 4,
		.operation = operation,
		.operation_len = strlen(operation),
		.content = content,
		.content_len = len,
	};
}
