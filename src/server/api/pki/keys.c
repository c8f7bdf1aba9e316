/* SPDX-License-Identifier: Apache-2.0 */
/* keys (vault-pki-api.md 4.10): names for keys in the HSM. */
#include <chancery/base/text.h>

#include "engine.h"

struct listing {
	json_t *keys, *info;
	char dflt[64];
};

/* Where it is so: has lived outside an HSM. */
static void
say_imported(const struct key *k, json_t *o)
{
	if (k->imported)
		(void)json_object_set_new(o, "imported", json_true());
}

static bool
add_key(void *arg, const struct doc *doc)
{
	struct listing *l = arg;
	json_t *o;

	if (doc->parsed == NULL)
		return true;
	(void)json_array_append_new(l->keys, json_string(doc->name));
	o = json_pack("{s:s,s:b}", "key_name", key_of(doc)->name, "is_default",
	    strcmp(doc->name, l->dflt) == 0);
	say_imported(key_of(doc), o);
	(void)json_object_set_new(l->info, doc->name, o);
	return true;
}

void
key_list(struct call *c)
{
	struct listing l = { .keys = json_array(), .info = json_object() };

	default_id(c->docs, c->mount->path, "keys", l.dflt);
	docs_each(c->docs, "pki-key", c->mount->path, add_key, &l);
	call_keys(c, l.keys, l.info);
}

static const struct doc *
key_ref(struct call *c)
{
	struct error e;
	const struct doc *doc =
	    key_find(c->docs, c->mount->path, call_str(c, "ref"), &e);

	if (doc == NULL)
		call_fail(c, &e);
	return doc;
}

static json_t *
key_json(const struct key *k)
{
	auto_buf struct buf ski = { 0 };
	json_t *o;

	for (size_t i = 0; i < sizeof(k->ski); i++)
		buf_addf(&ski, "%s%02x", i > 0 ? ":" : "", k->ski[i]);
	o = json_pack("{s:s,s:s,s:s,s:s}", "key_id", k->id, "key_name", k->name,
	    "key_type", pki_key_type_word(k->type), "subject_key_id",
	    buf_cstr(&ski));
	say_imported(k, o);
	return o;
}

void
key_read(struct call *c)
{
	auto_doc const struct doc *doc = key_ref(c);

	if (doc != NULL)
		call_ok(c, key_json(key_of(doc)));
}

static bool
build_rename(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *doc = key_ref(c);
	const char *name = in_str(c, "key_name");
	json_t *copy;

	if (doc == NULL)
		return false;
	if (name[0] != '\0' &&
	    (!pki_name_valid(name) || strcasecmp(name, "default") == 0)) {
		call_error(c, 400, "key name contained invalid characters");
		return false;
	}
	if (name_taken(c->docs, "pki-key", c->mount->path, name, doc->name)) {
		call_error(c, 400, "key name already in use");
		return false;
	}
	if (name[0] == '\0')
		call_warn(c,
		    "Name successfully deleted, you will now need to reference "
		    "this key by its Id: %s",
		    doc->name);
	/* By its new name nobody finds it under the old one. */
	(void)snprintf(work_of(c)->key_id, 37, "%s", doc->name);
	copy = json_deep_copy(doc->json);
	(void)json_object_set_new(copy, "name", json_string(name));
	change_put(ch, "pki-key", c->mount->path, doc->name, copy);
	return true;
}

static void
renamed(struct call *c)
{
	auto_doc const struct doc *doc = NULL;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	doc = docs_get(c->docs, "pki-key", c->mount->path, work_of(c)->key_id);
	if (doc == NULL || doc->parsed == NULL)
		call_not_found(c);
	else
		call_ok(c,
		    json_pack("{s:s,s:s,s:s}", "key_id", doc->name, "key_name",
			key_of(doc)->name, "key_type",
			pki_key_type_word(key_of(doc)->type)));
}

void
key_write(struct call *c)
{
	(void)work_new(c);
	call_change(c, "pki key name", build_rename, renamed);
}

struct use_search {
	const char *key_id;
	bool found;
};

static bool
uses_key(void *arg, const struct doc *doc)
{
	struct use_search *s = arg;
	const char *id =
	    json_string_value(json_object_get(doc->json, "key_id"));

	s->found |= id != NULL && strcmp(id, s->key_id) == 0;
	return !s->found;
}

static bool
build_key_delete(struct call *c, struct changes *ch)
{
	struct error e;
	auto_doc const struct doc *doc =
	    key_find(c->docs, c->mount->path, call_str(c, "ref"), &e);
	struct use_search s = { 0 };
	char dflt[64];

	if (doc == NULL)
		return true;
	s.key_id = doc->name;
	docs_each(c->docs, "pki-issuer", c->mount->path, uses_key, &s);
	if (s.found) {
		call_error(c, 400,
		    "Failed to delete key: an issuer of this mount uses it");
		return false;
	}
	default_id(c->docs, c->mount->path, "keys", dflt);
	if (strcmp(dflt, doc->name) == 0) {
		change_put(ch, "pki-config", c->mount->path, "keys",
		    json_pack("{s:s}", "default", ""));
		call_warn(c,
		    "Deleted key %s (via key_ref %s); this was configured as "
		    "the default key. Operations without an explicit key will "
		    "not work until a new default is configured.",
		    doc->name, call_str(c, "ref"));
	}
	change_delete(ch, "pki-key", c->mount->path, doc->name);
	return true;
}

/* The key stays in the HSM: it is only detached. */
void
key_delete(struct call *c)
{
	call_change(c, "pki key detached", build_key_delete, call_end_reply);
}

static void
generated(struct call *c)
{
	struct work *w = work_of(c);
	auto_doc const struct doc *doc =
	    docs_get(c->docs, "pki-key", c->mount->path, w->key_id);

	call_ok(c,
	    json_pack("{s:s,s:s,s:s}", "key_id", w->key_id, "key_name",
		doc != NULL ? key_of(doc)->name : "", "key_type",
		pki_key_type_word(w->key.type)));
}

void
key_generate(struct call *c)
{
	struct error e;

	(void)work_new(c);
	if (strcmp(in_str(c, "type"), "existing") == 0)
		call_error(c, 400,
		    "unknown type \"existing\": internal or kms");
	else if (ca_key_check(c, &e))
		ca_key(c, generated);
	else
		call_fail(c, &e);
}
