/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an auditor takes away: a C2SP tlog-proof receipt (".tlog-proof") of one
 * record, and the plain text of an inclusion proof that docs/verify.sh reads.
 * reg_receipt (register.h) makes receipts whose `extra` is the record's line, so that
 * receipt and vkey are all that a verifier needs; a line above RECEIPT_EXTRA_MAX is
 * left out and must be had otherwise. Pure functions, any thread.
 */
#include <chancery/register/note.h>
#include <chancery/register/tree.h>

/* In base64 it stays below 65,536, where Go's bufio.Scanner, which reads receipts in
 * transparency-dev/formats, ends a line. */
#define RECEIPT_EXTRA_MAX 49000

struct receipt {
	uint64_t index;
	struct tree_proof proof;
	struct bytes note; /* the checkpoint, borrowed from the input */
};
/* `extra` may be empty: then the receipt has no such line. */
void receipt_format(uint64_t index, const struct tree_proof *proof,
    struct bytes extra, struct bytes note, struct buf *out);
/* Strict; appends the decoded extra data, if any, to `extra`. FAIL_BAD_INPUT.
 * Nothing is verified yet: extra and note are what somebody wrote. */
bool receipt_parse(struct bytes in, struct receipt *out, struct buf *extra,
    struct error *e) must_check;
/* The checkpoint is signed by `log` and holds `leaf` (RFC 6962 2.1, of the record's
 * line) at the index. FAIL_CRYPTO when not; what checkpoint_open fails with. */
bool receipt_check(const struct receipt *r, const struct sha256 *leaf,
    const struct note_key *log, struct checkpoint *out,
    struct error *e) must_check;

/* Lines "index N", "size N", "root BASE64", then one base64 hash a line from the
 * leaf's sibling up. */
void proof_text_format(uint64_t index, uint64_t size, const struct sha256 *root,
    const struct tree_proof *proof, struct buf *out);
