/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>
#include <chancery/pki/csr.h>

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
	if (req->profile != NULL &&
	    (strlen(req->profile) > LIMIT_WHO_BYTES ||
		!utf8_valid(bytes_str(req->profile))))
		return error_set(e, FAIL_BAD_INPUT,
		    "profile: not UTF-8 or longer than %d bytes",
		    LIMIT_WHO_BYTES);
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

/* What no charter can allow: a certificate that this key could not have meant. */
static bool
structure(struct request *r, const struct tbs_view *t, struct error *e)
{
	const struct ext *aki = exts_find(&t->exts, EXT_AKI);
	struct bytes id = { 0 };
	bool other = false;
	int64_t partition;

	if (t->version != 3)
		return request_refuse(r, "structure-version", "version", e);
	if (!t->alg_known || !sig_alg_fits(t->alg, r->key->spki.type))
		return request_refuse(r, "structure-algorithm", "signature", e);
	if (t->not_after_s <= t->not_before_s)
		return request_refuse(r, "structure-validity", "validity", e);
	if (t->has_unique_id)
		return request_refuse(r, "structure-unique-id", "uniqueID", e);
	if (!t->key_ok)
		return request_refuse(r, "structure-key",
		    "subjectPublicKeyInfo", e);
	/* Its revocation must stand on every list that it points to. */
	if (!partition_of_cert(t, &partition))
		return request_refuse(r, "structure-crl-partition",
		    "extensions.cRLDistributionPoints", e);
	if (aki != NULL &&
	    (!ext_aki(aki, &id, &other, e) || other ||
		!bytes_eq(id, bytes_of(r->key->key_id, 20))))
		return request_refuse(r, "structure-aki",
		    "extensions.authorityKeyIdentifier", e);
	return true;
}

static bool
is_responder(const struct tbs_view *t)
{
	const struct ext *eku = exts_find(&t->exts, EXT_EKU);
	const char *ocsp = eku_oid_by_name("OCSPSigning");
	char oid[64];
	size_t i;

	if (t->is_ca || eku == NULL)
		return false;
	for (i = 0; ext_eku_at(eku, i, oid, sizeof(oid)); i++)
		if (strcmp(oid, ocsp) == 0)
			return true;
	return false;
}

/* Who holds a responder's key can answer "good" for anything. A daemon certifies only
 * those that lie in this register's HSMs, whose answers pass here; an operator may
 * have others, and may have said in the signer's own configuration that the daemon lets
 * others through: not for long, as nobody can take such a certificate back. */
static bool
responder_ok(struct signer *s, struct request *r, const struct tbs_view *t,
    int64_t now_s, struct error *e)
{
	struct sha256 id;

	if (s->cfg.reg.offline || !is_responder(t))
		return true;
	id = sha256(t->spki_der);
	if (signer_key_find(s, &id) != NULL)
		return true;
	if (!s->cfg.foreign_responders)
		return request_refuse(r, "structure-ocsp-key",
		    "subjectPublicKeyInfo", e);
	return t->not_after_s - now_s <= LIMIT_OCSP_RESPONDER_S ||
	    request_refuse(r, "structure-ocsp-life", "validity.notAfter", e);
}

static bool
self_signed(struct request *r, const struct tbs_view *t, bool *self,
    struct error *e)
{
	*self = bytes_eq(t->spki_der, buf_bytes(&r->key->spki_der));
	if (*self && !bytes_eq(t->issuer, t->subject))
		return request_refuse(r, "structure-self-issued", "issuer", e);
	return true;
}

/* The INTEGER's contents as 20 octets; only a serial that we handed out, once. */
static bool
take_serial(struct signer *s, struct request *r, const struct tbs_view *t,
    struct error *e)
{
	if (t->serial.n != LIMIT_SERIAL_BYTES ||
	    !outstanding_take(&s->serials, t->serial.p))
		return request_refuse(r, "serial-not-outstanding",
		    "serialNumber", e);
	return true;
}

static bool
intent(struct signer *s, struct request *r, const struct tbs_view *t,
    struct error *e)
{
	struct sha256 h = request_sha256(r, t->der);
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
	struct error ignored;
	struct tbs_view t;
	int64_t now_ms;
	bool self;

	if (!tbs_parse(buf_bytes(&r->data), &t, e)) {
		(void)request_refuse(r, "structure-der", "tbsCertificate",
		    &ignored);
		return false;
	}
	/* Anything able to sign certificates is a CA, whatever it is called. */
	r->kind = t.is_ca || (t.key_usage & KU_CERT_SIGN) != 0 ? "ca" : "leaf";
	if (!structure(r, &t, e) || !self_signed(r, &t, &self, e) ||
	    !reg_now(s->reg, &now_ms, e) ||
	    !responder_ok(s, r, &t, now_ms / 1000, e))
		return false;
	signer_usage(s, r->key, &u, now_ms / 1000);
	u.self = self;
	/* Those in flight count as well, or two at once would both be the first. */
	if (self)
		u.self_signed +=
		    reg_state_self_open(reg_get_state(s->reg), &r->key->id);
	else if (!signer_issuer_ok(s, r->key, t.issuer))
		return request_refuse(r, "structure-issuer", "issuer", e);
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
assumed(struct signer *s, const struct record *rec, struct error *e)
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
	/* A crash between the two records left the first. */
	return revoke_append(s, k, &t, rec->n, (struct bytes){ 0 },
		   CRL_SUPERSEDED, 0, "signer",
		   "outcome unknown, never released", NULL, e) ||
	    e->why == FAIL_EXISTS;
}

const struct request_type request_certify = {
	.name = "certificate",
	.admit = admit,
	.assumed = assumed,
};

/* SIGN_CSR: a CertificationRequestInfo (RFC 2986 4.1) for one of our keys. */

/* The form is held to what we demand of others. */
static bool
csr_info_parse(struct request *r, struct csr *c, struct error *e)
{
	struct error ignored;

	if (!csr_parse_info(buf_bytes(&r->data), r->alg, c, e) ||
	    !bytes_eq(c->info, buf_bytes(&r->data))) {
		(void)request_refuse(r, "structure-der",
		    "certificationRequestInfo", &ignored);
		return false;
	}
	if (!bytes_eq(c->key.der, buf_bytes(&r->key->spki_der)))
		return request_refuse(r, "structure-csr-key",
		    "subjectPublicKeyInfo", e);
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
	auto_csr struct csr c = { 0 };
	struct record rec;
	int64_t now_ms;

	r->kind = "csr";
	r->alg = sig_alg_default(r->key->spki.type);
	if (!csr_info_parse(r, &c, e) || !reg_now(s->reg, &now_ms, e))
		return false;
	signer_usage(s, r->key, &u, now_ms / 1000);
	if (!charter_allows_csr(r->key->charter, c.subject, &u, &r->verdict, e))
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
