/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * RFC 6962 Merkle tree over leaf hashes. struct tree_frontier is the compact range
 * (one hash per set bit of the size): enough to append and to know the root.
 * Proofs read node hashes through a callback, so tiles, memory or a file serve.
 */
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

struct tree_frontier {
	uint64_t size;
	unsigned n;              /* popcount(size) */
	struct sha256 node[64];  /* left to right, largest subtree first */
};

void tree_init(struct tree_frontier *t);
void tree_append(struct tree_frontier *t, const struct sha256 *leaf);
/* Root of the empty tree is SHA-256(""). */
struct sha256 tree_root(const struct tree_frontier *t);
struct sha256 tree_node(const struct sha256 *l, const struct sha256 *r);

/* Hash of the complete subtree of 2^level leaves that starts at index << level. */
typedef bool tree_read_fn(void *arg, unsigned level, uint64_t index,
    struct sha256 *out, struct error *e);

#define TREE_PROOF_MAX 128
struct tree_proof {
	struct sha256 node[TREE_PROOF_MAX];
	unsigned n;
};
/* RFC 6962 2.1.1 and 2.1.2. FAIL_NOT_FOUND outside the tree. */
bool tree_prove_inclusion(uint64_t index, uint64_t size, tree_read_fn *read,
    void *arg, struct tree_proof *out, struct error *e) must_check;
bool tree_prove_consistency(uint64_t old_size, uint64_t new_size,
    tree_read_fn *read, void *arg, struct tree_proof *out, struct error *e)
    must_check;
/* Root of the first `size` leaves. */
bool tree_root_at(uint64_t size, tree_read_fn *read, void *arg,
    struct sha256 *out, struct error *e) must_check;
/* RFC 9162 2.1.3.2, 2.1.4.2: true when the proof holds. */
bool tree_check_inclusion(uint64_t index, uint64_t size,
    const struct sha256 *leaf, const struct tree_proof *p,
    const struct sha256 *root) must_check;
bool tree_check_consistency(uint64_t old_size, uint64_t new_size,
    const struct sha256 *old_root, const struct sha256 *new_root,
    const struct tree_proof *p) must_check;

/*
 * Hash tiles on disk (C2SP tlog-tiles, height 8), kept as one file a level:
 * <dir>/tree/<L> is the concatenation of the level's tiles, entry i the hash of
 * the complete subtree of 2^(8L) leaves at i. Derived and rebuilt when short.
 */
struct tile_store;
/* Opens or creates <dir>/tree; `size` is the log's size: longer files are cut to it.
 * FAIL_CORRUPT when shorter: then rebuild by appending from tile_store_size. */
struct tile_store *tile_store_open(const char *dir, bool writable,
    struct error *e) must_check;
void tile_store_close(struct tile_store *s);
uint64_t tile_store_size(const struct tile_store *s); /* leaves held */
bool tile_store_truncate(struct tile_store *s, uint64_t size, struct error *e)
    must_check;
/* Append leaf hashes; buffered in memory until tile_store_flush (no fsync: derived
 * data). Readers of the same object see unflushed entries. */
void tile_store_append(struct tile_store *s, const struct sha256 *leaf);
bool tile_store_flush(struct tile_store *s, struct error *e) must_check;
/* A tree_read_fn over the store (arg = struct tile_store *): any level. */
bool tile_store_read(void *arg, unsigned level, uint64_t index,
    struct sha256 *out, struct error *e);
