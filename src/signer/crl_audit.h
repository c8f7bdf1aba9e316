/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What crl_audit.c (the walk, numbers, rebuilding), crl_audit_file.c (one list as it lies
 * there) and crl_audit_state.c (what no list has) share. */
#include <chancery/signer/crl_audit.h>

#include "crl_text.h"

enum audit_rule {
	RULE_LIST_MISSING,
	RULE_LIST_FORM,
	RULE_LIST_SIGNATURE,
	RULE_LIST_RECORD,
	RULE_LIST_STALE,
	RULE_ENTRY_UNKNOWN,
	RULE_ENTRY_DIFFERS,
	RULE_ENTRY_SCOPE,
	RULE_ENTRY_MISSING,
	RULE_SCOPE_MISSING,
	RULE_NUMBER,
	RULE_TIME_ORDER,
	RULE_REBUILD,
	RULE__COUNT
};

/* One INTENT of a list. */
struct audit_one {
	uint64_t intent, signed_; /* 0: no signature was released */
	uint64_t number, position, base;
	int64_t this_s, next_s;
	struct sha256 hash; /* of the TBS */
	struct state_crl
	    before; /* last signed of its scope then; intent 0: none */
	size_t series;
};
/* Key and scope. */
struct audit_series {
	const struct state_key *key;
	char text[64];
	struct crl_scope scope;
	uint64_t number; /* highest reserved */
	int64_t this_s;
	size_t newest; /* signed one; SIZE_MAX: none */
};
struct auditing {
	const struct crl_audit *a;
	struct crl_audit_counts *n;
	uint64_t size; /* records that count */
	struct audit_series *series;
	size_t series_n, series_cap;
	struct audit_one *one;
	size_t one_n, one_cap;
	/* Of the list that is being looked at. */
	uint64_t told[RULE__COUNT];
};

/* The series of that key and scope text, or NULL. */
struct audit_series *audit_series_find(struct auditing *x,
    const struct sha256 *key, const char *scope);
void audit_found(struct auditing *x, enum audit_rule rule,
    const struct audit_series *s, uint64_t number, const char *fmt, ...)
    printf_like(5, 6);
/* The file of a list: mapped, FAIL_NOT_FOUND when there is none. */
struct audit_map {
	char *path;
	void *at;
	size_t n;
};
void audit_map_free(struct audit_map *m);
bool audit_map_open(const struct auditing *x, const struct audit_one *o,
    struct audit_map *m, struct error *e) must_check;

/* Whether it is what readers use now. */
bool audit_is_current(struct auditing *x, const struct audit_series *s);
bool audit_file(struct auditing *x, const struct audit_series *s,
    struct error *e) must_check;
/* Revocations, and those that no list is for. */
void audit_state(struct auditing *x);
