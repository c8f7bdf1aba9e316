/* SPDX-License-Identifier: Apache-2.0 */

/* The certificate profile of RFC 5280, CAs and criticality first. */
#include <chancery/pki/der.h>

#include "internal.h"
#include "lint_checks.h"

bool
lint_self_signed_names(const struct lint_context *c, struct error *e)
{
	return !lint_self_signed(c) || c->tbs->is_ca ||
	    lint_bad(e, "self-signed, but not a CA");
}

bool
lint_ca_basic_constraints(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_BASIC_CONSTRAINTS);

	return !c->tbs->is_ca || (x != NULL && x->critical) ||
	    lint_bad(e, "basic constraints of a CA are not critical");
}

bool
lint_ca_key_usage(const struct lint_context *c, struct error *e)
{
	return !c->tbs->is_ca || (c->tbs->key_usage & KU_CERT_SIGN) != 0 ||
	    lint_bad(e, "a CA without keyCertSign");
}

bool
lint_ca_ski(const struct lint_context *c, struct error *e)
{
	return !c->tbs->is_ca || lint_ext(c, EXT_SKI) != NULL ||
	    lint_bad(e, "a CA without subject key identifier");
}

bool
lint_cert_sign(const struct lint_context *c, struct error *e)
{
	return c->tbs->is_ca || (c->tbs->key_usage & KU_CERT_SIGN) == 0 ||
	    lint_bad(e, "keyCertSign, but not a CA");
}

bool
lint_path_len(const struct lint_context *c, struct error *e)
{
	if (c->tbs->path_len < 0)
		return true;
	return (c->tbs->is_ca && (c->tbs->key_usage & KU_CERT_SIGN) != 0) ||
	    lint_bad(e, "path length without cA and keyCertSign");
}

bool
lint_key_usage_critical(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_KEY_USAGE);

	return x == NULL || x->critical ||
	    lint_bad(e, "key usage is not critical");
}

/* Bits that a key of the algorithm cannot be used for. */
static unsigned
impossible_bits(enum key_alg alg)
{
	unsigned encipher = KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT;
	unsigned agree = KU_KEY_AGREEMENT | KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY;

	switch (alg) {
	case KEY_RSA:
		return agree; /* RFC 3279 2.3.1 */
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return encipher; /* RFC 8813 3 */
	case KEY_ED25519:
		return encipher | agree; /* RFC 8410 5 */
	case KEY_ALG__COUNT:
		break;
	}
	return 0;
}

bool
lint_key_usage_key_type(const struct lint_context *c, struct error *e)
{
	return !c->tbs->key_ok ||
	    (c->tbs->key_usage & impossible_bits(c->tbs->key.type.alg)) == 0 ||
	    lint_bad(e, "key usage bits that %s keys cannot serve",
		key_type_name(c->tbs->key.type));
}

bool
lint_criticality(const struct lint_context *c, struct error *e)
{
	static const struct {
		enum ext_kind kind;
		bool critical;
	} rows[] = {
		{ EXT_SKI, false },             /* 4.2.1.2 */
		{ EXT_AKI, false },             /* 4.2.1.1 */
		{ EXT_NAME_CONSTRAINTS, true }, /* 4.2.1.10 */
		{ EXT_CRL_DP, false },          /* 4.2.1.13, SHOULD */
		{ EXT_AIA, false },             /* 4.2.2.1 */
		{ EXT_POLICIES, false },        /* ours: no qualifiers */
		{ EXT_OCSP_NOCHECK, false },    /* RFC 6960 4.2.2.2.1 */
		{ EXT_TLS_FEATURE, false },     /* RFC 7633 4 */
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct ext *x = lint_ext(c, rows[i].kind);

		if (x != NULL && x->critical != rows[i].critical)
			return lint_bad(e, "%s is %scritical",
			    ext_kind_name(x->kind), x->critical ? "" : "not ");
	}
	for (size_t i = 0; i < c->tbs->exts.n; i++)
		if (c->tbs->exts.v[i].kind == EXT_OTHER &&
		    c->tbs->exts.v[i].critical)
			return lint_bad(e, "an unknown extension is critical");
	return true;
}

bool
lint_name_constraints(const struct lint_context *c, struct error *e)
{
	return c->tbs->is_ca || lint_ext(c, EXT_NAME_CONSTRAINTS) == NULL ||
	    lint_bad(e, "name constraints, but not a CA");
}

bool
lint_subject(const struct lint_context *c, struct error *e)
{
	if (c->tbs->subject.n > 2)
		return true;
	if (c->tbs->is_ca)
		return lint_bad(e, "empty subject in a CA");
	return lint_ext(c, EXT_SAN) != NULL ||
	    lint_bad(e, "empty subject without subjectAltName");
}

bool
lint_san_critical(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_SAN);
	bool empty = c->tbs->subject.n <= 2;

	return x == NULL || x->critical == empty ||
	    lint_bad(e, "subjectAltName is %scritical, subject is %sempty",
		x->critical ? "" : "not ", empty ? "" : "not ");
}

static bool
crl_dp_uris(const struct ext *x, struct error *e)
{
	struct crl_dp_shape s;
	size_t n;

	if (!ext_crl_dp_shape(x, &s, e) || !ext_crl_dp(x, NULL, 0, &n, e))
		return false;
	return (s.full_names == s.points && n >= s.points) ||
	    lint_bad(e, "a CRL distribution point without URI");
}

bool
lint_crl_dp(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_CRL_DP);

	return x == NULL || crl_dp_uris(x, e);
}

bool
lint_aia(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_AIA);
	size_t ocsp, ca;

	if (x == NULL)
		return true;
	if (!ext_aia(x, "1.3.6.1.5.5.7.48.1", NULL, 0, &ocsp, e) ||
	    !ext_aia(x, "1.3.6.1.5.5.7.48.2", NULL, 0, &ca, e))
		return false;
	return ocsp + ca > 0 ||
	    lint_bad(e, "authority information without OCSP or caIssuers URI");
}
