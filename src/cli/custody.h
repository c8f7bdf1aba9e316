/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Custody evidence as a table. */
#include <chancery/ceremony/custody.h>

#include "output.h"

void custody_doc(struct doc *d, const struct hsm_custody *c);
