/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lists of revoked certificates that a chain names, fetched as Java fetches them. */
#include <chancery/kafka/revocation.h>

#include "output.h"

/* A row of "revocation" of the answer for the certificate, and findings. */
void kafka_lists_look(struct doc *d, const char *subject, const struct cert *c,
    const struct cert *issuer, int64_t now_s, struct kafka_findings *f);
