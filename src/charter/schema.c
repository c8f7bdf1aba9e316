/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a charter, once: the YAML reader, the JSON reader and writer,
 * `describe` and the documentation go through these tables. Keys are in the order of
 * canonical JSON. */
#include "internal.h"

static const char *const self_signed_names[] = { "deny", "once", "allow",
	NULL };
static const char *const imported_names[] = { "deny", "allow", NULL };

/* Canonical JSON has no integers past 2^53. */
#define COUNT_MAX (UINT64_C(1) << 53)
#define YEAR (365L * 86400)

#define L(member) .offset = offsetof(struct limits, member)
#define N(member) .offset = offsetof(struct names, member)
#define LIST(name, field, check_, about_)                                      \
	{                                                                      \
		.key = (name), .type = YAML_TEXT_LIST, field, .max = 1024,     \
		.check = (check_), .about = (about_)                           \
	}
#define LIFE(name, i, about_)                                                  \
	{                                                                      \
		.key = (name), .type = YAML_DURATION,                          \
		.offset = (i) * sizeof(int64_t), .max = 100 * YEAR,            \
		.about = (about_)                                              \
	}

static const struct yaml_field life_fields[] = {
	LIFE("ca", LIFE_CA, "CA certificates of other keys."),
	LIFE("crl", LIFE_CRL, "nextUpdate - thisUpdate of a CRL."),
	LIFE("leaf", LIFE_LEAF, "Certificates that are no CA."),
	LIFE("ocsp", LIFE_OCSP, "nextUpdate - thisUpdate of an OCSP answer."),
	LIFE("self_signed", LIFE_SELF, "The key's own certificate."),
	{ 0 },
};
static const struct yaml_field names_fields[] = {
	LIST("dn", N(dn), check_dn,
	    "Subjects and directoryName: one entry must fit. \"O=Acme,C=US\": "
	    "each attribute type named has exactly these values; others are "
	    "free."),
	LIST("dns", N(dns), check_dns,
	    "dNSName: \"broker.example\" this name, \".example\" every name "
	    "below."),
	LIST("email", N(email), check_email,
	    "rfc822Name and emailAddress: \"a@b.example\", or \"@b.example\" "
	    "every mailbox of the host."),
	LIST("ip", N(ip), check_ip,
	    "iPAddress: \"10.2.0.0/16\", \"fd00::/8\"."),
	LIST("uri", N(uri), check_uri,
	    "uniformResourceIdentifier: itself, or what begins with it when "
	    "it ends in \"/\"."),
	{ .key = "wildcards",
	    .type = YAML_BOOL,
	    N(wildcards),
	    .dflt = "false",
	    .about = "Whether a dNSName may be \"*.\" and a name within dns." },
	{ 0 },
};
static const struct yaml_field quorum_row[] = {
	{ .key = "custodians",
	    .type = YAML_TEXT,
	    .offset = offsetof(struct quorum, custodians),
	    .required = true,
	    .check = check_sha256,
	    .about = "SHA-256 of their OpenSSH allowed_signers file, hex." },
	{ .key = "m",
	    .type = YAML_UINT,
	    .offset = offsetof(struct quorum, m),
	    .required = true,
	    .min = 1,
	    .max = 16,
	    .about = "How many of them must approve." },
	{ 0 },
};
#define QUORUM(name, kind)                                                     \
	{                                                                      \
		.key = (name), .type = YAML_SECTION, .fields = quorum_row,     \
		.offset = (kind) * sizeof(struct quorum)                       \
	}
static const struct yaml_field quorum_fields[] = {
	QUORUM("ca", KIND_CA),
	QUORUM("crl", KIND_CRL),
	QUORUM("csr", KIND_CSR),
	QUORUM("leaf", KIND_LEAF),
	QUORUM("ocsp", KIND_OCSP),
	{ 0 },
};

const struct yaml_field limits_schema[] = {
	LIST("algs", L(algs), check_alg,
	    "Signature algorithms that a certificate may name: \"ecdsa-"
	    "sha256\" …"),
	{ .key = "backdate",
	    .type = YAML_DURATION,
	    L(backdate),
	    .dflt = "1m",
	    .max = YEAR,
	    .about = "How far notBefore and thisUpdate may lie in the past." },
	LIST("ekus", L(ekus), check_eku,
	    "Extended key usages: names or OIDs. Only \"any\" allows a "
	    "certificate without the extension."),
	LIST("extensions", L(extensions), check_oid,
	    "OIDs of further extensions, never critical, that a certificate "
	    "may carry."),
	{ .key = "imported_keys",
	    .type = YAML_ENUM,
	    L(imported_keys),
	    .names = imported_names,
	    .dflt = "deny",
	    .about = "Whether the key may have lived outside the HSM." },
	{ .key = "key_usage",
	    .type = YAML_TEXT_LIST,
	    L(key_usage),
	    .max = 16,
	    .check = check_key_usage,
	    .dflt = "digitalSignature,keyAgreement,keyEncipherment",
	    .about = "Key usages, beside keyCertSign and cRLSign of a CA. Only "
		     "\"any\" allows a certificate without the extension." },
	LIST("kinds", L(kinds), check_kind,
	    "What the key may sign: leaf, ca, crl, ocsp, csr, and caller-crl: "
	    "lists whose entries a caller brings, without which Vault's "
	    "sign-revocation-list and resign-crls are refused."),
	{ .key = "max_life",
	    .type = YAML_SECTION,
	    L(max_life),
	    .fields = life_fields,
	    .about = "Longest validity, by kind." },
	LIST("must_constrain", L(must_constrain), check_name_kind,
	    "Kinds of names (dn, dns, email, ip, uri) for which a CA "
	    "certificate must carry critical name constraints within names."),
	{ .key = "names",
	    .type = YAML_SECTION,
	    L(names),
	    .fields = names_fields,
	    .about = "Names that may stand in what is signed. \"any\" alone in "
		     "a list: all; an empty list: none." },
	{ .key = "open",
	    .type = YAML_BOOL,
	    L(open),
	    .dflt = "false",
	    .about = "No limits at all, for demonstrations; every report says "
		     "so. Stands alone." },
	{ .key = "path_len",
	    .type = YAML_UINT,
	    L(path_len),
	    .max = 16,
	    .dflt = "0",
	    .about = "Largest pathLenConstraint, which every CA certificate of "
		     "another key must carry." },
	{ .key = "per_hour",
	    .type = YAML_UINT,
	    L(per_hour),
	    .min = 1,
	    .max = COUNT_MAX,
	    .about = "Signatures in one clock hour; without it, no limit." },
	{ .key = "quorum",
	    .type = YAML_SECTION,
	    L(quorum),
	    .fields = quorum_fields,
	    .about = "Kinds that need the approval of custodians." },
	{ .key = "self_signed",
	    .type = YAML_ENUM,
	    L(self_signed),
	    .names = self_signed_names,
	    .dflt = "deny",
	    .about = "CA certificates for the key itself." },
	LIST("subject_keys", L(subject_keys), check_key,
	    "Key types that may be certified: \"rsa-3072\", \"ec-p256\" …"),
	{ .key = "total",
	    .type = YAML_UINT,
	    L(total),
	    .min = 1,
	    .max = COUNT_MAX,
	    .about = "Signatures in the life of the key; without it, no "
		     "limit." },
	{ 0 },
};
