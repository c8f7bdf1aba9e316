/* SPDX-License-Identifier: Apache-2.0 */
#include "sys.h"

static bool
find(struct call *c, bool auth, struct mount *m)
{
	const char *path = call_str(c, "path");
	auto_mem char *name = mount_doc_name(auth, path);

	if (mount_find(c->docs, c->settings, name, m))
		return true;
	call_error(c, 400, "cannot fetch sysview for path \"%s/\"", path);
	return false;
}

static void
tune_read(struct call *c, bool auth)
{
	struct mount m;
	auto_json json_t *config = NULL, *options = NULL;
	json_t *data;
	const char *name;
	json_t *value;

	if (!find(c, auth, &m))
		return;
	data = json_pack("{s:s,s:I,s:I,s:b}", "description", m.description,
	    "default_lease_ttl", (json_int_t)m.default_ttl_s, "max_lease_ttl",
	    (json_int_t)m.max_ttl_s, "force_no_cache", 0);
	config = mount_config_shown(&m);
	json_object_foreach(config, name,
	    value) if (strstr(name, "_lease_ttl") == NULL)(void)
	    json_object_set(data, name, value);
	if (m.doc != NULL) {
		options =
		    json_deep_copy(json_object_get(m.doc->json, "options"));
		if (json_object_size(options) > 0)
			(void)json_object_set(data, "options", options);
	}
	mount_release(&m);
	call_ok_flat(c, data);
}

void
sys_tune_read(struct call *c)
{
	tune_read(c, false);
}

void
sys_auth_tune_read(struct call *c)
{
	tune_read(c, true);
}

static bool
merge(struct call *c, const struct mount *m, struct changes *ch,
    struct error *e)
{
	json_t *doc, *config;

	if (call_str(c, "plugin_version")[0] != '\0')
		return error_set(e, FAIL_BAD_INPUT,
		    "plugin_version: there are no plugins, and no versions "
		    "of them");
	doc = json_deep_copy(m->doc->json);
	config = mount_config_merge(json_object_get(doc, "config"), c->given,
	    c->settings, e);

	if (config == NULL) {
		json_decref(doc);
		return false;
	}
	(void)json_object_set_new(doc, "config", config);
	if (call_given(c, "description"))
		(void)json_object_set_new(doc, "description",
		    json_string(call_str(c, "description")));
	if (call_given(c, "options") &&
	    json_object_size(call_json(c, "options")) > 0)
		(void)json_object_set(doc, "options", call_json(c, "options"));
	change_put(ch, "mount", "", m->path, doc);
	return true;
}

static bool
build_tune(struct call *c, struct changes *ch)
{
	const bool *auth = c->state;
	struct error e = { 0 };
	struct mount m;
	bool ok;

	if (!find(c, *auth, &m))
		return false;
	if (m.doc == NULL) {
		call_error(c, 400, "\"%s/\" is built in and cannot be tuned",
		    m.path);
		return false;
	}
	ok = merge(c, &m, ch, &e);
	mount_release(&m);
	if (!ok)
		call_error(c, 400, "%s", e.msg);
	return ok;
}

static void
tune_write(struct call *c, bool auth)
{
	bool *state = mem_calloc(1, sizeof(*state));

	*state = auth;
	c->state = state;
	c->state_free = mem_free;
	call_change(c, "tune", build_tune, call_end_reply);
}

void
sys_tune_write(struct call *c)
{
	tune_write(c, false);
}

void
sys_auth_tune_write(struct call *c)
{
	tune_write(c, true);
}
