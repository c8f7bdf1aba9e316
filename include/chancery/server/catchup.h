/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the register to the store: certificates from SIGNED and its INTENT, revocations
 * from REVOKE, documents from CONFIG, in the order of the records. At start from the
 * store's position on; from nothing by `chancery store rebuild`. What is there already
 * stays as it is, so it can be stopped and begun again anywhere.
 *
 * A certificate's mount is what its INTENT claims in `why` ("<mount>/<path>"), if such a
 * mount had been made before it and the key was not only another one's; otherwise "". A profile that
 * ends in " no_store" leaves only the row. An INTENT that became ASSUMED is on revocation
 * lists, not in the store.
 */
#include <stdatomic.h>

#include <chancery/store/store.h>

struct catchup_options {
	/* Records up to, not including, this one; 0: all that are there. While a signer
	 * writes: the size that it told, since what lies behind may still be torn. */
	uint64_t until;
	/* Called after every CATCHUP_STEP records; NULL: not. */
	void (*progress)(void *arg, uint64_t next, uint64_t certs);
	/* After the store took a list of changes of documents; NULL: not. */
	void (*config)(void *arg, struct bytes changes);
	void *arg;
	const atomic_bool *stop; /* set by another thread: FAIL_ABORTED */
};
#define CATCHUP_STEP 4096

/*
 * Other logs that were taken in (signer/import.h) lie beside the register. What the last IMPORT
 * of each brought, certificates and revocations, is put behind the own log's records, always as
 * a whole: rows are in the mount it was taken in for, if that has not been removed or made anew
 * since. Also by itself, after an import.
 */
bool catchup_imports(struct store *s, const char *register_dir,
    struct error *e) must_check;

struct catchup_report {
	char origin[STORE_NAME_MAX + 1];
	uint64_t from, next; /* records read: from … next - 1          */
	/* Every record below it is in the store: at most `next`, and no further than the
	 * first INTENT whose outcome is still to come. */
	uint64_t position;
	uint64_t certs, revocations, configs;
};
/* Committed on return. FAIL_NOT_FOUND: no register there, or a CONFIG record whose
 * private body was left out. FAIL_ROLLBACK: the store knows records that the register does
 * not have. Any thread, one at a time. */
bool catchup_run(struct store *s, const char *register_dir,
    const struct catchup_options *opt, struct catchup_report *out,
    struct error *e) must_check;
