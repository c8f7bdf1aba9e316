/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What import.c (the signer's side) and import_check.c (the verifying) share. */
#include <chancery/signer/import.h>

/* A list that is taken over. */
struct import_list {
	struct sha256 key;
	char scope[64];
	uint64_t number, intent, signed_; /* records of the other log */
};

struct import_job {
	struct buf bundle, issuers; /* issuers: canonical JSON, an array */
	char *mount, *vkey, *who, *tmp;
	struct checkpoint at;
	/* What was taken in before. */
	bool again;
	uint64_t was_size;
	struct sha256 was_root;
	/* Of the check. */
	bool ok;
	struct error err;
	struct sha256 *keys; /* of the other log, not released */
	size_t keys_n, keys_cap;
	struct import_list *lists;
	size_t lists_n, lists_cap;
};

/* "rule: text", FAIL_REFUSED. */
bool import_refuse(struct error *e, const char *rule, const char *fmt, ...)
    printf_like(3, 4);
/* import_dir.c: folders. Removes all of it. */
void import_remove(const char *dir);
/* Durable: every file and folder below. */
bool import_sync(const char *dir, struct error *e) must_check;
/* crl/ of an import into the folder of lists; what is there stays. */
bool import_place_lists(const char *dir, const char *crl_dir,
    struct error *e) must_check;
