/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Secret-ids of AppRole as rows of the store: kind "secret-id", scope the role's own uuid (a
 * role that is made again under the same name does not get the old ones), key the hash of
 * uuid and text, alias the accessor.
 */
#include "token.h"

#define SECRET_ID_KIND "secret-id"

struct secret_id {
	struct sha256 key;
	char accessor[40];
	char scope[40];
	int64_t uses_left; /* 0: unlimited */
	int64_t ttl_s, created_s, updated_s, expires_s;
	json_t *metadata;                /* object of strings */
	json_t *cidr_list, *token_cidrs; /* arrays */
	uint64_t version;
};
void secret_id_clear(struct secret_id *s);
#define auto_secret_id auto_cleanup(secret_id_clear)

/* A random UUID (RFC 9562 version 4) as text. */
void uuid_random(char out[37]);
struct sha256 secret_id_key(const char *role_uuid, struct bytes text);
/* Points into s; `mem` holds the value. */
struct store_secret secret_id_row(const struct secret_id *s, struct buf *mem);
bool secret_id_decode(const struct store_secret *row, struct secret_id *out,
    struct error *e) must_check;
/* One use of it, all or nothing: how many changes there are to write, at most two, 0 where
 * uses are not counted. */
size_t secret_id_spend(const struct secret_id *s, int64_t now_s,
    struct store_secret_change ch[2], struct buf *mem);

/* What a role says about new ones. */
struct secret_id_ask {
	const json_t *role;
	const char *metadata; /* JSON text; "" none */
	const json_t *cidr_list, *token_cidrs;
	bool uses_given, ttl_given;
	int64_t uses, ttl_s, now_s, system_max_s;
};
/* All but key and accessor. FAIL_BAD_INPUT. */
bool secret_id_make(const struct secret_id_ask *ask, struct secret_id *out,
    struct error *e) must_check;

/* ---- wrapped answers ---- */
#define WRAP_KIND "wrap"
/* AES-256-GCM under a key from the token's text: the store, which knows only its hash,
 * cannot read what it keeps. nonce ‖ text ‖ tag, appended. */
void wrap_seal(struct bytes token, struct bytes plain, struct buf *out);
/* `plain` has room for sealed.n. FAIL_CORRUPT. */
bool wrap_open(struct bytes token, struct bytes sealed, struct secret *plain,
    struct error *e) must_check;
