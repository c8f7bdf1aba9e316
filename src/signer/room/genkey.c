/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>

#include "room.h"

/*
 * KEY_GENERATE beside signing, one at a time: by a thread of its own, or, where only a
 * process of its own may write the token, by the supervisor's one-shot. What was begun is
 * finished by its record: a job that nobody waits for any more is recorded, too.
 */

/* RSA-4096 twice on a slow token, and the start of a process. */
#define JOB_DEADLINE_NS (INT64_C(600) * 1000000000)
/* Waiting ones; each is a key for ever. */
#define WAITING_MAX 32

struct waiting {
	TAILQ_ENTRY(waiting) link;
	struct room_request *q; /* NULL: nobody asked, `left` is settled   */
	uint64_t left;
	struct key_type type;
	size_t token;
	bool destroyable, ocsp;
	char *label, *who, *why;
	struct room_handover *pkcs8; /* of a key to take in, or NULL */
	uint8_t id[32];
	size_t id_len;
};

struct room_keygen_queue {
	struct room *room;
	TAILQ_HEAD(, waiting) waiting;
	size_t n;
	/* The one that runs. */
	struct waiting *now;
	struct keygen_job *job;
	struct hsm_outside *from; /* NULL: generated */
	int64_t deadline_ns;
	/* Its thread: `made` is the thread's until it has written to fd. */
	pthread_t thread;
	bool threaded;
	struct buf made;
	int fd;
};

static void start_next(struct room_keygen_queue *k);

static void
waiting_free(struct waiting *w)
{
	if (w == NULL)
		return;
	mem_free(w->label);
	mem_free(w->who);
	mem_free(w->why);
	room_handover_free(w->pkcs8);
	mem_free(w);
}

struct room_keygen_queue *
room_keygen_new(struct room *r)
{
	struct room_keygen_queue *k = mem_calloc(1, sizeof(*k));

	k->room = r;
	TAILQ_INIT(&k->waiting);
	k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->fd < 0)
		fatal("eventfd: %d", errno);
	return k;
}

void
room_keygen_free(struct room_keygen_queue *k)
{
	struct waiting *w;

	while ((w = TAILQ_FIRST(&k->waiting)) != NULL) {
		TAILQ_REMOVE(&k->waiting, w, link);
		waiting_free(w);
	}
	waiting_free(k->now);
	keygen_job_free(k->job);
	hsm_outside_free(k->from);
	buf_free(&k->made);
	(void)close(k->fd);
	mem_free(k);
}

int
room_keygen_fd(const struct room_keygen_queue *k)
{
	return k->fd;
}

bool
room_keygen_idle(const struct room_keygen_queue *k)
{
	return (k->now == NULL || (k->room->alone && !k->threaded)) &&
	    TAILQ_EMPTY(&k->waiting);
}

/* ---- answers ----------------------------------------------------------- */

static void
answer_key(struct room *r, struct room_request *q, const struct sha256 *key)
{
	const struct state_key *st =
	    reg_state_key(reg_get_state(signer_register(r->signer)), key);
	const struct wire_answer a = { .key = *key, .spki = st->spki };

	room_answer(q, &a);
}

static void
settle_first(struct room_keygen_queue *k, uint64_t intent)
{
	struct waiting *w = mem_calloc(1, sizeof(*w));

	w->left = intent;
	TAILQ_INSERT_HEAD(&k->waiting, w, link);
	k->n++;
}

/* It is not known what came of a making: that is looked for before anything else, once. */
static void
find_out(struct room_keygen_queue *k, const struct waiting *w)
{
	const uint64_t intent = keygen_job_intent(k->job);

	if (w->q != NULL && !k->room->stopping &&
	    signer_keygen_left(k->room->signer, intent) == intent)
		settle_first(k, intent);
}

static void
finish(struct room_keygen_queue *k, struct bytes made)
{
	struct room *r = k->room;
	struct sha256 key;
	struct error e;

	if (signer_keygen_finish(r->signer, k->job, made, &key, &e)) {
		if (k->now->q != NULL)
			answer_key(r, k->now->q, &key);
	} else {
		log_line(LOG_LEVEL_ERROR, "signer: key \"%s\": %s",
		    keygen_job_spec(k->job)->label, e.msg);
		find_out(k, k->now);
		if (k->now->q != NULL)
			room_fail(k->now->q, &e);
	}
	keygen_job_free(take(k->job));
	hsm_outside_free(take(k->from));
	waiting_free(take(k->now));
	k->threaded = false;
	start_next(k);
}

void
room_generated(struct room *r, uint64_t intent, struct bytes made,
    const struct error *why)
{
	struct room_keygen_queue *k = r->keygen;
	auto_buf struct buf text = { 0 };
	struct error e;

	/* One that was given up already, or an earlier signer's. */
	if (k->now == NULL || k->threaded ||
	    keygen_job_intent(k->job) != intent)
		return;
	if (why->why != FAIL_NONE) {
		keygen_not_made(why, &text);
		made = buf_bytes(&text);
	} else if (!hsm_token_renew(r->host->token[keygen_job_token(k->job)],
		       &e)) {
		log_line(LOG_LEVEL_ERROR, "signer: %s", e.msg);
		if (e.why == FAIL_PIN)
			room_end(r, ROOM_EXIT_PIN, &e);
	}
	finish(k, made);
}

/* ---- making ------------------------------------------------------------ */

static void *
make_thread(void *arg)
{
	struct room_keygen_queue *k = arg;
	struct keygen_spec spec = *keygen_job_spec(k->job);
	const uint64_t one = 1;

	spec.from = k->from;
	keygen_make(k->room->host->token[keygen_job_token(k->job)], &spec,
	    &k->made);
	if (write(k->fd, &one, sizeof(one)) < 0)
		fatal("eventfd: %d", errno);
	return NULL;
}

static bool
make_in_thread(struct room_keygen_queue *k, struct error *e)
{
	int rc;

	buf_reset(&k->made);
	rc = pthread_create(&k->thread, NULL, make_thread, k);
	k->threaded = rc == 0;
	return k->threaded ||
	    error_set(e, FAIL_IO, "no thread for the key: %d", rc);
}

static void
make_in_process(struct room_keygen_queue *k, const struct waiting *w)
{
	const struct keygen_spec *spec = keygen_job_spec(k->job);
	struct room_keygen m;

	memset(&m, 0, sizeof(m));
	m.token = (uint32_t)keygen_job_token(k->job);
	m.type = (uint32_t)spec->type.alg;
	m.bits = spec->type.bits;
	m.id_len = (uint32_t)spec->id_len;
	memcpy(m.id, spec->id, spec->id_len);
	memcpy(m.label, spec->label, strlen(spec->label) + 1);
	m.destroyable = spec->destroyable;
	m.sacrifice = spec->sacrifice;
	m.settle = spec->settle;
	m.intent = keygen_job_intent(k->job);
	m.imported = spec->imported;
	m.pkcs8_len =
	    w->pkcs8 == NULL ? 0 : (uint32_t)room_handover_len(w->pkcs8);
	hsm_outside_free(take(k->from));
	room_say_file(ROOM_KEYGEN, bytes_of(&m, sizeof(m)),
	    w->pkcs8 == NULL ? -1 : room_handover_fd(w->pkcs8));
}

static struct keygen_job *
begin(struct room_keygen_queue *k, const struct waiting *w, struct error *e)
{
	const struct signer_keygen req = { .token = w->token,
		.type = w->type,
		.label = w->label,
		.ocsp = w->ocsp,
		.destroyable = w->destroyable,
		.from = k->from,
		.claim = { .who = w->who,
		    .why = w->why,
		    .request_id = bytes_of(w->id, w->id_len) } };

	return w->q == NULL ? signer_keygen_resume(k->room->signer, w->left, e)
			    : signer_keygen_begin(k->room->signer, &req, e);
}

static bool
start_one(struct room_keygen_queue *k, const struct waiting *w, struct error *e)
{
	if (w->pkcs8 != NULL) {
		k->from = room_handover_read(w->pkcs8, e);
		if (k->from == NULL)
			return false;
	}
	k->job = begin(k, w, e);
	if (k->job == NULL)
		return false;
	k->deadline_ns = clock_mono_ns() + JOB_DEADLINE_NS;
	if (!k->room->module.file_backed)
		return make_in_thread(k, e);
	make_in_process(k, w);
	return true;
}

/* Asked again after a signer went: it may have made the key already. */
static bool
made_before(struct room *r, const struct waiting *w)
{
	const struct reg_state *state =
	    reg_get_state(signer_register(r->signer));

	if (w->q == NULL || !w->q->again)
		return false;
	for (size_t i = reg_state_keys(state); i-- > 0;) {
		const struct state_key *k = reg_state_key_at(state, i);

		if (strcmp(k->label, w->label) != 0 || k->destroyed ||
		    k->charter.n == 0)
			continue;
		answer_key(r, w->q, &k->key);
		return true;
	}
	return false;
}

/* A key that is taken in a second time, for another mount: whoever has it may use the one that is
 * there. Of a destroyed one there is nothing. */
static bool
is_there(const struct room_keygen_queue *k, const struct waiting *w,
    const struct error *why)
{
	const struct state_key *st;
	struct sha256 key;

	if (why->why != FAIL_EXISTS || k->from == NULL || w->q == NULL)
		return false;
	key = sha256(hsm_outside_spki(k->from));
	st = reg_state_key(reg_get_state(signer_register(k->room->signer)),
	    &key);
	if (st == NULL || st->destroyed || st->released || st->charter.n == 0)
		return false;
	answer_key(k->room, w->q, &key);
	return true;
}

static void
not_started(struct waiting *w, const struct error *e)
{
	if (w->q != NULL)
		room_fail(w->q, e);
	else
		log_line(LOG_LEVEL_ERROR, "signer: record %llu: %s",
		    (unsigned long long)w->left, e->msg);
	waiting_free(w);
}

static void
start_next(struct room_keygen_queue *k)
{
	struct waiting *w;
	struct error e;

	while (k->now == NULL && (w = TAILQ_FIRST(&k->waiting)) != NULL) {
		TAILQ_REMOVE(&k->waiting, w, link);
		k->n--;
		if (made_before(k->room, w))
			waiting_free(w);
		else if (start_one(k, w, &e))
			k->now = w;
		else {
			if (is_there(k, w, &e))
				waiting_free(w);
			else
				not_started(w, &e);
			keygen_job_free(take(k->job));
			hsm_outside_free(take(k->from));
		}
	}
}

void
room_keygen_settle(struct room *r)
{
	struct room_keygen_queue *k = r->keygen;
	struct waiting *w;
	uint64_t n = 0;

	while ((n = signer_keygen_left(r->signer, n)) != UINT64_MAX) {
		w = mem_calloc(1, sizeof(*w));
		w->left = n++;
		TAILQ_INSERT_TAIL(&k->waiting, w, link);
		k->n++;
	}
	start_next(k);
}

void
room_keygen_stop(struct room *r)
{
	struct room_keygen_queue *k = r->keygen;
	struct waiting *w;
	struct error e;

	error_set(&e, FAIL_HSM_GONE, "the signer is being stopped");
	while ((w = TAILQ_FIRST(&k->waiting)) != NULL) {
		TAILQ_REMOVE(&k->waiting, w, link);
		k->n--;
		not_started(w, &e);
	}
}

void
room_keygen_poll(struct room *r)
{
	struct room_keygen_queue *k = r->keygen;
	struct error e;
	uint64_t n;

	if (read(k->fd, &n, sizeof(n)) == sizeof(n) && k->threaded) {
		(void)pthread_join(k->thread, NULL);
		finish(k, buf_bytes(&k->made));
	} else if (k->now != NULL && !k->threaded &&
	    clock_mono_ns() > k->deadline_ns) {
		error_set(&e, FAIL_TIMEOUT, "the key's process did not answer");
		room_generated(r, keygen_job_intent(k->job),
		    (struct bytes){ 0 }, &e);
	}
}

/* ---- asking ------------------------------------------------------------ */

static bool
check(struct room_keygen_queue *k, const struct wire_request *in, size_t *token,
    struct error *e)
{
	if (in->alg >= KEY_ALG__COUNT)
		return error_set(e, FAIL_BAD_INPUT, "key type: %u", in->alg);
	if (in->label == NULL || in->who == NULL || in->why == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "label, who or why: missing");
	if (in->profile != NULL && in->profile[0] != '\0' &&
	    strcmp(in->profile, WIRE_KEY_OCSP) != 0)
		return error_set(e, FAIL_BAD_INPUT, "profile: %.40s",
		    in->profile);
	if (k->room->stopping)
		return error_set(e, FAIL_HSM_GONE,
		    "the signer is being stopped");
	if (k->n >= WAITING_MAX)
		return error_set(e, FAIL_BUSY, "%zu key generations wait",
		    k->n);
	return room_find_token(k->room->settings, in->token, token, e);
}

void
room_generate(struct room_request *q, const struct wire_request *in)
{
	struct room_keygen_queue *k = q->lane->room->keygen;
	struct waiting *w;
	struct error e;
	size_t token = 0;

	if (!check(k, in, &token, &e)) {
		room_fail(q, &e);
		return;
	}
	w = mem_calloc(1, sizeof(*w));
	if (in->data.n > 0 &&
	    (w->pkcs8 = room_handover_new(in->data, &e)) == NULL) {
		mem_free(w);
		room_fail(q, &e);
		return;
	}
	w->q = q;
	w->type = (struct key_type){ (enum key_alg)in->alg, in->bits };
	w->token = token;
	w->destroyable = in->flag;
	w->ocsp = in->profile != NULL && in->profile[0] != '\0';
	w->label = mem_strdup(in->label);
	w->who = mem_strdup(in->who);
	w->why = mem_strdup(in->why);
	if (in->id.n > 0)
		memcpy(w->id, in->id.p, in->id.n);
	w->id_len = in->id.n;
	TAILQ_INSERT_TAIL(&k->waiting, w, link);
	k->n++;
	start_next(k);
}
