/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret.h>
#include <chancery/wire/packet.h>
#include <chancery/wire/port.h>

struct packet {
	TAILQ_ENTRY(packet) link;
	struct secret *data;
	int file; /* -1: none */
};

struct port {
	int fd;
	TAILQ_HEAD(packets, packet) out;
	size_t waiting;
	struct secret *in;
	bool takes_files;
	int file; /* of the packet that is being read */
};

struct port *
port_new(int fd)
{
	struct port *p = mem_calloc(1, sizeof(*p));

	p->fd = fd;
	p->file = -1;
	TAILQ_INIT(&p->out);
	p->in = secret_new(LIMIT_PACKET_BYTES);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return p;
}

static void
packet_free(struct port *p, struct packet *k)
{
	TAILQ_REMOVE(&p->out, k, link);
	p->waiting--;
	secret_free(k->data);
	if (k->file >= 0)
		(void)close(k->file);
	mem_free(k);
}

void
port_free(struct port *p)
{
	if (p == NULL)
		return;
	while (!TAILQ_EMPTY(&p->out))
		packet_free(p, TAILQ_FIRST(&p->out));
	secret_free(p->in);
	(void)close(p->fd);
	mem_free(p);
}

int
port_fd(const struct port *p)
{
	return p->fd;
}

bool
port_is_full(const struct port *p)
{
	return p->waiting > 0;
}

void
port_take_files(struct port *p)
{
	p->takes_files = true;
}

int
port_file(struct port *p)
{
	return take_fd(&p->file);
}

/* ---- sending ----------------------------------------------------------- */

static bool
queue_packet(struct port *p, const struct frame *f, struct bytes body,
    struct bytes secret, int file, struct error *e)
{
	struct frame h = *f;
	uint8_t head[FRAME_HEADER];
	size_t n = FRAME_HEADER + body.n + secret.n;
	struct packet *k;

	if (n > LIMIT_PACKET_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "message: %zu bytes, at most %d", n, LIMIT_PACKET_BYTES);
	if (p->waiting >= LIMIT_PORT_PACKETS)
		return error_set(e, FAIL_BUSY,
		    "the other room does not read: %zu messages wait",
		    p->waiting);
	h.len = (uint32_t)(body.n + secret.n);
	frame_write(&h, head);
	k = mem_calloc(1, sizeof(*k));
	k->file = file;
	k->data = secret_new(n);
	if (!secret_add(k->data, head, sizeof(head)) ||
	    !secret_add(k->data, body.p, body.n) ||
	    !secret_add(k->data, secret.p, secret.n))
		fatal("a packet of %zu octets", n);
	TAILQ_INSERT_TAIL(&p->out, k, link);
	p->waiting++;
	return true;
}

bool
port_send(struct port *p, const struct frame *f, struct bytes body,
    struct bytes secret, struct error *e)
{
	return queue_packet(p, f, body, secret, -1, e);
}

bool
port_send_file(struct port *p, const struct frame *f, struct bytes body, int fd,
    struct error *e)
{
	auto_fd int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return error_errno(e, FAIL_IO, "a file for the other room");
	if (!queue_packet(p, f, body, (struct bytes){ 0 }, own, e))
		return false;
	(void)take_fd(&own);
	return true;
}

bool
port_flush(struct port *p, struct error *e)
{
	struct packet *k;

	while ((k = TAILQ_FIRST(&p->out)) != NULL) {
		if (packet_send(p->fd,
			bytes_of(secret_data(k->data), secret_len(k->data)),
			k->file) >= 0) {
			packet_free(p, k);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS)
			return true;
		return error_errno(e, FAIL_IO, "the other room");
	}
	return true;
}

/* ---- receiving --------------------------------------------------------- */

static enum peer_got
nothing(struct error *e)
{
	if (errno == EAGAIN || errno == EINTR)
		return PEER_EMPTY;
	(void)error_errno(e, FAIL_IO, "the other room");
	return PEER_GONE;
}

static bool
one_frame(struct bytes in, peer_frame_fn *each, void *arg, struct error *e)
{
	struct frame f;

	if (in.n < FRAME_HEADER || !frame_read(in.p, &f) ||
	    (f.flags & FRAME_MEMFD) != 0 || f.len != in.n - FRAME_HEADER)
		return error_set(e, FAIL_BAD_INPUT,
		    "message of another room: not one frame");
	return each(arg, &f, bytes_of(in.p + FRAME_HEADER, f.len), e);
}

enum peer_got
port_receive(struct port *p, peer_frame_fn *each, void *arg, struct error *e)
{
	size_t cap;
	uint8_t *page = secret_room(p->in, &cap);
	auto_fd int left = -1;
	bool whole, ok;
	ssize_t n = packet_receive(p->fd, page, cap,
	    p->takes_files ? &p->file : NULL, &whole);

	if (n < 0)
		return nothing(e);
	if (n == 0) {
		left = take_fd(&p->file);
		(void)error_set(e, FAIL_IO, "the other room has closed");
		return PEER_GONE;
	}
	ok = whole ? one_frame(bytes_of(page, (size_t)n), each, arg, e)
		   : error_set(e, FAIL_BAD_INPUT,
			 "message of another room: larger than a packet");
	left = take_fd(&p->file);
	explicit_bzero(page, (size_t)n);
	return ok ? PEER_GOT : PEER_BAD;
}
