/* SPDX-License-Identifier: Apache-2.0 */
/* Secret-ids: made, looked up, destroyed. */
#include <stdio.h>

#include <chancery/base/clock.h>

#include "approle.h"

struct making {
	struct secret_id s;
	json_t *text;
};

static void
making_free(void *state)
{
	struct making *m = state;

	secret_id_clear(&m->s);
	json_decref(m->text);
	mem_free(m);
}

/* ---- make ---- */

static void
made(struct call *c)
{
	struct making *m = c->state;
	json_t *data;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	data = json_pack("{s:O, s:s, s:I, s:I}", "secret_id", m->text,
	    "secret_id_accessor", m->s.accessor, "secret_id_ttl",
	    (json_int_t)m->s.ttl_s, "secret_id_num_uses",
	    (json_int_t)m->s.uses_left);
	call_ok_secret(c, data);
}

static bool
text_free(struct call *c, const struct sha256 *key)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;
	struct error e = { 0 };

	if (store_secret_get(c->store, SECRET_ID_KIND, key, c->now_s, &row,
		&mem, &e)) {
		call_error(c, 400, "SecretID is already registered");
		return false;
	}
	if (e.why == FAIL_NOT_FOUND)
		return true;
	call_fail(c, &e);
	return false;
}

static void
make(struct call *c, const json_t *role, const char *text)
{
	struct secret_id_ask ask = { .role = role,
		.metadata = call_str(c, "metadata"),
		.cidr_list = call_list(c, "cidr_list"),
		.token_cidrs = call_list(c, "token_bound_cidrs"),
		.uses_given = call_given(c, "num_uses"),
		.ttl_given = call_given(c, "ttl"),
		.uses = call_int(c, "num_uses"),
		.ttl_s = call_int(c, "ttl"),
		.now_s = c->now_s,
		.system_max_s = c->mount->max_ttl_s };
	struct making *m = mem_calloc(1, sizeof(*m));
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };
	struct error e = { 0 };

	c->state = m;
	c->state_free = making_free;
	if (!secret_id_make(&ask, &m->s, &e)) {
		call_error(c, 400, "%s", e.msg);
		return;
	}
	m->text = json_string(text);
	m->s.key = secret_id_key(m->s.scope, bytes_str(text));
	uuid_random(m->s.accessor);
	if (!text_free(c, &m->s.key))
		return;
	ch.row = secret_id_row(&m->s, &mem);
	call_secrets(c, &ch, 1, made);
}

static void
make_for_role(struct call *c, const char *text)
{
	auto_doc const struct doc *d = approle_need(c);

	if (d == NULL)
		return;
	if (!member_bool(d->json, "bind_secret_id", true))
		call_error(c, 400, "bind_secret_id is not set on the role");
	else
		make(c, d->json, text);
}

void
secret_id_generate(struct call *c)
{
	char text[37];

	uuid_random(text);
	make_for_role(c, text);
	explicit_bzero(text, sizeof(text));
}

void
secret_id_custom(struct call *c)
{
	const char *text = call_str(c, "secret_id");

	if (text[0] == '\0')
		call_error(c, 400, "missing secret_id");
	else if (strlen(text) > LIMIT_SECRET_ID_BYTES)
		call_error(c, 400, "secret_id is longer than %d octets",
		    LIMIT_SECRET_ID_BYTES);
	else
		make_for_role(c, text);
}

/* ---- list ---- */

static bool
accessor_add(void *arg, const struct store_secret *row)
{
	if (row->alias != NULL)
		(void)json_array_append_new(arg, json_string(row->alias));
	return true;
}

void
secret_id_list(struct call *c)
{
	auto_doc const struct doc *d = approle_role(c);
	json_t *keys;
	struct error e = { 0 };

	if (d == NULL) {
		call_error(c, 400, "role \"%s\" does not exist",
		    call_str(c, "role_name"));
		return;
	}
	keys = json_array();
	if (store_secret_list(c->store, SECRET_ID_KIND,
		doc_str(d->json, "uuid"), c->now_s, accessor_add, keys, &e)) {
		call_keys(c, keys, NULL);
		return;
	}
	json_decref(keys);
	call_fail(c, &e);
}

/* ---- look up, destroy ---- */

/* By text or by accessor, of this role. */
static bool
find(struct call *c, const json_t *role, bool by_accessor,
    struct secret_id *out, struct error *e)
{
	auto_buf struct buf mem = { 0 };
	const char *uuid = doc_str(role, "uuid");
	struct store_secret row;
	struct sha256 key;
	bool ok;

	if (by_accessor) {
		ok = store_secret_by_alias(c->store, SECRET_ID_KIND,
		    call_str(c, "secret_id_accessor"), c->now_s, &row, &mem, e);
	} else {
		key = secret_id_key(uuid, bytes_str(call_str(c, "secret_id")));
		ok = store_secret_get(c->store, SECRET_ID_KIND, &key, c->now_s,
		    &row, &mem, e);
	}
	if (ok && strcmp(row.scope, uuid) != 0)
		ok = error_set(e, FAIL_NOT_FOUND, "of another role");
	return ok && secret_id_decode(&row, out, e);
}

static json_t *
time_text(int64_t t_s)
{
	/* What is not set is Go's zero time. */
	return t_s == 0 ? json_string("0001-01-01T00:00:00Z")
			: time_or_null(t_s);
}

static void
answer_lookup(struct call *c, const struct secret_id *s)
{
	call_ok(c,
	    json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"secret_id_accessor", s->accessor, "secret_id_ttl",
		(json_int_t)s->ttl_s, "secret_id_num_uses",
		(json_int_t)s->uses_left, "creation_time",
		time_text(s->created_s), "expiration_time",
		time_text(s->expires_s), "last_updated_time",
		time_text(s->updated_s), "metadata",
		json_deep_copy(s->metadata), "cidr_list",
		json_deep_copy(s->cidr_list), "token_bound_cidrs",
		json_deep_copy(s->token_cidrs)));
}

static void
answer_destroy(struct call *c, const struct secret_id *s)
{
	struct store_secret_change ch = { .op = STORE_SECRET_DELETE,
		.row = { .kind = SECRET_ID_KIND, .key = s->key, .scope = "" } };

	call_secrets(c, &ch, 1, changed);
}

static void
with_secret_id(struct call *c, bool by_accessor,
    void (*answer)(struct call *c, const struct secret_id *s))
{
	const char *field = by_accessor ? "secret_id_accessor" : "secret_id";
	auto_doc const struct doc *d = NULL;
	auto_secret_id struct secret_id s = { .uses_left = 0 };
	struct error e = { 0 };

	if (call_str(c, field)[0] == '\0') {
		call_error(c, 400, "missing %s", field);
		return;
	}
	d = approle_need(c);
	if (d == NULL)
		return;
	if (find(c, d->json, by_accessor, &s, &e))
		answer(c, &s);
	else if (e.why != FAIL_NOT_FOUND)
		call_fail(c, &e);
	else if (by_accessor)
		call_error(c, 404,
		    "failed to find accessor entry for secret_id_accessor: "
		    "\"%.60s\"",
		    call_str(c, field));
	else
		call_no_content(c);
}

void
secret_id_lookup(struct call *c)
{
	with_secret_id(c, false, answer_lookup);
}

void
secret_id_destroy(struct call *c)
{
	with_secret_id(c, false, answer_destroy);
}

void
secret_id_accessor_lookup(struct call *c)
{
	with_secret_id(c, true, answer_lookup);
}

void
secret_id_accessor_destroy(struct call *c)
{
	with_secret_id(c, true, answer_destroy);
}

void
approle_tidy(struct call *c)
{
	struct error e = { 0 };

	if (!auth_tidy(c->tokens, c->now_s, &e)) {
		call_fail(c, &e);
		return;
	}
	call_warn(c, "Tidy operation done: what had expired is removed.");
	call_accepted(c);
}
