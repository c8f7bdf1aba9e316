/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Canonical JSON (RFC 8785 restricted to ASCII output, integers, strings,
 * booleans, arrays, objects with sorted keys): what register lines, charters,
 * snapshots and custody records are made of.
 *
 * The writer appends to a struct buf; the caller gives keys in sorted order
 * (asserted). The reader accepts only what the writer writes: no space, no
 * other escapes, no duplicate or unsorted keys, integers within ±2^53.
 * Strings are UTF-8; bytes ≥ 0x80 stand as they are, control characters as
 * \u00xx or the short escapes of RFC 8785 3.2.2.2.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

#define JSON_DEPTH_MAX 16

struct json_writer {
	struct buf *out;
	unsigned depth;
	bool comma[JSON_DEPTH_MAX];
	/* Position of the last key per level, for the order assertion. */
	size_t key_at[JSON_DEPTH_MAX], key_n[JSON_DEPTH_MAX];
};

void json_begin(struct json_writer *w, struct buf *out);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
/* Values; inside an object after json_key. */
void json_int(struct json_writer *w, int64_t v);
void json_bool(struct json_writer *w, bool v);
void json_str(struct json_writer *w, const char *s);
void json_strn(struct json_writer *w, struct bytes s); /* must be UTF-8 */
void json_hex(struct json_writer *w, struct bytes v);
void json_base64(struct json_writer *w, struct bytes v);
/* A value that is canonical JSON already. */
void json_raw(struct json_writer *w, struct bytes v);
/* key + value in one. */
void json_kv_int(struct json_writer *w, const char *key, int64_t v);
void json_kv_bool(struct json_writer *w, const char *key, bool v);
void json_kv_str(struct json_writer *w, const char *key, const char *s);
void json_kv_hex(struct json_writer *w, const char *key, struct bytes v);
void json_kv_base64(struct json_writer *w, const char *key, struct bytes v);

enum json_kind {
	JSON_KIND_INT,
	JSON_KIND_BOOL,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT
};

/* A cursor: straight-line reading, one check at the end (json_done). After the
 * first mistake every call returns zeros and `failed` stays set. */
struct json_reader {
	struct bytes in;
	size_t at;
	bool failed;
	unsigned depth;
	bool first[JSON_DEPTH_MAX];
	struct bytes key[JSON_DEPTH_MAX]; /* last key per level */
};

void json_read(struct json_reader *r, struct bytes in);
enum json_kind json_peek(const struct json_reader *r);
void json_enter_object(struct json_reader *r);
/* Next key of the object, raw text without quotes; false at its end (which is
 * then consumed) or after a mistake. Keys are plain ASCII without escapes. */
bool json_next_key(struct json_reader *r, struct bytes *key);
void json_enter_array(struct json_reader *r);
/* True when there is another element; false consumes the end. */
bool json_next_element(struct json_reader *r);
int64_t json_get_int(struct json_reader *r);
bool json_get_bool(struct json_reader *r);
/* The raw text between the quotes, escapes not resolved; borrowed. */
struct bytes json_get_raw_str(struct json_reader *r);
/* Decoded, appended to `out`. */
bool json_get_str(struct json_reader *r, struct buf *out);
/* Skip any value; returns its exact bytes. */
struct bytes json_get_value(struct json_reader *r);
/* Nothing failed and everything is consumed. */
bool json_done(const struct json_reader *r);
/* Whole text is one canonical value. */
bool json_valid(struct bytes in);
