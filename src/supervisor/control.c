/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include <chancery/base/cleanup.h>
#include <chancery/wire/packet.h>

#include "supervisor.h"

bool
control_send(int control, uint32_t type, struct bytes rest, int fd)
{
	auto_buf struct buf packet = { 0 };

	buf_add(&packet, &type, sizeof(type));
	buf_add_bytes(&packet, rest);
	return packet_send(control, buf_bytes(&packet), fd) ==
	    (ssize_t)packet.n;
}

bool
control_send_u32(int control, uint32_t type, uint32_t value, int fd)
{
	return control_send(control, type, bytes_of(&value, sizeof(value)), fd);
}

bool
control_send_fds(int control, uint32_t type, const int *fd, size_t n)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(ROOM_UNITS_FDS_MAX * sizeof(int))];
	} c = { 0 };
	struct iovec v = { &type, sizeof(type) };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	if (n == 0 || n > ROOM_UNITS_FDS_MAX)
		return false;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fd, n * sizeof(int));
	return sendmsg(control, &m, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(type);
}
