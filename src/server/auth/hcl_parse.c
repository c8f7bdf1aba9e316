/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "hcl.h"

void
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
hcl_free(struct hcl_value *v)
{
	size_t i;

	if (v == NULL)
		return;
	for (i = 0; i < v->n; i++) {
		mem_free(v->items[i].key);
		hcl_free(v->items[i].value);
	}
	mem_free(v->items);
	mem_free(v->text);
	mem_free(v);
}

static struct hcl_value *
value_new(const struct hcl_scan *s, enum hcl_kind kind)
{
	struct hcl_value *v = mem_calloc(1, sizeof(*v));

	v->kind = kind;
	v->line = s->line;
	v->col = hcl_col(s);
	return v;
}

static struct hcl_item *
item_add(struct hcl_value *v, const struct hcl_scan *at)
{
	v->items = mem_grow(v->items, v->n, &v->cap, sizeof(v->items[0]));
	v->items[v->n] =
	    (struct hcl_item){ .line = at->line, .col = hcl_col(at) };
	return &v->items[v->n++];
}

static struct hcl_value *value_read(struct hcl_scan *s);
static bool members_read(struct hcl_scan *s, struct hcl_value *object,
    char end);

/* A comma between, and in HCL also behind. */
static bool
comma_read(struct hcl_scan *s, char end, bool *more)
{
	if (!hcl_space(s))
		return false;
	*more = hcl_peek(s) != end;
	if (hcl_peek(s) != ',')
		return !*more || hcl_fail(s, "expected ',' or '%c'", end);
	s->at++;
	if (!hcl_space(s))
		return false;
	*more = hcl_peek(s) != end;
	if (!*more && s->json)
		return hcl_fail(s, "nothing behind ','");
	return true;
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
elements_read(struct hcl_scan *s, struct hcl_value *list)
{
	struct hcl_item *item;
	bool more;

	s->at++;
	if (!hcl_space(s))
		return false;
	for (more = hcl_peek(s) != ']'; more;) {
		item = item_add(list, s);
		item->value = value_read(s);
		if (item->value == NULL || !comma_read(s, ']', &more))
			return false;
	}
	s->at++;
	return true;
}

static bool
word_value(struct hcl_scan *s, struct hcl_value *v)
{
	struct hcl_scan begin = *s;
	auto_mem char *word = hcl_word(s);

	v->flag = strcmp(word, "true") == 0;
	if (v->flag || strcmp(word, "false") == 0)
		return true;
	return hcl_fail(&begin, "expected a value, found %.40s", word);
}

static bool
scalar_read(struct hcl_scan *s, struct hcl_value *v)
{
	char c = hcl_peek(s);

	if (c == '"')
		v->text = hcl_string(s);
	else if (c == '<' && !s->json)
		v->text = hcl_heredoc(s);
	else
		v->text = hcl_number(s);
	return v->text != NULL;
}

/* What a value is from its first octet. */
static enum hcl_kind
kind_at(const struct hcl_scan *s)
{
	switch (hcl_peek(s)) {
	case '{':
		return HCL_OBJECT;
	case '[':
		return HCL_LIST;
	case '"':
	case '<':
		return HCL_STRING;
	default:
		return hcl_is_word(s) ? HCL_BOOL : HCL_NUMBER;
	}
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
value_fill(struct hcl_scan *s, struct hcl_value *v)
{
	switch (v->kind) {
	case HCL_OBJECT:
		s->at++;
		return members_read(s, v, '}');
	case HCL_LIST:
		return elements_read(s, v);
	case HCL_BOOL:
		return word_value(s, v);
	case HCL_STRING:
	case HCL_NUMBER:
		return scalar_read(s, v);
	}
	fatal("corrupt hcl_kind %d", (int)v->kind);
}

static struct hcl_value *
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
value_read(struct hcl_scan *s)
{
	auto_hcl struct hcl_value *v = value_new(s, kind_at(s));
	bool ok;

	if (++s->nodes > LIMIT_POLICY_NODES)
		ok = hcl_fail(s, "more than %d values", LIMIT_POLICY_NODES);
	else if (++s->depth > LIMIT_POLICY_DEPTH)
		ok = hcl_fail(s, "nested deeper than %d", LIMIT_POLICY_DEPTH);
	else
		ok = value_fill(s, v);
	s->depth--;
	return ok ? take(v) : NULL;
}

static char *
key_read(struct hcl_scan *s)
{
	if (hcl_peek(s) == '"')
		return hcl_string(s);
	if (!s->json && hcl_is_word(s))
		return hcl_word(s);
	(void)hcl_fail(s, s->at < s->in.n ? "expected a name" : "text ends");
	return NULL;
}

/* `name "label" {`: at the label. */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
labelled_read(struct hcl_scan *s, struct hcl_item *item)
{
	struct hcl_item *inner;

	item->labelled = true;
	item->value = value_new(s, HCL_OBJECT);
	inner = item_add(item->value, s);
	inner->key = key_read(s);
	if (inner->key == NULL || !hcl_space(s))
		return false;
	if (hcl_peek(s) != '{')
		return hcl_fail(s, "expected '{'");
	inner->value = value_read(s);
	return inner->value != NULL;
}

static bool
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
member_read(struct hcl_scan *s, struct hcl_item *item)
{
	item->key = key_read(s);
	if (item->key == NULL || !hcl_space(s))
		return false;
	if (!s->json && (hcl_peek(s) == '"' || hcl_is_word(s)))
		return labelled_read(s, item);
	if (hcl_peek(s) == (s->json ? ':' : '=')) {
		s->at++;
		if (!hcl_space(s))
			return false;
	} else if (s->json || hcl_peek(s) != '{') {
		return hcl_fail(s,
		    s->json ? "expected ':'" : "expected '=' or '{'");
	}
	if (s->at >= s->in.n)
		return hcl_fail(s, "text ends");
	item->value = value_read(s);
	return item->value != NULL;
}

/* Up to `end` ('\0': the end of the text), which is consumed. */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
members_read(struct hcl_scan *s, struct hcl_value *object, char end)
{
	bool more = true;

	if (!hcl_space(s))
		return false;
	while (hcl_peek(s) != end) {
		if (!member_read(s, item_add(object, s)) || !hcl_space(s))
			return false;
		if (s->json && !comma_read(s, end, &more))
			return false;
		/* HCL takes a comma between members, and needs none. */
		if (!s->json && hcl_peek(s) == ',') {
			s->at++;
			if (!hcl_space(s))
				return false;
		}
	}
	s->at += end != '\0';
	return true;
}

static bool
document_read(struct hcl_scan *s, struct hcl_value *root)
{
	if (!s->json)
		return members_read(s, root, '\0');
	s->at++;
	if (!members_read(s, root, '}') || !hcl_space(s))
		return false;
	return s->at == s->in.n || hcl_fail(s, "text behind the end");
}

struct hcl_value *
hcl_parse(struct bytes text, bool *json, struct error *e)
{
	struct hcl_scan s = { .in = text, .line = 1, .e = e };
	auto_hcl struct hcl_value *root = NULL;

	if (text.n > LIMIT_POLICY_BYTES) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "text is longer than %d octets", LIMIT_POLICY_BYTES);
		return NULL;
	}
	if (!utf8_valid(text)) {
		(void)error_set(e, FAIL_BAD_INPUT, "text is not UTF-8");
		return NULL;
	}
	root = value_new(&s, HCL_OBJECT);
	if (!hcl_space(&s))
		return NULL;
	s.json = hcl_peek(&s) == '{';
	if (!document_read(&s, root))
		return NULL;
	*json = s.json;
	return take(root);
}
