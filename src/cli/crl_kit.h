/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* crl kit …: emergency kits (crl_kit.c makes one, crl_kit_use.c checks and publishes). */
#include <chancery/ceremony/session.h>
#include <chancery/pki/cert.h>

#include "cli.h"

#define KIT_ISSUER "issuer.pem"
#define KIT_SUMS "SHA256SUMS"
#define KIT_FILE_MAX (64L << 20)

extern const struct flag crl_kit_make_flags[], crl_kit_check_flags[],
    crl_kit_publish_flags[];
bool run_crl_kit_make(struct cli *c, struct error *e);
bool run_crl_kit_check(struct cli *c, struct error *e);
bool run_crl_kit_publish(struct cli *c, struct error *e);

/* cmd_cert.c: what --issuer and --issuer-cert name, for a list of that key. */
bool crl_request(struct cli *c, struct session *s, struct cert *issuer,
    struct signer_crl *req, struct error *e) must_check;
