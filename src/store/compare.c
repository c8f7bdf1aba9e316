/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "walk.h"

/* Two stores side by side, in one pass: what differs, counted, and the first of it. */

static void
note(struct store_difference *d, const char *subject, const char *what)
{
	if (d->first[0] == '\0')
		(void)snprintf(d->first, sizeof(d->first), "%s: %s", subject,
		    what);
}

static int
cert_order(const struct store_cert *a, const struct store_cert *b)
{
	int d = strcmp(a->mount, b->mount);

	if (d == 0)
		d = memcmp(a->serial, b->serial, LIMIT_SERIAL_BYTES);
	return d != 0
	    ? d
	    : memcmp(&a->issuer_key, &b->issuer_key, sizeof(a->issuer_key));
}

static bool
cert_same(const struct store_cert *a, const struct store_cert *b)
{
	return bytes_eq(a->der, b->der) && a->not_before_s == b->not_before_s &&
	    a->not_after_s == b->not_after_s &&
	    strcmp(a->origin, b->origin) == 0 && a->index == b->index &&
	    a->ca == b->ca && a->revoked_s == b->revoked_s &&
	    a->reason == b->reason && a->revoke_index == b->revoke_index;
}

static void
cert_differs(struct store_difference *d, uint64_t *counter, const char *what,
    const struct store_cert *c)
{
	char hex[2 * LIMIT_SERIAL_BYTES + 1];
	auto_mem char *text = NULL;

	(*counter)++;
	if (d->first[0] != '\0')
		return;
	hex_encode(bytes_of(c->serial, LIMIT_SERIAL_BYTES), hex);
	text = mem_printf("certificate %s of mount \"%s\"", hex, c->mount);
	note(d, text, what);
}

static bool
compare_certs(struct walk *a, struct walk *b, struct store_difference *d,
    struct error *e)
{
	struct store_cert x, y;
	bool in_a, in_b;
	int order;

	if (!walk_cert(a, &in_a, &x, e) || !walk_cert(b, &in_b, &y, e))
		return false;
	while (in_a || in_b) {
		order = !in_a ? 1 : !in_b ? -1 : cert_order(&x, &y);
		if (order < 0)
			cert_differs(d, &d->certs_missing, "missing", &x);
		else if (order > 0)
			cert_differs(d, &d->certs_added, "not there before",
			    &y);
		else if (!cert_same(&x, &y))
			cert_differs(d, &d->certs_changed, "differs", &x);
		if (order <= 0 && !walk_cert(a, &in_a, &x, e))
			return false;
		if (order >= 0 && !walk_cert(b, &in_b, &y, e))
			return false;
	}
	return true;
}

static int
doc_order(const struct walk_doc *a, const struct walk_doc *b)
{
	int d = strcmp(a->kind, b->kind);

	if (d == 0)
		d = strcmp(a->scope, b->scope);
	return d != 0 ? d : strcmp(a->name, b->name);
}

static void
doc_differs(struct store_difference *d, uint64_t *counter, const char *what,
    const struct walk_doc *x)
{
	auto_mem char *text =
	    mem_printf("%s \"%s\" in \"%s\"", x->kind, x->name, x->scope);

	(*counter)++;
	note(d, text, what);
}

static bool
compare_docs(struct walk *a, struct walk *b, struct store_difference *d,
    struct error *e)
{
	struct walk_doc x, y;
	bool in_a, in_b;
	int order;

	if (!walk_doc(a, &in_a, &x, e) || !walk_doc(b, &in_b, &y, e))
		return false;
	while (in_a || in_b) {
		order = !in_a ? 1 : !in_b ? -1 : doc_order(&x, &y);
		if (order < 0)
			doc_differs(d, &d->docs_missing, "missing", &x);
		else if (order > 0)
			doc_differs(d, &d->docs_added, "not there before", &y);
		else if (x.version != y.version || !bytes_eq(x.value, y.value))
			doc_differs(d, &d->docs_changed, "differs", &x);
		if (order <= 0 && !walk_doc(a, &in_a, &x, e))
			return false;
		if (order >= 0 && !walk_doc(b, &in_b, &y, e))
			return false;
	}
	return true;
}

bool
store_compare(struct store *was, struct store *is, struct store_difference *out,
    struct error *e)
{
	auto_walk struct walk a = { 0 };
	auto_walk struct walk b = { 0 };

	*out = (struct store_difference){ 0 };
	return walk_open(&a, was, e) && walk_open(&b, is, e) &&
	    compare_certs(&a, &b, out, e) && compare_docs(&a, &b, out, e);
}
