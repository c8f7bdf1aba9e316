/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Custody evidence as canonical JSON: what CUSTODY records and --json print. */
#include <chancery/hsm/hsm.h>

/* {"attacks":[{"call":…,"name":…,"refused":true,"rv":"CKR_…","tried":true}…],
 *  "attacks_ok":true (absent without attacks),"attributes":[{"half":"private","name":"CKA_…",
 *  "required":"true","value":"false"|"true"|"not reported"}…],
 *  "attributes_ok":true,"keygen_mechanism":4160}, appended. */
void custody_to_json(const struct hsm_custody *c, struct buf *out);
/* "true", "false", "not reported". */
const char *custody_tri_name(enum hsm_tri v);
