/* SPDX-License-Identifier: Apache-2.0 */
#include "renew.h"

#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/secret_source.h>

/* POST auth/MOUNT/login; its token becomes the client's. */
static bool
login(const struct renew_config *cfg, struct vault_client *v, const char *usual,
    const json_t *body, struct error *e)
{
	const char *mount = cfg->auth.mount != NULL ? cfg->auth.mount : usual;
	auto_mem char *path = mem_printf("auth/%s/login", mount);
	auto_json json_t *answer = NULL;
	const json_t *token;

	if (!vault_ask(v, "POST", path, body, &answer, e))
		return error_context(e, "login");
	token =
	    json_object_get(json_object_get(answer, "auth"), "client_token");
	if (!json_is_string(token))
		return error_set(e, FAIL_BAD_INPUT,
		    "login: an answer without a token");
	return vault_client_set_token(v,
	    bytes_of(json_string_value(token), json_string_length(token)), e);
}

static bool
login_token(const struct renew_config *cfg, struct vault_client *v,
    struct error *e)
{
	auto_secret struct secret *s =
	    secret_from(cfg->auth.token, "auth.token", VAULT_TOKEN_MAX, e);

	return s != NULL && vault_client_set_token(v, secret_bytes(s), e);
}

static bool
login_approle(const struct renew_config *cfg, struct vault_client *v,
    struct error *e)
{
	auto_secret struct secret *s = secret_from(cfg->auth.secret_id,
	    "auth.secret_id", VAULT_TOKEN_MAX, e);
	auto_json json_t *body = s == NULL
	    ? NULL
	    : json_pack("{s:s, s:s%}", "role_id", cfg->auth.role_id,
		  "secret_id", (const char *)secret_data(s), secret_len(s));

	if (s == NULL)
		return false;
	if (body == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "auth.secret_id: not a text");
	return login(cfg, v, "approle", body, e);
}

static bool
login_cert(const struct renew_config *cfg, struct vault_client *v,
    struct error *e)
{
	auto_json json_t *body = json_object();

	if (cfg->auth.role != NULL)
		(void)json_object_set_new(body, "name",
		    json_string(cfg->auth.role));
	return login(cfg, v, "cert", body, e);
}

bool
renew_login(const struct renew_config *cfg, struct vault_client *v,
    struct error *e)
{
	switch ((enum renew_method)cfg->auth.method) {
	case RENEW_TOKEN:
		return login_token(cfg, v, e);
	case RENEW_APPROLE:
		return login_approle(cfg, v, e);
	case RENEW_CERT:
		return login_cert(cfg, v, e);
	case RENEW_SOCKET:
		return true;
	}
	fatal("corrupt renew_method %d", cfg->auth.method);
}

/* The current store with key and certificate, for a login with what is renewed. */
static char *
own_pem(const struct renew_config *cfg)
{
	const struct renew_file *f = cfg->files.v;

	for (size_t i = 0; i < cfg->files.n; i++)
		if (f[i].kind == RENEW_PEM)
			return path_join(cfg->directory, f[i].name);
	return NULL;
}

struct vault_client *
renew_connect(const struct renew_config *cfg, struct error *e)
{
	bool cert = cfg->auth.method == RENEW_CERT;
	auto_mem char *own = cert ? own_pem(cfg) : NULL;
	const struct vault_target t = {
		.address = cfg->url,
		.socket = cfg->socket,
		.ca_cert = cfg->ca_file,
		.name_space = cfg->name_space,
		.cert = !cert                       ? NULL
		    : cfg->auth.certificate != NULL ? cfg->auth.certificate
						    : own,
		.key = !cert                ? NULL
		    : cfg->auth.key != NULL ? cfg->auth.key
					    : own,
	};

	return vault_client_connect(&t, e);
}

void
renew_logout(const struct renew_config *cfg, struct vault_client *v)
{
	auto_json json_t *answer = NULL;
	auto_json json_t *body = json_object();
	struct error ignored;

	if (cfg->auth.method != RENEW_APPROLE && cfg->auth.method != RENEW_CERT)
		return;
	/* It ends by itself too. */
	(void)!vault_ask(v, "POST", "auth/token/revoke-self", body, &answer,
	    &ignored);
}
