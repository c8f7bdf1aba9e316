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

/* Policies of one token, merged per path string as Vault does. */
struct acl;
struct acl *acl_new(const struct policy *const *p, size_t n, bool root);
void acl_free(struct acl *a);
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

/* ---- tokens ---- */
#define TOKEN_POLICIES_MAX 64
struct token {
	struct sha256 key; /* of the token's text: how the store knows it */
	char accessor[40];
	char display_name[256];
	char **policies; /* sorted, unique */
	size_t policies_n;
	bool root, renewable, orphan, batch;
	int64_t created_s, ttl_s /* creation */, expires_s /* 0 never */,
	    explicit_max_s, period_s;
	int64_t uses_left; /* 0: unlimited */
	char path[256];    /* "auth/token/create" */
	char role[128];
	json_t *meta;
	const struct acl *acl; /* ready to ask; owned with the token */
	uint64_t version;
};

/* Tokens looked up by their text (constant-time by hash), with a cache that follows
 * every change; policies from docs (kind "policy"). Any thread. */
struct auth;
struct auth *auth_new(struct store *s, struct docs *d);
void auth_free(struct auth *a);
/* NULL: FAIL_PERMISSION (unknown, expired, revoked). Counted: auth_token_put. A token
 * with a use count is not charged here: auth_token_use. */
const struct token *auth_token_get(struct auth *a, struct bytes text,
    int64_t now_s, struct error *e) must_check;
void auth_token_put(const struct token *t);
/* Forget cached tokens (after changes); key NULL: all. */
void auth_forget(struct auth *a, const struct sha256 *key);

/* Backends (rows): "token" (auth/token), "approle". */
extern const struct backend auth_token_backend, auth_approle_backend;
/* Document kinds: policy, approle-role, token-role. */
extern const struct doc_kind auth_doc_kinds[];

/* Make a root token without a caller (chancery token root): change to write and the text
 * (into locked memory). */
struct secret;
bool auth_root_token(struct store_secret_change *out, struct buf *mem,
    struct secret *text, int64_t now_s, struct error *e) must_check;
