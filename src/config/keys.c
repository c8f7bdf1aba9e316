/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a mapping: which there are, twice, or not known, and what was meant. */
#include <stdlib.h>

#include <chancery/base/text.h>

#include "internal.h"

struct bytes
node_text(const struct node *n)
{
	return bytes_of(n->text, n->len);
}

const struct node *
node_at(const struct tree *t, uint32_t at)
{
	return at == 0 ? NULL : &t->v[at];
}

static const char *const node_names[] = {
	[NODE_SCALAR] = "text",
	[NODE_LIST] = "a list",
	[NODE_MAP] = "a section",
	[NODE_BAD] = "nothing",
};

const char *
node_kind_name(enum node_kind kind)
{
	return node_names[kind];
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

static int
file_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

void
entries_file_order(struct entries *es)
{
	qsort(es->v, es->n, sizeof(*es->v), file_order);
}

/* Keys that are not usable as keys are told and left out. */
static bool
key_ok(const struct node *key, struct mistakes *m, const char *path)
{
	if (key->kind == NODE_BAD)
		return false;
	if (key->kind != NODE_SCALAR) {
		mistake_add(m, key->pos, path, "%s is not a key",
		    node_kind_name(key->kind));
		return false;
	}
	if (key->plain && strcmp(key->text, "<<") == 0) {
		mistake_add(m, key->pos, path,
		    "merge keys (<<) are not allowed");
		return false;
	}
	return true;
}

/* Sorted, without duplicates: the first of two stays, the second is told. */
struct entries
entries_of(const struct tree *t, const struct node *map, struct mistakes *m,
    const char *path)
{
	struct entries es = { mem_calloc(map->count / 2 + 1, sizeof(*es.v)),
		0 };
	size_t kept = 0;

	for (uint32_t at = map->first; at != 0;) {
		const struct node *key = node_at(t, at);
		const struct node *value = node_at(t, key->next);

		if (value == NULL)
			fatal("a key without a value");
		at = value->next;
		if (key_ok(key, m, path))
			es.v[es.n++] = (struct entry){ key, value, false };
	}
	qsort(es.v, es.n, sizeof(*es.v), entry_cmp);
	for (size_t i = 0; i < es.n; i++) {
		const struct node *key = es.v[i].key;

		if (kept > 0 &&
		    bytes_eq(node_text(key), node_text(es.v[kept - 1].key))) {
			auto_buf struct buf name = { 0 };

			buf_add_escaped(&name, node_text(key));
			mistake_add(m, key->pos, path,
			    "key \"%s\" twice, first in line %u",
			    buf_cstr(&name), es.v[kept - 1].key->pos.line);
			continue;
		}
		es.v[kept++] = es.v[i];
	}
	es.n = kept;
	return es;
}

struct entry *
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

void
unknown_key(struct mistakes *m, const char *path,
    const struct yaml_field *fields, const struct node *key)
{
	const char *close = closest_key(fields, node_text(key));
	auto_buf struct buf name = { 0 };
	auto_buf struct buf known = { 0 };
	size_t shown = key->len < YAML_QUOTE_MAX ? key->len : YAML_QUOTE_MAX;

	if (m->total >= YAML_MISTAKES_MAX) {
		m->total++;
		return;
	}
	buf_add_escaped(&name, bytes_of(key->text, shown));
	if (close != NULL) {
		mistake_add(m, key->pos, path,
		    "unknown key \"%s\"; did you mean \"%s\"?", buf_cstr(&name),
		    close);
		return;
	}
	for (const struct yaml_field *f = fields; f->key != NULL; f++)
		if (*f->key != '\0')
			buf_addf(&known, "%s%s", known.n > 0 ? ", " : "",
			    f->key);
	mistake_add(m, key->pos, path, "unknown key \"%s\"; known here: %s",
	    buf_cstr(&name), buf_cstr(&known));
}
