/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A register in a directory of its own, with a clock that the test turns and a log
 * key in memory; records that are right, to be made wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/register/register.h>

struct fixture {
	char dir[64]; /* temporary; register in <dir>/reg      */
	char reg_dir[80], anchor_dir[80];
	int64_t wall, boot; /* ms */
	struct clock clock;
	void *pkey; /* EVP_PKEY of the log key */
	struct note_signer signer;
	struct reg_config cfg;
	struct sha256 key; /* of fixture_key */
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
void remove_tree(const char *path);
void copy_tree(const char *from, const char *to);

/* Appends, asserting success; the index. */
uint64_t put(struct reg *r, struct record *rec);
/* KEYGEN-INTENT, KEYGEN-DONE and CHARTER of a key of random bytes. */
struct sha256 put_key(struct reg *r, const char *label);
struct sha256 put_imported(struct reg *r, const char *label);
uint64_t put_intent(struct reg *r, const struct sha256 *key);
uint64_t put_signed(struct reg *r, uint64_t intent);
uint64_t put_revoke(struct reg *r, const struct sha256 *key,
    const uint8_t serial[20]);
uint64_t put_event(struct reg *r, const char *what, const char *body);
void commit(struct reg *r);

/* The same without a register: fields set, n and the rest left alone. */
void make_keygen_intent(struct record *r, const char *label);
void make_import_intent(struct record *r, const char *label, struct bytes spki);
void make_keygen_done(struct record *r, uint64_t intent, struct bytes spki,
    struct sha256 *key);
void make_charter(struct record *r, const struct sha256 *key);
/* `tbs` and `hash` are kept by the caller. */
void make_intent(struct record *r, const struct sha256 *key, struct bytes tbs,
    struct sha256 *hash);
void make_signed(struct record *r, uint64_t intent);
void make_revoke(struct record *r, const struct sha256 *key,
    const uint8_t serial[20]);
