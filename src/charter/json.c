/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charters as records carry them: every field of the schema, in its order, plus "v".
 * Durations are seconds, enums their names, an absent quorum has m 0. What was read
 * is written again and must be the same bytes, so that a charter has one JSON form
 * and one hash.
 */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/json.h>
#include <chancery/base/limits.h>

#include "build.h"

#define CHARTER_VERSION 1

static void
write_texts(struct json_writer *w, const struct yaml_texts *t)
{
	json_array_begin(w);
	for (size_t i = 0; i < t->n; i++)
		json_str(w, t->v[i]);
	json_array_end(w);
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
write_fields(struct json_writer *w, const struct yaml_field *fields,
    const char *base)
{
	json_object_begin(w);
	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		const void *at = base + f->offset;

		json_key(w, f->key);
		switch (f->type) {
		case YAML_TEXT:
			json_str(w,
			    *(char *const *)at != NULL ? *(char *const *)at
						       : "");
			break;
		case YAML_UINT:
		case YAML_SIZE:
			json_int(w, (int64_t) * (const uint64_t *)at);
			break;
		case YAML_DURATION:
		case YAML_TIME:
			json_int(w, *(const int64_t *)at);
			break;
		case YAML_BOOL:
			json_bool(w, *(const bool *)at);
			break;
		case YAML_ENUM:
			json_str(w, f->names[*(const int *)at]);
			break;
		case YAML_TEXT_LIST:
			write_texts(w, at);
			break;
		case YAML_SECTION:
		case YAML_SECTION_LIST:
		case YAML_SECTION_MAP:
			write_fields(w, f->fields, at);
			break;
		}
	}
	if (fields == limits_schema)
		json_kv_int(w, "v", CHARTER_VERSION);
	json_object_end(w);
}

void
charter_to_json(const struct charter *c, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	write_fields(&w, limits_schema, (const char *)&c->l);
}

/* What was read, until the charter has copied it. */
struct reading {
	struct json_reader r;
	char **kept;
	size_t kept_n, kept_cap;
	struct error *e;
	bool ok;
};

static void
wrong(struct reading *d, const char *key, const char *sentence)
{
	if (d->ok)
		(void)error_set(d->e, FAIL_BAD_INPUT, "charter: %s: %s", key,
		    sentence);
	d->ok = false;
}

static char *
read_text(struct reading *d, const struct yaml_field *f)
{
	struct buf b = { 0 };
	struct error e;
	char *text;

	if (json_peek(&d->r) != JSON_KIND_STRING || !json_get_str(&d->r, &b)) {
		buf_free(&b);
		wrong(d, f->key, "expected text");
		return NULL;
	}
	text = buf_take_str(&b);
	d->kept = mem_grow(d->kept, d->kept_n, &d->kept_cap, sizeof(*d->kept));
	d->kept[d->kept_n++] = text;
	/* An absent quorum has no custodians. */
	if (f->type == YAML_TEXT && *text == '\0')
		return NULL;
	if (f->check != NULL && !f->check(text, &e))
		wrong(d, f->key, e.msg);
	return text;
}

static void
read_texts(struct reading *d, const struct yaml_field *f,
    struct yaml_texts *out)
{
	size_t cap = 0;

	if (json_peek(&d->r) != JSON_KIND_ARRAY) {
		wrong(d, f->key, "expected a list");
		return;
	}
	json_enter_array(&d->r);
	while (json_next_element(&d->r) && d->ok) {
		char *text = read_text(d, f);

		if (text == NULL)
			return;
		out->v = mem_grow(out->v, out->n, &cap, sizeof(*out->v));
		out->v[out->n++] = text;
		if (f->max != 0 && out->n > f->max)
			wrong(d, f->key, "too many entries");
	}
}

static int64_t
read_int(struct reading *d, const struct yaml_field *f)
{
	int64_t v;

	if (json_peek(&d->r) != JSON_KIND_INT) {
		wrong(d, f->key, "expected a whole number");
		return 0;
	}
	v = json_get_int(&d->r);
	/* 0 says "not given" where YAML has a least value. */
	if (v < 0 || (f->max != 0 && (uint64_t)v > f->max))
		wrong(d, f->key, "out of range");
	return v;
}

static int
read_enum(struct reading *d, const struct yaml_field *f)
{
	const struct yaml_field plain = { .key = f->key,
		.type = YAML_TEXT_LIST };
	const char *text = read_text(d, &plain);

	for (int i = 0; text != NULL && f->names[i] != NULL; i++)
		if (strcmp(f->names[i], text) == 0)
			return i;
	wrong(d, f->key, "unknown value");
	return 0;
}

static bool
read_bool(struct reading *d, const struct yaml_field *f)
{
	if (json_peek(&d->r) == JSON_KIND_BOOL)
		return json_get_bool(&d->r);
	wrong(d, f->key, "expected true or false");
	return false;
}

static void read_fields(struct reading *d, const struct yaml_field *fields,
    char *base, const char *section);

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
read_value(struct reading *d, const struct yaml_field *f, void *at)
{
	switch (f->type) {
	case YAML_TEXT:
		*(char **)at = read_text(d, f);
		break;
	case YAML_UINT:
	case YAML_SIZE:
		*(uint64_t *)at = (uint64_t)read_int(d, f);
		break;
	case YAML_DURATION:
	case YAML_TIME:
		*(int64_t *)at = read_int(d, f);
		break;
	case YAML_BOOL:
		*(bool *)at = read_bool(d, f);
		break;
	case YAML_ENUM:
		*(int *)at = read_enum(d, f);
		break;
	case YAML_TEXT_LIST:
		read_texts(d, f, at);
		break;
	case YAML_SECTION:
	case YAML_SECTION_LIST:
	case YAML_SECTION_MAP:
		read_fields(d, f->fields, at, f->key);
		break;
	}
}

static bool
next_key_is(struct reading *d, const char *key)
{
	struct bytes got;

	if (json_next_key(&d->r, &got) && bytes_eq(got, bytes_str(key)))
		return true;
	wrong(d, key, "this key is missing here");
	return false;
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
read_fields(struct reading *d, const struct yaml_field *fields, char *base,
    const char *section)
{
	struct bytes key;

	if (json_peek(&d->r) != JSON_KIND_OBJECT) {
		wrong(d, section, "expected an object");
		return;
	}
	json_enter_object(&d->r);
	for (const struct yaml_field *f = fields; f->key != NULL && d->ok; f++)
		if (next_key_is(d, f->key))
			read_value(d, f, base + f->offset);
	if (!d->ok)
		return;
	if (fields == limits_schema && next_key_is(d, "v") &&
	    json_get_int(&d->r) != CHARTER_VERSION)
		wrong(d, "v", "a version that this program does not know");
	if (d->ok && json_next_key(&d->r, &key))
		wrong(d, section, "a key too many");
}

static void tell(const struct blame *b, const void *field, const char *fmt, ...)
    printf_like(3, 4);

static void
tell(const struct blame *b, const void *field unused_arg, const char *fmt, ...)
{
	struct reading *d = b->arg;
	char text[ERROR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wrong(d, "limits", text);
}

static void
read_quorums(struct reading *d, const struct limits *l)
{
	for (size_t i = 0; i < KIND__COUNT; i++)
		if ((l->quorum[i].m == 0) != (l->quorum[i].custodians == NULL))
			wrong(d, "quorum", "m and custodians go together");
}

static struct charter *
read_charter(struct reading *d, struct bytes json, struct limits *l)
{
	struct blame b = { tell, d };
	auto_charter struct charter *c = NULL;
	auto_buf struct buf again = { 0 };

	read_fields(d, limits_schema, (char *)l, "charter");
	if (d->ok && !json_done(&d->r))
		wrong(d, "charter", "not canonical JSON");
	if (!d->ok)
		return NULL;
	read_quorums(d, l);
	limits_check(l, &b);
	if (!d->ok)
		return NULL;
	c = charter_build(l);
	charter_to_json(c, &again);
	if (!bytes_eq(buf_bytes(&again), json)) {
		wrong(d, "charter",
		    "entries are not sorted or not in the form "
		    "that is written");
		return NULL;
	}
	return take(c);
}

/* The arrays of the lists; their texts are kept apart. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
free_lists(const struct yaml_field *fields, char *base)
{
	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		if (f->type == YAML_TEXT_LIST) {
			struct yaml_texts t;

			memcpy(&t, base + f->offset, sizeof(t));
			mem_free(t.v);
		} else if (f->type == YAML_SECTION) {
			free_lists(f->fields, base + f->offset);
		}
	}
}

struct charter *
charter_parse_json(struct bytes json, struct error *e)
{
	struct reading d = { .e = e, .ok = true };
	struct limits l = { 0 };
	struct charter *c;

	if (json.n > LIMIT_RECORD_BYTES) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "charter: %zu octets, a record holds %d", json.n,
		    LIMIT_RECORD_BYTES);
		return NULL;
	}
	json_read(&d.r, json);
	c = read_charter(&d, json, &l);
	free_lists(limits_schema, (char *)&l);
	for (size_t i = 0; i < d.kept_n; i++)
		mem_free(d.kept[i]);
	mem_free(d.kept);
	return c;
}
