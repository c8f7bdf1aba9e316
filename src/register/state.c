/* SPDX-License-Identifier: Apache-2.0 */

/* The containers of the state; the rules are in rules.c. */
#include <assert.h>
#include <stdio.h>

#include <chancery/base/cleanup.h>

#include "state_internal.h"

struct reg_state *
reg_state_new(void)
{
	struct reg_state *s = mem_calloc(1, sizeof(*s));

	for (size_t i = 0; i < SETTLED_RING; i++)
		s->settled[i] = UINT64_MAX;
	return s;
}

void
state_key_free_names(struct state_key *k)
{
	void *p;

	for (size_t i = 0; i < k->names_n; i++) {
		memcpy(&p, &k->names[i].p, sizeof(p));
		mem_free(p);
	}
	mem_free(k->names);
}

static void
key_free(struct state_key *k)
{
	void *p;

	/* The public struct lends its bytes out as const. */
	memcpy(&p, &k->spki.p, sizeof(p));
	mem_free(p);
	memcpy(&p, &k->charter.p, sizeof(p));
	mem_free(p);
	state_key_free_names(k);
	mem_free(k);
}

static void
request_clear(struct state_request *q)
{
	for (size_t i = 0; i < q->approvals; i++)
		mem_free(q->custodian[i]);
	mem_free(q->custodian);
}

static void
import_clear(struct state_import *i)
{
	mem_free(i->origin);
	mem_free(i->vkey);
	mem_free(i->mount);
}

void
reg_state_free(struct reg_state *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->vkeys_n; i++)
		mem_free(s->vkeys[i].vkey);
	for (size_t i = 0; i < s->keys_n; i++)
		key_free(s->keys[i]);
	for (size_t i = 0; i < s->crls_n; i++)
		mem_free(s->crls[i]);
	for (size_t i = 0; i < s->open_n; i++)
		mem_free(s->open[i].more);
	for (size_t i = 0; i < s->requests_n; i++)
		request_clear(&s->requests[i]);
	for (size_t i = 0; i < s->imports_n; i++)
		import_clear(&s->imports[i]);
	for (size_t i = 0; i < s->shards_n; i++)
		revoked_shard_free(s->shards[i]);
	mem_free(s->imports);
	mem_free(s->origin);
	mem_free(s->vkeys);
	mem_free(s->keys);
	mem_free(s->by_hash);
	mem_free(s->crls);
	mem_free(s->open);
	mem_free(s->requests);
	mem_free(s->shards);
	mem_free(s);
}

/* ---- keys ------------------------------------------------------------- */

/* Where `key` stands in by_hash, or would. */
static size_t
key_seek(const struct reg_state *s, const struct sha256 *key, bool *found)
{
	size_t lo = 0, hi = s->keys_n, mid;
	int c;

	*found = false;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = memcmp(&s->keys[s->by_hash[mid]]->key, key, sizeof(*key));
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct state_key *
state_key_add(struct reg_state *s, const struct sha256 *key, struct bytes spki)
{
	struct state_key *k;
	bool found;
	size_t at = key_seek(s, key, &found);

	assert(!found);
	s->keys = mem_grow(s->keys, s->keys_n, &s->keys_cap,
	    sizeof(struct state_key *));
	s->by_hash = mem_grow(s->by_hash, s->keys_n, &s->by_hash_cap,
	    sizeof(*s->by_hash));
	memmove(s->by_hash + at + 1, s->by_hash + at,
	    (s->keys_n - at) * sizeof(*s->by_hash));
	s->by_hash[at] = s->keys_n;
	k = mem_calloc(1, sizeof(*k));
	k->key = *key;
	k->spki = bytes_of(mem_dup(spki.p, spki.n), spki.n);
	s->keys[s->keys_n++] = k;
	return k;
}

struct state_key *
state_key_find(const struct reg_state *s, const struct sha256 *key)
{
	bool found;
	size_t at = key_seek(s, key, &found);

	return found ? s->keys[s->by_hash[at]] : NULL;
}

const struct state_key *
reg_state_key(const struct reg_state *s, const struct sha256 *key)
{
	return state_key_find(s, key);
}

const struct state_key *
reg_state_key_at(const struct reg_state *s, size_t i)
{
	return i < s->keys_n ? s->keys[i] : NULL;
}

bool
state_key_has_name(const struct state_key *k, struct bytes name)
{
	for (size_t i = 0; i < k->names_n; i++)
		if (bytes_eq(k->names[i], name))
			return true;
	return false;
}

void
state_key_add_name(struct state_key *k, struct bytes name)
{
	if (state_key_has_name(k, name))
		return;
	k->names =
	    mem_grow(k->names, k->names_n, &k->names_cap, sizeof(*k->names));
	k->names[k->names_n++] = bytes_of(mem_dup(name.p, name.n), name.n);
}

uint64_t
reg_state_self_open(const struct reg_state *s, const struct sha256 *key)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->open_n; i++)
		n += s->open[i].self &&
		    memcmp(&s->open[i].pub.key, key, sizeof(*key)) == 0;
	return n;
}

size_t
reg_state_keys(const struct reg_state *s)
{
	return s->keys_n;
}

/* ---- CRLs ------------------------------------------------------------- */

struct state_crl *
state_crl_add(struct reg_state *s, const struct sha256 *key, const char *scope)
{
	struct state_crl *c = mem_calloc(1, sizeof(*c));

	s->crls = mem_grow(s->crls, s->crls_n, &s->crls_cap,
	    sizeof(struct state_crl *));
	c->key = *key;
	(void)snprintf(c->scope, sizeof(c->scope), "%s", scope);
	s->crls[s->crls_n++] = c;
	return c;
}

struct state_crl *
state_crl_find(const struct reg_state *s, const struct sha256 *key,
    const char *scope)
{
	for (size_t i = 0; i < s->crls_n; i++)
		if (memcmp(&s->crls[i]->key, key, sizeof(*key)) == 0 &&
		    strcmp(s->crls[i]->scope, scope) == 0)
			return s->crls[i];
	return NULL;
}

const struct state_crl *
reg_state_crl(const struct reg_state *s, const struct sha256 *key,
    const char *scope)
{
	return state_crl_find(s, key, scope);
}

/* Full lists, their deltas, and the sealed ones of kits, which may once be published in the
 * place of full ones: one row of numbers. */
static bool
is_full_series(const char *scope)
{
	return strcmp(scope, "full") == 0 || strcmp(scope, "delta") == 0 ||
	    strcmp(scope, "kit") == 0 || strncmp(scope, "kit:", 4) == 0;
}

bool
reg_state_crl_number(const struct reg_state *s, const struct sha256 *key,
    const char *scope, uint64_t *out)
{
	bool series = is_full_series(scope), found = false;

	*out = 0;
	for (size_t i = 0; i < s->crls_n; i++) {
		const struct state_crl *c = s->crls[i];

		if (memcmp(&c->key, key, sizeof(*key)) != 0 ||
		    !(series ? is_full_series(c->scope)
			     : strcmp(c->scope, scope) == 0))
			continue;
		*out = c->number > *out ? c->number : *out;
		found = true;
	}
	return found;
}

const struct state_crl *
reg_state_crl_at(const struct reg_state *s, size_t i)
{
	return i < s->crls_n ? s->crls[i] : NULL;
}

size_t
reg_state_crls(const struct reg_state *s)
{
	return s->crls_n;
}

/* ---- open intents ----------------------------------------------------- */

struct open_intent *
state_open_add(struct reg_state *s, uint64_t n, enum record_type type)
{
	struct open_intent *o;

	s->open = mem_grow(s->open, s->open_n, &s->open_cap, sizeof(*s->open));
	o = &s->open[s->open_n++];
	memset(o, 0, sizeof(*o));
	o->pub.n = n;
	o->pub.type = type;
	return o;
}

const struct state_intent *
reg_state_open_at(const struct reg_state *s, size_t i)
{
	return i < s->open_n ? &s->open[i].pub : NULL;
}

size_t
reg_state_open_count(const struct reg_state *s)
{
	return s->open_n;
}

/* ---- the rest --------------------------------------------------------- */

struct state_request *
state_request_add(struct reg_state *s, uint64_t n)
{
	struct state_request *q;

	s->requests = mem_grow(s->requests, s->requests_n, &s->requests_cap,
	    sizeof(*s->requests));
	q = &s->requests[s->requests_n++];
	memset(q, 0, sizeof(*q));
	q->n = n;
	return q;
}

void
state_request_approve(struct state_request *q, struct bytes custodian)
{
	q->custodian = mem_grow(q->custodian, q->approvals, &q->approvals_cap,
	    sizeof(*q->custodian));
	q->custodian[q->approvals++] =
	    mem_printf("%.*s", (int)custodian.n, (const char *)custodian.p);
}

void
state_vkey_add(struct reg_state *s, uint64_t from, struct bytes vkey)
{
	s->vkeys =
	    mem_grow(s->vkeys, s->vkeys_n, &s->vkeys_cap, sizeof(*s->vkeys));
	s->vkeys[s->vkeys_n++] = (struct state_vkey){ from,
		mem_printf("%.*s", (int)vkey.n, (const char *)vkey.p) };
}

const struct state_import *
reg_state_import(const struct reg_state *s, const char *origin)
{
	for (size_t i = 0; i < s->imports_n; i++)
		if (strcmp(s->imports[i].origin, origin) == 0)
			return &s->imports[i];
	return NULL;
}

const struct state_import *
reg_state_import_at(const struct reg_state *s, size_t i)
{
	return i < s->imports_n ? &s->imports[i] : NULL;
}

struct state_import *
state_import_take(struct reg_state *s, struct bytes origin)
{
	for (size_t i = 0; i < s->imports_n; i++)
		if (bytes_eq(origin, bytes_str(s->imports[i].origin)))
			return &s->imports[i];
	s->imports = mem_grow(s->imports, s->imports_n, &s->imports_cap,
	    sizeof(*s->imports));
	s->imports[s->imports_n] =
	    (struct state_import){ .origin = mem_printf("%.*s", (int)origin.n,
				       (const char *)origin.p) };
	return &s->imports[s->imports_n++];
}

const char *
reg_state_origin(const struct reg_state *s)
{
	return s->origin == NULL ? "" : s->origin;
}

const char *
reg_state_vkey(const struct reg_state *s)
{
	return s->vkeys_n == 0 ? "" : s->vkeys[s->vkeys_n - 1].vkey;
}

struct revoked_shard *
state_shard_add(struct reg_state *s, const struct sha256 *key)
{
	s->shards = mem_grow(s->shards, s->shards_n, &s->shards_cap,
	    sizeof(struct revoked_shard *));
	s->shards[s->shards_n] = revoked_shard_new(key);
	return s->shards[s->shards_n++];
}

struct revoked_shard *
state_shard_find(const struct reg_state *s, const struct sha256 *key)
{
	for (size_t i = 0; i < s->shards_n; i++)
		if (memcmp(&s->shards[i]->key, key, sizeof(*key)) == 0)
			return s->shards[i];
	return NULL;
}

bool
reg_state_revoked(const struct reg_state *s, const struct sha256 *key,
    const uint8_t serial[20], struct revoked_entry *out)
{
	const struct revoked_shard *shard = state_shard_find(s, key);

	return shard != NULL && revoked_shard_find(shard, serial, out);
}

uint64_t
reg_state_revoked_count(const struct reg_state *s, const struct sha256 *key)
{
	const struct revoked_shard *shard = state_shard_find(s, key);

	return shard == NULL ? 0 : revoked_shard_count(shard);
}
