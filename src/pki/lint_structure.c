/* SPDX-License-Identifier: Apache-2.0 */

/* Rules that always stop: a certificate that breaks one is not one. */
#include <chancery/base/limits.h>
#include <chancery/pki/der.h>

#include "internal.h"
#include "lint_checks.h"

bool
lint_der(const struct lint_context *c, struct error *e)
{
	if (!der_check(c->tbs->der, e))
		return false;
	for (size_t i = 0; i < c->tbs->exts.n; i++) {
		const struct ext *x = &c->tbs->exts.v[i];

		if (!der_check(x->value, e))
			return error_context(e, "%s", ext_kind_name(x->kind));
	}
	return true;
}

bool
lint_version(const struct lint_context *c, struct error *e)
{
	return c->tbs->version == 3 ||
	    lint_bad(e, "version %u", c->tbs->version);
}

bool
lint_serial(const struct lint_context *c, struct error *e)
{
	struct bytes s = c->tbs->serial;

	if (s.n > LIMIT_SERIAL_BYTES)
		return lint_bad(e, "serial number of %zu octets", s.n);
	if ((s.p[0] & 0x80) != 0)
		return lint_bad(e, "serial number is negative");
	return s.n > 1 || s.p[0] != 0 || lint_bad(e, "serial number is zero");
}

bool
lint_algorithm(const struct lint_context *c, struct error *e)
{
	const struct tbs_view *t = c->tbs;

	if (!t->alg_known)
		return lint_bad(e, "signature algorithm is not one we make");
	if (!lint_self_signed(c))
		return t->alg == c->issuer->alg ||
		    lint_bad(e, "signature algorithm %s, the issuer has %s",
			sig_alg_info(t->alg)->name,
			sig_alg_info(c->issuer->alg)->name);
	return !t->key_ok || sig_alg_fits(t->alg, t->key.type) ||
	    lint_bad(e, "signature algorithm %s does not fit the key",
		sig_alg_info(t->alg)->name);
}

bool
lint_key(const struct lint_context *c, struct error *e)
{
	struct spki ignored;

	/* Parsed again for the reason. */
	return c->tbs->key_ok || spki_parse(c->tbs->spki_der, &ignored, e);
}

/* The fields before validity are skipped; tbs_parse has seen that they stand. */
bool
lint_time_form(const struct lint_context *c, struct error *e)
{
	static const char *const fields[] = { "notBefore", "notAfter" };
	int64_t times[] = { c->tbs->not_before_s, c->tbs->not_after_s };
	struct der_reader r, v;
	uint8_t tag;

	if (!der_unwrap(c->tbs->der, DER_SEQUENCE, &r))
		return lint_bad(e, "not a SEQUENCE");
	for (int skip = c->tbs->version > 1 ? 4 : 3; skip > 0; skip--)
		(void)der_r_any(&r, &tag);
	der_r_init(&v, der_r_get(&r, DER_SEQUENCE));
	for (size_t i = 0; i < countof(fields); i++) {
		/* 2050-01-01T00:00:00Z */
		bool late = times[i] >= INT64_C(2524608000);

		if (der_r_any(&v, &tag).n == 0 ||
		    tag != (late ? DER_GENERALIZED_TIME : DER_UTC_TIME))
			return lint_bad(e, "%s is %s", fields[i],
			    late ? "after 2049 and not GeneralizedTime"
				 : "before 2050 and not UTCTime");
	}
	return true;
}

bool
lint_validity(const struct lint_context *c, struct error *e)
{
	return c->tbs->not_after_s > c->tbs->not_before_s ||
	    lint_bad(e, "notAfter is not after notBefore");
}

bool
lint_validity_nested(const struct lint_context *c, struct error *e)
{
	if (lint_self_signed(c))
		return true;
	if (c->tbs->not_before_s < c->issuer->not_before_s)
		return lint_bad(e, "notBefore is before the issuer's");
	return c->tbs->not_after_s <= c->issuer->not_after_s ||
	    lint_bad(e, "notAfter is beyond the issuer's");
}

bool
lint_issuer_name(const struct lint_context *c, struct error *e)
{
	if (lint_self_signed(c))
		return bytes_eq(c->tbs->issuer, c->tbs->subject) ||
		    lint_bad(e, "self-signed, but issuer is not subject");
	return bytes_eq(c->tbs->issuer, c->issuer->name) ||
	    lint_bad(e, "issuer is not the issuer's subject");
}

/* RFC 5280 4.2.1.1: may be left out only where issuer and subject key are one. */
bool
lint_aki(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_AKI);
	struct bytes id, own;
	bool other;

	if (x == NULL)
		return lint_self_signed(c) ||
		    lint_bad(e, "authority key identifier is missing");
	if (!ext_aki(x, &id, &other, e))
		return false;
	if (other)
		return lint_bad(e,
		    "authority key identifier has more than "
		    "the key identifier");
	if (!lint_self_signed(c))
		return bytes_eq(id, bytes_of(c->issuer->key_id, 20)) ||
		    lint_bad(e,
			"authority key identifier is not the "
			"issuer's");
	x = lint_ext(c, EXT_SKI);
	return (x != NULL && ext_ski(x, &own, e) && bytes_eq(id, own)) ||
	    lint_bad(e, "authority key identifier is not the subject's own");
}

bool
lint_subject_key(const struct lint_context *c, struct error *e)
{
	return lint_self_signed(c) || c->issuer_spki.n == 0 ||
	    !bytes_eq(c->tbs->spki_der, c->issuer_spki) ||
	    lint_bad(e, "subject key is the issuer's");
}

bool
lint_unique_ids(const struct lint_context *c, struct error *e)
{
	return !c->tbs->has_unique_id ||
	    lint_bad(e, "issuer or subject unique identifier");
}

bool
lint_extensions(const struct lint_context *c, struct error *e)
{
	for (size_t i = 0; i < c->tbs->exts.n; i++)
		if (!ext_check(&c->tbs->exts.v[i], e))
			return false;
	return true;
}
