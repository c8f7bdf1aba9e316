/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer of worker 0: every list of revoked certificates is renewed well before its
 * nextUpdate, whatever auto_rebuild says, and those that revocations asked for at once; but
 * each rests a second or longer after the last one, so that many revocations share one. One
 * list of a key and scope is on its way at a time, a few in all.
 */
#include <stdlib.h>

#include <chancery/base/log.h>
#include <chancery/base/text.h>

#include "keeper.h"
#include "process.h"

/* A long list costs the signer's time and the disk's (27 MB for so many entries): it rests a second, and one
 * more for each. */
#define ENTRIES_A_SECOND 500000
/* Requests to the signer beside those of callers. */
#define FLYING_MAX 8
/* Seconds from one look at everything to the next. */
#define ROUND_TICKS 16
/* In so many rounds a file is looked at although nothing is due: somebody may have taken it
 * away. */
#define LOOK_ROUNDS 37
#define NS_A_S INT64_C(1000000000)
/* Beyond that the wall clock was set. */
#define JUMP_S 30
#define BUCKETS 1024

static struct keeper {
	struct event *timer;
	struct event *rested; /* when the first of those that are wanted has */
	struct lane *lane;
	unsigned ticks, round, flying, waiting;
	bool was_up, failing;
	int64_t wall_s, mono_ns; /* of the last tick */
	int64_t next_s;          /* when the first list is due */
	struct kept *list[BUCKETS];
} keeper;

/* ---- what others ask for ---------------------------------------------------------- */

static struct kept *
kept_of(const struct sha256 *key, unsigned part)
{
	struct kept **at = &keeper.list[crl_hash(key, part) % BUCKETS], *k;

	for (k = *at; k != NULL; k = k->next)
		if (k->part == part &&
		    memcmp(k->key.b, key->b, SHA256_LEN) == 0)
			return k;
	k = mem_calloc(1, sizeof(*k));
	*k = (struct kept){ .next = *at, .key = *key, .part = part };
	return *at = k;
}

static void
want(struct kept *k)
{
	if (!k->wanted)
		keeper.waiting++;
	k->wanted = true;
}

/* A delta list waits for its turn. */
static void
take_one(const struct sha256 *key, unsigned part)
{
	struct kept *k = kept_of(key, part);

	if (part == CRL_DELTA)
		k->touched = true;
	else
		want(k);
}

/* ---- one list -------------------------------------------------------------------- */

struct issuer_search {
	const struct sha256 *key;
	const struct doc *found;
};

static bool
is_signer(void *arg, const struct doc *doc)
{
	struct issuer_search *s = arg;

	if (doc->parsed == NULL || !crl_may_list(issuer_of(doc)) ||
	    memcmp(issuer_of(doc)->key.b, s->key->b, SHA256_LEN) != 0 ||
	    crl_disabled(pki_process.docs, doc->scope))
		return true;
	s->found = docs_ref(doc);
	return false;
}

static void pump(void);

/* A failed one is tried again after 1, 2, 4 … 64 s. */
static void
failed(struct kept *k, const struct error *why)
{
	char hex[2 * SHA256_LEN + 1], scope[CRL_SCOPE_SIZE];

	hex_encode(sha256_bytes(&k->key), hex);
	crl_scope(k->part, scope);
	log_line(LOG_LEVEL_WARNING,
	    "list of revoked certificates of key %.16s, %s: %s", hex, scope,
	    why->msg);
	k->rest_ns = clock_mono_ns() +
	    NS_A_S * (1 << (k->failures < 6 ? k->failures : 6));
	k->failures++;
	keeper.failing = true;
	k->touched = true;
	want(k);
}

/* What failed for want of the HSM is tried at once. */
static void
recover(void)
{
	keeper.failing = false;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct kept *k = keeper.list[i]; k != NULL; k = k->next)
			if (k->failures > 0)
				k->rest_ns = 0;
}

static void
done(void *arg, const struct lane_reply *r)
{
	struct kept *k = arg;

	k->flying = false;
	keeper.flying--;
	if (r->ok) {
		k->failures = 0;
		k->due_s = 0;
		keeper.next_s = 0;
		k->rest_ns = clock_mono_ns() +
		    NS_A_S * (int64_t)(1 + r->entries / ENTRIES_A_SECOND);
		if (keeper.failing)
			recover();
	} else {
		failed(k, &r->err);
	}
	pump();
}

static void
ask(struct kept *k, const struct doc *issuer)
{
	struct lane_claim claim = { .who = "server" };
	auto_mem char *why = mem_printf("%s/crl", issuer->scope);
	struct crl_ask a;

	claim.why = why;
	random_bytes(claim.id, sizeof(claim.id));
	crl_ask_make(pki_process.docs, issuer->scope, issuer_of(issuer),
	    k->part, &a);
	k->flying = true;
	k->touched = false;
	keeper.flying++;
	lane_sign_crl(keeper.lane, &a.lane, &claim, done, k);
	crl_ask_free(&a);
}

/* Nobody signs lists of that key any more: it is not wanted either. */
static void
begin(struct kept *k)
{
	struct issuer_search s = { .key = &k->key };

	k->wanted = false;
	keeper.waiting--;
	docs_each(pki_process.docs, "pki-issuer", NULL, is_signer, &s);
	if (s.found != NULL)
		ask(k, s.found);
	docs_put(s.found);
}

static void
set_rested(int64_t at_ns, int64_t now_ns)
{
	const int64_t us = (at_ns - now_ns) / 1000 + 1;
	const struct timeval in = { .tv_sec = us / 1000000,
		.tv_usec = us % 1000000 };

	if (at_ns != INT64_MAX)
		(void)event_add(keeper.rested, &in);
}

static void
pump(void)
{
	int64_t now = clock_mono_ns(), rested = INT64_MAX;

	if (keeper.waiting == 0 || lane_get_state(keeper.lane) != LANE_UP)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct kept *k = keeper.list[i]; k != NULL; k = k->next) {
			if (keeper.flying >= FLYING_MAX)
				return;
			if (!k->wanted || k->flying)
				continue;
			if (now >= k->rest_ns)
				begin(k);
			else
				rested = least(rested, k->rest_ns);
		}
	set_rested(rested, now);
}

static void
rested(unused_arg evutil_socket_t fd, unused_arg short what,
    unused_arg void *arg)
{
	pump();
}

/* In the timer's thread. What was wanted already has nothing to begin. */
static void
woken(void)
{
	const unsigned before = keeper.waiting;

	wanted_take(take_one);
	if (keeper.waiting > before)
		pump();
}

/* ---- all ---------------------------------------------------------------------------- */

struct round {
	const struct doc **v;
	size_t n, cap;
};

static bool
hold(void *arg, const struct doc *doc)
{
	struct round *r = arg;

	if (doc->parsed == NULL)
		return true;
	r->v = mem_grow(r->v, r->n, &r->cap, sizeof(r->v[0]));
	r->v[r->n++] = docs_ref(doc);
	return true;
}

static void
release(struct round *r)
{
	for (size_t i = 0; i < r->n; i++)
		docs_put(r->v[i]);
	mem_free(r->v);
}

static void
look_at(const struct doc *issuer, unsigned part)
{
	struct kept *k = kept_of(&issuer_of(issuer)->key, part);
	int64_t now = now_s();

	/* Several certificates of one key have one list. */
	if (k->round == keeper.round)
		return;
	k->round = keeper.round;
	if (k->due_s <= now || !k->there || part == CRL_DELTA ||
	    keeper.round % LOOK_ROUNDS == 0)
		kept_look(k, pki_process.docs, issuer->scope, now);
	if (!k->flying && (!k->there || now >= k->due_s))
		want(k);
	else if (k->there)
		keeper.next_s = least(keeper.next_s, k->due_s);
	alarms_add(issuer->scope, issuer, k);
}

static bool
same_key(const struct doc *range, const struct doc *issuer)
{
	return memcmp(range_of(range)->key.b, issuer_of(issuer)->key.b,
		   SHA256_LEN) == 0;
}

/* Whose key is elsewhere (chancery import): nothing is asked for, and somebody has to be told
 * before its list ends. */
static void
look_at_imported(const struct doc *issuer)
{
	struct kept k = { .key = issuer_of(issuer)->key,
		.part = CRL_FULL,
		.elsewhere = true };

	kept_look(&k, pki_process.docs, issuer->scope, now_s());
	if (k.there)
		alarms_add(issuer->scope, issuer, &k);
}

static void
look_at_issuer(const struct doc *issuer, const struct round *ranges)
{
	int64_t expiry;

	if (crl_disabled(pki_process.docs, issuer->scope))
		return;
	if (issuer_of(issuer)->key_id[0] == '\0')
		look_at_imported(issuer);
	if (!crl_may_list(issuer_of(issuer)))
		return;
	expiry = crl_expiry(pki_process.docs, issuer->scope);
	look_at(issuer, CRL_FULL);
	if (crl_has_delta(pki_process.docs, issuer->scope))
		look_at(issuer, CRL_DELTA);
	for (size_t i = 0; i < ranges->n; i++) {
		const struct range *r = range_of(ranges->v[i]);

		if (strcmp(ranges->v[i]->scope, issuer->scope) != 0 ||
		    !same_key(ranges->v[i], issuer) ||
		    !range_lives(r, now_s(), expiry))
			continue;
		for (unsigned k = 0; k < r->n; k++)
			look_at(issuer, r->first + k);
	}
}

/* Partitions end, issuers and mounts go. */
static void
drop_gone(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct kept **at = &keeper.list[i], *k;
		     (k = *at) != NULL;) {
			if (k->flying || k->wanted ||
			    k->round == keeper.round) {
				at = &k->next;
				continue;
			}
			*at = k->next;
			mem_free(k);
		}
}

static void
look_at_all(void)
{
	struct round issuers = { 0 }, ranges = { 0 };

	keeper.round++;
	keeper.next_s = INT64_MAX;
	docs_each(pki_process.docs, "pki-issuer", NULL, hold, &issuers);
	docs_each(pki_process.docs, PARTITION_KIND, NULL, hold, &ranges);
	alarms_begin();
	for (size_t i = 0; i < issuers.n; i++)
		look_at_issuer(issuers.v[i], &ranges);
	alarms_end();
	release(&issuers);
	release(&ranges);
	drop_gone();
}

/* What is due when was reckoned by another clock. */
static void
forget_due(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct kept *k = keeper.list[i]; k != NULL; k = k->next)
			k->due_s = 0;
}

static bool
clock_jumped(void)
{
	int64_t wall = now_s(), mono = clock_mono_ns(), off;

	off = (wall - keeper.wall_s) - (mono - keeper.mono_ns) / NS_A_S;
	if (keeper.mono_ns == 0)
		off = 0;
	keeper.wall_s = wall;
	keeper.mono_ns = mono;
	return off > JUMP_S || off < -JUMP_S;
}

/* Lists are looked at, and alarms told, also while the signer is away. */
static void
tick(evutil_socket_t fd, short what, void *arg)
{
	bool up = lane_get_state(keeper.lane) == LANE_UP,
	     all = keeper.ticks++ % ROUND_TICKS == 0 ||
	    (up && !keeper.was_up) || now_s() >= keeper.next_s;

	(void)fd;
	(void)what;
	(void)arg;
	if (up && !keeper.was_up)
		recover();
	keeper.was_up = up;
	if (clock_jumped()) {
		forget_due();
		all = true;
	}
	wanted_take(take_one);
	if (all)
		look_at_all();
	alarms_tell(now_s());
	signer_alarms_tick(keeper.lane, all);
	pump();
}

void
crl_wanted_partitions(struct docs *d, const char *mount)
{
	int64_t expiry = crl_expiry(d, mount);
	struct round ranges = { 0 };

	docs_each(d, PARTITION_KIND, mount, hold, &ranges);
	for (size_t i = 0; i < ranges.n; i++) {
		const struct range *r = range_of(ranges.v[i]);

		if (!range_lives(r, now_s(), expiry))
			continue;
		for (unsigned k = 0; k < r->n; k++)
			crl_wanted(&r->key, r->first + k);
	}
	release(&ranges);
}

void
crl_wanted_all(struct docs *d, const char *mount)
{
	struct round issuers = { 0 };

	docs_each(d, "pki-issuer", mount, hold, &issuers);
	for (size_t i = 0; i < issuers.n; i++)
		if (crl_may_list(issuer_of(issuers.v[i])))
			crl_wanted(&issuer_of(issuers.v[i])->key, CRL_FULL);
	release(&issuers);
	crl_wanted_partitions(d, mount);
}

void
keeper_start(struct event_base *base, struct lane *lane)
{
	keeper.lane = lane;
	keeper.timer = process_timer(base, 1000, tick);
	keeper.rested = evtimer_new(base, rested, NULL);
	if (keeper.rested == NULL)
		fatal("no timer");
	wanted_open(base, woken);
}

void
keeper_stop(void)
{
	struct kept *k;

	if (keeper.timer != NULL)
		event_free(keeper.timer);
	if (keeper.rested != NULL)
		event_free(keeper.rested);
	wanted_close();
	for (size_t i = 0; i < BUCKETS; i++)
		while ((k = keeper.list[i]) != NULL) {
			keeper.list[i] = k->next;
			mem_free(k);
		}
	keeper = (struct keeper){ 0 };
	alarms_stop();
}
