/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

/* Mounts that have no document. */
static const struct {
	const char *path, *type, *accessor, *about;
} built_in[] = {
	{ "sys", "system", "system_00000000",
	    "system endpoints used for control, policy and debugging" },
	{ "auth/token", "token", "auth_token_00000000",
	    "token based credentials" },
};

static void
copy_text(char *out, size_t n, const char *s)
{
	text_cut(out, n, s != NULL ? s : "");
}

static const char *
member(const json_t *v, const char *name)
{
	return json_string_value(json_object_get(v, name));
}

static int64_t
ttl_of(const json_t *config, const char *name, int64_t system)
{
	int64_t v = json_integer_value(json_object_get(config, name));

	return v > 0 ? v : system;
}

/* The document's reference moves to *out. */
static void
from_doc(const struct service_config *cfg, const struct doc *doc,
    struct mount *out)
{
	const json_t *config = json_object_get(doc->json, "config");

	*out = (struct mount){ .doc = doc };
	copy_text(out->path, sizeof(out->path), doc->name);
	copy_text(out->type, sizeof(out->type), member(doc->json, "type"));
	copy_text(out->accessor, sizeof(out->accessor),
	    member(doc->json, "accessor"));
	copy_text(out->uuid, sizeof(out->uuid), member(doc->json, "uuid"));
	copy_text(out->description, sizeof(out->description),
	    member(doc->json, "description"));
	out->default_ttl_s = ttl_of(config, "default_lease_ttl",
	    cfg->server.default_lease_ttl_s);
	out->max_ttl_s =
	    ttl_of(config, "max_lease_ttl", cfg->server.max_lease_ttl_s);
}

static bool
from_built_in(const struct service_config *cfg, size_t i, struct mount *out)
{
	*out = (struct mount){ .default_ttl_s = cfg->server.default_lease_ttl_s,
		.max_ttl_s = cfg->server.max_lease_ttl_s };
	copy_text(out->path, sizeof(out->path), built_in[i].path);
	copy_text(out->type, sizeof(out->type), built_in[i].type);
	copy_text(out->accessor, sizeof(out->accessor), built_in[i].accessor);
	copy_text(out->description, sizeof(out->description),
	    built_in[i].about);
	copy_text(out->uuid, sizeof(out->uuid),
	    "00000000-0000-0000-0000-000000000000");
	return true;
}

bool
mount_find(struct docs *d, const struct service_config *cfg, const char *path,
    struct mount *out)
{
	const struct doc *doc;

	for (size_t i = 0; i < countof(built_in); i++)
		if (strcmp(path, built_in[i].path) == 0)
			return from_built_in(cfg, i, out);
	doc = docs_get(d, "mount", "", path);
	if (doc == NULL)
		return false;
	from_doc(cfg, doc, out);
	return true;
}

void
mount_release(struct mount *m)
{
	docs_put(m->doc);
	m->doc = NULL;
}

bool
mount_of_path(struct docs *d, const struct service_config *cfg,
    const char *path, struct mount *out)
{
	const struct doc *doc;

	for (size_t i = 0; i < countof(built_in); i++) {
		size_t n = strlen(built_in[i].path);

		if (strncmp(path, built_in[i].path, n) == 0 &&
		    (path[n] == '\0' || path[n] == '/'))
			return from_built_in(cfg, i, out);
	}
	doc = docs_longest(d, "mount", path);
	if (doc == NULL)
		return false;
	from_doc(cfg, doc, out);
	return true;
}

bool
mount_is_built_in(const char *path)
{
	for (size_t i = 0; i < countof(built_in); i++)
		if (strcmp(path, built_in[i].path) == 0)
			return true;
	return false;
}

const struct backend *
backend_of(const struct api *a, const char *type)
{
	for (const struct backend *const *b = a->cfg.backends; *b != NULL; b++)
		if (strcmp((*b)->type, type) == 0)
			return *b;
	return NULL;
}

const struct route_table *
routes_of(const struct api *a, const char *type)
{
	for (size_t i = 0; a->cfg.backends[i] != NULL; i++)
		if (strcmp(a->cfg.backends[i]->type, type) == 0)
			return a->tables[i];
	return NULL;
}
