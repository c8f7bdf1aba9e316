/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of a signed note, for checkpoint.c; everything points into the note. */
#include <chancery/register/note.h>

/* "cosignature/v1": a 64-bit time before the signature (tlog-cosignature). */
#define COSIGNATURE_LEN (8 + 64)

struct note_parts {
	struct bytes text; /* with its last newline */
	struct bytes rest; /* signature lines, all well-formed */
};
bool note_split(struct bytes note, struct note_parts *out,
    struct error *e) must_check;
/* Cut the line up to the newline off the front of *rest, without the newline. False
 * when *rest is empty or has no newline. */
bool note_next_line(struct bytes *rest, struct bytes *line) must_check;
/* Take signature lines off p->rest up to the next one with the name and id of
 * `key`, and append its signature octets to the emptied `sig`. False: no more. */
bool note_next_by(struct note_parts *p, const struct note_key *key,
    struct buf *sig) must_check;
/* Canonical decimal up to INT64_MAX. */
bool note_parse_size(struct bytes digits, uint64_t *out) must_check;
void note_add_signature(const struct note_key *key, struct bytes sig,
    struct buf *note);
/* RFC 8032 over `message`, through libcrypto. */
bool ed25519_verify(const uint8_t pub[32], struct bytes message,
    const uint8_t sig[64]) must_check;
