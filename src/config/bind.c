/* SPDX-License-Identifier: Apache-2.0 */
/* Tree of nodes → the caller's struct, as the schema table says. Recursion is as
 * deep as the schema. */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/text.h>

#include "internal.h"

struct binder {
	struct yaml_doc *doc;
	struct tree *tree;
	struct mistakes *m;
	const char *file;
	struct buf path;
};

static void bind_section(struct binder *b, const struct node *node,
    const struct yaml_field *fields, uint8_t *out);

static void
place_add(struct binder *b, const void *field, struct pos pos, bool given)
{
	doc_place(b->doc, field, given, b->file, pos);
}

/* Path of what is being bound: "listen[0].threads". */
static size_t
path_push(struct binder *b, struct bytes key)
{
	size_t mark = b->path.n;

	if (mark > 0)
		buf_add_byte(&b->path, '.');
	buf_add_escaped(&b->path, key);
	return mark;
}

static size_t
path_push_index(struct binder *b, size_t i)
{
	size_t mark = b->path.n;

	buf_addf(&b->path, "[%zu]", i);
	return mark;
}

static void
path_pop(struct binder *b, size_t mark)
{
	b->path.n = mark;
}

static const char *
path(struct binder *b)
{
	return buf_cstr(&b->path);
}

static bool
expect_kind(struct binder *b, const struct node *node, enum node_kind want,
    enum yaml_type type)
{
	if (node->kind == want)
		return true;
	if (node->kind == NODE_BAD)
		return false;
	mistake_add(b->m, node->pos, path(b), "expected %s%s, found %s",
	    type == YAML_TEXT || type == YAML_BOOL ? "" : "a ",
	    type == YAML_ENUM ? "name" : value_type_name(type),
	    node->kind == NODE_SCALAR && node->plain && node->len == 0
		? "nothing"
		: node_kind_name(node->kind));
	return false;
}

static void
bind_scalar(struct binder *b, const struct node *node,
    const struct yaml_field *f, void *at)
{
	struct error e;

	if (!expect_kind(b, node, NODE_SCALAR,
		f->type == YAML_TEXT_LIST ? YAML_TEXT : f->type))
		return;
	if (!value_set(b->doc, f, node->text, node->len, node->plain, at, &e))
		mistake_add(b->m, node->pos, path(b), "%s", e.msg);
}

static void
check_count(struct binder *b, const struct node *node,
    const struct yaml_field *f, size_t n)
{
	auto_buf struct buf range = { 0 };

	if (value_in_range(f, n))
		return;
	value_range_text(f, &range);
	mistake_add(b->m, node->pos, path(b), "%zu entries, %s", n,
	    buf_cstr(&range));
}

static void
bind_text_list(struct binder *b, const struct node *node,
    const struct yaml_field *f, void *at)
{
	struct yaml_texts list = { 0 };

	if (!expect_kind(b, node, NODE_LIST, f->type))
		return;
	check_count(b, node, f, node->count);
	list.v = doc_keep(b->doc, mem_calloc(node->count + 1u, sizeof(char *)));
	for (uint32_t c = node->first; c != 0; c = node_at(b->tree, c)->next) {
		size_t mark = path_push_index(b, list.n);

		bind_scalar(b, node_at(b->tree, c), f, &list.v[list.n]);
		place_add(b, &list.v[list.n], node_at(b->tree, c)->pos, true);
		path_pop(b, mark);
		list.n++;
	}
	memcpy(at, &list, sizeof(list));
}

static void
bind_section_list(struct binder *b, const struct node *node,
    const struct yaml_field *f, void *at)
{
	struct yaml_list list = { 0 };
	uint8_t *rows;

	if (!expect_kind(b, node, NODE_LIST, f->type))
		return;
	check_count(b, node, f, node->count);
	rows = doc_keep(b->doc, mem_calloc(node->count + 1u, f->size));
	for (uint32_t c = node->first; c != 0; c = node_at(b->tree, c)->next) {
		size_t mark = path_push_index(b, list.n);

		if (expect_kind(b, node_at(b->tree, c), NODE_MAP, YAML_SECTION))
			bind_section(b, node_at(b->tree, c), f->fields,
			    rows + list.n * f->size);
		path_pop(b, mark);
		list.n++;
	}
	list.v = rows;
	memcpy(at, &list, sizeof(list));
}

static const struct yaml_field *
key_field(const struct yaml_field *fields)
{
	for (const struct yaml_field *f = fields; f->key != NULL; f++)
		if (*f->key == '\0')
			return f;
	return NULL;
}

static void
bind_row(struct binder *b, const struct entry *entry,
    const struct yaml_field *f, uint8_t *row)
{
	const struct yaml_field *kf = key_field(f->fields);
	size_t mark = path_push(b, node_text(entry->key));

	if (expect_kind(b, entry->value, NODE_MAP, YAML_SECTION))
		bind_section(b, entry->value, f->fields, row);
	if (kf != NULL) {
		bind_scalar(b, entry->key, kf, row + kf->offset);
		place_add(b, row + kf->offset, entry->key->pos, true);
	}
	path_pop(b, mark);
}

static void
bind_section_map(struct binder *b, const struct node *node,
    const struct yaml_field *f, void *at)
{
	struct yaml_list list;
	struct entries es;
	uint8_t *rows;

	if (!expect_kind(b, node, NODE_MAP, f->type))
		return;
	es = entries_of(b->tree, node, b->m, path(b));
	entries_file_order(&es);
	check_count(b, node, f, es.n);
	rows = doc_keep(b->doc, mem_calloc(es.n + 1, f->size));
	for (size_t i = 0; i < es.n; i++)
		bind_row(b, &es.v[i], f, rows + i * f->size);
	mem_free(es.v);
	list = (struct yaml_list){ rows, es.n };
	memcpy(at, &list, sizeof(list));
}

static void
bind_subsection(struct binder *b, const struct node *node,
    const struct yaml_field *f, void *at)
{
	if (expect_kind(b, node, NODE_MAP, f->type))
		bind_section(b, node, f->fields, at);
}

/* By type; the rest are scalars. */
static void (*const binders[])(struct binder *b, const struct node *node,
    const struct yaml_field *f, void *at) = {
	[YAML_TEXT] = bind_scalar,
	[YAML_UINT] = bind_scalar,
	[YAML_BOOL] = bind_scalar,
	[YAML_DURATION] = bind_scalar,
	[YAML_SIZE] = bind_scalar,
	[YAML_TIME] = bind_scalar,
	[YAML_ENUM] = bind_scalar,
	[YAML_TEXT_LIST] = bind_text_list,
	[YAML_SECTION] = bind_subsection,
	[YAML_SECTION_LIST] = bind_section_list,
	[YAML_SECTION_MAP] = bind_section_map,
};

/* A field that the file does not give: default, or the defaults of an optional
 * section's fields. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
bind_absent(struct binder *b, struct pos section, const struct yaml_field *f,
    uint8_t *at)
{
	if (f->required)
		mistake_add(b->m, section, path(b), "missing key \"%s\"",
		    f->key);
	else if (f->dflt != NULL)
		value_default(b->doc, f, at);
	else if (f->type == YAML_SECTION)
		for (const struct yaml_field *s = f->fields; s->key != NULL;
		     s++) {
			if (s->required)
				continue;
			/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
			bind_absent(b, section, s, at + s->offset);
		}
	place_add(b, at, section, false);
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the schema */
bind_section(struct binder *b, const struct node *node,
    const struct yaml_field *fields, uint8_t *out)
{
	struct entries es = entries_of(b->tree, node, b->m, path(b));

	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		struct entry *entry;
		size_t mark;

		if (*f->key == '\0')
			continue;
		entry = entry_find(&es, f->key);
		if (entry == NULL) {
			bind_absent(b, node->pos, f, out + f->offset);
			continue;
		}
		entry->known = true;
		mark = path_push(b, bytes_str(f->key));
		binders[f->type](b, entry->value, f, out + f->offset);
		path_pop(b, mark);
		/* After its contents: a section shares its address with its
		 * first field, and the field is the better answer. */
		place_add(b, out + f->offset, entry->value->pos, true);
	}
	for (size_t i = 0; i < es.n; i++)
		if (!es.v[i].known)
			unknown_key(b->m, path(b), fields, es.v[i].key);
	mem_free(es.v);
}

struct yaml_checker {
	struct yaml_doc *doc;
	struct mistakes *m;
};

void
yaml_mistake(struct yaml_checker *c, const void *field, const char *fmt, ...)
{
	char text[ERROR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mistake_add(c->m, doc_pos(c->doc, field), "", "%s", text);
}

bool
yaml_checker_given(const struct yaml_checker *c, const void *field)
{
	return yaml_given(c->doc, field);
}

char *
yaml_keep(struct yaml_checker *c, char *text)
{
	return doc_keep(c->doc, text);
}

struct yaml_doc *
yaml_bind_cross(struct bytes text, const char *file,
    const struct yaml_field *schema, void *out, size_t out_size,
    yaml_cross_fn *cross, void *arg, struct buf *report, struct error *e)
{
	auto_tree struct tree tree = { 0 };
	auto_mistakes struct mistakes mistakes = { 0 };
	auto_yaml_doc struct yaml_doc *doc = mem_calloc(1, sizeof(*doc));
	auto_mem void *filled = mem_calloc(1, out_size);
	struct binder b = { doc, &tree, &mistakes, file, { 0 } };

	if (tree_load(text, &tree, &mistakes) &&
	    expect_kind(&b, &tree.v[0], NODE_MAP, YAML_SECTION)) {
		bind_section(&b, &tree.v[0], schema, filled);
		if (cross != NULL)
			cross(&(struct yaml_checker){ doc, &mistakes }, filled,
			    arg);
	}
	buf_free(&b.path);
	if (mistakes.total > 0) {
		mistakes_tell(&mistakes, file, report, e);
		return NULL;
	}
	memcpy(out, filled, out_size);
	doc_relocate(doc, filled, out, out_size);
	return take(doc);
}

struct yaml_doc *
yaml_bind(struct bytes text, const char *file, const struct yaml_field *schema,
    void *out, size_t out_size, struct buf *report, struct error *e)
{
	return yaml_bind_cross(text, file, schema, out, out_size, NULL, NULL,
	    report, e);
}
