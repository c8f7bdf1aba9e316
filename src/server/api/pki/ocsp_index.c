/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers for whom in a mount. A look-up compares a hash with a few others, so they are
 * made once and again when any document has changed.
 */
#include "ocsp.h"

/* Where config/crl says 0, "no nextUpdate": an answer without one would hold for ever for
 * clients that keep it, and the signer refuses it. */
#define SHORTEST_S 60

static __thread struct ocsp_index *indexes;

bool
ocsp_may(const struct issuer *i)
{
	return i->key_id[0] != '\0' && (i->usage & USAGE_OCSP) != 0;
}

static void
issuer_hashes(struct ocsp_issuer *o)
{
	for (int h = 0; h < OCSP_HASH__COUNT; h++) {
		(void)ocsp_hash_of((enum ocsp_hash)h,
		    o->issuer->cert.tbs.subject, o->name[h]);
		(void)ocsp_hash_of((enum ocsp_hash)h,
		    o->issuer->cert.tbs.key.point, o->key[h]);
	}
}

struct filling {
	struct docs *docs;
	struct ocsp_index *x;
	size_t cap;
};

static void
find_responder(struct docs *d, const char *mount, struct ocsp_issuer *o)
{
	const struct ocsp_responder *r;
	char name[OCSP_NAME_SIZE];

	ocsp_responder_name(o->issuer, name);
	if (pki_process.ocsp_in_memory) {
		o->responder = o->in_memory = ocsp_memory_get(mount, name);
		return;
	}
	o->responder_doc = docs_get(d, OCSP_KIND, mount, name);
	r = o->responder_doc != NULL ? o->responder_doc->parsed : NULL;
	o->responder = r != NULL && r->has_cert ? r : NULL;
}

static bool
add_issuer(void *arg, const struct doc *doc)
{
	struct filling *f = arg;
	struct ocsp_index *x = f->x;
	struct ocsp_issuer *o;

	if (doc->parsed == NULL || !ocsp_may(issuer_of(doc)))
		return true;
	x->v = mem_grow(x->v, x->n, &f->cap, sizeof(x->v[0]));
	o = &x->v[x->n++];
	*o = (struct ocsp_issuer){ .doc = docs_ref(doc),
		.issuer = issuer_of(doc) };
	issuer_hashes(o);
	find_responder(f->docs, x->mount, o);
	return true;
}

static struct ocsp_index *
index_new(struct docs *d, const char *mount)
{
	struct ocsp_index *x = mem_calloc(1, sizeof(*x));
	struct filling f = { .docs = d, .x = x };
	json_t *cfg;
	const char *unknown;

	x->refs = 1;
	x->mount = mem_strdup(mount);
	/* First: what changes while it is read makes the next one. */
	x->changes = docs_changes(d);
	x->in_memory = ocsp_memory_changes();
	cfg = config_get(d, mount, "crl");
	x->disabled = json_is_true(json_object_get(cfg, "ocsp_disable"));
	x->expiry_s = config_seconds(cfg, "ocsp_expiry");
	if (x->expiry_s < SHORTEST_S)
		x->expiry_s = SHORTEST_S;
	unknown = json_string_value(json_object_get(cfg, "ocsp_unknown"));
	x->unknown_is_revoked =
	    unknown != NULL && strcmp(unknown, "revoked") == 0;
	json_decref(cfg);
	docs_each(d, "pki-issuer", mount, add_issuer, &f);
	return x;
}

void
ocsp_index_put(struct ocsp_index *x)
{
	if (x == NULL || --x->refs > 0)
		return;
	for (size_t i = 0; i < x->n; i++) {
		docs_put(x->v[i].doc);
		docs_put(x->v[i].responder_doc);
		ocsp_memory_release(x->v[i].in_memory);
	}
	mem_free(x->v);
	mem_free(x->mount);
	mem_free(x);
}

struct ocsp_index *
ocsp_index_get(struct docs *d, const char *mount)
{
	struct ocsp_index **at = &indexes, *x;

	/* What has changed may be gone: nobody would ask for it again. */
	while ((x = *at) != NULL) {
		if (x->changes != docs_changes(d) ||
		    x->in_memory != ocsp_memory_changes()) {
			*at = x->next;
			ocsp_index_put(x);
			continue;
		}
		if (strcmp(x->mount, mount) == 0) {
			x->refs++;
			return x;
		}
		at = &x->next;
	}
	x = index_new(d, mount);
	x->next = indexes;
	indexes = x;
	x->refs++;
	return x;
}

void
ocsp_index_worker_end(void)
{
	struct ocsp_index *x;

	while ((x = indexes) != NULL) {
		indexes = x->next;
		ocsp_index_put(x);
	}
}

const struct ocsp_issuer *
ocsp_issuer_of(const struct ocsp_index *x, const struct ocsp_cert_id *id)
{
	if (!id->hash_known)
		return NULL;
	for (size_t i = 0; i < x->n; i++)
		if (memcmp(x->v[i].key[id->hash], id->key_hash.p,
			id->key_hash.n) == 0 &&
		    memcmp(x->v[i].name[id->hash], id->name_hash.p,
			id->name_hash.n) == 0)
			return &x->v[i];
	return NULL;
}
