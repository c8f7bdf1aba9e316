/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Distinguished names. The DER is the truth and is kept exactly; RFC 4514 text
 * is for people, plans and charters. Text → DER uses UTF8String, except
 * countryName, serialNumber and dnQualifier (PrintableString) and
 * emailAddress, domainComponent (IA5String), as RFC 5280 4.1.2.4 and A.1 ask.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* RFC 4514 text (most specific first, as LDAP writes it) → DER Name, appended.
 * Multi-valued RDNs with '+' (put into DER order); \\XX and escapes as the RFC;
 * "quotes" and spaces around separators as RFC 2253 section 4, which people
 * write; #hex values (one DER string), needed for types without a name; the types of
 * one RDN are distinct (X.501 9.3). Names of
 * types in any case, short, long or dotted. Unknown types, empty values, wrong
 * lengths (RFC 5280 upper bounds, in characters) are FAIL_BAD_INPUT and name the
 * attribute and its position as written. "" is the empty Name. */
bool name_parse(const char *text, struct buf *der, struct error *e) must_check;
/* DER Name → RFC 4514 text, appended. Unknown types as dotted=#hex. Controls,
 * invisible and bidirectional characters as \\XX. Fails as name_check. */
bool name_format(struct bytes der, struct buf *text,
    struct error *e) must_check;
/* SEQUENCE of non-empty SETs (sorted: X.690 11.6) of type and string; each string
 * holds what its type may, is not empty and has no NUL; at most
 * LIMIT_NAME_ATTRIBUTES. A type may stand twice in one RDN against X.501 9.3: Go's
 * encoder, so every Vault and OpenBao, writes several values of an attribute that way
 * (lint rule rfc5280-subject-strings). Not the upper bounds: keytool asks for
 * "C=Unknown", which a policy has to refuse and not a parser. */
bool name_check(struct bytes der, struct error *e) must_check;

/* One attribute by dotted OID or RFC 4514 short name ("CN", "O"): value as UTF-8
 * of the n-th occurrence in encoding order, appended; false when there is none
 * (or the name is malformed). */
bool name_get(struct bytes der, const char *type, unsigned nth,
    struct buf *utf8);
unsigned name_count(struct bytes der, const char *type);
/* One multi-valued RDN, or an attribute type twice. */
bool name_has_multivalued(struct bytes der);

/* Subject policy, as the policy sections of OpenSSL's ca(1): per attribute type
 * match (equal to the issuer's, compared as RFC 5280 7.1 says), supplied (must be
 * present), optional (may be present). What no row names is removed from the
 * subject, or refused when `strict` (as is an RDN of several values); order
 * follows the rows, each value in an RDN of its own, of a matched attribute the
 * issuer's encoding. As ca(1) does to the byte, but that ca(1) compares octets
 * and string type where we compare as RFC 5280 7.1. FAIL_REFUSED names the
 * attribute; FAIL_BAD_INPUT an unknown row or a malformed name. */
enum name_rule {
	NAME_MATCH,
	NAME_SUPPLIED,
	NAME_OPTIONAL
};
struct name_policy_row {
	const char *type; /* short or long name: "O", "organizationName" */
	enum name_rule rule;
};
bool name_policy_apply(const struct name_policy_row *rows, size_t n,
    bool strict, struct bytes issuer, struct bytes subject, struct buf *out,
    struct error *e) must_check;
