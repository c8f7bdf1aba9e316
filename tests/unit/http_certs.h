/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates for a test's TLS, made in memory. */
#include <openssl/x509.h>

#include <chancery/base/bytes.h>

struct test_cert {
	X509 *crt;
	EVP_PKEY *key;
};
/* For localhost and 127.0.0.1, signed by `by`; NULL: a CA of its own. */
struct test_cert test_cert_new(const char *cn, const struct test_cert *by);
void test_cert_free(struct test_cert *c);
void test_cert_pem(const struct test_cert *c, struct buf *crt, struct buf *key);
