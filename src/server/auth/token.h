/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tokens as rows, and the rules by which they are made; what the handlers share with this
 * library beyond auth.h. */
#include <chancery/server/auth.h>
#include <chancery/server/request.h>

#define TOKEN_KIND STORE_KIND_TOKEN
#define TOKEN_PREFIX "hvs."
#define TOKEN_CHECK 6 /* by which auth_text_is_ours knows it */

/* ---- random texts ---- */
/* prefix + 24 random base62 digits + 6 that check them; `s` has room for TOKEN_TEXT_MAX. */
void token_text_random(struct secret *s, const char *prefix);
struct sha256 token_hash(struct bytes text);

/* ---- names of policies ---- */
/* Lower case, trimmed, sorted, each once, empty ones left out; with "root" nothing else
 * stays. `names`: array of strings or NULL. */
json_t *names_clean(const json_t *names, bool add_default) must_check;
bool names_have(const json_t *names, const char *name) must_check;
/* '*' stands for anything, wherever it is: globs of roles, names of certificates. */
bool name_glob(const char *pattern, const char *text) must_check;
/* One of these globs fits. */
bool names_match(const json_t *globs, const char *name) must_check;
/* Globs of parameters: '*' at the beginning, the end or both; a single "*" is itself. */
bool text_glob(const char *pattern, const char *text) must_check;
json_t *names_of(char *const *names, size_t n) must_check;

/* ---- CIDR lists ---- */
/* Each is an address or a block. FAIL_BAD_INPUT names the first that is not. */
bool cidrs_check(const json_t *cidrs, struct error *e) must_check;
/* `peer`: "192.0.2.1:443", "[2001:db8::1]:443". */
bool cidr_match(const char *cidr, const char *peer) must_check;
bool cidrs_match(const json_t *cidrs, const char *peer) must_check;
/* Every block of `inner` lies in one of `outer`. */
bool cidrs_within(const json_t *inner, const json_t *outer) must_check;

/* ---- lifetimes ---- */
struct ttl_ask {
	int64_t now_s, issued_s;
	int64_t wanted_s;   /* increment or ttl asked for; 0: none */
	int64_t default_s;  /* of the role; 0: the system's        */
	int64_t period_s;   /* 0: not periodic                     */
	int64_t max_s;      /* of the role; 0: the system's        */
	int64_t explicit_s; /* 0: none                             */
	int64_t system_default_s, system_max_s;
};
/* §7.1, "TTL on renew"; of a new token issued_s is now_s. FAIL_BAD_INPUT: its time is
 * over. `warnings` gets what was cut. */
bool ttl_compute(const struct ttl_ask *t, int64_t *ttl_s, json_t *warnings,
    struct error *e) must_check;

/* ---- making one ---- */
struct token_ask {
	const struct token *parent; /* NULL: a login                       */
	bool sudo;                  /* on the path asked                   */
	bool orphan;                /* create-orphan, or a login           */
	const json_t *role;         /* document of a token role; NULL      */
	const char *role_name;      /* "" without                          */
	const char *path;           /* "auth/token/create"                 */
	int64_t now_s, system_default_s, system_max_s;
	/* fields */
	const json_t *policies; /* array; empty: the parent's */
	const json_t *meta;     /* object of strings or NULL  */
	const char *display_name;
	const char *type;
	bool custom_id, no_parent, no_default_policy, renewable;
	int64_t uses, ttl_s, explicit_max_s, period_s;
};
/* Everything of *out but its key, accessor and acl. FAIL_BAD_INPUT: 400 with that text. */
bool token_make(const struct token_ask *ask, struct token *out,
    json_t *warnings, struct error *e) must_check;
/* A login: the role's token_* fields (approle, cert) decide. `mount_*` are the mount's
 * effective lifetimes. */
struct login_ask {
	const json_t *role; /* token_ttl, token_policies, … */
	const char *path, *display_name;
	const json_t *meta;
	int64_t now_s, mount_default_s, mount_max_s;
	const json_t *bound_cidrs; /* instead of the role's; NULL */
};
bool token_login(const struct login_ask *ask, struct token *out,
    json_t *warnings, struct error *e) must_check;
/* Release what token_make and token_login filled. */
void token_clear(struct token *t);
bool token_set_policies(struct token *t, const json_t *names,
    struct error *e) must_check;

/* ---- rows ---- */
void token_encode(const struct token *t, struct buf *out);
/* The row to write; `mem` holds its value. Points into t. */
struct store_secret token_row(const struct token *t, struct buf *mem);
/* Counted, without acl. FAIL_CORRUPT. */
struct token *token_decode(const struct store_secret *row,
    struct error *e) must_check;

/* ---- small ---- */
int64_t member_int(const json_t *o, const char *key);
/* None of them beyond LIMIT_TTL_S. NULL ends. */
bool member_durations_ok(const json_t *o, const char *const *keys,
    struct error *e) must_check;
bool member_bool(const json_t *o, const char *key, bool dflt);
const char *doc_str(const json_t *o, const char *key); /* "" */
/* jansson walks an object that it does not take as const. */
json_t *json_walkable(const json_t *v);
/* Sorted keys, compact: what documents and rows are. */
void json_canonical(const json_t *v, struct buf *out);
/* The text of the built-in policy "default". */
extern const char policy_default_text[];
