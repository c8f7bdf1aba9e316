/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate gets its partition: from the grant of the range that the way holds, which is
 * an addition; else a change of configuration grants more, or opens the next range. Calls of
 * a worker share that change.
 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "partition.h"

/* Changes that one call asks for before it gives up: others' certificates may take what was
 * granted first. */
#define PLACE_TRIES 16

/* ---- ranges of a way ----------------------------------------------------------- */

struct ranges {
	const struct way *w;
	const struct doc *open; /* held */
	unsigned last;          /* number of all */
	/* The newest automatic one with the same key and URLs. */
	unsigned before_n;
	int64_t before_opened_s;
};

static bool
same_urls(const struct pki_texts *a, const struct pki_texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static bool
look_at(void *arg, const struct doc *doc)
{
	struct ranges *s = arg;
	const struct range *r = range_of(doc);

	if (r == NULL)
		return true;
	if (r->first + r->n - 1 > s->last)
		s->last = r->first + r->n - 1;
	if (memcmp(r->key.b, s->w->issuer->key.b, SHA256_LEN) != 0 ||
	    r->automatic != s->w->automatic || r->most != s->w->most ||
	    (!r->automatic && r->n != s->w->width) ||
	    !same_urls(&r->urls, &s->w->crl_urls))
		return true;
	s->before_n = r->n;
	s->before_opened_s = r->opened_s;
	if (!r->closed) {
		docs_put(s->open);
		s->open = docs_ref(doc);
	}
	return true;
}

/* Those that this process may use grants of. */
static char run[17];

void
partition_start(void)
{
	uint8_t v[8];

	random_bytes(v, sizeof(v));
	hex_encode(bytes_of(v, sizeof(v)), run);
}

static int64_t
grant_of(const struct range *r)
{
	int64_t one = r->most / PARTITION_GRANTS;

	return (one > 0 ? one : 1) * r->n;
}

static bool
is_usable(const struct range *r, int64_t to_s)
{
	return !r->closed && to_s <= r->until_s && strcmp(r->run, run) == 0;
}

static bool
has_room(const struct range *r)
{
	return !r->automatic ||
	    atomic_load_explicit(r->taken, memory_order_relaxed) < grant_of(r);
}

static bool
take_one(const struct range *r, int64_t to_s)
{
	return is_usable(r, to_s) &&
	    (!r->automatic ||
		atomic_fetch_add_explicit(r->taken, 1, memory_order_relaxed) <
		    grant_of(r));
}

/* ---- the change ----------------------------------------------------------------- */

static void
put_range(struct call *c, struct changes *ch, const struct range *r)
{
	char hex[2 * SHA256_LEN + 1], name[16];

	hex_encode(sha256_bytes(&r->key), hex);
	/* In their order. */
	(void)snprintf(name, sizeof(name), "%08u", r->first);
	change_put(ch, PARTITION_KIND, c->mount->path, name,
	    json_pack("{s:b,s:b,s:I,s:I,s:s,s:I,s:I,s:I,s:s,s:I,s:o}", "auto",
		(int)r->automatic, "closed", (int)r->closed, "first",
		(json_int_t)r->first, "granted", (json_int_t)r->granted, "key",
		hex, "most", (json_int_t)r->most, "n", (json_int_t)r->n,
		"opened", (json_int_t)r->opened_s, "run", run, "until",
		(json_int_t)r->until_s, "urls", texts_json(&r->urls)));
}

/* Some way ahead, so that not every certificate is a change. */
static int64_t
until(struct call *c, int64_t to_s)
{
	int64_t life = to_s - c->now_s;

	return to_s + (life > 0 ? life / 4 : 0) + INT64_C(86400);
}

static void
grow(struct call *c, struct changes *ch, const struct range *have, int64_t to_s)
{
	struct range r = *have;

	if (r.automatic)
		r.granted += grant_of(&r);
	if (to_s > r.until_s)
		r.until_s = until(c, to_s);
	put_range(c, ch, &r);
}

static unsigned
width(struct call *c, const struct ranges *s)
{
	unsigned n = s->before_n;

	if (!s->w->automatic)
		return s->w->width;
	if (n == 0)
		return 1;
	if (c->now_s - s->before_opened_s < PARTITION_HURRY_S)
		n *= 2;
	return n < PARTITION_WIDTH_MAX ? n : PARTITION_WIDTH_MAX;
}

static void
open_range(struct call *c, struct changes *ch, const struct ranges *s,
    int64_t to_s)
{
	struct range r = { .first = s->last + 1,
		.n = width(c, s),
		.key = s->w->issuer->key,
		.urls = s->w->crl_urls,
		.automatic = s->w->automatic,
		.most = s->w->most,
		.opened_s = c->now_s,
		.until_s = until(c, to_s) };

	if (r.automatic)
		r.granted = grant_of(&r);
	put_range(c, ch, &r);
}

struct dead {
	struct call *c;
	struct changes *ch;
	unsigned last;
	int64_t expiry_s;
};

/* The one with the highest number stays: none is given twice. */
static bool
drop_dead(void *arg, const struct doc *doc)
{
	struct dead *d = arg;
	const struct range *r = range_of(doc);

	if (r != NULL && r->first + r->n - 1 < d->last &&
	    !range_lives(r, d->c->now_s, d->expiry_s))
		change_delete(d->ch, PARTITION_KIND, doc->scope, doc->name);
	return true;
}

static bool
has_grant(const struct range *r)
{
	return !r->automatic || r->granted + grant_of(r) <= r->most * r->n;
}

static void
follow(struct call *c, struct changes *ch, const struct ranges *s, int64_t to_s)
{
	struct dead dead = { c, ch, s->last,
		crl_expiry(c->docs, c->mount->path) };

	if (s->open != NULL) {
		struct range full = *range_of(s->open);

		full.closed = true;
		put_range(c, ch, &full);
	}
	docs_each(c->docs, PARTITION_KIND, c->mount->path, drop_dead, &dead);
	open_range(c, ch, s, to_s);
}

/* Another call's change may have been what this one needs. */
static bool
build(struct call *c, struct changes *ch)
{
	const struct work *w = work_of(c);
	struct ranges s = { .w = w->way };
	const struct range *r;

	docs_each(c->docs, PARTITION_KIND, c->mount->path, look_at, &s);
	r = s.open != NULL ? range_of(s.open) : NULL;
	if (r == NULL)
		follow(c, ch, &s, w->life.to_s);
	else if (is_usable(r, w->life.to_s) && has_room(r))
		;
	else if (has_grant(r))
		grow(c, ch, r, w->life.to_s);
	else
		follow(c, ch, &s, w->life.to_s);
	docs_put(s.open);
	return true;
}

/* ---- one change for the calls of a worker ---------------------------------------- */

static __thread struct {
	bool flying;
	struct call **v;
	size_t n, cap;
} gate;

void
partition_worker_end(void)
{
	mem_free(gate.v);
	gate.v = NULL;
	gate.n = gate.cap = 0;
}

static void place(struct call *c);

static void
take_range(struct call *c, struct way *w)
{
	struct ranges s = { .w = w };

	docs_each(c->docs, PARTITION_KIND, c->mount->path, look_at, &s);
	if (s.open == NULL || w->range_doc == NULL ||
	    range_of(s.open)->first != range_of(w->range_doc)->first) {
		mem_free(w->listed);
		w->listed = NULL;
	}
	docs_put(w->range_doc);
	w->range_doc = s.open;
	if (w->range_doc != NULL && w->listed == NULL)
		w->listed = mem_calloc(range_of(w->range_doc)->n, 1);
}

static void
opened(struct call *c)
{
	struct work *w = work_of(c);

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	take_range(c, w->way);
	place(c);
}

static void
changed(struct call *c)
{
	struct call **v = take(gate.v);
	size_t n = gate.n;

	gate.flying = false;
	gate.n = gate.cap = 0;
	for (size_t i = 0; i < n; i++)
		call_wake(v[i], c->reply);
	mem_free(v);
	opened(c);
}

static void
open_gate(struct call *c)
{
	if (!gate.flying) {
		gate.flying = true;
		call_change(c, "pki partition", build, changed);
		return;
	}
	gate.v = mem_grow(gate.v, gate.n, &gate.cap, sizeof(gate.v[0]));
	gate.v[gate.n++] = c;
	call_wait(c, opened);
}

/* ---- one certificate --------------------------------------------------------------- */

static void
first_listed(struct call *c)
{
	struct work *w = work_of(c);
	const struct range *r;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	/* Another call may have gone on to the next range meanwhile. */
	r = w->way->range_doc != NULL ? range_of(w->way->range_doc) : NULL;
	if (r != NULL && range_has(r, w->partition))
		w->way->listed[w->partition - r->first] = 1;
	w->placed(c);
}

/* Nobody gets a certificate that points to where nothing is. */
static void
need_list(struct call *c, struct work *w, uint8_t *listed)
{
	struct crl_file f;

	if (*listed == 0 && crl_disabled(c->docs, c->mount->path)) {
		w->placed(c);
		return;
	}
	if (*listed == 0)
		*listed = crl_look(&w->way->issuer->key, w->partition, &f);
	if (*listed != 0)
		w->placed(c);
	else
		crl_first(c, w->way->issuer_doc, w->partition, first_listed);
}

static void
place(struct call *c)
{
	struct work *w = work_of(c);
	struct way *way = w->way;
	const struct range *r =
	    way->range_doc != NULL ? range_of(way->range_doc) : NULL;

	if (r != NULL && take_one(r, w->life.to_s)) {
		w->partition = partition_at(r, w->serial);
		need_list(c, w, &way->listed[w->partition - r->first]);
	} else if (w->place_tries++ < PLACE_TRIES) {
		open_gate(c);
	} else {
		call_error(c, 503,
		    "too many certificates wait for a partition");
	}
}

void
partition_place(struct call *c, call_fn *next)
{
	work_of(c)->placed = next;
	work_of(c)->place_tries = 0;
	place(c);
}
