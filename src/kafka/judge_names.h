/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/kafka/judge.h>

/* SANs: there, matched by the hosts, and none that no client matches. */
void judge_names(const struct cert *leaf, const struct kafka_judge *j,
    struct kafka_findings *f);

/* Why no client matches such a DNS name; NULL: it does. */
const char *judge_dns_mistake(struct bytes name);
