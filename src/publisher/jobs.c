/* SPDX-License-Identifier: Apache-2.0 */
/* Desks, at which the server's workers hand in jobs; the table of jobs; their answers. */
#include <chancery/base/cleanup.h>
#include <chancery/base/log.h>

#include "publisher.h"

/* One row a job. */
static errand_fn *const rows[JOB__COUNT] = {
	[JOB_VAULT_LOOKUP] = vault_lookup,
	[JOB_PUBLISH] = publish_object,
};

/* Packets read in one go: other desks want their turn. */
#define PACKETS_MAX 64

/* ---- answers --------------------------------------------------------------- */

static bool
send_answer(struct desk *d, const struct errand *e, const struct job_answer *a,
    struct error *err)
{
	const struct frame f = { .type = (uint16_t)e->job,
		.flags = FRAME_ANSWER,
		.id = e->id };
	auto_buf struct buf body = { 0 };

	return job_answer_encode(e->job, a, &body, err) &&
	    port_send(d->port, &f, buf_bytes(&body), (struct bytes){ 0 }, err);
}

void
errand_answer(struct errand *e, const struct job_answer *a)
{
	struct job_answer instead = { 0 };
	struct error err = { 0 };

	if (e->desk != NULL) {
		LIST_REMOVE(e, link);
		if (!send_answer(e->desk, e, a, &err)) {
			instead.why = FAIL_BAD_INPUT;
			instead.msg = err.msg;
			/* A worker that does not read has a deadline. */
			(void)!send_answer(e->desk, e, &instead,
			    &(struct error){ 0 });
		}
	}
	mem_free(e);
}

void
errand_fail(struct errand *e, enum fail why, const char *msg)
{
	errand_answer(e, &(struct job_answer){ .why = why, .msg = msg });
}

/* ---- desks ------------------------------------------------------------------- */

static bool
on_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct desk *d = arg;
	auto_fd int fd = port_file(d->port);
	struct job_request q;
	struct errand *a;

	if ((f->flags & FRAME_ANSWER) != 0)
		return error_set(e, FAIL_BAD_INPUT, "an answer is no job");
	if (!job_request_decode(f->type, body, &q, e))
		return false;
	a = mem_calloc(1, sizeof(*a));
	*a = (struct errand){ .desk = d,
		.room = d->room,
		.job = (enum job)f->type,
		.id = f->id,
		.service = q.service };
	LIST_INSERT_HEAD(&d->errands, a, link);
	rows[a->job](a, &q, &fd);
	return true;
}

void
desk_close(struct desk *d)
{
	struct errand *e;

	while ((e = LIST_FIRST(&d->errands)) != NULL) {
		LIST_REMOVE(e, link);
		e->desk = NULL;
	}
	LIST_REMOVE(d, link);
	port_free(d->port);
	mem_free(d);
}

void
desk_open(struct publisher *p, uint32_t index, int fd)
{
	struct desk *d, *next;

	for (d = LIST_FIRST(&p->desks); d != NULL; d = next) {
		next = LIST_NEXT(d, link);
		if (d->index == index)
			desk_close(d);
	}
	d = mem_calloc(1, sizeof(*d));
	d->room = p;
	d->index = index;
	d->port = port_new(fd);
	port_take_files(d->port);
	LIST_INIT(&d->errands);
	LIST_INSERT_HEAD(&p->desks, d, link);
}

/* A server that says what is no job has been taken over, or is of another release. */
bool
desk_read(struct desk *d)
{
	enum peer_got got = PEER_GOT;
	struct error e = { 0 };

	for (int i = 0; i < PACKETS_MAX && got == PEER_GOT; i++)
		got = port_receive(d->port, on_frame, d, &e);
	if (got == PEER_BAD)
		log_line(LOG_LEVEL_ERROR, "publisher: lane %u closed: %s",
		    d->index, e.msg);
	if (got != PEER_BAD && got != PEER_GONE)
		return true;
	desk_close(d);
	return false;
}

bool
desk_flush(struct desk *d)
{
	struct error e;

	if (port_flush(d->port, &e))
		return true;
	desk_close(d);
	return false;
}
