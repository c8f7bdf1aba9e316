/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OCSP (RFC 6960; RFC 9919, the profile for high volumes; RFC 9654, nonces): requests are
 * read, answers written, and what is to be signed is read again before it is.
 */
#include <chancery/base/error.h>
#include <chancery/base/limits.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/der.h>
#include <chancery/pki/spki.h>

enum ocsp_status {
	OCSP_GOOD,
	OCSP_REVOKED,
	OCSP_UNKNOWN
};

/* Hashes of a CertID: SHA-1, which clients send, and those of RFC 9919 3.1.1 and beyond. */
enum ocsp_hash {
	OCSP_SHA1,
	OCSP_SHA256,
	OCSP_SHA384,
	OCSP_SHA512,
	OCSP_HASH__COUNT
};
/* `out` holds DIGEST_MAX; the length is returned. */
size_t ocsp_hash_of(enum ocsp_hash h, struct bytes in, uint8_t *out);
/* From the contents of an OBJECT IDENTIFIER; false: another one. */
bool ocsp_hash_by_oid(struct bytes oid, enum ocsp_hash *out) must_check;

/* ---- requests (RFC 6960 4.1) ---- */

/* Which certificate is asked about. Borrows from the request. */
struct ocsp_cert_id {
	struct bytes der; /* whole, as it is sent back                  */
	bool hash_known;  /* else nobody's certificate can be meant     */
	enum ocsp_hash hash;
	struct bytes name_hash, key_hash;
	struct bytes serial; /* INTEGER contents                             */
};
struct ocsp_request {
	struct ocsp_cert_id id[LIMIT_OCSP_REQUESTS];
	size_t n;
	struct bytes nonce; /* contents of the OCTET STRING; n 0: none      */
	bool is_signed;     /* by whom is not looked at                     */
};
/*
 * DER to any depth, at most LIMIT_OCSP_REQUEST_BYTES, version 1, one to LIMIT_OCSP_REQUESTS
 * certificates, no extension twice. Extensions that are critical and not known are
 * FAIL_UNSUPPORTED; a nonce has 1 to LIMIT_OCSP_NONCE_BYTES octets. Else FAIL_BAD_INPUT.
 */
bool ocsp_request_parse(struct bytes der, struct ocsp_request *out,
    struct error *e) must_check;
/* Of all its certificates: an answer about another one says of nobody knows whom that he is not
 * revoked, and no signer signs it. */
bool ocsp_request_hashes_known(const struct ocsp_request *r) must_check;

/* ---- answers (RFC 6960 4.2) ---- */

struct ocsp_answer {
	struct bytes id; /* whole CertID */
	enum ocsp_status status;
	int64_t revoked_s;      /* OCSP_REVOKED only                        */
	enum crl_reason reason; /* likewise; unspecified is left out        */
	int64_t this_s, next_s;
};
struct ocsp_answers {
	const uint8_t *responder; /* SHA-1 of the responder's key, 20 octets */
	int64_t produced_s;
	const struct ocsp_answer *v;
	size_t n;
	struct bytes nonce; /* of the request; n 0: none                    */
	/* Some of these are revoked because they were never issued (4.4.8). */
	bool extended_revoke;
};
/* ResponseData, appended. There are no empty lists of extensions. */
void ocsp_data_write(const struct ocsp_answers *a, struct buf *out);
/* OCSPResponse with the BasicOCSPResponse of that, appended; cert: the responder's, empty:
 * none. */
void ocsp_response_write(struct bytes data, enum sig_alg alg, struct bytes sig,
    struct bytes cert, struct buf *out);
/* Without an answer: OCSPResponseStatus (4.2.1). */
enum ocsp_refusal {
	OCSP_MALFORMED = 1,
	OCSP_INTERNAL_ERROR = 2,
	OCSP_TRY_LATER = 3,
	OCSP_UNAUTHORIZED = 6
};
#define OCSP_REFUSAL_BYTES 5
void ocsp_refusal_write(enum ocsp_refusal r, uint8_t out[OCSP_REFUSAL_BYTES]);

/* ---- what is to be signed ---- */

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
