/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/register/register.h>

/* n unexpired revocations of a key that has none, in a register that nobody holds: not
 * recorded one by one, but planted as the index file, which the end of a segment takes up.
 * `dir` has room for it. The register does not verify after that. */
void revoked_index_plant(const struct reg_config *of, const char *dir,
    const struct sha256 *key, uint64_t n);
