/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/json.h>

#include "internal.h"

/*
 * One round (feasibility.md 5.6: batching happens by itself when every input is
 * drained before the outputs are flushed): collect what the key half finished,
 * admit what is new, one commit, then answer and dispatch.
 */

/* Revoked certificates that lists are made from in one turn: some milliseconds, which all
 * others wait. */
#define LIST_PART 16384
/* Completions taken at once; each holds a signature buffer. */
#define COLLECT_MAX 64
/* Refusals that are recorded one by one in an hour; a caller who is refused
 * again and again must not fill the disk. The rest is counted and told with the
 * next one that is recorded. */
#define REFUSED_PER_HOUR 1000

bool
signer_alive(const struct signer *s, struct error *e)
{
	if (s->dead.why == FAIL_NONE)
		return true;
	*e = s->dead;
	return false;
}

static void
move(struct request_list *from, struct request_list *to, struct request *r)
{
	TAILQ_REMOVE(from, r, link);
	TAILQ_INSERT_TAIL(to, r, link);
}

static bool
refused_budget(struct signer *s, int64_t now_ms)
{
	uint64_t hour = (uint64_t)now_ms / 3600000;

	if (hour != s->refused_hour) {
		s->refused_hour = hour;
		s->refused_in_hour = 0;
	}
	if (s->refused_in_hour >= REFUSED_PER_HOUR) {
		s->refused_dropped++;
		return false;
	}
	s->refused_in_hour++;
	return true;
}

static void
refused_body(struct signer *s, const struct request *r, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_begin(&w);
	json_kv_str(&w, "detail", r->err.msg);
	if (s->refused_dropped > 1)
		json_kv_int(&w, "not_recorded",
		    (int64_t)s->refused_dropped - 1);
	json_kv_str(&w, "who", r->who);
	json_kv_str(&w, "why", r->why);
	json_object_end(&w);
}

/* A refusal is recorded; when that cannot be done the caller still gets it, and
 * the register's own trouble shows at the next INTENT. */
static void
record_refusal(struct signer *s, struct request *r)
{
	auto_buf struct buf body = { 0 };
	struct error ignored;
	struct record rec;
	int64_t now_ms;
	uint64_t n;

	if (r->verdict.rule == NULL || !reg_now(s->reg, &now_ms, &ignored) ||
	    !refused_budget(s, now_ms))
		return;
	s->refused_dropped++; /* until it is recorded */
	refused_body(s, r, &body);
	record_init(&rec, REC_REFUSED);
	record_text(&rec, "field", r->verdict.field);
	record_hash(&rec, "key", &r->key->id);
	record_text(&rec, "kind", r->kind != NULL ? r->kind : r->type->name);
	record_bytes(&rec, "req", bytes_of(r->id, r->id_len));
	record_text(&rec, "rule", r->verdict.rule);
	if (reg_append(s->reg, &rec, buf_bytes(&body), &n, &ignored))
		s->refused_dropped = 0;
}

/* Nothing can sign; that a key has no charter is a refusal like any other. */
static bool
key_usable(struct request *r, struct error *e)
{
	struct error ignored;

	if (r->type->no_signature || signer_key_usable(r->key, e))
		return true;
	if (e->why == FAIL_REFUSED)
		(void)request_refuse(r, "charter-none", "key", &ignored);
	return false;
}

static void
admit_one(struct signer *s, struct request *r)
{
	struct error e = { 0 };

	r->waits = r->builds = false;
	if (key_usable(r, &e) && r->type->admit(s, r, &e)) {
		move(&s->queued,
		    r->type->no_signature ? &s->finished : &s->admitted, r);
	} else if (!r->waits) {
		r->err = e;
		record_refusal(s, r);
		move(&s->queued, &s->finished, r);
	}
}

static void
admit_all(struct signer *s)
{
	struct request *r, *next;

	s->list_left = s->cfg.list_part != 0 ? s->cfg.list_part : LIST_PART;
	s->builds = false;
	for (r = TAILQ_FIRST(&s->queued); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		admit_one(s, r);
	}
}

static bool
append_signed(struct signer *s, struct request *r, struct error *e)
{
	struct record rec;

	/* What cannot be completed (a CRL file that finds no space) can be
	 * rebuilt from the register; the signature is recorded all the same. */
	if (r->type->complete != NULL)
		(void)r->type->complete(s, r, &r->err);
	record_init(&rec, REC_SIGNED);
	record_int(&rec, "attempts", r->attempts);
	record_int(&rec, "intent", (int64_t)r->intent);
	if (r->sig.n == 0)
		buf_add_bytes(&r->sig, buf_bytes(&r->one.sig));
	record_bytes(&rec, "sig", buf_bytes(&r->sig));
	if (!reg_append(s->reg, &rec, (struct bytes){ 0 }, &r->signed_, e))
		return false;
	r->record = r->signed_;
	r->record_s = s->last_s;
	return true;
}

/* No signature was released. When none can exist it FAILED; when one may, the
 * INTENT is ASSUMED and what follows from that is recorded with it. */
static bool
append_failed(struct signer *s, struct request *r, struct error *e)
{
	struct record rec;
	uint64_t n;

	if (r->attempts > 0)
		return signer_assume(s, r->intent, r->err.msg, e);
	record_init(&rec, REC_FAILED);
	record_int(&rec, "attempts", 0);
	record_int(&rec, "intent", (int64_t)r->intent);
	record_text(&rec, "reason", r->err.msg);
	return reg_append(s->reg, &rec, (struct bytes){ 0 }, &n, e);
}

/* All parts are back: one outcome. */
static bool
finish_request(struct signer *s, struct request *r, struct error *e)
{
	bool ok = r->err.why == FAIL_NONE ? append_signed(s, r, e)
					  : append_failed(s, r, e);

	move(&s->flying, &s->finished, r);
	return ok;
}

static bool
finish_part(struct signer *s, const struct key_done *d, struct error *e)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) the queue's ids are numbers */
	struct part *p = (struct part *)(uintptr_t)d->id;
	struct request *r = p->request;

	r->attempts += d->attempts;
	if (d->ok)
		buf_add(&p->sig, d->sig, d->sig_len);
	else if (r->err.why == FAIL_NONE)
		r->err = d->err;
	return --r->open_parts > 0 || finish_request(s, r, e);
}

static bool
collect(struct signer *s, int timeout_ms, struct error *e)
{
	static _Thread_local struct key_done done[COLLECT_MAX];
	size_t n, i;

	do {
		n = key_queue_collect(s->queue, done, COLLECT_MAX, timeout_ms);
		for (i = 0; i < n; i++)
			if (!finish_part(s, &done[i], e))
				return false;
		timeout_ms = 0;
	} while (n == COLLECT_MAX);
	return true;
}

static void
reply(struct signer *s, struct request *r)
{
	struct signer_reply a = { .ok = r->err.why == FAIL_NONE,
		.err = r->err,
		.verdict = r->verdict,
		.intent = r->intent,
		.signed_ = r->signed_,
		.record = r->record,
		.record_s = r->record_s,
		.attempts = r->attempts,
		.sig = buf_bytes(&r->sig) };

	if (r->type->release != NULL && a.ok && !r->type->release(s, r, &a.err))
		a.ok = false;
	crl_work_answer(r->crl, &a);
	s->in_flight -= r->parts;
	r->done(r->arg, &a);
	request_free(r);
}

static void
answer_all(struct signer *s)
{
	struct request_list now = TAILQ_HEAD_INITIALIZER(now);
	struct request *r;

	/* A callback may submit more; those wait for the next round. */
	TAILQ_CONCAT(&now, &s->finished, link);
	while ((r = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, r, link);
		reply(s, r);
	}
}

static void
dispatch(struct signer *s, struct request *r)
{
	struct key_job job = { .key = r->key->handle, .alg = r->alg };
	struct error e;
	size_t i;

	r->open_parts = r->parts;
	for (i = 0; i < r->parts; i++) {
		job.id = (uint64_t)(uintptr_t)&r->part[i];
		job.in = r->part[i].to_sign;
		/* The queue's bound is the one that request_new holds. */
		if (!key_queue_submit(s->queue, &job, &e))
			fatal("key queue: %s", e.msg);
	}
	move(&s->admitted, &s->flying, r);
}

static void
dispatch_all(struct signer *s)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&s->admitted)) != NULL)
		dispatch(s, r);
	key_queue_start(s->queue);
}

/* The register is dead: nothing that is not answered may be released. Jobs in
 * the key half are waited for first, they borrow from the requests. */
static bool
die(struct signer *s, const struct error *why, struct error *e)
{
	struct request_list *lists[] = { &s->queued, &s->admitted, &s->flying,
		&s->finished };
	struct request *r;
	size_t i;

	s->dead = *why;
	key_queue_free(s->queue);
	s->queue = NULL;
	for (i = 0; i < countof(lists); i++)
		while ((r = TAILQ_FIRST(lists[i])) != NULL) {
			TAILQ_REMOVE(lists[i], r, link);
			r->err = *why;
			s->in_flight -= r->parts;
			r->done(r->arg,
			    &(struct signer_reply){ .err = *why,
				.intent = r->intent,
				.signed_ = UINT64_MAX,
				.record = UINT64_MAX });
			request_free(r);
		}
	*e = *why;
	return false;
}

/* Only completions can bring anything forward. */
static bool
is_idle(const struct signer *s)
{
	const struct request *r;

	TAILQ_FOREACH(r, &s->queued, link)
	if (!r->waits || r->builds)
		return false;
	return TAILQ_EMPTY(&s->finished) && !TAILQ_EMPTY(&s->flying);
}

bool
signer_turn(struct signer *s, bool wait, struct error *e)
{
	struct error why = { 0 };

	if (!signer_alive(s, e))
		return false;
	if (!collect(s, wait && is_idle(s) ? -1 : 0, &why))
		return die(s, &why, e);
	admit_all(s);
	if (!reg_commit(s->reg, &why))
		return die(s, &why, e);
	/* Dispatch first: the key half works while we answer. A log that died
	 * behind its commit keeps what it has, but takes no more outcomes: nothing
	 * is signed for it any more. */
	if (!reg_is_dead(s->reg))
		dispatch_all(s);
	answer_all(s);
	return true;
}

bool
signer_drain(struct signer *s, struct error *e)
{
	while (s->in_flight > 0)
		if (!signer_turn(s, true, e))
			return false;
	return true;
}

size_t
signer_in_flight(const struct signer *s)
{
	return s->in_flight;
}

int
signer_fd(const struct signer *s)
{
	return s->queue == NULL ? -1 : key_queue_fd(s->queue);
}

bool
signer_has_queued(const struct signer *s)
{
	return !TAILQ_EMPTY(&s->queued);
}

bool
signer_builds(const struct signer *s)
{
	return s->builds;
}

bool
signer_is_gathering(const struct signer *s)
{
	return s->queue != NULL && TAILQ_EMPTY(&s->finished) &&
	    key_queue_is_gathering(s->queue);
}

bool
signer_append_commit(struct signer *s, const struct record *rec,
    struct bytes priv, uint64_t *n, struct error *e)
{
	struct error why;

	if (!signer_alive(s, e) || !reg_append(s->reg, rec, priv, n, e))
		return false;
	if (reg_commit(s->reg, &why))
		return true;
	return die(s, &why, e);
}
