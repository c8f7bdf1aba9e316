/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What was read back and attacked, as records and journals keep it. */
#include <chancery/base/bytes.h>
#include <chancery/hsm/hsm.h>

/* Canonical JSON: {"attacks":[{call,name,refused,result,tried}],"attributes":
 * [{half,name,required,value}]}. */
void custody_json(const struct hsm_custody *c, struct buf *out);
/* "true", "false", "not-reported". */
const char *custody_tri(enum hsm_tri v);
/* Why the evidence is not good, one sentence; FAIL_REFUSED. */
bool custody_check(const struct hsm_custody *c, struct error *e) must_check;
