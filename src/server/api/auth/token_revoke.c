/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers.h"

static void
revoked(struct call *c)
{
	const struct token *t = c->state;

	auth_forget_tree(c->tokens, &t->key);
	changed(c);
}

static void
token_state_free(void *state)
{
	auth_token_put(state);
}

static void
revoke_tree(struct call *c, const struct token *t)
{
	struct store_secret_change ch = { .op = STORE_SECRET_DELETE_TREE,
		.row = { .kind = TOKEN_KIND, .key = t->key, .scope = "" } };

	memcpy(&c->state, &t, sizeof(t));
	c->state_free = token_state_free;
	call_secrets(c, &ch, 1, revoked);
}

/* What is not there is gone already. */
static void
revoke_named(struct call *c, enum whose whose)
{
	struct error e = { 0 };
	const struct token *t;

	if (whose == WHOSE_TOKEN && call_str(c, "token")[0] == '\0') {
		call_error(c, 400, "missing token ID");
		return;
	}
	if (whose == WHOSE_ACCESSOR && call_str(c, "accessor")[0] == '\0') {
		call_error(c, 400, "missing accessor");
		return;
	}
	t = find_token(c, whose, &e);
	if (t != NULL && is_foreign(c, t))
		auth_token_put(t);
	else if (t != NULL)
		revoke_tree(c, t);
	else if (e.why != FAIL_NOT_FOUND)
		call_fail(c, &e);
	else {
		if (whose == WHOSE_ACCESSOR)
			call_warn(c, "No token found with this accessor");
		call_no_content(c);
	}
}

void
token_revoke(struct call *c)
{
	revoke_named(c, WHOSE_TOKEN);
}

void
token_revoke_self(struct call *c)
{
	revoke_named(c, WHOSE_SELF);
}

void
token_revoke_accessor(struct call *c)
{
	revoke_named(c, WHOSE_ACCESSOR);
}

/* ---- revoke-orphan: the children stay, without a parent ---- */

struct orphans {
	struct sha256 parent;
	struct store_secret_change *changes;
	struct buf *mem; /* one a change: rows outlive the list */
	struct token **tokens;
	size_t n, cap, mem_cap, tokens_cap;
	struct error e;
	bool failed;
};

static void
orphans_free(void *state)
{
	struct orphans *o = state;
	size_t i;

	for (i = 0; i < o->n; i++) {
		buf_free(&o->mem[i]);
		auth_token_put(o->tokens[i]);
	}
	mem_free(o->changes);
	mem_free(o->mem);
	mem_free(o->tokens);
	mem_free(o);
}

static bool
orphan_add(void *arg, const struct store_secret *row)
{
	struct orphans *o = arg;
	struct token *t;

	if (memcmp(&row->parent, &o->parent, sizeof(o->parent)) != 0)
		return true;
	t = token_decode(row, &o->e);
	o->failed = t == NULL;
	if (o->failed)
		return false;
	t->parent = (struct sha256){ { 0 } };
	t->orphan = true;
	o->tokens =
	    mem_grow(o->tokens, o->n, &o->tokens_cap, sizeof(o->tokens[0]));
	o->mem = mem_grow(o->mem, o->n, &o->mem_cap, sizeof(o->mem[0]));
	o->changes = mem_grow(o->changes, o->n, &o->cap, sizeof(o->changes[0]));
	o->tokens[o->n] = t;
	o->mem[o->n] = (struct buf){ 0 };
	o->changes[o->n] =
	    (struct store_secret_change){ .op = STORE_SECRET_SWAP,
		    .row = token_row(t, &o->mem[o->n]) };
	o->n++;
	return true;
}

static void
orphaned(struct call *c)
{
	struct orphans *o = c->state;

	auth_forget_tree(c->tokens, &o->parent);
	changed(c);
}

void
token_revoke_orphan(struct call *c)
{
	struct error e = { 0 };
	auto_token const struct token *t = NULL;
	struct orphans *o;

	if (call_str(c, "token")[0] == '\0') {
		call_error(c, 400, "missing token ID");
		return;
	}
	t = find_token(c, WHOSE_TOKEN, &e);
	if (t == NULL && e.why == FAIL_NOT_FOUND) {
		call_error(c, 400, "token to revoke not found");
		return;
	}
	if (t == NULL) {
		call_fail(c, &e);
		return;
	}
	if (is_foreign(c, t))
		return;
	o = mem_calloc(1, sizeof(*o));
	o->parent = t->key;
	c->state = o;
	c->state_free = orphans_free;
	if (!store_secret_list(c->store, TOKEN_KIND, NULL, c->now_s, orphan_add,
		o, &o->e) ||
	    o->failed) {
		call_fail(c, &o->e);
		return;
	}
	o->changes = mem_grow(o->changes, o->n, &o->cap, sizeof(o->changes[0]));
	o->changes[o->n] =
	    (struct store_secret_change){ .op = STORE_SECRET_DELETE,
		    .row = { .kind = TOKEN_KIND, .key = t->key, .scope = "" } };
	call_secrets(c, o->changes, o->n + 1, orphaned);
}

/* ---- accessors: all of them, read on a helper thread ---- */

struct accessors {
	struct store *store;
	int64_t now_s;
	json_t *keys;
	struct error e;
	bool ok;
};

static void
accessors_free(void *state)
{
	struct accessors *a = state;

	json_decref(a->keys);
	mem_free(a);
}

static bool
accessor_add(void *arg, const struct store_secret *row)
{
	if (row->alias != NULL)
		(void)json_array_append_new(arg, json_string(row->alias));
	return true;
}

static void
accessors_read(void *state)
{
	struct accessors *a = state;

	a->ok = store_secret_list(a->store, TOKEN_KIND, NULL, a->now_s,
	    accessor_add, a->keys, &a->e);
}

static void
accessors_answer(struct call *c)
{
	struct accessors *a = c->state;

	if (a->ok)
		call_keys(c, take(a->keys), NULL);
	else
		call_fail(c, &a->e);
}

void
token_accessors(struct call *c)
{
	struct accessors *a = mem_calloc(1, sizeof(*a));

	a->store = c->store;
	a->now_s = c->now_s;
	a->keys = json_array();
	c->state = a;
	c->state_free = accessors_free;
	call_offload(c, accessors_read, accessors_answer);
}
