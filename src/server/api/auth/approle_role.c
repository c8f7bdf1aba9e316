/* SPDX-License-Identifier: Apache-2.0 */
/* Roles of AppRole: what a login with them gives. */
#include <stdio.h>

#include <chancery/base/text.h>

#include "approle.h"

static const char *const stored[] = { "bind_secret_id", "secret_id_bound_cidrs",
	"secret_id_num_uses", "secret_id_ttl", "local_secret_ids", "token_ttl",
	"token_max_ttl", "token_policies", "token_period",
	"token_explicit_max_ttl", "token_bound_cidrs",
	"token_no_default_policy", "token_num_uses", "token_type", NULL };

static const struct {
	const char *old, *now;
} aliases[] = { { "policies", "token_policies" }, { "period", "token_period" },
	{ "bound_cidr_list", "secret_id_bound_cidrs" } };

void
approle_name(const struct call *c, char out[256])
{
	lower_text(call_str(c, "role_name"), out, 256);
}

const struct doc *
approle_role(const struct call *c)
{
	char name[256];

	approle_name(c, name);
	return docs_get(c->docs, ROLE_KIND, c->mount->path, name);
}

const struct doc *
approle_need(struct call *c)
{
	const struct doc *d = approle_role(c);

	if (d == NULL)
		call_error(c, 404, "role \"%s\" does not exist",
		    call_str(c, "role_name"));
	return d;
}

void
approle_id_name(const char *role_id, char out[2 * SHA256_LEN + 1])
{
	struct sha256 h = sha256(bytes_str(role_id));

	hex_encode(sha256_bytes(&h), out);
}

bool
approle_exists(struct call *c)
{
	auto_doc const struct doc *d = approle_role(c);

	return d != NULL;
}

/* ---- write ---- */

static bool
no(struct error *e, const char *text)
{
	return error_set(e, FAIL_BAD_INPUT, "%s", text);
}

static bool
check_numbers(const json_t *r, struct error *e)
{
	static const char *const durations[] = { "secret_id_ttl", "token_ttl",
		"token_max_ttl", "token_period", "token_explicit_max_ttl",
		NULL };
	int64_t max = member_int(r, "token_max_ttl");

	if (!member_durations_ok(r, durations, e))
		return false;
	if (member_int(r, "secret_id_num_uses") < 0)
		return no(e, "secret_id_num_uses cannot be negative");
	if (member_int(r, "token_num_uses") < 0)
		return no(e, "token_num_uses cannot be negative");
	if (max > 0 && member_int(r, "token_ttl") > max)
		return no(e,
		    "token_ttl should not be greater than token_max_ttl");
	return true;
}

static bool
check_role(const json_t *r, struct error *e)
{
	static const char *const types[] = { "", "default", "service",
		"default-service" };
	const char *type = doc_str(r, "token_type");
	const json_t *cidrs = json_object_get(r, "secret_id_bound_cidrs");
	size_t i;

	if (!check_numbers(r, e) || !cidrs_check(cidrs, e) ||
	    !cidrs_check(json_object_get(r, "token_bound_cidrs"), e))
		return false;
	if (names_have(json_object_get(r, "token_policies"), "root"))
		return no(e, "token_policies: a role cannot give root");
	if (json_array_size(json_object_get(r, "token_policies")) >=
	    TOKEN_POLICIES_MAX)
		return no(e, "token_policies: too many");
	/* Who has the role-id alone would get in from everywhere. */
	if (!member_bool(r, "bind_secret_id", true) &&
	    json_array_size(cidrs) == 0)
		return no(e,
		    "at least one constraint should be enabled on the role");
	for (i = 0; i < countof(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "token_type \"%.40s\": this server makes service tokens only",
	    type);
}

static void
tidy_policies(json_t *r)
{
	(void)json_object_set_new(r, "token_policies",
	    names_clean(json_object_get(r, "token_policies"), false));
}

static json_t *
role_merged(const struct call *c, const json_t *old)
{
	json_t *r = doc_merged(c, old, stored);
	size_t i;

	for (i = 0; i < countof(aliases); i++)
		if (call_given(c, aliases[i].old) &&
		    !call_given(c, aliases[i].now))
			(void)json_object_set_new(r, aliases[i].now,
			    json_deep_copy(call_get(c, aliases[i].old)));
	tidy_policies(r);
	return r;
}

/* The role-id of the role, and the document by which a login finds it. */
static bool
put_role_id(struct call *c, struct changes *ch, json_t *r, const char *wanted)
{
	char name[256], hash[2 * SHA256_LEN + 1], uuid[37];
	const char *scope = c->mount->path, *old = doc_str(r, "role_id");
	auto_doc const struct doc *taken = NULL;

	approle_name(c, name);
	if (wanted[0] == '\0' && old[0] != '\0')
		return true;
	if (wanted[0] == '\0') {
		uuid_random(uuid);
		wanted = uuid;
	}
	approle_id_name(wanted, hash);
	taken = docs_get(c->docs, ROLE_ID_KIND, scope, hash);
	if (taken != NULL && strcmp(doc_str(taken->json, "role"), name) != 0) {
		call_error(c, 400,
		    "role_id is in use by another role of this mount");
		return false;
	}
	change_put(ch, ROLE_ID_KIND, scope, hash,
	    json_pack("{s:s}", "role", name));
	if (old[0] != '\0' && strcmp(old, wanted) != 0) {
		approle_id_name(old, hash);
		change_delete(ch, ROLE_ID_KIND, scope, hash);
	}
	(void)json_object_set_new(r, "role_id", json_string(wanted));
	return true;
}

static void
put_uuid(json_t *r)
{
	char uuid[37];

	if (doc_str(r, "uuid")[0] != '\0')
		return;
	uuid_random(uuid);
	(void)json_object_set_new(r, "uuid", json_string(uuid));
}

static bool
role_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *old = approle_role(c);
	auto_json json_t *r = role_merged(c, old == NULL ? NULL : old->json);
	struct error e = { 0 };
	char name[256];

	approle_name(c, name);
	if (!check_role(r, &e)) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	put_uuid(r);
	if (!put_role_id(c, ch, r, call_str(c, "role_id")))
		return false;
	if (member_int(r, "token_max_ttl") > c->mount->max_ttl_s)
		call_warn(c,
		    "token_max_ttl is greater than the mount's maximum TTL; "
		    "tokens are cut to that");
	change_put(ch, ROLE_KIND, c->mount->path, name, take(r));
	return true;
}

void
approle_write(struct call *c)
{
	if (strlen(call_str(c, "role_name")) > 255)
		bad_name(c, "role_name");
	else
		call_change(c, "approle role", role_build, changed);
}

/* ---- read, list, delete ---- */

void
approle_read(struct call *c)
{
	auto_doc const struct doc *d = approle_role(c);
	json_t *data;

	if (d == NULL) {
		call_not_found(c);
		return;
	}
	data = json_deep_copy(d->json);
	(void)json_object_del(data, "uuid");
	(void)json_object_del(data, "role_id");
	call_ok(c, data);
}

void
approle_list(struct call *c)
{
	call_keys(c, doc_names(c, ROLE_KIND, c->mount->path), NULL);
}

static bool
delete_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *d = approle_role(c);
	char hash[2 * SHA256_LEN + 1];

	if (d == NULL)
		return true;
	approle_id_name(doc_str(d->json, "role_id"), hash);
	change_delete(ch, ROLE_ID_KIND, c->mount->path, hash);
	change_delete(ch, ROLE_KIND, c->mount->path, d->name);
	c->state = mem_strdup(doc_str(d->json, "uuid"));
	c->state_free = mem_free;
	return true;
}

/* Its secret-ids are of no use any more: their scope is gone. */
static void
deleted(struct call *c)
{
	struct store_secret_change ch = { .op = STORE_SECRET_DELETE_SCOPE,
		.row = { .kind = SECRET_ID_KIND, .scope = c->state } };

	if (c->reply->ok && c->state != NULL)
		call_secrets(c, &ch, 1, changed);
	else
		changed(c);
}

void
approle_delete(struct call *c)
{
	call_change(c, "approle role removed", delete_build, deleted);
}

/* ---- role-id ---- */

void
approle_id_read(struct call *c)
{
	auto_doc const struct doc *d = approle_role(c);

	if (d == NULL)
		call_not_found(c);
	else
		call_ok(c,
		    json_pack("{s:s}", "role_id", doc_str(d->json, "role_id")));
}

static bool
id_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *d = approle_need(c);
	auto_json json_t *r = NULL;

	if (d == NULL)
		return false;
	r = json_deep_copy(d->json);
	if (!put_role_id(c, ch, r, call_str(c, "role_id")))
		return false;
	change_put(ch, ROLE_KIND, c->mount->path, d->name, take(r));
	return true;
}

void
approle_id_write(struct call *c)
{
	if (call_str(c, "role_id")[0] == '\0')
		call_error(c, 400, "missing role_id");
	else
		call_change(c, "approle role-id", id_build, changed);
}

/* ---- single attributes: role/:role_name/<path> ---- */

static const struct {
	const char *path, *field;
} attributes[] = {
	{ "policies", "token_policies" },
	{ "bind-secret-id", "bind_secret_id" },
	{ "secret-id-bound-cidrs", "secret_id_bound_cidrs" },
	{ "bound-cidr-list", "secret_id_bound_cidrs" },
	{ "secret-id-num-uses", "secret_id_num_uses" },
	{ "secret-id-ttl", "secret_id_ttl" },
	{ "token-ttl", "token_ttl" },
	{ "token-max-ttl", "token_max_ttl" },
	{ "token-num-uses", "token_num_uses" },
	{ "token-bound-cidrs", "token_bound_cidrs" },
	{ "period", "token_period" },
};

static const char *
attribute_field(const struct call *c)
{
	const char *tail = strrchr(c->route->pattern, '/') + 1;
	size_t i;

	for (i = 0; i < countof(attributes); i++)
		if (strcmp(attributes[i].path, tail) == 0)
			return attributes[i].field;
	fatal("%s: no attribute", c->route->pattern);
}

void
approle_attr_read(struct call *c)
{
	const char *field = attribute_field(c);
	auto_doc const struct doc *d = approle_role(c);

	if (d == NULL)
		call_not_found(c);
	else
		call_ok(c,
		    json_pack("{s:o}", field,
			json_deep_copy(json_object_get(d->json, field))));
}

/* Written, or with DELETE what it is by itself: the typed default. */
static bool
attr_build(struct call *c, struct changes *ch)
{
	const char *const field[] = { attribute_field(c), NULL };
	auto_doc const struct doc *d = approle_need(c);
	auto_json json_t *old = NULL, *r = NULL;
	struct error e = { 0 };

	if (d == NULL)
		return false;
	old = json_deep_copy(d->json);
	if (c->op == OP_DELETE)
		(void)json_object_del(old, field[0]);
	r = doc_merged(c, old, field);
	tidy_policies(r);
	if (!check_role(r, &e)) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	change_put(ch, ROLE_KIND, c->mount->path, d->name, take(r));
	return true;
}

void
approle_attr_write(struct call *c)
{
	if (!call_given(c, attribute_field(c)))
		call_error(c, 400, "missing %s", attribute_field(c));
	else
		call_change(c, "approle role", attr_build, changed);
}

void
approle_attr_delete(struct call *c)
{
	call_change(c, "approle role", attr_build, changed);
}

/* ---- the mount goes ---- */

struct removal {
	struct store_secret_change *changes;
	struct buf mem;
	size_t n, cap;
};

static void
removal_add(struct removal *r, const char *kind, const char *scope)
{
	r->changes = mem_grow(r->changes, r->n, &r->cap, sizeof(r->changes[0]));
	r->changes[r->n++] =
	    (struct store_secret_change){ .op = STORE_SECRET_DELETE_SCOPE,
		    .row = { .kind = kind, .scope = scope } };
}

static bool
removal_role(void *arg, const struct doc *d)
{
	removal_add(arg, SECRET_ID_KIND, doc_str(d->json, "uuid"));
	return true;
}

/* On the store's thread. What is below the tokens has no parent any more. */
static void
removal_done(void *arg, bool ok, const struct error *e)
{
	(void)ok;
	(void)e;
	auth_forget(arg, NULL);
}

/* Its tokens and secret-ids go before the mount does. Should they not: the tokens cannot
 * be renewed without their role, and the secret-ids have none. */
bool
approle_removed(struct call *c, struct changes *ch, const char *path)
{
	struct removal r = { .n = 0 };

	(void)ch;
	buf_addf(&r.mem, "%s/login", path);
	removal_add(&r, TOKEN_KIND, buf_cstr(&r.mem));
	docs_each(c->docs, ROLE_KIND, path, removal_role, &r);
	store_secrets_write(c->store, r.changes, r.n, removal_done, c->tokens);
	mem_free(r.changes);
	buf_free(&r.mem);
	return true;
}
