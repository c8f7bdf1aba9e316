/* SPDX-License-Identifier: Apache-2.0 */
/* Leases by their ids: shown, ended (pki/lease.c makes them). */
#include "../../auth/token.h"
#include "../auth/handlers.h"
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

static json_t *
value_of(const struct store_secret *row)
{
	return json_loadb((const char *)row->value.p, row->value.n, 0, NULL);
}

void
sys_lease_lookup(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	auto_json json_t *o = NULL;
	struct store_secret row;
	const char *path;

	if (!find(c, "invalid lease", &row, &mem))
		return;
	o = value_of(&row);
	path = strrchr(row.alias, '/');
	call_ok(c,
	    json_pack("{s:s,s:s%,s:o,s:o,s:n,s:b,s:I}", "id", row.alias, "path",
		row.alias, (size_t)(path - row.alias), "issue_time",
		time_or_null(member_int(o, "issued_s")), "expire_time",
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
	/* of a prefix */
	char *after, *below;
};

static void
ending_free(void *state)
{
	struct ending *x = state;

	buf_free(&x->body);
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

static void
end_lease(struct call *c, const struct store_secret *row, call_fn *next)
{
	auto_json json_t *o = value_of(row);
	auto_mem char *path = mem_printf("%s/lease/revoke", row->scope);
	struct api_own_call own = { .op = OP_WRITE,
		.path = path,
		.who = c->who };

	own.given = json_pack("{s:s,s:s,s:b}", "lease_id", row->alias,
	    "serial_number", doc_str(o, "serial"), "wait", 1);
	call_wait(c, next);
	api_call(c->api, flight_of(c)->w->index, &own, ended, c);
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

static bool
went_well(const struct ending *x)
{
	return x->status < 300 || x->status == 404;
}

static void
revoked(struct call *c)
{
	const struct ending *x = c->state;

	if (went_well(x))
		call_no_content(c);
	else
		answer_failed(c, x);
}

void
sys_lease_revoke(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;

	if (!find(c, NULL, &row, &mem))
		return;
	(void)ending_new(c);
	end_lease(c, &row, revoked);
}

/* ---- a prefix: an order first, which a restart does not lose ---- */

static void order(struct call *c);
static void carry_out(struct call *c);

static bool
next_below(struct call *c, const char *kind, struct store_secret *row,
    struct buf *mem, struct error *e)
{
	const struct ending *x = c->state;

	*e = (struct error){ 0 };
	return store_secret_next(c->store, kind, x->after, x->below, c->now_s,
	    row, mem, e);
}

static void
carried_out(struct call *c)
{
	const struct ending *x = c->state;

	if (went_well(x))
		carry_out(c);
	else
		answer_failed(c, x);
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
		end_lease(c, &row, carried_out);
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
	    (struct store_secret){ .kind = TOKEN_KIND, .scope = prefix };
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
