/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>

_Noreturn static void
lost_output(void)
{
	_exit(fail_exit(FAIL_IO));
}

void
out(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vfprintf(stdout, fmt, ap);
	va_end(ap);
	if (n < 0 || fflush(stdout) != 0)
		lost_output();
}

void
out_bytes(struct bytes v)
{
	if (fwrite(v.p, 1, v.n, stdout) != v.n || fflush(stdout) != 0)
		lost_output();
}

void
out_err(const char *text)
{
	if (fputs(text, stderr) == EOF)
		lost_output();
}

void
out_err_lines(struct bytes text)
{
	for (size_t at = 0; at < text.n;) {
		const uint8_t *nl = memchr(text.p + at, '\n', text.n - at);
		size_t end = nl != NULL ? (size_t)(nl - text.p) : text.n;
		auto_buf struct buf line = { 0 };

		buf_add_visible(&line, bytes_of(text.p + at, end - at));
		buf_add_str(&line, "\n");
		out_err(buf_cstr(&line));
		at = end + 1;
	}
}

void
complain(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fprintf(stderr, "chancery: ");
	if (n >= 0)
		n = vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (n < 0 || fputc('\n', stderr) == EOF)
		lost_output();
}

enum item_kind {
	ITEM_TEXT,
	ITEM_INT,
	ITEM_BOOL,
	ITEM_JSON,
	ITEM_LIST,
	ITEM_SAY
};

struct item {
	enum item_kind kind;
	const char *key, *label;
	struct buf text;
	int64_t i;
	struct doc *first, *last; /* rows of a list; they hold no lists */
};

struct doc {
	struct item *v;
	size_t n, cap;
	struct doc *next; /* row */
};

struct doc *
doc_new(void)
{
	return mem_calloc(1, sizeof(struct doc));
}

static void
row_free(struct doc *row)
{
	for (size_t i = 0; i < row->n; i++)
		buf_free(&row->v[i].text);
	mem_free(row->v);
	mem_free(row);
}

void
doc_free(struct doc *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		for (struct doc *row = d->v[i].first, *next; row != NULL;
		     row = next) {
			next = row->next;
			row_free(row);
		}
	row_free(d);
}

static struct item *
item_add(struct doc *d, enum item_kind kind, const char *key, const char *label)
{
	d->v = mem_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n] = (struct item){ .kind = kind, .key = key, .label = label };
	return &d->v[d->n++];
}

void
doc_textn(struct doc *d, const char *key, const char *label, struct bytes v)
{
	struct item *it = item_add(d, ITEM_TEXT, key, label);

	buf_add_bytes(&it->text, v);
}

void
doc_text(struct doc *d, const char *key, const char *label, const char *v)
{
	doc_textn(d, key, label, bytes_str(v));
}

void
doc_textf(struct doc *d, const char *key, const char *label, const char *fmt,
    ...)
{
	struct item *it = item_add(d, ITEM_TEXT, key, label);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&it->text, fmt, ap);
	va_end(ap);
}

void
doc_say(struct doc *d, const char *fmt, ...)
{
	struct item *it = item_add(d, ITEM_SAY, NULL, NULL);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&it->text, fmt, ap);
	va_end(ap);
}

void
doc_int(struct doc *d, const char *key, const char *label, int64_t v)
{
	item_add(d, ITEM_INT, key, label)->i = v;
}

void
doc_bool(struct doc *d, const char *key, const char *label, bool v)
{
	item_add(d, ITEM_BOOL, key, label)->i = v;
}

void
doc_hex(struct doc *d, const char *key, const char *label, struct bytes v)
{
	struct item *it = item_add(d, ITEM_TEXT, key, label);

	buf_add_hex(&it->text, v);
}

void
doc_raw(struct doc *d, const char *key, const char *label, struct bytes json)
{
	struct item *it = item_add(d, ITEM_JSON, key, label);

	buf_add_bytes(&it->text, json);
}

void
doc_time(struct doc *d, const char *key, const char *label, int64_t t_s)
{
	char text[TIME_TEXT_SIZE];

	time_format_s(t_s, text);
	doc_text(d, key, label, text);
}

static struct item *
list_find(struct doc *d, const char *key, const char *title)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].kind == ITEM_LIST && strcmp(d->v[i].key, key) == 0)
			return &d->v[i];
	return item_add(d, ITEM_LIST, key, title);
}

void
doc_list(struct doc *d, const char *key, const char *title)
{
	(void)list_find(d, key, title);
}

struct doc *
doc_row(struct doc *d, const char *key, const char *title)
{
	struct item *it = list_find(d, key, title);
	struct doc *row = doc_new();

	if (it->last == NULL)
		it->first = row;
	else
		it->last->next = row;
	it->last = row;
	return row;
}

/* ---- text ---------------------------------------------------------------- */

/* Columns on a terminal, near enough: code points. */
static size_t
text_width(struct bytes v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += (v.p[i] & 0xc0) != 0x80;
	return n;
}

static void
item_text(const struct item *it, struct buf *to)
{
	switch (it->kind) {
	case ITEM_TEXT:
	case ITEM_JSON:
	case ITEM_SAY:
		buf_add_visible(to, buf_bytes(&it->text));
		return;
	case ITEM_INT:
		buf_addf(to, "%lld", (long long)it->i);
		return;
	case ITEM_BOOL:
		buf_add_str(to, it->i ? "yes" : "no");
		return;
	case ITEM_LIST:
		return;
	}
}

static void
pad(struct buf *to, size_t have, size_t want)
{
	for (; have < want; have++)
		buf_add_byte(to, ' ');
}

static size_t
column_width(const struct item *list, size_t column)
{
	size_t w = strlen(list->first->v[column].label);

	for (const struct doc *r = list->first; r != NULL; r = r->next) {
		auto_buf struct buf b = { 0 };
		size_t n;

		if (column >= r->n)
			continue;
		item_text(&r->v[column], &b);
		n = text_width(buf_bytes(&b));
		if (n > w)
			w = n;
	}
	return w;
}

#define COLUMNS_MAX 16

static void
table_row(const struct doc *row, const size_t *width, size_t columns,
    struct buf *to)
{
	size_t pending = 0;

	for (size_t c = 0; c < columns && c < row->n; c++) {
		auto_buf struct buf b = { 0 };
		size_t n;

		if (row->v[c].label == NULL)
			continue;
		item_text(&row->v[c], &b);
		pad(to, 0, pending);
		buf_add_bytes(to, buf_bytes(&b));
		n = text_width(buf_bytes(&b));
		pending = 2 + (width[c] > n ? width[c] - n : 0);
	}
	buf_add_byte(to, '\n');
}

static void
list_print(const struct item *list, struct buf *to)
{
	size_t width[COLUMNS_MAX] = { 0 }, columns, pending = 0;

	if (list->label == NULL)
		return;
	if (list->first == NULL) {
		buf_addf(to, "%s: none\n", list->label);
		return;
	}
	columns = list->first->n;
	if (columns > COLUMNS_MAX)
		columns = COLUMNS_MAX;
	for (size_t c = 0; c < columns; c++) {
		const char *label = list->first->v[c].label;

		if (label == NULL)
			continue;
		width[c] = column_width(list, c);
		pad(to, 0, pending);
		buf_add_str(to, label);
		pending = 2 + width[c] - strlen(label);
	}
	buf_add_byte(to, '\n');
	for (const struct doc *r = list->first; r != NULL; r = r->next)
		table_row(r, width, columns, to);
}

static void
field_print(const struct item *it, size_t width, struct buf *to)
{
	if (it->label == NULL)
		return;
	buf_addf(to, "%s:", it->label);
	pad(to, strlen(it->label), width + 1);
	item_text(it, to);
	buf_add_byte(to, '\n');
}

void
doc_print_text(const struct doc *d, struct buf *to)
{
	size_t width = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].label != NULL && d->v[i].kind != ITEM_LIST &&
		    strlen(d->v[i].label) > width)
			width = strlen(d->v[i].label);
	for (size_t i = 0; i < d->n; i++) {
		const struct item *it = &d->v[i];

		if (it->kind == ITEM_LIST) {
			if (i > 0)
				buf_add_byte(to, '\n');
			list_print(it, to);
		} else if (it->kind == ITEM_SAY) {
			/* Our own sentences; what they quote from outside is
			 * escaped here, line ends stay. */
			struct bytes v = buf_bytes(&it->text);

			while (v.n > 0) {
				const uint8_t *nl = memchr(v.p, '\n', v.n);
				size_t n =
				    nl == NULL ? v.n : (size_t)(nl - v.p);

				buf_add_visible(to, bytes_of(v.p, n));
				buf_add_byte(to, '\n');
				n += nl != NULL;
				v = bytes_of(v.p + n, v.n - n);
			}
		} else {
			field_print(it, width, to);
		}
	}
}

/* ---- JSON ---------------------------------------------------------------- */

static void
json_text(struct json_writer *w, struct bytes v)
{
	auto_buf struct buf b = { 0 };

	if (utf8_valid(v)) {
		json_strn(w, v);
		return;
	}
	buf_add_visible(&b, v);
	json_strn(w, buf_bytes(&b));
}

static void
scalar_json(const struct item *it, struct json_writer *w)
{
	switch (it->kind) {
	case ITEM_TEXT:
		json_text(w, buf_bytes(&it->text));
		return;
	case ITEM_INT:
		json_int(w, it->i);
		return;
	case ITEM_BOOL:
		json_bool(w, it->i != 0);
		return;
	case ITEM_JSON:
		json_raw(w, buf_bytes(&it->text));
		return;
	case ITEM_LIST:
	case ITEM_SAY:
		return;
	}
}

/* The item with the least key above `last`: keys come sorted, and there are few. */
static const struct item *
next_item(const struct doc *d, const char *last)
{
	const struct item *best = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct item *it = &d->v[i];

		if (it->kind != ITEM_SAY &&
		    (last == NULL || strcmp(it->key, last) > 0) &&
		    (best == NULL || strcmp(it->key, best->key) < 0))
			best = it;
	}
	return best;
}

static void
row_json(const struct doc *row, struct json_writer *w)
{
	json_object_begin(w);
	for (const struct item *it = next_item(row, NULL); it != NULL;
	     it = next_item(row, it->key)) {
		json_key(w, it->key);
		scalar_json(it, w);
	}
	json_object_end(w);
}

static void
item_json(const struct item *it, struct json_writer *w)
{
	if (it->kind != ITEM_LIST) {
		scalar_json(it, w);
		return;
	}
	json_array_begin(w);
	for (const struct doc *row = it->first; row != NULL; row = row->next)
		row_json(row, w);
	json_array_end(w);
}

static void
doc_json(const struct doc *d, struct json_writer *w)
{
	json_object_begin(w);
	for (const struct item *it = next_item(d, NULL); it != NULL;
	     it = next_item(d, it->key)) {
		json_key(w, it->key);
		item_json(it, w);
	}
	json_object_end(w);
}

void
doc_print_json(const struct doc *d, struct buf *to)
{
	struct json_writer w;

	json_begin(&w, to);
	doc_json(d, &w);
	buf_add_byte(to, '\n');
}
