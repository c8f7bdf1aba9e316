/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chancery/signer/import.h>

#include "room.h"

struct room_takein {
	struct room *room;
	struct room_request *now; /* NULL: none runs */
	struct import_job *job;   /* the thread's until it has written to fd */
	pthread_t thread;
	int fd;
};

struct room_takein *
room_takein_new(struct room *r)
{
	struct room_takein *t = mem_calloc(1, sizeof(*t));

	t->room = r;
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->fd < 0)
		fatal("eventfd: %d", errno);
	return t;
}

void
room_takein_free(struct room_takein *t)
{
	if (t->now != NULL)
		(void)pthread_join(t->thread, NULL);
	import_free(t->job);
	(void)close(t->fd);
	mem_free(t);
}

int
room_takein_fd(const struct room_takein *t)
{
	return t->fd;
}

bool
room_takein_idle(const struct room_takein *t)
{
	return t->now == NULL;
}

static void *
check_thread(void *arg)
{
	struct room_takein *t = arg;
	const uint64_t one = 1;

	import_check(t->job);
	if (write(t->fd, &one, sizeof(one)) < 0)
		fatal("eventfd: %d", errno);
	return NULL;
}

bool
room_import(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	struct room_takein *t = q->lane->room->takein;
	const struct signer_import req = { .bundle = in->data,
		.mount = in->what,
		.vkey = in->vkey,
		.claim = { .who = in->who,
		    .why = in->why,
		    .request_id = in->id } };
	int rc;

	if (t->now != NULL)
		return error_set(e, FAIL_BUSY,
		    "another bundle is being verified");
	t->job = import_begin(q->lane->room->signer, &req, e);
	if (t->job == NULL)
		return false;
	rc = pthread_create(&t->thread, NULL, check_thread, t);
	if (rc != 0) {
		import_free(take(t->job));
		return error_set(e, FAIL_IO, "no thread for the bundle: %d",
		    rc);
	}
	t->now = q;
	return true;
}

static void
finish(struct room_takein *t)
{
	struct reg *reg = signer_register(t->room->signer);
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct import_done done = { 0 };
	struct wire_answer a = { 0 };
	struct record rec;
	struct error e;

	if (!import_finish(t->room->signer, t->job, &done, &e)) {
		room_fail(take(t->now), &e);
	} else {
		a.index = done.n;
		a.size = done.size;
		a.text = buf_bytes(&done.json);
		if (reg_read(reg, done.n, &line, &rec, &store, &e))
			a.t_s = rec.t_ms / 1000;
		room_answer(take(t->now), &a);
	}
	buf_free(&done.json);
	import_free(take(t->job));
}

void
room_takein_poll(struct room *r)
{
	struct room_takein *t = r->takein;
	uint64_t n;

	if (read(t->fd, &n, sizeof(n)) != sizeof(n) || t->now == NULL)
		return;
	(void)pthread_join(t->thread, NULL);
	finish(t);
}
