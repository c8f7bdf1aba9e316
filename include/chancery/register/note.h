/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * C2SP signed notes and tlog-checkpoints: text, an empty line, then lines
 * "— name base64(key id ‖ signature)". Ed25519 (type 0x01). Cosignatures of
 * witnesses (C2SP tlog-cosignature, type 0x04, cosignature/v1) are read and
 * verified. All pure functions, any thread.
 *
 * Notes are read strictly: valid UTF-8, no control characters, at most
 * LIMIT_NOTE_BYTES and LIMIT_NOTE_SIGNATURES, every signature line well-formed.
 * Signatures of keys nobody asked for are left alone; one that carries the name and
 * id of the key asked for must verify, wherever it stands.
 */
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

#define NOTE_ED25519 0x01
#define NOTE_COSIGNATURE 0x04 /* cosignature/v1 */

#define NOTE_NAME_MAX 256
struct note_key {
	char name[NOTE_NAME_MAX]; /* no spaces, no plus */
	uint8_t type;             /* NOTE_ED25519 or NOTE_COSIGNATURE */
	uint8_t id[4];
	uint8_t pub[32];
};
/* name+hex id+base64(type ‖ key). FAIL_BAD_INPUT, also when the id is not the one
 * of name, type and key; FAIL_UNSUPPORTED for other types. */
bool note_vkey_parse(const char *vkey, struct note_key *out,
    struct error *e) must_check;
void note_vkey_format(const struct note_key *k, struct buf *out);
/* Computes the id. Asserts on a name that note_name_valid refuses. */
void note_key_init(struct note_key *k, const char *name, uint8_t type,
    const uint8_t pub[32]);
/* Not empty, shorter than NOTE_NAME_MAX, UTF-8 without spaces (Unicode's), control
 * characters and plus. */
bool note_name_valid(struct bytes name);

/* Who signs: the log key on its token, or a test's key in memory. */
struct note_signer {
	struct note_key key;
	bool (*sign)(void *arg, struct bytes message, uint8_t sig[64],
	    struct error *e);
	void *arg;
};

struct checkpoint {
	char origin[NOTE_NAME_MAX];
	uint64_t size; /* at most INT64_MAX, as in Go's tlog */
	struct sha256 root;
};
/* The three lines that are signed. */
void checkpoint_text(const struct checkpoint *c, struct buf *out);
/* Append text + signature of `s` to `note`; the signature is verified before it is
 * written. The signer is a NOTE_ED25519 key whose name is the origin (FAIL_BAD_INPUT
 * otherwise). FAIL_CRYPTO: it made a wrong signature; or what `sign` failed with. */
bool checkpoint_sign(const struct checkpoint *c, const struct note_signer *s,
    struct buf *note, struct error *e) must_check;
/* Parse a note and demand a good signature by `key`, of type NOTE_ED25519 and named
 * as the origin line; other signatures are left alone. FAIL_CRYPTO: none by that
 * key, or wrong. FAIL_BAD_INPUT: it does not parse, or another log's.
 * FAIL_UNSUPPORTED: the key is of another type. */
bool checkpoint_open(struct bytes note, const struct note_key *key,
    struct checkpoint *out, struct error *e) must_check;
/* Cosignature lines of a witness (a NOTE_COSIGNATURE key): true when `witness`
 * signed this checkpoint; *time_s says when (the latest, of several).
 * FAIL_NOT_FOUND: no line by it. FAIL_CRYPTO: a wrong one. */
bool checkpoint_cosigned(struct bytes note, const struct note_key *witness,
    int64_t *time_s, struct error *e) must_check;
/* Only parse (no verification). Extension lines are allowed and not returned. */
bool checkpoint_parse(struct bytes note, struct checkpoint *out,
    struct error *e) must_check;
