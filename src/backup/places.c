/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/file.h>

#include "places.h"

static const struct {
	const char *name;
	unsigned secret;
} secrets[] = {
	{ "soft-tokens", BACKUP_SOFT_TOKENS },
	{ "pins", BACKUP_PINS },
	{ "tls-key", BACKUP_TLS_KEY },
};

unsigned
backup_secret(const char *name)
{
	for (size_t i = 0; i < countof(secrets); i++)
		if (strcmp(secrets[i].name, name) == 0)
			return secrets[i].secret;
	return 0;
}

/* Two settings may name one file: it is there once. */
static void
add(struct places *p, struct place row, const char *member, const char *path)
{
	if (path == NULL || *path == '\0')
		return;
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].path, path) == 0)
			return;
	row.member = mem_strdup(member);
	row.path = mem_strdup(path);
	p->v[p->n++] = row;
}

static bool
add_tokens(struct places *p, const struct service_config *cfg, bool pins,
    struct error *e)
{
	static const struct place charter = { .kind = PLACE_SETTING };
	static const struct place pin = { .kind = PLACE_SECRET,
		.secret = BACKUP_PINS };
	const struct service_token *t = cfg->tokens.v;

	for (size_t i = 0; i < cfg->tokens.n; i++) {
		auto_mem char *member =
		    mem_printf("%s/%s", pins ? "pins" : "charter", t[i].name);
		const char *path =
		    pins ? service_pin_file(t[i].pin) : t[i].charter_file;

		if (path != NULL && !archive_name_valid(member))
			return error_set(e, FAIL_UNSUPPORTED,
			    "token \"%s\": a backup cannot have a file of "
			    "that name (letters, digits, \"._-\")",
			    t[i].name);
		add(p, pins ? pin : charter, member, path);
	}
	return true;
}

static void
add_settings(struct places *p, const struct service_config *cfg)
{
	static const struct place setting = { .kind = PLACE_SETTING };
	static const struct place key = { .kind = PLACE_SECRET,
		.secret = BACKUP_TLS_KEY };
	const struct service_tls *tls = &cfg->server.tls;

	add(p, setting, "weak-keys", cfg->weak_keys);
	add(p, setting, "tls/certificate.pem", tls->certificate);
	add(p, setting, "tls/client-ca.pem", tls->client_ca);
	add(p, key, "tls/key.pem", tls->key);
}

/* The store before the register, so that it is never ahead of it; the lists before both, so
 * that none has a number that the register will give again. Keys after it: one too many is
 * found at start, one too few is lost. */
static void
add_data(struct places *p, const struct service_config *cfg)
{
	static const struct place lists = { .kind = PLACE_DATA, .tree = true };
	static const struct place store = { .kind = PLACE_STORE };
	static const struct place reg = { .kind = PLACE_REGISTER,
		.tree = true };
	static const struct place soft = { .kind = PLACE_SECRET,
		.secret = BACKUP_SOFT_TOKENS,
		.tree = true };

	add(p, lists, "crl", cfg->crl_dir);
	add(p, store, "store.sqlite", cfg->server.store);
	add(p, reg, "register", cfg->register_dir);
	add(p, soft, "soft-tokens", cfg->soft_token_dir);
}

bool
places_of(const struct service_config *cfg, const char *home,
    struct places *out, struct error *e)
{
	static const struct place config = { .kind = PLACE_CONFIG };
	auto_places struct places p = { .v = mem_calloc(2 * cfg->tokens.n + 16,
					    sizeof(*p.v)) };
	auto_mem char *yaml = path_join(home, "chancery.yaml");

	add(&p, config, "chancery.yaml", yaml);
	if (!add_tokens(&p, cfg, false, e))
		return false;
	add_settings(&p, cfg);
	add_data(&p, cfg);
	if (!add_tokens(&p, cfg, true, e))
		return false;
	*out = p;
	p = (struct places){ 0 };
	return true;
}

void
places_free(struct places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		mem_free(p->v[i].member);
		mem_free(p->v[i].path);
	}
	mem_free(p->v);
	*p = (struct places){ 0 };
}

struct place *
places_find(const struct places *p, const char *member, const char **rest)
{
	for (size_t i = 0; i < p->n; i++) {
		size_t n = strlen(p->v[i].member);

		if (strncmp(p->v[i].member, member, n) != 0)
			continue;
		if (member[n] != (p->v[i].tree ? '/' : '\0'))
			continue;
		*rest = member + n + p->v[i].tree;
		return &p->v[i];
	}
	return NULL;
}
