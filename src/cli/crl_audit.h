/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli.h"

/* crl audit: signer/crl_audit.h for people and programs. */
bool run_crl_audit(struct cli *c, struct error *e) must_check;
extern const struct flag crl_audit_flags[];
