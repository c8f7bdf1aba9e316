/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request: head → mount → row → token → body → policy → fields → handler.
 * This is the only place that lets a request through. What is not there is told only to
 * those who may look.
 */
#include <strings.h>

#include "core.h"

/* The path that routing, policy and log see: never cut. */
static const char *
full_path(const struct flight *f)
{
	return (const char *)f->path.p;
}

static bool
header_is(const struct http_exchange *x, const char *name, const char *value)
{
	struct bytes v;
	size_t n = 0;

	if (!http_header(x, name, &v))
		return false;
	while (n < v.n && v.p[n] != ';' && v.p[n] != ' ')
		n++;
	return n == strlen(value) &&
	    strncasecmp((const char *)v.p, value, n) == 0;
}

/* ---- head ---- */

/* Without namespaces only the root is there (vault-pki-api.md §1.2). */
static bool
check_namespace(struct flight *f)
{
	static const char *const roots[] = { "root", "/", "root/" };
	static const char *const outside[] = { "sys/init", "sys/seal",
		"sys/unseal", "sys/health", "sys/seal-status" };
	struct bytes ns;

	if (!http_header(f->c.x, "X-Vault-Namespace", &ns) || ns.n == 0)
		return true;
	for (size_t i = 0; i < countof(outside); i++)
		if (strcmp(full_path(f), outside[i]) == 0) {
			call_error(&f->c, 400,
			    "unavailable operation with a namespace");
			return false;
		}
	for (size_t i = 0; i < countof(roots); i++)
		if (bytes_eq(ns, bytes_str(roots[i])))
			return true;
	call_error(&f->c, 404, "no such namespace");
	return false;
}

static bool
read_path(struct flight *f)
{
	static const struct bytes prefix = { (const uint8_t *)"/v1/", 4 };
	struct bytes raw = http_path(f->c.x);
	struct error e = { 0 };

	access_raw_path(f->access, raw);
	if (raw.n < prefix.n || !bytes_eq(bytes_of(raw.p, prefix.n), prefix)) {
		call_error(&f->c, 404, "all paths begin with /v1/");
		return false;
	}
	raw = bytes_of(raw.p + prefix.n, raw.n - prefix.n);
	if (!request_path(raw, &f->path, &f->trailing_slash, &e)) {
		call_error(&f->c, 400, "%s", e.msg);
		return false;
	}
	(void)buf_cstr(&f->path);
	text_cut(f->c.why, sizeof(f->c.why), full_path(f));
	mem_free(f->access->path);
	f->access->path = mem_strdup(full_path(f));
	return true;
}

static const struct {
	const char *method;
	enum operation op;
} methods[] = { { "GET", OP_READ }, { "HEAD", OP_READ }, { "LIST", OP_LIST },
	{ "POST", OP_WRITE }, { "PUT", OP_WRITE }, { "PATCH", OP_PATCH },
	{ "DELETE", OP_DELETE } };

/* Of what the query asks for beside input: ?list=true, ?help=1. */
static bool
read_switch(struct flight *f, const char *name, bool *on)
{
	const char *text = json_string_value(json_object_get(f->c.given, name));

	*on = false;
	if (json_object_get(f->c.given, name) == NULL)
		return true;
	if (text == NULL || (*text != '\0' && !request_bool(text, on))) {
		call_error(&f->c, 400,
		    "query parameter %s: expected true or "
		    "false",
		    name);
		return false;
	}
	(void)json_object_del(f->c.given, name);
	return true;
}

static bool
read_query(struct flight *f)
{
	struct error e = { 0 };
	bool list;

	f->c.given = request_query(http_query(f->c.x), &e);
	if (f->c.given == NULL) {
		call_error(&f->c, 400, "%s", e.msg);
		return false;
	}
	if (!read_switch(f, "list", &list) || !read_switch(f, "help", &f->help))
		return false;
	if (list && f->c.op == OP_READ)
		f->c.op = OP_LIST;
	return true;
}

static bool
read_operation(struct flight *f)
{
	struct bytes method = http_method(f->c.x);

	for (size_t i = 0; i < countof(methods); i++) {
		if (!bytes_eq(method, bytes_str(methods[i].method)))
			continue;
		f->c.op = methods[i].op;
		if (f->c.op == OP_WRITE || f->c.op == OP_PATCH)
			return true;
		return read_query(f);
	}
	flight_refuse(f, 405, "unsupported operation");
	return false;
}

static bool
check_verb(struct flight *f)
{
	if (f->c.op == OP_PATCH &&
	    !header_is(f->c.x, "Content-Type",
		"application/merge-patch+json")) {
		call_error(&f->c, 415,
		    "PATCH requires Content-Type application/merge-patch+json");
		return false;
	}
	if ((f->c.op == OP_WRITE || f->c.op == OP_PATCH) && f->trailing_slash) {
		call_error(&f->c, 400, "cannot write to a path ending in '/'");
		return false;
	}
	return true;
}

static bool
read_wrap(struct flight *f)
{
	struct bytes v;
	auto_buf struct buf text = { 0 };

	if (!http_header(f->c.x, "X-Vault-Wrap-TTL", &v) || v.n == 0)
		return true;
	buf_add_bytes(&text, v);
	if (!request_duration(buf_cstr(&text), &f->c.wrap_ttl_s) ||
	    f->c.wrap_ttl_s < 0) {
		call_error(&f->c, 400,
		    "X-Vault-Wrap-TTL: expected seconds, or a duration that is "
		    "not negative");
		return false;
	}
	if (f->c.wrap_ttl_s > 0 && f->c.api->cfg.wrap == NULL) {
		call_error(&f->c, 400, "response wrapping is not available");
		return false;
	}
	return true;
}

/* ---- mount and row ---- */

void
serve_find_row(struct flight *f)
{
	struct call *c = &f->c;
	const struct route_table *rows;
	struct route_found found;

	if (!mount_of_path(c->docs, c->settings, full_path(f), &f->mount))
		return;
	c->mount = &f->mount;
	c->path = full_path(f) + strlen(f->mount.path);
	c->path += *c->path == '/';
	if (f->access != NULL)
		text_cut(f->access->mount, sizeof(f->access->mount),
		    f->mount.type);
	rows = routes_of(c->api, f->mount.type);
	if (rows == NULL || !route_match(rows, c->path, &found))
		return;
	c->route = found.route;
	c->defaults = found.defaults;
	f->captures = found.captures;
}

static unsigned
flags_of(const struct flight *f)
{
	unsigned flags = f->c.route != NULL ? f->c.route->flags : 0;

	if ((flags & ROUTE_METRICS) != 0 &&
	    f->c.settings->server.plain_metrics &&
	    http_listener_of(f->c.x) == HTTP_PLAIN)
		flags |= ROUTE_PUBLIC | ROUTE_UNAUTH;
	return flags;
}

/* Whether the worker is too full for it. */
static bool
is_refused_when_full(const struct flight *f)
{
	return f->spare &&
	    (f->c.op != OP_READ ||
		!(flags_of(f) & (ROUTE_PUBLIC | ROUTE_SPARE)));
}

/* ---- token ---- */

struct bytes
token_of(const struct http_exchange *x)
{
	static const char bearer[] = "Bearer ";
	struct bytes v;

	if (http_header(x, "X-Vault-Token", &v) && v.n > 0)
		return v;
	if (http_header(x, "Authorization", &v) && v.n > sizeof(bearer) - 1 &&
	    strncasecmp((const char *)v.p, bearer, sizeof(bearer) - 1) == 0)
		return bytes_of(v.p + sizeof(bearer) - 1,
		    v.n - (sizeof(bearer) - 1));
	return bytes_of(NULL, 0);
}

/* Over the unix socket root, the service's own user and those whom the configuration names
 * may do what the root policy may. */
static bool
is_root_peer(const struct call *c, unsigned uid)
{
	const struct yaml_texts *uids = &c->settings->server.socket_root_uids;
	char text[16];

	if (uid == 0 || uid == geteuid())
		return true;
	(void)snprintf(text, sizeof(text), "%u", uid);
	for (size_t i = 0; i < uids->n; i++)
		if (strcmp(uids->v[i], text) == 0)
			return true;
	return false;
}

static const struct token *
peer_token(const struct call *c)
{
	unsigned uid, gid;
	int pid;

	if (!http_peer_cred(c->x, &uid, &gid, &pid))
		return NULL;
	return auth_token_peer(c->tokens, uid, is_root_peer(c, uid), c->now_s);
}

static void
name_caller(struct flight *f)
{
	struct call *c = &f->c;

	auto_buf struct buf who = { 0 };

	if (c->token == NULL)
		buf_add_str(&who, "unauthenticated");
	else if (c->token->service[0] != '\0')
		buf_addf(&who, "vault:%s:%s", c->token->service,
		    c->token->display_name);
	else
		buf_addf(&who, "%s%s",
		    strncmp(c->token->display_name, "uid:", 4) == 0 ? ""
								    : "token:",
		    c->token->display_name);
	text_cut(c->who, sizeof(c->who), buf_cstr(&who));
	text_cut(f->access->who, sizeof(f->access->who), c->who);
	if (c->token != NULL)
		text_cut(f->access->accessor, sizeof(f->access->accessor),
		    c->token->accessor);
}

static void
deny(struct flight *f)
{
	atomic_fetch_add_explicit(&f->c.api->metrics.denied, 1,
	    memory_order_relaxed);
	flight_refuse(f, 403, "permission denied");
}

/* A token that is given must be good, except where none is needed. `e` is why there is none. */
static bool
admit(struct flight *f, bool given, struct error *e)
{
	struct call *c = &f->c;

	if (c->token != NULL && !auth_token_from(c->token, http_peer(c->x))) {
		auth_token_put(c->token);
		c->token = NULL;
		(void)error_set(e, FAIL_PERMISSION, "bound to other peers");
	}
	name_caller(f);
	if (c->token != NULL || (flags_of(f) & ROUTE_UNAUTH))
		return true;
	if (e->why == FAIL_REFUSED)
		call_error(c, 403, "permission denied: %s", e->msg);
	else if (e->why != FAIL_NONE && e->why != FAIL_PERMISSION)
		call_fail(c, e);
	else if (given)
		call_error(c, 403,
		    "2 errors occurred:\n\t* permission denied\n\t* invalid "
		    "token\n\n");
	else
		call_error(c, 403, "permission denied");
	return false;
}

/* ---- input and policy ---- */

static bool
read_input(struct flight *f)
{
	struct call *c = &f->c;
	struct bytes type = { 0 };
	struct error e = { 0 };

	if (c->given != NULL)
		return true;
	if (flags_of(f) & ROUTE_RAW) {
		c->given = json_object();
		return true;
	}
	(void)http_header(c->x, "Content-Type", &type);
	c->given = request_body(http_body(c->x), type, &e);
	if (c->given == NULL)
		call_error(c, 400, "%s", e.msg);
	return c->given != NULL;
}

static const unsigned op_capability[OP__COUNT] = { [OP_READ] = CAP_READ,
	[OP_LIST] = CAP_LIST,
	[OP_WRITE] = CAP_UPDATE,
	[OP_PATCH] = CAP_PATCH,
	[OP_DELETE] = CAP_DELETE };

static bool
capability(struct flight *f, unsigned *need)
{
	struct call *c = &f->c;
	struct error e = { 0 };

	*need = op_capability[c->op];
	if (flags_of(f) & ROUTE_SUDO)
		*need |= CAP_SUDO;
	if (c->op != OP_WRITE || c->route == NULL || c->route->exists == NULL)
		return true;
	c->typed = fields_captured(c->route->fields, f->captures, &e);
	if (c->typed == NULL) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	if (!c->route->exists(c))
		*need = (*need & ~(unsigned)CAP_UPDATE) | CAP_CREATE;
	return true;
}

static bool
authorise(struct flight *f)
{
	struct call *c = &f->c;
	auto_buf struct buf path = { 0 };
	struct acl_request r = { .wrap_ttl_s = c->wrap_ttl_s };

	if ((flags_of(f) & (ROUTE_UNAUTH | ROUTE_ANY_TOKEN)) || f->help)
		return true;
	if (!capability(f, &r.need))
		return false;
	buf_add_str(&path, full_path(f));
	if (c->op == OP_LIST)
		buf_add_byte(&path, '/');
	r.path = buf_cstr(&path);
	if (c->op == OP_WRITE || c->op == OP_PATCH)
		r.params = c->given;
	if (acl_allows(c->token->acl, &r))
		return true;
	deny(f);
	return false;
}

/* ---- what is not there ---- */

static bool
check_there(struct flight *f)
{
	struct call *c = &f->c;

	if (c->mount == NULL)
		call_error(c, 404,
		    "no handler for route \"%s\". route entry not found.",
		    full_path(f));
	else if (c->route == NULL)
		flight_refuse(f, 404, "unsupported path");
	else if (c->route->op[c->op] == NULL && !f->help)
		flight_refuse(f, 405, "unsupported operation");
	else
		return true;
	return false;
}

static void
serve_charged(struct call *c)
{
	struct flight *f = flight_of(c);
	struct error e = { 0 };

	if (!read_input(f) || !authorise(f) || !check_there(f))
		return;
	if (f->help) {
		call_flat(c, 200, route_help(c->route));
		return;
	}
	json_decref(c->typed);
	f->notes = json_array();
	c->typed =
	    fields_typed(c->route->fields, f->captures, c->given, f->notes, &e);
	if (c->typed == NULL) {
		call_error(c, 400, "%s", e.msg);
		return;
	}
	c->route->op[c->op](c);
}

static void
serve_admitted(struct call *c)
{
	if (c->token != NULL && !(flags_of(flight_of(c)) & ROUTE_UNAUTH))
		auth_call_charge(c, serve_charged);
	else
		serve_charged(c);
}

/* Another service was asked. */
static void
serve_foreign(struct call *c)
{
	struct error e = c->reply->err;

	if (admit(flight_of(c), true, &e))
		serve_admitted(c);
}

static void
serve_known(struct flight *f)
{
	struct call *c = &f->c;
	struct bytes text = token_of(c->x);
	struct error e = { 0 };

	if (text.n > 0)
		c->token = auth_token_get(c->tokens, text, c->now_s, &e);
	else
		c->token = peer_token(c);
	if (c->token == NULL && e.why == FAIL_PERMISSION &&
	    !(flags_of(f) & ROUTE_UNAUTH) &&
	    foreign_ask(f, text, serve_foreign))
		return;
	if (admit(f, text.n > 0, &e))
		serve_admitted(c);
}

void
serve(struct call *c)
{
	struct flight *f = flight_of(c);

	if (!read_path(f) || !check_namespace(f) || !read_operation(f))
		return;
	f->access->op = c->op;
	serve_find_row(f);
	if (is_refused_when_full(f)) {
		serve_overloaded(c);
		return;
	}
	if (flags_of(f) & ROUTE_OWN)
		c->route = NULL;
	if (http_listener_of(c->x) == HTTP_PLAIN &&
	    !(flags_of(f) & ROUTE_PUBLIC)) {
		call_not_found(c);
		return;
	}
	if (check_verb(f) && read_wrap(f))
		serve_known(f);
}
