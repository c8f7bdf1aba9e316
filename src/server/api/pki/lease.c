/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases of certificates (generate_lease of a role). The row is durable before the answer; it
 * ends with the certificate, or has it revoked: leases/revoke, and whatever ends the token.
 */
#include "lease.h"

#include <chancery/server/auth.h>

#include "lease_row.h"
#include "revoke.h"

bool
lease_wanted(const struct work *w)
{
	return w->way != NULL && w->way->role != NULL &&
	    w->way->role->generate_lease;
}

bool
lease_check(struct call *c, const struct work *w)
{
	if (!lease_wanted(w) || c->token == NULL || c->token->uses_left != 1)
		return true;
	/* OpenBao's words; there the certificate is made first, and revoked. */
	call_error(c, 400,
	    "Secret cannot be returned; token had one use left, so leased "
	    "credentials were immediately revoked.");
	return false;
}

/* Who has no row of his own is looked after by nobody: his leases end by themselves. */
static bool
has_row(const struct token *t)
{
	static const struct sha256 none;

	return t != NULL && t->service[0] == '\0' &&
	    memcmp(&t->key, &none, sizeof(none)) != 0;
}

static void
make_row(struct call *c, const struct work *w, struct buf *mem,
    struct store_secret_change *out)
{
	auto_buf struct buf serial = { 0 };

	serial_text(w->serial, &serial);
	lease_row_encode(c->now_s, buf_cstr(&serial), mem);
	*out = (struct store_secret_change){ .op = STORE_SECRET_PUT,
		.row = { .kind = STORE_KIND_LEASE,
		    .key = lease_row_key(c->lease_id),
		    .alias = c->lease_id,
		    .scope = c->mount->path,
		    .expires_s = w->life.to_s,
		    .value = buf_bytes(mem) } };
	if (has_row(c->token)) {
		out->op = STORE_SECRET_PUT_BELOW;
		out->row.parent = c->token->key;
	}
}

static void
token_gone(struct call *c)
{
	struct error e = { 0 };

	(void)error_set(&e, FAIL_PERMISSION, "permission denied");
	if (c->reply->ok)
		call_fail(c, &e);
	else
		call_fail_reply(c);
}

/* Revoked while it was signed: nobody gets the certificate, and it is not good either. */
static void
refuse_late(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch;

	make_row(c, work_of(c), &mem, &ch);
	ch.op = STORE_SECRET_PUT;
	ch.row.kind = STORE_KIND_LEASE_DUE;
	ch.row.parent = (struct sha256){ { 0 } };
	call_secrets(c, &ch, 1, token_gone);
}

static void
leased(struct call *c)
{
	if (c->reply->ok)
		work_of(c)->answer(c);
	else if (c->reply->err.why == FAIL_NOT_FOUND)
		refuse_late(c);
	else
		call_fail_reply(c);
}

void
lease_make(struct call *c)
{
	struct work *w = work_of(c);
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch;
	char random[TOKEN_RANDOM + 1];

	token_accessor_random(random);
	c->lease_id = mem_printf("%s/%s/%s", c->mount->path, c->path, random);
	c->lease_s = w->life.to_s - c->now_s;
	make_row(c, w, &mem, &ch);
	call_secrets(c, &ch, 1, leased);
}

/* ---- its end ---- */

static void
drop(struct call *c)
{
	struct sha256 key = lease_row_key(call_str(c, "lease_id"));
	struct store_secret_change ch[LEASE_ROW_CHANGES];

	lease_row_delete(&key, ch);
	call_secrets(c, ch, countof(ch), call_end_reply);
}

static void
revoked(struct call *c)
{
	revocation_list(c, call_bool(c, "wait"), drop);
}

void
lease_revoke(struct call *c)
{
	struct revocation *r = revocation_new(c);
	struct error e;

	/* A certificate that was tidied away had ended. */
	if (!revocation_find(c, r, &e)) {
		if (e.why == FAIL_NOT_FOUND || e.why == FAIL_BAD_INPUT)
			drop(c);
		else
			call_fail(c, &e);
	} else if (r->cert.revoked_s != 0 || r->cert.not_after_s <= c->now_s) {
		drop(c);
	} else {
		revocation_record(c, revoked);
	}
}
