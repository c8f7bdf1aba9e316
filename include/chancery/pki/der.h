/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DER (X.690): a writer that builds backwards (so that every length is known
 * when it is written), and a strict cursor for what templates do not cover.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_BMP_STRING = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
#define DER_CONTEXT(n) (0x80 | (n))             /* [n] IMPLICIT primitive  */
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* [n] constructed         */

/* Backwards writer: fill from the end of the buffer towards its start. Write the
 * last field first; der_w_wrap puts the header before what came since `mark`. */
struct der_writer {
	uint8_t *p; /* growable, owned; contents are p[at .. cap) */
	size_t at, cap;
};
void der_w_init(struct der_writer *w, size_t expect);
void der_w_free(struct der_writer *w);
#define auto_der_writer auto_cleanup(der_w_free)
/* Empty it, keep the memory. */
void der_w_reset(struct der_writer *w);
size_t der_w_mark(const struct der_writer *w);
void der_w_wrap(struct der_writer *w, uint8_t tag, size_t mark);
void der_w_raw(struct der_writer *w, struct bytes v);
void der_w_tlv(struct der_writer *w, uint8_t tag, struct bytes v);
void der_w_bool(struct der_writer *w, bool v);
void der_w_uint(struct der_writer *w, uint64_t v);
/* Unsigned big-endian integer octets of any length (serials). */
void der_w_integer(struct der_writer *w, struct bytes magnitude);
/* From "1.2.840…"; asserts on malformed text (own tables only). */
void der_w_oid(struct der_writer *w, const char *dotted);
/* UTCTime until 2049, GeneralizedTime after (RFC 5280 4.1.2.5). */
void der_w_time(struct der_writer *w, int64_t t_s);
/* Always GeneralizedTime: invalidityDate, OCSP. */
void der_w_generalized_time(struct der_writer *w, int64_t t_s);
/* BIT STRING of whole octets (keys, signatures). */
void der_w_bit_string(struct der_writer *w, struct bytes v);
/* Borrowed until the next write. */
struct bytes der_w_bytes(const struct der_writer *w);

/* Forwards, where the length is known: tag and length of `n` content octets. */
#define DER_HEADER_MAX 10
size_t der_header(uint8_t tag, uint64_t n, uint8_t out[DER_HEADER_MAX]);
void der_add_header(struct buf *out, uint8_t tag, uint64_t n);

/* Strict forward cursor: definite minimal lengths, low tag numbers only. After the
 * first mistake everything returns empty and `failed` stays. */
struct der_reader {
	struct bytes rest;
	bool failed;
};
void der_r_init(struct der_reader *r, struct bytes in);
/* Tag of the next element, or -1 at the end. */
int der_r_peek(const struct der_reader *r);
/* Contents of the next element, which must have this tag. */
struct bytes der_r_get(struct der_reader *r, uint8_t tag);
/* The next element whole, header included, whatever its tag (tag to *tag). */
struct bytes der_r_any(struct der_reader *r, uint8_t *tag);
bool der_r_bool(struct der_reader *r);
uint64_t der_r_uint(struct der_reader *r); /* INTEGER ≥ 0 in 64 bits  */
struct bytes der_r_integer(
    struct der_reader *r); /* contents, minimal, any sign */
/* UTCTime or GeneralizedTime with seconds and Z, 1970 to 9999 → seconds. */
int64_t der_r_time(struct der_reader *r);
/* Whole octets of a BIT STRING: unused bits must be 0. */
struct bytes der_r_bit_string(struct der_reader *r);
/* "2.5.29.15" into text; false when it does not fit or parse. */
bool der_oid_text(struct bytes content, char *out, size_t size) must_check;
/* Dotted text that der_w_oid may be given. */
bool der_oid_valid(const char *dotted) must_check;
/* Nothing failed and nothing is left. */
bool der_r_done(const struct der_reader *r);
/* Every element of `in`, to any depth, in DER: minimal definite lengths, single
 * octet tags, BOOLEAN 0x00 or 0xff, minimal INTEGER and ENUMERATED, empty NULL,
 * BIT STRING with zero unused bits, OIDs with minimal arcs, SET OF sorted, no
 * constructed strings (X.690 8 to 11). Names the rule and the offset. */
bool der_check(struct bytes in, struct error *e) must_check;
