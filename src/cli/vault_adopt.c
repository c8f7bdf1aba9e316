/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each setting there becomes an item: what it shall be here, against what it is. Items are
 * told, and with --apply written and read back: what is not what was written could not be
 * kept. Nothing of that Vault is changed.
 */
#include "vault_adopt.h"

#include <string.h>

#include <chancery/base/cleanup.h>

#include "daemon.h"
#include "vault_client.h"
#include "vault_sign.h"

enum state {
	STATE_SAME,
	STATE_CREATED,
	STATE_CHANGED,
	STATE_LOST,
	STATE__COUNT
};
static const struct {
	const char *key, *planned, *done;
} states[STATE__COUNT] = {
	[STATE_SAME] = { "same", "the same", "the same" },
	[STATE_CREATED] = { "created", "to create", "created" },
	[STATE_CHANGED] = { "changed", "to change", "changed" },
	[STATE_LOST] = { "lost", "cannot keep", "cannot keep" },
};

struct job {
	struct cli *c;
	struct vault_client *v;
	struct service_config cfg;
	const char *mount, *to;
	bool apply, mount_here;
	json_t *role_fields; /* object: what a role has here; NULL: not known */
	size_t count[STATE__COUNT];
};

static void
job_free(struct job *j)
{
	vault_client_free(j->v);
	json_decref(j->role_fields);
}
#define auto_job auto_cleanup(job_free)

static void tell(struct job *j, const char *what, enum state state,
    const char *fmt, ...) printf_like(4, 5);
static void
tell(struct job *j, const char *what, enum state state, const char *fmt, ...)
{
	auto_buf struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	j->count[state]++;
	vault_step(j->c, what,
	    j->apply ? states[state].done : states[state].planned, "%s",
	    buf_cstr(&text));
}

/* ---- here ------------------------------------------------------------------- */

/* NULL: FAIL_NOT_FOUND, or a failure. */
static json_t *
here_read(struct job *j, const char *path, struct error *e)
{
	json_t *answer = NULL, *data;

	if (!daemon_ask(&j->cfg, "GET", path, NULL, &answer, e))
		return NULL;
	data = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	if (data == NULL)
		(void)error_set(e, FAIL_NOT_FOUND, "%s: no data", path);
	return data;
}

static bool
here_write(struct job *j, const char *method, const char *path, json_t *body,
    struct error *e)
{
	json_t *answer = NULL;
	bool ok = daemon_ask(&j->cfg, method, path, body, &answer, e);

	json_decref(answer);
	return ok;
}

/* ---- an item ------------------------------------------------------------------ */

struct item {
	const char *what, *name; /* "role", "kafka-server" */
	char *path;              /* here */
	const char *method;      /* that writes it, whole or in part */
	json_t *want;
	bool creates; /* what is not there is made by writing it */
};

/* Names of members of want that have does not have so; "" when there is none. */
static void
differences(json_t *want, const json_t *have, struct buf *out)
{
	const char *key;
	json_t *v;

	json_object_foreach(want, key, v)
	{
		if (!json_equal(v, json_object_get(have, key)))
			buf_addf(out, "%s%s", out->n > 0 ? ", " : "", key);
	}
}

/* What was not taken as it was written. */
static void
read_back(struct job *j, const struct item *it)
{
	auto_buf struct buf lost = { 0 };
	struct error e = { 0 };
	auto_json json_t *have = here_read(j, it->path, &e);

	differences(it->want, have, &lost);
	if (lost.n > 0)
		tell(j, it->what, STATE_LOST, "%s: here it is not so: %s",
		    it->name, buf_cstr(&lost));
}

static bool
do_item(struct job *j, const struct item *it, struct error *e)
{
	struct error why = { 0 };
	auto_json json_t *have =
	    j->mount_here || strcmp(it->what, "policy") == 0
	    ? here_read(j, it->path, &why)
	    : NULL;
	auto_buf struct buf fields = { 0 };
	enum state state = have == NULL ? STATE_CREATED : STATE_CHANGED;

	/* A mount without issuers answers 400 about its default one. */
	if (have == NULL && !it->creates) {
		tell(j, it->what, STATE_LOST,
		    "%s: there is none here yet: once more when there is",
		    it->name);
		return true;
	}
	if (have == NULL && why.why != FAIL_NONE && why.why != FAIL_NOT_FOUND)
		return error_set(e, why.why, "%s", why.msg);
	differences(it->want, have, &fields);
	if (have != NULL && fields.n == 0) {
		tell(j, it->what, STATE_SAME, "%s", it->name);
		return true;
	}
	if (j->apply && !here_write(j, it->method, it->path, it->want, &why)) {
		tell(j, it->what, STATE_LOST, "%s: %s", it->name, why.msg);
		return true;
	}
	tell(j, it->what, state, "%s%s%s", it->name, have != NULL ? ": " : "",
	    have != NULL ? buf_cstr(&fields) : "");
	if (j->apply)
		read_back(j, it);
	return true;
}

static bool
take_item(struct job *j, struct item *it, struct error *e)
{
	bool ok = do_item(j, it, e);

	json_decref(it->want);
	mem_free(it->path);
	return ok;
}

/* The members of `from` that are named. */
static json_t *
picked(const json_t *from, const char *const *names)
{
	json_t *o = json_object();

	for (; *names != NULL; names++) {
		json_t *v = json_object_get(from, *names);

		if (v != NULL)
			(void)json_object_set(o, *names, v);
	}
	return o;
}

/* ---- the mount ----------------------------------------------------------------- */

static bool
find_mount(struct job *j, struct error *e)
{
	auto_mem char *key = mem_printf("%s/", j->to);
	auto_json json_t *mounts = here_read(j, "sys/mounts", e);
	const json_t *m = json_object_get(mounts, key);

	if (mounts == NULL)
		return false;
	j->mount_here = m != NULL;
	return m == NULL || strcmp(json_text(m, "type"), "pki") == 0 ||
	    error_set(e, FAIL_EXISTS, "the mount %s here is no PKI: --to PATH",
		j->to);
}

static bool
make_mount(struct job *j, struct error *e)
{
	auto_mem char *path = mem_printf("sys/mounts/%s", j->to);
	auto_json json_t *body = json_pack("{s:s}", "type", "pki");

	if (j->mount_here)
		return true;
	if (j->apply && !here_write(j, "POST", path, body, e))
		return false;
	tell(j, "mount", STATE_CREATED, "%s", j->to);
	j->mount_here = j->apply;
	return true;
}

static bool
do_mount(struct job *j, struct error *e)
{
	static const char *const fields[] = { "default_lease_ttl",
		"max_lease_ttl", "description", NULL };
	auto_mem char *path = mem_printf("sys/mounts/%s/tune", j->mount);
	auto_json json_t *there = vault_read(j->v, path, e);
	struct item it = { "lifetimes", j->to,
		mem_printf("sys/mounts/%s/tune", j->to), "POST", NULL, true };

	if (there == NULL && e->why == FAIL_PERMISSION) {
		tell(j, "lifetimes", STATE_LOST,
		    "%s: the token may not read %s there", j->to, path);
		mem_free(it.path);
		return make_mount(j, e);
	}
	if (there == NULL || !make_mount(j, e)) {
		mem_free(it.path);
		return there != NULL || e->why != FAIL_BAD_INPUT
		    ? false
		    : error_set(e, FAIL_NOT_FOUND, "there is no mount %s at %s",
			  j->mount, cli_flag(j->c, "address"));
	}
	it.want = picked(there, fields);
	return take_item(j, &it, e);
}

/* ---- roles ------------------------------------------------------------------------ */

/* From the help of a role's path, where a mount is there. */
static void
know_roles(struct job *j)
{
	auto_mem char *path = mem_printf("%s/roles/any?help=1", j->to);
	json_t *answer = NULL;
	struct error e = { 0 };
	json_t *fields;

	if (!j->mount_here ||
	    !daemon_ask(&j->cfg, "GET", path, NULL, &answer, &e))
		return;
	fields = json_object_get(answer, "fields");
	if (json_is_object(fields))
		j->role_fields = json_incref(fields);
	json_decref(answer);
}

static void
drop_unknown(struct job *j, const char *name, json_t *want)
{
	auto_buf struct buf lost = { 0 };
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(want, next, key, v)
	{
		(void)v;
		if (j->role_fields == NULL ||
		    json_object_get(j->role_fields, key) != NULL)
			continue;
		buf_addf(&lost, "%s%s", lost.n > 0 ? ", " : "", key);
		(void)json_object_del(want, key);
	}
	if (lost.n > 0)
		tell(j, "role", STATE_LOST,
		    "%s: there is no such field here: %s", name,
		    buf_cstr(&lost));
}

/* A role may name an issuer that is not here. */
static void
check_issuer_ref(struct job *j, const char *name, json_t *want)
{
	const char *ref = json_text(want, "issuer_ref");
	auto_mem char *path = mem_printf("%s/issuer/%s", j->to, ref);
	struct error e = { 0 };
	auto_json json_t *there = NULL;

	if (*ref == '\0' || strcmp(ref, "default") == 0)
		return;
	there = j->mount_here ? here_read(j, path, &e) : NULL;
	if (there != NULL)
		return;
	tell(j, "role", STATE_LOST,
	    "%s: its issuer \"%s\" is not here: the default one", name, ref);
	(void)json_object_set_new(want, "issuer_ref", json_string("default"));
}

static bool
do_roles(struct job *j, struct error *e)
{
	auto_mem char *list = mem_printf("%s/roles", j->mount);
	auto_json json_t *names = vault_list(j->v, list, e);

	if (names == NULL)
		return false;
	know_roles(j);
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		auto_mem char *path = mem_printf("%s/%s", list, name);
		struct item it = { "role", name,
			mem_printf("%s/roles/%s", j->to, name), "POST",
			vault_read(j->v, path, e), true };

		if (it.want == NULL) {
			mem_free(it.path);
			return false;
		}
		drop_unknown(j, name, it.want);
		check_issuer_ref(j, name, it.want);
		if (!take_item(j, &it, e))
			return false;
	}
	return true;
}

/* ---- addresses in certificates, lists ---------------------------------------------- */

static const char *const url_fields[] = { "issuing_certificates",
	"crl_distribution_points", "ocsp_servers", NULL };

/* "https://vault:8200/v1/…" leads to the other service, which has no lists of what is issued
 * here. */
static json_t *
moved_url(struct job *j, const char *url, bool *lost)
{
	const char *from = cli_flag(j->c, "address"),
		   *base = cli_flag(j->c, "url-base");
	auto_mem char *old = mem_printf("%s/v1/%s/", from, j->mount);
	auto_mem char *new = NULL;

	if (strncmp(url, from, strlen(from)) != 0)
		return json_string(url);
	if (base == NULL || strncmp(url, old, strlen(old)) != 0) {
		*lost = true;
		return json_string(url);
	}
	new = mem_printf("%s/v1/%s/%s", base, j->to, url + strlen(old));
	return json_string(new);
}

static void
move_urls(struct job *j, const char *what, json_t *want)
{
	for (size_t i = 0; url_fields[i] != NULL; i++) {
		json_t *list = json_object_get(want, url_fields[i]);
		json_t *moved = json_array();
		bool lost = false;

		for (size_t k = 0; k < json_array_size(list); k++)
			(void)json_array_append_new(moved,
			    moved_url(j,
				json_string_value(json_array_get(list, k)),
				&lost));
		if (list != NULL && !lost)
			(void)json_object_set(want, url_fields[i], moved);
		json_decref(moved);
		if (!lost)
			continue;
		(void)json_object_del(want, url_fields[i]);
		tell(j, what, STATE_LOST,
		    "%s: an address of the Vault itself, which has no lists "
		    "of what is issued here: --url-base URL",
		    url_fields[i]);
	}
}

static bool
do_config(struct job *j, const char *what, const char *name,
    const char *const *fields, struct error *e)
{
	auto_mem char *path = mem_printf("%s/config/%s", j->mount, name);
	auto_json json_t *there = vault_read(j->v, path, e);
	struct item it = { what, name, NULL, "POST", NULL, true };

	if (there == NULL && e->why == FAIL_NOT_FOUND)
		return true;
	if (there == NULL)
		return false;
	it.path = mem_printf("%s/config/%s", j->to, name);
	it.want = picked(there, fields);
	if (fields == url_fields)
		move_urls(j, what, it.want);
	return take_item(j, &it, e);
}

static const char *const crl_fields[] = { "expiry", "disable", "ocsp_disable",
	"ocsp_expiry", "auto_rebuild", "auto_rebuild_grace_period",
	"enable_delta", "delta_rebuild_interval",
	"allow_expired_cert_revocation", NULL };

/* ---- issuers --------------------------------------------------------------------------- */

static bool
do_issuer(struct job *j, const char *id, const char *fallback, struct error *e)
{
	static const char *const fields[] = { "leaf_not_after_behavior",
		"usage", "issuing_certificates", "crl_distribution_points",
		"ocsp_servers", NULL };
	auto_mem char *path = mem_printf("%s/issuer/%s", j->mount, id);
	auto_json json_t *there = vault_read(j->v, path, e);
	const char *name = json_text(there, "issuer_name");
	struct item it = { "issuer", *name != '\0' ? name : fallback, NULL,
		"PATCH", NULL, false };

	if (there == NULL)
		return false;
	/* Of a root in a chain there is nothing to keep, and nobody to keep it. */
	if (*json_text(there, "key_id") == '\0')
		return true;
	if (it.name == NULL) {
		tell(j, "issuer", STATE_LOST,
		    "%s: it has no name, and is not the default", id);
		return true;
	}
	if (json_array_size(json_object_get(there, "manual_chain")) > 0)
		tell(j, "issuer", STATE_LOST,
		    "%s: manual_chain: its issuers are others here", it.name);
	it.path = mem_printf("%s/issuer/%s", j->to, it.name);
	it.want = picked(there, fields);
	move_urls(j, "issuer", it.want);
	return take_item(j, &it, e);
}

static bool
do_issuers(struct job *j, struct error *e)
{
	auto_mem char *list = mem_printf("%s/issuers", j->mount);
	auto_mem char *config = mem_printf("%s/config/issuers", j->mount);
	auto_json json_t *ids = vault_list(j->v, list, e);
	auto_json json_t *set = vault_read(j->v, config, e);

	if (ids == NULL || (set == NULL && e->why != FAIL_NOT_FOUND))
		return false;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!do_issuer(j, id,
			strcmp(id, json_text(set, "default")) == 0 ? "default"
								   : NULL,
			e))
			return false;
	}
	return true;
}

/* ---- policies ------------------------------------------------------------------------------ */

static bool
do_policies(struct job *j, struct error *e)
{
	const char *name;

	for (size_t i = 0; (name = cli_flag_at(j->c, "policy", i)) != NULL;
	     i++) {
		auto_mem char *path = mem_printf("sys/policies/acl/%s", name);
		auto_json json_t *there = vault_read(j->v, path, e);
		struct item it = { "policy", name, NULL, "POST", NULL, true };

		if (there == NULL)
			return error_context(e, "--policy");
		it.path = mem_strdup(path);
		it.want =
		    json_pack("{s:s}", "policy", json_text(there, "policy"));
		if (!take_item(j, &it, e))
			return false;
	}
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
summary(struct job *j)
{
	struct cli *c = j->c;
	const size_t *n = j->count;
	const bool idle = n[STATE_CREATED] + n[STATE_CHANGED] == 0;

	for (size_t i = 0; i < STATE__COUNT; i++)
		doc_int(c->doc, states[i].key, states[i].key, (int64_t)n[i]);
	doc_bool(c->doc, "applied", "applied", j->apply);
	if (cli_json(c))
		return;
	c->quiet = true;
	out("%zu the same, %zu %s, %zu %s, %zu that cannot be kept\n",
	    n[STATE_SAME], n[STATE_CREATED], states[STATE_CREATED].key,
	    n[STATE_CHANGED], states[STATE_CHANGED].key, n[STATE_LOST]);
	if (idle)
		out("nothing to do\n");
	else if (!j->apply)
		out("this was the plan: --apply does it\n");
}

bool
vault_adopt_run(struct cli *c, struct error *e)
{
	auto_job struct job j = { .c = c,
		.mount = cli_flag(c, "mount"),
		.to =
		    cli_has(c, "to") ? cli_flag(c, "to") : cli_flag(c, "mount"),
		.apply = cli_has(c, "apply") };
	const char *home = cli_home_dir(c, e);
	auto_yaml_doc struct yaml_doc *doc = NULL;

	if (home == NULL || !vault_mount_check(j.mount, "--mount", e) ||
	    !vault_mount_check(j.to, "--to", e))
		return false;
	doc = service_config_open(home, &j.cfg, NULL, e);
	if (doc == NULL || (j.v = vault_client_new(c, e)) == NULL ||
	    !find_mount(&j, e))
		return false;
	doc_list(c->doc, "steps", "steps");
	if (!do_mount(&j, e) || !do_roles(&j, e) ||
	    !do_config(&j, "urls", "urls", url_fields, e) ||
	    !do_config(&j, "crl", "crl", crl_fields, e) || !do_issuers(&j, e) ||
	    !do_policies(&j, e))
		return false;
	summary(&j);
	return true;
}
