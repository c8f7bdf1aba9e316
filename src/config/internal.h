/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside the YAML reader: text → events (libyaml) → tree of nodes (load.c) → the
 * caller's struct (bind.c, values.c). Mistakes are collected on the way and told
 * in the order of the file.
 */
#include <chancery/config/yaml.h>

/* Deepest nesting; the deepest schema of ours uses five. */
#define YAML_DEPTH_MAX 16
/* Scalars, lists and mappings of one file. */
#define YAML_NODES_MAX 65536
/* Mistakes told; a file with more is not the file that was meant. */
#define YAML_MISTAKES_MAX 100
/* Octets of a wrong value that are quoted back. */
#define YAML_QUOTE_MAX 48

struct pos {
	unsigned line, col; /* both from 1 */
};

struct mistake {
	struct pos pos;
	unsigned seq; /* equal positions keep the order of finding */
	char *text;   /* "path: sentence"                          */
};
struct mistakes {
	struct mistake *v;
	size_t n, cap, total;
};
/* `path` may be empty. */
void mistake_add(struct mistakes *m, struct pos pos, const char *path,
    const char *fmt, ...) printf_like(4, 5);
/* Sort, write "file:line:col: …" lines, first one to e. */
void mistakes_tell(struct mistakes *m, const char *file, struct buf *report,
    struct error *e);
void mistakes_free(struct mistakes *m);
#define auto_mistakes auto_cleanup(mistakes_free)

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP, /* children: key, value, key, value, … */
	NODE_BAD  /* told already: bound to nothing, silently */
};
struct node {
	enum node_kind kind;
	bool plain; /* scalar without quotes */
	struct pos pos;
	char *text; /* scalar, NUL-terminated; may hold more NULs */
	size_t len;
	uint32_t first, next; /* child and sibling, 0: none */
	uint32_t count;       /* children */
};
struct tree {
	struct node *v; /* v[0] is the root */
	size_t n, cap;
};
/* False when the rest of the file could not be read: no tree worth binding. */
bool tree_load(struct bytes text, struct tree *t,
    struct mistakes *m) must_check;
void tree_free(struct tree *t);
#define auto_tree auto_cleanup(tree_free)

/* keys.c */
struct bytes node_text(const struct node *n);
/* A child or sibling by its number; NULL for 0. */
const struct node *node_at(const struct tree *t, uint32_t at);
/* For people: "a list". */
const char *node_kind_name(enum node_kind kind);

/* The keys of one mapping: sorted, without duplicates; `v` is the caller's to mem_free. */
struct entry {
	const struct node *key, *value;
	bool known;
};
struct entries {
	struct entry *v;
	size_t n;
};
/* Of two the first stays and the second is told; what is no key is told and left out. */
struct entries entries_of(const struct tree *t, const struct node *map,
    struct mistakes *m, const char *path);
struct entry *entry_find(struct entries *es, const char *key);
/* No longer sorted: entry_find is over. */
void entries_file_order(struct entries *es);
/* Tells it, and which one may have been meant. */
void unknown_key(struct mistakes *m, const char *path,
    const struct yaml_field *fields, const struct node *key);

struct yaml_place {
	uintptr_t field; /* address in the filled struct */
	bool given;
	struct pos pos;
	char *text; /* "file:line:col" */
};
struct yaml_doc {
	void **kept;
	size_t kept_n, kept_cap;
	struct yaml_place *places;
	size_t places_n, places_cap;
};
/* The document owns p (mem_*) from now on; returns p. */
void *doc_keep(struct yaml_doc *d, void *p);
/* Where a field came from. */
void doc_place(struct yaml_doc *d, const void *field, bool given,
    const char *file, struct pos pos);
struct pos doc_pos(const struct yaml_doc *d, const void *field);
/* The filled struct moved. */
void doc_relocate(struct yaml_doc *d, const void *from, const void *to,
    size_t size);

/* One scalar into the field at `at`. On failure e has the sentence. */
bool value_set(struct yaml_doc *d, const struct yaml_field *f, const char *text,
    size_t len, bool plain, void *at, struct error *e) must_check;
/* The default of a field; a wrong one is our own bug. */
void value_default(struct yaml_doc *d, const struct yaml_field *f, void *at);
/* Whether n lies in min..max of f; max 0: no upper end. */
bool value_in_range(const struct yaml_field *f, uint64_t n);
/* Whether it is what the field's word reads as. */
bool value_is_word(const struct yaml_field *f, uint64_t n);
/* 5400 → "1h30m". */
void value_add_duration(struct buf *b, uint64_t s);
/* "allowed 1 to 64", "at least 1"; `show` writes one number. */
void value_range_text(const struct yaml_field *f, struct buf *out);
/* Kind of value for people: "whole number", "duration". */
const char *value_type_name(enum yaml_type type);
/* Next item of a comma-separated default list; false at the end. */
bool value_list_item(const char **rest, struct bytes *item) must_check;
