/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A list on its way: what crl.c admits, crl_caller.c judges and crl_file.c writes.
 *
 * The TBSCertList goes to an unnamed file in the target directory while it is hashed, with
 * room before it for what a CertificateList begins with; that and the signature are
 * added when it is there, and the file gets its name once SIGNED is durable: before that
 * nobody can read the signature, and a crash leaves nothing behind.
 */
#include "crl_text.h"
#include "internal.h"

struct crl_work {
	char *scope_text, *idp_url, *path, *dir;
	struct crl_scope scope;
	struct buf issuer;
	uint8_t aki[20];
	int64_t period_s;
	bool named; /* the caller chose the path */
	/* Being made. */
	const struct signer *signer;
	struct crl_text text; /* what the writer goes by    */
	struct state_crl last;
	struct crl_text_writer *writer; /* NULL: not begun            */
	bool written;                   /* what is left is the disk's */
	int fd;                         /* the list, without a name   */
	size_t room;                    /* in front of the TBSCertList */
	uint64_t sent;                  /* to the disk already        */
	uint64_t settled;               /* that lies there            */
	struct digest *sha256; /* of the TBS, where the signature has another */
	void *map;             /* of the file, for Ed25519 */
	size_t map_n;
	uint64_t tbs_bytes, entries, number, bytes;
	int64_t this_s, next_s;
	uint64_t position;
	/* Of a delta: the INTENT of its base, the position and number of that. */
	uint64_t base, since, base_number;
};

/* crl_caller.c: issuer, key identifier, number and times out of the caller's list (the
 * view borrows r->data); then what it says, held against the key's revocations. */
bool crl_caller_read(struct request *r, struct crl_view *v,
    struct error *e) must_check;
bool crl_caller_check(struct signer *s, struct request *r,
    const struct crl_view *v, struct error *e) must_check;

/* crl_file.c: the TBSCertList, written and hashed: r->one.to_sign and the counts. A caller's at
 * once; one of ours begins with the fields of `w`, which stay as they are, and then goes on a
 * part of *left records at a time until it is *done. */
bool crl_file_caller(struct signer *s, struct request *r,
    struct error *e) must_check;
bool crl_file_begin(struct signer *s, struct request *r,
    struct error *e) must_check;
bool crl_file_go_on(struct request *r, uint64_t *left, bool *done,
    struct error *e) must_check;
/* SHA-256 of the TBS for the record, whatever the signature hashes with. */
void crl_file_hash(struct request *r, struct sha256 *out);
/* The numbers of the lists of a folder, newest first; for the caller to free. None: it is not
 * there either. */
size_t crl_file_numbers(const char *dir, uint64_t **out);
/* struct request_type. */
bool crl_file_complete(struct signer *s, struct request *r,
    struct error *e) must_check;
bool crl_file_release(struct signer *s, struct request *r,
    struct error *e) must_check;
