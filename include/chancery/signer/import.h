/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Taking in another log (design.md, "Several logs"): the bundle of an offline root becomes a
 * folder beside our own log, and its lists are served as ours are.
 *
 *   <register>/imports/<origin hash>/   log/, checkpoint: as the other log has them
 *                     import.json       what our IMPORT record says
 *                     crl/<key>/<scope>/N.crl   its newest lists, made again from its records
 *                     kit/              sealed lists, as they came; nobody serves them
 *   <crl_dir>/<key>/<scope>/N.crl       copies of these lists
 *
 * Verified before anything of it is seen: its checkpoint is signed by a log key of the log
 * whose first key is the one that was pinned; what was taken in before is its beginning, by
 * tree head; every record, rule, signature and snapshot is recomputed, and every list that is
 * taken over is made again from the records; a kit's lists are ones that were signed. The
 * IMPORT record comes before anything is put in place, and what a crash leaves between is
 * finished at the next start. A refusal names its rule ("import-older: …") and changes
 * nothing.
 */
#include <chancery/signer/signer.h>

struct signer_import {
	struct bytes bundle; /* copied                                     */
	const char *mount;   /* where the service shows it                 */
	/* The other log's verifier key: needed the first time, afterwards what was
	 * pinned; NULL or "": none given. */
	const char *vkey;
	struct signer_claim claim;
};
struct import_job;
/* What can be told at once. The signer's thread. */
struct import_job *import_begin(struct signer *s,
    const struct signer_import *req, struct error *e) must_check;
/* All of the verifying, in any thread: it touches nothing of the signer. */
void import_check(struct import_job *j);
/* Record it and put it in place. In the signer's thread again. */
struct import_done {
	uint64_t n;    /* IMPORT record                              */
	uint64_t size; /* records of the other log                   */
	struct buf
	    json; /* {"issuers":[base64],"lists":[{"key","number","scope"}],"mount",
	                     "n","origin","root","size","vkey"}, canonical */
};
bool import_finish(struct signer *s, struct import_job *j,
    struct import_done *out, struct error *e) must_check;
/* Removes what was not put in place; NULL is fine. */
void import_free(struct import_job *j);
DEFINE_AUTO(import_job, struct import_job *, import_free)
#define auto_import_job auto_cleanup(import_job_cleanup)

/* What an interrupted one left: finished or removed. At start. */
bool import_settle(struct signer *s, struct error *e) must_check;

/* <register>/imports/<origin hash> */
char *import_dir(const char *register_dir, const char *origin) must_check;
