/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The rules of one token, merged. */
#include "internal.h"

struct acl_entry {
	struct rule rule;
	size_t seq;     /* order of the policies, while merging */
	size_t length;  /* of the path */
	size_t wild_at; /* first '+', or where the prefix ends */
};
struct acl {
	bool root;
	int64_t valid_until_s;
	struct acl_entry *rules; /* by kind, then path */
	size_t n, cap;
	size_t first[4]; /* where each enum rule_kind begins; the end */
};

/* The one rule that counts for a path; NULL: none. */
const struct rule *acl_find(const struct acl *a, const char *path, bool list);
/* allowed_, denied_ and required_parameters. */
bool acl_parameters(const struct rule *r, const json_t *params);
