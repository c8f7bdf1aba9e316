/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/json.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/crl.h>

#include "internal.h"

/* What each record means for the store. */

static bool
damaged(const struct record *r, const char *what, struct error *e)
{
	return error_set(e, FAIL_CORRUPT, "record %llu: %s",
	    (unsigned long long)r->n, what);
}

static bool
put_revocation(struct catchup *c, const struct sha256 *key,
    const uint8_t serial[LIMIT_SERIAL_BYTES], int64_t date_s,
    enum crl_reason reason, uint64_t n, struct error *e)
{
	if (!store_room(c->store, e) ||
	    !store_cert_revoke(c->store, key, serial, date_s, (int)reason, n,
		e))
		return false;
	c->r.revocations++;
	return true;
}

static bool
put_cert(struct catchup *c, const struct store_cert *cert, struct error *e)
{
	return store_room(c->store, e) && store_cert_put(c->store, cert, e);
}

/* Contents of an INTEGER as a right-aligned magnitude; false: no list can carry it. */
static bool
serial_of(struct bytes v, uint8_t out[LIMIT_SERIAL_BYTES])
{
	while (v.n > 0 && v.p[0] == 0)
		v = bytes_of(v.p + 1, v.n - 1);
	if (v.n > LIMIT_SERIAL_BYTES)
		return false;
	memset(out, 0, LIMIT_SERIAL_BYTES);
	if (v.n > 0)
		memcpy(out + LIMIT_SERIAL_BYTES - v.n, v.p, v.n);
	return true;
}

static bool
fill(struct store_cert *cert, const struct tbs_view *t, const struct record *r,
    struct error *e)
{
	cert->not_before_s = t->not_before_s;
	cert->not_after_s = t->not_after_s;
	cert->ca = t->is_ca;
	return serial_of(t->serial, cert->serial) ||
	    damaged(r, "a serial above 20 octets", e);
}

/* Where a certificate belongs, by what its record claims; another log's are all of one. */
static void
mount_of(const struct catchup *c, const struct record *r,
    const struct sha256 *key, char out[STORE_NAME_MAX + 1])
{
	if (c->import != NULL)
		(void)snprintf(out, STORE_NAME_MAX + 1, "%s", c->import);
	else
		mounts_of_claim(&c->mounts, record_get(r, "why"), key, r->n,
		    out);
}

/* ---- INTENT and its outcome -------------------------------------------- */

static bool
ends_with(struct bytes v, const char *end)
{
	size_t n = strlen(end);

	return v.n >= n && memcmp(v.p + v.n - n, end, n) == 0;
}

static bool
alg_of(struct bytes name, enum sig_alg *out)
{
	auto_mem char *text = mem_printf("%.*s", (int)name.n, name.p);

	return sig_alg_by_name(text, out);
}

static bool
on_intent(struct catchup *c, const struct record *r,
    unused_arg struct bytes body, struct error *e)
{
	struct bytes kind = record_get(r, "kind"), tbs = record_get(r, "tbs");
	struct open_intent *o, **at = &c->open[r->n % OPEN_BUCKETS];

	if (!bytes_eq(kind, bytes_str("leaf")) &&
	    !bytes_eq(kind, bytes_str("ca")))
		return true;
	o = mem_calloc(1, sizeof(*o) + tbs.n);
	o->n = r->n;
	o->no_store = ends_with(record_get(r, "profile"), " no_store");
	memcpy(o + 1, tbs.p, tbs.n);
	o->tbs = bytes_of(o + 1, tbs.n);
	(void)record_get_hash(r, "key", &o->key);
	mount_of(c, r, &o->key, o->mount);
	o->chain = *at;
	*at = o;
	c->open_n++;
	if (!alg_of(record_get(r, "alg"), &o->alg))
		return damaged(r, "INTENT of an unknown algorithm", e);
	/* The signer holds fewer at once (LIMIT_IN_FLIGHT). */
	return c->open_n <= 2 * LIMIT_IN_FLIGHT ||
	    damaged(r, "too many INTENTs without outcome", e);
}

/* NULL: of no certificate, or before the position: then it is in the store. */
static struct open_intent *
take_intent(struct catchup *c, uint64_t n)
{
	struct open_intent **at = &c->open[n % OPEN_BUCKETS], *o;

	while ((o = *at) != NULL && o->n != n)
		at = &o->chain;
	if (o == NULL)
		return NULL;
	*at = o->chain;
	c->open_n--;
	return o;
}

static bool
signed_cert(struct catchup *c, const struct open_intent *o,
    const struct record *r, struct error *e)
{
	struct store_cert cert = { .issuer_key = o->key,
		.mount = o->mount,
		.origin = c->r.origin,
		.index = r->n };
	struct tbs_view t;

	if (!tbs_parse(o->tbs, &t, e))
		return error_context(e, "record %llu",
		    (unsigned long long)o->n);
	buf_reset(&c->der);
	cert_assemble(o->tbs, o->alg, record_get(r, "sig"), &c->der);
	if (!o->no_store)
		cert.der = buf_bytes(&c->der);
	if (!fill(&cert, &t, r, e) || !put_cert(c, &cert, e))
		return false;
	c->r.certs++;
	return true;
}

static bool
on_outcome(struct catchup *c, const struct record *r,
    unused_arg struct bytes body, struct error *e)
{
	auto_mem struct open_intent *o =
	    take_intent(c, (uint64_t)record_get_int(r, "intent"));

	return o == NULL || r->type != REC_SIGNED || signed_cert(c, o, r, e);
}

/* ---- REVOKE ------------------------------------------------------------ */

/* One of another program, certified by a key that is ours now: known by its
 * revocation only. */
static bool
foreign(struct catchup *c, const struct record *r, const struct sha256 *key,
    struct error *e)
{
	auto_cert struct cert x = { 0 };
	char mount[STORE_NAME_MAX + 1];
	struct store_cert cert = { .issuer_key = *key,
		.mount = mount,
		.origin = c->r.origin,
		.index = UINT64_MAX,
		.der = record_get(r, "der") };

	if (!cert_parse(cert.der, "certificate", &x, e))
		return error_context(e, "record %llu",
		    (unsigned long long)r->n);
	mount_of(c, r, key, mount);
	return fill(&cert, &x.tbs, r, e) && put_cert(c, &cert, e);
}

static bool
on_revoke(struct catchup *c, const struct record *r,
    unused_arg struct bytes body, struct error *e)
{
	struct bytes name = record_get(r, "reason");
	auto_mem char *text = mem_printf("%.*s", (int)name.n, name.p);
	uint8_t serial[LIMIT_SERIAL_BYTES];
	enum crl_reason reason;
	struct sha256 key;

	(void)record_get_hash(r, "key", &key);
	if (!crl_reason_by_name(text, &reason) ||
	    !serial_of(record_get(r, "serial"), serial))
		return damaged(r, "REVOKE with an unknown reason or serial", e);
	if (record_has(r, "der") && !foreign(c, r, &key, e))
		return false;
	return put_revocation(c, &key, serial, record_get_int(r, "date"),
	    reason, r->n, e);
}

/* ---- CONFIG ------------------------------------------------------------ */

static bool
see_kind(void *arg, const struct store_doc_op *op, unused_arg struct error *e)
{
	bool *reload = arg;

	*reload = *reload || mounts_depend_on(op->kind);
	return true;
}

/* The changes of documents in what the signer recorded ({"changes":[…],"who":…}); empty
 * where it is another event of configuration. */
static struct bytes
changes_of(struct bytes body)
{
	struct bytes key, value, found = { 0 };
	struct json_reader in;

	if (body.n == 0 || body.p[0] != '{')
		return body;
	json_read(&in, body);
	json_enter_object(&in);
	while (json_next_key(&in, &key)) {
		value = json_get_value(&in);
		if (bytes_eq(key, bytes_str("changes")))
			found = value;
	}
	return json_done(&in) ? found : (struct bytes){ 0 };
}

static bool
on_config(struct catchup *c, const struct record *r, struct bytes body,
    struct error *e)
{
	bool reload = false;

	/* Its configuration is not ours. */
	if (c->import != NULL)
		return true;
	if (r->has_priv && body.n == 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "record %llu: the body of this change of configuration is "
		    "not in register/private",
		    (unsigned long long)r->n);
	body = changes_of(body);
	if (body.n == 0 || body.p[0] != '[')
		return true;
	if (!store_changes_each(body, see_kind, &reload, e) ||
	    !store_docs_apply(c->store, body, c->r.origin, r->n, e))
		return error_context(e, "record %llu",
		    (unsigned long long)r->n);
	if (c->opt->config != NULL)
		c->opt->config(c->opt->arg, body);
	c->r.configs++;
	return !reload || mounts_load(&c->mounts, c->store, e);
}

bool
catchup_record(struct catchup *c, const struct record *r, struct bytes body,
    struct error *e)
{
	static const struct {
		enum record_type type;
		bool (*apply)(struct catchup *, const struct record *,
		    struct bytes, struct error *);
	} rows[] = {
		{ REC_INTENT, on_intent },
		{ REC_SIGNED, on_outcome },
		{ REC_FAILED, on_outcome },
		{ REC_ASSUMED, on_outcome },
		{ REC_REVOKE, on_revoke },
		{ REC_CONFIG, on_config },
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].type == r->type)
			return rows[i].apply(c, r, body, e);
	return true;
}
