/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text → tree of nodes, through libyaml's events. The event interface never
 * expands an alias, so an alias bomb costs what its text costs. */
#include <yaml.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "internal.h"

struct loader {
	struct tree *t;
	struct mistakes *m;
	uint32_t open[YAML_DEPTH_MAX]; /* unfinished lists and mappings */
	uint32_t last[YAML_DEPTH_MAX]; /* their last child, 0: none     */
	unsigned depth, documents;
	bool stop; /* a limit was passed */
};

static struct pos
pos_of(yaml_mark_t mark)
{
	return (
	    struct pos){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

/* Position of an octet; columns count characters, as libyaml's do. */
static struct pos
pos_at(struct bytes text, size_t offset)
{
	struct pos pos = { 1, 1 };

	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n')
			pos = (struct pos){ pos.line + 1, 1 };
		else if ((text.p[i] & 0xc0) != 0x80)
			pos.col++;
	}
	return pos;
}

static uint32_t
tree_add(struct loader *l, struct node node)
{
	struct tree *t = l->t;
	uint32_t at = (uint32_t)t->n;

	if (t->n == YAML_NODES_MAX) {
		mistake_add(l->m, node.pos, "", "more than %d values in a file",
		    YAML_NODES_MAX);
		mem_free(node.text);
		l->stop = true;
		return 0;
	}
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = node;
	if (l->depth > 0) {
		unsigned top = l->depth - 1;

		if (l->last[top] == 0)
			t->v[l->open[top]].first = at;
		else
			t->v[l->last[top]].next = at;
		l->last[top] = at;
		t->v[l->open[top]].count++;
	}
	return at;
}

static void
open_node(struct loader *l, enum node_kind kind, struct pos pos)
{
	uint32_t at;

	if (l->depth == YAML_DEPTH_MAX) {
		mistake_add(l->m, pos, "", "nested deeper than %d levels",
		    YAML_DEPTH_MAX);
		l->stop = true;
		return;
	}
	at = tree_add(l, (struct node){ .kind = kind, .pos = pos });
	l->open[l->depth] = at;
	l->last[l->depth] = 0;
	l->depth++;
}

/* Anchors and tags make a value mean something that its line does not show. */
static void
refuse_marks(struct loader *l, struct pos pos, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	if (anchor != NULL)
		mistake_add(l->m, pos, "", "anchors (&name) are not allowed");
	if (tag != NULL)
		mistake_add(l->m, pos, "", "tags (!name) are not allowed");
}

static void
load_scalar(struct loader *l, const yaml_event_t *ev)
{
	struct node node = {
		.kind = NODE_SCALAR,
		.plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
		.pos = pos_of(ev->start_mark),
		.len = ev->data.scalar.length,
	};

	refuse_marks(l, node.pos, ev->data.scalar.anchor, ev->data.scalar.tag);
	node.text = mem_alloc(node.len + 1);
	memcpy(node.text, ev->data.scalar.value, node.len);
	node.text[node.len] = '\0';
	(void)tree_add(l, node);
}

static void
load_document(struct loader *l, const yaml_event_t *ev)
{
	if (ev->data.document_start.version_directive != NULL ||
	    ev->data.document_start.tag_directives.start !=
		ev->data.document_start.tag_directives.end)
		mistake_add(l->m, pos_of(ev->start_mark), "",
		    "directives (%%YAML, %%TAG) are not allowed");
	if (++l->documents > 1) {
		mistake_add(l->m, pos_of(ev->start_mark), "",
		    "a second document begins here; a file holds one");
		l->stop = true;
	}
}

static void
load_event(struct loader *l, const yaml_event_t *ev)
{
	struct pos pos = pos_of(ev->start_mark);

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		load_document(l, ev);
		break;
	case YAML_ALIAS_EVENT:
		mistake_add(l->m, pos, "", "aliases (*name) are not allowed");
		(void)tree_add(l,
		    (struct node){ .kind = NODE_BAD, .pos = pos });
		break;
	case YAML_SCALAR_EVENT:
		load_scalar(l, ev);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_marks(l, pos, ev->data.sequence_start.anchor,
		    ev->data.sequence_start.tag);
		open_node(l, NODE_LIST, pos);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_marks(l, pos, ev->data.mapping_start.anchor,
		    ev->data.mapping_start.tag);
		open_node(l, NODE_MAP, pos);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		l->depth--;
		break;
	default: /* stream and document ends carry nothing */
		break;
	}
}

/* What libyaml found wrong, in its words but for tabs, which it calls a
 * character that cannot start a token. */
static void
parser_mistake(struct loader *l, const yaml_parser_t *p, struct bytes text)
{
	struct pos pos = pos_of(p->problem_mark);

	if (p->error == YAML_READER_ERROR) {
		mistake_add(l->m, pos_at(text, p->problem_offset), "", "%s",
		    p->problem);
		return;
	}
	/* libyaml's index counts characters: the octet is found by line. */
	for (size_t i = 0, line = 1, col = 1; i < text.n; i++) {
		if (line == pos.line && col == pos.col && text.p[i] == '\t') {
			mistake_add(l->m, pos, "",
			    "a tab; YAML is indented with spaces");
			return;
		}
		if (text.p[i] == '\n') {
			line++;
			col = 1;
		} else if ((text.p[i] & 0xc0) != 0x80) {
			col++;
		}
	}
	if (p->context != NULL)
		mistake_add(l->m, pos, "", "%s (%s)", p->problem, p->context);
	else
		mistake_add(l->m, pos, "", "%s", p->problem);
}

static bool
parse_events(struct loader *l, yaml_parser_t *p, struct bytes text)
{
	bool end = false;

	while (!end && !l->stop) {
		yaml_event_t ev;

		if (yaml_parser_parse(p, &ev) == 0) {
			parser_mistake(l, p, text);
			return false;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		load_event(l, &ev);
		yaml_event_delete(&ev);
	}
	return !l->stop;
}

static size_t
utf8_len(uint8_t lead)
{
	if (lead < 0xc0)
		return 1;
	if (lead < 0xe0)
		return 2;
	return lead < 0xf0 ? 3 : 4;
}

/* Size, encoding: told before libyaml, whose own words for these differ between
 * releases. */
static bool
check_text(struct bytes text, struct mistakes *m)
{
	if (text.n > LIMIT_CONFIG_BYTES) {
		mistake_add(m, (struct pos){ 1, 1 }, "",
		    "%zu octets, at most %d allowed", text.n,
		    LIMIT_CONFIG_BYTES);
		return false;
	}
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
		mistake_add(m, (struct pos){ 1, 1 }, "",
		    "a byte order mark; UTF-8 needs none");
		return false;
	}
	if (utf8_valid(text))
		return true;
	for (size_t i = 0, n; i < text.n; i += n) {
		n = utf8_len(text.p[i]);
		if (n <= text.n - i && utf8_valid(bytes_of(text.p + i, n)))
			continue;
		mistake_add(m, pos_at(text, i), "",
		    "octet 0x%02x is not allowed: not UTF-8, or NUL",
		    text.p[i]);
		break;
	}
	return false;
}

bool
tree_load(struct bytes text, struct tree *t, struct mistakes *m)
{
	struct loader l = { .t = t, .m = m };
	yaml_parser_t parser;
	bool ok;

	if (!check_text(text, m))
		return false;
	if (yaml_parser_initialize(&parser) == 0)
		fatal("yaml_parser_initialize: out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	/* libyaml asserts that there is a buffer, even for nothing. */
	yaml_parser_set_input_string(&parser,
	    text.n > 0 ? text.p : (const uint8_t *)"", text.n);
	ok = parse_events(&l, &parser, text);
	yaml_parser_delete(&parser);
	if (!ok)
		return false;
	/* Nothing but comments: a section without keys. */
	if (t->n == 0)
		(void)tree_add(&l,
		    (struct node){ .kind = NODE_MAP, .pos = { 1, 1 } });
	if (t->v[0].kind == NODE_SCALAR && t->v[0].plain && t->v[0].len == 0)
		t->v[0].kind = NODE_MAP;
	return true;
}

void
tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		/* A configuration may hold a PIN. */
		if (t->v[i].text != NULL)
			explicit_bzero(t->v[i].text, t->v[i].len);
		mem_free(t->v[i].text);
	}
	mem_free(t->v);
	*t = (struct tree){ 0 };
}
