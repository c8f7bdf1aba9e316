/* SPDX-License-Identifier: Apache-2.0 */
/* Struct ↔ canonical JSON, by the table. Durations and times are seconds, names of an
 * enum stay names. A map of sections is an array, because its order is the index by
 * which rooms call its rows; a row's own key stands under "". Recursion is as deep as
 * the schema. */
#include <stdlib.h>

#include <chancery/base/json.h>

#include <chancery/config/pass.h>

#include "internal.h"

/* Canonical JSON has integers up to 2^53. */
#define PASS_NUMBER_MAX (INT64_C(1) << 53)
/* Fields of one section; the largest of ours has twenty. */
#define PASS_FIELDS_MAX 64

/* The rows of one section by key. */
struct sorted {
	const struct yaml_field *v[PASS_FIELDS_MAX];
	size_t n;
};

static int
key_cmp(const void *a, const void *b)
{
	const struct yaml_field *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static struct sorted
sorted_fields(const struct yaml_field *fields)
{
	struct sorted s = { .n = 0 };

	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		if (s.n == PASS_FIELDS_MAX)
			fatal("schema: a section of more than %d keys",
			    PASS_FIELDS_MAX);
		s.v[s.n++] = f;
	}
	qsort(s.v, s.n, sizeof(s.v[0]), key_cmp);
	return s;
}

/* ---- pack ------------------------------------------------------------------ */

static void pack_section(struct json_writer *w, const struct yaml_field *fields,
    const uint8_t *in);

static void
pack_number(struct json_writer *w, const struct yaml_field *f, const void *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	if (n > PASS_NUMBER_MAX)
		fatal("schema: %s is too large to pass on", f->key);
	if (value_is_word(f, n))
		json_str(w, f->word);
	else
		json_int(w, (int64_t)n);
}

static void
pack_texts(struct json_writer *w, const void *at)
{
	struct yaml_texts list;

	memcpy(&list, at, sizeof(list));
	json_array_begin(w);
	for (size_t i = 0; i < list.n; i++)
		json_str(w, list.v[i]);
	json_array_end(w);
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
pack_rows(struct json_writer *w, const struct yaml_field *f, const void *at)
{
	struct yaml_list list;
	const uint8_t *rows;

	memcpy(&list, at, sizeof(list));
	rows = list.v;
	json_array_begin(w);
	for (size_t i = 0; i < list.n; i++)
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		pack_section(w, f->fields, rows + i * f->size);
	json_array_end(w);
}

static void
pack_text(struct json_writer *w, const void *at)
{
	const char *text;

	memcpy(&text, at, sizeof(text));
	json_str(w, text);
}

static void
pack_bool(struct json_writer *w, const void *at)
{
	bool b;

	memcpy(&b, at, sizeof(b));
	json_bool(w, b);
}

static void
pack_enum(struct json_writer *w, const struct yaml_field *f, const void *at)
{
	int i;

	memcpy(&i, at, sizeof(i));
	json_str(w, f->names[i]);
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
pack_value(struct json_writer *w, const struct yaml_field *f, const uint8_t *at)
{
	switch (f->type) {
	case YAML_TEXT:
		pack_text(w, at);
		break;
	case YAML_UINT:
	case YAML_DURATION:
	case YAML_SIZE:
	case YAML_TIME:
		pack_number(w, f, at);
		break;
	case YAML_BOOL:
		pack_bool(w, at);
		break;
	case YAML_ENUM:
		pack_enum(w, f, at);
		break;
	case YAML_TEXT_LIST:
		pack_texts(w, at);
		break;
	case YAML_SECTION:
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		pack_section(w, f->fields, at);
		break;
	case YAML_SECTION_LIST:
	case YAML_SECTION_MAP:
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		pack_rows(w, f, at);
		break;
	}
}

static bool
is_absent(const struct yaml_field *f, const uint8_t *at)
{
	const char *text;

	if (f->type != YAML_TEXT)
		return false;
	memcpy(&text, at, sizeof(text));
	return text == NULL;
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
pack_section(struct json_writer *w, const struct yaml_field *fields,
    const uint8_t *in)
{
	struct sorted s = sorted_fields(fields);

	json_object_begin(w);
	for (size_t i = 0; i < s.n; i++) {
		const struct yaml_field *f = s.v[i];

		if (is_absent(f, in + f->offset))
			continue;
		json_key(w, f->key);
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		pack_value(w, f, in + f->offset);
	}
	json_object_end(w);
}

void
schema_pack(const struct yaml_field *schema, const void *in, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	pack_section(&w, schema, in);
}

/* ---- unpack ---------------------------------------------------------------- */

struct unpacker {
	struct json_reader r;
	struct yaml_doc *doc;
	struct error *e;
	bool ok; /* false: e says what */
};

static void unpack_section(struct unpacker *u, const struct yaml_field *fields,
    uint8_t *out);

static void
bad(struct unpacker *u, const struct yaml_field *f, const char *what)
{
	if (u->ok)
		u->ok = error_set(u->e, FAIL_BAD_INPUT, "settings: %s%s%s",
		    f != NULL ? f->key : "", f != NULL ? ": " : "", what);
}

static bool
expect(struct unpacker *u, const struct yaml_field *f, enum json_kind kind)
{
	if (!u->ok || u->r.failed)
		return false;
	if (json_peek(&u->r) == kind)
		return true;
	bad(u, f, "a value of another kind was expected");
	return false;
}

/* Texts, names and the word of a number: checked as those of a file are. */
static void
unpack_text(struct unpacker *u, const struct yaml_field *f, void *at)
{
	auto_buf struct buf text = { 0 };
	struct error e;

	if (!expect(u, f, JSON_KIND_STRING) || !json_get_str(&u->r, &text))
		return;
	if (!value_set(u->doc, f, buf_cstr(&text), text.n,
		f->word != NULL && strcmp(buf_cstr(&text), f->word) == 0, at,
		&e))
		bad(u, f, e.msg);
}

static void
unpack_number(struct unpacker *u, const struct yaml_field *f, void *at)
{
	int64_t n;

	if (f->word != NULL && json_peek(&u->r) == JSON_KIND_STRING) {
		unpack_text(u, f, at);
		return;
	}
	if (!expect(u, f, JSON_KIND_INT))
		return;
	n = json_get_int(&u->r);
	if (n < 0 || (f->type != YAML_TIME && !value_in_range(f, (uint64_t)n)))
		bad(u, f, "out of range");
	else
		memcpy(at, &n, sizeof(n));
}

static void
unpack_bool(struct unpacker *u, const struct yaml_field *f, void *at)
{
	bool b;

	if (!expect(u, f, JSON_KIND_BOOL))
		return;
	b = json_get_bool(&u->r);
	memcpy(at, &b, sizeof(b));
}

static void
unpack_texts(struct unpacker *u, const struct yaml_field *f, void *at)
{
	struct yaml_texts list = { 0 };
	size_t cap = 0;

	if (!expect(u, f, JSON_KIND_ARRAY))
		return;
	json_enter_array(&u->r);
	while (u->ok && json_next_element(&u->r)) {
		list.v = mem_grow(list.v, list.n, &cap, sizeof(*list.v));
		list.v[list.n] = NULL;
		unpack_text(u, f, &list.v[list.n++]);
	}
	doc_keep(u->doc, list.v);
	if (u->ok && !value_in_range(f, list.n))
		bad(u, f, "too few or too many entries");
	memcpy(at, &list, sizeof(list));
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
unpack_rows(struct unpacker *u, const struct yaml_field *f, void *at)
{
	struct yaml_list list = { 0 };
	size_t cap = 0;
	uint8_t *rows;

	if (!expect(u, f, JSON_KIND_ARRAY))
		return;
	json_enter_array(&u->r);
	while (u->ok && json_next_element(&u->r)) {
		list.v = rows = mem_grow(list.v, list.n, &cap, f->size);
		memset(rows + list.n * f->size, 0, f->size);
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		unpack_section(u, f->fields, rows + list.n * f->size);
		list.n++;
	}
	doc_keep(u->doc, list.v);
	if (u->ok && !value_in_range(f, list.n))
		bad(u, f, "too few or too many entries");
	memcpy(at, &list, sizeof(list));
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
unpack_value(struct unpacker *u, const struct yaml_field *f, uint8_t *at)
{
	switch (f->type) {
	case YAML_TEXT:
	case YAML_ENUM:
		unpack_text(u, f, at);
		break;
	case YAML_UINT:
	case YAML_DURATION:
	case YAML_SIZE:
	case YAML_TIME:
		unpack_number(u, f, at);
		break;
	case YAML_BOOL:
		unpack_bool(u, f, at);
		break;
	case YAML_TEXT_LIST:
		unpack_texts(u, f, at);
		break;
	case YAML_SECTION:
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		unpack_section(u, f->fields, at);
		break;
	case YAML_SECTION_LIST:
	case YAML_SECTION_MAP:
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		unpack_rows(u, f, at);
		break;
	}
}

static bool
may_be_absent(const struct yaml_field *f)
{
	return f->type == YAML_TEXT && !f->required && f->dflt == NULL &&
	    *f->key != '\0';
}

/* Both sides are in order, so one pass finds what is missing and what is unknown. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
unpack_section(struct unpacker *u, const struct yaml_field *fields,
    uint8_t *out)
{
	struct sorted s = sorted_fields(fields);
	struct bytes key;
	size_t i = 0;

	if (!expect(u, NULL, JSON_KIND_OBJECT))
		return;
	json_enter_object(&u->r);
	while (u->ok && json_next_key(&u->r, &key)) {
		while (i < s.n && !bytes_eq(bytes_str(s.v[i]->key), key) &&
		    may_be_absent(s.v[i]))
			i++;
		if (i == s.n || !bytes_eq(bytes_str(s.v[i]->key), key)) {
			bad(u, i < s.n ? s.v[i] : NULL,
			    "a key is missing or unknown");
			return;
		}
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		unpack_value(u, s.v[i], out + s.v[i]->offset);
		i++;
	}
	while (i < s.n && may_be_absent(s.v[i]))
		i++;
	if (u->ok && !u->r.failed && i < s.n)
		bad(u, s.v[i], "missing");
}

struct yaml_doc *
schema_unpack(const struct yaml_field *schema, struct bytes json, void *out,
    size_t out_size, struct error *e)
{
	auto_yaml_doc struct yaml_doc *doc = mem_calloc(1, sizeof(*doc));
	auto_mem void *filled = mem_calloc(1, out_size);
	struct unpacker u = { .doc = doc, .e = e, .ok = true };

	json_read(&u.r, json);
	unpack_section(&u, schema, filled);
	if (u.ok && !json_done(&u.r))
		bad(&u, NULL, "not canonical JSON");
	if (!u.ok)
		return NULL;
	memcpy(out, filled, out_size);
	return take(doc);
}
