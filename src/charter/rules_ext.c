/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about extensions. */
#include <stdio.h>

#include <chancery/pki/der.h>

#include "internal.h"

#define OID_TEXT_MAX 128

/* Extensions that the other rules read, or that widen nothing. A critical one that a
 * verifier must then understand is fine only where it is meant to be. */
static const struct {
	const char *name;
	bool understood;
} known[] = {
	[EXT_BASIC_CONSTRAINTS] = { "basicConstraints", true },
	[EXT_KEY_USAGE] = { "keyUsage", true },
	[EXT_EKU] = { "extKeyUsage", true },
	[EXT_SAN] = { "subjectAltName", true },
	[EXT_SKI] = { "subjectKeyIdentifier", true },
	[EXT_AKI] = { "authorityKeyIdentifier", true },
	[EXT_CRL_DP] = { "cRLDistributionPoints", true },
	[EXT_AIA] = { "authorityInfoAccess", true },
	[EXT_POLICIES] = { "certificatePolicies", true },
	[EXT_NAME_CONSTRAINTS] = { "nameConstraints", true },
	[EXT_OCSP_NOCHECK] = { "ocsp-nocheck", true },
	[EXT_TLS_FEATURE] = { "tlsfeature", true },
	[EXT_OTHER] = { "other", false },
};
_Static_assert(countof(known) == EXT_KIND__COUNT, "one row per extension");

static bool
has_eku(const struct charter_act *a, const char *name)
{
	const struct ext *x = exts_find(&a->tbs->exts, EXT_EKU);
	char oid[OID_TEXT_MAX];

	for (size_t i = 0; x != NULL && ext_eku_at(x, i, oid, sizeof(oid)); i++)
		if (strcmp(oid, eku_oid_by_name(name)) == 0)
			return true;
	return false;
}

bool
act_server_auth(const struct charter_act *a)
{
	return exts_find(&a->tbs->exts, EXT_EKU) == NULL ||
	    has_eku(a, "serverAuth") || has_eku(a, "anyExtendedKeyUsage");
}

static bool
check_other(const struct charter_act *a, const struct ext *x, struct error *e)
{
	char oid[OID_TEXT_MAX], field[64];

	if (!der_oid_text(x->oid, oid, sizeof(oid)))
		return refuse(a, e, "extensions", "hold an OID too long");
	(void)snprintf(field, sizeof(field), "extensions.%.50s", oid);
	if (x->critical)
		return refuse(a, e, field,
		    "is critical, and we do not understand it");
	return texts_have(&a->c->l.extensions, oid) ||
	    refuse(a, e, field, "is not among extensions");
}

bool
rule_extensions(const struct charter_act *a, struct error *e)
{
	for (size_t i = 0; i < a->tbs->exts.n; i++) {
		const struct ext *x = &a->tbs->exts.v[i];

		if (!known[x->kind].understood && !check_other(a, x, e))
			return false;
		/* RFC 5280 4.2.1.10: only in a CA certificate. */
		if (x->kind == EXT_NAME_CONSTRAINTS && a->kind != KIND_CA)
			return refuse(a, e, "extensions.nameConstraints",
			    "stands in a certificate that is no CA");
		/* RFC 6960 4.2.2.2.1: takes the certificate out of reach of
		 * revocation. */
		if (x->kind == EXT_OCSP_NOCHECK &&
		    (a->kind != KIND_LEAF || !has_eku(a, "OCSPSigning")))
			return refuse(a, e, "extensions.ocsp-nocheck",
			    "stands in a certificate that is no OCSP signer");
	}
	return true;
}

bool
rule_key_usage(const struct charter_act *a, struct error *e)
{
	unsigned allowed = a->c->key_usage;
	const struct ext *x = exts_find(&a->tbs->exts, EXT_KEY_USAGE);
	unsigned extra;

	if (is_any(&a->c->l.key_usage))
		return true;
	if (x == NULL)
		return refuse(a, e, "extensions.keyUsage",
		    "is missing, and without it every usage is allowed");
	if (a->kind == KIND_CA)
		allowed |= KU_CERT_SIGN | KU_CRL_SIGN;
	extra = a->tbs->key_usage & ~allowed;
	return extra == 0 ||
	    refuse(a, e, "extensions.keyUsage",
		"has bits that are not among key_usage (mask 0x%03x)", extra);
}

static bool
eku_allowed(const struct charter_act *a, const char *oid)
{
	const struct yaml_texts *list = &a->c->l.ekus;
	const char *name = eku_name_by_oid(oid);

	return texts_have(list, oid) ||
	    (name != NULL && texts_have(list, name));
}

bool
rule_ekus(const struct charter_act *a, struct error *e)
{
	const struct ext *x = exts_find(&a->tbs->exts, EXT_EKU);
	char oid[OID_TEXT_MAX], field[64];
	struct error ignored;
	size_t n;

	if (is_any(&a->c->l.ekus))
		return true;
	if (x == NULL)
		return (a->kind == KIND_CA && a->u->self) ||
		    refuse(a, e, "extensions.extKeyUsage",
			"is missing, and without it every usage is allowed");
	if (!ext_eku_count(x, &n, &ignored))
		return refuse(a, e, "extensions.extKeyUsage", "cannot be read");
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(field, sizeof(field),
		    "extensions.extKeyUsage[%zu]", i);
		if (!ext_eku_at(x, i, oid, sizeof(oid)))
			return refuse(a, e, field, "cannot be read");
		if (!eku_allowed(a, oid))
			return refuse(a, e, field, "= %s is not among ekus",
			    eku_name_by_oid(oid) != NULL ? eku_name_by_oid(oid)
							 : oid);
	}
	return true;
}

bool
rule_path_len(const struct charter_act *a, struct error *e)
{
	static const char field[] =
	    "extensions.basicConstraints.pathLenConstraint";
	uint64_t max = a->c->l.path_len;

	/* RFC 5280 6.1.4 (l): nobody counts a self-issued certificate. */
	if (a->u->self)
		return true;
	if (a->tbs->path_len < 0)
		return refuse(a, e, field, "is missing, path_len allows %llu",
		    (unsigned long long)max);
	return (uint64_t)a->tbs->path_len <= max ||
	    refuse(a, e, field, "= %d, path_len allows %llu", a->tbs->path_len,
		(unsigned long long)max);
}
