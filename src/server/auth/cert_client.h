/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A client's certificate, inside. */
#include "cert.h"

struct client_cert {
	X509 *leaf;
	STACK_OF(X509) *chain; /* what came with it, without the leaf */
};

/* Text of an extension's value where it is one string; "" otherwise. False: it has no such
 * extension. */
bool client_ext_text(const struct client_cert *c, const char *oid,
    struct buf *text) must_check;
/* Its value in hex. */
bool client_ext_hex(const struct client_cert *c, const char *oid,
    struct buf *hex) must_check;
/* UTF-8 of a string; false: it is none, or holds a NUL. */
bool client_text(const ASN1_STRING *s, struct buf *out) must_check;
/* The last common name, as Go has it; "". */
void client_common_name(const struct client_cert *c, struct buf *out);
/* The next CERTIFICATE block from *at on; FAIL_NOT_FOUND: no more. */
bool cert_pem_next(struct bytes pem, size_t *at, struct buf *der,
    struct error *e) must_check;
