/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the making of a key (keygen.c) and its later life (keylife.c) share. */
#include "internal.h"

/* Custody as its record has it. */
struct keygen_evidence {
	bool given, attrs_ok, attacks_ok;
	struct buf json;
};
static inline void
keygen_evidence_free(struct keygen_evidence *v)
{
	buf_free(&v->json);
}
void keygen_evidence_of(const struct hsm_custody *c,
    struct keygen_evidence *out);

/* The records, each durable on return. */
bool keygen_append_intent(struct signer *s, const struct signer_keygen *req,
    struct bytes id, uint64_t *n, struct error *e) must_check;
bool keygen_append_done(struct signer *s, uint64_t intent, struct bytes spki,
    struct bytes dropped, struct sha256 *key, struct error *e) must_check;
bool keygen_append_failed(struct signer *s, uint64_t intent, const char *reason,
    struct error *e);
/* FAIL_HSM_KEY when the key gave way; key NULL: the sacrificial one. */
bool keygen_append_custody(struct signer *s, const struct sha256 *key,
    const char *what, const struct keygen_evidence *v,
    struct error *e) must_check;
void keygen_dropped_json(const char *const *dropped, struct buf *out);

/* who and why. */
void keygen_claim(struct record *rec, const struct signer_claim *c);
/* One of the configured ones, by its number… */
bool keygen_token_check(const struct signer *s, size_t token,
    struct error *e) must_check;
/* …or by its serial. FAIL_NOT_FOUND. */
bool keygen_find_token(const struct signer *s, struct bytes serial, size_t *out,
    struct error *e) must_check;
/* The caller's charter, else the token's template, else FAIL_REFUSED: no key at all. Of a
 * responder (ocsp) always the template of that name, on a token that has one itself. */
#define KEYGEN_OCSP_CHARTER "ocsp-responder"
struct charter *keygen_charter(const struct signer *s, size_t token, bool ocsp,
    struct bytes json, struct error *e) must_check;
/* Offline anything; else no wider than the charter of the token's keys
 * (FAIL_QUORUM). */
bool keygen_first_charter_ok(const struct signer *s, size_t token,
    const struct charter *c, struct error *e) must_check;
/* What CUSTODY says of a key from outside: its attributes cannot all be those of one that was
 * made here, which is not to look like a fault of the token. */
#define KEYGEN_ADOPTED "adopted after an interruption"
#define KEYGEN_IMPORTED "imported key: it has lived outside an HSM"
/* A key from outside only where the token's charter allows it (FAIL_REFUSED). */
bool keygen_import_ok(const struct signer *s, const struct signer_keygen *req,
    struct error *e) must_check;
/* Whether an error of hsm_key_generate or hsm_key_import says that no half of it is on the token:
 * a module may refuse the second of two halves for the same reasons as a pair. */
bool keygen_made_nothing(const struct error *e, bool imported);
/* CHARTER, and the key table brought up to it. */
bool keygen_append_charter(struct signer *s, const struct sha256 *key,
    const struct charter *c, const struct signer_claim *who,
    struct error *e) must_check;
/* Attributes, attacks, CUSTODY. FAIL_HSM_KEY when the key gave way. */
bool keygen_examine(struct signer *s, struct hsm_key *k,
    const struct sha256 *key, const char *what, struct hsm_custody *out,
    struct error *e) must_check;

/* An open KEYGEN-INTENT. */
struct keygen_record {
	struct buf line, store;
	struct record rec;
	size_t token;
	struct bytes id;
	bool ocsp, imported;
	struct sha256 from; /* imported: of its SPKI */
};
static inline void
keygen_record_free(struct keygen_record *k)
{
	buf_free(&k->line);
	buf_free(&k->store);
}
bool keygen_read(struct signer *s, uint64_t intent, struct keygen_record *k,
    struct error *e) must_check;
