/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of configuration, one after another in the process: what build() reads cannot
 * change before its own change is in force. CONFIG record durable → store commits → cache
 * follows → next one's turn.
 */
#include "core.h"

struct changes {
	json_t *ops; /* array */
};

struct change {
	STAILQ_ENTRY(change) link;
	struct flight *f;
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

/* Ends the step, with the reply of the record or of what went wrong before it. */
static void
change_end(struct change *ch, const struct lane_reply *r)
{
	struct flight *f = ch->f;
	struct api *a = f->c.api;

	f->reply = *r;
	change_free(ch);
	change_pass(a);
	if (f->position != NULL)
		lane_step_end(f, &f->reply);
	else
		step_end(f, &f->reply);
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
	const struct lane_hello *hello = lane_hello(f->c.lane);

	if (!r->ok || hello == NULL) {
		change_end(ch, r);
		return;
	}
	ch->origin = mem_strdup(hello->origin);
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

/* While the signer is away each change waits for it in its turn; those behind have waited
 * as long already. */
static bool
change_too_late(struct change *ch)
{
	struct lane_reply r = { 0 };

	if (clock_mono_ns() - ch->queued_ns <=
	    (int64_t)LIMIT_WAIT_MS * 1000 * 1000)
		return false;
	(void)error_set(&r.err, FAIL_TIMEOUT,
	    "earlier changes wait for the signer");
	change_end(ch, &r);
	return true;
}

static void
change_turn(void *arg)
{
	struct change *ch = arg;
	struct flight *f = ch->f;
	struct api *a = f->c.api;
	auto_json json_t *ops = json_array();
	struct changes set = { .ops = ops };
	bool ok;

	if (change_too_late(ch))
		return;
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

/* False: too many wait. */
static bool
change_enqueue(struct change_queue *q, struct change *ch)
{
	bool ok = true, start = false;

	(void)pthread_mutex_lock(&q->mutex);
	if (!q->busy) {
		q->busy = start = true;
	} else if (q->waiting < LIMIT_CHANGES_WAITING) {
		STAILQ_INSERT_TAIL(&q->queue, ch, link);
		q->waiting++;
	} else {
		ok = false;
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
		.what = what,
		.build = build,
		.queued_ns = clock_mono_ns() };
	step_begin(f, next);
	if (change_enqueue(&c->api->changes, ch))
		return;
	change_free(ch);
	f->reply = (struct lane_reply){ 0 };
	(void)error_set(&f->reply.err, FAIL_BUSY, "too many changes wait");
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
