/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/server/request.h>

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decoding (RFC 3986 2.1), once. In a query '+' is a space. */
static bool
percent_decode(struct bytes in, bool query, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '+' && query)
			c = ' ';
		if (c == '%') {
			if (i + 2 >= in.n || hex_digit(in.p[i + 1]) < 0 ||
			    hex_digit(in.p[i + 2]) < 0)
				return false;
			c = (uint8_t)(hex_digit(in.p[i + 1]) << 4 |
			    hex_digit(in.p[i + 2]));
			i += 2;
		}
		buf_add_byte(out, c);
	}
	return true;
}

bool
request_unescape(struct bytes raw, struct buf *out)
{
	return percent_decode(raw, false, out);
}

static bool
has_control(struct bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool
is_dots(struct bytes segment)
{
	return bytes_eq(segment, bytes_str(".")) ||
	    bytes_eq(segment, bytes_str(".."));
}

static struct bytes
segment_at(struct bytes s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && s.p[at + n] != '/')
		n++;
	return bytes_of(s.p + at, n);
}

bool
request_path(struct bytes raw, struct buf *path, bool *trailing_slash,
    struct error *e)
{
	auto_buf struct buf decoded = { 0 };
	size_t start = path->n;

	if (!percent_decode(raw, false, &decoded))
		return error_set(e, FAIL_BAD_INPUT, "path: broken escape");
	if (has_control(buf_bytes(&decoded)) ||
	    !utf8_valid(buf_bytes(&decoded)))
		return error_set(e, FAIL_BAD_INPUT,
		    "path: control characters, or not UTF-8");
	for (size_t at = 0; at < decoded.n;) {
		struct bytes s = segment_at(buf_bytes(&decoded), at);

		at += s.n + 1;
		if (s.n == 0)
			continue;
		if (is_dots(s)) {
			path->n = start;
			return error_set(e, FAIL_BAD_INPUT,
			    "path: \".\" and \"..\" segments are refused");
		}
		if (path->n > start)
			buf_add_byte(path, '/');
		buf_add_bytes(path, s);
	}
	*trailing_slash = decoded.n > 0 && decoded.p[decoded.n - 1] == '/';
	return true;
}

/* Repeated names become an array, as in a form (vault-pki-api.md §1.1). */
static void
add_value(json_t *out, const char *name, json_t *value)
{
	json_t *there = json_object_get(out, name);

	if (there == NULL) {
		(void)json_object_set_new(out, name, value);
		return;
	}
	if (!json_is_array(there)) {
		json_t *list = json_array();

		(void)json_array_append(list, there);
		(void)json_object_set_new(out, name, list);
		there = list;
	}
	(void)json_array_append_new(there, value);
}

static bool
add_pair(json_t *out, struct bytes pair)
{
	auto_buf struct buf name = { 0 }, value = { 0 };
	const uint8_t *eq = memchr(pair.p, '=', pair.n);
	size_t n = eq != NULL ? (size_t)(eq - pair.p) : pair.n;
	size_t skip = eq != NULL ? n + 1 : n;

	if (!percent_decode(bytes_of(pair.p, n), true, &name) ||
	    !percent_decode(bytes_of(pair.p + skip, pair.n - skip), true,
		&value) ||
	    !utf8_valid(buf_bytes(&name)) || !utf8_valid(buf_bytes(&value)))
		return false;
	add_value(out, buf_cstr(&name),
	    json_stringn(value.n > 0 ? (const char *)value.p : "", value.n));
	return true;
}

json_t *
request_query(struct bytes query, struct error *e)
{
	auto_json json_t *out = json_object();
	unsigned pairs = 0;

	for (size_t at = 0; at < query.n;) {
		size_t n = 0;

		if (pairs++ == LIMIT_JSON_VALUES) {
			(void)error_set(e, FAIL_BAD_INPUT,
			    "query: too many parameters");
			return NULL;
		}
		while (at + n < query.n && query.p[at + n] != '&')
			n++;
		if (n > 0 && !add_pair(out, bytes_of(query.p + at, n))) {
			(void)error_set(e, FAIL_BAD_INPUT,
			    "query: broken escape or not UTF-8");
			return NULL;
		}
		at += n + 1;
	}
	return take(out);
}
