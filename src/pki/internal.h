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

/* "subjectAltName: what". Returns false. */
bool ext_malformed(const struct ext *x, const char *what, struct error *e);

/* Whether this is DER (and not PEM or other text). */
bool is_der(struct bytes in);
