/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* chancery vault sign-intermediate: the steps, each of which looks first whether it was done. */
#include "vault_client.h"

bool vault_sign_run(struct cli *c, struct error *e) must_check;

/* One line as it happens, and a row of the answer. `state`: "done", "was there", "would be
 * done", "not asked for". */
void vault_step(struct cli *c, const char *what, const char *state,
    const char *fmt, ...) printf_like(4, 5);
