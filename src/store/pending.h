/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Derived rows that wait for the writer: a queue in their order, and a table by serial
 * so that readers find what is not committed yet. A row leaves both when it is
 * committed. Not locked here.
 */
#include <chancery/store/store.h>

enum op_kind {
	OP_PUT,
	OP_REVOKE,
	OP_POSITION
};
/* Texts and DER lie behind it, in one piece. */
struct op {
	enum op_kind kind;
	/* OP_REVOKE: issuer_key, serial, revoked_s, reason, revoke_index;
	 * OP_POSITION: origin, index. */
	struct store_cert cert;
	bool has_der;    /* although a copy may lack it */
	uint64_t number; /* 1, 2, 3 … in the order of arrival */
	struct op *next, *chain;
};

#define PENDING_BUCKETS 4096
struct pending {
	struct op *first, **tail;
	size_t n;
	uint64_t last; /* number of the newest one ever added */
	uint64_t done; /* numbers up to this are committed    */
	/* In order of arrival within a bucket. */
	struct op *bucket[PENDING_BUCKETS];
};
void pending_init(struct pending *p);
void pending_clear(struct pending *p);
struct op *op_new(enum op_kind kind, const struct store_cert *c) must_check;
void pending_add(struct pending *p, struct op *op); /* takes it */
/* The first n are committed: forgotten and freed. */
void pending_committed(struct pending *p, size_t n);

/* A revocation that a reader has to lay over what it finds. */
struct overlay {
	struct sha256 issuer_key;
	uint8_t serial[LIMIT_SERIAL_BYTES];
	int64_t revoked_s;
	int reason;
	uint64_t index;
};
/* What is pending of one serial: certificates of that mount (NULL: any) as copies of
 * their ops, revocations. */
struct pending_copy {
	struct op **put;
	size_t puts, puts_cap;
	struct overlay *overlay;
	size_t overlays, overlays_cap;
};
void pending_copy_free(struct pending_copy *c);
#define auto_pending_copy auto_cleanup(pending_copy_free)
void pending_find(const struct pending *p, const char *mount,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct pending_copy *out);
/* Of all serials behind `after` (NULL: all). */
void pending_collect(const struct pending *p, const char *mount,
    const uint8_t *after, bool with_der, struct pending_copy *out);
/* Apply the revocations that are this certificate's. */
void overlay_apply(const struct pending_copy *c, struct store_cert *cert);
