/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: made, shown, removed. */
#include "sys.h"

/* ---- reading ---- */

void
sys_mounts_list(struct call *c)
{
	call_ok_flat(c, mount_objects(c, false, NULL));
}

void
sys_auth_list(struct call *c)
{
	call_ok_flat(c, mount_objects(c, true, NULL));
}

static void
read_mount(struct call *c, bool auth)
{
	const char *path = call_str(c, "path");
	auto_mem char *name = mount_doc_name(auth, path);
	struct mount m;
	json_t *data;

	if (!mount_find(c->docs, c->settings, name, &m)) {
		/* Terraform compares the text. */
		call_error(c, 400,
		    auth ? "No auth engine at %s/"
			 : "No secret engine mount at %s/",
		    path);
		return;
	}
	data = mount_object(&m);
	mount_release(&m);
	call_ok_flat(c, data);
}

void
sys_mount_read(struct call *c)
{
	read_mount(c, false);
}

void
sys_auth_read(struct call *c)
{
	read_mount(c, true);
}

/* ---- making ---- */

struct making {
	bool auth;
	char *name; /* of the document */
	const struct backend *backend;
	json_t *config;
};

static void
making_free(void *state)
{
	struct making *m = state;

	json_decref(m->config);
	mem_free(m->name);
	mem_free(m);
}

struct below {
	const char *path;
	const char *found;
	char name[256];
};

static bool
is_below(void *arg, const struct doc *doc)
{
	struct below *b = arg;
	size_t n = strlen(b->path);

	if (strncmp(doc->name, b->path, n) != 0 || doc->name[n] != '/')
		return true;
	text_cut(b->name, sizeof(b->name), doc->name);
	b->found = b->name;
	return false;
}

/* No mount is at, above or below another. */
static bool
path_free(struct call *c, const char *name)
{
	auto_doc const struct doc *above = docs_longest(c->docs, "mount", name);
	struct below b = { .path = name };

	if (above == NULL)
		docs_each(c->docs, "mount", "", is_below, &b);
	else
		b.found = above->name;
	if (mount_is_built_in(name))
		b.found = name;
	if (b.found == NULL)
		return true;
	call_error(c, 400, "path is already in use at %s/", b.found);
	return false;
}

static bool
build_make(struct call *c, struct changes *ch)
{
	const struct making *m = c->state;
	json_t *doc;

	if (!path_free(c, m->name))
		return false;
	doc = mount_doc_new(m->backend->type, m->auth,
	    call_str(c, "description"), m->config, call_json(c, "options"));
	if (call_bool(c, "local"))
		(void)json_object_set_new(doc, "local", json_true());
	change_put(ch, "mount", "", m->name, doc);
	return m->backend->made == NULL || m->backend->made(c, ch, m->name);
}

static const struct backend *
wanted_backend(struct call *c, bool auth)
{
	const char *type = call_str(c, "type");
	const struct backend *b;

	if (*type == '\0' || strcmp(type, "plugin") == 0)
		type = call_str(c, "plugin_name");
	if (*type == '\0') {
		call_error(c, 400,
		    "backend type must be specified as a string");
		return NULL;
	}
	b = backend_of(c->api, type);
	if (b != NULL && (auth ? b->mount_auth : b->mount_secret))
		return b;
	call_error(c, 400,
	    "plugin not found in the catalog: %s (type %s is not one of ours)",
	    type, auth ? "auth" : "secret");
	return NULL;
}

static void
make_mount(struct call *c, bool auth)
{
	const json_t *config = call_json(c, "config");
	const struct backend *b = wanted_backend(c, auth);
	struct error e = { 0 };
	struct making *m;

	if (b == NULL)
		return;
	m = mem_calloc(1, sizeof(*m));
	*m = (struct making){ .auth = auth,
		.backend = b,
		.name = mount_doc_name(auth, call_str(c, "path")) };
	c->state = m;
	c->state_free = making_free;
	if (!json_is_null(config) && !json_is_object(config)) {
		call_error(c, 400, "config: expected an object");
		return;
	}
	m->config = mount_config_merge(NULL, config, c->settings, &e);
	if (m->config == NULL || !mount_name_ok(call_str(c, "path"), &e)) {
		call_error(c, 400, "%s", e.msg);
		return;
	}
	call_change(c, "mount", build_make, call_end_reply);
}

void
sys_mount_make(struct call *c)
{
	make_mount(c, false);
}

void
sys_auth_make(struct call *c)
{
	make_mount(c, true);
}

/* ---- removing ---- */

struct removing {
	struct changes *ch;
	const char *kind, *path;
};

static bool
remove_doc(void *arg, const struct doc *doc)
{
	struct removing *r = arg;

	change_delete(r->ch, r->kind, r->path, doc->name);
	return true;
}

static bool
build_remove(struct call *c, struct changes *ch)
{
	const struct making *m = c->state;
	struct removing r = { .ch = ch, .path = m->name };
	struct mount mount;

	if (!mount_find(c->docs, c->settings, m->name, &mount))
		return true; /* nothing to do: 204 all the same */
	r.kind = NULL;
	if (m->backend == NULL)
		((struct making *)c->state)->backend =
		    backend_of(c->api, mount.type);
	mount_release(&mount);
	for (const char *const *kind =
		 m->backend != NULL ? m->backend->doc_kinds : NULL;
	     kind != NULL && *kind != NULL; kind++) {
		r.kind = *kind;
		docs_each(c->docs, *kind, m->name, remove_doc, &r);
	}
	change_delete(ch, "mount", "", m->name);
	return m->backend == NULL || m->backend->removed == NULL ||
	    m->backend->removed(c, ch, m->name);
}

/* Leases of what the mount gave: they go with it. */
static void
removed(struct call *c)
{
	const struct making *m = c->state;
	struct store_secret_change ch[2] = {
		{ .op = STORE_SECRET_DELETE_SCOPE },
		{ .op = STORE_SECRET_DELETE_SCOPE }
	};

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	ch[0].row =
	    (struct store_secret){ .kind = STORE_KIND_LEASE, .scope = m->name };
	ch[1].row = (struct store_secret){ .kind = STORE_KIND_LEASE_DUE,
		.scope = m->name };
	call_secrets(c, ch, countof(ch), call_end_reply);
}

static void
remove_mount(struct call *c, bool auth)
{
	struct making *m = mem_calloc(1, sizeof(*m));

	m->name = mount_doc_name(auth, call_str(c, "path"));
	c->state = m;
	c->state_free = making_free;
	if (mount_is_built_in(m->name)) {
		call_error(c, 400, "cannot unmount \"%s/\"",
		    call_str(c, "path"));
		return;
	}
	call_change(c, "unmount", build_remove, removed);
}

void
sys_mount_remove(struct call *c)
{
	remove_mount(c, false);
}

void
sys_auth_remove(struct call *c)
{
	remove_mount(c, true);
}

void
sys_remount(struct call *c)
{
	call_error(c, 400,
	    "mounts cannot be moved: certificates are recorded under their "
	    "mount's path. Make a new mount, import the issuer, remove the old "
	    "one");
}

void
sys_remount_status(struct call *c)
{
	call_not_found(c);
}
