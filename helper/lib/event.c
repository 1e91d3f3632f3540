// SPDX-License-Identifier: Apache-2.0
/*
 * The rules for an event's fields, in the kernel's order. The kernel is the judge;
 * this is for saying which field it would refuse, and why.
 */
#include <errno.h>

#include "libaael.h"
#include "uefi.h"

static int check_size(size_t size, size_t max, const char **why)
{
	*why = size ? "is too long" : "is empty";
	if (!size)
		return -EINVAL;
	return size > max ? -E2BIG : 0;
}

static int check_word(const char *p, size_t size, size_t max, const char **why)
{
	int ret = check_size(size, max, why);

	*why = ret ? *why : "holds a byte that is not printable ASCII, or a space";
	for (size_t i = 0; !ret && i < size; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			ret = -EINVAL;
	return ret;
}

static int check_content(const char *content, size_t size, const char **why)
{
	const uint8_t *p = (const uint8_t *)content;
	int ret = check_size(size, AAEL_CONTENT_MAX_BYTES, why);

	while (!ret && size) {
		size_t n = text_plain_bytes(p, size);

		if (!n)
			n = text_utf8_sequence(p, size);
		if (n == 0) {
			*why = "is not well-formed UTF-8";
			return -EILSEQ;
		}
		if (text_is_control(p, n)) {
			*why = "holds a control character";
			return -EINVAL;
		}
		p += n;
		size -= n;
	}
	return ret;
}

int aael_event_check(const struct aael_event *event, const char **field, const char **why)
{
	int ret;

	*field = "domain";
	ret = check_word(event->domain, event->domain_size, AAEL_DOMAIN_MAX_BYTES, why);
	if (ret)
		return ret;
	*field = "operation";
	ret = check_word(event->operation, event->operation_size, AAEL_OPERATION_MAX_BYTES, why);
	if (ret)
		return ret;
	*field = "content";
	ret = check_content(event->content, event->content_size, why);
	if (ret)
		return ret;
	*field = NULL;
	*why = NULL;
	return 0;
}
