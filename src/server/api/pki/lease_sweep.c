/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases whose mount is gone: sys/mount.c takes them away after it has removed the mount, which
 * a crash or a full disk may prevent, and an issue that was under way then writes its row later.
 */
#include <stdatomic.h>

#include <chancery/base/log.h>

#include "lease.h"
#include "lease_row.h"
#include "process.h"

/* Rows of a round: some milliseconds of the store's writer. */
#define ROWS (LIMIT_TIDY_ROWS / LEASE_ROW_CHANGES)

static _Atomic bool writing;

/* Where to look on: behind this row, or behind all of its mount. */
static void
pass(const struct store_secret *row, bool orphan, struct buf *after)
{
	size_t n = strlen(row->scope);

	buf_reset(after);
	if (orphan || strncmp(row->alias, row->scope, n) != 0 ||
	    row->alias[n] != '/') {
		buf_add_str(after, row->alias);
		return;
	}
	buf_add_str(after, row->scope);
	buf_add_byte(after, '0'); /* is behind '/' */
}

/* One look-up a mount, however many leases it has. */
static void
gather(const char *kind, struct buf *keys)
{
	auto_buf struct buf after = { 0 }, mem = { 0 };
	struct store_secret row;
	struct error e = { 0 };

	while (keys->n < ROWS * SHA256_LEN &&
	    store_secret_next(pki_process.store, kind, buf_cstr(&after), "\xff",
		now_s(), &row, &mem, &e)) {
		bool orphan = lease_row_is_orphan(pki_process.docs, row.scope);

		if (orphan)
			buf_add_bytes(keys, sha256_bytes(&row.key));
		pass(&row, orphan, &after);
	}
	if (e.why != FAIL_NONE && e.why != FAIL_NOT_FOUND)
		log_line(LOG_LEVEL_WARNING, "leases: %s", e.msg);
}

/* On the writer thread. */
static void
swept(void *arg, bool ok, const struct error *e)
{
	(void)arg;
	if (!ok)
		log_line(LOG_LEVEL_WARNING, "leases of removed mounts: %s",
		    e->msg);
	atomic_store(&writing, false);
}

void
lease_sweep(void)
{
	auto_buf struct buf keys = { 0 };
	auto_mem struct store_secret_change *ch = NULL;
	size_t n = 0;

	if (atomic_load(&writing))
		return;
	gather(STORE_KIND_LEASE, &keys);
	gather(STORE_KIND_LEASE_DUE, &keys);
	if (keys.n == 0)
		return;
	ch = mem_calloc(keys.n / SHA256_LEN * LEASE_ROW_CHANGES, sizeof(*ch));
	for (size_t at = 0; at < keys.n; at += SHA256_LEN) {
		struct sha256 key;

		memcpy(key.b, keys.p + at, SHA256_LEN);
		lease_row_delete(&key, &ch[n]);
		n += LEASE_ROW_CHANGES;
	}
	log_line(LOG_LEVEL_INFO, "leases of removed mounts: %zu go",
	    keys.n / SHA256_LEN);
	atomic_store(&writing, true);
	store_secrets_write(pki_process.store, ch, n, swept, NULL);
}
