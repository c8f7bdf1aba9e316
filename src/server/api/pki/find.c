/* SPDX-License-Identifier: Apache-2.0 */
/* References to issuers and keys, and chains. */
#include <strings.h>

#include <chancery/base/text.h>

#include "engine.h"

void
uuid_new(char out[37])
{
	uint8_t v[16];
	char hex[33];

	random_bytes(v, sizeof(v));
	v[6] = (uint8_t)((v[6] & 0x0f) | 0x40); /* RFC 9562 5.4 */
	v[8] = (uint8_t)((v[8] & 0x3f) | 0x80);
	hex_encode(bytes_of(v, sizeof(v)), hex);
	(void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

bool
uuid_shaped(const char *s)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (s[i] == '\0' || (s[i] == '-') != dash ||
		    (!dash && strchr("0123456789abcdefABCDEF", s[i]) == NULL))
			return false;
	}
	return s[36] == '\0';
}

/* ---- documents by name ---- */

struct search {
	const char *name, *except;
	const struct sha256 *key;
	const struct doc *found;
};

static bool
by_name(void *arg, const struct doc *doc)
{
	struct search *s = arg;
	const char *name =
	    json_string_value(json_object_get(doc->json, "name"));

	if (name == NULL || strcmp(name, s->name) != 0 ||
	    (s->except != NULL && strcmp(s->except, doc->name) == 0))
		return true;
	s->found = docs_ref(doc);
	return false;
}

bool
name_taken(struct docs *d, const char *kind, const char *mount,
    const char *name, const char *except_id)
{
	struct search s = { .name = name, .except = except_id };
	bool taken;

	if (name[0] == '\0')
		return false;
	docs_each(d, kind, mount, by_name, &s);
	taken = s.found != NULL;
	docs_put(s.found);
	return taken;
}

static bool
by_hash(void *arg, const struct doc *doc)
{
	struct search *s = arg;

	if (doc->parsed == NULL ||
	    memcmp(key_of(doc)->key.b, s->key->b, SHA256_LEN) != 0)
		return true;
	s->found = docs_ref(doc);
	return false;
}

const struct doc *
key_by_hash(struct docs *d, const char *mount, const struct sha256 *key)
{
	struct search s = { .key = key };

	docs_each(d, "pki-key", mount, by_hash, &s);
	return s.found;
}

void
default_id(struct docs *d, const char *mount, const char *config, char out[64])
{
	auto_doc const struct doc *doc =
	    docs_get(d, "pki-config", mount, config);
	const char *id = doc != NULL
	    ? json_string_value(json_object_get(doc->json, "default"))
	    : NULL;

	(void)snprintf(out, 64, "%s", id != NULL ? id : "");
}

static const struct doc *
find(struct docs *d, const char *kind, const char *mount, const char *ref,
    const char *config)
{
	struct search s = { .name = ref };
	char id[64];

	if (strcasecmp(ref, "default") == 0) {
		default_id(d, mount, config, id);
		return id[0] != '\0' ? docs_get(d, kind, mount, id) : NULL;
	}
	if (uuid_shaped(ref)) {
		const struct doc *doc = docs_get(d, kind, mount, ref);

		if (doc != NULL)
			return doc;
	}
	if (ref[0] != '\0')
		docs_each(d, kind, mount, by_name, &s);
	return s.found;
}

/* A document that did not parse is as good as none. */
static const struct doc *
found(const struct doc *doc, const char *what, const char *ref, struct error *e)
{
	if (doc != NULL && doc->parsed != NULL)
		return doc;
	docs_put(doc);
	if (strcasecmp(ref, "default") == 0)
		(void)error_set(e, FAIL_BAD_INPUT,
		    "no default %s currently configured", what);
	else
		(void)error_set(e, FAIL_BAD_INPUT,
		    "unable to find PKI %s for reference: %.200s", what, ref);
	return NULL;
}

const struct doc *
issuer_find(struct docs *d, const char *mount, const char *ref, struct error *e)
{
	return found(find(d, "pki-issuer", mount, ref, "issuers"), "issuer",
	    ref, e);
}

const struct doc *
issuer_of_call(struct call *c)
{
	struct error e;
	const struct doc *doc =
	    issuer_find(c->docs, c->mount->path, call_str(c, "ref"), &e);

	if (doc == NULL)
		call_fail(c, &e);
	return doc;
}

const struct doc *
key_find(struct docs *d, const char *mount, const char *ref, struct error *e)
{
	return found(find(d, "pki-key", mount, ref, "keys"), "key", ref, e);
}

/* ---- chains ---- */

static bool
collect(void *arg, const struct doc *doc)
{
	struct issuer_set *s = arg;

	if (doc->parsed == NULL)
		return true;
	s->v = mem_grow(s->v, s->n, &s->cap, sizeof(s->v[0]));
	s->v[s->n++] = docs_ref(doc);
	return true;
}

void
issuer_set_load(struct docs *d, const char *mount, struct issuer_set *out)
{
	*out = (struct issuer_set){ 0 };
	docs_each(d, "pki-issuer", mount, collect, out);
}

void
issuer_set_free(struct issuer_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		docs_put(s->v[i]);
	mem_free(s->v);
	*s = (struct issuer_set){ 0 };
}

/* Name, key identifier where there is one, and the signature. */
static bool
issued_by(const struct issuer *child, const struct issuer *parent)
{
	const struct ext *aki = exts_find(&child->cert.tbs.exts, EXT_AKI);
	const struct ext *ski = exts_find(&parent->cert.tbs.exts, EXT_SKI);
	struct bytes a, b;
	struct error ignored;
	bool other;

	if (!bytes_eq(child->cert.tbs.issuer, parent->cert.tbs.subject))
		return false;
	if (aki != NULL && ski != NULL && ext_aki(aki, &a, &other, &ignored) &&
	    ext_ski(ski, &b, &ignored) && a.n > 0 && !bytes_eq(a, b))
		return false;
	return cert_verify_signature(&child->cert, &parent->cert.tbs.key,
	    &ignored);
}

/* Of several certificates of one issuer the one that ends last. */
static const struct issuer *
parent_of(const struct issuer_set *s, const struct issuer *child)
{
	const struct issuer *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct issuer *p = issuer_of(s->v[i]);

		if (p != child && issued_by(child, p) &&
		    (best == NULL ||
			p->cert.tbs.not_after_s > best->cert.tbs.not_after_s))
			best = p;
	}
	return best;
}

const struct doc *
issuer_above(struct docs *d, const char *mount, const struct issuer *i)
{
	const struct doc *found = NULL;
	struct issuer_set all;

	issuer_set_load(d, mount, &all);
	for (size_t n = 0; n < all.n && found == NULL; n++) {
		const struct issuer *p = issuer_of(all.v[n]);

		if (p->key_id[0] != '\0' && strcmp(p->id, i->id) != 0 &&
		    !i->self_signed && issued_by(i, p))
			found = docs_ref(all.v[n]);
	}
	issuer_set_free(&all);
	return found;
}

static bool
already(const struct issuer *const *chain, size_t n, const struct issuer *i)
{
	while (n-- > 0)
		if (chain[n] == i)
			return true;
	return false;
}

static const struct issuer *
by_id(const struct issuer_set *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i]->name, id) == 0)
			return issuer_of(s->v[i]);
	return NULL;
}

static size_t
manual_chain(const struct issuer_set *s, const struct issuer *i,
    const struct issuer *out[CHAIN_MAX])
{
	size_t n = 0;

	out[n++] = i;
	for (size_t j = 0; j < i->manual_chain.n && n < CHAIN_MAX; j++) {
		const struct issuer *next = by_id(s, i->manual_chain.v[j]);

		if (next != NULL && !already(out, n, next))
			out[n++] = next;
	}
	return n;
}

size_t
issuer_chain(const struct issuer_set *s, const struct issuer *i,
    const struct issuer *out[CHAIN_MAX])
{
	size_t n = 0;

	if (i->manual_chain.n > 0)
		return manual_chain(s, i, out);
	while (i != NULL && n < CHAIN_MAX && !already(out, n, i)) {
		out[n++] = i;
		i = i->self_signed ? NULL : parent_of(s, i);
	}
	return n;
}
