/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The other end of a SOCK_SEQPACKET pair. Nothing here blocks: frames are packed into
 * packets of at most LIMIT_PACKET_BYTES, packets wait in a bounded queue of our own until
 * the socket takes them (two rooms that both blocked in send would wait for each other).
 * A frame that is larger than a packet travels as a sealed memfd. One thread a peer.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/wire/frame.h>

struct peer;

/* Takes the descriptor and makes it non-blocking. */
struct peer *peer_new(int fd) must_check;
/* Closes the descriptor, drops what was not sent; NULL is fine. */
void peer_free(struct peer *p);
DEFINE_AUTO(peer, struct peer *, peer_free)
#define auto_peer auto_cleanup(peer_cleanup)

int peer_fd(const struct peer *p);

/* Queue a frame; f->len and FRAME_MEMFD are set here. FAIL_BUSY beyond
 * LIMIT_PEER_QUEUE_BYTES (nothing is queued then), FAIL_BAD_INPUT above
 * LIMIT_FRAME_BYTES. */
bool peer_send(struct peer *p, const struct frame *f, struct bytes body,
    struct error *e) must_check;
/* The same as FRAME_SECRET: `body`, then `secret`, in a packet of its own on a locked page that is
 * wiped when it has left. At most LIMIT_PACKET_BYTES. */
bool peer_send_secret(struct peer *p, const struct frame *f, struct bytes body,
    struct bytes secret, struct error *e) must_check;
/* Send as much as the socket takes. False: the other end is gone (FAIL_IO). */
bool peer_flush(struct peer *p, struct error *e) must_check;
/* Whether something waits: then poll for writing, too. */
bool peer_is_full(const struct peer *p);
size_t peer_queued(const struct peer *p); /* octets */

/* Called for each frame; the body is borrowed for the call. False ends the reading, e is
 * its error. */
typedef bool peer_frame_fn(void *arg, const struct frame *f, struct bytes body,
    struct error *e);
enum peer_got {
	PEER_GOT,   /* one packet was read                          */
	PEER_EMPTY, /* nothing there                                */
	PEER_GONE,  /* the other end has closed; e says so          */
	PEER_BAD    /* not a packet of ours, or `each` failed; e     */
};
/* Read one packet, onto a locked page that is wiped when it was FRAME_SECRET. */
enum peer_got peer_receive(struct peer *p, peer_frame_fn *each, void *arg,
    struct error *e) must_check;

/* A sealed memfd with these octets, or -1. */
int peer_memfd(struct bytes v, struct error *e) must_check;
/* What one holds that somebody else made: sealed against every change, at most max. */
bool peer_memfd_read(int fd, size_t max, struct buf *out,
    struct error *e) must_check;
