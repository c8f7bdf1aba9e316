/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* A document: its text as JSON and as what its kind makes of it, counted. */

static const struct doc_kind *
kind_of(const struct doc_kind *kinds, const char *kind)
{
	for (; kinds->kind != NULL; kinds++)
		if (strcmp(kinds->kind, kind) == 0)
			return kinds;
	return NULL;
}

static json_t *
load(struct bytes value, struct error *e)
{
	json_error_t why;
	json_t *json = json_loadb((const char *)value.p, value.n,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

	if (json == NULL)
		(void)error_set(e, FAIL_BAD_INPUT, "not JSON: %s", why.text);
	return json;
}

static const char *
keep(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *to = *at;

	memcpy(to, text, n);
	*at += n;
	return to;
}

struct doc_node *
doc_node_new(const struct doc_kind *kinds, const struct store_doc_op *d,
    uint64_t version, struct error *e)
{
	struct doc_node *n = mem_calloc(1,
	    sizeof(*n) + strlen(d->kind) + strlen(d->scope) + strlen(d->name) +
		3);
	char *at = n->text;

	atomic_init(&n->refs, 1);
	n->pub = (struct doc){ .kind = keep(&at, d->kind),
		.scope = keep(&at, d->scope),
		.name = keep(&at, d->name),
		.version = version };
	n->json = load(d->value, e);
	n->pub.json = n->json;
	if (n->json != NULL)
		n->kind = kind_of(kinds, d->kind);
	if (n->kind != NULL)
		n->parsed = n->kind->parse(d->scope, d->name, n->json, e);
	n->pub.parsed = n->parsed;
	if (n->json != NULL && (n->kind == NULL || n->parsed != NULL))
		return n;
	docs_put(&n->pub);
	return NULL;
}

static struct doc_node *
node(const struct doc *doc)
{
	struct doc_node *n;

	memcpy(&n, &doc, sizeof(n));
	return n;
}

const struct doc *
docs_ref(const struct doc *doc)
{
	(void)atomic_fetch_add_explicit(&node(doc)->refs, 1,
	    memory_order_relaxed);
	return doc;
}

void
docs_put(const struct doc *doc)
{
	struct doc_node *n;

	if (doc == NULL)
		return;
	n = node(doc);
	if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (n->parsed != NULL)
		n->kind->free_(n->parsed);
	json_decref(n->json);
	mem_free(n);
}

int
doc_node_order(const struct doc_node *n, const char *kind, const char *scope,
    const char *name)
{
	int d = strcmp(n->pub.kind, kind);

	if (d == 0)
		d = strcmp(n->pub.scope, scope);
	return d != 0 ? d : strcmp(n->pub.name, name);
}
