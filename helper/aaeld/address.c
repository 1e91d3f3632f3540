// SPDX-License-Identifier: Apache-2.0
/* "127.0.0.1:8006" and "[::1]:0", to and from socket addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aaeld.h"

static int parse_port(const char *text, uint16_t *port)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 5 || text[digits] || atoi(text) > UINT16_MAX)
		return -EINVAL;
	*port = htons((uint16_t)atoi(text));
	return 0;
}

int aaeld_address_parse(const char *text, struct sockaddr_storage *to, socklen_t *size)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	const char *colon = strrchr(text, ':');
	bool v6 = *text == '[';
	char host[AAELD_ADDRESS_BYTES];
	uint16_t port;
	size_t len;

	memset(to, 0, sizeof(*to));
	if (!colon || parse_port(colon + 1, &port))
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len >= sizeof(host) || (v6 && (len < 2 || colon[-1] != ']')))
		return -EINVAL;
	len -= v6 ? 2 : 0;
	memcpy(host, text + v6, len);
	host[len] = '\0';
	if (v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = port;
		*size = sizeof(*in6);
		return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	in->sin_family = AF_INET;
	in->sin_port = port;
	*size = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

void aaeld_address_format(const struct sockaddr *from, char text[AAELD_ADDRESS_BYTES])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;
	char host[INET6_ADDRSTRLEN] = "";

	if (from->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, AAELD_ADDRESS_BYTES, "[%s]:%d", host, ntohs(in6->sin6_port));
	} else {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, AAELD_ADDRESS_BYTES, "%s:%d", host, ntohs(in->sin_port));
	}
}
