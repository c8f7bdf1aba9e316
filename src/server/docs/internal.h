/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>

#include <chancery/server/docs.h>

/* One document: never changed once readers can see it. */
struct doc_node {
	struct doc pub; /* first: readers know only this */
	atomic_uint refs;
	json_t *json;
	void *parsed;
	const struct doc_kind *kind; /* or NULL: kept unparsed */
	char text[];                 /* kind, scope, name */
};
/* With one reference; NULL when it is not what its kind demands. */
struct doc_node *doc_node_new(const struct doc_kind *kinds,
    const struct store_doc_op *d, uint64_t version, struct error *e) must_check;
/* (kind, scope, name), as the store orders them. */
int doc_node_order(const struct doc_node *n, const char *kind,
    const char *scope, const char *name);
