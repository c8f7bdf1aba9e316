/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "internal.h"

/* Every whole line from record `from` on, not decoded, with its segment's number. */
typedef bool line_fn(void *arg, struct bytes line, uint64_t segment, uint64_t n,
    struct error *e);
bool lines_walk(const char *dir, uint64_t from, line_fn *each, void *arg,
    struct error *e) must_check;
