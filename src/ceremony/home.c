/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/home.h>

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/charter/charter.h>

static const char *const role_names[] = { "ca", "log", NULL };

/* As the file has it; home_open makes paths absolute. */
struct home_file {
	char *register_dir, *origin, *anchor_dir, *module, *module_args,
	    *soft_token_dir, *crl_dir, *log_key, *openssl, *weak_keys;
	bool anchor_object;
	uint64_t workers;
	struct yaml_list tokens; /* struct home_token */
};

static bool
check_absolute(const char *v, struct error *e)
{
	return v[0] == '/' ||
	    error_set(e, FAIL_BAD_INPUT, "must be an absolute path");
}

#define H(f) offsetof(struct home_file, f)
#define T(f) offsetof(struct home_token, f)

/* clang-format off */
static const struct yaml_field token_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = T(name),
	  .about = "how commands call the token" },
	{ .key = "uri", .type = YAML_TEXT, .offset = T(uri), .required = true,
	  .about = "RFC 7512, names exactly one token" },
	{ .key = "pin", .type = YAML_TEXT, .offset = T(pin), .required = true,
	  .about = "fd:N, file:PATH, credential:NAME or prompt" },
	{ .key = "role", .type = YAML_ENUM, .offset = T(role), .required = true,
	  .names = role_names, .about = "CA keys, or the log key" },
	{ .key = "charter", .type = YAML_TEXT, .offset = T(charter),
	  .about = "template for keys made outside ceremonies" },
	{ .key = "charter_file", .type = YAML_TEXT, .offset = T(charter_file),
	  .about = "charter file instead of a template" },
	{ 0 },
};

const struct yaml_field home_schema[] = {
	{ .key = "register", .type = YAML_TEXT, .offset = H(register_dir),
	  .dflt = "register", .about = "directory of the register" },
	{ .key = "origin", .type = YAML_TEXT, .offset = H(origin),
	  .required = true, .about = "name of the log, for checkpoints" },
	{ .key = "anchor_dir", .type = YAML_TEXT, .offset = H(anchor_dir),
	  .about = "where the newest checkpoint is also kept: another disk" },
	{ .key = "anchor_object", .type = YAML_BOOL,
	  .offset = H(anchor_object), .dflt = "false",
	  .about = "keep the newest checkpoint on the log token too" },
	{ .key = "module", .type = YAML_TEXT, .offset = H(module),
	  .required = true, .check = check_absolute,
	  .about = "PKCS#11 module, absolute" },
	{ .key = "module_args", .type = YAML_TEXT, .offset = H(module_args),
	  .about = "string for C_Initialize (NSS)" },
	{ .key = "soft_token_dir", .type = YAML_TEXT,
	  .offset = H(soft_token_dir),
	  .about = "directory of SoftHSM tokens (sets SOFTHSM2_CONF)" },
	{ .key = "crl_dir", .type = YAML_TEXT, .offset = H(crl_dir),
	  .dflt = "crl", .about = "where every CRL is kept" },
	{ .key = "log_key", .type = YAML_TEXT, .offset = H(log_key),
	  .dflt = "log-key", .about = "label of the Ed25519 log key" },
	{ .key = "openssl", .type = YAML_TEXT, .offset = H(openssl),
	  .dflt = "/usr/bin/openssl", .check = check_absolute,
	  .about = "program for independent checks" },
	{ .key = "weak_keys", .type = YAML_TEXT, .offset = H(weak_keys),
	  .about = "block list of RSA keys, openssl-blacklist's format" },
	{ .key = "workers", .type = YAML_UINT, .offset = H(workers),
	  .min = 0, .max = 256, .dflt = "0",
	  .about = "threads that sign; 0: none of their own" },
	{ .key = "tokens", .type = YAML_SECTION_MAP, .offset = H(tokens),
	  .required = true, .min = 1, .max = SIGNER_TOKENS_MAX,
	  .fields = token_fields, .size = sizeof(struct home_token),
	  .about = "tokens by name" },
	{ 0 },
};
/* clang-format on */

char *
path_resolve(const char *dir, const char *path)
{
	return path[0] == '/' ? mem_strdup(path) : path_join(dir, path);
}

char *
pin_source_resolve(const char *dir, const char *source)
{
	auto_mem char *path = NULL;

	if (strncmp(source, "file:", 5) != 0)
		return mem_strdup(source);
	path = path_resolve(dir, source + 5);
	return mem_printf("file:%s", path);
}

static char *
resolve_or_null(const char *dir, const char *path)
{
	return path != NULL ? path_resolve(dir, path) : NULL;
}

static char *
dup_or_null(const char *s)
{
	return s != NULL ? mem_strdup(s) : NULL;
}

static bool
load_charter(struct home_token *t, struct error *e)
{
	auto_charter struct charter *c = NULL;
	auto_buf struct buf text = { 0 };

	if (t->charter != NULL && t->charter_file != NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "token %s: charter or charter_file, not both", t->name);
	if (t->charter != NULL) {
		c = charter_template(t->charter);
		return c != NULL ||
		    error_set(e, FAIL_BAD_INPUT,
			"token %s: no charter template \"%s\"", t->name,
			t->charter);
	}
	if (t->charter_file == NULL)
		return true;
	if (!file_read(t->charter_file, LIMIT_CONFIG_BYTES, &text, e))
		return false;
	c = charter_parse_yaml(buf_bytes(&text), t->charter_file, NULL, e);
	if (c == NULL)
		return false;
	charter_to_json(c, &t->charter_json);
	return true;
}

static bool
take_tokens(struct home *h, const struct home_file *f, struct error *e)
{
	const struct home_token *v = f->tokens.v;

	h->token = mem_calloc(f->tokens.n, sizeof(*h->token));
	for (size_t i = 0; i < f->tokens.n; i++) {
		struct home_token *t = &h->token[h->tokens++];

		t->name = mem_strdup(v[i].name);
		t->uri = mem_strdup(v[i].uri);
		t->pin = pin_source_resolve(h->dir, v[i].pin);
		t->role = v[i].role;
		t->charter = dup_or_null(v[i].charter);
		t->charter_file = resolve_or_null(h->dir, v[i].charter_file);
		if (!load_charter(t, e))
			return false;
	}
	return true;
}

static void
take_paths(struct home *h, const struct home_file *f)
{
	h->register_dir = path_resolve(h->dir, f->register_dir);
	h->origin = mem_strdup(f->origin);
	h->anchor_dir = resolve_or_null(h->dir, f->anchor_dir);
	h->module = mem_strdup(f->module);
	h->module_args = dup_or_null(f->module_args);
	h->soft_token_dir = resolve_or_null(h->dir, f->soft_token_dir);
	h->crl_dir = path_resolve(h->dir, f->crl_dir);
	h->log_key = mem_strdup(f->log_key);
	h->openssl = mem_strdup(f->openssl);
	h->weak_keys = resolve_or_null(h->dir, f->weak_keys);
	h->anchor_object = f->anchor_object;
	h->workers = f->workers;
}

struct home *
home_open(const char *dir, struct error *e)
{
	auto_home struct home *h = mem_calloc(1, sizeof(*h));
	auto_yaml_doc struct yaml_doc *doc = NULL;
	auto_buf struct buf text = { 0 };
	auto_mem char *path = path_join(dir, "chancery.yaml");
	struct home_file f = { 0 };
	char full[PATH_MAX];

	if (realpath(dir, full) == NULL) {
		error_errno(e, FAIL_NOT_FOUND, "home directory %s", dir);
		return NULL;
	}
	h->dir = mem_strdup(full);
	if (!file_read(path, LIMIT_CONFIG_BYTES, &text, e))
		return NULL;
	doc = yaml_bind(buf_bytes(&text), path, home_schema, &f, sizeof(f),
	    NULL, e);
	if (doc == NULL)
		return NULL;
	take_paths(h, &f);
	if (!take_tokens(h, &f, e))
		return NULL;
	return take(h);
}

static void
token_release(struct home_token *t)
{
	mem_free(t->name);
	mem_free(t->uri);
	mem_free(t->pin);
	mem_free(t->charter);
	mem_free(t->charter_file);
	buf_free(&t->charter_json);
}

void
home_free(struct home *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->tokens; i++)
		token_release(&h->token[i]);
	mem_free(h->token);
	mem_free(h->dir);
	mem_free(h->register_dir);
	mem_free(h->origin);
	mem_free(h->anchor_dir);
	mem_free(h->module);
	mem_free(h->module_args);
	mem_free(h->soft_token_dir);
	mem_free(h->crl_dir);
	mem_free(h->log_key);
	mem_free(h->openssl);
	mem_free(h->weak_keys);
	mem_free(h);
}

const struct home_token *
home_find_token(const struct home *h, const char *name)
{
	for (size_t i = 0; i < h->tokens; i++)
		if (strcmp(h->token[i].name, name) == 0)
			return &h->token[i];
	return NULL;
}

const struct home_token *
home_role_token(const struct home *h, enum home_role role, struct error *e)
{
	const struct home_token *found = NULL;

	for (size_t i = 0; i < h->tokens; i++) {
		if (h->token[i].role != (int)role)
			continue;
		if (found != NULL) {
			error_set(e, FAIL_EXISTS,
			    "tokens %s and %s are both of role %s", found->name,
			    h->token[i].name, role_names[role]);
			return NULL;
		}
		found = &h->token[i];
	}
	if (found == NULL)
		error_set(e, FAIL_NOT_FOUND, "no token of role %s",
		    role_names[role]);
	return found;
}
