/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens by their text: the store, and a bounded cache before it. */
#include <pthread.h>
#include <stdio.h>

#include <chancery/base/limits.h>

#include "box.h"
#include "internal.h"
#include "password.h"

#define WAYS 4
#define SETS (LIMIT_TOKEN_CACHE / WAYS)

struct auth {
	struct store *store;
	struct docs *docs;
	struct policy *default_policy;
	struct lockout *lockout;
	pthread_mutex_t lock;
	/* What follows is under the lock. */
	uint64_t generation; /* rises with every change */
	struct token_box *sets[SETS][WAYS];
	unsigned next[SETS];      /* whose turn it is to go */
	struct refusals *refused; /* foreign.c */
};

struct auth *
auth_new(struct store *s, struct docs *d)
{
	struct auth *a = mem_calloc(1, sizeof(*a));
	struct error e = { 0 };

	a->store = s;
	a->docs = d;
	a->default_policy =
	    policy_parse("default", bytes_str(policy_default_text), &e);
	if (a->default_policy == NULL)
		fatal("built-in policy: %s", e.msg);
	a->lockout = lockout_new();
	(void)pthread_mutex_init(&a->lock, NULL);
	a->refused = refusals_new();
	return a;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	auth_forget(a, NULL);
	policy_free(a->default_policy);
	lockout_free(a->lockout);
	refusals_free(a->refused);
	(void)pthread_mutex_destroy(&a->lock);
	mem_free(a);
}

struct lockout *
auth_lockout(struct auth *a)
{
	return a->lockout;
}

/* ---- the cache, under the lock ---- */

static unsigned
set_of(const struct sha256 *key)
{
	return ((unsigned)key->b[0] | (unsigned)key->b[1] << 8) % SETS;
}

static struct token_box **
cache_slot(struct auth *a, const struct sha256 *key)
{
	struct token_box **set = a->sets[set_of(key)];
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (set[i] != NULL &&
		    crypto_equal(set[i]->token.key.b, key->b, SHA256_LEN))
			return &set[i];
	return NULL;
}

static void
cache_drop(struct token_box **slot)
{
	auth_token_put(&(*slot)->token);
	*slot = NULL;
}

static void
cache_put(struct auth *a, struct token_box *box)
{
	unsigned set = set_of(&box->token.key);
	struct token_box **slot = cache_slot(a, &box->token.key);

	if (slot == NULL)
		slot = &a->sets[set][a->next[set]++ % WAYS];
	if (*slot != NULL)
		cache_drop(slot);
	atomic_fetch_add(&box->refs, 1);
	*slot = box;
}

/* Counted for the caller; NULL: not there, or to be read again. */
static const struct token *
cache_get(struct auth *a, const struct sha256 *key, int64_t now_s,
    uint64_t *generation)
{
	struct token_box **slot;
	struct token_box *found = NULL;

	(void)pthread_mutex_lock(&a->lock);
	*generation = a->generation;
	slot = cache_slot(a, key);
	if (slot != NULL &&
	    ((*slot)->check_s == 0 || now_s < (*slot)->check_s)) {
		found = *slot;
		atomic_fetch_add(&found->refs, 1);
	} else if (slot != NULL) {
		cache_drop(slot);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return found == NULL ? NULL : &found->token;
}

void
auth_forget(struct auth *a, const struct sha256 *key)
{
	struct token_box **slot;
	size_t i, j;

	(void)pthread_mutex_lock(&a->lock);
	/* Who reads the old row just now must not put it here afterwards. */
	a->generation++;
	if (key != NULL) {
		slot = cache_slot(a, key);
		if (slot != NULL)
			cache_drop(slot);
	}
	for (i = 0; key == NULL && i < SETS; i++)
		for (j = 0; j < WAYS; j++)
			if (a->sets[i][j] != NULL)
				cache_drop(&a->sets[i][j]);
	(void)pthread_mutex_unlock(&a->lock);
}

static bool
box_is_below(const struct token_box *box, const struct sha256 *key)
{
	size_t i;

	for (i = 0; i < box->above_n; i++)
		if (memcmp(&box->above[i], key, sizeof(*key)) == 0)
			return true;
	return memcmp(&box->token.key, key, sizeof(*key)) == 0;
}

void
auth_forget_tree(struct auth *a, const struct sha256 *key)
{
	size_t i, j;

	(void)pthread_mutex_lock(&a->lock);
	a->generation++;
	for (i = 0; i < SETS; i++)
		for (j = 0; j < WAYS; j++)
			if (a->sets[i][j] != NULL &&
			    box_is_below(a->sets[i][j], key))
				cache_drop(&a->sets[i][j]);
	(void)pthread_mutex_unlock(&a->lock);
}

/* ---- from the store ---- */

static int64_t
sooner(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static bool
is_zero(const struct sha256 *h)
{
	static const struct sha256 none;

	return memcmp(h, &none, sizeof(none)) == 0;
}

/* A token lives as long as all above it do. */
static bool
ancestors_alive(struct auth *a, struct token_box *box, int64_t now_s,
    struct error *e)
{
	auto_buf struct buf mem = { 0 };
	struct sha256 parent = box->token.parent;
	struct store_secret row;

	while (!is_zero(&parent)) {
		if (box->above_n == LIMIT_TOKEN_DEPTH)
			return error_set(e, FAIL_PERMISSION,
			    "token is below too many others");
		if (!store_secret_get(a->store, TOKEN_KIND, &parent, now_s,
			&row, &mem, e))
			return false;
		box->above = mem_grow(box->above, box->above_n, &box->above_cap,
		    sizeof(box->above[0]));
		box->above[box->above_n++] = parent;
		box->check_s = sooner(box->check_s, row.expires_s);
		parent = row.parent;
	}
	return true;
}

struct policies {
	const struct doc *docs[TOKEN_POLICIES_MAX];
	const struct policy *parsed[TOKEN_POLICIES_MAX];
	size_t n;
};

static void
policies_find(struct auth *a, const struct token *t, struct policies *p)
{
	size_t i;

	for (i = 0; i < t->policies_n && p->n < TOKEN_POLICIES_MAX; i++) {
		const struct doc *d =
		    docs_get(a->docs, "policy", "", t->policies[i]);

		p->docs[p->n] = d;
		if (d != NULL)
			p->parsed[p->n++] = d->parsed;
		else if (strcmp(t->policies[i], "default") == 0)
			p->parsed[p->n++] = a->default_policy;
	}
}

static void
acl_attach(struct auth *a, struct token_box *box, int64_t now_s)
{
	struct policies p = { .n = 0 };
	size_t i;

	if (!box->token.root)
		policies_find(a, &box->token, &p);
	box->acl = acl_new(p.parsed, p.n, box->token.root, now_s);
	box->token.acl = box->acl;
	box->check_s = sooner(box->check_s, acl_valid_until(box->acl));
	for (i = 0; i < p.n; i++)
		docs_put(p.docs[i]);
}

/* Counted. */
static const struct token *
token_load(struct auth *a, const struct store_secret *row, int64_t now_s,
    uint64_t generation, struct error *e)
{
	struct token_box *box;
	struct token *t = token_decode(row, e);

	if (t == NULL)
		return NULL;
	box = (struct token_box *)t;
	box->check_s = row->expires_s;
	if (!ancestors_alive(a, box, now_s, e)) {
		auth_token_put(t);
		return NULL;
	}
	acl_attach(a, box, now_s);
	(void)pthread_mutex_lock(&a->lock);
	if (generation == a->generation)
		cache_put(a, box);
	(void)pthread_mutex_unlock(&a->lock);
	return t;
}

const struct token *
auth_token_get(struct auth *a, struct bytes text, int64_t now_s,
    struct error *e)
{
	auto_buf struct buf mem = { 0 };
	struct sha256 key = token_hash(text);
	struct store_secret row;
	uint64_t generation;
	const struct token *t = cache_get(a, &key, now_s, &generation);

	if (t != NULL)
		return t;
	if (text.n > 0 && text.n <= TOKEN_TEXT_MAX &&
	    store_secret_get(a->store, TOKEN_KIND, &key, now_s, &row, &mem, e))
		t = token_load(a, &row, now_s, generation, e);
	else if (text.n == 0 || text.n > TOKEN_TEXT_MAX)
		(void)error_set(e, FAIL_NOT_FOUND, "no such token");
	/* One answer, whatever is wrong with it; a store that fails is none. */
	if (t == NULL && e->why == FAIL_NOT_FOUND)
		(void)error_set(e, FAIL_PERMISSION, "permission denied");
	return t;
}

const struct token *
auth_token_by_accessor(struct auth *a, const char *accessor, int64_t now_s,
    struct error *e)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;
	uint64_t generation;

	(void)pthread_mutex_lock(&a->lock);
	generation = a->generation;
	(void)pthread_mutex_unlock(&a->lock);
	if (accessor[0] == '\0') {
		(void)error_set(e, FAIL_NOT_FOUND, "no such token");
		return NULL;
	}
	if (!store_secret_by_alias(a->store, TOKEN_KIND, accessor, now_s, &row,
		&mem, e))
		return NULL;
	return token_load(a, &row, now_s, generation, e);
}

const struct token *
auth_token_peer(struct auth *a, unsigned uid, bool root, int64_t now_s)
{
	auto_doc const struct doc *d = NULL;
	auto_json json_t *names = NULL;
	struct token_box *box;
	struct error e = { 0 };
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", uid);
	d = docs_get(a->docs, "socket-peer", "", text);
	if (!root && d == NULL)
		return NULL;
	names = root ? json_pack("[s]", "root")
		     : names_clean(json_object_get(d->json, "policies"), false);
	box = mem_calloc(1, sizeof(*box));
	atomic_init(&box->refs, 1);
	(void)snprintf(box->token.display_name, sizeof(box->token.display_name),
	    "uid:%s", text);
	(void)snprintf(box->token.path, sizeof(box->token.path), "socket");
	box->token.orphan = true;
	/* None at all: nothing is allowed. */
	(void)!token_set_policies(&box->token, names, &e);
	acl_attach(a, box, now_s);
	return &box->token;
}

/* ---- of another service ---- */

struct refusals *
auth_refusals(struct auth *a)
{
	return a->refused;
}

const struct token *
auth_token_foreign(struct auth *a, const struct token_foreign *f, int64_t now_s,
    struct error *e)
{
	struct token_box *box = foreign_box(f, now_s, e);
	uint64_t generation;

	if (box == NULL)
		return NULL;
	(void)pthread_mutex_lock(&a->lock);
	generation = a->generation;
	(void)pthread_mutex_unlock(&a->lock);
	acl_attach(a, box, now_s);
	(void)pthread_mutex_lock(&a->lock);
	if (generation == a->generation)
		cache_put(a, box);
	(void)pthread_mutex_unlock(&a->lock);
	return &box->token;
}

bool
auth_tidy(struct auth *a, int64_t now_s, struct error *e)
{
	return store_secret_expire(a->store, now_s, LIMIT_TIDY_ROWS, e);
}
