/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What rebuild.c (lists) has for rebuild_check.c (any signature). */
#include <chancery/base/alg.h>
#include <chancery/register/register.h>

/* The INTENT's algorithm. FAIL_CORRUPT. */
bool rebuild_alg(const struct record *in, enum sig_alg *alg,
    struct error *e) must_check;
/* The list that follows from the records is that of the INTENT, and signed by its key. */
bool rebuild_list_check(struct reg *r, const struct record *in,
    struct bytes sig, struct error *e) must_check;
