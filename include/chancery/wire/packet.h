/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One packet of a unix socket (SOCK_SEQPACKET), with at most one descriptor beside it
 * (SCM_RIGHTS). Nothing here waits. As sendmsg(2) and recvmsg(2): octets, or -1 and errno.
 */
#include <sys/types.h>

#include <chancery/base/bytes.h>

/* fd -1: without; the caller's own stays open. */
ssize_t packet_send(int to, struct bytes data, int fd) must_check;
/* *fd: what came along, for the caller to close, or -1; NULL: none is taken. *whole (may be
 * NULL): nothing was cut. Octets beyond n are, and every descriptor but the first: the kernel
 * closes those. */
ssize_t packet_receive(int from, void *to, size_t n, int *fd,
    bool *whole) must_check;
