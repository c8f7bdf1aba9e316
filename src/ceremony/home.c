/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/home.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret_source.h>
#include <chancery/charter/charter.h>
#include <chancery/config/service.h>

#include "owner.h"

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
take_pin(const struct home *h, struct home_token *t,
    const struct service_token *from, struct error *e)
{
	const char *inside = from->pin_in_this_file_i_accept_the_risk;

	if ((from->pin == NULL) == (inside == NULL))
		return error_set(e, FAIL_BAD_INPUT,
		    "token %s: where its PIN comes from is missing (pin), or "
		    "given twice",
		    t->name);
	if (from->pin != NULL)
		t->pin = pin_source_resolve(h->dir, from->pin);
	t->pin_inside = dup_or_null(inside);
	return true;
}

static bool
take_tokens(struct home *h, const struct service_config *f, struct error *e)
{
	const struct service_token *v = f->tokens.v;

	h->token = mem_calloc(f->tokens.n, sizeof(*h->token));
	for (size_t i = 0; i < f->tokens.n; i++) {
		struct home_token *t = &h->token[h->tokens++];

		t->name = mem_strdup(v[i].name);
		t->uri = mem_strdup(v[i].uri);
		if (!take_pin(h, t, &v[i], e))
			return false;
		t->role = v[i].role;
		t->charter = dup_or_null(v[i].charter);
		t->charter_file = resolve_or_null(h->dir, v[i].charter_file);
		if (!load_charter(t, e))
			return false;
	}
	return true;
}

static void
take_paths(struct home *h, const struct service_config *f)
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
	struct service_config f = { 0 };
	char full[PATH_MAX];

	if (realpath(dir, full) == NULL) {
		error_errno(e, FAIL_NOT_FOUND, "home directory %s", dir);
		return NULL;
	}
	h->dir = mem_strdup(full);
	if (!file_read(path, LIMIT_CONFIG_BYTES, &text, e))
		return NULL;
	doc = yaml_bind(buf_bytes(&text), path, service_schema, &f, sizeof(f),
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
	if (t->pin_inside != NULL)
		explicit_bzero(t->pin_inside, strlen(t->pin_inside));
	mem_free(t->pin_inside);
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
			    h->token[i].name, service_role_names[role]);
			return NULL;
		}
		found = &h->token[i];
	}
	if (found == NULL)
		error_set(e, FAIL_NOT_FOUND, "no token of role %s",
		    service_role_names[role]);
	return found;
}

struct secret *
home_token_pin(const struct home_token *t, struct error *e)
{
	struct secret *pin;

	if (t->pin_inside == NULL) {
		pin = secret_from(t->pin, "PIN", LIMIT_PIN_BYTES, e);
		if (pin == NULL)
			error_context(e, "token %s", t->name);
		return pin;
	}
	pin = secret_new(LIMIT_PIN_BYTES);
	if (secret_set(pin, t->pin_inside, strlen(t->pin_inside)))
		return pin;
	secret_free(pin);
	error_set(e, FAIL_BAD_INPUT, "token %s: the PIN is too long", t->name);
	return NULL;
}

bool
home_give_back(const struct home *h, struct error *e)
{
	return owner_give_back(h->register_dir, e) &&
	    owner_give_back(h->crl_dir, e) &&
	    owner_give_back(h->anchor_dir, e) &&
	    owner_give_back(h->soft_token_dir, e);
}
