/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this library share. */
#include <chancery/server/auth.h>

#include "hcl.h"
#include "token.h"

/* ---- rules ---- */
enum rule_kind {
	RULE_EXACT,
	RULE_PREFIX,  /* path without its trailing '*' */
	RULE_SEGMENTS /* has '+' segments; may be a prefix too */
};
struct rule {
	enum rule_kind kind;
	bool prefix; /* RULE_PREFIX, and RULE_SEGMENTS that ended in '*' */
	char *path;  /* without the trailing '*' of a prefix */
	unsigned caps;
	/* Objects name (lower case) → array; NULL: none. */
	json_t *allowed, *denied;
	json_t *required; /* array of names, lower case; NULL: none */
	int64_t wrap_min_s, wrap_max_s;
	int64_t expires_s; /* 0: never */
	bool templated;
};
void rule_clear(struct rule *r);

struct policy {
	char *name;
	struct rule *rules;
	size_t n, cap;
	bool templated;
};
/* A stanza's keys into the rule. */
bool policy_stanza(const struct hcl_value *stanza, struct rule *r,
    struct error *e) must_check;
/* ---- tokens of another service (foreign.c) ---- */
struct token_box;
/* Counted, without acl; not to be found after what its service and our cache say. */
struct token_box *foreign_box(const struct token_foreign *f, int64_t now_s,
    struct error *e) must_check;
struct refusals;
struct refusals *refusals_new(void) must_check;
void refusals_free(struct refusals *r);
struct refusals *auth_refusals(struct auth *a) must_check;

/* FAIL_BAD_INPUT "line:column: …". */
bool policy_fail(unsigned line, unsigned col, struct error *e, const char *fmt,
    ...) printf_like(4, 5);
