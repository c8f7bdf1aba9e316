/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of authorities: made in the HSM, found in the mount, or named by their label
 * (vault-pki-api.md 4.4, 4.10). The document of a key is recorded as soon as the key is
 * there, so that nothing in the HSM is without a name when a later step fails.
 */
#include <chancery/base/text.h>

#include "engine.h"

static const char *
alias(const struct call *c)
{
	const char *ref = in_str(c, "managed_key_name");

	if (ref[0] == '\0')
		ref = in_str(c, "managed_key_id");
	return ref[0] != '\0' ? ref : in_str(c, "external_key_ref");
}

bool
ca_name_check(struct call *c, const char *kind, const char *field,
    struct error *e)
{
	const char *name = in_str(c, field), *what = kind + strlen("pki-");

	if (name[0] == '\0')
		return true;
	if (strcasecmp(name, "default") == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "reserved keyword 'default' can not be used as %s name",
		    what);
	if (!pki_name_valid(name))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s name contained invalid characters", what);
	if (name_taken(c->docs, kind, c->mount->path, name, NULL))
		return error_set(e, FAIL_BAD_INPUT, "%s name already in use",
		    what);
	return true;
}

static bool
check_label(const char *label, struct error *e)
{
	size_t n = strlen(label);

	if (n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "type kms needs managed_key_name (or external_key_ref): "
		    "the label of a key in the HSM");
	return n < ROOM_LABEL_MAX - 1 ||
	    error_set(e, FAIL_BAD_INPUT,
		"managed_key_name: longer than %d octets", ROOM_LABEL_MAX - 2);
}

static bool
check_type(struct call *c, struct error *e)
{
	struct key_type t;

	if (!pki_key_type(in_str(c, "key_type"), in_int(c, "key_bits"), &t, e))
		return false;
	return key_type_can_generate(t) ||
	    error_set(e, FAIL_BAD_INPUT,
		"unsupported bit length for a key of an authority: %lld; keys "
		"in the HSM are rsa of 2048, 3072, 4096, ec of 256, 384, or "
		"ed25519",
		(long long)in_int(c, "key_bits"));
}

bool
ca_key_check(struct call *c, struct error *e)
{
	const char *type = in_str(c, "type");

	if (strcmp(type, "exported") == 0)
		return error_set(e, FAIL_REFUSED,
		    "type exported is refused: keys of an authority are made "
		    "in the HSM and never leave it; use internal");
	if (strcmp(type, "internal") == 0)
		return check_type(c, e) &&
		    ca_name_check(c, "pki-key", "key_name", e);
	if (strcmp(type, "kms") == 0)
		return check_label(alias(c), e) &&
		    ca_name_check(c, "pki-key", "key_name", e);
	if (strcmp(type, "existing") != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "unknown type \"%.40s\": internal, existing or kms", type);
	return (!call_given(c, "key_type") && !call_given(c, "key_bits")) ||
	    error_set(e, FAIL_BAD_INPUT,
		"invalid parameter for the kms/existing path parameter, "
		"key_type nor key_bits arguments can be set in this mode");
}

/* ---- found -------------------------------------------------------------------- */

static void
use_key(struct call *c, const struct doc *doc)
{
	struct work *w = work_of(c);
	const struct key *k = key_of(doc);
	struct error e;

	(void)snprintf(w->key_id, sizeof(w->key_id), "%s", k->id);
	w->hsm_key = k->key;
	buf_reset(&w->spki_der);
	buf_add_bytes(&w->spki_der, buf_bytes(&k->spki_der));
	if (spki_parse(buf_bytes(&w->spki_der), &w->key, &e))
		w->key_next(c);
	else
		call_fail(c, &e);
}

struct label_search {
	const char *label;
	const struct doc *found;
};

static bool
by_label(void *arg, const struct doc *doc)
{
	struct label_search *s = arg;
	const char *label =
	    json_string_value(json_object_get(doc->json, "label"));

	if (doc->parsed == NULL || label == NULL ||
	    strcmp(label, s->label) != 0)
		return true;
	s->found = docs_ref(doc);
	return false;
}

/* ---- made --------------------------------------------------------------------- */

static json_t *
key_document(const struct work *w, const char *name)
{
	auto_buf struct buf spki = { 0 }, hash = { 0 };
	json_t *o;

	buf_add_base64(&spki, buf_bytes(&w->spki_der));
	buf_add_hex(&hash, sha256_bytes(&w->hsm_key));
	o = json_pack("{s:s,s:s,s:s,s:s,s:i,s:s}", "name", name, "label",
	    w->label, "key", buf_cstr(&hash), "type",
	    pki_key_type_word(w->key.type), "bits",
	    (int)pki_key_bits(w->key.type), "spki", buf_cstr(&spki));
	if (w->keygen.pkcs8.n > 0)
		(void)json_object_set_new(o, "imported", json_true());
	return o;
}

static bool
build_key(struct call *c, struct changes *ch)
{
	struct work *w = work_of(c);
	struct error e;

	/* Meanwhile another call may have taken it: the key keeps its id. */
	if (!ca_name_check(c, "pki-key", "key_name", &e)) {
		call_warn(c, "%s; the key has no name", e.msg);
		change_put(ch, "pki-key", c->mount->path, w->key_id,
		    key_document(w, ""));
	} else {
		change_put(ch, "pki-key", c->mount->path, w->key_id,
		    key_document(w, in_str(c, "key_name")));
	}
	put_default(c, ch, "keys", w->key_id, false);
	return true;
}

static void
recorded(struct call *c)
{
	if (c->reply->ok)
		work_of(c)->key_next(c);
	else
		call_fail_reply(c);
}

static void
made(struct call *c)
{
	struct work *w = work_of(c);
	struct error e;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	w->hsm_key = c->reply->key;
	buf_reset(&w->spki_der);
	buf_add_bytes(&w->spki_der, c->reply->spki);
	if (!spki_parse(buf_bytes(&w->spki_der), &w->key, &e)) {
		call_fail(c, &e);
		return;
	}
	uuid_new(w->key_id);
	call_change(c, "pki key", build_key, recorded);
}

static void
make(struct call *c, const char *label)
{
	struct work *w = work_of(c);
	struct error e;

	(void)snprintf(w->label, sizeof(w->label), "%s", label);
	if (!check_type(c, &e) ||
	    !pki_key_type(in_str(c, "key_type"), in_int(c, "key_bits"),
		&w->keygen.type, &e)) {
		call_fail(c, &e);
		return;
	}
	w->keygen.label = w->label;
	call_key_generate(c, &w->keygen, made);
}

static void
label_new(const struct call *c, char label[ROOM_LABEL_MAX])
{
	char id[37];
	size_t n;

	uuid_new(id);
	n = (size_t)snprintf(label, ROOM_LABEL_MAX, "%.80s-%.8s",
	    c->mount->path, id);
	/* A label is one segment of a PKCS#11 URI. */
	while (n-- > 0)
		if (label[n] == '/')
			label[n] = '-';
}

static void
make_unnamed(struct call *c)
{
	char label[ROOM_LABEL_MAX];

	label_new(c, label);
	make(c, label);
}

void
ca_key_import(struct call *c, const struct pki_outside *from, call_fn *next)
{
	struct work *w = work_of(c);

	w->key_next = next;
	label_new(c, w->label);
	w->keygen = (struct lane_keygen){ .type = from->type,
		.label = w->label,
		.pkcs8 = bytes_of(secret_data(from->pkcs8),
		    secret_len(from->pkcs8)) };
	call_key_generate(c, &w->keygen, made);
}

static void
find_alias(struct call *c)
{
	struct label_search s = { .label = alias(c) };
	auto_doc const struct doc *doc = NULL;

	docs_each(c->docs, "pki-key", c->mount->path, by_label, &s);
	doc = s.found;
	if (doc != NULL)
		use_key(c, doc);
	else
		make(c, s.label);
}

void
ca_key(struct call *c, call_fn *next)
{
	const char *type = in_str(c, "type");
	auto_doc const struct doc *doc = NULL;
	struct error e;

	work_of(c)->key_next = next;
	if (strcmp(type, "internal") == 0) {
		make_unnamed(c);
	} else if (strcmp(type, "kms") == 0) {
		find_alias(c);
	} else {
		doc =
		    key_find(c->docs, c->mount->path, in_str(c, "key_ref"), &e);
		if (doc != NULL)
			use_key(c, doc);
		else
			call_fail(c, &e);
	}
}
