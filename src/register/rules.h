/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The rules between records, by name: one handler a record type, in a table in
 * rules.c. Each checks first and changes the state last, so that a refused record
 * leaves no trace.
 */
#include "state_internal.h"

typedef bool rule_fn(struct reg_state *s, const struct record *r,
    struct error *e);

/* FAIL_CORRUPT: "record N (TYPE): rule NAME: …". */
bool rule_broken(struct error *e, const struct record *r, const char *rule,
    const char *fmt, ...) printf_like(4, 5);
/* The field is shorter than a buffer of that size. */
bool rule_fits(struct error *e, const struct record *r, const char *field,
    size_t size);
void rule_copy_text(char *out, size_t size, struct bytes text);
/* The field is the index of a record before this one. */
bool rule_earlier(const struct record *r, const char *field);

/* The key that the record names, destroyed or not; NULL. */
struct state_key *rule_find_key(const struct reg_state *s,
    const struct record *r);
/* The same, able to sign; else the rule that it breaks. */
struct state_key *rule_live_key(struct reg_state *s, const struct record *r,
    struct error *e);
/* The open INTENT or KEYGEN-INTENT that an outcome names; NULL. */
struct open_intent *rule_find_open(const struct reg_state *s,
    const struct record *r, enum record_type type);
/* Why there is none. Returns false. */
bool rule_no_open(const struct reg_state *s, const struct record *r,
    const char *rule, struct error *e);
void rule_close_intent(struct reg_state *s, struct open_intent *o);

/* Keys (rules_key.c). */
rule_fn rule_keygen_intent, rule_keygen_done, rule_keygen_failed, rule_custody,
    rule_adopt, rule_release, rule_destroy, rule_charter;
/* Signatures and revocations (rules_sign.c). */
rule_fn rule_intent, rule_signature, rule_failed, rule_assumed, rule_revoked;
/* Other logs (rules_import.c). */
rule_fn rule_import;
