/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A lease's row (store.h has its columns) and what those who make, show and end it have to agree
 * on: what stands in its value, by which call of the mount it ends, and what comes of it. lease.c
 * makes the rows and has that call; leaser.c, lease_sweep.c and sys/leases.c end them.
 */
#include <chancery/server/api.h>

/* Where it ends, within its mount: {"lease_id":…, "serial_number":…, "wait":…}. */
#define LEASE_REVOKE "lease/revoke"

struct sha256 lease_row_key(const char *id);
/* The row's value: when it was issued, and the serial number ("1a:2b…") of what was leased. */
void lease_row_encode(int64_t issued_s, const char *serial, struct buf *out);
int64_t lease_row_issued_s(const struct store_secret *row); /* 0: unknown */
/* As api_call of LEASE_REVOKE: what was leased is revoked, then the row is gone. `wait`: until a
 * list has it. */
void lease_row_end(struct api *a, unsigned worker,
    const struct store_secret *row, bool wait, const char *who,
    api_done_fn *done, void *arg);
/* What that call answered. Whatever else it says, 404 too, the lease stands, unless it is an
 * orphan. */
static inline bool
lease_row_ended(int status)
{
	return status < 300;
}
/* The mount is gone, and so are its certificates and the lists on which one could stand: there is
 * nothing to revoke, and its row goes by itself. Ids are random, so that no later mount of the
 * name has it. Any thread. */
bool lease_row_is_orphan(struct docs *d, const char *scope) must_check;
#define LEASE_ROW_CHANGES 2
/* The row goes, whichever of its two kinds it has by then. */
void lease_row_delete(const struct sha256 *key,
    struct store_secret_change ch[LEASE_ROW_CHANGES]);
