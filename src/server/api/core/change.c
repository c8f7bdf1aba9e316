/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of configuration, one after another in the process: what build() reads cannot
 * change before its own change is in force. CONFIG record durable → store commits → cache
 * follows → next one's turn. Where nobody knows whether the record exists (no reply in
 * time, the signer is gone) the next one waits until the register was read: the store takes
 * changes in the register's order only.
 */
#include "core.h"

struct changes {
	json_t *ops; /* array */
};

struct change {
	STAILQ_ENTRY(change) link;
	struct flight *f; /* NULL: answered, and the signer has it yet */
	struct api *api;
	const char *what;
	build_fn *build;
	struct buf json;
	char *origin; /* of the log that recorded it */
	int64_t queued_ns;
	bool applied;
	struct error why;
};

static void change_start(struct change *ch);

static void
change_free(struct change *ch)
{
	buf_free(&ch->json);
	mem_free(ch->origin);
	mem_free(ch);
}

/* The next one's turn, in its own worker. */
static void
change_pass(struct api *a)
{
	struct change_queue *q = &a->changes;
	struct change *next;

	(void)pthread_mutex_lock(&q->mutex);
	next = STAILQ_FIRST(&q->queue);
	if (next != NULL) {
		STAILQ_REMOVE_HEAD(&q->queue, link);
		q->waiting--;
	}
	q->busy = next != NULL;
	(void)pthread_mutex_unlock(&q->mutex);
	if (next != NULL)
		change_start(next);
}

/* ---- its end ---- */

static void
change_hold(struct api *a, int64_t settled_ns)
{
	(void)pthread_mutex_lock(&a->changes.mutex);
	a->changes.held = true;
	a->changes.settled_ns = settled_ns;
	(void)pthread_mutex_unlock(&a->changes.mutex);
}

static void
change_answer(struct flight *f, const struct lane_reply *r)
{
	f->reply = *r;
	if (f->position != NULL)
		lane_step_end(f, &f->reply);
	else
		step_end(f, &f->reply);
}

/* Ends the step, with the reply of the record or of what went wrong before or after it. */
static void
change_end(struct change *ch, const struct lane_reply *r)
{
	struct flight *f = ch->f;

	change_pass(ch->api);
	change_free(ch);
	change_answer(f, r);
}

/* Its caller is answered. The signer may have it yet; then there will be another reply. */
static void
change_unknown(struct change *ch, const struct lane_reply *r)
{
	struct flight *f = take(ch->f);

	change_hold(ch->api, r->pending ? 0 : clock_mono_ns());
	if (!r->pending)
		change_free(ch);
	change_answer(f, r);
}

/* Whatever came of it stands in the register now, and a catch-up reads it. */
static void
change_settled(struct change *ch)
{
	change_hold(ch->api, clock_mono_ns());
	change_free(ch);
}

bool
api_awaits_catch_up(struct api *a)
{
	bool awaits;

	(void)pthread_mutex_lock(&a->changes.mutex);
	awaits = a->changes.held && a->changes.settled_ns != 0;
	(void)pthread_mutex_unlock(&a->changes.mutex);
	return awaits;
}

void
changes_caught_up(struct api *a, int64_t began_ns)
{
	struct change_queue *q = &a->changes;
	bool pass;

	(void)pthread_mutex_lock(&q->mutex);
	pass = q->held && q->settled_ns != 0 && q->settled_ns <= began_ns;
	if (pass)
		q->held = false;
	(void)pthread_mutex_unlock(&q->mutex);
	if (pass)
		change_pass(a);
}

/* ---- in force: store and cache, on a helper thread ---- */

static void
change_store(void *arg)
{
	struct change *ch = arg;
	struct call *c = &ch->f->c;

	ch->applied = store_docs_apply(c->store, buf_bytes(&ch->json),
	    ch->origin, ch->f->reply.index, &ch->why);
	if (ch->applied)
		docs_apply(c->docs, buf_bytes(&ch->json));
}

static void
change_stored(void *arg)
{
	struct change *ch = arg;
	struct lane_reply r = ch->f->reply;

	atomic_fetch_add_explicit(&ch->f->c.api->metrics.changes, 1,
	    memory_order_relaxed);
	if (!ch->applied) {
		r.ok = false;
		r.err = ch->why;
	}
	change_end(ch, &r);
}

static void
change_recorded(void *arg, const struct lane_reply *r)
{
	struct change *ch = arg;
	struct flight *f = ch->f;

	if (f == NULL) {
		change_settled(ch);
		return;
	}
	if (!r->ok) {
		if (outcome_is_known(r))
			change_end(ch, r);
		else
			change_unknown(ch, r);
		return;
	}
	ch->origin = mem_strdup(lane_hello(f->c.lane)->origin);
	f->reply = (struct lane_reply){ .ok = true,
		.intent = r->intent,
		.index = r->index,
		.t_s = r->t_s };
	f->job = (struct offload_job){ .work = change_store,
		.done = change_stored,
		.arg = ch,
		.worker = f->w->http };
	offload_run(&f->c.api->offload, &f->job);
}

/* ---- its turn ---- */

static void
answered_already(struct call *c)
{
	(void)c;
}

static void
change_record(struct change *ch, const json_t *ops)
{
	struct flight *f = ch->f;
	struct lane_claim claim = claim_of(&f->c);
	struct lane_reply r = { .ok = json_array_size(ops) == 0 };

	if (r.ok) {
		change_end(ch, &r);
		return;
	}
	if (!request_canonical(ops, &ch->json, &r.err) ||
	    (ch->json.n > LIMIT_PRIVATE_BYTES &&
		!error_set(&r.err, FAIL_BAD_INPUT,
		    "a change of more than %d octets", LIMIT_PRIVATE_BYTES))) {
		change_end(ch, &r);
		return;
	}
	f->position = position_begin(&f->c.api->positions);
	lane_record_config(f->c.lane, ch->what, buf_bytes(&ch->json), &claim,
	    change_recorded, ch);
}

static void
change_turn(void *arg)
{
	struct change *ch = arg;
	struct flight *f = ch->f;
	struct api *a = ch->api;
	auto_json json_t *ops = json_array();
	struct changes set = { .ops = ops };
	bool ok;

	f->stepping = false; /* build may answer */
	f->depth++;
	ok = ch->build(&f->c, &set);
	f->depth--;
	if (ok) {
		f->stepping = true;
		change_record(ch, ops);
		return;
	}
	change_free(ch);
	change_pass(a);
	flight_run(f, answered_already);
}

static void
change_start(struct change *ch)
{
	http_worker_post(ch->f->w->http, change_turn, ch);
}

/* While the signer is away the first one waits for it in its turn, those behind for the
 * first. */
static void
change_late(void *arg)
{
	struct change *ch = arg;
	struct flight *f = ch->f;
	struct lane_reply r = { 0 };

	(void)error_set(&r.err, FAIL_TIMEOUT,
	    "earlier changes wait for the signer");
	change_free(ch);
	change_answer(f, &r);
}

void
changes_expire(struct change_queue *q)
{
	const int64_t before =
	    clock_mono_ns() - LIMIT_WAIT_MS * INT64_C(1000000);
	struct change *ch;

	(void)pthread_mutex_lock(&q->mutex);
	/* In order of coming. */
	while (
	    (ch = STAILQ_FIRST(&q->queue)) != NULL && ch->queued_ns < before) {
		STAILQ_REMOVE_HEAD(&q->queue, link);
		q->waiting--;
		http_worker_post(ch->f->w->http, change_late, ch);
	}
	(void)pthread_mutex_unlock(&q->mutex);
}

static bool
change_enqueue(struct change_queue *q, struct change *ch, struct error *e)
{
	bool ok = true, start = false;

	lane_why(ch->f->c.lane, e);
	(void)pthread_mutex_lock(&q->mutex);
	if (q->held && e->why != FAIL_NONE) {
		ok = false;
	} else if (!q->busy) {
		q->busy = start = true;
	} else if (q->waiting < LIMIT_CHANGES_WAITING) {
		STAILQ_INSERT_TAIL(&q->queue, ch, link);
		q->waiting++;
	} else {
		ok = error_set(e, FAIL_BUSY, "too many changes wait");
	}
	(void)pthread_mutex_unlock(&q->mutex);
	if (start)
		change_start(ch);
	return ok;
}

void
call_change(struct call *c, const char *what, build_fn *build, call_fn *next)
{
	struct flight *f = flight_of(c);
	struct change *ch = mem_calloc(1, sizeof(*ch));

	*ch = (struct change){ .f = f,
		.api = c->api,
		.what = what,
		.build = build,
		.queued_ns = clock_mono_ns() };
	step_begin(f, next);
	f->reply = (struct lane_reply){ 0 };
	if (change_enqueue(&c->api->changes, ch, &f->reply.err))
		return;
	change_free(ch);
	step_end(f, &f->reply);
}

void
change_put(struct changes *ch, const char *kind, const char *scope,
    const char *name, json_t *value)
{
	(void)json_array_append_new(ch->ops,
	    json_pack("{s:s,s:s,s:s,s:s,s:o}", "kind", kind, "name", name, "op",
		"put", "scope", scope, "value", value));
}

void
change_delete(struct changes *ch, const char *kind, const char *scope,
    const char *name)
{
	(void)json_array_append_new(ch->ops,
	    json_pack("{s:s,s:s,s:s,s:s}", "kind", kind, "name", name, "op",
		"delete", "scope", scope));
}
