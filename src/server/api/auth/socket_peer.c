/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users of the operating system who may do something over the unix socket without a token:
 * documents "socket-peer" by uid. Root and the service's own user need none.
 */
#include <chancery/base/text.h>

#include "handlers.h"

#define KIND "socket-peer"

static bool
uid_ok(struct call *c)
{
	uint64_t uid;

	if (parse_u64(call_str(c, "uid"), 0, UINT32_MAX - 1, &uid))
		return true;
	call_error(c, 400, "uid: a number");
	return false;
}

static bool
peer_build(struct call *c, struct changes *ch)
{
	auto_json json_t *names = names_clean(call_list(c, "policies"), false);

	change_put(ch, KIND, "", call_str(c, "uid"),
	    json_pack("{s:O}", "policies", names));
	return true;
}

void
peer_write(struct call *c)
{
	auto_json json_t *names = NULL;

	if (!uid_ok(c))
		return;
	names = names_clean(call_list(c, "policies"), false);
	if (json_array_size(names) == 0 ||
	    json_array_size(names) > TOKEN_POLICIES_MAX)
		call_error(c, 400, "policies: 1 to %d", TOKEN_POLICIES_MAX);
	else if (names_have(names, "root"))
		call_error(c, 400,
		    "root: name the user in server.socket_root_uids");
	else
		call_change(c, "socket peer", peer_build, changed);
}

void
peer_read(struct call *c)
{
	auto_doc const struct doc *d =
	    docs_get(c->docs, KIND, "", call_str(c, "uid"));

	if (d == NULL)
		call_not_found(c);
	else
		call_ok(c, json_deep_copy(d->json));
}

static bool
delete_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *d =
	    docs_get(c->docs, KIND, "", call_str(c, "uid"));

	if (d != NULL)
		change_delete(ch, KIND, "", d->name);
	return true;
}

void
peer_delete(struct call *c)
{
	call_change(c, "socket peer removed", delete_build, changed);
}

void
peer_list(struct call *c)
{
	call_keys(c, doc_names(c, KIND, ""), NULL);
}
