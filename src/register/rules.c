/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rules between records, by name. Each handler checks first and changes the
 * state last, so that a refused record leaves no trace.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "notes.h"
#include "state_internal.h"

typedef bool rule_fn(struct reg_state *s, const struct record *r,
    struct error *e);

static bool __attribute__((format(printf, 4, 5))) broken(struct error *e,
    const struct record *r, const char *rule, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(e, FAIL_CORRUPT, "record %llu (%s): rule %s: %s",
	    (unsigned long long)r->n, record_spec(r->type)->name, rule, text);
}

static bool
fits(struct error *e, const struct record *r, const char *field, size_t size)
{
	if (record_get(r, field).n < size)
		return true;
	return broken(e, r, "text-too-long", "\"%s\" has %zu octets", field,
	    record_get(r, field).n);
}

static void
copy_text(char *out, size_t size, struct bytes text)
{
	assert(text.n < size);
	if (text.n > 0)
		memcpy(out, text.p, text.n);
	memset(out + text.n, 0, size - text.n);
}

static bool
earlier(const struct record *r, const char *field)
{
	int64_t v = record_get_int(r, field);

	return v >= 0 && (uint64_t)v < r->n;
}

/* ---- the log itself --------------------------------------------------- */

static bool
log_open(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes origin = record_get(r, "origin");

	if (r->n != 0)
		return broken(e, r, "log-open-twice",
		    "only the first record opens a log");
	if (origin.n == 0 || origin.n > 255)
		return broken(e, r, "text-too-long", "\"origin\"");
	s->origin = mem_printf("%.*s", (int)origin.n, (const char *)origin.p);
	state_vkey_add(s, 0, record_get(r, "vkey"));
	return true;
}

static bool
snapshot(struct reg_state *s, const struct record *r, struct error *e)
{
	int64_t segment = record_get_int(r, "segment");

	if (segment <= 0 || (uint64_t)segment <= s->segment)
		return broken(e, r, "snapshot-order",
		    "segment %lld does not follow %llu", (long long)segment,
		    (unsigned long long)s->segment);
	s->segment = (uint64_t)segment;
	return true;
}

static bool
clock_cleared(struct reg_state *s, const struct record *r, struct error *e)
{
	int64_t from = record_get_int(r, "from"), to = record_get_int(r, "to");

	if (from != s->floor_ms / 1000)
		return broken(e, r, "clock-from",
		    "\"from\" is not the time of the record before");
	if (to >= from)
		return broken(e, r, "clock-not-back",
		    "\"to\" is not before \"from\"");
	return true; /* reg_state_apply lowers the floor */
}

/* What the old log key signs (record.h, LOG-KEY). A log that was born without a
 * key takes its first one unsigned. */
static bool
log_key_signed(const struct reg_state *s, const struct record *r)
{
	auto_buf struct buf text = { 0 };
	struct bytes sig = record_get(r, "sig"), vkey = record_get(r, "new");
	struct note_key old;
	struct error e;

	if (reg_state_vkey(s)[0] == '\0')
		return sig.n == 0;
	buf_addf(&text, "chancery log key\n%s\n", reg_state_origin(s));
	buf_add_bytes(&text, vkey);
	buf_add_byte(&text, '\n');
	return sig.n == 64 && note_vkey_parse(reg_state_vkey(s), &old, &e) &&
	    ed25519_verify(old.pub, buf_bytes(&text), sig.p);
}

static bool
log_key(struct reg_state *s, const struct record *r, struct error *e)
{
	auto_buf struct buf vkey = { 0 };
	struct note_key key;

	if (!bytes_eq(record_get(r, "old"), bytes_str(reg_state_vkey(s))))
		return broken(e, r, "log-key-old",
		    "\"old\" is not the log key");
	buf_add_bytes(&vkey, record_get(r, "new"));
	if (!note_vkey_parse(buf_cstr(&vkey), &key, e))
		return broken(e, r, "log-key-new", "not a verifier key");
	if (!log_key_signed(s, r))
		return broken(e, r, "log-key-signature",
		    "not signed by the old key");
	state_vkey_add(s, r->n, record_get(r, "new"));
	return true;
}

static bool
pruned(struct reg_state *s unused_arg, const struct record *r, struct error *e)
{
	if (record_get_int(r, "from") < 0 ||
	    record_get_int(r, "from") >= record_get_int(r, "to") ||
	    !earlier(r, "to"))
		return broken(e, r, "pruned-range", "not an earlier range");
	return true;
}

/* ---- keys ------------------------------------------------------------- */

static struct state_key *
find_key(const struct reg_state *s, const struct record *r)
{
	struct sha256 key;

	return record_get_hash(r, "key", &key) ? state_key_find(s, &key) : NULL;
}

/* Known, and neither destroyed nor in another log's hands. */
static struct state_key *
live_key(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = find_key(s, r);

	if (k == NULL)
		(void)broken(e, r,
		    r->type == REC_CHARTER ? "charter-without-key"
					   : "key-unknown",
		    "no such key in this log");
	else if (k->destroyed)
		(void)broken(e, r, "key-destroyed", "key \"%s\"", k->label);
	else if (k->released)
		(void)broken(e, r, "key-released", "key \"%s\"", k->label);
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
			return broken(e, r, "key-in-use", "INTENT %llu is open",
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
		return broken(e, r, "key-id-length", "%zu octets", id.n);
	for (size_t i = 0; i < s->keys_n; i++) {
		k = s->keys[i];
		if (!k->destroyed && !k->released &&
		    bytes_eq(id, bytes_of(k->id, k->id_len)) &&
		    bytes_eq(token, bytes_str(k->token)))
			return broken(e, r, "key-id-twice", "key \"%s\"",
			    k->label);
	}
	for (size_t i = 0; i < s->open_n; i++) {
		m = s->open[i].more;
		if (s->open[i].pub.type == REC_KEYGEN_INTENT &&
		    bytes_eq(id, bytes_of(m->id, m->id_len)) &&
		    bytes_eq(token, bytes_str(m->token)))
			return broken(e, r, "key-id-twice",
			    "KEYGEN-INTENT %llu",
			    (unsigned long long)s->open[i].pub.n);
	}
	return true;
}

static bool
keygen_intent(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes id = record_get(r, "id");
	struct intent_more *m;
	struct open_intent *o;

	if (!fits(e, r, "label", sizeof(m->label)) ||
	    !fits(e, r, "token", sizeof(m->token)) || !new_key_id(s, r, e))
		return false;
	m = mem_calloc(1, sizeof(*m));
	copy_text(m->label, sizeof(m->label), record_get(r, "label"));
	copy_text(m->token, sizeof(m->token), record_get(r, "token"));
	memcpy(m->id, id.p, id.n);
	m->id_len = id.n;
	o = state_open_add(s, r->n, r->type);
	o->more = m;
	return true;
}

static struct open_intent *
find_open(const struct reg_state *s, const struct record *r,
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

static bool
no_open(const struct reg_state *s, const struct record *r, const char *rule,
    struct error *e)
{
	uint64_t n = (uint64_t)record_get_int(r, "intent");

	for (size_t i = 0; i < SETTLED_RING; i++)
		if (s->settled[i] == n && n != UINT64_MAX)
			rule = "second-outcome";
	return broken(e, r, rule, "record %lld is no open intent",
	    (long long)record_get_int(r, "intent"));
}

static void
close_intent(struct reg_state *s, struct open_intent *o)
{
	size_t at = (size_t)(o - s->open);

	s->settled[s->settled_at++ % SETTLED_RING] = o->pub.n;
	mem_free(o->more);
	s->open_n--;
	memmove(o, o + 1, (s->open_n - at) * sizeof(*o));
}

static bool
key_hash_ok(const struct record *r, struct error *e)
{
	struct sha256 want = sha256(record_get(r, "spki"));

	if (bytes_eq(record_get(r, "key"), sha256_bytes(&want)))
		return true;
	return broken(e, r, "key-hash", "\"key\" is not the hash of \"spki\"");
}

static bool
keygen_done(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = find_open(s, r, REC_KEYGEN_INTENT);
	struct state_key *k;
	struct sha256 key;

	if (o == NULL)
		return no_open(s, r, "done-without-intent", e);
	if (!key_hash_ok(r, e))
		return false;
	if (find_key(s, r) != NULL || !record_get_hash(r, "key", &key))
		return broken(e, r, "key-twice", "the key is known already");
	k = state_key_add(s, &key, record_get(r, "spki"));
	memcpy(k->label, o->more->label, sizeof(k->label));
	memcpy(k->token, o->more->token, sizeof(k->token));
	memcpy(k->id, o->more->id, sizeof(k->id));
	k->id_len = o->more->id_len;
	k->made_index = r->n;
	close_intent(s, o);
	return true;
}

static bool
keygen_failed(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = find_open(s, r, REC_KEYGEN_INTENT);

	if (o == NULL)
		return no_open(s, r, "failed-without-intent", e);
	close_intent(s, o);
	return true;
}

static bool
custody(struct reg_state *s, const struct record *r, struct error *e)
{
	if (record_has(r, "key") && find_key(s, r) == NULL)
		return broken(e, r, "key-unknown", "no such key in this log");
	return true;
}

static bool
adopt(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes id = record_get(r, "id");
	struct state_key *k = find_key(s, r);
	struct sha256 key;

	if (!fits(e, r, "label", sizeof(k->label)) ||
	    !fits(e, r, "token", sizeof(k->token)) || !key_hash_ok(r, e))
		return false;
	if (k != NULL && (k->destroyed || !k->released))
		return broken(e, r,
		    k->destroyed ? "key-destroyed" : "key-twice", "key \"%s\"",
		    k->label);
	if (!new_key_id(s, r, e) || !record_get_hash(r, "key", &key))
		return false;
	if (k == NULL)
		k = state_key_add(s, &key, record_get(r, "spki"));
	copy_text(k->label, sizeof(k->label), record_get(r, "label"));
	copy_text(k->token, sizeof(k->token), record_get(r, "token"));
	memset(k->id, 0, sizeof(k->id));
	memcpy(k->id, id.p, id.n);
	k->id_len = id.n;
	k->made_index = r->n;
	k->adopted = true;
	k->released = false;
	return true;
}

static bool
release(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = live_key(s, r, e);

	if (k == NULL || !idle_key(s, r, k, e))
		return false;
	k->released = true;
	return true;
}

static bool
destroy(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = live_key(s, r, e);

	if (k == NULL || !idle_key(s, r, k, e))
		return false;
	k->destroyed = true;
	return true;
}

static bool
charter(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = live_key(s, r, e);
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

/* ---- signatures ------------------------------------------------------- */

static bool
intent_crl_ok(const struct reg_state *s, const struct record *r,
    struct error *e)
{
	const struct state_crl *c;
	char scope[sizeof(c->scope)];
	struct sha256 key;
	int64_t number = record_get_int(r, "crl");

	if (!record_has(r, "scope") || !record_has(r, "this") ||
	    !record_has(r, "next") || !record_has(r, "position"))
		return broken(e, r, "crl-fields",
		    "a CRL needs scope, this, next and position");
	if (record_get_int(r, "position") < 0 ||
	    (uint64_t)record_get_int(r, "position") > r->n)
		return broken(e, r, "crl-position", "lies in the future");
	if (!fits(e, r, "scope", sizeof(scope)) ||
	    !record_get_hash(r, "key", &key))
		return false;
	copy_text(scope, sizeof(scope), record_get(r, "scope"));
	c = reg_state_crl(s, &key, scope);
	if (number < 0 || (c != NULL && (uint64_t)number <= c->number))
		return broken(e, r, "crl-number-not-above",
		    "number %lld, already reserved: %llu", (long long)number,
		    (unsigned long long)(c == NULL ? 0 : c->number));
	return true;
}

static bool
intent_ok(const struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes serial = record_get(r, "serial");
	struct sha256 want;

	if (record_has(r, "crl") !=
	    bytes_eq(record_get(r, "kind"), bytes_str("crl")))
		return broken(e, r, "crl-fields",
		    "kind and CRL number do not agree");
	if (serial.n > 20 ||
	    (serial.n > 0 && serial.p[0] >= 0x80 && serial.n == 20))
		return broken(e, r, "serial-form", "longer than 20 octets");
	if (record_has(r, "retry") && !earlier(r, "retry"))
		return broken(e, r, "retry-unknown", "not an earlier record");
	if (record_has(r, "tbs")) {
		want = sha256(record_get(r, "tbs"));
		if (!bytes_eq(record_get(r, "sha256"), sha256_bytes(&want)))
			return broken(e, r, "intent-hash",
			    "\"sha256\" is not the hash of \"tbs\"");
	}
	return !record_has(r, "crl") || intent_crl_ok(s, r, e);
}

static void
reserve_crl(struct reg_state *s, const struct record *r, struct open_intent *o)
{
	struct state_crl *c;
	struct intent_more *m = mem_calloc(1, sizeof(*m));

	copy_text(m->scope, sizeof(m->scope), record_get(r, "scope"));
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
	return broken(e, r, "issuer-other",
	    "the issuer is not the subject of a certificate over key \"%s\"",
	    k->label);
}

static bool
intent_count(const struct record *r, uint64_t *out, struct error *e)
{
	int64_t n = record_get_int(r, "entries");

	*out = 1;
	if (!record_has(r, "entries") ||
	    !bytes_eq(record_get(r, "kind"), bytes_str("ocsp")))
		return true;
	if (n < 1 || n > LIMIT_OCSP_BATCH)
		return broken(e, r, "ocsp-count", "%lld answers", (long long)n);
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

static bool
intent(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_key *k = live_key(s, r, e);
	uint64_t hour = (uint64_t)r->t_ms / 3600000, count;
	bool ca = bytes_eq(record_get(r, "kind"), bytes_str("ca"));
	bool cert = ca || bytes_eq(record_get(r, "kind"), bytes_str("leaf"));
	struct tbs_fields t;
	struct open_intent *o;

	if (k == NULL)
		return false;
	if (k->charter.n == 0)
		return broken(e, r, "intent-without-charter", "key \"%s\"",
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
	o->self = ca && bytes_eq(t.spki, k->spki);
	if (record_has(r, "crl"))
		reserve_crl(s, r, o);
	if (ca && t.spki.n > 0)
		learn_name(s, &t);
	count_signatures(k, hour, count);
	return true;
}

static bool
signature(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = find_open(s, r, REC_INTENT);
	struct state_crl *c;
	struct state_key *k;

	if (o == NULL)
		return no_open(s, r, "signed-without-intent", e);
	if (record_get_int(r, "attempts") < 1)
		return broken(e, r, "attempts", "a signature needs one");
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
	close_intent(s, o);
	return true;
}

static bool
failed(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = find_open(s, r, REC_INTENT);
	struct state_key *k;

	if (o == NULL)
		return no_open(s, r, "failed-without-intent", e);
	k = state_key_find(s, &o->pub.key);
	if (k != NULL) {
		k->signatures -= o->count;
		if (k->hour == o->hour)
			k->in_hour -= o->count;
	}
	close_intent(s, o);
	return true;
}

static bool
assumed(struct reg_state *s, const struct record *r, struct error *e)
{
	struct open_intent *o = find_open(s, r, REC_INTENT);

	if (o == NULL)
		return no_open(s, r, "assumed-without-intent", e);
	close_intent(s, o);
	return true;
}

/* Right-aligned, whatever zeros a DER INTEGER had in front. */
static bool
revoked_serial(const struct record *r, uint8_t out[20], struct error *e)
{
	struct bytes serial = record_get(r, "serial");

	if (serial.n == 0)
		return broken(e, r, "serial-form", "empty");
	for (; serial.n > 0 && serial.p[0] == 0; serial.n--)
		serial.p++;
	if (serial.n > 20)
		return broken(e, r, "serial-form", "longer than 20 octets");
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
		return broken(e, r, "revoke-reason", "unknown reason");
	if (record_has(r, "cert") && !earlier(r, "cert"))
		return broken(e, r, "revoke-cert", "not an earlier record");
	if (partition < 0 || partition > UINT32_MAX)
		return broken(e, r, "revoke-partition", "out of range");
	out->date_s = record_get_int(r, "date");
	out->invalidity_s = record_get_int(r, "invalidity");
	out->not_after_s = record_get_int(r, "not_after");
	out->partition = (uint32_t)partition;
	out->index = r->n;
	return true;
}

/* A key that is gone may still have its certificates revoked, by the log that
 * issued them. */
static bool
revoked(struct reg_state *s, const struct record *r, struct error *e)
{
	const struct state_key *k = find_key(s, r);
	struct revoked_shard *shard;
	struct revoked_entry entry = { .index = 0 }, old;

	if (k == NULL)
		return broken(e, r, "key-unknown", "no such key in this log");
	if (!revoked_entry(r, &entry, e))
		return false;
	shard = state_shard_find(s, &k->key);
	if (shard != NULL && revoked_shard_find(shard, entry.serial, &old))
		return broken(e, r, "revoked-twice", "already by record %llu",
		    (unsigned long long)old.index);
	if (shard == NULL)
		shard = state_shard_add(s, &k->key);
	revoked_shard_add(shard, &entry);
	return true;
}

/* ---- approvals -------------------------------------------------------- */

/* Expired requests leave the state when time passes them, so that it stays
 * bounded; decided by record times, so that every replay agrees. */
static void
expire_requests(struct reg_state *s, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->requests_n; i++) {
		struct state_request *q = &s->requests[i];

		if (q->expires_s >= now_s) {
			s->requests[kept++] = *q;
			continue;
		}
		for (size_t j = 0; j < q->approvals; j++)
			mem_free(q->custodian[j]);
		mem_free(q->custodian);
	}
	s->requests_n = kept;
}

static bool
request(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_request *q;
	struct sha256 want = sha256(record_get(r, "tbs"));

	if (record_get_int(r, "expires") < r->t_ms / 1000)
		return broken(e, r, "request-expired", "before it was made");
	if (record_has(r, "tbs") &&
	    !bytes_eq(record_get(r, "sha256"), sha256_bytes(&want)))
		return broken(e, r, "request-hash",
		    "\"sha256\" is not the hash of \"tbs\"");
	expire_requests(s, r->t_ms / 1000);
	q = state_request_add(s, r->n);
	q->expires_s = record_get_int(r, "expires");
	(void)record_get_hash(r, "key", &q->key);
	(void)record_get_hash(r, "sha256", &q->sha256);
	return true;
}

static bool
approval(struct reg_state *s, const struct record *r, struct error *e)
{
	uint64_t of = (uint64_t)record_get_int(r, "of");
	struct bytes who = record_get(r, "custodian");
	struct state_request *q = NULL;

	for (size_t i = 0; i < s->requests_n; i++)
		if (s->requests[i].n == of)
			q = &s->requests[i];
	if (q == NULL || q->expires_s < r->t_ms / 1000)
		return broken(e, r, "approval-without-request",
		    "record %lld is no waiting request", (long long)of);
	for (size_t i = 0; i < q->approvals; i++)
		if (bytes_eq(who, bytes_str(q->custodian[i])))
			return broken(e, r, "approval-twice",
			    "by the same custodian");
	state_request_approve(q, who);
	return true;
}

/* ---- the table -------------------------------------------------------- */

static rule_fn *const rules[] = {
	[REC_LOG_OPEN] = log_open,
	[REC_START] = NULL,
	[REC_CUT] = NULL,
	[REC_SNAPSHOT] = snapshot,
	[REC_CLOCK] = clock_cleared,
	[REC_LOG_KEY] = log_key,
	[REC_KEYGEN_INTENT] = keygen_intent,
	[REC_KEYGEN_DONE] = keygen_done,
	[REC_KEYGEN_FAILED] = keygen_failed,
	[REC_CUSTODY] = custody,
	[REC_ADOPT] = adopt,
	[REC_RELEASE] = release,
	[REC_DESTROY] = destroy,
	[REC_CHARTER] = charter,
	[REC_INTENT] = intent,
	[REC_SIGNED] = signature,
	[REC_FAILED] = failed,
	[REC_ASSUMED] = assumed,
	[REC_REFUSED] = NULL,
	[REC_REVOKE] = revoked,
	[REC_LOGIN] = NULL,
	[REC_CONFIG] = NULL,
	[REC_EVENT] = NULL,
	[REC_REQUEST] = request,
	[REC_APPROVAL] = approval,
	[REC_IMPORT] = NULL,
	[REC_PRUNED] = pruned,
	[REC_ANCHOR] = NULL,
};
_Static_assert(countof(rules) == REC_TYPE__COUNT, "one row per record type");

bool
reg_state_apply(struct reg_state *s, const struct record *r, struct error *e)
{
	if (r->n != s->n)
		return broken(e, r, "record-number", "expected %llu",
		    (unsigned long long)s->n);
	if (r->n == 0 && r->type != REC_LOG_OPEN)
		return broken(e, r, "log-not-open",
		    "the first record must be LOG-OPEN");
	if (r->t_ms < s->floor_ms)
		return broken(e, r, "time-decreases",
		    "%lld ms before the record before",
		    (long long)(s->floor_ms - r->t_ms));
	if (rules[r->type] != NULL && !rules[r->type](s, r, e))
		return false;
	s->n++;
	s->floor_ms =
	    r->type == REC_CLOCK ? record_get_int(r, "to") * 1000 : r->t_ms;
	return true;
}
