/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificate extensions that we read: a flat view over the bytes. */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

enum ext_kind {
	EXT_BASIC_CONSTRAINTS, /* 2.5.29.19 */
	EXT_KEY_USAGE,         /* 2.5.29.15 */
	EXT_EKU,               /* 2.5.29.37 */
	EXT_SAN,               /* 2.5.29.17 */
	EXT_SKI,               /* 2.5.29.14 */
	EXT_AKI,               /* 2.5.29.35 */
	EXT_CRL_DP,            /* 2.5.29.31 */
	EXT_AIA,               /* 1.3.6.1.5.5.7.1.1 */
	EXT_POLICIES,          /* 2.5.29.32 */
	EXT_NAME_CONSTRAINTS,  /* 2.5.29.30 */
	EXT_OCSP_NOCHECK,      /* 1.3.6.1.5.5.7.48.1.5 */
	EXT_TLS_FEATURE,       /* 1.3.6.1.5.5.7.1.24 */
	EXT_OTHER,
	EXT_KIND__COUNT
};

struct ext {
	enum ext_kind kind;
	bool critical;
	struct bytes oid;   /* contents of the OBJECT IDENTIFIER */
	struct bytes value; /* contents of the OCTET STRING      */
};
#define EXTS_MAX 32
struct exts {
	struct ext v[EXTS_MAX];
	size_t n;
};

/* KeyUsage bits, RFC 5280 4.2.1.3, as 1 << bit number. */
enum {
	KU_DIGITAL_SIGNATURE = 1 << 0,
	KU_NON_REPUDIATION = 1 << 1,
	KU_KEY_ENCIPHERMENT = 1 << 2,
	KU_DATA_ENCIPHERMENT = 1 << 3,
	KU_KEY_AGREEMENT = 1 << 4,
	KU_CERT_SIGN = 1 << 5,
	KU_CRL_SIGN = 1 << 6,
	KU_ENCIPHER_ONLY = 1 << 7,
	KU_DECIPHER_ONLY = 1 << 8,
};

enum general_name_kind {
	GN_EMAIL,   /* [1] */
	GN_DNS,     /* [2] */
	GN_DIRNAME, /* [4], value is the whole Name */
	GN_URI,     /* [6] */
	GN_IP,      /* [7], 4 or 16 octets (8 or 32 in name constraints) */
	GN_OTHER    /* anything else, value is the whole element */
};
struct general_name {
	enum general_name_kind kind;
	struct bytes value;
};

/* The whole SEQUENCE OF Extension; views borrow from it. A duplicate, an empty list, more than EXTS_MAX or
 * DEFAULT FALSE written out are mistakes (RFC 5280 4.2, X.690 11.5). */
bool exts_parse(struct bytes der, struct exts *out, struct error *e) must_check;
/* "subjectAltName": the RFC 5280 names; "extension" for EXT_OTHER. */
const char *ext_kind_name(enum ext_kind kind);
/* Dotted OID of a kind; NULL for EXT_OTHER. */
const char *ext_kind_oid(enum ext_kind kind);
/* NULL when absent. */
const struct ext *exts_find(const struct exts *x, enum ext_kind kind);
const struct ext *exts_find_oid(const struct exts *x, const char *dotted);

/* Typed reads of an extension value; each demands exact DER. */
bool ext_basic_constraints(const struct ext *x, bool *ca, int *path_len,
    struct error *e) must_check; /* path_len -1 when absent */
bool ext_key_usage(const struct ext *x, unsigned *bits,
    struct error *e) must_check;
/* i-th purpose as dotted text: false past the end. */
bool ext_eku_at(const struct ext *x, size_t i, char *oid,
    size_t size) must_check;
bool ext_eku_count(const struct ext *x, size_t *n, struct error *e) must_check;
/* At most `max` names are written; *n is how many there are, so that *n > max
 * tells that the array was too small. At least one (RFC 5280 4.2.1.6). */
bool ext_san(const struct ext *x, struct general_name *out, size_t max,
    size_t *n, struct error *e) must_check;
bool ext_ski(const struct ext *x, struct bytes *id, struct error *e) must_check;
/* keyIdentifier only; *has_other when authorityCertIssuer/Serial stand there. */
bool ext_aki(const struct ext *x, struct bytes *id, bool *has_other,
    struct error *e) must_check;
/* http(s)/ldap URIs of all distribution points; `max` and *n as in ext_san. */
bool ext_crl_dp(const struct ext *x, struct bytes *uri, size_t max, size_t *n,
    struct error *e) must_check;
/* Shape of a CRLDistributionPoints value, for rules about it. */
struct crl_dp_shape {
	size_t points;     /* DistributionPoints                            */
	size_t full_names; /* those with fullName                           */
	bool reasons, crl_issuer, relative_name;
};
bool ext_crl_dp_shape(const struct ext *x, struct crl_dp_shape *out,
    struct error *e) must_check;
/* URIs of AccessDescriptions with this method ("1.3.6.1.5.5.7.48.1" OCSP,
 * ".2" caIssuers); `max` and *n as in ext_san. */
bool ext_aia(const struct ext *x, const char *method, struct bytes *uri,
    size_t max, size_t *n, struct error *e) must_check;
/* i-th policy as dotted text: false past the end or malformed. */
bool ext_policy_at(const struct ext *x, size_t i, char *oid,
    size_t size) must_check;
/* Base names of permitted (excluded false) or excluded subtrees; minimum and
 * maximum must be absent (RFC 5280 4.2.1.10). An absent side counts 0. */
bool ext_name_constraints(const struct ext *x, bool excluded,
    struct general_name *out, size_t max, size_t *n,
    struct error *e) must_check;
/* Whether the value of an extension of a known kind decodes (true for
 * EXT_OTHER). */
bool ext_check(const struct ext *x, struct error *e) must_check;
/* "serverAuth" → "1.3.6.1.5.5.7.3.1"; NULL when unknown. And back. */
const char *eku_oid_by_name(const char *name);
const char *eku_name_by_oid(const char *oid);
