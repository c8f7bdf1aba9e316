/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 5280 5: strict, and without collecting entries. */
#include <chancery/pki/crl.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

#include "internal.h"

static bool
bad(const char *field, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "CRL: malformed %s", field);
}

static bool
unsigned_64(struct bytes value, uint64_t *out, const char *field,
    struct error *e)
{
	struct der_reader r;
	struct bytes v;

	der_r_init(&r, value);
	v = der_r_integer(&r);
	if (!der_r_done(&r) || (v.p[0] & 0x80) != 0)
		return bad(field, e);
	der_r_init(&r, value);
	*out = der_r_uint(&r);
	return !r.failed ||
	    error_set(e, FAIL_UNSUPPORTED, "CRL: %s above 64 bits", field);
}

static bool
read_aki(const struct ext *x, struct crl_view *v, struct error *e)
{
	bool other;

	v->has_aki = true;
	return ext_aki(x, &v->aki, &other, e) || error_context(e, "CRL");
}

static bool
read_number(const struct ext *x, struct crl_view *v, struct error *e)
{
	v->has_number = true;
	return unsigned_64(x->value, &v->number, "cRLNumber", e);
}

static bool
read_delta(const struct ext *x, struct crl_view *v, struct error *e)
{
	v->has_delta = true;
	v->delta_critical = x->critical;
	return unsigned_64(x->value, &v->delta_base, "deltaCRLIndicator", e);
}

/* DistributionPointName: the first URI of fullName. */
static bool
read_idp_name(struct bytes choice, struct crl_view *v)
{
	struct general_name name;
	struct der_reader r;
	uint8_t tag;

	if (!der_unwrap(choice, DER_CONTEXT_CONSTRUCTED(0), &r))
		return der_unwrap(choice, DER_CONTEXT_CONSTRUCTED(1), &r);
	while (der_r_peek(&r) >= 0) {
		struct bytes el = der_r_any(&r, &tag);

		if (r.failed || !general_name_parse(el, &name))
			return false;
		if (name.kind == GN_URI && v->idp_url.n == 0)
			v->idp_url = name.value;
	}
	return true;
}

/* IMPLICIT BOOLEAN DEFAULT FALSE: only TRUE is written. */
static bool
read_flag(struct der_reader *r, unsigned n)
{
	struct bytes v;

	if (der_r_peek(r) != (int)DER_CONTEXT(n))
		return false;
	v = der_r_get(r, (uint8_t)DER_CONTEXT(n));
	if (v.n != 1 || v.p[0] != 0xff)
		r->failed = true;
	return true;
}

static bool
read_idp(const struct ext *x, struct crl_view *v, struct error *e)
{
	struct der_reader r;

	v->has_idp = true;
	v->idp_critical = x->critical;
	if (!der_unwrap(x->value, DER_SEQUENCE, &r))
		return bad("issuingDistributionPoint", e);
	if (der_r_peek(&r) == DER_CONTEXT_CONSTRUCTED(0) &&
	    !read_idp_name(der_r_get(&r, DER_CONTEXT_CONSTRUCTED(0)), v))
		return bad("issuingDistributionPoint", e);
	v->idp_only_user = read_flag(&r, 1);
	v->idp_only_ca = read_flag(&r, 2);
	if (der_r_peek(&r) == DER_CONTEXT(3)) {
		v->idp_other = true;
		(void)der_r_get(&r, DER_CONTEXT(3));
	}
	v->idp_other |= read_flag(&r, 4);
	v->idp_other |= read_flag(&r, 5);
	return der_r_done(&r) || bad("issuingDistributionPoint", e);
}

static const struct {
	struct bytes oid;
	bool (*read)(const struct ext *, struct crl_view *, struct error *);
} readers[] = {
	{ { (const uint8_t *)"\x55\x1d\x23", 3 }, read_aki },
	{ { (const uint8_t *)"\x55\x1d\x14", 3 }, read_number },
	{ { (const uint8_t *)"\x55\x1d\x1b", 3 }, read_delta },
	{ { (const uint8_t *)"\x55\x1d\x1c", 3 }, read_idp },
};

static bool
read_extension(const struct ext *x, struct crl_view *v, struct error *e)
{
	for (size_t i = 0; i < countof(readers); i++)
		if (bytes_eq(readers[i].oid, x->oid))
			return readers[i].read(x, v, e);
	/* RFC 5280 5.2: what is critical and unknown must not be used. */
	return !x->critical ||
	    error_set(e, FAIL_UNSUPPORTED, "CRL: unknown critical extension");
}

static bool
read_extensions(struct der_reader *r, struct crl_view *v, struct error *e)
{
	struct exts x;
	struct bytes list;

	if (der_r_peek(r) < 0)
		return true;
	list = der_r_get(r, DER_CONTEXT_CONSTRUCTED(0));
	if (r->failed || v->version != 2)
		return bad("crlExtensions", e);
	if (!exts_parse(list, &x, e))
		return error_context(e, "CRL");
	for (size_t i = 0; i < x.n; i++)
		if (!read_extension(&x.v[i], v, e))
			return false;
	return true;
}

static bool
read_version(struct der_reader *r, struct crl_view *v, struct error *e)
{
	v->version = 1;
	if (der_r_peek(r) != DER_INTEGER)
		return true;
	v->version = 2;
	return der_r_uint(r) == 1 || bad("version", e);
}

static bool
is_time(int tag)
{
	return tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME;
}

/* outer_alg: NULL where there is no outer one yet. */
static bool
read_fields(struct der_reader *r, const struct bytes *outer_alg,
    struct crl_view *v, struct error *e)
{
	struct bytes alg;
	uint8_t tag = 0;

	if (!read_version(r, v, e))
		return false;
	alg = der_r_any(r, &tag);
	/* RFC 5280 5.1.1.2 */
	if (r->failed || (outer_alg != NULL && !bytes_eq(alg, *outer_alg)))
		return bad("signature: not the outer signatureAlgorithm", e);
	if (!sig_alg_by_der(alg, &v->alg))
		return error_set(e, FAIL_UNSUPPORTED,
		    "CRL: signature algorithm is not one we know");
	v->issuer = der_r_any(r, &tag);
	if (r->failed || !name_check(v->issuer, e))
		return bad("issuer", e);
	v->this_update_s = der_r_time(r);
	/* OPTIONAL in the syntax, required by 5.1.2.5. */
	v->next_update_s = is_time(der_r_peek(r)) ? der_r_time(r) : -1;
	if (r->failed || v->next_update_s < 0)
		return bad("thisUpdate or nextUpdate", e);
	if (der_r_peek(r) == DER_SEQUENCE) {
		v->entries = der_r_get(r, DER_SEQUENCE);
		v->empty_list = !r->failed && v->entries.n == 0;
	}
	return read_extensions(r, v, e) &&
	    (der_r_done(r) || bad("end: bytes after the last field", e));
}

static bool
parse_der(struct bytes der, struct crl_view *out, struct error *e)
{
	struct crl_view v = { .der = der };
	struct der_reader r, tbs;
	struct bytes alg;
	uint8_t tag = 0;

	if (!der_unwrap(der, DER_SEQUENCE, &r))
		return bad("CertificateList: not one DER SEQUENCE", e);
	v.tbs = der_r_any(&r, &tag);
	alg = der_r_any(&r, &tag);
	v.sig = der_r_bit_string(&r);
	if (!der_r_done(&r))
		return bad("CertificateList", e);
	if (!der_unwrap(v.tbs, DER_SEQUENCE, &tbs))
		return bad("tbsCertList", e);
	if (!read_fields(&tbs, &alg, &v, e))
		return false;
	*out = v;
	return true;
}

bool
crl_tbs_parse(struct bytes tbs, struct crl_view *out, struct error *e)
{
	struct crl_view v = { .tbs = tbs };
	struct der_reader r;

	if (!der_unwrap(tbs, DER_SEQUENCE, &r))
		return bad("tbsCertList: not one DER SEQUENCE", e);
	if (!read_fields(&r, NULL, &v, e))
		return false;
	*out = v;
	return true;
}

bool
crl_parse(struct bytes in, const char *file, struct buf *owned,
    struct crl_view *out, struct error *e)
{
	static const char *const labels[] = { "X509 CRL", NULL };
	auto_buf struct buf der = { 0 };
	const char *label;
	size_t at = 0;

	if (is_der(in))
		return parse_der(in, out, e) || error_context(e, "%s", file);
	if (!pem_next(in, &at, labels, &der, &label, e) ||
	    !parse_der(buf_bytes(&der), out, e))
		return error_context(e, "%s", file);
	/* The view points into der, whose memory *owned takes over. */
	buf_free(owned);
	*owned = der;
	der = (struct buf){ 0 };
	return true;
}

static bool
entry_reason(struct bytes value, struct crl_entry *out)
{
	struct der_reader r;
	struct bytes v;

	der_r_init(&r, value);
	v = der_r_get(&r, DER_ENUMERATED);
	if (!der_r_done(&r) || v.n != 1 || !crl_reason_valid(v.p[0]))
		return false;
	out->reason = (enum crl_reason)v.p[0];
	return true;
}

static bool
entry_invalidity(struct bytes value, struct crl_entry *out)
{
	struct der_reader r;

	der_r_init(&r, value);
	if (der_r_peek(&r) != DER_GENERALIZED_TIME)
		return false;
	out->invalidity_s = der_r_time(&r);
	return der_r_done(&r);
}

static bool
entry_extensions(struct bytes list, struct crl_entry *out)
{
	static const struct bytes reason = { (const uint8_t *)"\x55\x1d\x15",
		3 };
	static const struct bytes invalidity = {
		(const uint8_t *)"\x55\x1d\x18", 3
	};
	struct error ignored;
	struct exts x;

	if (!exts_parse(list, &x, &ignored))
		return false;
	for (size_t i = 0; i < x.n; i++) {
		const struct ext *one = &x.v[i];

		if (bytes_eq(one->oid, reason)) {
			if (!entry_reason(one->value, out))
				return false;
		} else if (bytes_eq(one->oid, invalidity)) {
			if (!entry_invalidity(one->value, out))
				return false;
		} else if (one->critical) {
			return false;
		}
	}
	return true;
}

static bool
entry_serial(struct der_reader *r, struct crl_entry *out)
{
	struct bytes v = der_r_integer(r);

	if (r->failed || (v.p[0] & 0x80) != 0)
		return false;
	if (v.p[0] == 0)
		v = bytes_of(v.p + 1, v.n - 1);
	if (v.n > sizeof(out->serial))
		return false;
	if (v.n > 0)
		memcpy(out->serial + sizeof(out->serial) - v.n, v.p, v.n);
	return true;
}

static bool
parse_entry(struct bytes content, struct crl_entry *out)
{
	struct der_reader r;
	uint8_t tag = 0;

	der_r_init(&r, content);
	if (!entry_serial(&r, out))
		return false;
	out->revoked_s = der_r_time(&r);
	if (der_r_peek(&r) == DER_SEQUENCE &&
	    !entry_extensions(der_r_any(&r, &tag), out))
		return false;
	return der_r_done(&r);
}

bool
crl_next_entry(const struct crl_view *v, size_t *at, struct crl_entry *out,
    struct error *e)
{
	struct crl_entry entry = { .reason = CRL_UNSPECIFIED };
	struct der_reader r;
	struct bytes one;

	error_clear(e);
	if (*at >= v->entries.n)
		return false;
	der_r_init(&r, bytes_of(v->entries.p + *at, v->entries.n - *at));
	one = der_r_get(&r, DER_SEQUENCE);
	if (r.failed || !parse_entry(one, &entry))
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL: malformed entry at offset %zu", *at);
	*at = v->entries.n - r.rest.n;
	*out = entry;
	return true;
}

bool
crl_verify(const struct crl_view *v, const struct spki *issuer, struct error *e)
{
	return spki_verify(issuer, v->alg, v->tbs, v->sig, e) ||
	    error_context(e, "CRL");
}
