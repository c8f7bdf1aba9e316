/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lists of revoked certificates, held against the register that they come from: what
 * stands in the files that readers get, entry by entry, and whether every list ever
 * signed follows from the records. Reads only, without the lock, so it runs beside a
 * daemon; what is recorded after it began is not looked at.
 *
 * Looks at: the newest signed list of each key and scope ("full", "partition:K", and
 * "delta" when it is told against the newest full list; of "caller" only file, record and
 * signature); and every INTENT of a list, for the order of numbers. Not at the chain of
 * the records themselves: that is reg_verify's.
 */
#include <chancery/register/register.h>

enum crl_rebuild {
	CRL_REBUILD_NONE,
	CRL_REBUILD_NUMBER, /* every list of that number */
	CRL_REBUILD_ALL
};

/* A newest list, as its file has it. Borrowed for the call. */
struct crl_audit_list {
	const struct state_key *key;
	const char *scope, *path;
	uint64_t number, entries, bytes, waiting; /* revoked since */
	int64_t this_s, next_s;
};
/* `rule` is one of crl_audit_rules; `text` a sentence without full stop. */
struct crl_audit_finding {
	const char *rule;
	const struct state_key *key;
	const char *scope;
	uint64_t number; /* 0: of no list */
	const char *text;
};
struct crl_audit_rule {
	const char *name, *about;
};
extern const struct crl_audit_rule crl_audit_rules[];
extern const size_t crl_audit_rules_n;

struct crl_audit {
	struct reg *reg;
	const char *crl_dir;
	int64_t now_s;
	const struct sha256 *key; /* only this one's; NULL: all */
	enum crl_rebuild rebuild;
	uint64_t number;
	void (*list)(void *arg, const struct crl_audit_list *l);
	/* Of one list and rule, the first CRL_AUDIT_TOLD; all count. */
	void (*finding)(void *arg, const struct crl_audit_finding *f);
	void *arg;
};
#define CRL_AUDIT_TOLD 20

struct crl_audit_counts {
	uint64_t signed_;   /* lists ever signed                         */
	uint64_t current;   /* of these, newest of their scope           */
	uint64_t rebuilt;   /* byte for byte                             */
	uint64_t revoked;   /* by the keys looked at                     */
	uint64_t unexpired; /* of these                                 */
	uint64_t waiting;   /* of these, recorded after the newest lists */
	uint64_t findings;
};
/* False when the register cannot be read; what is wrong with lists are findings.
 * FAIL_NOT_FOUND: there is no list of the number to be rebuilt. */
bool crl_audit(const struct crl_audit *a, struct crl_audit_counts *out,
    struct error *e) must_check;
