// SPDX-License-Identifier: Apache-2.0
/*
 * Only this machine is served, and only under a name that no DNS server can point
 * at it (DNS rebinding), and no page of another site, for which a browser of this machine
 * asks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "aaeld.h"

#define SCHEME "http://"

bool aaeld_guard_peer(const struct sockaddr *peer)
{
	if (peer->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)peer;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (peer->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)peer)->sin6_addr);
	return false;
}

/* "" or ":8006" */
static bool is_port(const char *p)
{
	size_t n;

	if (!*p)
		return true;
	if (*p++ != ':')
		return false;
	n = strspn(p, "0123456789");
	return n >= 1 && n <= 5 && !p[n];
}

static bool is_name(const char *name, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr in;

	if (size == strlen("localhost") && !strncasecmp(name, "localhost", size))
		return true;
	if (size >= sizeof(text))
		return false;
	memcpy(text, name, size);
	text[size] = '\0';
	return inet_pton(AF_INET, text, &in) == 1 && ntohl(in.s_addr) >> 24 == 127;
}

bool aaeld_guard_host(const char *host)
{
	size_t size;

	if (!strncmp(host, "[::1]", 5))
		return is_port(host + 5);
	size = strcspn(host, ":");
	return is_name(host, size) && is_port(host + size);
}

bool aaeld_guard_origin(const char *origin)
{
	return !strncasecmp(origin, SCHEME, strlen(SCHEME)) &&
	       aaeld_guard_host(origin + strlen(SCHEME));
}

int aaeld_guard_target(const char **target)
{
	char host[64];
	size_t size;

	if (**target == '/')
		return 0;
	if (strncasecmp(*target, SCHEME, strlen(SCHEME)))
		return -EINVAL;
	*target += strlen(SCHEME);
	size = strcspn(*target, "/?#");
	if (size >= sizeof(host))
		return -EACCES;
	memcpy(host, *target, size);
	host[size] = '\0';
	if (!aaeld_guard_host(host))
		return -EACCES;
	*target += size;
	if (!**target)
		*target = "/";
	return 0;
}
