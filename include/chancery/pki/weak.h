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

/*
 * Known keys, by list. Debian's weak keys of 2008 (CVE-2008-0166) cannot be told
 * by arithmetic, and no list of them is packaged any more (openssl-blacklist and
 * openssh-blacklist left Debian years ago; remaking it needs the broken library
 * on three architectures). Who has the files of openssl-blacklist can give them:
 * one entry a line, the last 20 hex digits of the SHA-1 of "Modulus=<upper-case
 * hex>\n", '#' starts a comment, any order. Lists of compromised keys have the
 * same form.
 */
struct weak_list;
void weak_list_free(struct weak_list *l);
/* FAIL_BAD_INPUT names file and line. */
struct weak_list *weak_list_open(const char *path, struct error *e) must_check
    released_by(weak_list_free);
size_t weak_list_count(const struct weak_list *l);
/* RSA only; false for other keys. Thread-safe. */
bool weak_list_has(const struct weak_list *l, const struct spki *k);
