/* SPDX-License-Identifier: Apache-2.0 */
/* Vaults whose tokens are accepted: what their settings may say, and which token goes
 * where. */
#include "service_vault.h"

#include <string.h>
#include <sys/stat.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "service_checks.h"

/* ---- single texts -------------------------------------------------------- */

static const char digits_and_letters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789";

static bool
only(const char *v, const char *further)
{
	for (; *v != '\0'; v++)
		if (strchr(digits_and_letters, *v) == NULL &&
		    strchr(further, *v) == NULL)
			return false;
	return true;
}

/* "host", "host:port", "[::1]:port", and a slash perhaps. */
static bool
split_host(const char *v, char *host, size_t size)
{
	size_t n = strlen(v), end;
	uint64_t port;
	char *colon;

	if (n > 0 && v[n - 1] == '/')
		n--;
	if (n == 0 || n >= size)
		return false;
	memcpy(host, v, n);
	host[n] = '\0';
	if (!only(host, ".-_[]:"))
		return false;
	end = host[0] == '[' ? strcspn(host, "]") : 0;
	colon = strchr(host + end, ':');
	if (colon != NULL && !parse_u64(colon + 1, 1, UINT16_MAX, &port))
		return false;
	if (colon != NULL)
		*colon = '\0';
	return *host != '\0' &&
	    (host[0] != '[' || host[strlen(host) - 1] == ']');
}

static bool
is_here(const char *host)
{
	static const char *const here[] = { "127.0.0.1", "[::1]", "localhost" };

	for (size_t i = 0; i < countof(here); i++)
		if (strcmp(host, here[i]) == 0)
			return true;
	return false;
}

/* Tokens go there: in the clear they leave this machine never. */
bool
service_address_check(const char *v, struct error *e)
{
	static const char tls[] = "https://", plain[] = "http://";
	char host[256];

	if (strncmp(v, tls, sizeof(tls) - 1) == 0 &&
	    split_host(v + sizeof(tls) - 1, host, sizeof(host)))
		return true;
	if (strncmp(v, plain, sizeof(plain) - 1) == 0 &&
	    split_host(v + sizeof(plain) - 1, host, sizeof(host)))
		return is_here(host) ||
		    error_set(e, FAIL_BAD_INPUT,
			"without TLS only 127.0.0.1, [::1] and localhost: "
			"tokens would leave this machine in the clear");
	return error_set(e, FAIL_BAD_INPUT,
	    "want https://HOST or https://HOST:PORT, without a path");
}

/* The host of "https://HOST[:PORT][/PATH]", of a path that means the same however it is
 * written. */
static bool
split_url(const char *v, const char *scheme, char *host, size_t size)
{
	size_t n = strlen(scheme), end;
	char authority[256];

	if (strncmp(v, scheme, n) != 0)
		return false;
	end = strcspn(v + n, "/");
	if (end >= sizeof(authority) || !only(v + n + end, "/-_.~") ||
	    strstr(v + n + end, "//") != NULL || strstr(v, "/.") != NULL)
		return false;
	memcpy(authority, v + n, end);
	authority[end] = '\0';
	return split_host(authority, host, size);
}

bool
check_public_url(const char *v, struct error *e)
{
	char host[256];

	return split_url(v, "https://", host, sizeof(host)) ||
	    split_url(v, "http://", host, sizeof(host)) ||
	    error_set(e, FAIL_BAD_INPUT,
		"want http://HOST[:PORT][/PATH] or https://…");
}

bool
check_target_url(const char *v, struct error *e)
{
	char host[256];

	if (split_url(v, "https://", host, sizeof(host)))
		return true;
	if (!split_url(v, "http://", host, sizeof(host)))
		return error_set(e, FAIL_BAD_INPUT,
		    "want https://HOST[:PORT][/PATH]");
	return is_here(host) ||
	    error_set(e, FAIL_BAD_INPUT,
		"without TLS only 127.0.0.1, [::1] and localhost: credentials "
		"would leave this machine in the clear");
}

/* A header's value, and part of no URL. */
bool
check_namespace(const char *v, struct error *e)
{
	return (only(v, "-_./") && v[0] != '/') ||
	    error_set(e, FAIL_BAD_INPUT,
		"want a namespace such as teams/kafka: letters, digits, - _ . "
		"/");
}

bool
check_service_name(const char *v, struct error *e)
{
	return only(v, "-_.") ||
	    error_set(e, FAIL_BAD_INPUT,
		"want a name of letters, digits, - _ .");
}

/* As the API takes it: lower case. */
bool
check_policy_name(const char *v, struct error *e)
{
	for (const char *p = v; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			return error_set(e, FAIL_BAD_INPUT,
			    "names of policies are lower case here");
	return (*v != '\0' && strlen(v) <= 255) ||
	    error_set(e, FAIL_BAD_INPUT, "want the name of a policy");
}

bool
check_token_prefix(const char *v, struct error *e)
{
	return only(v, "-_.") ||
	    error_set(e, FAIL_BAD_INPUT,
		"want the beginning of a token: letters, digits, - _ .");
}

/* ---- across fields ------------------------------------------------------- */

void
vault_absolute(struct yaml_checker *c, struct service_config *cfg,
    const char *dir)
{
	struct service_vault *v = cfg->vault.v;

	for (size_t i = 0; i < cfg->vault.n; i++) {
		char **paths[] = { &v[i].ca_certificate,
			&v[i].client_certificate, &v[i].client_key };

		for (size_t k = 0; k < countof(paths); k++)
			if (*paths[k] != NULL && **paths[k] != '\0' &&
			    **paths[k] != '/')
				*paths[k] =
				    yaml_keep(c, path_join(dir, *paths[k]));
	}
}

static void
check_files(struct yaml_checker *c, const struct service_vault *v)
{
	char *const *files[] = { &v->ca_certificate, &v->client_certificate,
		&v->client_key };
	struct stat st;

	for (size_t i = 0; i < countof(files); i++)
		if (*files[i] != NULL && stat(*files[i], &st) != 0)
			yaml_mistake(c, files[i], "%s: there is no such file",
			    *files[i]);
	if ((v->client_certificate == NULL) != (v->client_key == NULL))
		yaml_mistake(c,
		    v->client_key == NULL ? &v->client_certificate
					  : &v->client_key,
		    "client_certificate and client_key: both or neither");
}

static bool
is_tls(const struct service_vault *v)
{
	return strncmp(v->address, "https:", 6) == 0;
}

static void
check_vault(struct yaml_checker *c, const struct service_vault *v)
{
	check_files(c, v);
	if (v->name == NULL || v->address == NULL)
		return;
	if (is_tls(v) && v->ca_certificate == NULL)
		yaml_mistake(c, &v->address,
		    "vault %s: ca_certificate is missing: which authorities "
		    "its certificate may be of",
		    v->name);
	if (v->policies.n == 0 && !v->same_name)
		yaml_mistake(c, &v->address,
		    "vault %s: policies and same_name are both missing: no "
		    "token of it could do anything",
		    v->name);
}

static bool
same_prefix(const struct service_vault *a, const struct service_vault *b)
{
	if (a->token_prefix == NULL || b->token_prefix == NULL)
		return a->token_prefix == b->token_prefix;
	return strcmp(a->token_prefix, b->token_prefix) == 0;
}

/* A token of one would be shown to the other. */
void
check_vaults(struct yaml_checker *c, struct service_config *cfg)
{
	const struct service_vault *v = cfg->vault.v;

	for (size_t i = 0; i < cfg->vault.n; i++) {
		check_vault(c, &v[i]);
		for (size_t j = 0; j < i; j++)
			if (v[i].name != NULL && v[j].name != NULL &&
			    same_prefix(&v[i], &v[j]))
				yaml_mistake(c, &v[i].address,
				    "vaults %s and %s take the same tokens: "
				    "give them a token_prefix each",
				    v[j].name, v[i].name);
	}
}

/* Whoever gives the rooms users gives one to each. */
void
check_publisher_user(struct yaml_checker *c, struct service_config *cfg)
{
	const char *const others[] = { cfg->user_server, cfg->user_signer };

	if (cfg->user_publisher == NULL) {
		if (service_has_publisher(cfg) && cfg->user_server != NULL &&
		    !yaml_checker_given(c, &cfg->user_publisher))
			yaml_mistake(c, &cfg->user_server,
			    "with %s: user_server needs user_publisher",
			    cfg->vault.n > 0 ? "vault" : "publish");
		return;
	}
	if (cfg->user_server == NULL &&
	    !yaml_checker_given(c, &cfg->user_server))
		yaml_mistake(c, &cfg->user_publisher,
		    "user_publisher needs user_server and user_signer");
	for (size_t i = 0; i < countof(others); i++)
		if (others[i] != NULL &&
		    strcmp(others[i], cfg->user_publisher) == 0)
			yaml_mistake(c, &cfg->user_publisher,
			    "user_publisher is the user of another room");
}

/* ---- which token goes where ---------------------------------------------- */

/* What the token begins with, in octets; 0: not meant for it. */
static size_t
fit(const struct service_vault *v, struct bytes token)
{
	static const char *const usual[] = { "hvs.", "hvb.", "s.", "b." };
	size_t n;

	if (v->token_prefix != NULL) {
		n = strlen(v->token_prefix);
		return token.n > n && memcmp(token.p, v->token_prefix, n) == 0
		    ? n + 1
		    : 0;
	}
	for (size_t i = 0; i < countof(usual); i++) {
		n = strlen(usual[i]);
		if (token.n > n && memcmp(token.p, usual[i], n) == 0)
			return 1;
	}
	return 0;
}

bool
service_vault_for(const struct service_config *cfg, struct bytes token,
    size_t *vault)
{
	const struct service_vault *v = cfg->vault.v;
	size_t best = 0;

	for (size_t i = 0; i < cfg->vault.n; i++) {
		size_t n = fit(&v[i], token);

		if (n > best) {
			best = n;
			*vault = i;
		}
	}
	return best > 0;
}
