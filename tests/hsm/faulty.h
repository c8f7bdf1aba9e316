/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The fault module over SoftHSM, in this process (tests/fault/README.md). */
void faulty_start(void);
void faulty_rules(const char *rules);
unsigned long faulty_calls(const char *function);
