/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/server/pki_role.h>

/* Rules across and inside the fields; fills the parsed times. */
bool role_check(struct pki_role *r, struct error *e) must_check;
