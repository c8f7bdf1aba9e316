/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * RFC 6962 Merkle tree over leaf hashes. struct tree_frontier is the compact range
 * (one hash per set bit of the size): enough to append and to know the root.
 * Proofs read node hashes through a callback, so tiles, memory or a file serve.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

struct tree_frontier {
	uint64_t size;
	unsigned n;             /* popcount(size) */
	struct sha256 node[64]; /* left to right, largest subtree first */
};

void tree_init(struct tree_frontier *t);
/* Asserts that size < 2^64 - 1. */
void tree_append(struct tree_frontier *t, const struct sha256 *leaf);
/* Root of the empty tree is SHA-256(""). */
struct sha256 tree_root(const struct tree_frontier *t);
struct sha256 tree_node(const struct sha256 *l, const struct sha256 *r);

/* Hash of the complete subtree of 2^level leaves that starts at index << level. */
typedef bool tree_read_fn(void *arg, unsigned level, uint64_t index,
    struct sha256 *out, struct error *e);

/* More than any proof in a tree of 2^64 leaves. */
#define TREE_PROOF_MAX 128
struct tree_proof {
	struct sha256 node[TREE_PROOF_MAX];
	unsigned n;
};
/* RFC 6962 2.1.1 and 2.1.2, from the leaf up. FAIL_NOT_FOUND outside the tree;
 * what `read` fails with. An old size of 0 has the empty proof (tlog-witness). */
bool tree_prove_inclusion(uint64_t index, uint64_t size, tree_read_fn *read,
    void *arg, struct tree_proof *out, struct error *e) must_check;
bool tree_prove_consistency(uint64_t old_size, uint64_t new_size,
    tree_read_fn *read, void *arg, struct tree_proof *out,
    struct error *e) must_check;
/* Root of the first `size` leaves. */
bool tree_root_at(uint64_t size, tree_read_fn *read, void *arg,
    struct sha256 *out, struct error *e) must_check;
/* RFC 9162 2.1.3.2, 2.1.4.2: true when the proof holds. Equal sizes, and an old
 * size of 0, want the empty proof and equal roots, or the root of the empty tree. */
bool tree_check_inclusion(uint64_t index, uint64_t size,
    const struct sha256 *leaf, const struct tree_proof *p,
    const struct sha256 *root) must_check;
bool tree_check_consistency(uint64_t old_size, uint64_t new_size,
    const struct sha256 *old_root, const struct sha256 *new_root,
    const struct tree_proof *p) must_check;

/*
 * Hash tiles on disk (C2SP tlog-tiles, height 8), kept as one file a level:
 * <dir>/tree/<L> is the concatenation of the level's tiles, entry i the hash of
 * the complete subtree of 2^(8L) leaves at i. Derived data, written without fsync:
 * after opening, the owner of the log compares tile_store_size (more: truncate;
 * fewer: append the missing leaves) and the root (tile_store_frontier; wrong:
 * truncate to 0 and append all). One thread a store; a reader may be open beside
 * the writer and sees what was flushed when it opened.
 */
struct tile_store;
/* Opens <dir>/tree; a writable one is created when missing. A torn last entry and
 * upper levels that do not match level 0 are put right. FAIL_IO. */
struct tile_store *tile_store_open(const char *dir, bool writable,
    struct error *e) must_check;
void tile_store_close(struct tile_store *s); /* drops what is not flushed */
DEFINE_AUTO(tile_store, struct tile_store *, tile_store_close)
#define auto_tile_store auto_cleanup(tile_store_cleanup)
uint64_t tile_store_size(const struct tile_store *s); /* leaves held */
/* FAIL_NOT_FOUND when it holds fewer than `size`. A reader only forgets. */
bool tile_store_truncate(struct tile_store *s, uint64_t size,
    struct error *e) must_check;
/* Append a leaf hash; buffered in memory until tile_store_flush.
 * Readers of the same object see unflushed entries. */
void tile_store_append(struct tile_store *s, const struct sha256 *leaf);
/* FAIL_DISK_FULL, FAIL_IO: the entries stay buffered, it may be tried again. */
bool tile_store_flush(struct tile_store *s, struct error *e) must_check;
/* A tree_read_fn over the store (arg = struct tile_store *): any level.
 * FAIL_NOT_FOUND: that subtree is not complete. */
bool tile_store_read(void *arg, unsigned level, uint64_t index,
    struct sha256 *out, struct error *e) must_check;
/* The compact range of all leaves held. */
bool tile_store_frontier(struct tile_store *s, struct tree_frontier *out,
    struct error *e) must_check;
