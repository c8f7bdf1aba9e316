/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/name.h>
#include <chancery/pki/ocsp.h>

#include "internal.h"

/* ResponderID ::= CHOICE { byName [1] Name, byKey [2] KeyHash }, both EXPLICIT. */
static bool
responder_ok(struct der_reader *in)
{
	int tag = der_r_peek(in);
	struct der_reader inner;
	struct error ignored;
	struct bytes value;

	if (tag == DER_CONTEXT_CONSTRUCTED(1)) {
		value = der_r_get(in, DER_CONTEXT_CONSTRUCTED(1));
		return !in->failed && name_check(value, &ignored);
	}
	der_r_init(&inner, der_r_get(in, DER_CONTEXT_CONSTRUCTED(2)));
	value = der_r_get(&inner, DER_OCTET_STRING);
	return !in->failed && der_r_done(&inner) && value.n == 20;
}

static bool
read_data(struct bytes der, struct ocsp_data *d)
{
	struct der_reader in;

	if (!der_unwrap(der, DER_SEQUENCE, &in) || !responder_ok(&in))
		return false;
	d->produced_s = der_r_time(&in);
	der_r_init(&d->list, der_r_get(&in, DER_SEQUENCE));
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(1))
		(void)der_r_get(&in, DER_CONTEXT_CONSTRUCTED(1));
	return der_r_done(&in) && der_r_peek(&d->list) >= 0;
}

bool
ocsp_data_parse(struct bytes der, struct ocsp_data *out, struct error *e)
{
	struct ocsp_data d;

	if (!der_check(der, e))
		return error_context(e, "ResponseData");
	if (!read_data(der, &d))
		return error_set(e, FAIL_BAD_INPUT, "ResponseData: malformed");
	*out = d;
	return true;
}

/* CertID ::= SEQUENCE { hashAlgorithm, issuerNameHash, issuerKeyHash, serial } */
static bool
read_cert_id(struct der_reader *in, struct ocsp_single *out)
{
	struct der_reader id, alg;

	der_r_init(&id, der_r_get(in, DER_SEQUENCE));
	der_r_init(&alg, der_r_get(&id, DER_SEQUENCE));
	out->hash_oid = der_r_get(&alg, DER_OID);
	if (der_r_peek(&alg) == DER_NULL)
		(void)der_r_get(&alg, DER_NULL);
	out->name_hash = der_r_get(&id, DER_OCTET_STRING);
	out->key_hash = der_r_get(&id, DER_OCTET_STRING);
	out->serial = der_r_integer(&id);
	return der_r_done(&alg) && der_r_done(&id);
}

/* CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT SEQUENCE {
 * time, [0] reason? }, unknown [2] IMPLICIT NULL } */
static bool
read_status(struct der_reader *in, struct ocsp_single *out)
{
	int tag = der_r_peek(in);
	struct der_reader info;

	out->revoked_s = 0;
	if (tag == DER_CONTEXT(0) || tag == DER_CONTEXT(2)) {
		out->status = tag == DER_CONTEXT(0) ? OCSP_GOOD : OCSP_UNKNOWN;
		return der_r_get(in, (uint8_t)tag).n == 0;
	}
	out->status = OCSP_REVOKED;
	der_r_init(&info, der_r_get(in, DER_CONTEXT_CONSTRUCTED(1)));
	out->revoked_s = der_r_time(&info);
	if (der_r_peek(&info) == DER_CONTEXT_CONSTRUCTED(0))
		(void)der_r_get(&info, DER_CONTEXT_CONSTRUCTED(0));
	return !in->failed && der_r_done(&info);
}

bool
ocsp_data_next(struct ocsp_data *d, struct ocsp_single *out, bool *bad)
{
	struct der_reader in, next;

	*bad = false;
	if (der_r_peek(&d->list) < 0) {
		*bad = d->list.failed;
		return false;
	}
	der_r_init(&in, der_r_get(&d->list, DER_SEQUENCE));
	*bad = true;
	if (!read_cert_id(&in, out) || !read_status(&in, out))
		return false;
	out->this_s = der_r_time(&in);
	der_r_init(&next, der_r_get(&in, DER_CONTEXT_CONSTRUCTED(0)));
	out->next_s = der_r_time(&next);
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(1))
		(void)der_r_get(&in, DER_CONTEXT_CONSTRUCTED(1));
	*bad = d->list.failed || !der_r_done(&in) || !der_r_done(&next) ||
	    out->next_s < out->this_s;
	return !*bad;
}

bool
ocsp_is_issuer(const struct ocsp_single *s, const struct spki *issuer,
    bool *known)
{
	uint8_t own[DIGEST_MAX];
	enum ocsp_hash h;

	*known = ocsp_hash_by_oid(s->hash_oid, &h);
	return *known &&
	    bytes_eq(s->key_hash,
		bytes_of(own, ocsp_hash_of(h, issuer->point, own)));
}
