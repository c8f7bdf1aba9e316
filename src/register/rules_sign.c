/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>

#include "rules.h"

/* ---- signatures ------------------------------------------------------- */

static bool
record_is(const struct record *r, const char *field, const char *text)
{
	return bytes_eq(record_get(r, field), bytes_str(text));
}

/* A list that its caller wrote stands in the record; ours follow from the records. */
static bool
crl_form_ok(const struct record *r, struct error *e)
{
	bool caller = record_is(r, "kind", "caller-crl");

	if (record_has(r, "crl") != (caller || record_is(r, "kind", "crl")))
		return rule_broken(e, r, "crl-fields",
		    "kind and CRL number do not agree");
	if (!record_has(r, "crl"))
		return true;
	if (record_has(r, "tbs") != caller ||
	    record_is(r, "scope", "caller") != caller)
		return rule_broken(e, r, "crl-fields",
		    "kind, scope and tbs do not agree");
	return record_has(r, "base") == record_is(r, "scope", "delta") ||
	    rule_broken(e, r, "crl-fields", "scope and base do not agree");
}

/* RFC 5280 5.2.4: a delta is told against the full list before it. */
static bool
crl_base_ok(const struct reg_state *s, const struct record *r,
    const struct sha256 *key, struct error *e)
{
	const struct state_crl *full;

	if (!record_has(r, "base"))
		return true;
	full = reg_state_crl(s, key, "full");
	return (full != NULL && full->intent != 0 &&
		   record_get_int(r, "base") == (int64_t)full->intent) ||
	    rule_broken(e, r, "crl-base", "is not the last full list");
}

static bool
intent_crl_ok(const struct reg_state *s, const struct record *r,
    struct error *e)
{
	char scope[sizeof(((struct state_crl *)NULL)->scope)];
	struct sha256 key;
	int64_t number = record_get_int(r, "crl");
	uint64_t before = 0;

	if (!record_has(r, "scope") || !record_has(r, "this") ||
	    !record_has(r, "next") || !record_has(r, "position"))
		return rule_broken(e, r, "crl-fields",
		    "a CRL needs scope, this, next and position");
	if (record_get_int(r, "position") < 0 ||
	    (uint64_t)record_get_int(r, "position") > r->n)
		return rule_broken(e, r, "crl-position", "lies in the future");
	if (!rule_fits(e, r, "scope", sizeof(scope)) ||
	    !record_get_hash(r, "key", &key))
		return false;
	rule_copy_text(scope, sizeof(scope), record_get(r, "scope"));
	if (number < 0 ||
	    (reg_state_crl_number(s, &key, scope, &before) &&
		(uint64_t)number <= before))
		return rule_broken(e, r, "crl-number-not-above",
		    "number %lld, already reserved: %llu", (long long)number,
		    (unsigned long long)before);
	return crl_base_ok(s, r, &key, e);
}

static bool
intent_ok(const struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes serial = record_get(r, "serial");
	struct sha256 want;

	if (!crl_form_ok(r, e))
		return false;
	if (serial.n > 20 ||
	    (serial.n > 0 && serial.p[0] >= 0x80 && serial.n == 20))
		return rule_broken(e, r, "serial-form",
		    "longer than 20 octets");
	if (record_has(r, "retry") && !rule_earlier(r, "retry"))
		return rule_broken(e, r, "retry-unknown",
		    "not an earlier record");
	if (record_has(r, "tbs")) {
		want = sha256(record_get(r, "tbs"));
		if (!bytes_eq(record_get(r, "sha256"), sha256_bytes(&want)))
			return rule_broken(e, r, "intent-hash",
			    "\"sha256\" is not the hash of \"tbs\"");
	}
	return !record_has(r, "crl") || intent_crl_ok(s, r, e);
}

static void
reserve_crl(struct reg_state *s, const struct record *r, struct open_intent *o)
{
	struct state_crl *c;
	struct intent_more *m = mem_calloc(1, sizeof(*m));

	rule_copy_text(m->scope, sizeof(m->scope), record_get(r, "scope"));
	m->number = (uint64_t)record_get_int(r, "crl");
	m->this_s = record_get_int(r, "this");
	m->next_s = record_get_int(r, "next");
	c = state_crl_find(s, &o->pub.key, m->scope);
	if (c == NULL)
		c = state_crl_add(s, &o->pub.key, m->scope);
	c->number = m->number;
	o->more = m;
}

/* Whose certificates and lists a key signs is known once the log has a CA
 * certificate over it: under another issuer name they would be somebody else's. */
static bool
issuer_ok(const struct record *r, const struct state_key *k,
    const struct tbs_fields *t, struct error *e)
{
	struct bytes issuer =
	    record_has(r, "crl") ? record_get(r, "issuer") : t->issuer;

	if (issuer.n == 0 || k->names_n == 0 || bytes_eq(t->spki, k->spki) ||
	    state_key_has_name(k, issuer))
		return true;
	return rule_broken(e, r, "issuer-other",
	    "the issuer is not the subject of a certificate over key \"%s\"",
	    k->label);
}

static bool
intent_count(const struct record *r, uint64_t *out, struct error *e)
{
	int64_t n = record_get_int(r, "entries");

	*out = 1;
	if (!record_has(r, "entries") || !record_is(r, "kind", "ocsp"))
		return true;
	if (n < 1 || n > LIMIT_OCSP_BATCH)
		return rule_broken(e, r, "ocsp-count", "%lld answers",
		    (long long)n);
	*out = (uint64_t)n;
	return true;
}

static void
count_signatures(struct state_key *k, uint64_t hour, uint64_t n)
{
	if (k->hour != hour)
		k->in_hour = 0;
	k->hour = hour;
	k->in_hour += n;
	k->signatures += n;
}

static void
learn_name(struct reg_state *s, const struct tbs_fields *t)
{
	struct sha256 id = sha256(t->spki);
	struct state_key *k = state_key_find(s, &id);

	if (k != NULL)
		state_key_add_name(k, t->subject);
}

bool
rule_intent(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = rule_live_key(s, r, e);
	uint64_t hour = (uint64_t)r->t_ms / 3600000, count;
	bool ca = record_is(r, "kind", "ca");
	bool cert = ca || record_is(r, "kind", "leaf");
	struct tbs_fields t;
	struct open_intent *o;

	if (k == NULL)
		return false;
	if (k->charter.n == 0)
		return rule_broken(e, r, "intent-without-charter", "key \"%s\"",
		    k->label);
	if (!cert || !tbs_read(record_get(r, "tbs"), &t))
		memset(&t, 0, sizeof(t));
	if (!intent_ok(s, r, e) || !intent_count(r, &count, e) ||
	    !issuer_ok(r, k, &t, e))
		return false;
	o = state_open_add(s, r->n, r->type);
	o->pub.key = k->key;
	o->hour = hour;
	o->count = count;
	s->open_wide += count > 1;
	o->self = ca && bytes_eq(t.spki, k->spki);
	if (record_has(r, "crl"))
		reserve_crl(s, r, o);
	if (ca && t.spki.n > 0)
		learn_name(s, &t);
	count_signatures(k, hour, count);
	return true;
}

bool
rule_signature(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = rule_find_open(s, r, REC_INTENT);
	struct state_crl *c;
	struct state_key *k;

	if (o == NULL)
		return rule_no_open(s, r, "signed-without-intent", e);
	if (record_get_int(r, "attempts") < 1)
		return rule_broken(e, r, "attempts", "a signature needs one");
	if (o->more != NULL) {
		c = state_crl_find(s, &o->pub.key, o->more->scope);
		if (c != NULL && o->pub.n >= c->intent) {
			c->this_s = o->more->this_s;
			c->next_s = o->more->next_s;
			c->intent = o->pub.n;
		}
	}
	k = state_key_find(s, &o->pub.key);
	if (k != NULL && o->self)
		k->self_signed++;
	rule_close_intent(s, o);
	return true;
}

bool
rule_failed(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = rule_find_open(s, r, REC_INTENT);
	struct state_key *k;

	if (o == NULL)
		return rule_no_open(s, r, "failed-without-intent", e);
	k = state_key_find(s, &o->pub.key);
	if (k != NULL) {
		k->signatures -= o->count;
		if (k->hour == o->hour)
			k->in_hour -= o->count;
	}
	rule_close_intent(s, o);
	return true;
}

bool
rule_assumed(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = rule_find_open(s, r, REC_INTENT);

	if (o == NULL)
		return rule_no_open(s, r, "assumed-without-intent", e);
	rule_close_intent(s, o);
	return true;
}

/* Right-aligned, whatever zeros a DER INTEGER had in front. */
static bool
revoked_serial(const struct record *r, uint8_t out[20], struct error *e)
{
	struct bytes serial = record_get(r, "serial");

	if (serial.n == 0)
		return rule_broken(e, r, "serial-form", "empty");
	for (; serial.n > 0 && serial.p[0] == 0; serial.n--)
		serial.p++;
	if (serial.n > 20)
		return rule_broken(e, r, "serial-form",
		    "longer than 20 octets");
	memset(out, 0, 20);
	if (serial.n > 0)
		memcpy(out + 20 - serial.n, serial.p, serial.n);
	return true;
}

static bool
revoked_entry(const struct record *r, struct revoked_entry *out,
    struct error *e)
{
	int64_t partition = record_get_int(r, "partition");

	if (!revoked_serial(r, out->serial, e))
		return false;
	if (!revoked_reason(record_get(r, "reason"), &out->reason))
		return rule_broken(e, r, "revoke-reason", "unknown reason");
	if (record_has(r, "cert") && !rule_earlier(r, "cert"))
		return rule_broken(e, r, "revoke-cert",
		    "not an earlier record");
	if (partition < 0 || partition > UINT32_MAX)
		return rule_broken(e, r, "revoke-partition", "out of range");
	out->date_s = record_get_int(r, "date");
	out->invalidity_s = record_get_int(r, "invalidity");
	out->not_after_s = record_get_int(r, "not_after");
	out->partition = (uint32_t)partition;
	out->index = r->n;
	return true;
}

/* A key that is gone may still have its certificates revoked, by the log that
 * issued them. */
bool
rule_revoked(struct reg_state *s, const struct record *r, struct error *e)
{
	const struct state_key *k = rule_find_key(s, r);
	struct revoked_shard *shard;
	struct revoked_entry entry = { .index = 0 }, old;

	if (k == NULL)
		return rule_broken(e, r, "key-unknown",
		    "no such key in this log");
	if (!revoked_entry(r, &entry, e))
		return false;
	shard = state_shard_find(s, &k->key);
	if (shard != NULL && revoked_shard_find(shard, entry.serial, &old))
		return rule_broken(e, r, "revoked-twice",
		    "already by record %llu", (unsigned long long)old.index);
	if (shard == NULL)
		shard = state_shard_add(s, &k->key);
	revoked_shard_add(shard, &entry);
	return true;
}
