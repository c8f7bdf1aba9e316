/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/error.h>

/* Files of a store that is made anew. */

/* What an earlier run left at `path` and beside it. */
bool store_swap_discard(const char *path, struct error *e) must_check;
/* `made` becomes `path`, with its owner and mode; what was there becomes
 * `path`.replaced. By renames; one that is under no lock. FAIL_BUSY. */
bool store_swap(const char *path, const char *made, struct error *e) must_check;
