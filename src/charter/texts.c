/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a charter's lists: whether one is well-formed. */
#include <chancery/base/alg.h>
#include <chancery/base/text.h>
#include <chancery/pki/name.h>

#include "internal.h"

bool
is_any(const struct yaml_texts *t)
{
	return t->n == 1 && strcmp(t->v[0], "any") == 0;
}

bool
texts_have(const struct yaml_texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i], text) == 0)
			return true;
	return false;
}

static bool
bad(const char *text, const char *what, struct error *e)
{
	auto_buf struct buf shown = { 0 };
	size_t n = strlen(text);

	buf_add_escaped(&shown, bytes_of(text, n < 64 ? n : 64));
	return error_set(e, FAIL_BAD_INPUT, "\"%s\" is not %s",
	    buf_cstr(&shown), what);
}

static bool
any(const char *text)
{
	return strcmp(text, "any") == 0;
}

static const char *const kind_names[] = {
	[KIND_LEAF] = "leaf",
	[KIND_CA] = "ca",
	[KIND_CRL] = "crl",
	[KIND_OCSP] = "ocsp",
	[KIND_CSR] = "csr",
	[KIND_CALLER_CRL] = "caller-crl",
};
_Static_assert(countof(kind_names) == KIND__COUNT, "one name per kind");

const char *
charter_kind_name(enum charter_kind k)
{
	return kind_names[k];
}

/* Position in a table of names, or its length. */
static unsigned
find_name(const char *const *names, unsigned n, const char *name)
{
	unsigned i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

bool
charter_kind_by_name(const char *name, enum charter_kind *out)
{
	unsigned i = find_name(kind_names, KIND__COUNT, name);

	if (i == KIND__COUNT)
		return false;
	*out = (enum charter_kind)i;
	return true;
}

bool
check_kind(const char *text, struct error *e)
{
	enum charter_kind k;

	return charter_kind_by_name(text, &k) ||
	    bad(text, "leaf, ca, crl, ocsp, csr or caller-crl", e);
}

bool
check_alg(const char *text, struct error *e)
{
	enum sig_alg alg;

	return any(text) || sig_alg_by_name(text, &alg) ||
	    bad(text, "a signature algorithm (rsa-sha256, ecdsa-sha384 …)", e);
}

bool
check_key(const char *text, struct error *e)
{
	struct key_type type;

	return any(text) || key_type_by_name(text, &type) ||
	    bad(text, "a key type (rsa-3072, ec-p256, ed25519 …)", e);
}

static bool
is_oid(const char *text)
{
	size_t arcs = 0;

	if (strlen(text) > 100 || text[0] < '0' || text[0] > '2')
		return false;
	for (;;) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 18 ||
		    (digits > 1 && text[0] == '0'))
			return false;
		arcs++;
		text += digits;
		if (*text == '\0')
			return arcs >= 2;
		if (*text++ != '.')
			return false;
	}
}

bool
check_oid(const char *text, struct error *e)
{
	return is_oid(text) || bad(text, "an OID (1.3.6.1.4.1 …)", e);
}

bool
check_eku(const char *text, struct error *e)
{
	const char *oid = eku_oid_by_name(text);

	if (strcmp(oid != NULL ? oid : text, "2.5.29.37.0") == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "every extended key usage is written \"any\"");
	return any(text) || oid != NULL || is_oid(text) ||
	    bad(text, "an extended key usage (serverAuth …, or an OID)", e);
}

static const struct {
	const char *name;
	unsigned bit;
} key_usages[] = {
	{ "digitalSignature", KU_DIGITAL_SIGNATURE },
	{ "nonRepudiation", KU_NON_REPUDIATION },
	{ "keyEncipherment", KU_KEY_ENCIPHERMENT },
	{ "dataEncipherment", KU_DATA_ENCIPHERMENT },
	{ "keyAgreement", KU_KEY_AGREEMENT },
	{ "cRLSign", KU_CRL_SIGN },
	{ "encipherOnly", KU_ENCIPHER_ONLY },
	{ "decipherOnly", KU_DECIPHER_ONLY },
};

unsigned
key_usage_bit(const char *name)
{
	for (size_t i = 0; i < countof(key_usages); i++)
		if (strcmp(key_usages[i].name, name) == 0)
			return key_usages[i].bit;
	return 0;
}

bool
check_key_usage(const char *text, struct error *e)
{
	if (strcmp(text, "keyCertSign") == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "keyCertSign makes a CA: it is the kind \"ca\"");
	return any(text) || key_usage_bit(text) != 0 ||
	    bad(text, "a key usage (digitalSignature, keyEncipherment …)", e);
}

static const char *const name_kinds[] = {
	[NAME_DNS] = "dns",
	[NAME_IP] = "ip",
	[NAME_DN] = "dn",
	[NAME_URI] = "uri",
	[NAME_EMAIL] = "email",
};
_Static_assert(countof(name_kinds) == NAME_KIND__COUNT, "one name per kind");

bool
name_kind_by_name(const char *name, enum name_kind *out)
{
	unsigned i = find_name(name_kinds, NAME_KIND__COUNT, name);

	if (i == NAME_KIND__COUNT)
		return false;
	*out = (enum name_kind)i;
	return true;
}

bool
check_name_kind(const char *text, struct error *e)
{
	enum name_kind k;

	return name_kind_by_name(text, &k) ||
	    bad(text, "dn, dns, email, ip or uri", e);
}

bool
check_dns(const char *text, struct error *e)
{
	if (strchr(text, '*') != NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "no \"*\" here: \".example\" and names.wildcards allow it");
	return is_host(bytes_str(*text == '.' ? text + 1 : text)) ||
	    bad(text, "a host name (broker.example, or .example for all below)",
		e);
}

bool
check_ip(const char *text, struct error *e)
{
	struct cidr c;

	return any(text) || charter_cidr_parse(text, &c) ||
	    bad(text,
		"a network (10.2.0.0/16, fd00::/8; no bits behind the prefix)",
		e);
}

bool
check_dn(const char *text, struct error *e)
{
	auto_buf struct buf der = { 0 };
	struct dn dn;

	if (any(text))
		return true;
	if (!name_parse(text, &der, e))
		return false;
	return (dn_parse(buf_bytes(&der), &dn) && dn.n > 0) ||
	    bad(text, "a list of attributes (O=Acme,C=US)", e);
}

bool
check_uri(const char *text, struct error *e)
{
	size_t scheme = strcspn(text, ":");

	if (any(text))
		return true;
	if (scheme == 0 || text[scheme] == '\0')
		return bad(text, "a URI (spiffe://acme.example/)", e);
	/* A prefix that does not reach past the host would match any host that
	 * begins alike. */
	if (text[strlen(text) - 1] == '/' &&
	    strncmp(text + scheme, "://", 3) == 0 &&
	    strchr(text + scheme + 3, '/') == text + scheme + 3)
		return bad(text, "a URI with a host (spiffe://acme.example/)",
		    e);
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= 0x20 || *p == 0x7f || strchr("\\%\"<>", *p) != NULL)
			return bad(text, "a plain URI", e);
	return strstr(text, "/.") == NULL || bad(text, "a plain URI", e);
}

bool
check_email(const char *text, struct error *e)
{
	const char *at = strchr(text, '@');

	return any(text) || (at != NULL && is_host(bytes_str(at + 1))) ||
	    bad(text, "a mailbox (a@b.example, or @b.example for all)", e);
}

bool
check_sha256(const char *text, struct error *e)
{
	return (strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64) ||
	    bad(text, "a SHA-256 (64 lower-case hex digits)", e);
}
