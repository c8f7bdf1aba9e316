/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * As a peer (peer.h), for messages with secrets in them: one frame a packet, and each
 * packet on a locked page of its own (base/secret.h) that is wiped when it has left, or
 * when it was read. Nothing here blocks. One thread a port.
 */
#include <chancery/wire/peer.h>

struct port;

/* Takes the descriptor and makes it non-blocking. */
struct port *port_new(int fd) must_check;
/* Closes the descriptor, wipes what was not sent; NULL is fine. */
void port_free(struct port *p);
DEFINE_AUTO(port, struct port *, port_free)
#define auto_port auto_cleanup(port_cleanup)

int port_fd(const struct port *p);

/* Queue a frame; its body is `body`, then `secret`; f->len is set here. FAIL_BUSY when
 * LIMIT_PORT_PACKETS wait (nothing is queued then), FAIL_BAD_INPUT when the whole is
 * longer than LIMIT_PACKET_BYTES. */
bool port_send(struct port *p, const struct frame *f, struct bytes body,
    struct bytes secret, struct error *e) must_check;
/* The same with a file, of which the other end gets a descriptor of its own. */
bool port_send_file(struct port *p, const struct frame *f, struct bytes body,
    int fd, struct error *e) must_check;
/* Descriptors are taken from now on, one a packet; without this none ever arrives. */
void port_take_files(struct port *p);
/* From within `each` alone: the descriptor that came with the frame, for the caller to close;
 * -1: none. What is not asked for is closed. */
int port_file(struct port *p) must_check;
/* Send as much as the socket takes. False: the other end is gone (FAIL_IO). */
bool port_flush(struct port *p, struct error *e) must_check;
/* Whether something waits: then poll for writing, too. */
bool port_is_full(const struct port *p);
/* Read one packet, which is one frame; what `each` was given is
 * wiped afterwards. */
enum peer_got port_receive(struct port *p, peer_frame_fn *each, void *arg,
    struct error *e) must_check;
