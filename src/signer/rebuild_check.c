/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/cert.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/ocsp.h>
#include <chancery/signer/rebuild.h>

#include "rebuild.h"

/* Any signature, against what its INTENT says. */

static bool
is_kind(const struct record *in, const char *kind)
{
	return bytes_eq(record_get(in, "kind"), bytes_str(kind));
}

/* What the INTENT says of a certificate, against the certificate. */
static bool
check_cert(const struct record *in, enum sig_alg alg, struct error *e)
{
	struct tbs_view t;
	bool ca;

	if (!tbs_parse(record_get(in, "tbs"), &t, e))
		return false;
	if (!bytes_eq(t.serial, record_get(in, "serial")))
		return error_set(e, FAIL_CORRUPT,
		    "\"serial\" is not that of the certificate");
	if (!t.alg_known || t.alg != alg)
		return error_set(e, FAIL_CORRUPT,
		    "\"alg\" is not that of the certificate");
	ca = t.is_ca || (t.key_usage & KU_CERT_SIGN) != 0;
	if (ca != is_kind(in, "ca"))
		return error_set(e, FAIL_CORRUPT,
		    "\"kind\" is not that of the certificate");
	return true;
}

/* A certificate, or an answer, cannot hide under another name. */
static bool
check_csr(const struct record *in, enum sig_alg alg, struct error *e)
{
	auto_csr struct csr c = { 0 };

	return csr_parse_info(record_get(in, "tbs"), alg, &c, e);
}

/* What the INTENT says of a caller's list, against the list. */
static bool
check_caller_crl(const struct record *in, enum sig_alg alg, struct error *e)
{
	struct crl_view v;
	struct crl_entry one;
	size_t at = 0;
	int64_t n = 0;

	if (!crl_tbs_parse(record_get(in, "tbs"), &v, e))
		return false;
	while (crl_next_entry(&v, &at, &one, e))
		n++;
	if (e->why != FAIL_NONE)
		return false;
	return (v.alg == alg && v.has_number &&
		   (int64_t)v.number == record_get_int(in, "crl") &&
		   v.this_update_s == record_get_int(in, "this") &&
		   v.next_update_s == record_get_int(in, "next") &&
		   n == record_get_int(in, "entries") &&
		   bytes_eq(v.issuer, record_get(in, "issuer"))) ||
	    error_set(e, FAIL_CORRUPT,
		"number, times, entries, issuer or algorithm are not those of "
		"the list");
}

static bool
check_form(const struct record *in, enum sig_alg alg, struct error *e)
{
	if (is_kind(in, "csr"))
		return check_csr(in, alg, e);
	if (is_kind(in, "caller-crl"))
		return check_caller_crl(in, alg, e);
	if (is_kind(in, "leaf") || is_kind(in, "ca"))
		return check_cert(in, alg, e);
	return error_set(e, FAIL_CORRUPT, "\"kind\" is not one that is signed");
}

static bool
check_ocsp(const struct spki_verifier *v, enum sig_alg alg,
    const struct record *in, struct bytes sigs, struct error *e)
{
	struct bytes data = record_get(in, "tbs");
	struct der_reader d, s, dt, st;
	struct ocsp_data parsed;
	struct bytes one;
	int64_t n;
	uint8_t tag;

	der_r_init(&dt, data);
	der_r_init(&st, sigs);
	der_r_init(&d, der_r_get(&dt, DER_SEQUENCE));
	der_r_init(&s, der_r_get(&st, DER_SEQUENCE));
	for (n = 0; der_r_peek(&d) >= 0; n++) {
		one = der_r_any(&d, &tag);
		if (!ocsp_data_parse(one, &parsed, e) ||
		    !spki_verifier_check(v, alg, one,
			der_r_get(&s, DER_OCTET_STRING), e))
			return false;
	}
	return (der_r_done(&d) && der_r_done(&s) && der_r_done(&st) &&
		   n == record_get_int(in, "entries")) ||
	    error_set(e, FAIL_CORRUPT, "signatures and answers do not pair");
}

static bool
check_crl(struct reg *r, const struct spki *k, enum sig_alg alg,
    const struct record *in, struct bytes sig, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(alg);
	if (r == NULL && info->prehash && info->digest == DIGEST_SHA256)
		return spki_verify_digest(k, alg, record_get(in, "sha256"), sig,
		    e);
	if (r == NULL)
		return error_set(e, FAIL_UNSUPPORTED,
		    "the signature of a list by %s is checked on the list",
		    info->name);
	return rebuild_list_check(r, in, sig, e);
}

bool
rebuild_check_with(const struct spki_verifier *v, const struct record *in,
    const struct record *signed_, struct error *e)
{
	struct bytes sig = record_get(signed_, "sig");
	enum sig_alg alg = SIG_ALG__COUNT;

	if (!rebuild_alg(in, &alg, e))
		return false;
	if (is_kind(in, "ocsp"))
		return check_ocsp(v, alg, in, sig, e);
	return check_form(in, alg, e) &&
	    spki_verifier_check(v, alg, record_get(in, "tbs"), sig, e);
}

bool
rebuild_check_sig(void *arg, const struct record *in,
    const struct record *signed_, struct bytes spki, struct error *e)
{
	struct spki_verifier *v;
	enum sig_alg alg = SIG_ALG__COUNT;
	struct spki k;
	bool ok;

	if (!rebuild_alg(in, &alg, e) || !spki_parse(spki, &k, e))
		return false;
	if (record_has(in, "crl") && !record_has(in, "tbs"))
		return check_crl(arg, &k, alg, in, record_get(signed_, "sig"),
		    e);
	v = spki_verifier_new(&k, e);
	ok = v != NULL && rebuild_check_with(v, in, signed_, e);
	spki_verifier_free(v);
	return ok;
}
