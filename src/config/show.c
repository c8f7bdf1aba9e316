/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/clock.h>
#include <chancery/base/json.h>

#include <chancery/config/show.h>

#include "internal.h"

static void show_fields(struct buf *out, const struct yaml_field *fields,
    const uint8_t *in, unsigned depth);

static void
indent(struct buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(out, "  ");
}

/* A JSON string is a YAML one. */
static void
show_text(struct buf *out, const char *text)
{
	struct json_writer w;

	json_begin(&w, out);
	json_str(&w, text);
}

static void
show_texts(struct buf *out, const void *at)
{
	struct yaml_texts list;

	memcpy(&list, at, sizeof(list));
	buf_add_byte(out, '[');
	for (size_t i = 0; i < list.n; i++) {
		buf_add_str(out, i > 0 ? ", " : "");
		show_text(out, list.v[i]);
	}
	buf_add_byte(out, ']');
}

static void
show_number(struct buf *out, const struct yaml_field *f, const void *at)
{
	char when[TIME_TEXT_SIZE];
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	if (f->type == YAML_DURATION) {
		value_add_duration(out, n);
	} else if (f->type == YAML_TIME) {
		time_format_s((int64_t)n, when);
		buf_add_str(out, when);
	} else if (value_is_word(f, n)) {
		buf_add_str(out, f->word);
	} else {
		buf_addf(out, "%llu", (unsigned long long)n);
	}
}

static void
show_scalar(struct buf *out, const struct yaml_field *f, const void *at)
{
	const char *text;
	bool b;
	int i;

	switch (f->type) {
	case YAML_TEXT:
		memcpy(&text, at, sizeof(const char *));
		show_text(out, text);
		break;
	case YAML_BOOL:
		memcpy(&b, at, sizeof(b));
		buf_add_str(out, b ? "true" : "false");
		break;
	case YAML_ENUM:
		memcpy(&i, at, sizeof(i));
		buf_add_str(out, f->names[i]);
		break;
	case YAML_TEXT_LIST:
		show_texts(out, at);
		break;
	case YAML_UINT:
	case YAML_DURATION:
	case YAML_SIZE:
	case YAML_TIME:
		show_number(out, f, at);
		break;
	case YAML_SECTION:
	case YAML_SECTION_LIST:
	case YAML_SECTION_MAP:
		break;
	}
}

static const char *
own_key(const struct yaml_field *fields, const uint8_t *row)
{
	const char *key = "";

	for (const struct yaml_field *f = fields; f->key != NULL; f++)
		if (*f->key == '\0')
			memcpy(&key, row + f->offset, sizeof(const char *));
	return key;
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
show_rows(struct buf *out, const struct yaml_field *f, const void *at,
    unsigned depth)
{
	struct yaml_list list;
	const uint8_t *rows;

	memcpy(&list, at, sizeof(list));
	rows = list.v;
	if (list.n == 0) {
		buf_add_str(out,
		    f->type == YAML_SECTION_MAP ? " {}\n" : " []\n");
		return;
	}
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < list.n; i++) {
		const uint8_t *row = rows + i * f->size;

		indent(out, depth + 1);
		if (f->type == YAML_SECTION_MAP) {
			show_text(out, own_key(f->fields, row));
			buf_add_str(out, ":\n");
		} else {
			buf_add_str(out, "-\n");
		}
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		show_fields(out, f->fields, row, depth + 2);
	}
}

static bool
is_absent(const struct yaml_field *f, const uint8_t *at)
{
	const char *text;

	if (*f->key == '\0')
		return true;
	if (f->type != YAML_TEXT)
		return false;
	memcpy(&text, at, sizeof(const char *));
	return text == NULL;
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
show_fields(struct buf *out, const struct yaml_field *fields, const uint8_t *in,
    unsigned depth)
{
	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		const uint8_t *at = in + f->offset;

		if (is_absent(f, at))
			continue;
		indent(out, depth);
		buf_addf(out, "%s:", f->key);
		if (f->type == YAML_SECTION) {
			buf_add_byte(out, '\n');
			/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
			show_fields(out, f->fields, at, depth + 1);
		} else if (f->fields != NULL) {
			/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
			show_rows(out, f, at, depth);
		} else {
			buf_add_byte(out, ' ');
			show_scalar(out, f, at);
			buf_add_byte(out, '\n');
		}
	}
}

void
schema_show(const struct yaml_field *schema, const void *in, struct buf *out)
{
	show_fields(out, schema, in, 0);
}
