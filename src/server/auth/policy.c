/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

void
rule_clear(struct rule *r)
{
	mem_free(r->path);
	json_decref(r->allowed);
	json_decref(r->denied);
	json_decref(r->required);
}

void
policy_free(struct policy *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++)
		rule_clear(&p->rules[i]);
	mem_free(p->rules);
	mem_free(p->name);
	mem_free(p);
}

bool
policy_is_templated(const struct policy *p)
{
	return p->templated;
}

/* '+' as a whole segment decides; elsewhere it is a literal. */
static bool
has_segments(const char *path)
{
	return strcmp(path, "+") == 0 || strncmp(path, "+/", 2) == 0 ||
	    strstr(path, "/+") != NULL;
}

static bool
rule_path(struct rule *r, const struct hcl_item *item, struct error *e)
{
	const char *path = item->key + (item->key[0] == '/');
	size_t n = strlen(path);

	if (strstr(path, "+*") != NULL)
		return policy_fail(item->line, item->col, e,
		    "path \"%.80s\": '+*' is not a wildcard", path);
	r->path = mem_strdup(path);
	r->templated = strstr(path, "{{") != NULL;
	r->prefix = n > 0 && path[n - 1] == '*';
	if (r->prefix)
		r->path[n - 1] = '\0';
	if (has_segments(path))
		r->kind = RULE_SEGMENTS;
	else
		r->kind = r->prefix ? RULE_PREFIX : RULE_EXACT;
	return true;
}

static bool
rule_add(struct policy *p, const struct hcl_item *item, struct error *e)
{
	struct rule r = { 0 };

	if (!rule_path(&r, item, e) || !policy_stanza(item->value, &r, e)) {
		rule_clear(&r);
		return false;
	}
	p->templated |= r.templated;
	p->rules = mem_grow(p->rules, p->n, &p->cap, sizeof(p->rules[0]));
	p->rules[p->n++] = r;
	return true;
}

/* {"path": rules, …} */
static bool
paths_add(struct policy *p, const struct hcl_value *paths, struct error *e)
{
	size_t i;

	if (paths->kind != HCL_OBJECT)
		return policy_fail(paths->line, paths->col, e,
		    "path is an object of paths");
	for (i = 0; i < paths->n; i++)
		if (!rule_add(p, &paths->items[i], e))
			return false;
	return true;
}

static bool
path_member(struct policy *p, const struct hcl_item *item, bool json,
    struct error *e)
{
	const struct hcl_value *v = item->value;
	size_t i;

	if (!json && !item->labelled)
		return policy_fail(item->line, item->col, e,
		    "path: write path \"…\" { … }");
	/* JSON has a list of objects where HCL repeats the block. */
	if (v->kind != HCL_LIST)
		return paths_add(p, v, e);
	for (i = 0; i < v->n; i++)
		if (!paths_add(p, v->items[i].value, e))
			return false;
	return true;
}

static bool
policy_member(struct policy *p, const struct hcl_item *item, bool json,
    struct error *e)
{
	if (strcmp(item->key, "path") == 0)
		return path_member(p, item, json, e);
	/* The policy's name is that of its document. */
	if (strcmp(item->key, "name") == 0 && item->value->kind == HCL_STRING)
		return true;
	return policy_fail(item->line, item->col, e, "unknown key \"%.40s\"",
	    item->key);
}

struct policy *
policy_parse(const char *name, struct bytes text, struct error *e)
{
	auto_policy struct policy *p = mem_calloc(1, sizeof(*p));
	auto_hcl struct hcl_value *root = NULL;
	bool json = false;
	size_t i;

	p->name = mem_strdup(name);
	root = hcl_parse(text, &json, e);
	if (root == NULL)
		return NULL;
	for (i = 0; i < root->n; i++)
		if (!policy_member(p, &root->items[i], json, e))
			return NULL;
	return take(p);
}
