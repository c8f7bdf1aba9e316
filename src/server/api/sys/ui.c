/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask before they ask: the mount of a path, the API's description. */
#include "sys.h"

static const char *
visibility(const struct mount *m)
{
	const json_t *config =
	    m->doc != NULL ? json_object_get(m->doc->json, "config") : NULL;
	const char *v =
	    json_string_value(json_object_get(config, "listing_visibility"));

	return v != NULL ? v : "";
}

static bool
may_see(const struct call *c, const struct mount *m)
{
	auto_mem char *prefix = mem_printf("%s/", m->path);

	if (strcmp(visibility(m), "unauth") == 0)
		return true;
	return c->token != NULL && acl_any_below(c->token->acl, prefix);
}

void
sys_ui_mounts(struct call *c)
{
	call_ok(c,
	    json_pack("{s:o,s:o}", "secret", mount_objects(c, false, may_see),
		"auth", mount_objects(c, true, may_see)));
}

void
sys_ui_mount(struct call *c)
{
	const char *path = call_str(c, "path");
	auto_mem char *shown = NULL;
	struct mount m;
	json_t *data;

	if (!mount_of_path(c->docs, c->settings, path, &m)) {
		call_error(c, 403,
		    "preflight capability check returned 403, please ensure "
		    "client's policies grant access to path \"%s/\"",
		    path);
		return;
	}
	if (!may_see(c, &m)) {
		call_error(c, 403,
		    "preflight capability check returned 403, please ensure "
		    "client's policies grant access to path \"%s/\"",
		    m.path);
		mount_release(&m);
		return;
	}
	shown = mem_printf("%s/", m.path);
	data = mount_object(&m);
	(void)json_object_set_new(data, "path", json_string(shown));
	mount_release(&m);
	call_ok(c, data);
}

struct spec {
	const struct call *c;
	json_t *doc;
};

static void
spec_add(struct spec *s, const char *path)
{
	const struct backend *b;
	struct mount m;

	if (!mount_find(s->c->docs, s->c->settings, path, &m))
		return;
	b = backend_of(s->c->api, m.type);
	if (b != NULL && may_see(s->c, &m))
		openapi_add(s->doc, m.path, b);
	mount_release(&m);
}

static bool
spec_doc(void *arg, const struct doc *doc)
{
	spec_add(arg, doc->name);
	return true;
}

void
sys_openapi(struct call *c)
{
	struct spec s = { c, openapi_new(API_VERSION) };

	spec_add(&s, "sys");
	spec_add(&s, "auth/token");
	docs_each(c->docs, "mount", "", spec_doc, &s);
	call_flat(c, 200, s.doc);
}
