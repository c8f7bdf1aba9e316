/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/*
 * SETTLE: request id → what became of its INTENT. A map over the records of the
 * recent past: callers ask right after a restart, about what was in flight.
 */
#define LOOK_BACK 131072

struct settled {
	uint8_t id[32];
	size_t id_len;
	uint64_t intent, outcome; /* UINT64_MAX: still open */
	uint64_t older;           /* of the same bucket, as in `bucket`       */
	enum signer_outcome what;
};

/* After a restart every request of every lane is asked for, most of them unknown: by
 * hash. A chain goes back in time and ends where the ring has been written over. */
#define BUCKETS 65536

struct settle_map {
	struct settled v[LOOK_BACK]; /* ring, by arrival             */
	uint64_t bucket[BUCKETS];    /* number of the newest, from 1 */
	size_t n;
	bool loaded;
};

struct settle_map *
settle_map_new(void)
{
	return mem_calloc(1, sizeof(struct settle_map));
}

void
settle_map_free(struct settle_map *m)
{
	mem_free(m);
}

/* FNV-1a. Ids come from our own server; a bad spread costs time only. */
static size_t
bucket_of(struct bytes id)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ id.p[i]) * 0x100000001b3;
	return (h ^ h >> 32) % BUCKETS;
}

/* Newest first: an id that came twice means its last INTENT. */
static struct settled *
find_id(struct settle_map *m, struct bytes id)
{
	uint64_t at = m->bucket[bucket_of(id)];
	struct settled *e;

	for (; at > 0 && at + LOOK_BACK > m->n; at = e->older) {
		e = &m->v[(at - 1) % LOOK_BACK];
		if (bytes_eq(bytes_of(e->id, e->id_len), id))
			return e;
	}
	return NULL;
}

static struct settled *
find_intent(struct settle_map *m, uint64_t intent)
{
	size_t i, held = m->n < LOOK_BACK ? m->n : LOOK_BACK;
	struct settled *e;

	for (i = 0; i < held; i++) {
		e = &m->v[(m->n - 1 - i) % LOOK_BACK];
		if (e->intent == intent)
			return e;
		/* Intents rise: an older one cannot come any more. */
		if (e->intent < intent)
			return NULL;
	}
	return NULL;
}

static void
note_intent(struct settle_map *m, const struct record *rec)
{
	struct bytes id = record_get(rec, "req");
	struct settled *e;
	uint64_t *newest;

	if (id.n == 0 || id.n > sizeof(e->id))
		return;
	e = &m->v[m->n++ % LOOK_BACK];
	newest = &m->bucket[bucket_of(id)];
	e->older = *newest;
	*newest = m->n;
	memcpy(e->id, id.p, id.n);
	e->id_len = id.n;
	e->intent = rec->n;
	e->outcome = UINT64_MAX;
	e->what = OUTCOME_OPEN;
}

void
settle_map_note(struct settle_map *m, const struct record *rec)
{
	static const struct {
		enum record_type type;
		enum signer_outcome what;
	} outcomes[] = { { REC_SIGNED, OUTCOME_SIGNED },
		{ REC_FAILED, OUTCOME_FAILED },
		{ REC_ASSUMED, OUTCOME_ASSUMED } };
	struct settled *e;
	size_t i;

	if (rec->type == REC_INTENT) {
		note_intent(m, rec);
		return;
	}
	for (i = 0; i < countof(outcomes); i++) {
		if (outcomes[i].type != rec->type)
			continue;
		e = find_intent(m, (uint64_t)record_get_int(rec, "intent"));
		if (e == NULL)
			return;
		e->what = outcomes[i].what;
		e->outcome = rec->n;
	}
}

static bool
note_each(void *arg, unused_arg struct bytes line, const struct record *rec,
    unused_arg struct error *e)
{
	settle_map_note(arg, rec);
	return true;
}

/* The replay at start began at a snapshot; what lies before it is read when it is
 * first asked for. */
static bool
load(struct signer *s, struct error *e)
{
	uint64_t size = reg_durable_size(s->reg);

	memset(s->settled, 0, sizeof(*s->settled));
	if (!reg_walk(s->cfg.reg.dir, size > LOOK_BACK ? size - LOOK_BACK : 0,
		note_each, s->settled, e))
		return false;
	s->settled->loaded = true;
	return true;
}

bool
signer_settle(struct signer *s, struct bytes request_id,
    enum signer_outcome *out, uint64_t *intent, uint64_t *signed_,
    struct error *e)
{
	struct settled *f;

	if (request_id.n == 0 || request_id.n > 32)
		return error_set(e, FAIL_BAD_INPUT,
		    "request id: %zu octets, allowed 1 to 32", request_id.n);
	f = find_id(s->settled, request_id);
	if (f == NULL && !s->settled->loaded) {
		if (!load(s, e))
			return false;
		f = find_id(s->settled, request_id);
	}
	*out = f == NULL ? OUTCOME_UNKNOWN : f->what;
	*intent = f == NULL ? UINT64_MAX : f->intent;
	*signed_ =
	    f == NULL || f->what != OUTCOME_SIGNED ? UINT64_MAX : f->outcome;
	return true;
}

const struct request_type *
request_type_of(struct bytes kind)
{
	static const struct {
		const char *kind;
		const struct request_type *type;
	} types[] = { { "leaf", &request_certify }, { "ca", &request_certify },
		{ "csr", &request_csr }, { "crl", &request_crl },
		{ "caller-crl", &request_crl }, { "ocsp", &request_ocsp } };
	size_t i;

	for (i = 0; i < countof(types); i++)
		if (bytes_eq(kind, bytes_str(types[i].kind)))
			return types[i].type;
	return NULL;
}

bool
signer_assume(struct signer *s, uint64_t intent, const char *reason,
    struct error *e)
{
	auto_buf struct buf line = { 0 };
	auto_buf struct buf store = { 0 };
	const struct request_type *type;
	struct record rec, assumed;
	uint64_t n;

	if (!reg_read(s->reg, intent, &line, &rec, &store, e))
		return false;
	type = request_type_of(record_get(&rec, "kind"));
	if (type != NULL && type->assumed != NULL && !type->assumed(s, &rec, e))
		return false;
	record_init(&assumed, REC_ASSUMED);
	record_int(&assumed, "intent", (int64_t)intent);
	record_text(&assumed, "reason", reason);
	return reg_append(s->reg, &assumed, (struct bytes){ 0 }, &n, e);
}

/* First INTENT without outcome; key generations wait for people. */
static const struct state_intent *
first_open(const struct signer *s)
{
	const struct reg_state *state = reg_get_state(s->reg);
	size_t i;

	for (i = 0; i < reg_state_open_count(state); i++)
		if (reg_state_open_at(state, i)->type == REC_INTENT)
			return reg_state_open_at(state, i);
	return NULL;
}

bool
signer_settle_open(struct signer *s, struct error *e)
{
	const struct state_intent *open;

	while ((open = first_open(s)) != NULL)
		if (!signer_assume(s, open->n,
			"the signer ended before its outcome was recorded", e))
			return false;
	return reg_pending(s->reg) == 0 || reg_commit(s->reg, e);
}
