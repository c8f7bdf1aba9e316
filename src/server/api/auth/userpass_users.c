/* SPDX-License-Identifier: Apache-2.0 */
/* Users of auth/userpass and their passwords. */
#include <stdio.h>

#include "userpass.h"

bool
userpass_name(struct call *c, char out[256])
{
	const char *name = call_str(c, "username");

	/* With the mount's path it is the scope of tokens. */
	if (name[0] == '\0' ||
	    strlen(c->mount->path) + strlen("/login/") + strlen(name) >
		STORE_NAME_MAX) {
		call_error(c, 400, "username: too long for this mount");
		return false;
	}
	lower_text(name, out, 256);
	return true;
}

const struct doc *
userpass_user(const struct call *c, const char *name)
{
	return docs_get(c->docs, USERPASS_KIND, c->mount->path, name);
}

char *
userpass_path(const char *mount, const char *name)
{
	return mem_printf("%s/login/%s", mount, name);
}

struct secret *
userpass_password(struct call *c)
{
	const char *text = call_str(c, "password");
	struct secret *s;

	if (text[0] == '\0')
		return NULL;
	if (strlen(text) > LIMIT_PASSWORD_BYTES) {
		call_error(c, 400, "password: at most %d octets",
		    LIMIT_PASSWORD_BYTES);
		return NULL;
	}
	s = secret_new(LIMIT_PASSWORD_BYTES);
	if (!secret_set(s, text, strlen(text)))
		fatal("no room for a password");
	return s;
}

bool
userpass_exists(struct call *c)
{
	char name[256];
	auto_doc const struct doc *d = NULL;

	lower_text(call_str(c, "username"), name, sizeof(name));
	d = userpass_user(c, name);
	return d != NULL;
}

/* ---- write: hash on a helper thread, document, row ---- */

struct user_change {
	char name[256];
	struct secret *text; /* NULL: the password stays */
	struct password password;
	bool policies_only;
};

static void
user_change_free(void *state)
{
	struct user_change *u = state;

	secret_free(u->text);
	explicit_bzero(&u->password, sizeof(u->password));
	mem_free(u);
}

static void
hash_work(void *state)
{
	struct user_change *u = state;

	password_hash(&u->password, u->text, u->password.hash);
}

static void
write_password(struct call *c)
{
	struct user_change *u = c->state;
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch = { .op = STORE_SECRET_PUT,
		.row =
		    password_row(&u->password, c->mount->path, u->name, &mem) };

	call_secrets(c, &ch, 1, changed);
}

/* The hash lies in locked memory until here, and in the store. */
static void
user_written(struct call *c)
{
	const struct user_change *u = c->state;

	if (c->reply->ok && u->text != NULL)
		write_password(c);
	else
		changed(c);
}

static void
only_policies(const struct call *c, json_t *doc)
{
	const char *field =
	    call_given(c, "token_policies") ? "token_policies" : "policies";

	(void)json_object_set_new(doc, "token_policies",
	    names_clean(call_get(c, field), false));
}

static bool
user_build(struct call *c, struct changes *ch)
{
	const struct user_change *u = c->state;
	auto_doc const struct doc *old = userpass_user(c, u->name);
	auto_json json_t *doc =
	    old == NULL ? json_object() : json_deep_copy(old->json);
	struct error e = { 0 };

	if (old == NULL && (u->policies_only || u->text == NULL)) {
		call_error(c, 400,
		    u->policies_only ? "username does not exist"
				     : "missing password");
		return false;
	}
	if (u->policies_only)
		only_policies(c, doc);
	else
		token_params_merge(c, doc);
	if (!token_params_check(doc, &e)) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	change_put(ch, USERPASS_KIND, c->mount->path, u->name, take(doc));
	return true;
}

static void
user_change(struct call *c)
{
	call_change(c, "userpass user", user_build, user_written);
}

/* NULL: it has answered. */
static struct user_change *
user_begin(struct call *c)
{
	char name[256];
	struct user_change *u;

	if (!userpass_name(c, name))
		return NULL;
	u = mem_calloc(1, sizeof(*u));
	memcpy(u->name, name, sizeof(name));
	password_fresh(&u->password);
	c->state = u;
	c->state_free = user_change_free;
	return u;
}

static bool
check_hash(struct call *c)
{
	if (call_str(c, "password_hash")[0] == '\0')
		return true;
	call_error(c, 400,
	    "password_hash: hashes made elsewhere are not taken; give the "
	    "password");
	return false;
}

void
userpass_write(struct call *c)
{
	struct user_change *u = check_hash(c) ? user_begin(c) : NULL;

	if (u == NULL)
		return;
	u->text = userpass_password(c);
	if (u->text != NULL)
		call_offload(c, hash_work, user_change);
	else if (call_str(c, "password")[0] == '\0')
		user_change(c);
}

void
userpass_password_write(struct call *c)
{
	struct user_change *u = check_hash(c) ? user_begin(c) : NULL;
	auto_doc const struct doc *d = NULL;

	if (u == NULL)
		return;
	d = userpass_user(c, u->name);
	if (d == NULL) {
		call_error(c, 400, "username does not exist");
		return;
	}
	u->text = userpass_password(c);
	if (u->text != NULL)
		call_offload(c, hash_work, write_password);
	else if (call_str(c, "password")[0] == '\0')
		call_error(c, 400, "missing password");
}

void
userpass_policies_write(struct call *c)
{
	struct user_change *u = user_begin(c);

	if (u == NULL)
		return;
	u->policies_only = true;
	user_change(c);
}

/* ---- read, list ---- */

void
userpass_read(struct call *c)
{
	char name[256];
	auto_doc const struct doc *d = NULL;

	if (!userpass_name(c, name))
		return;
	d = userpass_user(c, name);
	if (d == NULL)
		call_not_found(c);
	else
		call_ok(c, json_deep_copy(d->json));
}

void
userpass_list(struct call *c)
{
	call_keys(c, doc_names(c, USERPASS_KIND, c->mount->path), NULL);
}

/* ---- delete: the user's tokens end too ---- */

static bool
delete_build(struct call *c, struct changes *ch)
{
	const struct user_change *u = c->state;
	auto_doc const struct doc *d = userpass_user(c, u->name);

	if (d != NULL)
		change_delete(ch, USERPASS_KIND, c->mount->path, u->name);
	return true;
}

static void
tokens_ended(struct call *c)
{
	auth_forget(c->tokens, NULL);
	changed(c);
}

static void
deleted(struct call *c)
{
	const struct user_change *u = c->state;
	auto_mem char *scope = userpass_path(c->mount->path, u->name);
	struct store_secret_change ch[2] = { { .op = STORE_SECRET_DELETE },
		{ .op = STORE_SECRET_DELETE_SCOPE,
		    .row = { .kind = TOKEN_KIND, .scope = scope } } };

	if (!c->reply->ok) {
		changed(c);
		return;
	}
	ch[0].row = (struct store_secret){ .kind = PASSWORD_KIND,
		.key = password_key(c->mount->path, u->name),
		.scope = c->mount->path };
	call_secrets(c, ch, countof(ch), tokens_ended);
}

void
userpass_delete(struct call *c)
{
	if (user_begin(c) != NULL)
		call_change(c, "userpass user removed", delete_build, deleted);
}

/* ---- the mount goes ---- */

struct removal {
	struct store_secret_change *changes;
	char **scopes;
	const char *mount;
	size_t n, cap, scopes_cap;
};

static void
removal_add(struct removal *r, const char *kind, char *scope)
{
	r->scopes = mem_grow(r->scopes, r->n, &r->scopes_cap, sizeof(char *));
	r->changes = mem_grow(r->changes, r->n, &r->cap, sizeof(r->changes[0]));
	r->scopes[r->n] = scope;
	r->changes[r->n++] =
	    (struct store_secret_change){ .op = STORE_SECRET_DELETE_SCOPE,
		    .row = { .kind = kind, .scope = scope } };
}

static bool
removal_user(void *arg, const struct doc *d)
{
	struct removal *r = arg;

	removal_add(r, TOKEN_KIND, userpass_path(r->mount, d->name));
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

/* Tokens and passwords go before the mount does. Should they not: the tokens cannot be
 * renewed, and a user who is made again gets a password of his own. */
bool
userpass_removed(struct call *c, struct changes *ch, const char *path)
{
	struct removal r = { .mount = path };

	(void)ch;
	removal_add(&r, PASSWORD_KIND, mem_strdup(path));
	docs_each(c->docs, USERPASS_KIND, path, removal_user, &r);
	store_secrets_write(c->store, r.changes, r.n, removal_done, c->tokens);
	for (size_t i = 0; i < r.n; i++)
		mem_free(r.scopes[i]);
	mem_free(r.scopes);
	mem_free(r.changes);
	return true;
}
