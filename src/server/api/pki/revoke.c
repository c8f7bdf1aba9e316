/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoke, revoke-with-key (vault-pki-api.md 4.15). The entry is in the register before the
 * answer. With auto_rebuild off (the default) the answer also waits for a list that has it, as
 * scripts that fetch the list next expect, as long as that list is short; a longer one, or with
 * auto_rebuild on, follows soon, one for many revocations.
 */
#include <chancery/base/text.h>
#include <chancery/pki/crl.h>

#include "partition.h"
#include "revoke.h"

/* 40 kB of list: some milliseconds. */
#define SHORT_LIST_BYTES 40960

static void
revocation_free(void *state)
{
	struct revocation *r = state;

	buf_free(&r->mem);
	cert_free(&r->given);
	docs_put(r->issuer);
	mem_free(r);
}

struct revocation *
revocation_new(struct call *c)
{
	struct revocation *r = mem_calloc(1, sizeof(*r));

	c->state = r;
	c->state_free = revocation_free;
	return r;
}

/* RFC 5280 names or numbers; those that no list of ours may have are refused by the
 * signer. */
static bool
take_reason(struct call *c, struct revocation *r, struct error *e)
{
	const char *text = call_str(c, "reason");
	enum crl_reason reason;
	uint64_t n;

	r->invalidity_s = call_int(c, "invalidity_date");
	if (r->invalidity_s < 0 || r->invalidity_s > c->now_s)
		return error_set(e, FAIL_BAD_INPUT,
		    "invalidity_date: not between 1970 and now");

	if (text[0] == '\0')
		text = call_str(c, "revocation_reason");
	if (text[0] == '\0')
		return true;
	if (parse_u64(text, 0, 10, &n) && crl_reason_valid(n))
		r->reason = (int)n;
	else if (crl_reason_by_name(text, &reason))
		r->reason = (int)reason;
	else
		return error_set(e, FAIL_BAD_INPUT,
		    "reason: \"%.40s\" is not one of RFC 5280 (keyCompromise, "
		    "superseded …)",
		    text);
	return true;
}

/* ---- the register, then the store ---- */

static void
recorded(struct call *c)
{
	struct revocation *r = c->state;
	struct error e;

	r->again = !c->reply->ok && c->reply->err.why == FAIL_EXISTS;
	if (!c->reply->ok && !r->again) {
		call_fail_reply(c);
		return;
	}
	r->time_s = r->again && r->cert.revoked_s != 0 ? r->cert.revoked_s
						       : c->reply->t_s;
	/* No row yet: one that another log made, or none kept. */
	if ((r->foreign && !store_cert_put(c->store, &r->cert, &e)) ||
	    !store_cert_revoke(c->store, &r->cert.issuer_key, r->cert.serial,
		r->time_s, r->reason, c->reply->index, &e)) {
		call_fail(c, &e);
		return;
	}
	r->next(c);
}

/* Without a row with an index the signer reads the certificate itself. */
void
revocation_record(struct call *c, call_fn *next)
{
	struct revocation *r = c->state;

	r->next = next;
	r->req = (struct lane_revoke){ .key = r->cert.issuer_key,
		.cert = r->cert.index,
		.reason = r->reason,
		.invalidity_s = r->invalidity_s };
	if (r->req.cert == UINT64_MAX)
		r->req.cert_der = r->cert.der;
	call_revoke(c, &r->req, recorded);
}

/* ---- a certificate ---- */

static void
answer(struct call *c)
{
	const struct revocation *r = c->state;
	char text[TIME_TEXT_SIZE];

	time_format_s(r->time_s, text);
	call_ok(c,
	    json_pack("{s:I,s:s,s:s}", "revocation_time", (json_int_t)r->time_s,
		"revocation_time_rfc3339", text, "state", "revoked"));
}

static bool
is_awaited(struct call *c, const struct revocation *r, unsigned part)
{
	bool later =
	    !r->waits || crl_is_on(c->docs, c->mount->path, "auto_rebuild");
	struct crl_file f;

	if (!crl_look(&issuer_of(r->issuer)->key, part, &f))
		return !later;
	if (part == CRL_FULL)
		crl_warn_large(c, &f);
	return !later && f.bytes <= SHORT_LIST_BYTES;
}

/* next runs when it is there, or will be. */
static void
list(struct call *c, unsigned part, call_fn *next)
{
	const struct revocation *r = c->state;

	if (is_awaited(c, r, part)) {
		crl_then(c, r->issuer, part, next);
		return;
	}
	crl_wanted(&issuer_of(r->issuer)->key, part);
	next(c);
}

static void
full_list(struct call *c)
{
	const struct revocation *r = c->state;

	list(c, CRL_FULL, r->next);
}

/* Of a certificate that is not kept only the serial is known: in each range that is one list. */
static bool
want_candidate(void *arg, const struct doc *doc)
{
	const struct revocation *r = arg;
	const struct range *range = range_of(doc);

	if (range != NULL && r->cert.not_after_s <= range->until_s &&
	    memcmp(range->key.b, r->cert.issuer_key.b, SHA256_LEN) == 0)
		crl_wanted(&range->key, partition_at(range, r->cert.serial));
	return true;
}

void
revocation_list(struct call *c, bool waits, call_fn *next)
{
	struct revocation *r = c->state;
	auto_doc const struct doc *range = NULL;
	const struct sha256 *key;
	unsigned part;

	if (r->issuer == NULL || r->issuer->parsed == NULL ||
	    crl_disabled(c->docs, c->mount->path)) {
		next(c);
		return;
	}
	r->next = next;
	r->waits = waits;
	key = &issuer_of(r->issuer)->key;
	if (crl_has_delta(c->docs, c->mount->path))
		crl_wanted(key, CRL_DELTA);
	if (r->cert.der.n == 0)
		docs_each(c->docs, PARTITION_KIND, c->mount->path,
		    want_candidate, r);
	part = partition_in_cert(r->cert.der);
	if (part != 0)
		range = range_with(c->docs, c->mount->path, part);
	/* Another authority's, or of a request: the full list has it. */
	if (range == NULL ||
	    memcmp(range_of(range)->key.b, key->b, SHA256_LEN) != 0)
		full_list(c);
	else
		list(c, part, full_list);
}

static void
list_it(struct call *c)
{
	const struct revocation *r = c->state;

	if (r->issuer == NULL || r->issuer->parsed == NULL)
		call_warn(c,
		    "the issuer is not in this mount any more; the revocation "
		    "is recorded, and stands on its next list");
	revocation_list(c, true, answer);
}

/* True: answered. */
static bool
is_settled(struct call *c, struct revocation *r)
{
	if (r->cert.revoked_s != 0) {
		r->time_s = r->cert.revoked_s;
		answer(c);
		return true;
	}
	if (r->cert.not_after_s > c->now_s ||
	    crl_is_on(c->docs, c->mount->path, "allow_expired_cert_revocation"))
		return false;
	call_warn(c,
	    "certificate with serial number already expired; refusing to add "
	    "to CRL");
	call_ok(c, NULL);
	return true;
}

static void
listed(struct call *c)
{
	const struct revocation *r = c->state;

	if (r->again)
		answer(c);
	else
		list_it(c);
}

static void
record_it(struct call *c)
{
	if (!is_settled(c, c->state))
		revocation_record(c, listed);
}

/* Found, or answered. */
static bool
found(struct call *c)
{
	struct revocation *r = revocation_new(c);
	bool serial = call_str(c, "serial_number")[0] != '\0',
	     pem = call_str(c, "certificate")[0] != '\0';
	struct error e;

	if (serial == pem) {
		call_error(c, 400,
		    serial ? "Must provide either the certificate or the "
			     "serial to revoke; not both."
			   : "The serial number or certificate to revoke must "
			     "be provided.");
		return false;
	}
	if (take_reason(c, r, &e) && revocation_find(c, r, &e))
		return true;
	call_fail(c, &e);
	return false;
}

void
revoke_cert(struct call *c)
{
	if (found(c))
		record_it(c);
}

/* ---- by who has its key ---- */

static void
prove(void *state)
{
	struct revocation *r = state;

	if (!pki_key_proves(r->key_pem, &r->key, &r->refusal) &&
	    r->refusal.why == FAIL_NONE)
		fatal("a refusal without a reason");
}

/* The key is not needed any more, whatever the signer makes of the request. */
static void
proved(struct call *c)
{
	struct revocation *r = c->state;

	r->key_pem = NULL;
	(void)json_object_del(c->typed, "private_key");
	(void)json_object_del(c->given, "private_key");
	if (r->refusal.why != FAIL_NONE)
		call_fail(c, &r->refusal);
	else
		record_it(c);
}

static bool
key_of_cert(struct revocation *r, struct error *e)
{
	if (r->cert.der.n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "the certificate of that serial number is not kept here: "
		    "give it as certificate");
	if (r->given.der.n == 0 &&
	    !cert_parse(r->cert.der, "certificate", &r->given, e))
		return false;
	r->key = r->given.tbs.key;
	return r->given.tbs.key_ok ||
	    error_set(e, FAIL_BAD_INPUT,
		"the certificate's key is of a kind that cannot be proven");
}

void
revoke_with_key(struct call *c)
{
	struct revocation *r;
	struct error e;

	if (!found(c))
		return;
	r = c->state;
	r->key_pem = call_str(c, "private_key");
	if (r->key_pem[0] == '\0')
		call_error(c, 400,
		    "Must have private key to revoke via the "
		    "/revoke-with-key path.");
	else if (!key_of_cert(r, &e))
		call_fail(c, &e);
	else
		call_offload(c, prove, proved);
}
