/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is to be said of how one connection went: protocol, answer, client certificate. */
#include <chancery/kafka/findings.h>

#include "kafka_tls.h"
#include "output.h"

/* How a connection ended that brought no answer: an alert's text, or what happened. */
const char *kafka_answer_end(const struct kafka_seen *seen);
/* Protocol, cipher and whether Kafka answers. Wrong: nothing does, and that is not because of a
 * client certificate that was asked for. */
void kafka_answer_show(const struct kafka_seen *seen, struct doc *d,
    struct kafka_findings *f);
/* Whether the server asks for a client certificate, requires it, takes it. own: one was there to
 * be shown. */
void kafka_answer_client(const struct kafka_seen *seen, bool own, struct doc *d,
    struct kafka_findings *f);
