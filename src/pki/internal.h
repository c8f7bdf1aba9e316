/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the files of src/pki only. */
#include <chancery/base/error.h>
#include <chancery/pki/der.h>
#include <chancery/pki/ext.h>

/* `in` is exactly one element with this tag; *r walks its contents. */
static inline bool must_check
der_unwrap(struct bytes in, uint8_t tag, struct der_reader *r)
{
	struct der_reader outer;
	struct bytes content;

	der_r_init(&outer, in);
	content = der_r_get(&outer, tag);
	der_r_init(r, content);
	return der_r_done(&outer);
}

/* GeneralName, whole element → kind and value. */
bool general_name_parse(struct bytes element,
    struct general_name *out) must_check;

/* Contents of a kind's OBJECT IDENTIFIER; empty for EXT_OTHER. */
struct bytes ext_kind_der(enum ext_kind kind);
/* "subjectAltName: what". Returns false. */
bool ext_malformed(const struct ext *x, const char *what, struct error *e);

/* Whether this is DER (and not PEM or other text). */
bool is_der(struct bytes in);

/* Text forms (profile_check.c). */
bool cidr_parse(const char *text, uint8_t out[32], size_t *n) must_check;
bool dns_valid(struct bytes name, bool wildcard) must_check;
/* `schemes` ("http://") NULL-ended. */
bool url_valid(struct bytes url, const char *const *schemes) must_check;

/* Whether a SAN value is one that clients accept (tbs_rules.c). */
bool general_name_valid(const struct general_name *g) must_check;
const char *general_name_kind_name(enum general_name_kind kind);

#define TIME_MAX_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

#define CRL_OID_NUMBER "2.5.29.20"
#define CRL_OID_INVALIDITY "2.5.29.24"
#define CRL_OID_DELTA "2.5.29.27"
#define CRL_OID_IDP "2.5.29.28"
