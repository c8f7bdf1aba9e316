/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked is in one list, `asks`, until it is answered; a part of it has been sent to
 * the publisher that is there now. A new publisher is sent all of it again.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <sys/queue.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/base/secret.h>
#include <chancery/server/outlane.h>
#include <chancery/wire/port.h>

static const struct timeval tick_every = { 0, 250000 };
/* Packets read in one go: other sockets of the worker want their turn. */
#define PACKETS_MAX 16

struct waiter {
	STAILQ_ENTRY(waiter) link;
	outlane_done_fn *done;
	void *arg;
};
STAILQ_HEAD(waiters, waiter);

struct ask {
	TAILQ_ENTRY(ask) link;
	uint64_t id; /* of its frame */
	enum job job;
	struct job_request request; /* what it points to lies below */
	struct secret *secret;
	struct buf issuer;
	char *name;
	int file; /* -1: none */
	struct sha256 key;
	int64_t deadline_ns;
	struct waiters waiters;
};
TAILQ_HEAD(asks, ask);

struct outlane {
	struct event_base *base;
	struct port *port; /* NULL: none */
	struct event *readable, *writable, *tick;
	bool tick_due;
	/* The port is being read or filled: who is told meanwhile and asks again must
	 * not take it away. */
	bool busy;
	struct asks asks;
	size_t waiters;
	uint64_t next_id;
};

/* ---- the end of an ask ------------------------------------------------- */

static void
ask_free(struct ask *a)
{
	secret_free(a->secret);
	buf_free(&a->issuer);
	mem_free(a->name);
	if (a->file >= 0)
		(void)close(a->file);
	mem_free(a);
}

static void
tell(struct outlane *o, struct ask *a, const struct job_answer *with)
{
	struct waiter *w;

	while ((w = STAILQ_FIRST(&a->waiters)) != NULL) {
		STAILQ_REMOVE_HEAD(&a->waiters, link);
		o->waiters--;
		if (with != NULL)
			w->done(w->arg, with);
		mem_free(w);
	}
}

/* Out of the list first: who is told may ask again. */
static void
answer(struct outlane *o, struct ask *a, const struct job_answer *with)
{
	TAILQ_REMOVE(&o->asks, a, link);
	tell(o, a, with);
	ask_free(a);
}

static void
fail(struct outlane *o, struct ask *a, enum fail why, const char *msg)
{
	answer(o, a, &(struct job_answer){ .why = why, .msg = msg });
}

/* ---- the port ---------------------------------------------------------- */

static void
detach(struct outlane *o)
{
	if (o->port == NULL)
		return;
	event_free(take(o->readable));
	event_free(take(o->writable));
	port_free(take(o->port));
}

static void
lost(struct outlane *o, const struct error *e)
{
	log_line(LOG_LEVEL_WARNING, "lane to the publisher: %s", e->msg);
	detach(o);
}

static void
push(struct outlane *o)
{
	struct error e;

	if (o->port == NULL || o->busy)
		return;
	if (!port_flush(o->port, &e))
		lost(o, &e);
	else if (port_is_full(o->port))
		(void)event_add(o->writable, NULL);
}

static bool
send_ask(struct outlane *o, const struct ask *a, struct error *e)
{
	const struct frame f = { .type = (uint16_t)a->job, .id = a->id };
	auto_buf struct buf body = { 0 };

	if (!job_request_encode(a->job, &a->request, &body, e))
		return false;
	if (a->file >= 0)
		return port_send_file(o->port, &f, buf_bytes(&body), a->file,
		    e);
	return port_send(o->port, &f, buf_bytes(&body), a->request.secret, e);
}

static struct ask *
find_id(const struct outlane *o, uint64_t id)
{
	struct ask *a;

	TAILQ_FOREACH(a, &o->asks, link)
	if (a->id == id)
		return a;
	return NULL;
}

/* One whose deadline has passed is not there any more: its answer is dropped. */
static bool
on_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct outlane *o = arg;
	struct ask *a = find_id(o, f->id);
	struct job_answer got;

	if (f->flags != FRAME_ANSWER)
		return error_set(e, FAIL_BAD_INPUT,
		    "the publisher: not an answer");
	if (!job_answer_decode(f->type, body, &got, e))
		return false;
	if (a == NULL)
		return true;
	if (a->job != (enum job)f->type)
		return error_set(e, FAIL_BAD_INPUT,
		    "the publisher: an answer to another job");
	answer(o, a, &got);
	return true;
}

static void
on_readable(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct outlane *o = arg;
	enum peer_got got = PEER_GOT;
	struct error e;

	o->busy = true;
	for (int i = 0; i < PACKETS_MAX && got == PEER_GOT; i++)
		got = port_receive(o->port, on_frame, o, &e);
	o->busy = false;
	if (got == PEER_GONE || got == PEER_BAD)
		lost(o, &e);
	else
		push(o);
}

static void
on_writable(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	push(arg);
}

static void
schedule(struct outlane *o)
{
	if (o->tick_due || TAILQ_EMPTY(&o->asks))
		return;
	o->tick_due = true;
	(void)event_add(o->tick, &tick_every);
}

static void
on_tick(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct outlane *o = arg;
	int64_t now = clock_mono_ns();
	struct ask *a, *next;

	o->tick_due = false;
	for (a = TAILQ_FIRST(&o->asks); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (now >= a->deadline_ns)
			fail(o, a, FAIL_TIMEOUT,
			    o->port == NULL
				? "the publisher is not there just now"
				: "the publisher did not answer in time");
	}
	schedule(o);
}

/* ---- coming and going -------------------------------------------------- */

struct outlane *
outlane_new(struct event_base *base, int fd)
{
	struct outlane *o = mem_calloc(1, sizeof(*o));

	o->base = base;
	TAILQ_INIT(&o->asks);
	o->tick = event_new(base, -1, 0, on_tick, o);
	if (o->tick == NULL)
		fatal("event_new");
	if (fd >= 0)
		outlane_attach(o, fd);
	return o;
}

void
outlane_free(struct outlane *o)
{
	struct ask *a;

	if (o == NULL)
		return;
	detach(o);
	while ((a = TAILQ_FIRST(&o->asks)) != NULL) {
		TAILQ_REMOVE(&o->asks, a, link);
		tell(o, a, NULL);
		ask_free(a);
	}
	event_free(o->tick);
	mem_free(o);
}

void
outlane_attach(struct outlane *o, int fd)
{
	struct ask *a, *next;
	struct error e;

	detach(o);
	o->port = port_new(fd);
	o->readable =
	    event_new(o->base, fd, EV_READ | EV_PERSIST, on_readable, o);
	o->writable = event_new(o->base, fd, EV_WRITE, on_writable, o);
	if (o->readable == NULL || o->writable == NULL)
		fatal("event_new");
	(void)event_add(o->readable, NULL);
	o->busy = true;
	for (a = TAILQ_FIRST(&o->asks); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (!send_ask(o, a, &e))
			fail(o, a, e.why, e.msg);
	}
	o->busy = false;
	push(o);
}

/* ---- asking ------------------------------------------------------------ */

static struct ask *
find_same(const struct outlane *o, const struct outlane_ask *q)
{
	struct ask *a;

	TAILQ_FOREACH(a, &o->asks, link)
	if (a->job == q->job && memcmp(&a->key, &q->key, sizeof(a->key)) == 0)
		return a;
	return NULL;
}

static void
add_waiter(struct outlane *o, struct ask *a, outlane_done_fn *done, void *arg)
{
	struct waiter *w = mem_calloc(1, sizeof(*w));

	w->done = done;
	w->arg = arg;
	STAILQ_INSERT_TAIL(&a->waiters, w, link);
	o->waiters++;
}

static struct ask *
ask_new(struct outlane *o, const struct outlane_ask *q, int file)
{
	struct ask *a = mem_calloc(1, sizeof(*a));
	struct bytes secret = q->request.secret;

	a->file = file;
	a->id = o->next_id++;
	a->job = q->job;
	a->key = q->key;
	a->request = q->request;
	a->deadline_ns = clock_mono_ns() + q->timeout_ms * 1000000;
	a->secret = secret_new(secret.n);
	if (!secret_set(a->secret, secret.p, secret.n))
		fatal("no room for a secret");
	a->request.secret =
	    bytes_of(secret_data(a->secret), secret_len(a->secret));
	buf_add_bytes(&a->issuer, q->request.issuer);
	a->request.issuer = buf_bytes(&a->issuer);
	if (q->request.name != NULL)
		a->request.name = a->name = mem_strdup(q->request.name);
	STAILQ_INIT(&a->waiters);
	TAILQ_INSERT_TAIL(&o->asks, a, link);
	return a;
}

static void
refuse(outlane_done_fn *done, void *arg, const char *msg)
{
	done(arg, &(struct job_answer){ .why = FAIL_BUSY, .msg = msg });
}

void
outlane_ask(struct outlane *o, const struct outlane_ask *q,
    outlane_done_fn *done, void *arg)
{
	struct ask *a = find_same(o, q);
	struct error e;
	int file = -1;

	if (o->waiters >= LIMIT_OUTLANE_WAITERS) {
		refuse(done, arg, "too many requests wait for the publisher");
		return;
	}
	if (a != NULL) {
		add_waiter(o, a, done, arg);
		return;
	}
	if (q->file != NULL &&
	    (file = fcntl(*q->file, F_DUPFD_CLOEXEC, 0)) < 0) {
		refuse(done, arg, "no descriptor is left for the file");
		return;
	}
	a = ask_new(o, q, file);
	add_waiter(o, a, done, arg);
	if (o->port != NULL && !send_ask(o, a, &e)) {
		fail(o, a, e.why, e.msg);
		return;
	}
	push(o);
	schedule(o);
}
