/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>

#include <chancery/base/json.h>
#include <chancery/base/text.h>

void
json_begin(struct json_writer *w, struct buf *out)
{
	memset(w, 0, sizeof(*w));
	w->out = out;
}

static void
separate(struct json_writer *w)
{
	if (w->comma[w->depth])
		buf_add_byte(w->out, ',');
	w->comma[w->depth] = true;
}

static void
enter(struct json_writer *w, uint8_t c)
{
	separate(w);
	buf_add_byte(w->out, c);
	w->depth++;
	assert(w->depth < JSON_DEPTH_MAX);
	w->comma[w->depth] = false;
	w->key_n[w->depth] = 0;
}

static void
leave(struct json_writer *w, uint8_t c)
{
	assert(w->depth > 0);
	w->depth--;
	/* A value after a key has no comma of its own (see json_key). */
	w->comma[w->depth] = true;
	buf_add_byte(w->out, c);
}

void
json_object_begin(struct json_writer *w)
{
	enter(w, '{');
}

void
json_object_end(struct json_writer *w)
{
	leave(w, '}');
}

void
json_array_begin(struct json_writer *w)
{
	enter(w, '[');
}

void
json_array_end(struct json_writer *w)
{
	leave(w, ']');
}

void
json_key(struct json_writer *w, const char *key)
{
	size_t n = strlen(key);
	struct bytes last = { w->out->p + w->key_at[w->depth],
		w->key_n[w->depth] };

	/* RFC 8785 3.2.3: sorted; ASCII keys make octet order the UTF-16
	 * order. */
	assert(last.n == 0 || bytes_cmp(last, bytes_of(key, n)) < 0);
	separate(w);
	buf_add_byte(w->out, '"');
	w->key_at[w->depth] = w->out->n;
	w->key_n[w->depth] = n;
	buf_add(w->out, key, n);
	buf_add(w->out, "\":", 2);
	w->comma[w->depth] = false;
}

void
json_int(struct json_writer *w, int64_t v)
{
	separate(w);
	buf_add_int(w->out, v);
}

void
json_bool(struct json_writer *w, bool v)
{
	separate(w);
	buf_add_str(w->out, v ? "true" : "false");
}

void
json_str(struct json_writer *w, const char *s)
{
	json_strn(w, bytes_str(s));
}

/* RFC 8785 3.2.2.2: the short escapes where JSON has one, else \u00xx in lower
 * case. */
static void
add_escape(struct buf *out, uint8_t c)
{
	static const char from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";
	const char *p = c == 0 ? NULL : strchr(from, c);

	if (p != NULL) {
		buf_add_byte(out, '\\');
		buf_add_byte(out, (uint8_t)to[p - from]);
	} else {
		buf_addf(out, "\\u%04x", c);
	}
}

void
json_strn(struct json_writer *w, struct bytes s)
{
	size_t i, from = 0;

	separate(w);
	buf_add_byte(w->out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x20 && s.p[i] != '"' && s.p[i] != '\\')
			continue;
		buf_add(w->out, s.p + from, i - from);
		add_escape(w->out, s.p[i]);
		from = i + 1;
	}
	if (s.n > from)
		buf_add(w->out, s.p + from, s.n - from);
	buf_add_byte(w->out, '"');
}

void
json_hex(struct json_writer *w, struct bytes v)
{
	separate(w);
	buf_add_byte(w->out, '"');
	buf_add_hex(w->out, v);
	buf_add_byte(w->out, '"');
}

void
json_base64(struct json_writer *w, struct bytes v)
{
	separate(w);
	buf_add_byte(w->out, '"');
	buf_add_base64(w->out, v);
	buf_add_byte(w->out, '"');
}

void
json_raw(struct json_writer *w, struct bytes v)
{
	separate(w);
	buf_add_bytes(w->out, v);
}

void
json_kv_int(struct json_writer *w, const char *key, int64_t v)
{
	json_key(w, key);
	json_int(w, v);
}

void
json_kv_bool(struct json_writer *w, const char *key, bool v)
{
	json_key(w, key);
	json_bool(w, v);
}

void
json_kv_str(struct json_writer *w, const char *key, const char *s)
{
	json_key(w, key);
	json_str(w, s);
}

void
json_kv_hex(struct json_writer *w, const char *key, struct bytes v)
{
	json_key(w, key);
	json_hex(w, v);
}

void
json_kv_base64(struct json_writer *w, const char *key, struct bytes v)
{
	json_key(w, key);
	json_base64(w, v);
}
