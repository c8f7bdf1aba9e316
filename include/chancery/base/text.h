/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hex, base64, and how digests are shown to people. */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* Lower-case hex; `out` holds 2 * n + 1. */
void hex_encode(struct bytes in, char *out);
void buf_add_hex(struct buf *b, struct bytes in);
/* Lower- or upper-case, even length; false on anything else. */
bool hex_decode(const char *text, size_t n, struct buf *out) must_check;
/* Exactly `len` octets. */
bool hex_decode_fixed(const char *text, uint8_t *out, size_t len) must_check;

/* RFC 4648 section 4, with padding, no line breaks. The decoder accepts only
 * what the encoder writes (canonical: unused bits zero). */
void buf_add_base64(struct buf *b, struct bytes in);
bool base64_decode(const char *text, size_t n, struct buf *out) must_check;

/* Decimal. */
void buf_add_int(struct buf *b, int64_t v);

/* "3f2a 99c0 …": groups of four hex digits. */
void buf_add_hex_groups(struct buf *b, struct bytes in);

/* Printable for a terminal or a log: control bytes, bytes that are not valid
 * UTF-8 and backslash become \xNN. */
void buf_add_escaped(struct buf *b, struct bytes in);
/* The same, but a backslash stays: for people, and for text in which something is
 * escaped already (names by RFC 4514, messages, JSON). */
void buf_add_visible(struct buf *b, struct bytes in);

/* Strict UTF-8 without NUL. */
bool utf8_valid(struct bytes in);

/* Whole decimal number, no sign, no leading zero but "0", in [min, max]. */
bool parse_u64(const char *s, uint64_t min, uint64_t max,
    uint64_t *out) must_check;
/* "90d", "12h", "30m", "45s", "1h30m" or plain seconds → seconds. */
bool parse_duration(const char *s, int64_t *seconds) must_check;
