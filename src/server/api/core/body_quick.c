/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON that nearly all requests are: ASCII, whole numbers, short escapes. jansson takes
 * 17 ns a character, and a certificate request has hundreds; here it is one. What this
 * takes jansson takes too, as the same value; of anything else jansson is the judge.
 */
#include <chancery/base/alloc.h>
#include <chancery/server/request.h>

/* Texts without their escapes lie in one block one after the other: together they are not
 * longer than the body. */
struct quick {
	const uint8_t *p, *end;
	char *text;
};

/* More digits may not fit an int64_t. */
#define DIGITS_MAX 18

static int
next(struct quick *q)
{
	while (q->p < q->end &&
	    (*q->p == ' ' || *q->p == '\n' || *q->p == '\r' || *q->p == '\t'))
		q->p++;
	return q->p < q->end ? *q->p : -1;
}

static bool
skip(struct quick *q, int c)
{
	if (next(q) != c)
		return false;
	q->p++;
	return true;
}

/* 0: not a short one. */
static char
short_escape(uint8_t c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = c != 0 ? strchr(from, c) : NULL;

	return at != NULL ? to[at - from] : 0;
}

static bool
get_text(struct quick *q, const char **s, size_t *n)
{
	char *to = q->text;

	if (!skip(q, '"'))
		return false;
	for (; q->p < q->end && *q->p != '"'; q->p++) {
		char c = (char)*q->p;

		if (*q->p < 0x20 || *q->p >= 0x80)
			return false;
		if (c == '\\' &&
		    (++q->p == q->end || (c = short_escape(*q->p)) == 0))
			return false;
		*to++ = c;
	}
	*s = q->text;
	*n = (size_t)(to - q->text);
	q->text = to;
	return q->p++ < q->end;
}

static json_t *
get_int(struct quick *q)
{
	bool minus = skip(q, '-');
	const uint8_t *start = q->p;
	json_int_t v = 0;

	while (q->p < q->end && *q->p >= '0' && *q->p <= '9' &&
	    q->p - start < DIGITS_MAX)
		v = v * 10 + (*q->p++ - '0');
	if (q->p == start || (*start == '0' && q->p - start > 1))
		return NULL;
	/* The rest of a longer or a real number. */
	if (q->p < q->end && strchr("0123456789.eE", *q->p) != NULL)
		return NULL;
	return json_integer(minus ? -v : v);
}

static bool
get_word(struct quick *q, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(q->end - q->p) < n || memcmp(q->p, word, n) != 0)
		return false;
	q->p += n;
	return true;
}

/* NOLINTBEGIN(misc-no-recursion): at most LIMIT_JSON_DEPTH deep, which is checked before. */
static json_t *get_value(struct quick *q);

static json_t *
get_object(struct quick *q)
{
	auto_json json_t *out = json_object();

	if (skip(q, '}'))
		return take(out);
	do {
		const char *key;
		size_t n;
		json_t *v;

		if (!get_text(q, &key, &n) || !skip(q, ':') ||
		    json_object_getn(out, key, n) != NULL)
			return NULL;
		v = get_value(q);
		if (v == NULL ||
		    json_object_setn_new_nocheck(out, key, n, v) != 0)
			return NULL;
	} while (skip(q, ','));
	return skip(q, '}') ? take(out) : NULL;
}

static json_t *
get_array(struct quick *q)
{
	auto_json json_t *out = json_array();

	if (skip(q, ']'))
		return take(out);
	do {
		json_t *v = get_value(q);

		if (v == NULL || json_array_append_new(out, v) != 0)
			return NULL;
	} while (skip(q, ','));
	return skip(q, ']') ? take(out) : NULL;
}

static json_t *
get_value(struct quick *q)
{
	const char *s;
	size_t n;

	switch (next(q)) {
	case '"':
		return get_text(q, &s, &n) ? json_stringn_nocheck(s, n) : NULL;
	case '{':
		q->p++;
		return get_object(q);
	case '[':
		q->p++;
		return get_array(q);
	case 't':
		return get_word(q, "true") ? json_true() : NULL;
	case 'f':
		return get_word(q, "false") ? json_false() : NULL;
	case 'n':
		return get_word(q, "null") ? json_null() : NULL;
	default:
		return get_int(q);
	}
}
/* NOLINTEND(misc-no-recursion) */

DEFINE_AUTO(wiped, char *, mem_free_wiped)

json_t *
request_json_quick(struct bytes s)
{
	auto_cleanup(wiped_cleanup) char *text = mem_alloc(s.n + 1);
	struct quick q = { .p = s.p, .end = s.p + s.n, .text = text };
	auto_json json_t *v = NULL;

	if (!skip(&q, '{'))
		return NULL;
	v = get_object(&q);
	return v != NULL && next(&q) < 0 ? take(v) : NULL;
}
