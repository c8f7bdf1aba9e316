/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* chancery vault adopt: the settings of a PKI mount elsewhere, on a mount here. */
#include "cli.h"

bool vault_adopt_run(struct cli *c, struct error *e) must_check;
