/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The messages to the signer: a closed set (design.md), one table of rows in
 * src/wire/signer.c that encoder, decoder and fuzz target read. One struct holds the
 * fields of every request, one those of every answer; a row says which of them a message
 * has, the others are zero. Texts and octets are borrowed.
 *
 * `who` and `why` are claims of the server. The request id names the request for SETTLE.
 */
#include <chancery/base/error.h>
#include <chancery/base/limits.h>
#include <chancery/wire/frame.h>

/* Both ends must speak the same: they are installed together. */
#define WIRE_VERSION 3

enum wire_message {
	WIRE_HELLO = 1, /* version → version, origin, vkey, size          */
	WIRE_SERIALS,   /* count → sig: serials, 20 octets each           */
	WIRE_KEYS,      /* count: position → key, spki, label, token, text:
	                      charter, count: how many, outcome: 1 can sign,
	                      imported                                  */
	WIRE_KEY_GENERATE, /* token, alg, bits, label, flag, profile: "" or
	                      WIRE_KEY_OCSP, data: PKCS#8 of an imported key, or
	                      nothing → key, spki                        */
	WIRE_CERTIFY,  /* key, data: TBS, profile → intent, index, t, sig */
	WIRE_SIGN_CSR, /* key, data: CertificationRequestInfo → the same */
	WIRE_SIGN_OCSP, /* key, data: ResponseData, each as wire_bytes → the same */
	WIRE_SIGN_CRL, /* key, issuer, key_id, alg, scope, period, url, data:
	                   TBSCertList of scope "caller", which gives all but key,
	                   scope → the same, and path, number, entries, bytes */
	WIRE_REVOKE,  /* key, cert or data, reason, invalidity → index, t   */
	WIRE_SETTLE,  /* id → outcome, and what that message's answer has   */
	WIRE_RECORD,  /* kind, what, data: private body → index, t          */
	WIRE_CHARTER, /* key, data: canonical JSON; only tightens → index   */
	WIRE_PROOF,   /* count: record, or ~0 → text: receipt or checkpoint */
	WIRE_STATUS,  /* → text: canonical JSON                             */
	WIRE_IMPORT, /* data: a bundle (≤ LIMIT_BUNDLE_BYTES), what: mount, vkey or
	                     nothing → index, t, size, text: canonical JSON   */
	WIRE__COUNT
};
const char *wire_message_name(enum wire_message m);

enum wire_record_kind {
	WIRE_RECORD_CONFIG,
	WIRE_RECORD_EVENT
};

/* The request whose last field, `data`, is a secret: its length and its octets end the body.
 * It travels as FRAME_SECRET. */
#define WIRE_SECRET_IN WIRE_KEY_GENERATE

/* A key of a delegated OCSP responder, with a charter of its own (signer.h). */
#define WIRE_KEY_OCSP "ocsp-responder"
#define WIRE_NO_INDEX UINT64_MAX

struct wire_request {
	uint64_t version, count, cert;
	int64_t period_s, invalidity_s;
	uint32_t alg, bits, reason, kind;
	bool flag; /* KEY_GENERATE: destroyable */
	struct sha256 key;
	uint8_t key_id[20];
	struct bytes data, issuer, id;
	const char *who, *why, *profile, *scope, *url, *token, *label, *what,
	    *vkey;
};

/* As enum signer_outcome of the signer library. */
enum wire_outcome {
	WIRE_OUTCOME_UNKNOWN,
	WIRE_OUTCOME_OPEN,
	WIRE_OUTCOME_SIGNED,
	WIRE_OUTCOME_FAILED,
	WIRE_OUTCOME_ASSUMED
};

struct wire_answer {
	enum fail why; /* FAIL_NONE: done */
	const char *msg, *rule, *field;
	uint64_t version, count, size, intent, index, crl_number, entries,
	    bytes;
	int64_t t_s;
	uint32_t outcome;
	struct sha256 key;
	struct bytes sig, spki, text;
	const char *origin, *vkey, *label, *token, *path;
	bool imported; /* KEYS: has lived outside an HSM */
};

/* Append the body. FAIL_BAD_INPUT names a field that is too long or not UTF-8. */
bool wire_request_encode(enum wire_message m, const struct wire_request *in,
    struct buf *out, struct error *e) must_check;
/* Strict; FAIL_BAD_INPUT. `m` comes from the other end and may be anything. */
bool wire_request_decode(unsigned m, struct bytes body,
    struct wire_request *out, struct error *e) must_check;
/* A message text that is too long or not UTF-8 is mended; other fields as above. */
bool wire_answer_encode(enum wire_message m, const struct wire_answer *in,
    struct buf *out, struct error *e) must_check;
bool wire_answer_decode(unsigned m, struct bytes body, struct wire_answer *out,
    struct error *e) must_check;
