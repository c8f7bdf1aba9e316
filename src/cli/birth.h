/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What does not exist yet: soft tokens, log key, register, database. */
#include <chancery/ceremony/session.h>

struct store;
struct service_config;

/* The register with its first record, its log key made where `new_log_key` and the token
 * has none of that label. The session is closed. `vkey` gets the verifier key. */
bool birth_register(const struct home *h, const char *who, bool new_log_key,
    struct buf *vkey, struct error *e) must_check;
/* The soft tokens that the home names, each with the PIN of its source; *made counts
 * those that were not there. */
bool birth_tokens(const struct home *h, unsigned *made,
    struct error *e) must_check;
/* The database; *made is false when there is one. */
bool birth_store(const char *path, bool *made, struct error *e) must_check;
/* As root with users configured: each room's user gets what its row writes, the server's
 * group may read the register. */
bool birth_owners(const struct service_config *cfg, const char *home,
    struct error *e) must_check;
