/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Configuration in memory: every document of the store, parsed once into what its kind
 * needs (a role, a policy, an issuer with its certificate), shared by all workers,
 * immutable, counted. A reader gets the version that was there when it looked.
 */
#include <jansson.h>

#include <chancery/base/cleanup.h>
#include <chancery/store/store.h>

struct docs;

struct doc {
	const char *kind, *scope, *name;
	uint64_t version;
	const json_t *json; /* read only: never incref/decref across threads */
	const void *parsed; /* what parse of its kind made; NULL: none */
};

/* parse: NULL and e when the document is not one of its kind (then it is logged and left
 * out); free_ releases it. */
struct doc_kind {
	const char *kind;
	void *(*parse)(const char *scope, const char *name, const json_t *json,
	    struct error *e);
	/* free() is a macro in some builds. NOLINTNEXTLINE(readability-identifier-naming) */
	void (*free_)(void *parsed);
};

/* Loads everything. `kinds` is NULL-kind ended; kinds not named are kept unparsed. */
struct docs *docs_open(struct store *s, const struct doc_kind *kinds,
    struct error *e) must_check;
void docs_free(struct docs *d);

/* NULL: there is none. Any thread. */
const struct doc *docs_get(struct docs *d, const char *kind, const char *scope,
    const char *name) must_check;
const struct doc *docs_ref(const struct doc *doc) must_check;
void docs_put(const struct doc *doc); /* NULL is fine */
DEFINE_AUTO(doc, const struct doc *, docs_put)
#define auto_doc auto_cleanup(doc_cleanup)
/* In order of (scope, name), as of one moment; scope NULL: all. The callback's doc is
 * borrowed; it may read and change documents; returns false to stop. */
typedef bool docs_each_fn(void *arg, const struct doc *doc);
void docs_each(struct docs *d, const char *kind, const char *scope,
    docs_each_fn *each, void *arg);
/* Longest prefix of whole segments of `path` that is a name of that kind ("mount"). */
const struct doc *docs_longest(struct docs *d, const char *kind,
    const char *path) must_check;
/* After store_docs_apply of the same changes: read them from the store and swap, so that
 * readers see all of them or none. Any thread, one at a time. */
void docs_apply(struct docs *d, struct bytes changes_json);
/* Another number after each change: what was made of documents read after it was asked for
 * holds while it stays. Any thread. */
uint64_t docs_changes(const struct docs *d);
