/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>

#include "rules.h"

/* ---- keys ------------------------------------------------------------- */

struct state_key *
rule_find_key(const struct reg_state *s, const struct record *r)
{
	struct sha256 key;

	return record_get_hash(r, "key", &key) ? state_key_find(s, &key) : NULL;
}

/* Known, and neither destroyed nor in another log's hands. */
struct state_key *
rule_live_key(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = rule_find_key(s, r);

	if (k == NULL)
		(void)rule_broken(e, r,
		    r->type == REC_CHARTER ? "charter-without-key"
					   : "key-unknown",
		    "no such key in this log");
	else if (k->destroyed)
		(void)rule_broken(e, r, "key-destroyed", "key \"%s\"",
		    k->label);
	else if (k->released)
		(void)rule_broken(e, r, "key-released", "key \"%s\"", k->label);
	else
		return k;
	return NULL;
}

static bool
idle_key(const struct reg_state *s, const struct record *r,
    const struct state_key *k, struct error *e)
{
	for (size_t i = 0; i < s->open_n; i++)
		if (memcmp(&s->open[i].pub.key, &k->key, sizeof(k->key)) == 0)
			return rule_broken(e, r, "key-in-use",
			    "INTENT %llu is open",
			    (unsigned long long)s->open[i].pub.n);
	return true;
}

static bool
new_key_id(const struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes id = record_get(r, "id"), token = record_get(r, "token");
	const struct intent_more *m;
	const struct state_key *k;

	if (id.n == 0 || id.n > sizeof(k->id))
		return rule_broken(e, r, "key-id-length", "%zu octets", id.n);
	for (size_t i = 0; i < s->keys_n; i++) {
		k = s->keys[i];
		if (!k->destroyed && !k->released &&
		    bytes_eq(id, bytes_of(k->id, k->id_len)) &&
		    bytes_eq(token, bytes_str(k->token)))
			return rule_broken(e, r, "key-id-twice", "key \"%s\"",
			    k->label);
	}
	for (size_t i = 0; i < s->open_n; i++) {
		m = s->open[i].more;
		if (s->open[i].pub.type == REC_KEYGEN_INTENT &&
		    bytes_eq(id, bytes_of(m->id, m->id_len)) &&
		    bytes_eq(token, bytes_str(m->token)))
			return rule_broken(e, r, "key-id-twice",
			    "KEYGEN-INTENT %llu",
			    (unsigned long long)s->open[i].pub.n);
	}
	return true;
}

/* A key from outside is known before it is on the token. */
static bool
imported_once(const struct reg_state *s, const struct record *r,
    const struct sha256 *key, struct error *e)
{
	if (reg_state_key(s, key) != NULL)
		return rule_broken(e, r, "key-twice",
		    "the key is known already");
	for (size_t i = 0; i < s->open_n; i++)
		if (s->open[i].more != NULL && s->open[i].more->imported &&
		    memcmp(&s->open[i].pub.key, key, sizeof(*key)) == 0)
			return rule_broken(e, r, "import-twice",
			    "KEYGEN-INTENT %llu",
			    (unsigned long long)s->open[i].pub.n);
	return true;
}

bool
rule_keygen_intent(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes id = record_get(r, "id");
	struct sha256 from = { 0 };
	bool imported = record_get_hash(r, "imported", &from);
	struct intent_more *m;
	struct open_intent *o;

	if (!rule_fits(e, r, "label", sizeof(m->label)) ||
	    !rule_fits(e, r, "token", sizeof(m->token)) ||
	    !new_key_id(s, r, e) ||
	    (imported && !imported_once(s, r, &from, e)))
		return false;
	m = mem_calloc(1, sizeof(*m));
	rule_copy_text(m->label, sizeof(m->label), record_get(r, "label"));
	rule_copy_text(m->token, sizeof(m->token), record_get(r, "token"));
	memcpy(m->id, id.p, id.n);
	m->id_len = id.n;
	m->imported = imported;
	o = state_open_add(s, r->n, r->type);
	o->pub.key = from;
	o->more = m;
	return true;
}

struct open_intent *
rule_find_open(const struct reg_state *s, const struct record *r,
    enum record_type type)
{
	uint64_t n = (uint64_t)record_get_int(r, "intent");
	size_t lo = 0, hi = s->open_n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->open[mid].pub.n < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->open_n || s->open[lo].pub.n != n ||
	    s->open[lo].pub.type != type)
		return NULL;
	return &s->open[lo];
}

bool
rule_no_open(const struct reg_state *s, const struct record *r,
    const char *rule, struct error *e)
{
	uint64_t n = (uint64_t)record_get_int(r, "intent");

	for (size_t i = 0; i < SETTLED_RING; i++)
		if (s->settled[i] == n && n != UINT64_MAX)
			rule = "second-outcome";
	return rule_broken(e, r, rule, "record %lld is no open intent",
	    (long long)record_get_int(r, "intent"));
}

void
rule_close_intent(struct reg_state *s, struct open_intent *o)
{
	size_t at = (size_t)(o - s->open);

	s->settled[s->settled_at++ % SETTLED_RING] = o->pub.n;
	mem_free(o->more);
	s->open_wide -= o->count > 1;
	s->open_n--;
	memmove(o, o + 1, (s->open_n - at) * sizeof(*o));
}

static bool
key_hash_ok(const struct record *r, struct error *e)
{
	struct sha256 want = sha256(record_get(r, "spki"));

	if (bytes_eq(record_get(r, "key"), sha256_bytes(&want)))
		return true;
	return rule_broken(e, r, "key-hash",
	    "\"key\" is not the hash of \"spki\"");
}

bool
rule_keygen_done(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = rule_find_open(s, r, REC_KEYGEN_INTENT);
	struct state_key *k;
	struct sha256 key;

	if (o == NULL)
		return rule_no_open(s, r, "done-without-intent", e);
	if (!key_hash_ok(r, e))
		return false;
	if (rule_find_key(s, r) != NULL || !record_get_hash(r, "key", &key))
		return rule_broken(e, r, "key-twice",
		    "the key is known already");
	if (o->more->imported && memcmp(&o->pub.key, &key, sizeof(key)) != 0)
		return rule_broken(e, r, "imported-key",
		    "not the key of its KEYGEN-INTENT");
	k = state_key_add(s, &key, record_get(r, "spki"));
	memcpy(k->label, o->more->label, sizeof(k->label));
	memcpy(k->token, o->more->token, sizeof(k->token));
	memcpy(k->id, o->more->id, sizeof(k->id));
	k->id_len = o->more->id_len;
	k->imported = o->more->imported;
	k->made_index = r->n;
	rule_close_intent(s, o);
	return true;
}

bool
rule_keygen_failed(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = rule_find_open(s, r, REC_KEYGEN_INTENT);

	if (o == NULL)
		return rule_no_open(s, r, "failed-without-intent", e);
	rule_close_intent(s, o);
	return true;
}

bool
rule_custody(struct reg_state *s, const struct record *r, struct error *e)
{
	if (record_has(r, "key") && rule_find_key(s, r) == NULL)
		return rule_broken(e, r, "key-unknown",
		    "no such key in this log");
	return true;
}

bool
rule_adopt(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes id = record_get(r, "id");
	struct state_key *k = rule_find_key(s, r);
	struct sha256 key;

	if (!rule_fits(e, r, "label", sizeof(k->label)) ||
	    !rule_fits(e, r, "token", sizeof(k->token)) || !key_hash_ok(r, e))
		return false;
	if (k != NULL && (k->destroyed || !k->released))
		return rule_broken(e, r,
		    k->destroyed ? "key-destroyed" : "key-twice", "key \"%s\"",
		    k->label);
	if (!new_key_id(s, r, e) || !record_get_hash(r, "key", &key))
		return false;
	if (k == NULL)
		k = state_key_add(s, &key, record_get(r, "spki"));
	rule_copy_text(k->label, sizeof(k->label), record_get(r, "label"));
	rule_copy_text(k->token, sizeof(k->token), record_get(r, "token"));
	memset(k->id, 0, sizeof(k->id));
	memcpy(k->id, id.p, id.n);
	k->id_len = id.n;
	k->made_index = r->n;
	k->adopted = true;
	k->released = false;
	return true;
}

bool
rule_release(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = rule_live_key(s, r, e);

	if (k == NULL || !idle_key(s, r, k, e))
		return false;
	k->released = true;
	return true;
}

bool
rule_destroy(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = rule_live_key(s, r, e);

	if (k == NULL || !idle_key(s, r, k, e))
		return false;
	k->destroyed = true;
	return true;
}

bool
rule_charter(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = rule_live_key(s, r, e);
	struct bytes json = record_get(r, "charter");
	void *old;

	if (k == NULL)
		return false;
	memcpy(&old, &k->charter.p, sizeof(old));
	mem_free(old);
	k->charter = bytes_of(mem_dup(json.p, json.n), json.n);
	k->charter_index = r->n;
	return true;
}
