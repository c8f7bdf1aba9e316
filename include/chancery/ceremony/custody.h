/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether what was read back and attacked is good enough. */
#include <chancery/base/bytes.h>
#include <chancery/hsm/hsm.h>

/* Why the evidence is not good, one sentence; FAIL_REFUSED. */
bool custody_check(const struct hsm_custody *c, struct error *e) must_check;
