/* SPDX-License-Identifier: Apache-2.0 */

/* Attribute types of distinguished names. */
#include <strings.h>

#include "name_attr.h"

#define OID(s)                                                                 \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}
#define X520(s) OID("\x55\x04" s)

/*
 * Names: RFC 4514 section 3 first, then the LDAP registry and OpenSSL's. Upper
 * bounds: RFC 5280 A.1 (ub-…), X.520 annex C for what is not there (street,
 * postal code, business category, description, telephone), 256 for UID
 * (RFC 1274, ub-user-identifier) and where no document gives one. String types: RFC 5280
 * 4.1.2.4 and A.1; the jurisdiction country is a country (CA/B EV Guidelines).
 */
static const struct name_attr attrs[] = {
	{ { "CN", "commonName" }, X520("\x03"), DER_UTF8_STRING, 1, 64 },
	{ { "C", "countryName", "country" }, X520("\x06"), DER_PRINTABLE_STRING,
	    2, 2 },
	{ { "ST", "stateOrProvinceName", "S" }, X520("\x08"), DER_UTF8_STRING,
	    1, 128 },
	{ { "L", "localityName", "locality" }, X520("\x07"), DER_UTF8_STRING, 1,
	    128 },
	{ { "O", "organizationName" }, X520("\x0a"), DER_UTF8_STRING, 1, 64 },
	{ { "OU", "organizationalUnitName" }, X520("\x0b"), DER_UTF8_STRING, 1,
	    64 },
	{ { "STREET", "streetAddress" }, X520("\x09"), DER_UTF8_STRING, 1,
	    128 },
	{ { "DC", "domainComponent" },
	    OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), DER_IA5_STRING, 1,
	    63 },
	{ { "UID", "userId" }, OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"),
	    DER_UTF8_STRING, 1, 256 },
	{ { "serialNumber" }, X520("\x05"), DER_PRINTABLE_STRING, 1, 64 },
	{ { "emailAddress", "E", "email" },
	    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), DER_IA5_STRING, 1,
	    255 },
	{ { "SN", "surname" }, X520("\x04"), DER_UTF8_STRING, 1, 32768 },
	{ { "GN", "givenName" }, X520("\x2a"), DER_UTF8_STRING, 1, 32768 },
	{ { "initials" }, X520("\x2b"), DER_UTF8_STRING, 1, 32768 },
	{ { "generationQualifier" }, X520("\x2c"), DER_UTF8_STRING, 1, 32768 },
	{ { "name" }, X520("\x29"), DER_UTF8_STRING, 1, 32768 },
	{ { "pseudonym" }, X520("\x41"), DER_UTF8_STRING, 1, 128 },
	{ { "title" }, X520("\x0c"), DER_UTF8_STRING, 1, 64 },
	{ { "description" }, X520("\x0d"), DER_UTF8_STRING, 1, 1024 },
	{ { "businessCategory" }, X520("\x0f"), DER_UTF8_STRING, 1, 128 },
	{ { "postalCode" }, X520("\x11"), DER_UTF8_STRING, 1, 40 },
	{ { "telephoneNumber" }, X520("\x14"), DER_PRINTABLE_STRING, 1, 32 },
	{ { "dnQualifier" }, X520("\x2e"), DER_PRINTABLE_STRING, 1, 256 },
	{ { "organizationIdentifier" }, X520("\x61"), DER_UTF8_STRING, 1, 256 },
	{ { "unstructuredName" }, OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02"),
	    DER_UTF8_STRING, 1, 255 },
	{ { "jurisdictionL", "jurisdictionLocalityName" },
	    OID("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01"),
	    DER_UTF8_STRING, 1, 128 },
	{ { "jurisdictionST", "jurisdictionStateOrProvinceName" },
	    OID("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02"),
	    DER_UTF8_STRING, 1, 128 },
	{ { "jurisdictionC", "jurisdictionCountryName" },
	    OID("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03"),
	    DER_PRINTABLE_STRING, 2, 2 },
};

static bool
spelled(const struct name_attr *a, struct bytes name)
{
	for (size_t i = 0; i < countof(a->names) && a->names[i] != NULL; i++)
		if (strlen(a->names[i]) == name.n &&
		    strncasecmp(a->names[i], (const char *)name.p, name.n) == 0)
			return true;
	return false;
}

static bool
dotted(const struct name_attr *a, struct bytes name)
{
	char text[64];

	return der_oid_text(a->oid, text, sizeof(text)) &&
	    bytes_eq(bytes_str(text), name);
}

const struct name_attr *
name_attr_by_name(struct bytes name)
{
	bool digits = name.n != 0 && name.p[0] >= '0' && name.p[0] <= '9';

	for (size_t i = 0; i < countof(attrs); i++)
		if (digits ? dotted(&attrs[i], name) : spelled(&attrs[i], name))
			return &attrs[i];
	return NULL;
}

const struct name_attr *
name_attr_by_oid(struct bytes oid)
{
	for (size_t i = 0; i < countof(attrs); i++)
		if (bytes_eq(attrs[i].oid, oid))
			return &attrs[i];
	return NULL;
}

void
name_type_text(struct bytes oid, struct buf *out)
{
	const struct name_attr *a = name_attr_by_oid(oid);
	char text[512];

	if (a != NULL)
		buf_add_str(out, a->names[0]);
	else if (der_oid_text(oid, text, sizeof(text)))
		buf_add_str(out, text);
	else
		buf_add_str(out, "malformed");
}
