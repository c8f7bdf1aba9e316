/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign-self-issued (vault-pki-api.md 4.6): a root of somebody else, signed by an issuer of ours
 * so that who trusts ours trusts that one. Its subject, key and extensions stay; serial number
 * and begin are new, since the signer gives serial numbers out itself and back-dates nothing.
 */
#include <chancery/pki/weak.h>

#include "engine.h"

static const char *
alg_word(struct key_type t)
{
	switch (t.alg) {
	case KEY_RSA:
		return "RSA";
	case KEY_ED25519:
		return "Ed25519";
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
	case KEY_ALG__COUNT:
		break;
	}
	return "ECDSA";
}

static bool
take_cert(struct call *c, struct work *w, struct error *e)
{
	const struct tbs_view *t = &w->given.tbs;
	struct error why;

	if (!cert_parse(bytes_str(in_str(c, "certificate")), "certificate",
		&w->given, &why))
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate could not be PEM-decoded: %.200s", why.msg);
	if (!t->is_ca)
		return error_set(e, FAIL_BAD_INPUT,
		    "given certificate is not a CA certificate");
	if (!bytes_eq(t->issuer, t->subject))
		return error_set(e, FAIL_BAD_INPUT,
		    "given certificate is not self-issued");
	/* Or anybody could have a key certified that is not theirs. */
	return (t->key_ok && cert_verify_signature(&w->given, &t->key, &why)) ||
	    error_set(e, FAIL_BAD_INPUT,
		"given certificate is not signed by its own key");
}

static bool
check_cert(struct call *c, const struct work *w, struct error *e)
{
	const struct tbs_view *t = &w->given.tbs,
			      *i = &w->way->issuer->cert.tbs;

	if (bytes_eq(t->spki_der, i->spki_der))
		return error_set(e, FAIL_BAD_INPUT,
		    "given certificate has the issuer's own key");
	if (i->path_len == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "signing certificate has a max path length of zero, and "
		    "cannot issue further CA certificates");
	if (t->not_after_s <= c->now_s)
		return error_set(e, FAIL_BAD_INPUT,
		    "given certificate has expired");
	if (in_bool(c, "require_matching_certificate_algorithms") &&
	    strcmp(alg_word(t->key.type), alg_word(i->key.type)) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "signing certificate's public key algorithm (%s) does not "
		    "match submitted certificate's (%s), and "
		    "require_matching_certificate_algorithms is true",
		    alg_word(i->key.type), alg_word(t->key.type));
	return spki_check_strong(&t->key, e);
}

/* Begins now, ends with the given one or the issuer. */
static void
take_life(struct call *c, struct work *w)
{
	const struct tbs_view *i = &w->way->issuer->cert.tbs;
	int64_t back = pki_role_open()->not_before_duration;

	w->life.from_s = c->now_s - back;
	if (w->life.from_s < i->not_before_s)
		w->life.from_s = i->not_before_s;
	w->life.to_s = w->given.tbs.not_after_s;
	if (w->life.to_s <= i->not_after_s)
		return;
	w->life.to_s = i->not_after_s;
	call_warn(c,
	    "The given certificate ends after its new issuer; the signed one "
	    "ends with the issuer.");
}

/* What names the old issuer is replaced by what names the new one. */
static void
take_extensions(struct work *w)
{
	const struct exts *x = &w->given.tbs.exts;

	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].kind != EXT_AIA && x->v[i].kind != EXT_CRL_DP)
			w->csr.exts.v[w->csr.exts.n++] = x->v[i];
	w->copy = true;
}

static bool
make_template(struct work *w, struct error *e)
{
	struct pki_extensions x = { .ca = true,
		.path_len = w->given.tbs.path_len,
		.key_usage = KU_CERT_SIGN | KU_CRL_SIGN,
		.ocsp = &w->way->ocsp,
		.ca_urls = &w->way->ca_urls,
		.crl_urls = &w->way->crl_urls };
	struct pki_issuer_part part;

	way_issuer_part(w->way, &part);
	w->own = pki_template_new(&part, &x, e);
	return w->own != NULL;
}

static void
answer(struct call *c)
{
	struct work *w = work_of(c);

	call_ok(c,
	    json_pack("{s:o,s:o}", "certificate", pem_json(buf_bytes(&w->cert)),
		"issuing_ca", pem_json(buf_bytes(&w->way->issuer->cert.der))));
}

void
sign_self_issued(struct call *c)
{
	struct work *w = work_new(c);
	struct error e;

	w->answer = answer;
	w->profile = "self-issued";
	w->ca = true;
	if (!take_cert(c, w, &e) || !ca_way(c, w, &e) ||
	    !check_cert(c, w, &e) || !make_template(w, &e)) {
		call_fail(c, &e);
		return;
	}
	w->key = w->given.tbs.key;
	buf_add_bytes(&w->subject, w->given.tbs.subject);
	take_life(c, w);
	take_extensions(w);
	work_sign(c);
}
