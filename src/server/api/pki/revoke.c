/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoke (vault-pki-api.md 4.15). The entry is in the register before the answer. With
 * auto_rebuild off (the default) the answer also waits for a list that has it, as scripts
 * that fetch the list next expect, as long as that list is short; a longer one, or with
 * auto_rebuild on, follows within seconds, one for many revocations.
 */
#include <unistd.h>

#include <chancery/base/text.h>
#include <chancery/pki/crl.h>

#include "engine.h"

/* 40 kB of list: some milliseconds. */
#define SHORT_LIST_BYTES 40960

struct revocation {
	struct store_cert cert;
	struct buf mem; /* what cert points to */
	struct lane_revoke req;
	struct cert given; /* handed in as PEM */
	const struct doc *issuer;
	int64_t time_s;
	int reason;
	bool foreign; /* not in the store */
};

static void
revocation_free(void *state)
{
	struct revocation *r = state;

	buf_free(&r->mem);
	cert_free(&r->given);
	docs_put(r->issuer);
	mem_free(r);
}

/* RFC 5280 names or numbers; those that no list of ours may have are refused by the
 * signer. */
static bool
take_reason(struct call *c, struct revocation *r, struct error *e)
{
	const char *text = call_str(c, "reason");
	enum crl_reason reason;
	uint64_t n;

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

struct search {
	const struct sha256 *key;
	const struct cert *cert;
	const struct doc *found;
};

static bool
by_key(void *arg, const struct doc *doc)
{
	struct search *s = arg;

	if (doc->parsed == NULL || issuer_of(doc)->key_id[0] == '\0' ||
	    memcmp(issuer_of(doc)->key.b, s->key->b, SHA256_LEN) != 0)
		return true;
	s->found = docs_ref(doc);
	return false;
}

static bool
by_signature(void *arg, const struct doc *doc)
{
	struct search *s = arg;
	struct error ignored;

	if (doc->parsed == NULL ||
	    !bytes_eq(issuer_of(doc)->cert.tbs.subject, s->cert->tbs.issuer) ||
	    !cert_verify_signature(s->cert, &issuer_of(doc)->cert.tbs.key,
		&ignored))
		return true;
	s->found = docs_ref(doc);
	return false;
}

static bool
shown_serial(struct bytes serial, struct error *e)
{
	auto_buf struct buf text = { 0 };

	serial_text_int(serial, &text);
	return error_set(e, FAIL_BAD_INPUT,
	    "certificate with serial %s not found.", buf_cstr(&text));
}

static bool
from_store(struct call *c, struct revocation *r,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct error *e)
{
	if (store_cert_get(c->store, c->mount->path, serial, &r->cert, &r->mem,
		e))
		return true;
	return e->why == FAIL_NOT_FOUND
	    ? shown_serial(bytes_of(serial, LIMIT_SERIAL_BYTES), e)
	    : false;
}

static bool
find_serial(struct call *c, struct revocation *r, struct error *e)
{
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct search s = { .key = &r->cert.issuer_key };

	if (!pki_serial_parse(call_str(c, "serial_number"), serial))
		return error_set(e, FAIL_BAD_INPUT,
		    "serial_number: \"%.100s\" is not a serial number in hex",
		    call_str(c, "serial_number"));
	if (!from_store(c, r, serial, e))
		return false;
	docs_each(c->docs, "pki-issuer", c->mount->path, by_key, &s);
	r->issuer = s.found;
	return true;
}

static bool
find_pem(struct call *c, struct revocation *r, struct error *e)
{
	uint8_t serial[LIMIT_SERIAL_BYTES] = { 0 };
	struct search s = { .cert = &r->given };
	struct bytes magnitude;
	struct error missing;

	if (!cert_parse(bytes_str(call_str(c, "certificate")), "certificate",
		&r->given, e)) {
		e->why = FAIL_BAD_INPUT;
		return false;
	}
	docs_each(c->docs, "pki-issuer", c->mount->path, by_signature, &s);
	r->issuer = s.found;
	if (r->issuer == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "unable to verify signature on presented cert from any "
		    "present issuer in this mount; certificates from "
		    "previous CAs will need to have their issuing CA imported "
		    "first");
	magnitude = r->given.tbs.serial;
	while (magnitude.n > 0 && magnitude.p[0] == 0)
		magnitude = bytes_of(magnitude.p + 1, magnitude.n - 1);
	if (magnitude.n == 0 || magnitude.n > LIMIT_SERIAL_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: its serial number cannot stand on a list");
	memcpy(serial + LIMIT_SERIAL_BYTES - magnitude.n, magnitude.p,
	    magnitude.n);
	r->foreign = !store_cert_get(c->store, c->mount->path, serial, &r->cert,
	    &r->mem, &missing);
	if (!r->foreign)
		return true;
	r->cert = (struct store_cert){ .issuer_key = issuer_of(r->issuer)->key,
		.mount = c->mount->path,
		.der = buf_bytes(&r->given.der),
		.not_before_s = r->given.tbs.not_before_s,
		.not_after_s = r->given.tbs.not_after_s,
		.origin = "",
		.index = UINT64_MAX,
		.ca = r->given.tbs.is_ca };
	memcpy(r->cert.serial, serial, sizeof(serial));
	return true;
}

static bool
is_own_issuer(void *arg, const struct doc *doc)
{
	struct search *s = arg;

	if (doc->parsed == NULL || s->cert == NULL)
		return true;
	if (bytes_eq(buf_bytes(&issuer_of(doc)->cert.der),
		buf_bytes(&s->cert->der)))
		s->found = docs_ref(doc);
	return s->found == NULL;
}

static bool
not_an_issuer(struct call *c, const struct revocation *r, struct error *e)
{
	auto_cert struct cert parsed = { 0 };
	struct search s = { .cert = &parsed };
	struct error ignored;
	bool is;

	if (!r->cert.ca || r->cert.der.n == 0 ||
	    !cert_parse(r->cert.der, "certificate", &parsed, &ignored))
		return true;
	docs_each(c->docs, "pki-issuer", c->mount->path, is_own_issuer, &s);
	is = s.found != NULL;
	docs_put(s.found);
	return !is ||
	    error_set(e, FAIL_BAD_INPUT,
		"adding issuer to its own CRL is not allowed: it is an issuer "
		"of this mount");
}

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
waits_for_list(struct call *c, const struct revocation *r)
{
	json_t *cfg = config_get(c->docs, c->mount->path, "crl");
	bool later = json_is_true(json_object_get(cfg, "auto_rebuild"));
	struct crl_file f;

	json_decref(cfg);
	if (later || !crl_open(&issuer_of(r->issuer)->key, &f))
		return !later;
	(void)close(f.fd);
	return f.bytes <= SHORT_LIST_BYTES;
}

static void
list_it(struct call *c)
{
	struct revocation *r = c->state;

	if (r->issuer == NULL || r->issuer->parsed == NULL) {
		call_warn(c,
		    "the issuer is not in this mount any more; the revocation "
		    "is recorded, and stands on its next list");
		answer(c);
	} else if (waits_for_list(c, r)) {
		crl_then(c, r->issuer, answer);
	} else {
		crl_wanted(&issuer_of(r->issuer)->key);
		answer(c);
	}
}

static void
revoked(struct call *c)
{
	struct revocation *r = c->state;
	bool again = !c->reply->ok && c->reply->err.why == FAIL_EXISTS;
	struct error e;

	if (!c->reply->ok && !again) {
		call_fail_reply(c);
		return;
	}
	r->time_s =
	    again && r->cert.revoked_s != 0 ? r->cert.revoked_s : c->reply->t_s;
	/* No row yet: one that another log made, or none kept. */
	if ((r->foreign && !store_cert_put(c->store, &r->cert, &e)) ||
	    !store_cert_revoke(c->store, &r->cert.issuer_key, r->cert.serial,
		r->time_s, r->reason, c->reply->index, &e)) {
		call_fail(c, &e);
		return;
	}
	if (again)
		answer(c);
	else
		list_it(c);
}

/* Without a row with an index the signer reads the certificate itself. */
static void
ask_signer(struct call *c, struct revocation *r)
{
	r->req = (struct lane_revoke){ .key = r->cert.issuer_key,
		.cert = r->cert.index,
		.reason = r->reason };
	if (r->req.cert == UINT64_MAX)
		r->req.cert_der = r->cert.der;
	call_revoke(c, &r->req, revoked);
}

/* True: answered. */
static bool
is_settled(struct call *c, struct revocation *r)
{
	json_t *cfg;
	bool allowed;

	if (r->cert.revoked_s != 0) {
		r->time_s = r->cert.revoked_s;
		answer(c);
		return true;
	}
	if (r->cert.not_after_s > c->now_s)
		return false;
	cfg = config_get(c->docs, c->mount->path, "crl");
	allowed =
	    json_is_true(json_object_get(cfg, "allow_expired_cert_revocation"));
	json_decref(cfg);
	if (allowed)
		return false;
	call_warn(c,
	    "certificate with serial number already expired; refusing to add "
	    "to CRL");
	call_ok(c, NULL);
	return true;
}

void
revoke_cert(struct call *c)
{
	struct revocation *r = mem_calloc(1, sizeof(*r));
	bool serial = call_str(c, "serial_number")[0] != '\0',
	     pem = call_str(c, "certificate")[0] != '\0';
	struct error e;

	c->state = r;
	c->state_free = revocation_free;
	if (serial == pem) {
		call_error(c, 400,
		    serial ? "Must provide either the certificate or the "
			     "serial to revoke; not both."
			   : "The serial number or certificate to revoke must "
			     "be provided.");
		return;
	}
	if (!take_reason(c, r, &e) ||
	    !(serial ? find_serial(c, r, &e) : find_pem(c, r, &e)) ||
	    !not_an_issuer(c, r, &e)) {
		call_fail(c, &e);
		return;
	}
	if (!is_settled(c, r))
		ask_signer(c, r);
}
