/* SPDX-License-Identifier: Apache-2.0 */
/* intermediate/set-signed and issuers/import (vault-pki-api.md 4.8): certificates of
 * authorities, and a private key where the charter of the token allows it. */
#include "engine.h"

/* A path instead of a file's contents is shorter than any certificate. */
#define SHORTEST 75

struct import {
	struct cert *certs;
	size_t n, cap;
	struct imported {
		char id[37], key_id[40];
		bool is_new;
	} * what;       /* by certificate, filled in build */
	char first[37]; /* an issuer with a key, for its list of revoked */
	struct pki_outside outside; /* pkcs8 NULL: no key */
	char key_id[37];
	bool key_is_new;
};

void
ca_import_free(struct import *i)
{
	if (i == NULL)
		return;
	for (size_t n = 0; n < i->n; n++)
		cert_free(&i->certs[n]);
	mem_free(i->certs);
	mem_free(i->what);
	pki_outside_free(&i->outside);
	mem_free(i);
}

static bool
is_ca(const struct cert *c, size_t n, struct error *e)
{
	if (!c->tbs.is_ca)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate %zu: refusing to import one that is not a CA",
		    n + 1);
	return c->tbs.key_ok ||
	    error_set(e, FAIL_BAD_INPUT,
		"certificate %zu: its key is of a kind that is not supported",
		n + 1);
}

static bool
is_long_enough(const char *pem, struct error *e)
{
	return strlen(pem) >= SHORTEST ||
	    error_set(e, FAIL_BAD_INPUT,
		"provided data for import was too short; perhaps a path was "
		"passed to the API rather than the contents of a PEM file?");
}

struct import *
import_new(void)
{
	return mem_calloc(1, sizeof(struct import));
}

bool
import_add(struct import *i, struct bytes der, struct error *e)
{
	i->certs = mem_grow(i->certs, i->n, &i->cap, sizeof(i->certs[0]));
	i->certs[i->n] = (struct cert){ 0 };
	if (!cert_parse(der, "certificate", &i->certs[i->n], e)) {
		e->why = FAIL_BAD_INPUT;
		return error_context(e, "unable to parse certificate %zu",
		    i->n + 1);
	}
	i->n++;
	return is_ca(&i->certs[i->n - 1], i->n - 1, e);
}

static bool
only_space(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/* Lists and curves are passed over, text between the blocks as well; behind the last one
 * it is a mistake. */
static bool
read_blocks(const char *pem, struct import *i, struct error *e)
{
	static const char *const labels[] = { "CERTIFICATE", "X509 CERTIFICATE",
		"X509 CRL", "EC PARAMETERS", NULL };
	auto_buf struct buf der = { 0 };
	const char *label;
	size_t at = 0;

	while (pem_next(bytes_str(pem), &at, labels, &der, &label, e)) {
		if ((label == labels[0] || label == labels[1]) &&
		    !import_add(i, buf_bytes(&der), e))
			return false;
		buf_reset(&der);
	}
	if (e->why != FAIL_NOT_FOUND ||
	    (i->n == 0 && i->outside.pkcs8 == NULL)) {
		e->why = FAIL_BAD_INPUT;
		return error_context(e, "unable to parse the PEM bundle");
	}
	error_clear(e);
	/* Behind a key that comes last there is its block. */
	return i->outside.pkcs8 != NULL || only_space(pem + at) ||
	    error_set(e, FAIL_BAD_INPUT,
		"error when parsing block %zu: invalid PEM data", i->n + 1);
}

static bool
read_private(const char *pem, struct import *i, bool with_key, struct error *e)
{
	if (pki_outside_count(pem) == 0)
		return true;
	if (!with_key)
		return error_set(e, FAIL_REFUSED,
		    "private keys are not imported here: see keys/import");
	return pki_outside_read(pem, &i->outside, e);
}

static bool
read_pem(const char *pem, struct import *i, bool with_key, struct error *e)
{
	if (pem[0] == '\0')
		return error_set(e, FAIL_BAD_INPUT,
		    "'pem_bundle' and 'certificate' parameters were empty");
	return is_long_enough(pem, e) && read_private(pem, i, with_key, e) &&
	    read_blocks(pem, i, e);
}

struct search {
	const struct cert *cert;
	const struct doc *found;
};

static bool
same_cert(void *arg, const struct doc *doc)
{
	struct search *s = arg;

	if (doc->parsed == NULL ||
	    !bytes_eq(buf_bytes(&issuer_of(doc)->cert.der),
		buf_bytes(&s->cert->der)))
		return true;
	s->found = docs_ref(doc);
	return false;
}

/* The same certificate twice in one bundle is one issuer. */
static bool
seen_before(const struct import *i, size_t n)
{
	for (size_t j = 0; j < n; j++)
		if (bytes_eq(buf_bytes(&i->certs[j].der),
			buf_bytes(&i->certs[n].der)))
			return true;
	return false;
}

/* An issuer that was here without its key. */
static void
link_key(const struct call *c, struct changes *ch, const struct doc *issuer,
    const struct doc *key)
{
	json_t *copy;

	if (key == NULL || issuer_of(issuer)->key_id[0] != '\0')
		return;
	copy = json_deep_copy(issuer->json);
	(void)json_object_set_new(copy, "key_id", json_string(key->name));
	change_put(ch, "pki-issuer", c->mount->path, issuer->name, copy);
}

static void
import_one(struct call *c, struct changes *ch, struct import *i, size_t n)
{
	struct imported *w = &i->what[n];
	struct search s = { .cert = &i->certs[n] };
	struct sha256 hash = sha256(i->certs[n].tbs.spki_der);
	auto_doc const struct doc *key =
	    key_by_hash(c->docs, c->mount->path, &hash);

	if (seen_before(i, n))
		return;
	docs_each(c->docs, "pki-issuer", c->mount->path, same_cert, &s);
	(void)snprintf(w->key_id, sizeof(w->key_id), "%s",
	    key != NULL ? key->name : "");
	if (s.found != NULL) {
		(void)snprintf(w->id, sizeof(w->id), "%s", s.found->name);
		link_key(c, ch, s.found, key);
		docs_put(s.found);
		return;
	}
	w->is_new = true;
	uuid_new(w->id);
	change_put(ch, "pki-issuer", c->mount->path, w->id,
	    issuer_document(buf_bytes(&i->certs[n].der), "", w->key_id));
	if (key != NULL && i->first[0] == '\0')
		memcpy(i->first, w->id, sizeof(i->first));
}

void
import_changes(struct call *c, struct changes *ch, struct import *i)
{
	i->what = mem_calloc(i->n, sizeof(i->what[0]));
	for (size_t n = 0; n < i->n; n++)
		import_one(c, ch, i, n);
}

static bool
build_import(struct call *c, struct changes *ch)
{
	struct import *i = work_of(c)->import;

	import_changes(c, ch, i);
	if (i->first[0] != '\0')
		put_default(c, ch, "issuers", i->first, false);
	return true;
}

/* null instead of an empty list, as upstream. */
static void
set_list(json_t *data, const char *name, json_t *list)
{
	bool none = json_array_size(list) == 0;

	(void)json_object_set_new(data, name, none ? json_null() : list);
	if (none)
		json_decref(list);
}

const char *
import_top(const struct import *i)
{
	const char *found = "";

	for (size_t n = 0; n < i->n; n++)
		if (*found == '\0' ||
		    bytes_eq(i->certs[n].tbs.subject, i->certs[n].tbs.issuer))
			found = i->what[n].id;
	return found;
}

json_t *
import_answer(const struct import *i)
{
	json_t *data = json_object(), *mapping = json_object(),
	       *fresh = json_array(), *old = json_array(), *keys = json_array(),
	       *old_keys = json_array();

	for (size_t n = 0; n < i->n; n++) {
		const struct imported *w = &i->what[n];

		if (w->id[0] == '\0')
			continue;
		(void)json_object_set_new(mapping, w->id,
		    json_string(w->key_id));
		(void)json_array_append_new(w->is_new ? fresh : old,
		    json_string(w->id));
	}
	(void)json_object_set_new(data, "mapping", mapping);
	set_list(data, "imported_issuers", fresh);
	set_list(data, "existing_issuers", old);
	if (i->key_id[0] != '\0')
		(void)json_array_append_new(i->key_is_new ? keys : old_keys,
		    json_string(i->key_id));
	set_list(data, "imported_keys", keys);
	set_list(data, "existing_keys", old_keys);
	return data;
}

static void
answer_import(struct call *c)
{
	warn_mount_urls(c);
	call_ok(c, import_answer(work_of(c)->import));
}

static void
recorded(struct call *c)
{
	const struct import *i = work_of(c)->import;
	auto_doc const struct doc *first = NULL;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	if (i->first[0] != '\0')
		first =
		    docs_get(c->docs, "pki-issuer", c->mount->path, i->first);
	if (first != NULL && first->parsed != NULL)
		crl_then(c, first, CRL_FULL, answer_import);
	else
		answer_import(c);
}

static void
import_rest(struct call *c)
{
	struct work *w = work_of(c);
	struct import *i = w->import;

	(void)snprintf(i->key_id, sizeof(i->key_id), "%s", w->key_id);
	if (i->n > 0)
		call_change(c, "pki issuers imported", build_import, recorded);
	else
		w->answer(c);
}

/* The key first: its issuers find it in the mount. */
static void
import_key(struct call *c)
{
	struct work *w = work_of(c);
	struct import *i = w->import;
	struct sha256 hash = sha256(buf_bytes(&i->outside.spki));
	auto_doc const struct doc *key =
	    key_by_hash(c->docs, c->mount->path, &hash);

	if (key != NULL) {
		(void)snprintf(w->key_id, sizeof(w->key_id), "%s", key->name);
		import_rest(c);
		return;
	}
	i->key_is_new = true;
	call_warn(c,
	    "the private key has lived outside the HSM: every report will say "
	    "so");
	ca_key_import(c, &i->outside, import_rest);
}

/* What was read of it lies on a page of its own. */
static void
forget_pem(struct call *c, const char *field)
{
	(void)json_object_del(c->typed, field);
	(void)json_object_del(c->given, field);
}

static void
import_pem(struct call *c, const char *field, bool with_key)
{
	struct work *w = work_new(c);
	struct error e;
	bool ok;

	w->import = import_new();
	w->answer = answer_import;
	ok = read_pem(call_str(c, field), w->import, with_key, &e);
	forget_pem(c, field);
	if (!ok)
		call_fail(c, &e);
	else if (w->import->outside.pkcs8 != NULL)
		import_key(c);
	else
		call_change(c, "pki issuers imported", build_import, recorded);
}

void
set_signed(struct call *c)
{
	import_pem(c, "certificate", false);
}

void
import_certs(struct call *c)
{
	import_pem(c, "pem_bundle", false);
}

void
import_bundle(struct call *c)
{
	import_pem(c, "pem_bundle", true);
}

static void
key_imported(struct call *c)
{
	struct work *w = work_of(c);
	auto_doc const struct doc *doc =
	    docs_get(c->docs, "pki-key", c->mount->path, w->key_id);

	call_ok(c,
	    json_pack("{s:s,s:s,s:s}", "key_id", w->key_id, "key_name",
		doc != NULL ? key_of(doc)->name : "", "key_type",
		pki_key_type_word(w->import->outside.type)));
}

void
key_import(struct call *c)
{
	const char *pem = call_str(c, "pem_bundle");
	struct work *w = work_new(c);
	struct error e;
	bool ok;

	w->import = import_new();
	w->answer = key_imported;
	ok = is_long_enough(pem, &e) &&
	    pki_outside_read(pem, &w->import->outside, &e);
	forget_pem(c, "pem_bundle");
	if (ok && ca_name_check(c, "pki-key", "key_name", &e))
		import_key(c);
	else
		call_fail(c, &e);
}
