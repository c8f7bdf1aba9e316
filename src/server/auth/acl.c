/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "acl.h"

void
acl_free(struct acl *a)
{
	size_t i;

	if (a == NULL)
		return;
	for (i = 0; i < a->n; i++)
		rule_clear(&a->rules[i].rule);
	mem_free(a->rules);
	mem_free(a);
}

int64_t
acl_valid_until(const struct acl *a)
{
	return a->valid_until_s;
}

static json_t *
copy_or_null(const json_t *v)
{
	return v == NULL ? NULL : json_deep_copy(v);
}

/* Order of rules: kind, path, then as they were given. */
static int
entry_cmp(const void *a, const void *b)
{
	const struct acl_entry *x = a, *y = b;
	int order;

	if (x->rule.kind != y->rule.kind)
		return x->rule.kind < y->rule.kind ? -1 : 1;
	order = strcmp(x->rule.path, y->rule.path);
	if (order == 0 && x->rule.prefix != y->rule.prefix)
		order = x->rule.prefix ? 1 : -1;
	if (order == 0)
		order = x->seq < y->seq ? -1 : x->seq > y->seq;
	return order;
}

static bool
same_rule(const struct rule *x, const struct rule *y)
{
	return x->kind == y->kind && x->prefix == y->prefix &&
	    strcmp(x->path, y->path) == 0;
}

/* An empty list allows (denies) every value, and stays empty. */
static void
merge_values(json_t *into, const char *name, json_t *values)
{
	json_t *have = json_object_get(into, name);

	if (have == NULL)
		(void)json_object_set_new(into, name, json_deep_copy(values));
	else if (json_array_size(values) == 0)
		(void)json_array_clear(have);
	else if (json_array_size(have) > 0)
		(void)json_array_extend(have, values);
}

static void
merge_parameters(json_t **into, json_t *more)
{
	const char *name;
	json_t *values;

	if (json_object_size(more) == 0)
		return;
	if (*into == NULL)
		*into = json_object();
	json_object_foreach(more, name, values)
	    merge_values(*into, name, values);
}

static bool
array_has(const json_t *array, const char *text)
{
	size_t i;

	for (i = 0; i < json_array_size(array); i++)
		if (strcmp(json_string_value(json_array_get(array, i)), text) ==
		    0)
			return true;
	return false;
}

static void
merge_required(json_t **into, const json_t *more)
{
	const char *name;
	size_t i;

	if (json_array_size(more) == 0)
		return;
	if (*into == NULL)
		*into = json_array();
	for (i = 0; i < json_array_size(more); i++) {
		name = json_string_value(json_array_get(more, i));
		if (!array_has(*into, name))
			(void)json_array_append_new(*into, json_string(name));
	}
}

static void
merge_least(int64_t *into, int64_t more)
{
	if (more > 0 && (*into == 0 || more < *into))
		*into = more;
}

/* §7.5: capabilities united, a deny wipes the rest. */
static void
rule_merge(struct rule *into, const struct rule *r)
{
	if ((into->caps & CAP_DENY) != 0)
		return;
	if ((r->caps & CAP_DENY) != 0) {
		into->caps = CAP_DENY;
		json_decref(take(into->allowed));
		json_decref(take(into->denied));
		return;
	}
	into->caps |= r->caps;
	merge_least(&into->wrap_min_s, r->wrap_min_s);
	merge_least(&into->wrap_max_s, r->wrap_max_s);
	merge_parameters(&into->allowed, r->allowed);
	merge_parameters(&into->denied, r->denied);
	merge_required(&into->required, r->required);
}

static void
entry_add(struct acl *a, const struct rule *r)
{
	struct acl_entry *entry;

	a->rules = mem_grow(a->rules, a->n, &a->cap, sizeof(a->rules[0]));
	entry = &a->rules[a->n];
	*entry = (struct acl_entry){ .rule = *r, .seq = a->n };
	entry->rule.path = mem_strdup(r->path);
	entry->rule.allowed = copy_or_null(r->allowed);
	entry->rule.denied = copy_or_null(r->denied);
	entry->rule.required = copy_or_null(r->required);
	a->n++;
}

static void
policy_add(struct acl *a, const struct policy *p, int64_t now_s)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct rule *r = &p->rules[i];

		/* Without identities there is nothing to fill a template with. */
		if (r->templated || (r->expires_s > 0 && r->expires_s <= now_s))
			continue;
		merge_least(&a->valid_until_s, r->expires_s);
		entry_add(a, r);
	}
}

/* Neighbours of one path become one. */
static void
entries_merge(struct acl *a)
{
	size_t i, n = 0;

	if (a->n == 0)
		return;
	qsort(a->rules, a->n, sizeof(a->rules[0]), entry_cmp);
	for (i = 1; i < a->n; i++) {
		if (same_rule(&a->rules[n].rule, &a->rules[i].rule)) {
			rule_merge(&a->rules[n].rule, &a->rules[i].rule);
			rule_clear(&a->rules[i].rule);
		} else {
			a->rules[++n] = a->rules[i];
		}
	}
	a->n = n + 1;
}

static void
entries_index(struct acl *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		struct acl_entry *entry = &a->rules[i];
		const struct rule *r = &entry->rule;

		a->first[r->kind + 1] = i + 1;
		entry->length = strlen(r->path);
		entry->wild_at = entry->length;
		if (r->kind == RULE_SEGMENTS)
			entry->wild_at = strcspn(r->path, "+");
	}
	for (i = 1; i < countof(a->first); i++)
		if (a->first[i] < a->first[i - 1])
			a->first[i] = a->first[i - 1];
}

struct acl *
acl_new(const struct policy *const *p, size_t n, bool root, int64_t now_s)
{
	struct acl *a = mem_calloc(1, sizeof(*a));
	size_t i;

	a->root = root;
	for (i = 0; i < n; i++)
		if (p[i] != NULL)
			policy_add(a, p[i], now_s);
	entries_merge(a);
	entries_index(a);
	return a;
}
