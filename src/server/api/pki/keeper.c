/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer of worker 0: every list of revoked certificates is renewed well before its
 * nextUpdate, whatever auto_rebuild says, and once a second those that revocations asked for,
 * many at once. One list of a key is on its way at a time.
 */
#include <pthread.h>
#include <stdlib.h>

#include <event2/event.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/base/text.h>

#include "process.h"

/* A list is renewed when a third of its period is left. */
#define LEFT_PART 3
/* A long list costs the signer's time: one in as many seconds as it has ten thousands of
 * entries. */
#define ENTRIES_A_SECOND 10000

static struct keeper {
	struct event *timer;
	struct lane *lane;
	unsigned ticks;
	struct key_state {
		struct sha256 key;
		bool flying;
		int64_t not_before_s; /* after a failure */
		unsigned failures;
	} * keys;
	size_t n, cap;
} keeper;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sha256 *wanted;
static size_t wanted_n, wanted_cap;

void
crl_wanted(const struct sha256 *key)
{
	(void)pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < wanted_n; i++)
		if (memcmp(wanted[i].b, key->b, SHA256_LEN) == 0) {
			(void)pthread_mutex_unlock(&mutex);
			return;
		}
	wanted = mem_grow(wanted, wanted_n, &wanted_cap, sizeof(wanted[0]));
	wanted[wanted_n++] = *key;
	(void)pthread_mutex_unlock(&mutex);
}

static bool
take_wanted(const struct sha256 *key)
{
	bool found = false;

	(void)pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < wanted_n && !found; i++)
		if (memcmp(wanted[i].b, key->b, SHA256_LEN) == 0) {
			wanted[i] = wanted[--wanted_n];
			found = true;
		}
	(void)pthread_mutex_unlock(&mutex);
	return found;
}

static size_t
state_of(const struct sha256 *key)
{
	for (size_t i = 0; i < keeper.n; i++)
		if (memcmp(keeper.keys[i].key.b, key->b, SHA256_LEN) == 0)
			return i;
	keeper.keys = mem_grow(keeper.keys, keeper.n, &keeper.cap,
	    sizeof(keeper.keys[0]));
	keeper.keys[keeper.n] = (struct key_state){ .key = *key };
	return keeper.n++;
}

static int64_t
now_s(void)
{
	return clock_wall_ms(pki_process.clock) / 1000;
}

/* ---- one list -------------------------------------------------------------------- */

/* A failed one is tried again after 1, 2, 4 … 64 s. */
static void
done(void *arg, const struct lane_reply *r)
{
	struct sha256 *key = arg;
	struct key_state *s = &keeper.keys[state_of(key)];
	char hex[2 * SHA256_LEN + 1];

	s->flying = false;
	if (r->ok) {
		s->failures = 0;
		s->not_before_s =
		    now_s() + (int64_t)(r->entries / ENTRIES_A_SECOND);
	} else {
		hex_encode(sha256_bytes(key), hex);
		log_line(LOG_LEVEL_WARNING,
		    "list of revoked certificates of key %.16s: %s", hex,
		    r->err.msg);
		s->not_before_s =
		    now_s() + (1 << (s->failures < 6 ? s->failures++ : 6));
		crl_wanted(key);
	}
	mem_free(key);
}

static bool
is_due(struct docs *d, const char *mount, const struct issuer *i)
{
	struct crl_file f;
	struct lane_crl req;
	int64_t left, period;

	if (!crl_open(&i->key, &f))
		return true;
	(void)close(f.fd);
	crl_request(d, mount, i, &req);
	period = f.next_s - f.this_s;
	left = period / LEFT_PART;
	/* The configured period may be shorter than that of the list. */
	return now_s() >= f.next_s - left || now_s() >= f.this_s + req.period_s;
}

static bool
may_sign(const struct issuer *i)
{
	return i->key_id[0] != '\0' && (i->usage & USAGE_CRL) != 0 &&
	    (i->cert.tbs.key_usage == 0 ||
		(i->cert.tbs.key_usage & KU_CRL_SIGN) != 0);
}

static void
ask(const char *mount, const struct issuer *i)
{
	struct lane_claim claim = { .who = "server" };
	auto_mem char *why = mem_printf("%s/crl", mount);
	struct lane_crl req;

	claim.why = why;
	random_bytes(claim.id, sizeof(claim.id));
	crl_request(pki_process.docs, mount, i, &req);
	lane_sign_crl(keeper.lane, &req, &claim, done,
	    mem_dup(&i->key, sizeof(i->key)));
}

static void
look_at(const char *mount, const struct issuer *i, bool all)
{
	size_t at = state_of(&i->key);

	if (!may_sign(i) || keeper.keys[at].flying ||
	    now_s() < keeper.keys[at].not_before_s)
		return;
	if (!take_wanted(&i->key) &&
	    !(all && is_due(pki_process.docs, mount, i)))
		return;
	keeper.keys[at].flying = true;
	ask(mount, i);
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

static bool
anything_wanted(void)
{
	bool any;

	(void)pthread_mutex_lock(&mutex);
	any = wanted_n > 0;
	(void)pthread_mutex_unlock(&mutex);
	return any;
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct round r = { 0 };
	bool all = keeper.ticks++ % 16 == 0;

	(void)fd;
	(void)what;
	(void)arg;
	if ((!all && !anything_wanted()) ||
	    lane_get_state(keeper.lane) != LANE_UP)
		return;
	docs_each(pki_process.docs, "pki-issuer", NULL, hold, &r);
	for (size_t i = 0; i < r.n; i++) {
		look_at(r.v[i]->scope, issuer_of(r.v[i]), all);
		docs_put(r.v[i]);
	}
	mem_free(r.v);
}

void
keeper_start(struct event_base *base, struct lane *lane)
{
	const struct timeval second = { .tv_sec = 1 };

	keeper.lane = lane;
	keeper.timer = event_new(base, -1, EV_PERSIST, tick, NULL);
	if (keeper.timer == NULL || event_add(keeper.timer, &second) != 0)
		fatal("no timer");
}

void
keeper_stop(void)
{
	if (keeper.timer != NULL)
		event_free(keeper.timer);
	mem_free(keeper.keys);
	mem_free(wanted);
	keeper = (struct keeper){ 0 };
	wanted = NULL;
	wanted_n = wanted_cap = 0;
}
