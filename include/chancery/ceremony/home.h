/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A home directory: chancery.yaml and what it names. Relative paths in it are
 * relative to the home. The ceremony writes the file; people may edit it.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/config/yaml.h>
#include <chancery/signer/signer.h>

enum home_role {
	HOME_ROLE_CA,
	HOME_ROLE_LOG
};

struct home_token {
	char *name;       /* how commands call it: "ca" */
	char *uri;        /* RFC 7512 */
	char *pin;        /* PIN source, paths absolute; NULL with … */
	char *pin_inside; /* … the PIN, where the file itself holds it */
	int role;         /* enum home_role */
	char *charter; /* template for keys made outside ceremonies, or NULL */
	char *charter_file;      /* instead */
	struct buf charter_json; /* of charter_file, canonical */
};

struct home {
	char *dir; /* absolute */
	char *register_dir, *origin, *anchor_dir, *module, *module_args;
	char *soft_token_dir; /* sets SOFTHSM2_CONF, or NULL */
	char *crl_dir, *log_key, *openssl, *weak_keys;
	bool anchor_object; /* the log token holds an anchor */
	uint64_t workers;
	struct home_token *token;
	size_t tokens;
};

/* The PIN of a token, from where the file says. */
struct secret *home_token_pin(const struct home_token *t,
    struct error *e) must_check;

/* Read <dir>/chancery.yaml through service_schema (config/service.h). FAIL_NOT_FOUND when there is none; mistakes as
 * file:line:column. Nothing is loaded or opened yet. */
struct home *home_open(const char *dir, struct error *e) must_check;
void home_free(struct home *h);
DEFINE_AUTO(home, struct home *, home_free)
#define auto_home auto_cleanup(home_cleanup)
/* As root: what root owns below register, lists, anchors and soft tokens becomes that of their owners, so
 * that the rooms can go on with it. Others: nothing to do. FAIL_PERMISSION. */
bool home_give_back(const struct home *h, struct error *e) must_check;

const struct home_token *home_find_token(const struct home *h,
    const char *name);
/* The one token of a role; FAIL_NOT_FOUND, FAIL_EXISTS when several. */
const struct home_token *home_role_token(const struct home *h,
    enum home_role role, struct error *e) must_check;

/* dir + "/" + path, or path itself when absolute. */
char *path_resolve(const char *dir, const char *path) must_check;
/* The same for a PIN source: only "file:" has a path. */
char *pin_source_resolve(const char *dir, const char *source) must_check;
