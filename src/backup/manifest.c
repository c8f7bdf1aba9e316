/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <chancery/base/json.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "tar.h"

void
manifest_clear(struct manifest *m)
{
	mem_free(m->checkpoint);
	*m = (struct manifest){ 0 };
}

void
manifest_encode(const struct manifest *m, struct buf *json)
{
	struct json_writer w;

	json_begin(&w, json);
	json_object_begin(&w);
	json_kv_int(&w, "bytes", (int64_t)m->bytes);
	if (m->checkpoint != NULL)
		json_kv_str(&w, "checkpoint", m->checkpoint);
	json_kv_str(&w, "created", m->created);
	json_kv_int(&w, "files", (int64_t)m->files);
	json_kv_int(&w, "format", ARCHIVE_VERSION);
	json_kv_str(&w, "origin", m->origin);
	json_kv_bool(&w, "pins", m->pins);
	json_kv_int(&w, "size", (int64_t)m->size);
	json_kv_bool(&w, "soft_tokens", m->soft_tokens);
	json_kv_str(&w, "software", m->software);
	if (m->store)
		json_kv_int(&w, "store", (int64_t)m->position);
	json_kv_hex(&w, "sums", sha256_bytes(&m->sums));
	json_kv_bool(&w, "tls_key", m->tls_key);
	json_object_end(&w);
	buf_add_byte(json, '\n');
}

/* ---- reading: a row a key ------------------------------------------------------- */

static void
get_text(struct json_reader *r, char *out, size_t size)
{
	auto_buf struct buf b = { 0 };

	if (!json_get_str(r, &b) || b.n == 0 || b.n >= size ||
	    memchr(b.p, '\0', b.n) != NULL) {
		r->failed = true;
		return;
	}
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
}

static uint64_t
get_count(struct json_reader *r)
{
	int64_t v = json_get_int(r);

	if (v < 0)
		r->failed = true;
	return (uint64_t)v;
}

static void
get_checkpoint(struct json_reader *r, struct manifest *m)
{
	auto_buf struct buf b = { 0 };

	if (!json_get_str(r, &b) || b.n > LIMIT_NOTE_BYTES ||
	    (b.n > 0 && memchr(b.p, '\0', b.n) != NULL))
		r->failed = true;
	else
		m->checkpoint = buf_take_str(&b);
}

static void
get_sums(struct json_reader *r, struct manifest *m)
{
	char hex[2 * SHA256_LEN + 1] = { 0 };

	get_text(r, hex, sizeof(hex));
	/* One spelling: what the writer writes. */
	if (strspn(hex, "0123456789abcdef") != 2 * SHA256_LEN ||
	    !hex_decode_fixed(hex, m->sums.b, SHA256_LEN))
		r->failed = true;
}

static void
get_store(struct json_reader *r, struct manifest *m)
{
	m->store = true;
	m->position = get_count(r);
}

#define COUNT(f)                                                               \
	static void get_##f(struct json_reader *r, struct manifest *m)         \
	{                                                                      \
		m->f = get_count(r);                                           \
	}
#define FLAG(f)                                                                \
	static void get_##f(struct json_reader *r, struct manifest *m)         \
	{                                                                      \
		m->f = json_get_bool(r);                                       \
	}
#define TEXT(f)                                                                \
	static void get_##f(struct json_reader *r, struct manifest *m)         \
	{                                                                      \
		get_text(r, m->f, sizeof(m->f));                               \
	}
COUNT(bytes)
COUNT(files)
COUNT(size)
FLAG(pins)
FLAG(soft_tokens)
FLAG(tls_key)
TEXT(created)
TEXT(origin)
TEXT(software)

static void
get_format(struct json_reader *r, unused_arg struct manifest *m)
{
	if (json_get_int(r) != ARCHIVE_VERSION)
		r->failed = true;
}

static const struct {
	const char *key;
	void (*get)(struct json_reader *r, struct manifest *m);
	bool optional;
} rows[] = {
	{ "bytes", get_bytes, false },
	{ "checkpoint", get_checkpoint, true },
	{ "created", get_created, false },
	{ "files", get_files, false },
	{ "format", get_format, false },
	{ "origin", get_origin, false },
	{ "pins", get_pins, false },
	{ "size", get_size, false },
	{ "soft_tokens", get_soft_tokens, false },
	{ "software", get_software, false },
	{ "store", get_store, true },
	{ "sums", get_sums, false },
	{ "tls_key", get_tls_key, false },
};

bool
manifest_decode(struct bytes json, struct manifest *out, struct error *e)
{
	auto_manifest struct manifest m = { 0 };
	struct json_reader r;
	struct bytes key;
	size_t at = 0;

	if (json.n == 0 || json.p[json.n - 1] != '\n')
		return error_set(e, FAIL_BAD_INPUT, "%s: cut off",
		    ARCHIVE_MANIFEST);
	json_read(&r, bytes_of(json.p, json.n - 1));
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		while (at < countof(rows) && rows[at].optional &&
		    !bytes_eq(key, bytes_str(rows[at].key)))
			at++;
		if (at == countof(rows) ||
		    !bytes_eq(key, bytes_str(rows[at].key)))
			return error_set(e, FAIL_BAD_INPUT,
			    "%s: not the keys of format %d", ARCHIVE_MANIFEST,
			    ARCHIVE_VERSION);
		rows[at++].get(&r, &m);
	}
	if (!json_done(&r) || at < countof(rows))
		return error_set(e, FAIL_BAD_INPUT, "%s: malformed",
		    ARCHIVE_MANIFEST);
	*out = m;
	m.checkpoint = NULL;
	return true;
}
