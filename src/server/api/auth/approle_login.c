/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever does not fit, the answer is one: nobody learns which role-ids there are. */
#include <stdio.h>

#include "approle.h"
#include "token_params.h"

static void
refuse(struct call *c)
{
	call_error(c, 400, "invalid role or secret ID");
}

/* The role of that role-id, counted; NULL. */
static const struct doc *
role_of_id(const struct call *c)
{
	char hash[2 * SHA256_LEN + 1];
	auto_doc const struct doc *id = NULL;

	approle_id_name(call_str(c, "role_id"), hash);
	id = docs_get(c->docs, ROLE_ID_KIND, c->mount->path, hash);
	return id == NULL ? NULL
			  : docs_get(c->docs, ROLE_KIND, c->mount->path,
				doc_str(id->json, "role"));
}

static bool
from_allowed(const struct call *c, const json_t *cidrs)
{
	return json_array_size(cidrs) == 0 ||
	    cidrs_match(cidrs, http_peer(c->x));
}

/* FAIL_NOT_FOUND: it does not fit. */
static bool
secret_check(const struct call *c, const json_t *role, struct secret_id *out,
    struct error *e)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;
	struct sha256 key = secret_id_key(doc_str(role, "uuid"),
	    bytes_str(call_str(c, "secret_id")));

	return store_secret_get(c->store, SECRET_ID_KIND, &key, c->now_s, &row,
		   &mem, e) &&
	    secret_id_decode(&row, out, e) &&
	    (from_allowed(c, out->cidr_list) ||
		error_set(e, FAIL_NOT_FOUND, "from elsewhere"));
}

static json_t *
login_metadata(const struct doc *role, const struct secret_id *s)
{
	json_t *meta =
	    s->metadata == NULL ? json_object() : json_deep_copy(s->metadata);

	(void)json_object_set_new(meta, "role_name", json_string(role->name));
	return meta;
}

static bool
login_token(struct call *c, const struct doc *role, const struct secret_id *s,
    struct token *out, struct error *e)
{
	auto_json json_t *meta = login_metadata(role, s);
	auto_mem char *shown = login_display_name(c, "");
	struct login_ask ask = { .role = role->json,
		.path = c->why,
		.display_name = shown,
		.meta = meta,
		.now_s = c->now_s,
		.mount_default_s = c->mount->default_ttl_s,
		.mount_max_s = c->mount->max_ttl_s };

	if (json_array_size(s->token_cidrs) > 0)
		ask.bound_cidrs = s->token_cidrs;
	if (c->warnings == NULL)
		c->warnings = json_array();
	return token_login(&ask, out, c->warnings, e);
}

static void login_try(struct call *c);

static void
logged_in(struct call *c)
{
	struct issue *i = c->state;

	/* Another login took a use of the same secret-id: there may be more. */
	if (!c->reply->ok && c->reply->err.why == FAIL_BUSY &&
	    i->tries < LIMIT_SWAP_TRIES) {
		login_try(c);
		return;
	}
	issue_answer(c);
}

/* The use of the secret-id and the token are one write. */
static void
login_write(struct call *c, struct issue *i, const struct secret_id *s)
{
	auto_buf struct buf mem = { 0 }, token = { 0 };
	struct store_secret_change ch[3];
	size_t n = secret_id_spend(s, c->now_s, ch, &mem);

	issue_name(i, bytes_of(NULL, 0));
	ch[n++] = (struct store_secret_change){ .op = STORE_SECRET_PUT,
		.row = token_row(&i->token, &token) };
	call_secrets(c, ch, n, logged_in);
}

static struct issue *
login_state(struct call *c)
{
	struct issue *i = mem_calloc(1, sizeof(*i));

	if (c->state != NULL) {
		i->tries = ((struct issue *)c->state)->tries + 1;
		token_issue_free(c->state);
	}
	c->state = i;
	c->state_free = token_issue_free;
	return i;
}

static void
login_try(struct call *c)
{
	auto_doc const struct doc *role = role_of_id(c);
	auto_secret_id struct secret_id s = { .uses_left = 0 };
	struct issue *i = login_state(c);
	struct error e = { 0 };

	if (role == NULL ||
	    !from_allowed(c,
		json_object_get(role->json, "secret_id_bound_cidrs"))) {
		refuse(c);
		return;
	}
	if (member_bool(role->json, "bind_secret_id", true)) {
		if (call_str(c, "secret_id")[0] == '\0') {
			call_error(c, 400, "missing secret_id");
			return;
		}
		if (!secret_check(c, role->json, &s, &e)) {
			if (e.why == FAIL_NOT_FOUND)
				refuse(c);
			else
				call_fail(c, &e);
			return;
		}
	}
	if (login_token(c, role, &s, &i->token, &e))
		login_write(c, i, &s);
	else
		call_error(c, 400, "%s", e.msg);
}

void
approle_login(struct call *c)
{
	if (call_str(c, "role_id")[0] == '\0')
		call_error(c, 400, "missing role_id");
	else
		login_try(c);
}
