/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who may: policies (HCL and JSON, Vault's precedence), tokens, AppRole
 * (vault-pki-api.md §7).
 */
#include <jansson.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>
#include <chancery/base/secret.h>
#include <chancery/server/docs.h>
#include <chancery/server/route.h>
#include <chancery/store/store.h>

/* ---- policies: pure ---- */
enum {
	CAP_DENY = 1 << 0,
	CAP_CREATE = 1 << 1,
	CAP_READ = 1 << 2,
	CAP_UPDATE = 1 << 3,
	CAP_DELETE = 1 << 4,
	CAP_LIST = 1 << 5,
	CAP_SUDO = 1 << 6,
	CAP_PATCH = 1 << 7
};
struct policy;
/* HCL1 or JSON text; errors as line:column. */
struct policy *policy_parse(const char *name, struct bytes text,
    struct error *e) must_check;
void policy_free(struct policy *p);
DEFINE_AUTO(policy, struct policy *, policy_free)
#define auto_policy auto_cleanup(policy_cleanup)
/* It has paths with {{…}}: they never match, there are no identities to fill in. */
bool policy_is_templated(const struct policy *p);

/* Policies of one token, merged per path string as Vault does; rules whose `expiration`
 * has passed are left out. Independent of the policies afterwards. */
struct acl;
struct acl *acl_new(const struct policy *const *p, size_t n, bool root,
    int64_t now_s) must_check;
void acl_free(struct acl *a);
DEFINE_AUTO(acl, struct acl *, acl_free)
#define auto_acl auto_cleanup(acl_cleanup)
/* The first `expiration` to come; 0: none. It has to be built anew then. */
int64_t acl_valid_until(const struct acl *a);
struct acl_request {
	const char
	    *path;     /* "pki/issue/x", no leading slash; lists end with '/' */
	unsigned need; /* CAP_ bits, all of them */
	const json_t
	    *params;        /* body fields of create, update, patch; or NULL */
	int64_t wrap_ttl_s; /* 0: no wrapping */
};
bool acl_allows(const struct acl *a, const struct acl_request *r) must_check;
/* For sys/capabilities: CAP_ bits on that path, CAP_DENY when none. */
unsigned acl_capabilities(const struct acl *a, const char *path, bool *root);
/* {exact_paths, glob_paths, root} of one that is not root's: resultant-acl. */
json_t *acl_json(const struct acl *a) must_check;
/* Some right (not deny) on or below that prefix: sys/internal/ui/mounts. */
bool acl_any_below(const struct acl *a, const char *prefix) must_check;

/* ---- tokens ---- */
#define TOKEN_POLICIES_MAX 64
struct token {
	struct sha256 key;    /* of the token's text: how the store knows it */
	struct sha256 parent; /* all zero: none */
	char accessor[40];
	char display_name[256];
	char **policies; /* sorted, unique */
	size_t policies_n;
	char **bound_cidrs;
	size_t bound_cidrs_n;
	bool root, renewable, orphan, batch;
	int64_t created_s, ttl_s /* creation */, expires_s /* 0 never */,
	    explicit_max_s, period_s, max_ttl_s /* of the role; 0 system's */,
	    renewed_s /* 0 never */;
	int64_t uses_left; /* 0: unlimited */
	char path[256];    /* "auth/token/create" */
	char service[64];  /* whose it is (token_foreign); "": ours */
	char role[256];
	json_t *meta;          /* object or NULL; read only */
	const struct acl *acl; /* ready to ask; owned with the token */
	uint64_t version;
};

/* A random text for an accessor or an id that nobody has to guess: digits and a NUL. Any thread. */
#define TOKEN_RANDOM 24 /* base62: 142 bits */
void token_accessor_random(char out[TOKEN_RANDOM + 1]);

/* Tokens looked up by their text (by its hash, so in constant time), with a cache that
 * follows every change; policies from docs (kind "policy"). Any thread. */
struct auth;
struct auth *auth_new(struct store *s, struct docs *d) must_check;
void auth_free(struct auth *a);
/* NULL: FAIL_PERMISSION (unknown, expired, revoked, or below one that is). Counted:
 * auth_token_put. A token with a use count is not charged here: auth_call_charge. */
const struct token *auth_token_get(struct auth *a, struct bytes text,
    int64_t now_s, struct error *e) must_check;
/* The same by accessor: FAIL_NOT_FOUND. */
const struct token *auth_token_by_accessor(struct auth *a, const char *accessor,
    int64_t now_s, struct error *e) must_check;
/* The peer of the unix socket, "uid:N", without a row in the store: with the root policy, or
 * with those of its document "socket-peer". NULL: it has none. Counted too. */
const struct token *auth_token_peer(struct auth *a, unsigned uid, bool root,
    int64_t now_s) must_check;
const struct token *auth_token_ref(const struct token *t) must_check;
void auth_token_put(const struct token *t);
DEFINE_AUTO(token, const struct token *, auth_token_put)
#define auto_token auto_cleanup(token_cleanup)
/*
 * Tokens of another service (a Vault), of which only its answer is kept, for a short time, by
 * the hash of the token. They have no row in the store: they are not renewed or revoked here,
 * and nothing is below them.
 */
/* Texts that this service makes as tokens can be told by their form (a check at their end),
 * also when they are expired or revoked: they are nobody else's business. So are texts without
 * a dot, which are ids of somebody's own choice. */
bool auth_text_is_ours(struct bytes text) must_check;
struct token_foreign {
	const char *service; /* its name in the configuration */
	struct bytes text;
	const char *accessor, *display_name;
	const json_t *policies;    /* names here, array */
	const json_t *bound_cidrs; /* array or NULL */
	bool expires;
	int64_t ttl_s;
	int64_t
	    cache_s; /* it is good for so long, and no longer than it lives */
};
/* Counted; auth_token_get finds it until then. NULL: FAIL_PERMISSION, it allows nothing here. */
const struct token *auth_token_foreign(struct auth *a,
    const struct token_foreign *f, int64_t now_s, struct error *e) must_check;
/* What was refused is not asked again until then: e gets why. True: it was. */
void auth_foreign_refuse(struct auth *a, struct bytes text, int64_t until_s,
    const struct error *why);
bool auth_foreign_refused(struct auth *a, struct bytes text, int64_t now_s,
    struct error *e) must_check;
/* bound_cidrs; `peer` as http_peer tells it. A unix peer passes only an unbound one. */
bool auth_token_from(const struct token *t, const char *peer) must_check;
/* After changes: forget cached tokens (key NULL: all), or one and all below it. */
void auth_forget(struct auth *a, const struct sha256 *key);
void auth_forget_tree(struct auth *a, const struct sha256 *key);
/* Remove what expired, a bounded number of rows: every minute or so. */
bool auth_tidy(struct auth *a, int64_t now_s, struct error *e) must_check;

/* Users who guess (src/server/auth/password.h). */
struct lockout;
struct lockout *auth_lockout(struct auth *a) must_check;

/* Document kinds: policy, approle-role, token-role; NULL-kind ended. */
extern const struct doc_kind auth_doc_kinds[];

/* Make a root token without a caller (chancery token root): change to write and the text
 * (into locked memory, room for TOKEN_TEXT_MAX). `mem` holds what *out points to. */
#define TOKEN_TEXT_MAX 128
bool auth_root_token(struct store_secret_change *out, struct buf *mem,
    struct secret *text, int64_t now_s, struct error *e) must_check;

/* ---- in the API (src/server/api/auth) ---- */
struct call;
/* "token" (auth/token), "approle", "cert", "userpass". */
extern const struct backend auth_token_backend, auth_approle_backend,
    auth_cert_backend, auth_userpass_backend;
/* Rows of the system mount that are ours: policies, policy, capabilities*, wrapping,
 * internal/chancery/{root-token,socket-peers}; pattern NULL ends. */
extern const struct route auth_sys_routes[];
/* A token with a use count pays before its request is handled: takes one, atomically and
 * durably, then next (c->token stays readable); or answers 403 itself. At once for others. */
void auth_call_charge(struct call *c, call_fn *next);
/* call_wrap_fn of the program. Steals. */
void auth_call_wrap(struct call *c, json_t *envelope);
