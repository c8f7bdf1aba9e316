/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading an OCSP ResponseData (RFC 6960 4.2.1) before it is signed. */
#include <chancery/base/error.h>
#include <chancery/pki/der.h>
#include <chancery/pki/spki.h>

enum ocsp_status {
	OCSP_GOOD,
	OCSP_REVOKED,
	OCSP_UNKNOWN
};

/* One SingleResponse. Borrows from the bytes. */
struct ocsp_single {
	struct bytes
	    hash_oid; /* contents of the hash's OBJECT IDENTIFIER     */
	struct bytes name_hash, key_hash;
	struct bytes serial; /* INTEGER contents                             */
	enum ocsp_status status;
	int64_t revoked_s; /* OCSP_REVOKED only                            */
	int64_t this_s, next_s;
};

struct ocsp_data {
	int64_t produced_s;
	struct der_reader list; /* private: what is left of the answers     */
};

/* DER to any depth, version 1 (by absence), a responder by name (name_check) or by
 * the SHA-1 of its key, at least one answer, nothing behind the extensions, which
 * are passed over. FAIL_BAD_INPUT. */
bool ocsp_data_parse(struct bytes der, struct ocsp_data *out,
    struct error *e) must_check;
/* The next answer; false at the end (*bad is false then) or when it is malformed. One
 * without nextUpdate would never end, one whose nextUpdate lies before its
 * thisUpdate never holds: both count as malformed. */
bool ocsp_data_next(struct ocsp_data *d, struct ocsp_single *out,
    bool *bad) must_check;
/* Whether the answer is about a certificate under this issuer key (issuerKeyHash, by
 * SHA-1, which clients send, SHA-256, SHA-384 or SHA-512). *known is false when the
 * hash is another one. */
bool ocsp_is_issuer(const struct ocsp_single *s, const struct spki *issuer,
    bool *known) must_check;
