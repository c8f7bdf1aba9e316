/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>

/* RFC 8785 3.2.2.3: integers that an IEEE double holds exactly. */
#define INT_LIMIT (INT64_C(1) << 53)

void
json_read(struct json_reader *r, struct bytes in)
{
	memset(r, 0, sizeof(*r));
	r->in = in;
}

static int
peek(const struct json_reader *r)
{
	return r->failed || r->at >= r->in.n ? -1 : r->in.p[r->at];
}

static bool
expect(struct json_reader *r, char c)
{
	if (peek(r) != c) {
		r->failed = true;
		return false;
	}
	r->at++;
	return true;
}

enum json_kind
json_peek(const struct json_reader *r)
{
	switch (peek(r)) {
	case '{':
		return JSON_KIND_OBJECT;
	case '[':
		return JSON_KIND_ARRAY;
	case '"':
		return JSON_KIND_STRING;
	case 't':
	case 'f':
		return JSON_KIND_BOOL;
	default:
		return JSON_KIND_INT;
	}
}

static void
enter(struct json_reader *r, char c)
{
	if (!expect(r, c))
		return;
	if (++r->depth >= JSON_DEPTH_MAX) {
		r->failed = true;
		return;
	}
	r->first[r->depth] = true;
	r->key[r->depth] = (struct bytes){ 0 };
}

void
json_enter_object(struct json_reader *r)
{
	enter(r, '{');
}

void
json_enter_array(struct json_reader *r)
{
	enter(r, '[');
}

/* At the border between elements: true when one follows. */
static bool
next(struct json_reader *r, char close)
{
	if (r->failed || r->depth == 0) {
		r->failed = true;
		return false;
	}
	if (peek(r) == close) {
		r->at++;
		r->depth--;
		return false;
	}
	if (!r->first[r->depth] && !expect(r, ','))
		return false;
	r->first[r->depth] = false;
	return !r->failed;
}

bool
json_next_key(struct json_reader *r, struct bytes *key)
{
	struct bytes k;

	if (!next(r, '}'))
		return false;
	k = json_get_raw_str(r);
	if (r->failed || memchr(k.p, '\\', k.n) != NULL || !expect(r, ':') ||
	    (r->key[r->depth].p != NULL &&
		bytes_cmp(r->key[r->depth], k) >= 0)) {
		r->failed = true;
		return false;
	}
	r->key[r->depth] = k;
	*key = k;
	return true;
}

bool
json_next_element(struct json_reader *r)
{
	return next(r, ']');
}

int64_t
json_get_int(struct json_reader *r)
{
	bool negative = peek(r) == '-';
	int64_t v = 0;
	size_t start;

	if (negative)
		r->at++;
	start = r->at;
	while (peek(r) >= '0' && peek(r) <= '9' && v <= INT_LIMIT)
		v = v * 10 + (r->in.p[r->at++] - '0');
	/* No "-0", no leading zero, nothing out of range. */
	if (r->at == start || v > INT_LIMIT || (negative && v == 0) ||
	    (r->at > start + 1 && r->in.p[start] == '0'))
		r->failed = true;
	if (r->failed)
		return 0;
	return negative ? -v : v;
}

static bool
literal(struct json_reader *r, const char *text)
{
	size_t n = strlen(text);

	if (r->failed || r->in.n - r->at < n ||
	    memcmp(r->in.p + r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

bool
json_get_bool(struct json_reader *r)
{
	if (literal(r, "true"))
		return true;
	if (!literal(r, "false"))
		r->failed = true;
	return false;
}

/* Octet of a canonical escape at p (behind the backslash), its length in *n; 0
 * for anything that the writer does not write. */
static uint8_t
unescape(const uint8_t *p, size_t left, size_t *n)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	uint8_t v;
	const char *f;

	if (left == 0 || p[0] == 0)
		return 0;
	f = strchr(from, p[0]);
	*n = 1;
	if (f != NULL)
		return (uint8_t)to[f - from];
	if (left < 5 || memcmp(p, "u00", 3) != 0 ||
	    (p[3] != '0' && p[3] != '1'))
		return 0;
	*n = 5;
	if (p[4] >= '0' && p[4] <= '9')
		v = (uint8_t)(p[4] - '0');
	else if (p[4] >= 'a' && p[4] <= 'f')
		v = (uint8_t)(p[4] - 'a' + 10);
	else
		return 0;
	v = (uint8_t)((p[3] - '0') * 16 + v);
	/* Those with a short escape must use it; NUL never stands in text. */
	return strchr(to, v) != NULL ? 0 : v;
}

struct bytes
json_get_raw_str(struct json_reader *r)
{
	size_t start, n;
	bool high = false;
	uint8_t c;

	if (!expect(r, '"'))
		return (struct bytes){ 0 };
	for (start = r->at; r->at < r->in.n; r->at++) {
		c = r->in.p[r->at];
		if (c == '"')
			break;
		high |= c >= 0x80;
		if (c < 0x20)
			break;
		if (c != '\\')
			continue;
		if (unescape(r->in.p + r->at + 1, r->in.n - r->at - 1, &n) == 0)
			break;
		r->at += n;
	}
	n = r->at - start;
	if (!expect(r, '"') ||
	    (high && !utf8_valid(bytes_of(r->in.p + start, n)))) {
		r->failed = true;
		return (struct bytes){ 0 };
	}
	return bytes_of(r->in.p + start, n);
}

bool
json_get_str(struct json_reader *r, struct buf *out)
{
	struct bytes raw = json_get_raw_str(r);
	size_t i, n, from = 0;

	if (r->failed)
		return false;
	for (i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\\')
			continue;
		buf_add(out, raw.p + from, i - from);
		buf_add_byte(out, unescape(raw.p + i + 1, raw.n - i - 1, &n));
		i += n;
		from = i + 1;
	}
	if (raw.n > from)
		buf_add(out, raw.p + from, raw.n - from);
	return true;
}

/* Without recursion: containers push, their ends pop. */
struct bytes
json_get_value(struct json_reader *r)
{
	size_t start = r->at;
	unsigned base = r->depth;
	bool object[JSON_DEPTH_MAX] = { false };
	struct bytes key;

	for (;;) {
		switch (json_peek(r)) {
		case JSON_KIND_INT:
			(void)json_get_int(r);
			break;
		case JSON_KIND_BOOL:
			(void)json_get_bool(r);
			break;
		case JSON_KIND_STRING:
			(void)json_get_raw_str(r);
			break;
		case JSON_KIND_ARRAY:
		case JSON_KIND_OBJECT:
			object[(r->depth + 1) % JSON_DEPTH_MAX] =
			    peek(r) == '{';
			enter(r, peek(r) == '{' ? '{' : '[');
			break;
		}
		/* Close what ends here, stop behind the value itself. */
		while (!r->failed && r->depth > base &&
		    !(object[r->depth] ? json_next_key(r, &key)
				       : json_next_element(r)))
			;
		if (r->failed)
			return (struct bytes){ 0 };
		if (r->depth == base)
			return bytes_of(r->in.p + start, r->at - start);
	}
}

bool
json_done(const struct json_reader *r)
{
	return !r->failed && r->depth == 0 && r->at == r->in.n;
}

bool
json_valid(struct bytes in)
{
	struct json_reader r;

	json_read(&r, in);
	(void)json_get_value(&r);
	return json_done(&r);
}
