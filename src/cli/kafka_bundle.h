/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* chancery kafka bundle, chancery kafka trust. */
#include "kafka_input.h"

bool kafka_bundle_run(struct cli *c, struct error *e) must_check;
bool kafka_trust_run(struct cli *c, struct error *e) must_check;
