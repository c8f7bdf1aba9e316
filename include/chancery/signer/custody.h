/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Custody evidence as canonical JSON: what CUSTODY records and --json print. */
#include <chancery/hsm/hsm.h>

/* {"attacks":[{"call":…,"name":…,"refused":true,"rv":"CKR_…","tried":true}…],
 *  "attacks_ok":true (absent without attacks),"attributes":[{"half":"private","name":"CKA_…",
 *  "required":"true","value":"false"|"true"|"not reported"}…],
 *  "attributes_ok":true,"keygen_mechanism":4160}, appended. */
void custody_to_json(const struct hsm_custody *c, struct buf *out);
/* Of such a text about an imported key: no attack came through, and no attribute is missing but those that
 * tell of a key's past (CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE), which it cannot have.
 * False also for what is no such text. */
bool custody_is_but_imported(struct bytes json);
/* "true", "false", "not reported". */
const char *custody_tri_name(enum hsm_tri v);
