/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lists in PEM, made from the file as they go: a client that reads slowly holds one piece of some
 * 33 kB and a descriptor, however long the list is. */
#include "engine.h"

/* Both end the call and take the descriptor over. */
void list_pem(struct call *c, const struct cached *k, const struct crl_file *f);
/* Data {"crl":…}, or as that of a certificate that is not revoked (pem_as_cert). A wrapped answer
 * is no stream: up to LIMIT_CRL_WRAP_BYTES. */
void list_pem_json(struct call *c, const struct crl_file *f,
    bool as_certificate);
