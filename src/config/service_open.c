/* SPDX-License-Identifier: Apache-2.0 */
/* chancery.yaml read for the service: absolute paths, and what one row cannot check. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/config/service.h>

#include "service_publish.h"
#include "service_vault.h"

struct check {
	struct yaml_checker *c;
	struct service_config *cfg;
	const char *dir;
};

/* ---- paths --------------------------------------------------------------- */

static void
make_absolute(const struct check *k, char **path)
{
	if (*path != NULL && **path != '\0' && **path != '/')
		*path = yaml_keep(k->c, path_join(k->dir, *path));
}

static void
pin_absolute(const struct check *k, char **source)
{
	const char *path = service_pin_file(*source);

	if (path != NULL && *path != '/')
		*source =
		    yaml_keep(k->c, mem_printf("file:%s/%s", k->dir, path));
}

static void
all_absolute(const struct check *k)
{
	struct service_config *c = k->cfg;
	struct service_token *t = c->tokens.v;
	char **paths[] = { &c->register_dir, &c->anchor_dir, &c->soft_token_dir,
		&c->crl_dir, &c->weak_keys, &c->run_dir, &c->server.socket,
		&c->server.store, &c->server.tls.certificate,
		&c->server.tls.key, &c->server.tls.client_ca };

	for (size_t i = 0; i < countof(paths); i++)
		make_absolute(k, paths[i]);
	for (size_t i = 0; i < c->tokens.n; i++) {
		make_absolute(k, &t[i].charter_file);
		pin_absolute(k, &t[i].pin);
	}
	vault_absolute(k->c, c, k->dir);
	publish_absolute(k->c, c, k->dir);
	if (c->server.access_log != NULL &&
	    strcmp(c->server.access_log, "stderr") != 0 &&
	    strcmp(c->server.access_log, "off") != 0)
		make_absolute(k, &c->server.access_log);
}

/* Only that it is there: the room that reads it may be another user. */
static void
must_exist(const struct check *k, char *const *field, const char *path)
{
	struct stat st;

	if (path == NULL || stat(path, &st) == 0)
		return;
	if (errno == ENOENT || errno == ENOTDIR)
		yaml_mistake(k->c, field, "%s: there is no such file", path);
}

static void
files_exist(const struct check *k)
{
	struct service_config *c = k->cfg;
	struct service_token *t = c->tokens.v;
	char **files[] = { &c->module, &c->weak_keys,
		&c->server.tls.certificate, &c->server.tls.key,
		&c->server.tls.client_ca };

	for (size_t i = 0; i < countof(files); i++)
		must_exist(k, files[i], *files[i]);
	for (size_t i = 0; i < c->tokens.n; i++) {
		must_exist(k, &t[i].charter_file, t[i].charter_file);
		must_exist(k, &t[i].pin, service_pin_file(t[i].pin));
	}
}

/* ---- tokens --------------------------------------------------------------- */

static void
check_token(const struct check *k, const struct service_token *t)
{
	if (t->name == NULL)
		return;
	if (t->pin == NULL && t->pin_in_this_file_i_accept_the_risk == NULL &&
	    !yaml_checker_given(k->c, &t->pin))
		yaml_mistake(k->c, &t->name,
		    "token %s: where its PIN comes from is missing (pin)",
		    t->name);
	if (t->pin != NULL && t->pin_in_this_file_i_accept_the_risk != NULL)
		yaml_mistake(k->c, &t->pin_in_this_file_i_accept_the_risk,
		    "token %s: pin or pin_in_this_file_i_accept_the_risk, not "
		    "both",
		    t->name);
	if (t->charter != NULL && t->charter_file != NULL)
		yaml_mistake(k->c, &t->charter_file,
		    "token %s: charter or charter_file, not both", t->name);
}

static void
check_tokens(const struct check *k)
{
	const struct service_token *t = k->cfg->tokens.v, *log = NULL;

	for (size_t i = 0; i < k->cfg->tokens.n; i++) {
		check_token(k, &t[i]);
		if (t[i].role != SERVICE_ROLE_LOG || t[i].name == NULL)
			continue;
		if (log != NULL)
			yaml_mistake(k->c, &t[i].role,
			    "tokens %s and %s are both of role log", log->name,
			    t[i].name);
		else
			log = &t[i];
	}
}

/* ---- the server ------------------------------------------------------------ */

static void
check_twice(const struct check *k, const struct yaml_texts *a,
    const struct yaml_texts *b)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; j < (a == b ? i : a->n); j++)
			if (a->v[j] != NULL && b->v[i] != NULL &&
			    strcmp(a->v[j], b->v[i]) == 0)
				yaml_mistake(k->c, &b->v[i],
				    "%s is listened on already", b->v[i]);
}

static void
check_listeners(const struct check *k)
{
	struct service_server *s = &k->cfg->server;

	check_twice(k, &s->listen, &s->listen);
	check_twice(k, &s->listen, &s->plain_listen);
	check_twice(k, &s->plain_listen, &s->plain_listen);
	/* Space for the name of the temporary socket beside it. */
	if (s->socket != NULL &&
	    strlen(s->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		yaml_mistake(k->c, &s->socket,
		    "%s: a unix socket's path has at most %zu octets",
		    s->socket,
		    sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	if (s->socket != NULL && *s->socket == '\0')
		yaml_mistake(k->c, &s->socket, "empty; commands need it");
}

static void
check_tls(const struct check *k)
{
	struct service_tls *t = &k->cfg->server.tls;

	if (t->certificate != NULL && t->key == NULL)
		yaml_mistake(k->c, &t->certificate,
		    "server.tls.certificate needs server.tls.key");
	if (t->key != NULL && t->certificate == NULL)
		yaml_mistake(k->c, &t->key,
		    "server.tls.key needs server.tls.certificate");
	if (t->authority != NULL && t->certificate != NULL)
		yaml_mistake(k->c, &t->authority,
		    "server.tls: files or an authority, not both");
	if (t->authority != NULL && t->certificate == NULL && t->names.n == 0)
		yaml_mistake(k->c, &t->authority,
		    "server.tls.authority needs server.tls.names to certify");
	if (t->certificate != NULL && t->names.n > 0)
		yaml_mistake(k->c, &t->names.v[0],
		    "server.tls.names: the certificate file has its own");
}

static void
check_lives(const struct check *k)
{
	struct service_server *s = &k->cfg->server;

	if (s->max_lease_ttl_s == 0 ||
	    s->default_lease_ttl_s <= s->max_lease_ttl_s)
		return;
	/* Our default gives way to a maximum that somebody wrote. */
	if (yaml_checker_given(k->c, &s->default_lease_ttl_s))
		yaml_mistake(k->c, &s->default_lease_ttl_s,
		    "server.default_lease_ttl is longer than "
		    "server.max_lease_ttl");
	else
		s->default_lease_ttl_s = s->max_lease_ttl_s;
}

/* Whether path is dir or lies below it. */
static bool
is_below(const char *path, const char *dir, size_t n)
{
	return path != NULL && strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

/* The server may write the directory of its database, so nothing else lies there. */
static void
check_store(const struct check *k)
{
	struct service_config *c = k->cfg;
	const struct service_token *t = c->tokens.v;
	const char *const others[] = { c->register_dir, c->anchor_dir,
		c->soft_token_dir, c->crl_dir, c->run_dir, c->weak_keys,
		c->server.tls.key, k->dir };
	const char *store = c->server.store;
	const char *slash = store != NULL ? strrchr(store, '/') : NULL;
	bool shared = false;

	if (slash == NULL)
		return;
	for (size_t i = 0; i < countof(others); i++)
		shared = shared ||
		    is_below(others[i], store, (size_t)(slash - store));
	for (size_t i = 0; i < c->tokens.n; i++)
		shared = shared ||
		    is_below(service_pin_file(t[i].pin), store,
			(size_t)(slash - store));
	if (shared)
		yaml_mistake(k->c, &c->server.store,
		    "server.store: the server may write the directory of its "
		    "database: give it one of its own");
}

/* One user for the keys and the network would undo what two processes are for. */
static void
check_users(const struct check *k)
{
	struct service_config *c = k->cfg;

	if ((c->user_server == NULL) != (c->user_signer == NULL)) {
		if (c->user_server != NULL &&
		    !yaml_checker_given(k->c, &c->user_signer))
			yaml_mistake(k->c, &c->user_server,
			    "user_server needs user_signer");
		if (c->user_signer != NULL &&
		    !yaml_checker_given(k->c, &c->user_server))
			yaml_mistake(k->c, &c->user_signer,
			    "user_signer needs user_server");
	} else if (c->user_server != NULL &&
	    strcmp(c->user_server, c->user_signer) == 0) {
		yaml_mistake(k->c, &c->user_signer,
		    "user_signer and user_server are one user");
	}
	check_publisher_user(k->c, c);
}

struct origin {
	const char *dir;
	bool exists; /* what it names has to be there */
};

static void
check_all(struct yaml_checker *c, void *filled, void *arg)
{
	const struct origin *from = arg;
	struct check k = { c, filled, from->dir };

	all_absolute(&k);
	if (from->exists)
		files_exist(&k);
	check_tokens(&k);
	check_listeners(&k);
	check_tls(&k);
	check_lives(&k);
	check_store(&k);
	check_users(&k);
	check_vaults(c, filled);
	check_publish(c, filled, from->exists);
}

struct yaml_doc *
service_config_open(const char *dir, struct service_config *out,
    struct buf *report, struct error *e)
{
	auto_buf struct buf text = { 0 };
	auto_mem char *path = path_join(dir, "chancery.yaml");
	char full[PATH_MAX];
	struct origin from = { full, true };
	struct yaml_doc *doc;

	if (realpath(dir, full) == NULL) {
		error_errno(e, FAIL_NOT_FOUND, "home directory %s", dir);
		return NULL;
	}
	if (!file_read(path, LIMIT_CONFIG_BYTES, &text, e))
		return NULL;
	doc = yaml_bind_cross(buf_bytes(&text), path, service_schema, out,
	    sizeof(*out), check_all, &from, report, e);
	/* It may hold a PIN. */
	if (text.n > 0)
		explicit_bzero(text.p, text.n);
	return doc;
}

struct yaml_doc *
service_config_parse(struct bytes text, const char *name, const char *dir,
    struct service_config *out, struct buf *report, struct error *e)
{
	struct origin from = { dir, false };

	return yaml_bind_cross(text, name, service_schema, out, sizeof(*out),
	    check_all, &from, report, e);
}
