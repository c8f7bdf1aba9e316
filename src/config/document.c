/* SPDX-License-Identifier: Apache-2.0 */
/* A schema as a YAML file that explains itself. */
#include "internal.h"

#define WIDTH 76

static void
indent(struct buf *out, unsigned depth, bool live)
{
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(out, "  ");
	if (!live)
		buf_add_str(out, "# ");
}

/* "about" in lines of a comment. */
static void
add_comment(struct buf *out, unsigned depth, const char *text)
{
	size_t room = WIDTH - 2 * (size_t)depth;

	while (*text != '\0') {
		size_t n = strlen(text);

		if (n > room) {
			n = room;
			while (n > 0 && text[n] != ' ')
				n--;
			if (n == 0)
				n = strcspn(text, " ");
		}
		indent(out, depth, true);
		buf_addf(out, "# %.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

void
yaml_field_describe(const struct yaml_field *f, struct buf *out)
{
	if (f->about != NULL)
		buf_addf(out, "%s ", f->about);
	buf_addf(out, "(%s", value_type_name(f->type));
	if (f->word != NULL)
		buf_addf(out, " or %s", f->word);
	if (f->type == YAML_ENUM)
		for (size_t i = 0; f->names[i] != NULL; i++)
			buf_addf(out, "%s%s", i > 0 ? ", " : " ", f->names[i]);
	if (f->min != 0 || f->max != 0) {
		buf_add_str(out, f->type == YAML_TEXT ? ", length: " : ", ");
		value_range_text(f, out);
	}
	buf_add_str(out, f->required ? "; required)" : ")");
}

static void
add_about(struct buf *out, unsigned depth, const struct yaml_field *f)
{
	auto_buf struct buf text = { 0 };

	yaml_field_describe(f, &text);
	add_comment(out, depth, buf_cstr(&text));
}

static void
add_quoted(struct buf *out, struct bytes text)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, text.p[i]);
	}
	buf_add_byte(out, '"');
}

static void
add_list(struct buf *out, const char *items)
{
	struct bytes item;
	bool more = false;

	buf_add_byte(out, '[');
	while (items != NULL && value_list_item(&items, &item)) {
		buf_add_str(out, more ? ", " : "");
		add_quoted(out, item);
		more = true;
	}
	buf_add_byte(out, ']');
}

/* A value of the right type where the schema names none. */
static void
add_sample(struct buf *out, const struct yaml_field *f)
{
	static const char *const samples[] = {
		[YAML_TEXT] = "text",
		[YAML_BOOL] = "false",
		[YAML_TIME] = "2030-01-01T00:00:00Z",
		[YAML_SECTION_MAP] = "",
	};

	switch (f->type) {
	case YAML_UINT:
	case YAML_SIZE:
		buf_addf(out, "%llu", (unsigned long long)f->min);
		break;
	case YAML_DURATION:
		buf_addf(out, "%llus", (unsigned long long)f->min);
		break;
	case YAML_ENUM:
		buf_add_str(out, f->names[0]);
		break;
	case YAML_TEXT_LIST:
		add_list(out, f->min > 0 ? "text" : NULL);
		break;
	case YAML_TEXT:
	case YAML_BOOL:
	case YAML_TIME:
	case YAML_SECTION:
	case YAML_SECTION_LIST:
	case YAML_SECTION_MAP:
		buf_add_str(out, samples[f->type]);
		break;
	}
}

static void
add_value(struct buf *out, const struct yaml_field *f)
{
	if (f->dflt == NULL)
		add_sample(out, f);
	else if (f->type == YAML_TEXT)
		add_quoted(out, bytes_str(f->dflt));
	else if (f->type == YAML_TEXT_LIST)
		add_list(out, f->dflt);
	else
		buf_add_str(out, f->dflt);
}

static bool
has_fields(const struct yaml_field *f)
{
	return f->type == YAML_SECTION || f->type == YAML_SECTION_LIST ||
	    f->type == YAML_SECTION_MAP;
}

/* Whether the line stands in the file or is commented out. An optional section
 * can stand when it has something to show and demands nothing. */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
is_live(const struct yaml_field *f)
{
	bool any = false;

	if (f->required)
		return true;
	if (f->type != YAML_SECTION)
		return !has_fields(f) && f->dflt != NULL;
	for (const struct yaml_field *s = f->fields; s->key != NULL; s++) {
		if (s->required)
			return false;
		/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
		any = any || is_live(s);
	}
	return any;
}

static void add_fields(struct buf *out, const struct yaml_field *fields,
    unsigned depth, bool live);

/* The end of a section's own line: one whose lines are all commented out needs
 * to be said to be empty. */
static void
end_header(struct buf *out, const struct yaml_field *fields, bool live)
{
	bool any = !live;

	for (const struct yaml_field *f = fields; f->key != NULL; f++)
		any = any || (*f->key != '\0' && is_live(f));
	buf_add_str(out, any ? "\n" : " {}\n");
}

/* The contents of a section, or one row of a list or map of sections. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
add_rows(struct buf *out, const struct yaml_field *f, unsigned depth, bool live)
{
	if (f->type != YAML_SECTION) {
		buf_add_byte(out, '\n');
		indent(out, ++depth, live);
		/* A dash alone on its line takes the deeper mapping below. */
		buf_add_str(out, f->type == YAML_SECTION_LIST ? "-" : "name:");
	}
	end_header(out, f->fields, live);
	add_fields(out, f->fields, depth + 1, live);
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
add_fields(struct buf *out, const struct yaml_field *fields, unsigned depth,
    bool live)
{
	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		bool here = live && is_live(f);

		if (*f->key == '\0')
			continue;
		add_about(out, depth, f);
		indent(out, depth, here);
		buf_addf(out, "%s:", f->key);
		if (has_fields(f)) {
			add_rows(out, f, depth, here);
			continue;
		}
		buf_add_byte(out, ' ');
		add_value(out, f);
		buf_add_byte(out, '\n');
	}
}

void
yaml_document(const struct yaml_field *schema, struct buf *out)
{
	add_fields(out, schema, 0, true);
}
