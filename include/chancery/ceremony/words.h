/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Octets as words to be read aloud (the PGP word list). Hashes are shown in full as
 * hex groups and as these words; both stand for the same octets.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

/* The word of an octet at a position (even: two syllables, odd: three). */
const char *words_of(uint8_t octet, size_t position);
/* All of them, eight a line, appended. */
void words_add(struct buf *out, struct bytes in);
/* Back, upper or lower case, any white space between. FAIL_BAD_INPUT names the word;
 * nothing is appended then. */
bool words_decode(const char *text, struct buf *out,
    struct error *e) must_check;
