/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is to be revoked, and by which issuer (vault-pki-api.md 4.15). */
#include <chancery/config/service.h>

#include "revoke.h"

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

bool
revocation_of_cert(struct call *c, struct revocation *r,
    const struct doc *issuer, const struct cert *cert, struct error *e)
{
	uint8_t serial[LIMIT_SERIAL_BYTES] = { 0 };
	const struct tbs_view *t = &cert->tbs;
	struct bytes magnitude = t->serial;
	struct error missing;

	while (magnitude.n > 0 && magnitude.p[0] == 0)
		magnitude = bytes_of(magnitude.p + 1, magnitude.n - 1);
	if (magnitude.n == 0 || magnitude.n > LIMIT_SERIAL_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: its serial number cannot stand on a list");
	memcpy(serial + LIMIT_SERIAL_BYTES - magnitude.n, magnitude.p,
	    magnitude.n);
	r->issuer = docs_ref(issuer);
	r->foreign = !store_cert_get(c->store, c->mount->path, serial, &r->cert,
			 &r->mem, &missing) ||
	    memcmp(r->cert.issuer_key.b, issuer_of(issuer)->key.b,
		SHA256_LEN) != 0;
	if (!r->foreign)
		return true;
	r->cert = (struct store_cert){ .issuer_key = issuer_of(issuer)->key,
		.mount = c->mount->path,
		.der = buf_bytes(&cert->der),
		.not_before_s = t->not_before_s,
		.not_after_s = t->not_after_s,
		.origin = "",
		.index = UINT64_MAX,
		.ca = t->is_ca };
	memcpy(r->cert.serial, serial, sizeof(serial));
	return true;
}

static bool
find_pem(struct call *c, struct revocation *r, struct error *e)
{
	auto_doc const struct doc *issuer = NULL;
	struct search s = { .cert = &r->given };

	if (!cert_parse(bytes_str(call_str(c, "certificate")), "certificate",
		&r->given, e)) {
		e->why = FAIL_BAD_INPUT;
		return false;
	}
	docs_each(c->docs, "pki-issuer", c->mount->path, by_signature, &s);
	issuer = s.found;
	if (issuer == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "unable to verify signature on presented cert from any "
		    "present issuer in this mount; certificates from "
		    "previous CAs will need to have their issuing CA imported "
		    "first");
	return revocation_of_cert(c, r, issuer, &r->given, e);
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

/* A log that was taken in (ca_register.c) revokes for itself: its key is not here. */
static bool
of_our_log(const struct call *c, const struct revocation *r, struct error *e)
{
	const char *origin = r->cert.origin;

	return r->foreign || r->cert.revoked_s > 0 || *origin == '\0' ||
	    strcmp(origin, c->settings->origin) == 0 ||
	    error_set(e, FAIL_BAD_INPUT,
		"this certificate is of the log %.200s, which was imported: "
		"revoke it there (`chancery revoke`), then import its register "
		"again",
		origin);
}

bool
revocation_find(struct call *c, struct revocation *r, struct error *e)
{
	bool serial = call_str(c, "serial_number")[0] != '\0';

	return (serial ? find_serial(c, r, e) : find_pem(c, r, e)) &&
	    not_an_issuer(c, r, e) && of_our_log(c, r, e);
}
