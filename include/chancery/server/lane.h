/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A lane: one server worker's way to the signer (one SOCK_SEQPACKET pair each). Requests
 * are queued and leave packed together at the end of the loop pass; answers come as
 * callbacks in the worker's thread. All calls from that thread only.
 *
 * When the signer goes away nothing is answered at once: requests wait for the new lane
 * (lane_attach). Then each one that was in flight is settled by its request id: SIGNED
 * is answered from the register, what was never seen is sent again (serials of the old
 * signer are void: CERTIFY fails with stale_serial below), and what waited longer
 * than LIMIT_WAIT_MS (20 s; key generation LIMIT_KEYGEN_WAIT_MS) is answered
 * FAIL_TIMEOUT: its outcome stands in the register. FAIL_BUSY when LIMIT_LANE_QUEUE
 * requests wait, FAIL_PIN while the signer is sealed, FAIL_HSM_GONE while it is down;
 * those at once, but never from within the submitting call.
 */
#include <chancery/base/alg.h>
#include <chancery/base/bytes.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>
#include <chancery/base/limits.h>
#include <chancery/wire/room.h>

struct event_base;
struct lane;

struct lane_claim {
	const char
	    *who; /* "token:display-name", "uid:0", "tls:CN=…"          */
	const char
	    *why;       /* "kafka-int-ca/sign/kafka-server"                   */
	uint8_t id[16]; /* the HTTP request's id                              */
};

/* What came of it. Borrowed for the call. */
struct lane_reply {
	bool ok;
	struct error err;
	const char *rule,
	    *field; /* of a refusal, or NULL                       */
	uint64_t intent,
	    index; /* records: INTENT, and SIGNED/REVOKE/CONFIG    */
	struct bytes sig;
	int64_t t_s; /* time of the record `index`                  */
	/* KEY_GENERATE */
	struct sha256 key;
	struct bytes spki;
	/* SIGN_CRL */
	const char *path;
	uint64_t crl_number, entries, bytes;
	/* CERTIFY, failed: the serial was of a signer that is gone; build the TBS anew
	 * with a fresh one and call again. */
	bool stale_serial;
	/* RECORD of configuration, timed out: the signer still has it, and there will be
	 * another reply when it has not any more. */
	bool pending;
};
typedef void lane_done_fn(void *arg, const struct lane_reply *r);

/* fd -1: there is no signer yet. */
struct lane *lane_new(struct event_base *base, int fd);
/* Without answers: what waits is dropped. */
void lane_free(struct lane *l);
void lane_attach(struct lane *l, int fd);           /* ROOM_NEW_LANE    */
void lane_gone(struct lane *l, enum room_gone why); /* ROOM_SIGNER_GONE */

enum lane_state {
	LANE_UP,
	LANE_WAITING, /* restarting */
	LANE_SEALED,
	LANE_DOWN
};
enum lane_state lane_get_state(const struct lane *l);
/* Another number after each answer about lists of revoked certificates, of all lanes, and after
 * each new signer: while it stays, nobody here has made a list. Any thread. */
uint64_t lane_lists(void) must_check;
/* Sealed or down, as an error: FAIL_PIN, FAIL_HSM_GONE. FAIL_NONE: it serves, or will. */
void lane_why(const struct lane *l, struct error *e);

/* What HELLO told; valid while up. */
struct lane_hello {
	const char *origin, *vkey;
	uint64_t size;     /* records of the log */
	uint64_t software; /* version of the protocol */
};
const struct lane_hello *lane_hello(const struct lane *l);

/* A serial of the batch that the signer gave this lane (more are asked for in time).
 * False: none at hand just now; lane_when_serial then calls once: with FAIL_NONE when
 * there is one (take it at once, others wait too), else with why there is none: FAIL_PIN,
 * FAIL_HSM_GONE, FAIL_BUSY, or FAIL_TIMEOUT after LIMIT_WAIT_MS. Never from within the
 * call. */
bool lane_serial(struct lane *l, uint8_t out[LIMIT_SERIAL_BYTES]) must_check;
typedef void lane_serial_fn(void *arg, const struct error *why);
void lane_when_serial(struct lane *l, lane_serial_fn *fn, void *arg);

void lane_certify(struct lane *l, const struct sha256 *key, struct bytes tbs,
    const char *profile, const struct lane_claim *claim, lane_done_fn *done,
    void *arg);
void lane_sign_csr(struct lane *l, const struct sha256 *key, struct bytes info,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
struct lane_crl {
	struct sha256 key;
	struct bytes issuer; /* DER subject */
	uint8_t issuer_key_id[20];
	enum sig_alg alg;
	/* "full", "partition:K", "delta" or "caller"; as struct signer_crl says. */
	const char *scope;
	int64_t period_s;
	const char *idp_url; /* URLs, a space between two; or NULL */
	struct bytes tbs;    /* of scope "caller" alone: the TBSCertList */
};
void lane_sign_crl(struct lane *l, const struct lane_crl *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
/* ResponseData, each as wire_bytes, for a responder's key: up to LIMIT_OCSP_BATCH, together
 * LIMIT_TBS_BYTES. The reply's `sig` is a SEQUENCE OF OCTET STRING in their order. */
void lane_sign_ocsp(struct lane *l, const struct sha256 *key, struct bytes data,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
struct lane_revoke {
	struct sha256 key;
	uint64_t cert; /* index of its SIGNED, or UINT64_MAX and: */
	struct bytes cert_der;
	int reason; /* enum crl_reason */
	int64_t invalidity_s;
};
/* Again: FAIL_EXISTS, and index/t_s are those of the first. */
void lane_revoke(struct lane *l, const struct lane_revoke *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
struct lane_keygen {
	const char
	    *token; /* name in the configuration; NULL: the first of role ca */
	struct key_type type;
	const char *label;
	bool destroyable;
	struct bytes
	    pkcs8; /* of a key to take in, ≤ LIMIT_PRIVATE_KEY_BYTES; else empty */
	bool ocsp; /* of a delegated responder: signs OCSP answers alone */
};
void lane_key_generate(struct lane *l, const struct lane_keygen *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
/* RECORD: a CONFIG record, durable. Its private body is {"changes": `body` (canonical JSON,
 * a list), "who":…, "why":…}; "data" for what is no list. After a timeout it may be replied
 * to a second time: lane_reply.pending. */
void lane_record_config(struct lane *l, const char *what, struct bytes body,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
/* RECORD: an EVENT (first root token, …). */
void lane_record_event(struct lane *l, const char *what, struct bytes body,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
/* IMPORT: another log's bundle (signer/import.h). Verified and in place when it is answered;
 * the reply's `sig` is what import_done.json is. vkey "" or NULL: none. */
struct lane_import {
	struct bytes bundle;
	const char *mount, *vkey;
};
void lane_import(struct lane *l, const struct lane_import *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg);
/* STATUS: the reply's `sig` is canonical JSON for `chancery status` and metrics. */
void lane_status(struct lane *l, lane_done_fn *done, void *arg);
