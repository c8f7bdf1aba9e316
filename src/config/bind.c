/* SPDX-License-Identifier: Apache-2.0 */
/* Tree of nodes → the caller's struct, as the schema table says. Recursion is as
 * deep as the schema. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <chancery/base/text.h>

#include "internal.h"

struct binder {
	struct yaml_doc *doc;
	struct tree *tree;
	struct mistakes *m;
	const char *file;
	struct buf path;
};

/* The keys of one mapping, sorted. */
struct entry {
	const struct node *key, *value;
	bool known;
};
struct entries {
	struct entry *v;
	size_t n;
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

static struct bytes
node_text(const struct node *n)
{
	return bytes_of(n->text, n->len);
}

static const struct node *
child(const struct binder *b, uint32_t at)
{
	return at == 0 ? NULL : &b->tree->v[at];
}

static int
entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = bytes_cmp(node_text(x->key), node_text(y->key));

	if (c != 0)
		return c;
	/* Nodes lie in the order of the file. */
	return x->key < y->key ? -1 : x->key > y->key;
}

static const char *const node_names[] = {
	[NODE_SCALAR] = "text",
	[NODE_LIST] = "a list",
	[NODE_MAP] = "a section",
	[NODE_BAD] = "nothing",
};

/* Keys that are not usable as keys are told and left out. */
static bool
key_ok(struct binder *b, const struct node *key)
{
	if (key->kind == NODE_BAD)
		return false;
	if (key->kind != NODE_SCALAR) {
		mistake_add(b->m, key->pos, path(b), "%s is not a key",
		    node_names[key->kind]);
		return false;
	}
	if (key->plain && strcmp(key->text, "<<") == 0) {
		mistake_add(b->m, key->pos, path(b),
		    "merge keys (<<) are not allowed");
		return false;
	}
	return true;
}

/* Sorted, without duplicates: the first of two stays, the second is told. */
static struct entries
entries_of(struct binder *b, const struct node *map)
{
	struct entries es = { mem_calloc(map->count / 2 + 1, sizeof(*es.v)),
		0 };
	size_t kept = 0;

	for (uint32_t at = map->first; at != 0;) {
		const struct node *key = child(b, at);
		const struct node *value = child(b, key->next);

		if (value == NULL)
			fatal("a key without a value");
		at = value->next;
		if (key_ok(b, key))
			es.v[es.n++] = (struct entry){ key, value, false };
	}
	qsort(es.v, es.n, sizeof(*es.v), entry_cmp);
	for (size_t i = 0; i < es.n; i++) {
		const struct node *key = es.v[i].key;

		if (kept > 0 &&
		    bytes_eq(node_text(key), node_text(es.v[kept - 1].key))) {
			auto_buf struct buf name = { 0 };

			buf_add_escaped(&name, node_text(key));
			mistake_add(b->m, key->pos, path(b),
			    "key \"%s\" twice, first in line %u",
			    buf_cstr(&name), es.v[kept - 1].key->pos.line);
			continue;
		}
		es.v[kept++] = es.v[i];
	}
	es.n = kept;
	return es;
}

static struct entry *
entry_find(struct entries *es, const char *key)
{
	size_t lo = 0, hi = es->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = bytes_cmp(node_text(es->v[mid].key), bytes_str(key));

		if (c == 0)
			return &es->v[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions and replacements that turn a into b; both short. */
static size_t
edit_distance(struct bytes a, struct bytes b)
{
	size_t row[64];

	if (a.n >= countof(row) || b.n >= countof(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t up = row[j];

			row[j] = min3(up + 1, row[j - 1] + 1,
			    diagonal + (a.p[i - 1] != b.p[j - 1]));
			diagonal = up;
		}
	}
	return row[b.n];
}

static const char *
closest_key(const struct yaml_field *fields, struct bytes key)
{
	const char *best = NULL;
	size_t best_d = key.n <= 4 ? 2 : 3; /* must be below */

	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		size_t d = edit_distance(bytes_str(f->key), key);

		if (d < best_d && *f->key != '\0') {
			best_d = d;
			best = f->key;
		}
	}
	return best;
}

static void
unknown_key(struct binder *b, const struct yaml_field *fields,
    const struct node *key)
{
	const char *close = closest_key(fields, node_text(key));
	auto_buf struct buf name = { 0 };
	auto_buf struct buf known = { 0 };
	size_t shown = key->len < YAML_QUOTE_MAX ? key->len : YAML_QUOTE_MAX;

	if (b->m->total >= YAML_MISTAKES_MAX) {
		b->m->total++;
		return;
	}
	buf_add_escaped(&name, bytes_of(key->text, shown));
	if (close != NULL) {
		mistake_add(b->m, key->pos, path(b),
		    "unknown key \"%s\"; did you mean \"%s\"?", buf_cstr(&name),
		    close);
		return;
	}
	for (const struct yaml_field *f = fields; f->key != NULL; f++)
		if (*f->key != '\0')
			buf_addf(&known, "%s%s", known.n > 0 ? ", " : "",
			    f->key);
	mistake_add(b->m, key->pos, path(b),
	    "unknown key \"%s\"; known here: %s", buf_cstr(&name),
	    buf_cstr(&known));
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
		: node_names[node->kind]);
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
	for (uint32_t c = node->first; c != 0; c = child(b, c)->next) {
		size_t mark = path_push_index(b, list.n);

		bind_scalar(b, child(b, c), f, &list.v[list.n]);
		place_add(b, &list.v[list.n], child(b, c)->pos, true);
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
	for (uint32_t c = node->first; c != 0; c = child(b, c)->next) {
		size_t mark = path_push_index(b, list.n);

		if (expect_kind(b, child(b, c), NODE_MAP, YAML_SECTION))
			bind_section(b, child(b, c), f->fields,
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

static int
entry_file_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
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
	es = entries_of(b, node);
	qsort(es.v, es.n, sizeof(*es.v), entry_file_order);
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
	struct entries es = entries_of(b, node);

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
			unknown_key(b, fields, es.v[i].key);
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
