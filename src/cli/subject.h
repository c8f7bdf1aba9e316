/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What flags say about a certificate: names, profile, format. */
#include <chancery/base/limits.h>
#include <chancery/ceremony/issue.h>

#include "cli.h"

/* Room for all that a certificate may have. */
#define SANS_MAX LIMIT_SANS
struct san_list {
	struct general_name v[SANS_MAX];
	size_t n;
	uint8_t ip[SANS_MAX][16];
};
/* --dns --ip --uri --email. */
bool san_from_flags(const struct cli *c, struct san_list *out,
    struct error *e) must_check;
/* What the request asks for; other kinds than the four are refused. */
bool san_from_request(const struct csr *csr, struct san_list *out,
    struct error *e) must_check;

/* --life --crl-url --ca-url --ocsp-url; and for a CA --path-len and the name
 * constraints. Changes the copy of a built-in profile. */
bool profile_from_flags(const struct cli *c, struct profile *p,
    struct error *e) must_check;
/* --policy TYPE=match|supplied|optional, in order: instead of the profile's rows. The
 * names live in *types. */
struct policy_types {
	char v[PROFILE_ROWS_MAX][40];
};
bool policy_from_flags(const struct cli *c, struct profile *p,
    struct policy_types *types, struct error *e) must_check;
/* --label of a new key, as plans want it: it stands in URIs, file names, reports. */
bool label_flag_check(const struct cli *c, struct error *e) must_check;
bool life_flag(const struct cli *c, int64_t *life_s,
    struct error *e) must_check;

#define LEAF_NAME_FLAGS                                                        \
	{ "dns", "NAME", "subjectAltName, DNS name", false, true },            \
	    { "ip", "ADDRESS", "subjectAltName, IP address", false, true },    \
	    { "uri", "URI", "subjectAltName, URI", false, true },              \
	{                                                                      \
		"email", "ADDRESS", "subjectAltName, e-mail address", false,   \
		    true                                                       \
	}
#define URL_FLAGS                                                              \
	{ "life", "DURATION", "such as 90d; else the profile's", false,        \
		false },                                                       \
	    { "crl-url", "URL", "CRL distribution point", false, true },       \
	    { "ca-url", "URL", "where the issuer's certificate is", false,     \
		    true },                                                    \
	{                                                                      \
		"ocsp-url", "URL", "OCSP responder", false, true               \
	}
#define CA_FLAGS                                                               \
	{ "path-len", "N", "CA certificates below it; 0 by default", false,    \
		false },                                                       \
	    { "permit-dns", "NAME", "name constraint: permitted DNS subtree",  \
		    false, true },                                             \
	    { "exclude-dns", "NAME", "name constraint: excluded DNS subtree",  \
		    false, true },                                             \
	    { "permit-ip", "CIDR", "name constraint: permitted addresses",     \
		    false, true },                                             \
	    { "exclude-ip", "CIDR", "name constraint: excluded addresses",     \
		    false, true },                                             \
	{                                                                      \
		"permit-dn", "DN",                                             \
		    "name constraint: permitted directory subtree", false,     \
		    true                                                       \
	}
#define POLICY_FLAGS                                                           \
	{                                                                      \
		"policy", "TYPE=RULE",                                         \
		    "subject rule match, supplied or optional, such as "       \
		    "O=match; in "                                             \
		    "order, instead of the profile's",                         \
		    false, true                                                \
	}
#define OUT_FLAGS                                                              \
	{ "out", "FILE", "new file for the certificate", true, false },        \
	    { "format", "FORMAT",                                              \
		    "pem, pem_bundle (with the chain) or der; pem by default", \
		    false, false },                                            \
	{                                                                      \
		"sig-alg", "NAME",                                             \
		    "such as ecdsa-sha256; else by the issuer's key", false,   \
		    false                                                      \
	}
