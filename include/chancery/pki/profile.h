/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Profiles as data: what a certificate of a kind looks like. The built-in ones
 * (root, intermediate, kafka-broker, kafka-client, ocsp-responder, generic) are
 * rows of one table; plans and roles make others by copying and changing fields.
 */
#include <chancery/base/alg.h>
#include <chancery/base/error.h>
#include <chancery/pki/ext.h>
#include <chancery/pki/name.h>

#define PROFILE_EKUS_MAX 8
#define PROFILE_URLS_MAX 8
#define PROFILE_POLICIES_MAX 8
#define PROFILE_ROWS_MAX 16
#define PROFILE_CONSTRAINTS_MAX 32

struct profile {
	const char *name;
	const char *about; /* one sentence for help and documentation   */
	bool ca;
	int path_len; /* -1: no constraint                         */
	unsigned key_usage_rsa, key_usage_ec; /* KU_ bits by subject key     */
	const char *eku[PROFILE_EKUS_MAX];    /* names or dotted, NULL-ended */
	int64_t life_s; /* default                                   */
	int64_t life_max_s;
	int64_t backdate_s; /* notBefore = now - this                    */
	bool san_required, san_allowed;
	bool cn_in_san; /* the CN must appear as a DNS name in SAN   */
	bool ocsp_nocheck;
	bool must_staple;
	bool subject_strict; /* refuse what no row of `subject` names        */
	bool aki;            /* false only for a root's own               */
	const char *crl_url[PROFILE_URLS_MAX]; /* http; "{partition}" allowed */
	const char *ca_url[PROFILE_URLS_MAX];  /* AIA caIssuers             */
	const char *ocsp_url[PROFILE_URLS_MAX];
	const char *policy_oid[PROFILE_POLICIES_MAX];
	/* Name constraints of a CA (critical): leading '.' as RFC 5280 4.2.1.10. */
	const char *permitted_dns[PROFILE_CONSTRAINTS_MAX];
	const char *excluded_dns[PROFILE_CONSTRAINTS_MAX];
	const char *permitted_ip[PROFILE_CONSTRAINTS_MAX]; /* CIDR */
	const char *excluded_ip[PROFILE_CONSTRAINTS_MAX];
	const char *permitted_dn[PROFILE_CONSTRAINTS_MAX]; /* RFC 4514 */
	struct name_policy_row subject[PROFILE_ROWS_MAX];  /* type NULL ends */
	const char *house_rules[8]; /* lint rules of the house set that stop */
};

const struct profile *profile_builtin(const char *name);
extern const struct profile profiles[];
extern const size_t profiles_count;
/* Fields that contradict each other, bad OIDs, URLs, CIDRs; names the field. */
bool profile_check(const struct profile *p, struct error *e) must_check;
