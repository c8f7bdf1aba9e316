/* SPDX-License-Identifier: Apache-2.0 */
/* sys/capabilities: what a token may do where. */
#include "handlers.h"

/* In order of their names. */
static const struct {
	const char *name;
	unsigned cap;
} names[] = { { "create", CAP_CREATE }, { "delete", CAP_DELETE },
	{ "list", CAP_LIST }, { "patch", CAP_PATCH }, { "read", CAP_READ },
	{ "sudo", CAP_SUDO }, { "update", CAP_UPDATE } };

static json_t *
capabilities_of(const struct token *t, const char *path)
{
	bool root = false;
	unsigned caps = acl_capabilities(t->acl, path, &root);
	json_t *list;
	size_t i;

	if (root)
		return json_pack("[s]", "root");
	if ((caps & CAP_DENY) != 0)
		return json_pack("[s]", "deny");
	list = json_array();
	for (i = 0; i < countof(names); i++)
		if ((caps & names[i].cap) != 0)
			(void)json_array_append_new(list,
			    json_string(names[i].name));
	return list;
}

static json_t *
paths_given(const struct call *c)
{
	json_t *paths = call_list(c, "paths");

	return json_array_size(paths) > 0 ? paths : call_list(c, "path");
}

static void
answer(struct call *c, const struct token *t)
{
	json_t *paths = paths_given(c), *data = json_object();
	size_t n = json_array_size(paths), i;
	const char *path = "";

	for (i = 0; i < n; i++) {
		path = json_string_value(json_array_get(paths, i));
		(void)json_object_set_new(data, path, capabilities_of(t, path));
	}
	if (n == 1)
		(void)json_object_set_new(data, "capabilities",
		    capabilities_of(t, path));
	call_ok_flat(c, data);
}

static void
capabilities(struct call *c, enum whose whose)
{
	struct error e = { 0 };
	auto_token const struct token *t = NULL;

	if (json_array_size(paths_given(c)) == 0) {
		call_error(c, 400, "paths must be supplied");
		return;
	}
	if (whose == WHOSE_TOKEN && call_str(c, "token")[0] == '\0') {
		call_error(c, 400, "missing token");
		return;
	}
	t = find_token(c, whose, &e);
	if (t != NULL)
		answer(c, t);
	else if (e.why == FAIL_NOT_FOUND)
		call_error(c, 400,
		    whose == WHOSE_ACCESSOR ? "invalid accessor"
					    : "invalid token");
	else
		call_fail(c, &e);
}

void
capabilities_self(struct call *c)
{
	capabilities(c, WHOSE_SELF);
}

void
capabilities_token(struct call *c)
{
	capabilities(c, WHOSE_TOKEN);
}

void
capabilities_accessor(struct call *c)
{
	capabilities(c, WHOSE_ACCESSOR);
}
