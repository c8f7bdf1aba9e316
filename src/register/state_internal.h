/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What state.c (rules), revoked.c (serials) and snapshot.c (files) share.
 */
#include <chancery/register/state.h>
#include <chancery/register/tree.h>

/* ---- revoked serials of one issuer key (revoked.c) ---- */

struct revoked_node; /* of the skip list that holds what is newer */

struct revoked_shard {
	struct sha256 key;
	/* Sorted entries as they lie in the file, behind its header. */
	const uint8_t *base;
	uint64_t base_count;
	void *map; /* whole file mapped, or NULL                */
	size_t map_len;
	uint8_t *heap;           /* or the base in memory (verify)            */
	uint64_t base_segment;   /* the file's name; 0: none yet              */
	uint64_t before_segment; /* that of the base before: older snapshots  */
	struct sha256 base_hash; /* of the whole file                        */
	struct revoked_node *head;
	uint64_t delta_count;
	uint64_t generation; /* moves when the base is replaced           */
	uint64_t rng;
};

/*
 * The file: 64 octets of header ("CHREVOK1", key, count as u64, 16 zeros), then
 * 64 octets an entry, ascending by serial: serial[20], partition u32, date i64,
 * invalidity i64, not_after i64, record index u64, reason u8, 7 zeros. Numbers are
 * little-endian.
 */
#define REVOKED_HEADER 64
#define REVOKED_ENTRY 64

struct revoked_shard *revoked_shard_new(const struct sha256 *key) must_check;
void revoked_shard_free(struct revoked_shard *s);
bool revoked_shard_find(const struct revoked_shard *s, const uint8_t serial[20],
    struct revoked_entry *out);
/* The caller knows that the serial is not in it. */
void revoked_shard_add(struct revoked_shard *s, const struct revoked_entry *e);
static inline uint64_t
revoked_shard_count(const struct revoked_shard *s)
{
	return s->base_count + s->delta_count;
}
/* Base and delta become the base of `segment`: in memory, or as the file `path`,
 * which is written, fsynced, renamed into place and mapped. Nothing happens when
 * there is no delta. */
bool revoked_shard_merge(struct revoked_shard *s, uint64_t segment,
    const char *path, struct error *e) must_check;
/* Whole file as bytes: header, order, zeros. FAIL_CORRUPT. */
bool revoked_file_check(struct bytes file, const struct sha256 *key,
    uint64_t count, struct error *e) must_check;
/* Map the file; its hash must be `hash`. */
bool revoked_shard_load(struct revoked_shard *s, const char *path,
    struct error *e) must_check;
/* RFC 5280 5.3.1 name to code. */
bool revoked_reason(struct bytes name, uint8_t *out) must_check;

/* ---- state ---- */

/* What an INTENT for a CRL or a KEYGEN-INTENT leaves for its outcome. */
struct intent_more {
	uint64_t number; /* CRL */
	int64_t this_s, next_s;
	char scope[64];
	char label[128]; /* key */
	char token[64];
	uint8_t id[64];
	size_t id_len;
	bool imported;
};
struct open_intent {
	struct state_intent pub; /* first: handed out by reg_state_open_at */
	uint64_t hour;
	bool self;      /* a certificate over the signing key itself */
	uint64_t count; /* signatures: one, of kind ocsp many        */
	struct intent_more *more; /* NULL: neither CRL nor key          */
};
struct state_request {
	uint64_t n;
	int64_t expires_s;
	struct sha256 key, sha256;
	char **custodian; /* who approved */
	size_t approvals, approvals_cap;
};
struct state_vkey {
	uint64_t from; /* record that made it the log key */
	char *vkey;
};
#define SETTLED_RING 1024

struct reg_state {
	char *origin;
	struct state_vkey *vkeys; /* oldest first; the last one counts   */
	size_t vkeys_n, vkeys_cap;
	uint64_t n;       /* records applied                            */
	int64_t floor_ms; /* no record may be older                     */
	uint64_t segment; /* of the last SNAPSHOT record                */
	struct state_key **keys;
	size_t keys_n, keys_cap;
	size_t *by_hash; /* indexes into keys, sorted by hash           */
	size_t by_hash_cap;
	struct state_crl **crls;
	size_t crls_n, crls_cap;
	struct open_intent *open; /* ascending n                        */
	size_t open_n, open_cap;
	size_t open_wide; /* of them, with many signatures under one */
	struct state_request *requests;
	size_t requests_n, requests_cap;
	struct state_import *imports;
	size_t imports_n, imports_cap;
	struct revoked_shard **shards;
	size_t shards_n, shards_cap;
	/* The newest outcomes, only to tell "second-outcome" by name. */
	uint64_t settled[SETTLED_RING];
	size_t settled_at;
};

struct state_key *state_key_find(const struct reg_state *s,
    const struct sha256 *key);
struct state_crl *state_crl_find(const struct reg_state *s,
    const struct sha256 *key, const char *scope);
struct revoked_shard *state_shard_find(const struct reg_state *s,
    const struct sha256 *key);
struct state_key *state_key_add(struct reg_state *s, const struct sha256 *key,
    struct bytes spki);
bool state_key_has_name(const struct state_key *k, struct bytes name);
/* Once. */
void state_key_add_name(struct state_key *k, struct bytes name);
void state_key_free_names(struct state_key *k);
struct state_crl *state_crl_add(struct reg_state *s, const struct sha256 *key,
    const char *scope);
struct open_intent *state_open_add(struct reg_state *s, uint64_t n,
    enum record_type type);
struct state_request *state_request_add(struct reg_state *s, uint64_t n);
/* That of the origin, or a new one without mount and vkey. */
struct state_import *state_import_take(struct reg_state *s,
    struct bytes origin);
void state_request_approve(struct state_request *q, struct bytes custodian);
void state_vkey_add(struct reg_state *s, uint64_t from, struct bytes vkey);
struct revoked_shard *state_shard_add(struct reg_state *s,
    const struct sha256 *key);

/* ---- certificates (tbs_read.c) ---- */

struct tbs_fields {
	struct bytes issuer, subject, spki; /* whole elements */
};
bool tbs_read(struct bytes tbs, struct tbs_fields *out) must_check;

/* ---- snapshot (snapshot.c) ---- */

/* Where the log stands beside the state. */
struct log_position {
	struct sha256 prev; /* leaf hash of the last line */
	struct tree_frontier tree;
};

/* Canonical JSON; every shard must be merged. */
void snapshot_encode(const struct reg_state *s, const struct log_position *at,
    struct buf *out);
/* Strict; shards have no base yet (snapshot_load maps them). FAIL_CORRUPT. */
struct reg_state *snapshot_decode(struct bytes json, struct log_position *at,
    struct error *e) must_check;
/* Merge the shards and write <dir>/snapshot/<segment>.*; its hash. With dir NULL
 * nothing is written: verify's way to the hash. */
bool snapshot_make(struct reg_state *s, const struct log_position *at,
    const char *dir, uint64_t segment, struct sha256 *hash,
    struct error *e) must_check;
struct reg_state *snapshot_load(const char *dir, uint64_t segment,
    const struct sha256 *hash, struct log_position *at,
    struct error *e) must_check;
/* Remove snapshots that are older than the one before `segment`. */
void snapshot_prune(const struct reg_state *s, const char *dir,
    uint64_t segment);
