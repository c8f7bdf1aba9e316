/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "sys.h"

const struct field_spec mount_config_fields[] = {
	{ "path", FT_STRING, NULL, "Path of the mount.", true, false },
	{ "default_lease_ttl", FT_STRING, NULL,
	    "Life of what is given without a wish; \"system\" or -1: as the "
	    "server's.",
	    false, false },
	{ "max_lease_ttl", FT_STRING, NULL,
	    "Longest life; \"system\" or -1: as the server's.", false, false },
	{ "description", FT_STRING, NULL, "For people.", false, false },
	{ "force_no_cache", FT_BOOL, NULL, "Kept and shown.", false, false },
	{ "listing_visibility", FT_STRING, NULL,
	    "unauth: shown without a token; hidden.", false, false },
	{ "audit_non_hmac_request_keys", FT_LIST, NULL, "Kept and shown.",
	    false, false },
	{ "audit_non_hmac_response_keys", FT_LIST, NULL, "Kept and shown.",
	    false, false },
	{ "passthrough_request_headers", FT_LIST, NULL, "Kept and shown.",
	    false, false },
	{ "allowed_response_headers", FT_LIST, NULL, "Kept and shown.", false,
	    false },
	{ "token_type", FT_STRING, NULL, "Kept and shown; service tokens.",
	    false, false },
	{ "options", FT_MAP, NULL, "Kept and shown.", false, false },
	{ "plugin_version", FT_STRING, NULL, "Must be empty.", false, false },
	{ 0 },
};

char *
mount_doc_name(bool auth, const char *path)
{
	return mem_printf("%s%s", auth ? "auth/" : "", path);
}

bool
mount_name_ok(const char *path, struct error *e)
{
	static const char *const reserved[] = { "sys", "auth", "cubbyhole",
		"identity", "audit" };
	size_t n = strcspn(path, "/");

	if (strlen(path) > 200)
		return error_set(e, FAIL_BAD_INPUT,
		    "a mount's path has at most 200 characters");
	for (const char *s = path; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-._~/", *s) == NULL)
			return error_set(e, FAIL_BAD_INPUT,
			    "a mount's path holds letters, digits, '-', '.', "
			    "'_', '~' and '/'");
	for (size_t i = 0; i < countof(reserved); i++)
		if (strlen(reserved[i]) == n &&
		    strncmp(path, reserved[i], n) == 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "cannot mount under reserved path \"%s/\"",
			    reserved[i]);
	return true;
}

/* "pki_1a2b3c4d" */
static json_t *
new_accessor(const char *type, bool auth)
{
	uint8_t r[4];
	char text[64];

	random_bytes(r, sizeof(r));
	(void)snprintf(text, sizeof(text), "%s%s_%02x%02x%02x%02x",
	    auth ? "auth_" : "", type, r[0], r[1], r[2], r[3]);
	return json_string(text);
}

/* RFC 9562, version 4. */
static json_t *
new_uuid(void)
{
	uint8_t r[16];
	char text[37];

	random_bytes(r, sizeof(r));
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	uuid_text(r, text);
	return json_string(text);
}

json_t *
mount_doc_new(const char *type, bool auth, const char *description,
    json_t *config, json_t *options)
{
	return json_pack("{s:s,s:s,s:o,s:o,s:O,s:O}", "type", type,
	    "description", description, "accessor", new_accessor(type, auth),
	    "uuid", new_uuid(), "config", config, "options", options);
}

/* A TTL as text: seconds, a duration, "system" or -1 (0: as the system). */
static bool
merge_ttl(json_t *config, const char *name, const char *text, struct error *e)
{
	int64_t s = 0;

	if (*text == '\0')
		return true;
	if (strcmp(text, "system") == 0 || strcmp(text, "-1") == 0)
		s = 0;
	else if (!request_duration(text, &s) || s < 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: expected a duration such as 3600 or \"87600h\"", name);
	(void)json_object_set_new(config, name, json_integer(s));
	return true;
}

static bool
check_ttls(const json_t *config, const struct service_config *cfg,
    struct error *e)
{
	int64_t least =
	    json_integer_value(json_object_get(config, "default_lease_ttl"));
	int64_t most =
	    json_integer_value(json_object_get(config, "max_lease_ttl"));

	if (most == 0)
		most = cfg->server.max_lease_ttl_s;
	if (least > most)
		return error_set(e, FAIL_BAD_INPUT,
		    "default_lease_ttl of %jd s is above max_lease_ttl of "
		    "%jd s",
		    (intmax_t)least, (intmax_t)most);
	return true;
}

static bool
check_visibility(const char *v, struct error *e)
{
	if (*v == '\0' || strcmp(v, "unauth") == 0 || strcmp(v, "hidden") == 0)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "listing_visibility: expected \"unauth\" or \"hidden\"");
}

/* One field of the table into the configuration. */
static bool
merge_field(json_t *config, const struct field_spec *f, const json_t *v,
    struct error *e)
{
	auto_json json_t *typed = field_convert(f, v, e);

	if (typed == NULL)
		return false;
	if (strcmp(f->name, "default_lease_ttl") == 0 ||
	    strcmp(f->name, "max_lease_ttl") == 0)
		return merge_ttl(config, f->name, json_string_value(typed), e);
	if (strcmp(f->name, "listing_visibility") == 0 &&
	    !check_visibility(json_string_value(typed), e))
		return false;
	(void)json_object_set(config, f->name, typed);
	return true;
}

/* These lie beside the configuration. */
static bool
is_config(const struct field_spec *f)
{
	return !f->in_path && strcmp(f->name, "description") != 0 &&
	    strcmp(f->name, "options") != 0 &&
	    strcmp(f->name, "plugin_version") != 0;
}

json_t *
mount_config_merge(const json_t *config, const json_t *given,
    const struct service_config *cfg, struct error *e)
{
	auto_json json_t *out =
	    config != NULL ? json_deep_copy(config) : json_object();

	for (const struct field_spec *f = mount_config_fields; f->name != NULL;
	     f++) {
		const json_t *v = json_object_get(given, f->name);

		if (v == NULL || json_is_null(v) || !is_config(f))
			continue;
		if (!merge_field(out, f, v, e))
			return NULL;
	}
	if (!check_ttls(out, cfg, e))
		return NULL;
	return take(out);
}

static bool
says_nothing(const json_t *v)
{
	return (json_is_string(v) && json_string_length(v) == 0) ||
	    (json_is_array(v) && json_array_size(v) == 0);
}

json_t *
mount_config_shown(const struct mount *m)
{
	const json_t *config =
	    m->doc != NULL ? json_object_get(m->doc->json, "config") : NULL;
	json_t *out = json_object(), *copy = json_deep_copy(config);
	const char *name;
	json_t *v;

	json_object_foreach(copy, name, v) if (!says_nothing(v))(void)
	    json_object_set(out, name, v);
	json_decref(copy);
	if (strncmp(m->path, "auth/", 5) == 0 &&
	    json_object_get(out, "token_type") == NULL)
		(void)json_object_set_new(out, "token_type",
		    json_string("default-service"));
	return out;
}

static json_t *
config_object(const struct mount *m)
{
	json_t *out = mount_config_shown(m);

	/* 0: the system's, as in the list of the products that clients know. */
	if (json_object_get(out, "default_lease_ttl") == NULL)
		(void)json_object_set_new(out, "default_lease_ttl",
		    json_integer(0));
	if (json_object_get(out, "max_lease_ttl") == NULL)
		(void)json_object_set_new(out, "max_lease_ttl",
		    json_integer(0));
	if (json_object_get(out, "force_no_cache") == NULL)
		(void)json_object_set_new(out, "force_no_cache", json_false());
	return out;
}

json_t *
mount_object(const struct mount *m)
{
	const json_t *doc = m->doc != NULL ? m->doc->json : NULL;
	json_t *options = json_deep_copy(json_object_get(doc, "options"));

	if (options == NULL)
		options = doc != NULL ? json_object() : json_null();

	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:b,s:b,s:b,s:s,s:s,s:s}",
	    "type", m->type, "description", m->description, "accessor",
	    m->accessor, "uuid", m->uuid, "config", config_object(m), "options",
	    options, "local", json_is_true(json_object_get(doc, "local")),
	    "seal_wrap", 0, "external_entropy_access", 0, "plugin_version", "",
	    "running_plugin_version", "v" API_VERSION "+builtin",
	    "running_sha256", "");
}

struct gather {
	const struct call *c;
	bool auth;
	mount_keep_fn *keep;
	json_t *out;
};

static void
gather(struct gather *g, const char *path)
{
	bool auth = strncmp(path, "auth/", 5) == 0;
	struct mount m;

	if (auth != g->auth ||
	    !mount_find(g->c->docs, g->c->settings, path, &m))
		return;
	if (g->keep == NULL || g->keep(g->c, &m)) {
		auto_mem char *key =
		    mem_printf("%s/", path + (auth ? strlen("auth/") : 0));

		(void)json_object_set_new(g->out, key, mount_object(&m));
	}
	mount_release(&m);
}

static bool
gather_doc(void *arg, const struct doc *doc)
{
	gather(arg, doc->name);
	return true;
}

json_t *
mount_objects(const struct call *c, bool auth, mount_keep_fn *keep)
{
	struct gather g = { c, auth, keep, json_object() };

	gather(&g, "sys");
	gather(&g, "auth/token");
	docs_each(c->docs, "mount", "", gather_doc, &g);
	return g.out;
}
