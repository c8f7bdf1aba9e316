/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records: one line of canonical JSON each (json.h), at most LIMIT_RECORD_BYTES:
 *
 *   {"body":{…},"n":412,"prev":"<leaf hash of line 411>","priv":"<hash>",
 *    "t":"2026-11-22T02:44:25.123Z","type":"INTENT","v":1}
 *
 * `prev` is the RFC 6962 leaf hash SHA-256(0x00 ‖ line without newline) of the line
 * before (64 zeros for n = 0); "priv" stands only where a private body exists and
 * is SHA-256(salt ‖ body). Types and their fields are one table; what a later
 * release fills is defined and verified now.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

enum record_type {
	REC_LOG_OPEN, /* n = 0: origin, log key                           */
	REC_START, /* a writer opened the log: version, boot id, host, tail */
	REC_CUT,   /* what was cut from a torn tail                    */
	REC_SNAPSHOT, /* hash of the state at a segment's end             */
	REC_CLOCK,    /* operator cleared a clock jump                    */
	REC_LOG_KEY,  /* log key rollover                                 */
	REC_KEYGEN_INTENT, /* CKA_ID chosen                                    */
	REC_KEYGEN_DONE, /* public key                                       */
	REC_KEYGEN_FAILED,
	REC_CUSTODY, /* attributes and attacks, as JSON                  */
	REC_ADOPT,
	REC_RELEASE,
	REC_DESTROY,
	REC_CHARTER,
	REC_INTENT, /* exact bytes to be signed, durable before C_Sign  */
	REC_SIGNED,
	REC_FAILED,
	REC_ASSUMED, /* an INTENT whose outcome nobody knows             */
	REC_REFUSED, /* private: who, detail                             */
	REC_REVOKE,
	REC_LOGIN,   /* private: who                                     */
	REC_CONFIG,  /* private: body                                    */
	REC_EVENT,   /* ceremony steps, deviations, other events         */
	REC_REQUEST, /* waits for approvals                              */
	REC_APPROVAL,
	REC_IMPORT, /* another log's bundle                             */
	REC_PRUNED,
	REC_ANCHOR, /* a restored or moved anchor, by an operator       */
	REC_TYPE__COUNT
};

enum field_kind {
	FIELD_INT,
	FIELD_BOOL,
	FIELD_TEXT, /* UTF-8                        */
	FIELD_HEX,  /* any length                   */
	FIELD_HASH, /* 32 octets as hex             */
	FIELD_BASE64,
	FIELD_TIME, /* seconds, RFC 3339 text       */
	FIELD_JSON  /* nested canonical JSON        */
};
#define RECORD_FIELDS_MAX 20
struct record_field {
	const char *name; /* rows are sorted by name: the line is canonical */
	enum field_kind kind;
	bool required;
};
struct record_spec {
	const char *name;  /* "KEYGEN-INTENT" */
	const char *about; /* one sentence, for docs and `register show` */
	bool private_body; /* may carry a body under register/private */
	struct record_field field[RECORD_FIELDS_MAX];
};
const struct record_spec *record_spec(enum record_type type);
bool record_type_by_name(struct bytes name, enum record_type *out) must_check;

/*
 * The fields, by type (o = optional). Keys are named by "key": the SHA-256 of the
 * SubjectPublicKeyInfo. "intent", "cert", "of" are record indexes.
 *
 * LOG-OPEN      origin TEXT, vkey TEXT, software TEXT
 * START         boot TEXT, pid INT, software TEXT, offline BOOL, who TEXT
 * CUT           bytes INT, sha256 HASH
 * SNAPSHOT      segment INT, sha256 HASH
 * CLOCK         from TIME, to TIME, who TEXT, why TEXT
 * LOG-KEY       new TEXT, old TEXT, sig BASE64: vkeys (note.h); the old key signs
 *               "chancery log key\n<origin>\n<new>\n", nothing when old is ""
 * KEYGEN-INTENT charter TEXT o, id HEX, imported HASH o (of the SPKI: this key, from outside the
 *               HSM), label TEXT, token TEXT, type TEXT, who TEXT, why TEXT
 * KEYGEN-DONE   dropped JSON o, intent INT, key HASH, module TEXT, spki BASE64
 * KEYGEN-FAILED intent INT, reason TEXT
 * CUSTODY       key HASH o, result JSON, ok BOOL, what TEXT
 * ADOPT         id HEX, key HASH, label TEXT, origin TEXT, spki BASE64, token TEXT,
 *               who TEXT, why TEXT
 * RELEASE       key HASH, to TEXT, who TEXT, why TEXT
 * DESTROY       key HASH, proof JSON, who TEXT, why TEXT
 * CHARTER       charter JSON, key HASH, who TEXT, why TEXT
 * INTENT        alg TEXT, base INT o (of a delta: INTENT of the full list that it is
 *               told against), crl INT o (number), entries INT o
 *               (of a CRL; ResponseData of kind ocsp, each one signature),
 *               issuer BASE64 o (CRL: DER Name), key HASH, kind TEXT, next TIME o, position INT o, profile TEXT o, req HEX o,
 *               retry INT o, scope TEXT o, serial HEX o, sha256 HASH (of the TBS),
 *               tbs BASE64 o (absent for CRLs but a caller's), this TIME o, who TEXT, why TEXT,
 *               url TEXT o
 * SIGNED        attempts INT, intent INT, sig BASE64, sha256 HASH o (of the file)
 * FAILED        attempts INT, intent INT, reason TEXT
 * ASSUMED       intent INT, reason TEXT
 * REFUSED       field TEXT, key HASH o, kind TEXT, req HEX o, rule TEXT  [private]
 * REVOKE        cert INT o (its SIGNED, or the open INTENT of one that may exist
 *               and is ASSUMED next),
 *               date TIME, der BASE64 o (foreign certificate),
 *               invalidity TIME o, key HASH, not_after TIME, partition INT,
 *               reason TEXT, serial HEX, who TEXT, why TEXT
 * LOGIN         result TEXT, token TEXT  [private]
 * CONFIG        what TEXT  [private]
 * EVENT         data JSON o, step TEXT o, what TEXT  [private]
 * REQUEST       expires TIME, key HASH, kind TEXT, sha256 HASH, tbs BASE64 o,
 *               who TEXT, why TEXT
 * APPROVAL      custodian TEXT, of INT, sig BASE64, statement TEXT
 * IMPORT        mount TEXT (where it is served), origin TEXT, root HASH, sha256 HASH (of
 *               the bundle), size INT, vkey TEXT (its LOG-OPEN's), who TEXT
 * PRUNED        from INT, root HASH, to INT, who TEXT, why TEXT
 * ANCHOR        anchor TEXT, root HASH o, size INT, who TEXT, why TEXT
 */

/*
 * Times never decrease, with one exception. When the clock was wrong and ran ahead,
 * records bear times of the future and no writer can start for years. An operator
 * then has a CLOCK record made at start (register.h, clear_clock): its own time is
 * that of the record before, "from" the same in seconds, "to" an earlier second,
 * the time now; from it on times may follow "to".
 */

/* A record being made. Values are borrowed until record_encode. */
struct field_value {
	bool present;
	int64_t i; /* INT, BOOL, TIME (seconds)                       */
	struct bytes
	    v; /* TEXT and JSON as UTF-8; HEX, HASH, BASE64 as octets */
};
struct record {
	enum record_type type;
	uint64_t n;
	int64_t t_ms;
	struct sha256 prev;
	bool has_priv;
	struct sha256 priv;
	struct field_value value[RECORD_FIELDS_MAX];
};

void record_init(struct record *r, enum record_type type);
/* Setters assert that the type has such a field of that kind. A NULL text or an
 * empty `v` for an optional field leaves it absent. */
void record_int(struct record *r, const char *field, int64_t v);
void record_bool(struct record *r, const char *field, bool v);
void record_text(struct record *r, const char *field, const char *v);
void record_bytes(struct record *r, const char *field, struct bytes v);
void record_hash(struct record *r, const char *field, const struct sha256 *v);
void record_time(struct record *r, const char *field, int64_t t_s);
void record_json(struct record *r, const char *field, struct bytes v);
/* Getters: by name; absent gives 0 or empty. Asserts on an unknown name. */
bool record_has(const struct record *r, const char *field);
int64_t record_get_int(const struct record *r, const char *field);
struct bytes record_get(const struct record *r, const char *field);
bool record_get_hash(const struct record *r, const char *field,
    struct sha256 *out);

/* Append the line (no newline). FAIL_BAD_INPUT: a required field is missing or the
 * line would be longer than LIMIT_RECORD_BYTES. */
bool record_encode(const struct record *r, struct buf *line,
    struct error *e) must_check;
/* FAIL_CORRUPT. Strict: canonical bytes, known type and version, known fields, required fields,
 * right kinds. Values point into `store`, which is emptied first and
 * which the caller keeps (texts without
 * escapes, and JSON, point into the line). Errors name the field. */
bool record_decode(struct bytes line, struct record *out, struct buf *store,
    struct error *e) must_check;
/* RFC 6962 2.1 leaf hash of a line. */
struct sha256 record_leaf(struct bytes line);
