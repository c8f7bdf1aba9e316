/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a socket. */
#include <arpa/inet.h>
#include <stdio.h>

#include "internal.h"

static void
of_ipv6(const struct sockaddr_in6 *sin6, struct http_peer *out)
{
	out->port = ntohs(sin6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		out->family = AF_INET;
		memcpy(out->addr, sin6->sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(out->addr, sin6->sin6_addr.s6_addr, 16);
	}
}

void
http_peer_of(int fd, const struct sockaddr_storage *sa, struct http_peer *out)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
	socklen_t n = sizeof(out->cred);

	*out = (struct http_peer){ .family = sa->ss_family };
	if (sa->ss_family == AF_INET) {
		memcpy(&sin, sa, sizeof(sin));
		out->port = ntohs(sin.sin_port);
		memcpy(out->addr, &sin.sin_addr, 4);
	} else if (sa->ss_family == AF_INET6) {
		memcpy(&sin6, sa, sizeof(sin6));
		of_ipv6(&sin6, out);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &out->cred, &n) !=
	    0) {
		/* Nobody, so that no rule by uid can match. */
		out->cred =
		    (struct ucred){ 0, (uid_t)UINT32_MAX, (gid_t)UINT32_MAX };
	}
}

void
http_peer_text(const struct http_peer *p, char *out, size_t n)
{
	char addr[INET6_ADDRSTRLEN] = "";

	if (p->family != AF_INET && p->family != AF_INET6) {
		(void)snprintf(out, n, "unix:%d", (int)p->cred.pid);
		return;
	}
	(void)inet_ntop(p->family, p->addr, addr, sizeof(addr));
	(void)snprintf(out, n, p->family == AF_INET ? "%s:%u" : "[%s]:%u", addr,
	    (unsigned)p->port);
}
