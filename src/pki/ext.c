/* SPDX-License-Identifier: Apache-2.0 */

#include <chancery/pki/ext.h>

#include <chancery/pki/der.h>

#include "internal.h"

static const struct {
	const char *name, *oid;
	struct bytes der; /* contents of the OBJECT IDENTIFIER */
} kinds[] = {
#define ID_CE(n)                                                               \
	{                                                                      \
		(const uint8_t *)"\x55\x1d" n, 3                               \
	}
	[EXT_BASIC_CONSTRAINTS] = { "basicConstraints", "2.5.29.19",
	    ID_CE("\x13") },
	[EXT_KEY_USAGE] = { "keyUsage", "2.5.29.15", ID_CE("\x0f") },
	[EXT_EKU] = { "extKeyUsage", "2.5.29.37", ID_CE("\x25") },
	[EXT_SAN] = { "subjectAltName", "2.5.29.17", ID_CE("\x11") },
	[EXT_SKI] = { "subjectKeyIdentifier", "2.5.29.14", ID_CE("\x0e") },
	[EXT_AKI] = { "authorityKeyIdentifier", "2.5.29.35", ID_CE("\x23") },
	[EXT_CRL_DP] = { "cRLDistributionPoints", "2.5.29.31", ID_CE("\x1f") },
	[EXT_AIA] = { "authorityInfoAccess", "1.3.6.1.5.5.7.1.1",
	    { (const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x01\x01", 8 } },
	[EXT_POLICIES] = { "certificatePolicies", "2.5.29.32", ID_CE("\x20") },
	[EXT_NAME_CONSTRAINTS] = { "nameConstraints", "2.5.29.30",
	    ID_CE("\x1e") },
	[EXT_OCSP_NOCHECK] = { "ocsp-nocheck", "1.3.6.1.5.5.7.48.1.5",
	    { (const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x30\x01\x05", 9 } },
	[EXT_TLS_FEATURE] = { "tlsFeature", "1.3.6.1.5.5.7.1.24",
	    { (const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x01\x18", 8 } },
	[EXT_OTHER] = { "extension", NULL, { NULL, 0 } },
#undef ID_CE
};
_Static_assert(countof(kinds) == EXT_KIND__COUNT, "one row per enum ext_kind");

static const struct {
	const char *name, *oid;
} ekus[] = {
	{ "serverAuth", "1.3.6.1.5.5.7.3.1" },
	{ "clientAuth", "1.3.6.1.5.5.7.3.2" },
	{ "codeSigning", "1.3.6.1.5.5.7.3.3" },
	{ "emailProtection", "1.3.6.1.5.5.7.3.4" },
	{ "ipsecEndSystem", "1.3.6.1.5.5.7.3.5" },
	{ "ipsecTunnel", "1.3.6.1.5.5.7.3.6" },
	{ "ipsecUser", "1.3.6.1.5.5.7.3.7" },
	{ "timeStamping", "1.3.6.1.5.5.7.3.8" },
	{ "OCSPSigning", "1.3.6.1.5.5.7.3.9" },
	{ "anyExtendedKeyUsage", "2.5.29.37.0" },
};

const char *
ext_kind_name(enum ext_kind kind)
{
	return kinds[kind].name;
}

const char *
ext_kind_oid(enum ext_kind kind)
{
	return kinds[kind].oid;
}

struct bytes
ext_kind_der(enum ext_kind kind)
{
	return kinds[kind].der;
}

const char *
eku_oid_by_name(const char *name)
{
	for (size_t i = 0; i < countof(ekus); i++)
		if (strcmp(ekus[i].name, name) == 0)
			return ekus[i].oid;
	return NULL;
}

const char *
eku_name_by_oid(const char *oid)
{
	for (size_t i = 0; i < countof(ekus); i++)
		if (strcmp(ekus[i].oid, oid) == 0)
			return ekus[i].name;
	return NULL;
}

static enum ext_kind
kind_of(struct bytes oid)
{
	enum ext_kind k = EXT_BASIC_CONSTRAINTS;

	while (k < EXT_OTHER && !bytes_eq(kinds[k].der, oid))
		k++;
	return k;
}

static bool
parse_one(struct der_reader *list, struct ext *out, struct error *e)
{
	struct der_reader r;

	*out = (struct ext){ 0 };
	der_r_init(&r, der_r_get(list, DER_SEQUENCE));
	out->oid = der_r_get(&r, DER_OID);
	if (der_r_peek(&r) == DER_BOOLEAN) {
		out->critical = der_r_bool(&r);
		/* X.690 11.5: a DEFAULT value is not encoded. */
		if (!r.failed && !out->critical)
			return error_set(e, FAIL_BAD_INPUT,
			    "extensions: critical FALSE is written out");
	}
	out->value = der_r_get(&r, DER_OCTET_STRING);
	if (list->failed || !der_r_done(&r) || out->oid.n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "extensions: malformed Extension");
	out->kind = kind_of(out->oid);
	return true;
}

static bool
is_duplicate(const struct exts *x, const struct ext *one)
{
	for (size_t i = 0; i < x->n; i++)
		if (bytes_eq(x->v[i].oid, one->oid))
			return true;
	return false;
}

bool
exts_parse(struct bytes der, struct exts *out, struct error *e)
{
	struct der_reader r;
	struct exts x;
	struct ext one;

	x.n = 0;
	if (!der_unwrap(der, DER_SEQUENCE, &r) || der_r_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "extensions: not a SEQUENCE of at least one Extension");
	while (der_r_peek(&r) >= 0) {
		if (!parse_one(&r, &one, e))
			return false;
		if (x.n == EXTS_MAX)
			return error_set(e, FAIL_BAD_INPUT,
			    "extensions: more than %d", EXTS_MAX);
		/* RFC 5280 4.2: not more than one instance. */
		if (is_duplicate(&x, &one))
			return error_set(e, FAIL_BAD_INPUT,
			    "extensions: %s stands there twice",
			    ext_kind_name(one.kind));
		x.v[x.n++] = one;
	}
	memcpy(out->v, x.v, x.n * sizeof(x.v[0]));
	out->n = x.n;
	return true;
}

const struct ext *
exts_find(const struct exts *x, enum ext_kind kind)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].kind == kind)
			return &x->v[i];
	return NULL;
}

const struct ext *
exts_find_oid(const struct exts *x, const char *dotted)
{
	char text[128];

	for (size_t i = 0; i < x->n; i++)
		if (der_oid_text(x->v[i].oid, text, sizeof(text)) &&
		    strcmp(text, dotted) == 0)
			return &x->v[i];
	return NULL;
}
