/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How rooms talk: frames with a fixed little-endian header {u16 type, u16 flags, u32 len,
 * u64 id}, then `len` octets of fields. Fields are written one after another; the reader
 * is straight-line: after the first mistake every read gives zeros, and wire_done tells
 * once, at the end, whether all was well. Pure functions, any thread.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/crypto.h>

#define FRAME_HEADER 16

enum frame_flag {
	FRAME_ANSWER = 1 << 0, /* to the request of the same id             */
	FRAME_MEMFD = 1 << 1,  /* the body lies in a passed, sealed memfd    */
	FRAME_AGAIN = 1 << 2, /* a request that an earlier peer may have done */
	FRAME_SECRET = 1 << 3, /* alone in a packet whose memory is wiped    */
	FRAME_FLAGS = FRAME_ANSWER | FRAME_MEMFD | FRAME_AGAIN | FRAME_SECRET
};
struct frame {
	uint16_t type, flags;
	uint32_t len;
	uint64_t id;
};

void frame_write(const struct frame *f, uint8_t out[FRAME_HEADER]);
/* False: unknown flags. */
bool frame_read(const uint8_t in[FRAME_HEADER], struct frame *out) must_check;

/* ---- fields ---- */
void wire_u32(struct buf *out, uint32_t v);
void wire_u64(struct buf *out, uint64_t v);
/* u32 length, then the octets. */
void wire_bytes(struct buf *out, struct bytes v);
/* As wire_bytes with a NUL at the end, counted; NULL is length 0. */
void wire_text(struct buf *out, const char *v);
/* NULL, or strict UTF-8 of at most max octets. */
bool wire_text_ok(const char *v, size_t max) must_check;
/* A text for people: as wire_text, escaped and cut where it is not one of those, because
 * whoever reads it wants to know what failed. */
void wire_message(struct buf *out, const char *v, size_t max);

struct wire_reader {
	struct bytes in;
	size_t at;
	bool failed;
};
void wire_read(struct wire_reader *r, struct bytes in);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
/* 0 or 1. */
bool wire_get_bool(struct wire_reader *r);
/* Exactly n octets; zeros after a mistake. */
void wire_get_fixed(struct wire_reader *r, void *out, size_t n);
/* At most max octets; borrowed from the input. */
struct bytes wire_get_bytes(struct wire_reader *r, size_t max);
/* Strict UTF-8 of at most max octets; borrowed. NULL when it was NULL, or after a
 * mistake. */
const char *wire_get_text(struct wire_reader *r, size_t max);
/* Nothing failed and everything is consumed. */
bool wire_done(const struct wire_reader *r) must_check;
