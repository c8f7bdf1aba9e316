/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text of an answer. jansson's own writer calls back for every run of characters
 * between two escapes, and PEM has one a line.
 */
#include <chancery/base/text.h>
#include <chancery/server/request.h>

/* What stands behind the backslash; 0: the character stands as it is; 'u': \u00XX. */
static const char escapes[256] = {
	[0x00] = 'u',
	[0x01] = 'u',
	[0x02] = 'u',
	[0x03] = 'u',
	[0x04] = 'u',
	[0x05] = 'u',
	[0x06] = 'u',
	[0x07] = 'u',
	[0x08] = 'b',
	[0x09] = 't',
	[0x0a] = 'n',
	[0x0b] = 'u',
	[0x0c] = 'f',
	[0x0d] = 'r',
	[0x0e] = 'u',
	[0x0f] = 'u',
	[0x10] = 'u',
	[0x11] = 'u',
	[0x12] = 'u',
	[0x13] = 'u',
	[0x14] = 'u',
	[0x15] = 'u',
	[0x16] = 'u',
	[0x17] = 'u',
	[0x18] = 'u',
	[0x19] = 'u',
	[0x1a] = 'u',
	[0x1b] = 'u',
	[0x1c] = 'u',
	[0x1d] = 'u',
	[0x1e] = 'u',
	[0x1f] = 'u',
	['"'] = '"',
	['\\'] = '\\',
};

static uint8_t *
put_escape(uint8_t *to, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = (uint8_t)escapes[c];
	if (escapes[c] == 'u') {
		*to++ = '0';
		*to++ = '0';
		*to++ = (uint8_t)hex[c >> 4];
		*to++ = (uint8_t)hex[c & 15];
	}
	return to;
}

static size_t
escaped_len(const char *s, size_t n)
{
	size_t len = n;

	for (size_t i = 0; i < n; i++)
		if (escapes[(uint8_t)s[i]] != 0)
			len += escapes[(uint8_t)s[i]] == 'u' ? 5 : 1;
	return len;
}

/* Reserves what it needs and no more: a caller with a secret has made room for all of it,
 * so that nothing moves and leaves a copy behind. */
static void
dump_string(const char *s, size_t n, struct buf *out)
{
	uint8_t *start = buf_reserve(out, escaped_len(s, n) + 2), *to = start;

	*to++ = '"';
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (escapes[c] == 0)
			*to++ = c;
		else
			to = put_escape(to, c);
	}
	*to++ = '"';
	buf_commit(out, (size_t)(to - start));
}

/* NOLINTBEGIN(misc-no-recursion): an answer is as deep as its handler made it; what came
 * in is at most LIMIT_JSON_DEPTH deep. */
static void
dump_object(const json_t *v, struct buf *out)
{
	const char *key;
	json_t *value;
	char before = '{';

	json_object_foreach(json_unconst(v), key, value)
	{
		buf_add_byte(out, (uint8_t)before);
		dump_string(key, strlen(key), out);
		buf_add_byte(out, ':');
		request_dump(value, out);
		before = ',';
	}
	buf_add_str(out, before == '{' ? "{}" : "}");
}

static void
dump_array(const json_t *v, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		buf_add_byte(out, i == 0 ? '[' : ',');
		request_dump(json_array_get(v, i), out);
	}
	buf_add_str(out, json_array_size(v) == 0 ? "[]" : "]");
}

static void
dump_real(const json_t *v, struct buf *out)
{
	char *s = json_dumps(v, JSON_ENCODE_ANY);

	if (s == NULL)
		fatal("an answer that is not JSON");
	buf_add_str(out, s);
	mem_free_wiped(s);
}

void
request_dump(const json_t *v, struct buf *out)
{
	if (json_is_string(v))
		dump_string(json_string_value(v), json_string_length(v), out);
	else if (json_is_object(v))
		dump_object(v, out);
	else if (json_is_array(v))
		dump_array(v, out);
	else if (json_is_integer(v))
		buf_add_int(out, json_integer_value(v));
	else if (json_is_boolean(v))
		buf_add_str(out, json_is_true(v) ? "true" : "false");
	else if (json_is_real(v))
		dump_real(v, out);
	else
		buf_add_str(out, "null");
}
/* NOLINTEND(misc-no-recursion) */
