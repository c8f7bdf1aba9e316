/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/der.h>
#include <chancery/pki/lint.h>

#include "internal.h"

/* CERTIFY: one TBSCertificate under one of our keys. */

bool
signer_certify(struct signer *s, const struct signer_certify *req,
    signer_done_fn *done, void *arg, struct error *e)
{
	struct request *r;

	if (req->tbs.n == 0 || req->tbs.n > LIMIT_TBS_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "TBSCertificate: %zu bytes, allowed 1 to %d", req->tbs.n,
		    LIMIT_TBS_BYTES);
	r = request_new(s, &request_certify, &req->key, &req->claim, done, arg,
	    e);
	if (r == NULL)
		return false;
	buf_add_bytes(&r->data, req->tbs);
	r->retry_of = req->retry_of;
	if (req->profile != NULL)
		r->profile = mem_strdup(req->profile);
	request_queue(s, r);
	return true;
}

static bool
refuse(struct request *r, const char *rule, const char *field, struct error *e)
{
	r->verdict.rule = rule;
	(void)snprintf(r->verdict.field, sizeof(r->verdict.field), "%s", field);
	return error_set(e, FAIL_REFUSED, "%s: %s", rule, field);
}

/* What no charter can allow: a certificate that this key could not have meant. */
static bool
structure(struct request *r, const struct tbs_view *t, struct error *e)
{
	const struct ext *aki = exts_find(&t->exts, EXT_AKI);
	struct bytes id = { 0 };
	bool other = false;

	if (t->version != 3)
		return refuse(r, "structure-version", "version", e);
	if (!t->alg_known || !sig_alg_fits(t->alg, r->key->spki.type))
		return refuse(r, "structure-algorithm", "signature", e);
	if (t->not_after_s <= t->not_before_s)
		return refuse(r, "structure-validity", "validity", e);
	if (t->has_unique_id)
		return refuse(r, "structure-unique-id", "uniqueID", e);
	if (!t->key_ok)
		return refuse(r, "structure-key", "subjectPublicKeyInfo", e);
	if (aki != NULL &&
	    (!ext_aki(aki, &id, &other, e) || other ||
		!bytes_eq(id, bytes_of(r->key->key_id, 20))))
		return refuse(r, "structure-aki",
		    "extensions.authorityKeyIdentifier", e);
	return true;
}

static bool
self_signed(struct request *r, const struct tbs_view *t, bool *self,
    struct error *e)
{
	*self = bytes_eq(t->spki_der, buf_bytes(&r->key->spki_der));
	if (*self && !bytes_eq(t->issuer, t->subject))
		return refuse(r, "structure-self-issued", "issuer", e);
	return true;
}

/* The INTEGER's contents as 20 octets; only a serial that we handed out, once. */
static bool
take_serial(struct signer *s, struct request *r, const struct tbs_view *t,
    struct error *e)
{
	if (t->serial.n != LIMIT_SERIAL_BYTES ||
	    !outstanding_take(&s->serials, t->serial.p))
		return refuse(r, "serial-not-outstanding", "serialNumber", e);
	return true;
}

static bool
intent(struct signer *s, struct request *r, const struct tbs_view *t,
    struct error *e)
{
	struct sha256 h = sha256(t->der);
	struct record rec;

	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", sig_alg_info(r->alg)->name);
	record_hash(&rec, "key", &r->key->id);
	record_text(&rec, "kind", r->kind);
	record_text(&rec, "profile", r->profile);
	record_bytes(&rec, "req", bytes_of(r->id, r->id_len));
	if (r->retry_of != UINT64_MAX)
		record_int(&rec, "retry", (int64_t)r->retry_of);
	record_bytes(&rec, "serial", t->serial);
	record_hash(&rec, "sha256", &h);
	record_bytes(&rec, "tbs", t->der);
	request_claim(r, &rec);
	return reg_append(s->reg, &rec, (struct bytes){ 0 }, &r->intent, e);
}

static bool
admit(struct signer *s, struct request *r, struct error *e)
{
	struct charter_usage u = { 0 };
	struct tbs_view t;
	int64_t now_ms;
	bool self;

	if (!tbs_parse(buf_bytes(&r->data), &t, e)) {
		r->verdict.rule = "structure-der";
		(void)snprintf(r->verdict.field, sizeof(r->verdict.field),
		    "tbsCertificate");
		return false;
	}
	/* Anything able to sign certificates is a CA, whatever it is called. */
	r->kind = t.is_ca || (t.key_usage & KU_CERT_SIGN) != 0 ? "ca" : "leaf";
	if (!structure(r, &t, e) || !self_signed(r, &t, &self, e) ||
	    !reg_now(s->reg, &now_ms, e))
		return false;
	signer_usage(s, r->key, &u, now_ms / 1000);
	u.self = self;
	if (!charter_allows_cert(r->key->charter, &t, &u, &r->verdict, e) ||
	    !take_serial(s, r, &t, e))
		return false;
	r->alg = t.alg;
	request_prepare(r, t.der);
	return intent(s, r, &t, e);
}

/* A certificate that may exist somewhere although nobody got it is revoked. A
 * lost self-signed root cannot be: it is only recorded. */
static bool
assumed(struct signer *s, const struct record *rec, uint64_t assumed_n,
    struct error *e)
{
	struct sha256 id;
	struct signer_key *k;
	struct tbs_view t;

	(void)record_get_hash(rec, "key", &id);
	k = signer_key_find(s, &id);
	if (k == NULL || !tbs_parse(record_get(rec, "tbs"), &t, e))
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: INTENT whose key or TBS is not readable",
		    (unsigned long long)rec->n);
	if (bytes_eq(t.spki_der, buf_bytes(&k->spki_der)))
		return true;
	return revoke_append(s, k, &t, assumed_n, (struct bytes){ 0 },
	    CRL_SUPERSEDED, 0, "signer", "outcome unknown, never released", e);
}

const struct request_type request_certify = {
	.name = "certificate",
	.admit = admit,
	.assumed = assumed,
};

/* SIGN_CSR: a CertificationRequestInfo (RFC 2986 4.1) for one of our keys. */

static bool
csr_info_parse(const struct request *r, struct bytes *subject, struct error *e)
{
	struct der_reader top, in;
	struct bytes spki, name;
	uint8_t tag = 0;

	der_r_init(&top, buf_bytes(&r->data));
	der_r_init(&in, der_r_get(&top, DER_SEQUENCE));
	if (der_r_uint(&in) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "CertificationRequestInfo: version is not 0");
	name = der_r_any(&in, &tag);
	spki = der_r_any(&in, &tag);
	(void)der_r_get(&in, DER_CONTEXT_CONSTRUCTED(0));
	if (!der_r_done(&in) || !der_r_done(&top))
		return error_set(e, FAIL_BAD_INPUT,
		    "CertificationRequestInfo: malformed");
	if (!bytes_eq(spki, buf_bytes(&r->key->spki_der)))
		return error_set(e, FAIL_REFUSED,
		    "CertificationRequestInfo: its key is not the signing key");
	*subject = name;
	return true;
}

bool
signer_sign_csr(struct signer *s, const struct signer_csr *req,
    signer_done_fn *done, void *arg, struct error *e)
{
	struct request *r;

	if (req->info.n == 0 || req->info.n > LIMIT_TBS_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "CertificationRequestInfo: %zu bytes, allowed 1 to %d",
		    req->info.n, LIMIT_TBS_BYTES);
	r = request_new(s, &request_csr, &req->key, &req->claim, done, arg, e);
	if (r == NULL)
		return false;
	buf_add_bytes(&r->data, req->info);
	request_queue(s, r);
	return true;
}

static bool
admit_csr(struct signer *s, struct request *r, struct error *e)
{
	struct sha256 h = sha256(buf_bytes(&r->data));
	struct charter_usage u = { 0 };
	struct bytes subject;
	struct record rec;
	int64_t now_ms;

	r->kind = "csr";
	r->alg = sig_alg_default(r->key->spki.type);
	if (!csr_info_parse(r, &subject, e) || !reg_now(s->reg, &now_ms, e))
		return false;
	signer_usage(s, r->key, &u, now_ms / 1000);
	if (!charter_allows_csr(r->key->charter, subject, &u, &r->verdict, e))
		return false;
	request_prepare(r, buf_bytes(&r->data));
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", sig_alg_info(r->alg)->name);
	record_hash(&rec, "key", &r->key->id);
	record_text(&rec, "kind", r->kind);
	record_bytes(&rec, "req", bytes_of(r->id, r->id_len));
	record_hash(&rec, "sha256", &h);
	record_bytes(&rec, "tbs", buf_bytes(&r->data));
	request_claim(r, &rec);
	return reg_append(s->reg, &rec, (struct bytes){ 0 }, &r->intent, e);
}

const struct request_type request_csr = {
	.name = "csr",
	.admit = admit_csr,
};
