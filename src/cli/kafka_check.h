/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* chancery kafka check. */
#include "kafka_input.h"

bool kafka_check_run(struct cli *c, struct error *e) must_check;
