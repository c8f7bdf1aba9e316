/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An empty list as the signer puts it: DIR/NUMBER.crl. Its signature is none. */
#include <stdint.h>

void make_list(const char *dir, uint64_t number, int64_t this_s,
    int64_t next_s);
