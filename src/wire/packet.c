/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>

#include <chancery/wire/packet.h>

union rights {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

ssize_t
packet_send(int to, struct bytes data, int fd)
{
	union rights c = { 0 };
	struct iovec v = { .iov_len = data.n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	/* sendmsg only reads: the iovec alone is not const. */
	memcpy(&v.iov_base, &data.p, sizeof(data.p));
	if (fd >= 0) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c.room);
		c.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	}
	return sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int
passed(struct msghdr *m)
{
	const struct cmsghdr *h = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	return fd;
}

ssize_t
packet_receive(int from, void *to, size_t n, int *fd, bool *whole)
{
	union rights c = { 0 };
	struct iovec v = { to, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t got;

	/* Not CMSG_SPACE, whose padding has room for a second one. */
	if (fd != NULL) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_LEN(sizeof(int));
	}
	got = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (fd != NULL)
		*fd = got < 0 ? -1 : passed(&m);
	if (whole != NULL)
		*whole =
		    got >= 0 && (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
	return got;
}
