/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A PKCS#10 request of a bundle's key, whose private half never leaves this process. */
#include <chancery/kafka/bundle.h>

struct kafka_request {
	const char *common_name; /* or NULL                       */
	const char *const *dns;
	size_t dns_n;
	const char *const *ip;
	size_t ip_n;
};
/* PEM, appended. FAIL_BAD_INPUT: an address that is none, a name beyond the lengths of X.520;
 * else FAIL_CRYPTO. */
bool kafka_request_pem(const struct kafka_bundle *b,
    const struct kafka_request *r, struct buf *out, struct error *e) must_check;
