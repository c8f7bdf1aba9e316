/* SPDX-License-Identifier: Apache-2.0 */
/* One scalar → one typed field. Strict: a value that could be read in two ways
 * is refused (`010`, `1_000`, `yes`, `30d` as a number, `90` as a duration). */
#include <stdlib.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "internal.h"

struct scalar {
	struct yaml_doc *doc;
	const struct yaml_field *f;
	const char *text;
	size_t len;
	bool plain;
	void *at;
};

static bool
is_digits(const char *s)
{
	return *s != '\0' && strspn(s, "0123456789") == strlen(s);
}

/* The wrong value as it is quoted back. */
static const char *
quoted(const struct scalar *v, struct buf *b)
{
	size_t n = v->len < YAML_QUOTE_MAX ? v->len : YAML_QUOTE_MAX;

	/* Do not cut a character in two. */
	while (n < v->len && n > 0 && ((uint8_t)v->text[n] & 0xc0) == 0x80)
		n--;
	buf_add_byte(b, '"');
	buf_add_escaped(b, bytes_of(v->text, n));
	buf_add_str(b, n < v->len ? "…\"" : "\"");
	return buf_cstr(b);
}

static bool
not_a(const struct scalar *v, const char *what, struct error *e)
{
	auto_buf struct buf b = { 0 };

	return error_set(e, FAIL_BAD_INPUT, "%s is not %s", quoted(v, &b),
	    what);
}

bool
value_in_range(const struct yaml_field *f, uint64_t n)
{
	return n >= f->min && (f->max == 0 || n <= f->max);
}

bool
value_is_word(const struct yaml_field *f, uint64_t n)
{
	return f->word != NULL && n == f->max + 1;
}

/* 7776000 → "90d", 5400 → "1h30m": as the reader takes it. */
void
value_add_duration(struct buf *b, uint64_t s)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t before = b->n;

	for (size_t i = 0; i < countof(units); i++) {
		if (s >= units[i].seconds)
			buf_addf(b, "%llu%c",
			    (unsigned long long)(s / units[i].seconds),
			    units[i].unit);
		s %= units[i].seconds;
	}
	if (b->n == before)
		buf_add_str(b, "0s");
}

static void
add_number(struct buf *b, enum yaml_type type, uint64_t n)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB" };
	unsigned u = 0;

	if (type == YAML_DURATION) {
		value_add_duration(b, n);
		return;
	}
	while (type == YAML_SIZE && n != 0 && n % 1024 == 0 && u < 3) {
		n /= 1024;
		u++;
	}
	buf_addf(b, "%llu%s", (unsigned long long)n, units[u]);
}

void
value_range_text(const struct yaml_field *f, struct buf *out)
{
	enum yaml_type type = f->type;

	if (f->max == 0) {
		buf_add_str(out, "at least ");
		add_number(out, type, f->min);
		return;
	}
	buf_add_str(out, "allowed ");
	add_number(out, type, f->min);
	buf_add_str(out, " to ");
	add_number(out, type, f->max);
}

static bool
check_range(const struct scalar *v, uint64_t n, struct error *e)
{
	auto_buf struct buf range = { 0 };

	if (value_in_range(v->f, n))
		return true;
	value_range_text(v->f, &range);
	return error_set(e, FAIL_BAD_INPUT, "%.*s is out of range, %s",
	    (int)(v->len < YAML_QUOTE_MAX ? v->len : YAML_QUOTE_MAX), v->text,
	    buf_cstr(&range));
}

/* Decimal digits only; *what says what is wrong. */
static bool
get_u64(const struct scalar *v, uint64_t *n, const char **what)
{
	*what = "a whole number";
	if (parse_u64(v->text, 0, UINT64_MAX, n))
		return true;
	if (is_digits(v->text))
		*what = v->text[0] == '0' ? "a whole number: no leading zeros"
					  : "a whole number below 2^64";
	return false;
}

static bool
set_uint(const struct scalar *v, struct error *e)
{
	const char *word = v->f->word, *what;
	auto_buf struct buf both = { 0 };
	uint64_t n;

	if (!v->plain)
		return not_a(v, "a whole number: write it without quotes", e);
	if (word != NULL && strcmp(v->text, word) == 0) {
		n = v->f->max + 1;
	} else if (!get_u64(v, &n, &what)) {
		buf_addf(&both, "%s%s%s", word != NULL ? word : "",
		    word != NULL ? " or " : "", what);
		return not_a(v, buf_cstr(&both), e);
	} else if (!check_range(v, n, e)) {
		return false;
	}
	memcpy(v->at, &n, sizeof(n));
	return true;
}

static bool
set_bool(const struct scalar *v, struct error *e)
{
	bool b = strcmp(v->text, "true") == 0;

	if (!v->plain || (!b && strcmp(v->text, "false") != 0))
		return not_a(v, "true or false", e);
	memcpy(v->at, &b, sizeof(b));
	return true;
}

static bool
set_duration(const struct scalar *v, struct error *e)
{
	int64_t s;

	/* Plain seconds are what Vault's API takes; in a file that people sign,
	 * the unit is written. */
	if (is_digits(v->text) && strcmp(v->text, "0") != 0)
		return not_a(v,
		    "a duration: the unit is missing (s, m, h, d or y)", e);
	if (!parse_duration(v->text, &s) || s < 0)
		return not_a(v,
		    "a duration (90d, 12h, 1h30m; units s, m, h, d, y)", e);
	if (!check_range(v, (uint64_t)s, e))
		return false;
	memcpy(v->at, &s, sizeof(s));
	return true;
}

static bool
set_size(const struct scalar *v, struct error *e)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = { { "", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 } };
	size_t digits = strspn(v->text, "0123456789");
	char number[24] = "";
	uint64_t n;

	if (digits == 0 || digits >= sizeof(number))
		return not_a(v, "a size (4096, 64KiB, 16MiB, 1GiB)", e);
	memcpy(number, v->text, digits);
	for (size_t i = 0; i < countof(units); i++) {
		if (strcmp(v->text + digits, units[i].unit) != 0)
			continue;
		if (!parse_u64(number, 0, UINT64_MAX >> units[i].shift, &n))
			break;
		n <<= units[i].shift;
		if (!check_range(v, n, e))
			return false;
		memcpy(v->at, &n, sizeof(n));
		return true;
	}
	return not_a(v, "a size (4096, 64KiB, 16MiB, 1GiB)", e);
}

static bool
set_time(const struct scalar *v, struct error *e)
{
	int64_t t;

	if (!time_parse_s(v->text, v->len, &t))
		return not_a(v, "a time (2026-11-22T02:44:25Z)", e);
	memcpy(v->at, &t, sizeof(t));
	return true;
}

static bool
set_enum(const struct scalar *v, struct error *e)
{
	auto_buf struct buf names = { 0 };

	for (int i = 0; v->f->names[i] != NULL; i++) {
		if (strcmp(v->text, v->f->names[i]) == 0) {
			memcpy(v->at, &i, sizeof(i));
			return true;
		}
		buf_addf(&names, "%s%s", i == 0 ? "one of " : ", ",
		    v->f->names[i]);
	}
	return not_a(v, buf_cstr(&names), e);
}

/* Text that a terminal would obey, or that C would cut, is not text. */
static bool
check_characters(const struct scalar *v, struct error *e)
{
	for (size_t i = 0; i < v->len; i++) {
		uint8_t c = (uint8_t)v->text[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			return error_set(e, FAIL_BAD_INPUT,
			    "control character 0x%02x in a text", c);
	}
	return true;
}

static bool
set_text(const struct scalar *v, struct error *e)
{
	const struct yaml_field *f = v->f;
	/* In a list, min and max count its items. */
	bool sized = f->type == YAML_TEXT && (f->min != 0 || f->max != 0);
	char *copy;

	if (!check_characters(v, e))
		return false;
	if (sized && !value_in_range(f, v->len)) {
		auto_buf struct buf range = { 0 };

		value_range_text(f, &range);
		return error_set(e, FAIL_BAD_INPUT, "%zu octets of text, %s",
		    v->len, buf_cstr(&range));
	}
	if (f->check != NULL && !f->check(v->text, e))
		return false;
	copy = doc_keep(v->doc, mem_dup(v->text, v->len + 1));
	memcpy(v->at, &copy, sizeof(char *));
	return true;
}

static const struct {
	const char *name;
	bool (*set)(const struct scalar *v, struct error *e);
} types[] = {
	[YAML_TEXT] = { "text", set_text },
	[YAML_UINT] = { "whole number", set_uint },
	[YAML_BOOL] = { "true or false", set_bool },
	[YAML_DURATION] = { "duration", set_duration },
	[YAML_SIZE] = { "size", set_size },
	[YAML_TIME] = { "time", set_time },
	[YAML_ENUM] = { "one of", set_enum },
	[YAML_TEXT_LIST] = { "list of texts", set_text },
	[YAML_SECTION] = { "section", NULL },
	[YAML_SECTION_LIST] = { "list of sections", NULL },
	[YAML_SECTION_MAP] = { "section of named sections", NULL },
};

const char *
value_type_name(enum yaml_type type)
{
	return types[type].name;
}

bool
value_set(struct yaml_doc *d, const struct yaml_field *f, const char *text,
    size_t len, bool plain, void *at, struct error *e)
{
	struct scalar v = { d, f, text, len, plain, at };

	if (plain &&
	    (len == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return error_set(e, FAIL_BAD_INPUT, "no value; expected %s%s",
		    f->type == YAML_TEXT || f->type == YAML_TEXT_LIST ||
			    f->type == YAML_BOOL || f->type == YAML_ENUM
			? ""
			: "a ",
		    f->type == YAML_TEXT_LIST  ? "text"
			: f->type == YAML_ENUM ? "a name"
					       : types[f->type].name);
	/* A NUL inside would hide the rest from every check below. */
	if (strlen(text) != len)
		return error_set(e, FAIL_BAD_INPUT,
		    "control character 0x00 in a text");
	return types[f->type].set(&v, e);
}

bool
value_list_item(const char **rest, struct bytes *item)
{
	const char *s = *rest + strspn(*rest, ", ");
	size_t n = strcspn(s, ",");

	if (*s == '\0')
		return false;
	*item = bytes_of(s, n);
	*rest = s + n;
	return true;
}

static void
default_list(struct yaml_doc *d, const struct yaml_field *f, void *at)
{
	struct yaml_texts list = { 0 };
	const char *rest = f->dflt;
	struct bytes item;
	size_t cap = 0;

	while (value_list_item(&rest, &item)) {
		list.v = mem_grow(list.v, list.n, &cap, sizeof(*list.v));
		list.v[list.n] =
		    doc_keep(d, mem_printf("%.*s", (int)item.n, item.p));
		list.n++;
	}
	doc_keep(d, list.v);
	memcpy(at, &list, sizeof(list));
}

void
value_default(struct yaml_doc *d, const struct yaml_field *f, void *at)
{
	struct error e;

	if (f->type == YAML_TEXT_LIST)
		default_list(d, f, at);
	else if (!value_set(d, f, f->dflt, strlen(f->dflt), true, at, &e))
		fatal("schema: default of %s: %s", f->key, e.msg);
}
