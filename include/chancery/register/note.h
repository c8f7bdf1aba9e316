/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * C2SP signed notes and checkpoints: text, an empty line, then lines
 * "— name base64(key id ‖ signature)". Ed25519 (type 0x01). Cosignatures of
 * witnesses (type 0x04, cosignature/v1) are read and verified.
 */
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

#define NOTE_NAME_MAX 256
struct note_key {
	char name[NOTE_NAME_MAX]; /* no spaces, no plus */
	uint8_t type;             /* 0x01 Ed25519, 0x04 cosignature/v1 */
	uint8_t id[4];
	uint8_t pub[32];
};
/* name+hex id+base64(type ‖ key). */
bool note_vkey_parse(const char *vkey, struct note_key *out,
    struct error *e) must_check;
void note_vkey_format(const struct note_key *k, struct buf *out);
void note_key_init(struct note_key *k, const char *name, uint8_t type,
    const uint8_t pub[32]);

/* Who signs: the log key on its token, or a test's key in memory. */
struct note_signer {
	struct note_key key;
	bool (*sign)(void *arg, struct bytes message, uint8_t sig[64],
	    struct error *e);
	void *arg;
};

struct checkpoint {
	char origin[NOTE_NAME_MAX];
	uint64_t size;
	struct sha256 root;
};
/* The three lines that are signed. */
void checkpoint_text(const struct checkpoint *c, struct buf *out);
/* Text + signature of `s`; the signature is verified before it is written. */
bool checkpoint_sign(const struct checkpoint *c, const struct note_signer *s,
    struct buf *note, struct error *e) must_check;
/* Parse a note and demand a good signature by `key`; other signatures are left
 * alone. FAIL_CRYPTO: none by that key, or wrong. */
bool checkpoint_open(struct bytes note, const struct note_key *key,
    struct checkpoint *out, struct error *e) must_check;
/* Cosignature lines of a witness: true when `witness` signed this checkpoint;
 * *time_s says when. */
bool checkpoint_cosigned(struct bytes note, const struct note_key *witness,
    int64_t *time_s, struct error *e) must_check;
/* Only parse (no verification). */
bool checkpoint_parse(struct bytes note, struct checkpoint *out,
    struct error *e) must_check;
