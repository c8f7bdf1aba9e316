/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pre-issuance lint over the exact TBS bytes (design.md, "Lint has three sets").
 * Rules are rows; each has a name, a source clause, a severity set and a bad sample
 * in tests/unit/lint_test.c.
 */
#include <chancery/base/error.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/tbs.h>

enum lint_set {
	LINT_STRUCTURE, /* always stops                                      */
	LINT_RFC5280,   /* stops in ceremonies, warns through the API        */
	LINT_HOUSE      /* stops only where a profile or charter names it    */
};

struct lint_context {
	const struct tbs_view *tbs;
	const struct tbs_issuer *issuer; /* NULL: self-signed                */
	struct bytes issuer_spki;        /* DER; empty when self-signed      */
	int64_t now_s;
	const struct profile *profile; /* may be NULL                      */
};

struct lint_rule {
	const char *name; /* "rfc5280-ca-key-usage" */
	enum lint_set set;
	bool only_named;    /* runs only where the profile names it: it makes no
	                    sense for other kinds                            */
	const char *source; /* "RFC 5280 4.2.1.3" */
	const char *about;
	/* True when fine; else says what is wrong. */
	bool (*check)(const struct lint_context *c, struct error *e);
};
extern const struct lint_rule lint_rules[];
extern const size_t lint_rules_count;

#define LINT_FINDINGS_MAX 32
struct lint_report {
	struct lint_finding {
		const struct lint_rule *rule;
		char text[200];
	} v[LINT_FINDINGS_MAX];
	size_t n;
};
/* Run every rule; findings in table order. */
void lint_run(const struct lint_context *c, struct lint_report *out);
/* The structure rules alone: the first that fails, by name in e. */
bool lint_structure(const struct lint_context *c, struct error *e) must_check;
/* The first finding that stops: structure always, RFC 5280 when `ceremony`, house
 * when the profile names it; NULL when none. */
const struct lint_finding *lint_stopper(const struct lint_report *r,
    const struct profile *p, bool ceremony);
/* Whether the profile lists this house rule. NULL: no. */
bool lint_profile_names(const struct profile *p, const char *rule);

struct lint_crl_context {
	const struct crl_view *crl, *previous; /* previous may be NULL       */
	struct bytes issuer_name;
	const uint8_t *issuer_key_id; /* 20 octets                  */
	int64_t now_s;
};
struct lint_crl_rule {
	const char *name, *source, *about;
	bool (*check)(const struct lint_crl_context *c, struct error *e);
};
extern const struct lint_crl_rule lint_crl_rules[];
extern const size_t lint_crl_rules_count;
/* Every rule of lint_crl_rules; the first that fails, by name in e. CRL: number, times, AKI, sorted, entry dates; against the previous when given. */
bool lint_crl(const struct crl_view *crl, const struct crl_view *previous,
    struct bytes issuer_name, const uint8_t issuer_key_id[20], int64_t now_s,
    struct error *e) must_check;
