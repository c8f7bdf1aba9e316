/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A responder of an issuer (RFC 6960 4.2.2.2): its key and its certificate, made by a call of
 * the service's own that the keeper asks for. The key's document is there before the
 * certificate is asked for, so that a key that was made is found again; a new certificate is
 * for the same key.
 */
#include <chancery/base/text.h>
#include <chancery/pki/name.h>
#include <chancery/pki/tbs.h>

#include "ocsp.h"

/* Clocks of others; the charter's backdate of the templates is as long. */
#define BACKDATE_S 1800
#define PROFILE "ocsp-responder"

void
ocsp_responder_name(const struct issuer *i, char out[OCSP_NAME_SIZE])
{
	struct sha256 h = sha256_cat(sha256_bytes(&i->key), i->cert.tbs.subject,
	    bytes_of(NULL, 0));

	hex_encode(sha256_bytes(&h), out);
}

/* ---- the document ---- */

void
ocsp_responder_free(void *parsed)
{
	struct ocsp_responder *r = parsed;

	buf_free(&r->spki);
	cert_free(&r->cert);
	ocsp_key_free(r->key_here);
	mem_free(r);
}

struct ocsp_responder *
ocsp_responder_new(struct bytes spki, struct bytes cert, struct error *e)
{
	struct ocsp_responder *r = mem_calloc(1, sizeof(*r));
	struct spki key;

	buf_add_bytes(&r->spki, spki);
	r->has_cert = cert.n > 0;
	if (!spki_parse(buf_bytes(&r->spki), &key, e) ||
	    (r->has_cert && !cert_parse(cert, "certificate", &r->cert, e))) {
		ocsp_responder_free(r);
		return NULL;
	}
	r->key = sha256(buf_bytes(&r->spki));
	spki_key_id(&key, r->key_id);
	r->alg = sig_alg_default(key.type);
	return r;
}

/* Empty where there is none. */
static bool
member(const json_t *json, const char *name, struct buf *out, struct error *e)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text == NULL || base64_decode(text, strlen(text), out) ||
	    error_set(e, FAIL_BAD_INPUT, "%s: not base64", name);
}

void *
ocsp_responder_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	auto_buf struct buf spki = { 0 }, cert = { 0 };

	(void)scope;
	(void)name;
	if (!member(json, "spki", &spki, e) ||
	    !member(json, "certificate", &cert, e))
		return NULL;
	return ocsp_responder_new(buf_bytes(&spki), buf_bytes(&cert), e);
}

bool
ocsp_responder_due(const struct ocsp_responder *r, const struct issuer *i,
    int64_t now_s)
{
	int64_t to = r->cert.tbs.not_after_s,
		life = to - r->cert.tbs.not_before_s;

	if (!r->has_cert)
		return true;
	/* Without what it was backdated. */
	if (life > pki_process.ocsp_responder_life_s)
		life = pki_process.ocsp_responder_life_s;
	/* It ends with its issuer: another one would not last longer. */
	return now_s >= to - life / 2 && to < i->cert.tbs.not_after_s;
}

/* ---- making it ---- */

struct making {
	const struct doc *issuer;
	char name[OCSP_NAME_SIZE], label[ROOM_LABEL_MAX];
	struct lane_keygen keygen;
	struct ocsp_key *key; /* NULL: in the HSM */
	struct buf spki_der, subject, tbs, cert;
	struct spki spki;
	int64_t from_s, to_s;
	uint8_t serial[LIMIT_SERIAL_BYTES];
	bool retried;
};

static void
making_free(void *state)
{
	struct making *m = state;

	docs_put(m->issuer);
	ocsp_key_free(m->key);
	buf_free(&m->spki_der);
	buf_free(&m->subject);
	buf_free(&m->tbs);
	buf_free(&m->cert);
	mem_free(m);
}

static json_t *
document(const struct making *m)
{
	auto_buf struct buf spki = { 0 }, cert = { 0 };
	json_t *doc;

	buf_add_base64(&spki, buf_bytes(&m->spki_der));
	doc =
	    json_pack("{s:s,s:s}", "label", m->label, "spki", buf_cstr(&spki));
	if (m->cert.n > 0) {
		buf_add_base64(&cert, buf_bytes(&m->cert));
		(void)json_object_set_new(doc, "certificate",
		    json_string(buf_cstr(&cert)));
	}
	return doc;
}

static bool
build(struct call *c, struct changes *ch)
{
	const struct making *m = c->state;

	change_put(ch, OCSP_KIND, c->mount->path, m->name, document(m));
	return true;
}

/* ---- 3: the certificate ---- */

static bool
put_cert(struct call *c, const struct making *m, struct error *e)
{
	struct store_cert row = { .issuer_key = issuer_of(m->issuer)->key,
		.der = buf_bytes(&m->cert),
		.not_before_s = m->from_s,
		.not_after_s = m->to_s };

	return signed_put(c, &row, m->serial, e);
}

static void
take_here(struct call *c, struct making *m)
{
	struct error e;

	if (ocsp_memory_add(c->mount->path, m->name, buf_bytes(&m->spki_der),
		buf_bytes(&m->cert), &m->key, &e))
		call_no_content(c);
	else
		call_fail(c, &e);
}

static void certify(struct call *c);

static void
certified(struct call *c)
{
	struct making *m = c->state;
	struct error e;

	if (!c->reply->ok && c->reply->stale_serial && !m->retried) {
		m->retried = true;
		certify(c);
		return;
	}
	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	cert_assemble(buf_bytes(&m->tbs), crl_alg_of(issuer_of(m->issuer)),
	    c->reply->sig, &m->cert);
	if (!put_cert(c, m, &e))
		call_fail(c, &e);
	else if (m->key != NULL)
		take_here(c, m);
	else
		call_change(c, "pki ocsp certificate", build, call_end_reply);
}

/* An issuer that has fewer days left gives what it has. */
static bool
write_tbs(struct call *c, struct making *m, struct error *e)
{
	const struct issuer *i = issuer_of(m->issuer);
	struct profile p = *profile_builtin(PROFILE);
	const struct tbs_issuer of = { .name = i->cert.tbs.subject,
		.alg = crl_alg_of(i),
		.not_before_s = i->cert.tbs.not_before_s,
		.not_after_s = i->cert.tbs.not_after_s };
	struct tbs_issuer issuer = of;
	struct tbs_request r = { .serial =
				     bytes_of(m->serial, sizeof(m->serial)),
		.subject = buf_bytes(&m->subject),
		.key = &m->spki };
	auto_tbs_template struct tbs_template *t = NULL;

	memcpy(issuer.key_id, i->ski, sizeof(issuer.key_id));
	m->from_s = c->now_s - BACKDATE_S;
	if (m->from_s < i->cert.tbs.not_before_s)
		m->from_s = i->cert.tbs.not_before_s;
	/* Nobody can revoke it (id-pkix-ocsp-nocheck), so its life is short; half of it is how
	 * long the HSM may be away. */
	m->to_s = c->now_s + pki_process.ocsp_responder_life_s;
	if (m->to_s > i->cert.tbs.not_after_s)
		m->to_s = i->cert.tbs.not_after_s;
	r.not_before_s = m->from_s;
	r.not_after_s = m->to_s;
	t = tbs_template_new(&p, &issuer, e);
	buf_reset(&m->tbs);
	return t != NULL && tbs_write(t, &r, &m->tbs, e);
}

static void
have_serial(struct call *c)
{
	struct making *m = c->state;
	struct error e;

	if (!c->reply->ok)
		call_fail_reply(c);
	else if (!write_tbs(c, m, &e))
		call_fail(c, &e);
	else
		call_certify(c, &issuer_of(m->issuer)->key, buf_bytes(&m->tbs),
		    PROFILE, certified);
}

static void
certify(struct call *c)
{
	call_serial(c, ((struct making *)c->state)->serial, have_serial);
}

/* ---- 2: its name: the issuer's, with another CN ---- */

#define CN_ROOM 48

static bool
is_cn(struct bytes rdn)
{
	static const uint8_t cn[] = { 0x55, 0x04, 0x03 };
	struct der_reader set, one;

	der_r_init(&set, rdn);
	der_r_init(&set, der_r_get(&set, DER_SET));
	der_r_init(&one, der_r_get(&set, DER_SEQUENCE));
	return bytes_eq(der_r_get(&one, DER_OID), bytes_of(cn, sizeof(cn)));
}

static void
add_cn(struct bytes issuer, struct buf *rdns)
{
	auto_der_writer struct der_writer w = { 0 };
	auto_buf struct buf cn = { 0 };
	size_t n, mark;

	if (!name_get(issuer, "CN", 0, &cn))
		buf_reset(&cn);
	n = cn.n;
	if (n > CN_ROOM)
		for (n = CN_ROOM; n > 0 && (cn.p[n] & 0xc0) == 0x80;)
			n--;
	cn.n = n;
	buf_add_str(&cn, n > 0 ? " OCSP" : "OCSP");
	der_w_init(&w, 128);
	mark = der_w_mark(&w);
	der_w_tlv(&w, DER_UTF8_STRING, buf_bytes(&cn));
	der_w_oid(&w, "2.5.4.3");
	der_w_wrap(&w, DER_SEQUENCE, mark);
	der_w_wrap(&w, DER_SET, mark);
	buf_add_bytes(rdns, der_w_bytes(&w));
}

static void
name_of(struct bytes issuer, struct buf *out)
{
	auto_buf struct buf rdns = { 0 };
	struct der_reader top, in;
	struct bytes rdn;
	uint8_t tag;

	der_r_init(&top, issuer);
	der_r_init(&in, der_r_get(&top, DER_SEQUENCE));
	while (der_r_peek(&in) >= 0) {
		rdn = der_r_any(&in, &tag);
		if (!is_cn(rdn))
			buf_add_bytes(&rdns, rdn);
	}
	add_cn(issuer, &rdns);
	der_add_header(out, DER_SEQUENCE, rdns.n);
	buf_add_bytes(out, buf_bytes(&rdns));
}

static void
have_key(struct call *c)
{
	struct making *m = c->state;
	struct error e;

	if (!spki_parse(buf_bytes(&m->spki_der), &m->spki, &e)) {
		call_fail(c, &e);
		return;
	}
	name_of(issuer_of(m->issuer)->cert.tbs.subject, &m->subject);
	certify(c);
}

/* ---- 1: the key ---- */

static void
key_recorded(struct call *c)
{
	if (c->reply->ok)
		have_key(c);
	else
		call_fail_reply(c);
}

static void
key_made(struct call *c)
{
	struct making *m = c->state;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	buf_add_bytes(&m->spki_der, c->reply->spki);
	call_change(c, "pki ocsp key", build, key_recorded);
}

/* P-256 whatever the issuer's: every client knows it, and it signs the fastest. */
static void
make_key(struct call *c, struct making *m)
{
	int n = snprintf(m->label, sizeof(m->label), "ocsp-%.80s-%.8s",
	    c->mount->path, m->name);

	/* A label is one segment of a PKCS#11 URI. */
	while (n-- > 0)
		if (m->label[n] == '/')
			m->label[n] = '-';
	m->keygen = (struct lane_keygen){ .type = { KEY_EC_P256, 0 },
		.label = m->label,
		.ocsp = true };
	call_key_generate(c, &m->keygen, key_made);
}

/* Another one for each certificate: nothing has to find it again. */
static void
make_key_here(struct call *c, struct making *m)
{
	struct error e;

	m->key = ocsp_key_make(&m->spki_der, &e);
	if (m->key != NULL)
		have_key(c);
	else
		call_fail(c, &e);
}

static bool
may_have_one(const struct issuer *i, struct error *e)
{
	return ocsp_may(i) ||
	    error_set(e, FAIL_REFUSED,
		"the issuer has no key here, or not the usage ocsp-signing");
}

void
ocsp_responder_make(struct call *c)
{
	auto_doc const struct doc *now = NULL;
	struct making *m = mem_calloc(1, sizeof(*m));
	struct error e;

	c->state = m;
	c->state_free = making_free;
	m->issuer =
	    issuer_find(c->docs, c->mount->path, call_str(c, "issuer"), &e);
	if (m->issuer == NULL || !may_have_one(issuer_of(m->issuer), &e)) {
		call_fail(c, &e);
		return;
	}
	ocsp_responder_name(issuer_of(m->issuer), m->name);
	if (pki_process.ocsp_in_memory) {
		make_key_here(c, m);
		return;
	}
	now = docs_get(c->docs, OCSP_KIND, c->mount->path, m->name);
	if (now == NULL || now->parsed == NULL) {
		make_key(c, m);
		return;
	}
	(void)snprintf(m->label, sizeof(m->label), "%s",
	    json_string_value(json_object_get(now->json, "label")));
	buf_add_bytes(&m->spki_der,
	    buf_bytes(&((const struct ocsp_responder *)now->parsed)->spki));
	have_key(c);
}
