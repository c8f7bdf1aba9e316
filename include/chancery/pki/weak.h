/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Known-weak public keys (ceremony-audit.md 4.1). Each rule has a name, a test
 * vector and one row in the table.
 */
#include <chancery/pki/spki.h>

struct weak_rule {
	const char *name;   /* "rsa-roca" */
	const char *source; /* where the rule is from */
	bool (*is_weak)(const struct spki *k);
};
extern const struct weak_rule weak_rules[];
extern const size_t weak_rules_count;

/* First rule that fires, or NULL. */
const struct weak_rule *weak_find(const struct spki *k);
