/* SPDX-License-Identifier: Apache-2.0 */
/* roles/:name (vault-pki-api.md 5.1). */
#include <chancery/server/request.h>

#include "engine.h"

static const struct doc *
role_find(struct call *c)
{
	return docs_get(c->docs, "pki-role", c->mount->path,
	    call_str(c, "name"));
}

void
role_read(struct call *c)
{
	auto_doc const struct doc *doc = role_find(c);
	json_t *copy;

	if (doc == NULL) {
		call_not_found(c);
		return;
	}
	/* Fields that were not there when it was written have their default. */
	copy = pki_role_document(doc->json);
	call_ok(c, copy);
}

static bool
put_role(struct call *c, struct changes *ch, json_t *doc)
{
	auto_doc const struct doc *issuer = NULL;
	struct pki_role *r = NULL;
	struct error e = { 0 };
	bool no_lease = false;

	if (!pki_name_valid(call_str(c, "name")))
		(void)error_set(&e, FAIL_BAD_INPUT,
		    "the role's name has characters that a name may not have");
	else if (pki_role_normalise(doc, &no_lease, &e))
		r = pki_role_parse(doc, &e);
	if (r == NULL) {
		json_decref(doc);
		call_fail(c, &e);
		return false;
	}
	if (no_lease)
		call_warn(c,
		    "mutually exclusive values no_store=true and "
		    "generate_lease=true were both specified; no_store=true "
		    "takes priority");
	if (r->generate_lease)
		call_warn(c,
		    "generate_lease: each certificate costs a durable write "
		    "more, and is revoked when its token ends; short lives "
		    "and revoke do without");
	issuer = issuer_find(c->docs, c->mount->path, r->issuer_ref, &e);
	if (issuer == NULL && strcasecmp(r->issuer_ref, "default") == 0)
		call_warn(c,
		    "Issuing Certificate was set to default, but no default "
		    "issuing certificate (configurable at /config/issuers) is "
		    "currently set");
	else if (issuer == NULL)
		call_warn(c,
		    "Issuing Certificate was set to %s but no issuer "
		    "of that name or id is there yet",
		    r->issuer_ref);
	pki_role_free(r);
	change_put(ch, "pki-role", c->mount->path, call_str(c, "name"), doc);
	return true;
}

static bool
build_write(struct call *c, struct changes *ch)
{
	auto_json json_t *all = call_all(c);

	return put_role(c, ch, pki_role_document(all));
}

static bool
build_patch(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *now = role_find(c);

	if (now == NULL) {
		call_not_found(c);
		return false;
	}
	return put_role(c, ch, pki_role_merge(now->json, c->typed, c->given));
}

static void
written(struct call *c)
{
	if (c->reply->ok)
		role_read(c);
	else
		call_fail_reply(c);
}

void
role_write(struct call *c)
{
	call_change(c, "pki role", build_write, written);
}

void
role_patch(struct call *c)
{
	call_change(c, "pki role", build_patch, written);
}

static bool
build_delete(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *now = role_find(c);

	if (now != NULL)
		change_delete(ch, "pki-role", c->mount->path,
		    call_str(c, "name"));
	return true;
}

void
role_delete(struct call *c)
{
	call_change(c, "pki role deleted", build_delete, call_end_reply);
}

static bool
add_name(void *arg, const struct doc *doc)
{
	(void)json_array_append_new(arg, json_string(doc->name));
	return true;
}

void
role_list(struct call *c)
{
	json_t *keys = json_array();

	docs_each(c->docs, "pki-role", c->mount->path, add_name, keys);
	call_keys(c, keys, NULL);
}
