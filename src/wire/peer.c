/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chancery/base/limits.h>
#include <chancery/base/secret.h>
#include <chancery/wire/packet.h>
#include <chancery/wire/peer.h>

/* A packet on its way; `fd` carries the body of the only frame in it, or is -1. */
struct packet {
	TAILQ_ENTRY(packet) link;
	struct buf data;
	struct secret *secret; /* instead of `data`; NULL: none */
	int fd;
};

struct peer {
	int fd;
	TAILQ_HEAD(packets, packet) out;
	struct packet *spare; /* the memory of the last one, for the next */
	size_t queued;
	struct secret *in;
	struct buf large;
};

/* What a packet of ours can carry: one descriptor; room for more, so that a peer that
 * sends several is seen (MSG_CTRUNC) and none is leaked. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(4 * sizeof(int))];
};

struct peer *
peer_new(int fd)
{
	struct peer *p = mem_calloc(1, sizeof(*p));
	int size = LIMIT_PEER_SOCKET_BYTES;

	p->fd = fd;
	TAILQ_INIT(&p->out);
	p->in = secret_new(LIMIT_PACKET_BYTES);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* As much as the system allows; with less only more packets wait here. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return p;
}

static void
packet_free(struct packet *k)
{
	if (k == NULL)
		return;
	if (k->fd >= 0)
		(void)close(k->fd);
	buf_free(&k->data);
	secret_free(k->secret);
	mem_free(k);
}

void
peer_free(struct peer *p)
{
	struct packet *k;

	if (p == NULL)
		return;
	while ((k = TAILQ_FIRST(&p->out)) != NULL) {
		TAILQ_REMOVE(&p->out, k, link);
		packet_free(k);
	}
	packet_free(p->spare);
	secret_free(p->in);
	buf_free(&p->large);
	(void)close(p->fd);
	mem_free(p);
}

int
peer_fd(const struct peer *p)
{
	return p->fd;
}

bool
peer_is_full(const struct peer *p)
{
	return !TAILQ_EMPTY(&p->out);
}

size_t
peer_queued(const struct peer *p)
{
	return p->queued;
}

/* ---- sending ----------------------------------------------------------- */

static struct packet *
packet_new(struct peer *p)
{
	struct packet *k =
	    p->spare != NULL ? take(p->spare) : mem_calloc(1, sizeof(*k));

	k->fd = -1;
	TAILQ_INSERT_TAIL(&p->out, k, link);
	return k;
}

/* The last packet when the frame still fits into it. */
static struct packet *
packet_for(struct peer *p, size_t more)
{
	struct packet *k = TAILQ_LAST(&p->out, packets);

	if (k == NULL || k->fd >= 0 || k->secret != NULL ||
	    k->data.n + more > LIMIT_PACKET_BYTES)
		return packet_new(p);
	return k;
}

static void
packet_add(struct peer *p, struct packet *k, const struct frame *f,
    struct bytes body)
{
	frame_write(f, buf_reserve(&k->data, FRAME_HEADER));
	buf_commit(&k->data, FRAME_HEADER);
	buf_add_bytes(&k->data, body);
	p->queued += FRAME_HEADER + body.n;
}

static bool
send_large(struct peer *p, struct frame f, struct bytes body, struct error *e)
{
	int fd = peer_memfd(body, e);
	struct packet *k;

	if (fd < 0)
		return false;
	f.flags |= FRAME_MEMFD;
	k = packet_new(p);
	k->fd = fd;
	packet_add(p, k, &f, (struct bytes){ 0 });
	return true;
}

bool
peer_send(struct peer *p, const struct frame *f, struct bytes body,
    struct error *e)
{
	struct frame h = *f;

	if (body.n > LIMIT_FRAME_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "message: %zu bytes, at most %d", body.n,
		    LIMIT_FRAME_BYTES);
	if (p->queued + body.n > LIMIT_PEER_QUEUE_BYTES)
		return error_set(e, FAIL_BUSY,
		    "the other room does not read: %zu bytes wait", p->queued);
	h.len = (uint32_t)body.n;
	h.flags = (uint16_t)(h.flags & ~(FRAME_MEMFD | FRAME_SECRET));
	if (FRAME_HEADER + body.n > LIMIT_PACKET_BYTES)
		return send_large(p, h, body, e);
	packet_add(p, packet_for(p, FRAME_HEADER + body.n), &h, body);
	return true;
}

bool
peer_send_secret(struct peer *p, const struct frame *f, struct bytes body,
    struct bytes secret, struct error *e)
{
	const size_t n = FRAME_HEADER + body.n + secret.n;
	struct frame h = *f;
	uint8_t head[FRAME_HEADER];
	struct packet *k;

	if (n > LIMIT_PACKET_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "message: %zu bytes, at most %d", n, LIMIT_PACKET_BYTES);
	if (p->queued + n > LIMIT_PEER_QUEUE_BYTES)
		return error_set(e, FAIL_BUSY,
		    "the other room does not read: %zu bytes wait", p->queued);
	h.len = (uint32_t)(body.n + secret.n);
	h.flags = (uint16_t)((h.flags & ~FRAME_MEMFD) | FRAME_SECRET);
	frame_write(&h, head);
	k = packet_new(p);
	k->secret = secret_new(n);
	if (!secret_add(k->secret, head, sizeof(head)) ||
	    !secret_add(k->secret, body.p, body.n) ||
	    !secret_add(k->secret, secret.p, secret.n))
		fatal("a packet of %zu octets", n);
	p->queued += n;
	return true;
}

static struct bytes
packet_bytes(const struct packet *k)
{
	return k->secret == NULL
	    ? buf_bytes(&k->data)
	    : bytes_of(secret_data(k->secret), secret_len(k->secret));
}

static void
packet_sent(struct peer *p, struct packet *k)
{
	TAILQ_REMOVE(&p->out, k, link);
	p->queued -= packet_bytes(k).n;
	if (k->fd >= 0)
		(void)close(k->fd);
	k->fd = -1;
	buf_reset(&k->data);
	secret_free(take(k->secret));
	if (p->spare == NULL)
		p->spare = k;
	else
		packet_free(k);
}

bool
peer_flush(struct peer *p, struct error *e)
{
	struct packet *k;

	while ((k = TAILQ_FIRST(&p->out)) != NULL) {
		if (packet_send(p->fd, packet_bytes(k), k->fd) >= 0) {
			packet_sent(p, k);
			continue;
		}
		if (errno == EINTR)
			continue;
		/* ETOOMANYREFS: too many descriptors on their way. */
		if (errno == EAGAIN || errno == ENOBUFS ||
		    errno == ETOOMANYREFS)
			return true;
		return error_errno(e, FAIL_IO, "the other room");
	}
	return true;
}

/* ---- receiving --------------------------------------------------------- */

/* Every descriptor that came, whether it was asked for or not. */
static size_t
take_fds(struct msghdr *m, int fd[4])
{
	struct cmsghdr *h;
	size_t n = 0, have;

	for (h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		have = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < have && n < 4; i++)
			memcpy(&fd[n++], CMSG_DATA(h) + i * sizeof(int),
			    sizeof(int));
	}
	return n;
}

static void
close_fds(const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(fd[i]);
}

static bool
bad(struct error *e, const char *what)
{
	return error_set(e, FAIL_BAD_INPUT, "message of another room: %s",
	    what);
}

static bool
frame_large(struct peer *p, const struct frame *f, struct bytes packet, int fd,
    peer_frame_fn *each, void *arg, struct error *e)
{
	if (packet.n != FRAME_HEADER || fd < 0)
		return bad(e, "a large body without its memfd");
	buf_reset(&p->large);
	if (!peer_memfd_read(fd, LIMIT_FRAME_BYTES, &p->large, e))
		return false;
	if (p->large.n != f->len)
		return bad(e, "a memfd of another length");
	return each(arg, f, buf_bytes(&p->large), e);
}

static bool
frames(struct peer *p, struct bytes in, int fd, peer_frame_fn *each, void *arg,
    struct error *e)
{
	const size_t packet = in.n;
	struct frame f;

	while (in.n > 0) {
		if (in.n < FRAME_HEADER || !frame_read(in.p, &f))
			return bad(e, "header");
		if ((f.flags & FRAME_SECRET) != 0 &&
		    ((f.flags & FRAME_MEMFD) != 0 || in.n != packet ||
			FRAME_HEADER + (size_t)f.len != packet))
			return bad(e, "a secret that does not travel alone");
		if ((f.flags & FRAME_MEMFD) != 0)
			return frame_large(p, &f, in, fd, each, arg, e);
		in = bytes_of(in.p + FRAME_HEADER, in.n - FRAME_HEADER);
		if (f.len > in.n)
			return bad(e, "shorter than it says");
		if (!each(arg, &f, bytes_of(in.p, f.len), e))
			return false;
		in = bytes_of(in.p + f.len, in.n - f.len);
	}
	return true;
}

static bool
is_secret(struct bytes packet)
{
	struct frame f;

	return packet.n >= FRAME_HEADER && frame_read(packet.p, &f) &&
	    (f.flags & FRAME_SECRET) != 0;
}

static enum peer_got
nothing(struct error *e)
{
	if (errno == EAGAIN || errno == EINTR)
		return PEER_EMPTY;
	error_errno(e, FAIL_IO, "the other room");
	return PEER_GONE;
}

enum peer_got
peer_receive(struct peer *p, peer_frame_fn *each, void *arg, struct error *e)
{
	size_t cap;
	uint8_t *page = secret_room(p->in, &cap);
	union control c;
	struct iovec v = { page, cap };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd[4] = { -1, -1, -1, -1 };
	size_t fds;
	ssize_t n;
	bool ok;

	n = recvmsg(p->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return nothing(e);
	fds = take_fds(&m, fd);
	if (n == 0 && fds == 0) {
		error_set(e, FAIL_IO, "the other room has closed");
		return PEER_GONE;
	}
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		ok = bad(e, "larger than a packet");
	else
		ok = frames(p, bytes_of(page, (size_t)n), fd[0], each, arg, e);
	/* What is no packet of ours may hold one in the wrong place. */
	if (!ok || is_secret(bytes_of(page, (size_t)n)))
		explicit_bzero(page, (size_t)n);
	close_fds(fd, fds);
	return ok ? PEER_GOT : PEER_BAD;
}
