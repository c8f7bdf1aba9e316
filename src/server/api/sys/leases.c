/* SPDX-License-Identifier: Apache-2.0 */
/* Leases by their ids: shown, ended (pki/lease.c makes them). */
#include "../auth/handlers.h"
#include "../pki/lease_row.h"
#include "sys.h"

/* lease_id of the body, or the rest of the path; NULL: answered. */
static const char *
lease_id(struct call *c)
{
	const char *id = call_str(c, "lease_id");

	if (id[0] == '\0' && call_get(c, "url_lease_id") != NULL)
		id = call_str(c, "url_lease_id");
	if (id[0] != '\0')
		return id;
	call_error(c, 400, "lease_id must be specified");
	return NULL;
}

/* False: answered, with `missing` (NULL: 204) when there is no such lease. */
static bool
find(struct call *c, const char *missing, struct store_secret *row,
    struct buf *mem)
{
	const char *id = lease_id(c);
	struct error e = { 0 };

	if (id == NULL)
		return false;
	if (store_secret_by_alias(c->store, STORE_KIND_LEASE, id, c->now_s, row,
		mem, &e))
		return true;
	if (e.why != FAIL_NOT_FOUND)
		call_fail(c, &e);
	else if (missing != NULL)
		call_error(c, 400, "%s", missing);
	else
		call_no_content(c);
	return false;
}

void
sys_lease_lookup(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;
	const char *path;

	if (!find(c, "invalid lease", &row, &mem))
		return;
	path = strrchr(row.alias, '/');
	call_ok(c,
	    json_pack("{s:s,s:s%,s:o,s:o,s:n,s:b,s:I}", "id", row.alias, "path",
		row.alias, (size_t)(path - row.alias), "issue_time",
		time_or_null(lease_row_issued_s(&row)), "expire_time",
		time_or_null(row.expires_s), "last_renewal", "renewable", 0,
		"ttl", (json_int_t)(row.expires_s - c->now_s)));
}

void
sys_lease_renew(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;

	if (find(c, "lease not found", &row, &mem))
		call_error(c, 400, "lease is not renewable");
}

/* ---- revoke: by the mount that leased it ---- */

struct ending {
	call_fn *next;
	int status;
	struct buf body;
	char *scope;
	struct sha256 key;
	/* of a prefix */
	char *after, *below;
};

static void
ending_free(void *state)
{
	struct ending *x = state;

	buf_free(&x->body);
	mem_free(x->scope);
	mem_free(x->after);
	mem_free(x->below);
	mem_free(x);
}

static struct ending *
ending_new(struct call *c)
{
	struct ending *x = mem_calloc(1, sizeof(*x));

	c->state = x;
	c->state_free = ending_free;
	return x;
}

static void
ended(void *arg, int status, struct bytes body)
{
	static const struct lane_reply there = { .ok = true };
	struct call *c = arg;
	struct ending *x = c->state;

	x->status = status;
	buf_reset(&x->body);
	buf_add_bytes(&x->body, body);
	call_wake(c, &there);
}

/* The words of the call within. */
static void
answer_failed(struct call *c, const struct ending *x)
{
	struct error e = { 0 };
	auto_json json_t *o =
	    request_body(buf_bytes(&x->body), bytes_str(""), &e);
	const char *text =
	    json_string_value(json_array_get(json_object_get(o, "errors"), 0));

	call_error(c, x->status, "%s",
	    text != NULL ? text : "the lease could not be revoked");
}

static void
orphan_gone(struct call *c)
{
	const struct ending *x = c->state;

	if (c->reply->ok)
		x->next(c);
	else
		call_fail_reply(c);
}

/* The row of an orphan has nobody else to end it. */
static void
lease_ended(struct call *c)
{
	const struct ending *x = c->state;
	struct store_secret_change ch[LEASE_ROW_CHANGES];

	if (lease_row_ended(x->status)) {
		x->next(c);
	} else if (lease_row_is_orphan(c->docs, x->scope)) {
		lease_row_delete(&x->key, ch);
		call_secrets(c, ch, countof(ch), orphan_gone);
	} else {
		answer_failed(c, x);
	}
}

/* next runs when its row is gone; otherwise it is answered. Never from within this call: what
 * takes a row away goes through the store's writer. */
static void
end_lease(struct call *c, const struct store_secret *row, call_fn *next)
{
	struct ending *x = c->state;

	x->next = next;
	x->key = row->key;
	mem_free(x->scope);
	x->scope = mem_strdup(row->scope);
	call_wait(c, lease_ended);
	lease_row_end(c->api, flight_of(c)->w->index, row, true, c->who, ended,
	    c);
}

void
sys_lease_revoke(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;

	if (!find(c, NULL, &row, &mem))
		return;
	(void)ending_new(c);
	end_lease(c, &row, call_no_content);
}

/* ---- a prefix: an order first, which a restart does not lose ---- */

static void order(struct call *c);

static bool
next_below(struct call *c, const char *kind, struct store_secret *row,
    struct buf *mem, struct error *e)
{
	const struct ending *x = c->state;

	*e = (struct error){ 0 };
	return store_secret_next(c->store, kind, x->after, x->below, c->now_s,
	    row, mem, e);
}

/* Of the order: the lease of that very id, or one below. */
static bool
next_due(struct call *c, struct store_secret *row, struct buf *mem)
{
	struct error e = { 0 };

	return store_secret_by_alias(c->store, STORE_KIND_LEASE_DUE,
		   call_str(c, "prefix"), c->now_s, row, mem, &e) ||
	    next_below(c, STORE_KIND_LEASE_DUE, row, mem, &e);
}

/* With `sync` the answer waits for what pki/leaser.c does otherwise. */
static void
carry_out(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;

	if (call_bool(c, "sync") && next_due(c, &row, &mem))
		end_lease(c, &row, carry_out);
	else
		call_no_content(c);
}

static void
ordered(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;
	struct error e;

	if (!c->reply->ok)
		call_fail_reply(c);
	else if (next_below(c, STORE_KIND_LEASE, &row, &mem, &e))
		order(c);
	else if (e.why != FAIL_NOT_FOUND)
		call_fail(c, &e);
	else {
		/* Tokens may have gone with it. */
		auth_forget(c->tokens, NULL);
		carry_out(c);
	}
}

static void
order(struct call *c)
{
	const char *prefix = call_str(c, "prefix");
	struct store_secret_change ch[2] = { { .op = STORE_SECRET_LEASES_DUE },
		{ .op = STORE_SECRET_DELETE_UNDER } };

	ch[0].row = (struct store_secret){ .kind = STORE_KIND_LEASE,
		.alias = prefix,
		.scope = "" };
	ch[1].row =
	    (struct store_secret){ .kind = STORE_KIND_TOKEN, .scope = prefix };
	call_secrets(c, ch, strncmp(prefix, "auth/", 5) == 0 ? 2 : 1, ordered);
}

void
sys_lease_revoke_prefix(struct call *c)
{
	const char *prefix = call_str(c, "prefix");
	struct ending *x = ending_new(c);

	x->after = mem_printf("%s/", prefix);
	x->below = mem_printf("%s0", prefix); /* '0' is behind '/' */
	order(c);
}

void
sys_lease_tidy(struct call *c)
{
	call_warn(c,
	    "Tidy operation successfully started. Leases are kept tidy all the "
	    "time.");
	call_accepted(c);
}
