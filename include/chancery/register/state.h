/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What follows from the records: keys, charters, open intents, CRL numbers,
 * counters, revoked serials. The same code applies records when they are written,
 * replays them at start (from a snapshot) and recomputes them in `verify` (from
 * nothing); it also holds the rules between records (a SIGNED needs its open INTENT,
 * a serial appears once, a CRL number rises, …), each with a name.
 */
#include <chancery/register/record.h>

struct reg_state;
struct revoked_index;

struct state_key {
	struct sha256 key; /* SHA-256 of the SPKI                       */
	struct bytes spki;
	char label[128];
	char token[64]; /* serial of its token                       */
	uint8_t id[64]; /* CKA_ID                                    */
	size_t id_len;
	struct bytes charter; /* canonical JSON; empty: none yet           */
	uint64_t charter_index, made_index;
	/* Signatures of INTENTs that were not FAILED unsigned (of kind ocsp one
	 * for each ResponseData). */
	uint64_t signatures;
	uint64_t
	    self_signed; /* certificates over itself, SIGNED              */
	uint64_t hour;   /* hours since 1970 of the bucket below      */
	uint64_t in_hour;
	bool released, destroyed;
	bool adopted;  /* not generated here                        */
	bool imported; /* has lived outside an HSM                  */
	/* Subjects (DER) of the CA certificates over this key that have an INTENT
	 * in this log. Once there is one, certificates (but its own) and lists
	 * under another issuer name break a rule. */
	struct bytes *names;
	size_t names_n, names_cap;
};
struct state_crl { /* per key and scope                         */
	struct sha256 key;
	char scope[64];         /* "full", "partition:3", "delta", "caller"  */
	uint64_t number;        /* highest ever reserved                     */
	int64_t this_s, next_s; /* of the last SIGNED one                    */
	uint64_t intent;        /* of the last SIGNED one                    */
};
/* Another log, as it was taken in last. */
struct state_import {
	char *origin, *vkey, *mount; /* vkey: that of its LOG-OPEN         */
	uint64_t size, n;            /* its records; the IMPORT record     */
	struct sha256 root;
};
struct state_intent { /* INTENT or KEYGEN-INTENT without outcome   */
	uint64_t n;
	enum record_type type;
	struct sha256 key; /* zero for KEYGEN-INTENT                    */
};

struct reg_state *reg_state_new(void) must_check;
void reg_state_free(struct reg_state *s);
/* Check the record against the state, then apply it. FAIL_CORRUPT names the
 * record and the rule ("signed-without-intent"). The state is unchanged then. */
bool reg_state_apply(struct reg_state *s, const struct record *r,
    struct error *e) must_check;

const struct state_key *reg_state_key(const struct reg_state *s,
    const struct sha256 *key);
const struct state_key *reg_state_key_at(const struct reg_state *s, size_t i);
size_t reg_state_keys(const struct reg_state *s);
/* Open INTENTs for certificates over the key itself. */
uint64_t reg_state_self_open(const struct reg_state *s,
    const struct sha256 *key);
const struct state_crl *reg_state_crl(const struct reg_state *s,
    const struct sha256 *key, const char *scope);
/* The highest number ever reserved in the scope's series ("full" and "delta" share one,
 * RFC 5280 5.2.3); false: none. */
bool reg_state_crl_number(const struct reg_state *s, const struct sha256 *key,
    const char *scope, uint64_t *out);
const struct state_crl *reg_state_crl_at(const struct reg_state *s, size_t i);
size_t reg_state_crls(const struct reg_state *s);
const struct state_intent *reg_state_open_at(const struct reg_state *s,
    size_t i);
size_t reg_state_open_count(const struct reg_state *s);
/* NULL: never taken in. */
const struct state_import *reg_state_import(const struct reg_state *s,
    const char *origin);
const struct state_import *reg_state_import_at(const struct reg_state *s,
    size_t i);
const char *reg_state_origin(const struct reg_state *s);
const char *reg_state_vkey(const struct reg_state *s);

/* Revoked serials of one issuer key, ascending. The base is a sorted file mapped
 * read-only; what came after the snapshot lies in memory. */
struct revoked_entry {
	uint8_t serial[20]; /* right-aligned magnitude                   */
	int64_t date_s, invalidity_s, not_after_s;
	uint32_t partition;
	uint8_t reason; /* enum crl_reason                           */
	uint64_t index; /* of the REVOKE record                      */
};
bool reg_state_revoked(const struct reg_state *s, const struct sha256 *key,
    const uint8_t serial[20], struct revoked_entry *out);
uint64_t reg_state_revoked_count(const struct reg_state *s,
    const struct sha256 *key);
/* Cursor over one issuer's entries in ascending serial order, in O(1) memory;
 * only entries of records before `position` (UINT64_MAX: all). */
struct revoked_cursor {
	const struct reg_state *state;
	struct sha256 key;
	uint64_t position;
	/* Private: where it stands in base and delta. REVOKEs and segment ends in
	 * between do not disturb it. */
	const void *shard, *node;
	uint64_t base_at, generation;
	uint8_t last[20];
	bool begun;
};
void revoked_cursor_start(struct revoked_cursor *c, const struct reg_state *s,
    const struct sha256 *key, uint64_t position);
bool revoked_cursor_next(struct revoked_cursor *c, struct revoked_entry *out);
