/* SPDX-License-Identifier: Apache-2.0 */

/* The string types of a Name: to UTF-8, and how they compare. */
#include <chancery/base/text.h>

#include "name_attr.h"

enum {
	NUMERIC_STRING = 0x12,
	T61_STRING = 0x14,
	VISIBLE_STRING = 0x1a,
	UNIVERSAL_STRING = 0x1c,
	BMP_STRING = 0x1e,
};

/* X.680 41.4, table 10. */
static bool
is_printable(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != 0 && strchr(" '()+,-./:=?", c) != NULL);
}

static bool
is_numeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == ' ';
}

static bool
is_visible(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static bool
is_ia5(uint8_t c)
{
	return c != 0 && c < 0x80;
}

static bool
add_scalar(struct buf *b, uint32_t c)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	if (c < 0x80) {
		buf_add_byte(b, (uint8_t)c);
		return true;
	}
	if (c < 0x800) {
		buf_add_byte(b, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_add_byte(b, (uint8_t)(0xe0 | c >> 12));
		} else {
			buf_add_byte(b, (uint8_t)(0xf0 | c >> 18));
			buf_add_byte(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_add_byte(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_byte(b, (uint8_t)(0x80 | (c & 0x3f)));
	return true;
}

/* `width` octets a character: T61String is read as Latin-1, as everybody
 * does; BMPString has no surrogates (UCS-2), UniversalString is UCS-4. */
static bool
wide(struct bytes v, size_t width, struct buf *out)
{
	if (v.n % width != 0)
		return false;
	for (size_t i = 0; i < v.n; i += width) {
		uint32_t c = 0;

		for (size_t j = 0; j < width; j++)
			c = c << 8 | v.p[i + j];
		if (!add_scalar(out, c))
			return false;
	}
	return true;
}

static const struct string_type {
	uint8_t tag;
	uint8_t width;            /* 0: one ASCII octet each, or UTF-8 */
	bool (*allowed)(uint8_t); /* NULL: UTF-8 */
} types[] = {
	{ DER_UTF8_STRING, 0, NULL },
	{ DER_PRINTABLE_STRING, 0, is_printable },
	{ DER_IA5_STRING, 0, is_ia5 },
	{ NUMERIC_STRING, 0, is_numeric },
	{ VISIBLE_STRING, 0, is_visible },
	{ T61_STRING, 1, NULL },
	{ BMP_STRING, 2, NULL },
	{ UNIVERSAL_STRING, 4, NULL },
};

static const struct string_type *
type_of(uint8_t tag)
{
	for (size_t i = 0; i < countof(types); i++)
		if (types[i].tag == tag)
			return &types[i];
	return NULL;
}

bool
name_tag_is_string(uint8_t tag)
{
	return type_of(tag) != NULL;
}

static bool
convert(const struct string_type *t, struct bytes v, struct buf *out)
{
	if (t->width != 0)
		return wide(v, t->width, out);
	if (t->allowed == NULL) {
		if (!utf8_valid(v))
			return false;
	} else {
		for (size_t i = 0; i < v.n; i++)
			if (!t->allowed(v.p[i]))
				return false;
	}
	buf_add_bytes(out, v);
	return true;
}

bool
name_value_utf8(uint8_t tag, struct bytes value, struct buf *utf8)
{
	const struct string_type *t = type_of(tag);
	size_t before = utf8->n;

	if (t != NULL && value.n != 0 && convert(t, value, utf8))
		return true;
	utf8->n = before;
	return false;
}

/* The next octet of the folded text, or -1: lower case, runs of space are one,
 * none at the ends. */
static int
fold_next(struct bytes *v)
{
	size_t spaces = 0;
	uint8_t c;

	while (spaces < v->n && v->p[spaces] == ' ')
		spaces++;
	if (spaces == v->n)
		return -1;
	if (spaces != 0) {
		*v = bytes_of(v->p + spaces, v->n - spaces);
		return ' ';
	}
	c = v->p[0];
	*v = bytes_of(v->p + 1, v->n - 1);
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static struct bytes
skip_spaces(struct bytes v)
{
	while (v.n != 0 && v.p[0] == ' ')
		v = bytes_of(v.p + 1, v.n - 1);
	return v;
}

static bool
folds(uint8_t tag)
{
	return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING;
}

bool
name_value_eq(const struct ava *a, const struct ava *b)
{
	struct bytes x = skip_spaces(a->value), y = skip_spaces(b->value);
	int c;

	if (!folds(a->tag) || !folds(b->tag))
		return bytes_eq(a->whole, b->whole);
	do {
		c = fold_next(&x);
		if (c != fold_next(&y))
			return false;
	} while (c >= 0);
	return true;
}
