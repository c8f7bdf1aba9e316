/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response wrapping: an answer waits under a token that works once. The store keeps it
 * sealed under that token's text (secret_id.h), so neither a copy of the store nor who
 * reads it gets at what is in it.
 */
#include <stdio.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "../../auth/secret_id.h"
#include "wrapping.h"

static void
wipe_buf(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

struct wrapping {
	struct secret *text;
	char accessor[TOKEN_RANDOM + 1];
	char wrapped_accessor[64];
	/* What the handler had: its frame may still be on the stack. */
	void *before;
	void (*before_free)(void *state);
};

static void
wrapping_free(void *state)
{
	struct wrapping *w = state;

	if (w->before_free != NULL)
		w->before_free(w->before);
	secret_free(w->text);
	mem_free(w);
}

static struct bytes
text_of(const struct wrapping *w)
{
	return bytes_of(secret_data(w->text), secret_len(w->text));
}

/* ---- wrap ---- */

static void
wrapped(struct call *c)
{
	struct wrapping *w = c->state;
	json_t *info;

	if (!c->reply->ok) {
		c->wrap_ttl_s = 0;
		call_fail_reply(c);
		return;
	}
	info = json_pack("{s:s%, s:s, s:I, s:o, s:s}", "token",
	    secret_data(w->text), secret_len(w->text), "accessor", w->accessor,
	    "ttl", (json_int_t)c->wrap_ttl_s, "creation_time",
	    time_or_null(c->now_s), "creation_path", c->why);
	if (info == NULL)
		fatal("wrapped");
	if (w->wrapped_accessor[0] != '\0')
		(void)json_object_set_new(info, "wrapped_accessor",
		    json_string(w->wrapped_accessor));
	call_wrap_info(c, info);
}

static void
wrapping_value(struct call *c, struct bytes token, const json_t *envelope,
    struct buf *out)
{
	auto_cleanup(wipe_buf) struct buf plain = { 0 };
	auto_buf struct buf sealed = { 0 }, base64 = { 0 };
	auto_json json_t *o = NULL;

	(void)buf_reserve(&plain, json_dumpb(envelope, NULL, 0, JSON_COMPACT));
	json_canonical(envelope, &plain);
	wrap_seal(token, buf_bytes(&plain), &sealed);
	buf_add_base64(&base64, buf_bytes(&sealed));
	o = json_pack("{s:s, s:I, s:I, s:s}", "path", c->why, "created_s",
	    (json_int_t)c->now_s, "ttl_s", (json_int_t)c->wrap_ttl_s, "sealed",
	    buf_cstr(&base64));
	json_canonical(o, out);
}

/* The accessor of a token inside: it can be revoked without unwrapping. */
static void
note_accessor(struct wrapping *w, const json_t *envelope)
{
	(void)snprintf(w->wrapped_accessor, sizeof(w->wrapped_accessor), "%s",
	    doc_str(json_object_get(envelope, "auth"), "accessor"));
}

void
auth_call_wrap(struct call *c, json_t *envelope)
{
	auto_json json_t *owned = envelope;
	auto_buf struct buf value = { 0 };
	struct wrapping *w = mem_calloc(1, sizeof(*w));
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };
	int64_t longest = c->settings->server.max_lease_ttl_s;

	if (c->wrap_ttl_s > longest)
		c->wrap_ttl_s = longest;
	w->before = c->state;
	w->before_free = c->state_free;
	c->state = w;
	c->state_free = wrapping_free;
	w->text = secret_new(TOKEN_TEXT_MAX);
	token_text_random(w->text, TOKEN_PREFIX);
	token_accessor_random(w->accessor);
	note_accessor(w, owned);
	wrapping_value(c, text_of(w), owned, &value);
	ch.row = (struct store_secret){ .kind = WRAP_KIND,
		.key = token_hash(text_of(w)),
		.alias = w->accessor,
		.scope = "",
		.expires_s = c->now_s + c->wrap_ttl_s,
		.value = buf_bytes(&value) };
	call_secrets(c, &ch, 1, wrapped);
}

void
wrapping_wrap(struct call *c)
{
	struct bytes type = { 0 };
	struct error e = { 0 };
	json_t *body;

	if (c->wrap_ttl_s == 0) {
		call_error(c, 400,
		    "endpoint requires response wrapping to be used");
		return;
	}
	(void)http_header(c->x, "Content-Type", &type);
	body = request_body(http_body(c->x), type, &e);
	if (body == NULL)
		call_error(c, 400, "%s", e.msg);
	else
		call_ok_secret(c, body);
}

/* ---- look up, unwrap ---- */

static struct bytes
wrapping_token(struct call *c)
{
	const char *text = call_str(c, "token");

	return text[0] != '\0' ? bytes_str(text) : caller_text(c);
}

/* The row, or it has answered. */
static bool
wrapping_find(struct call *c, struct store_secret *row, struct buf *mem)
{
	struct bytes text = wrapping_token(c);
	struct sha256 key = token_hash(text);
	struct error e = { 0 };

	if (text.n == 0) {
		call_error(c, 400, "missing \"token\" value in input");
		return false;
	}
	if (store_secret_get(c->store, WRAP_KIND, &key, c->now_s, row, mem, &e))
		return true;
	if (e.why == FAIL_NOT_FOUND)
		call_error(c, 400,
		    "wrapping token is not valid or does not exist");
	else
		call_fail(c, &e);
	return false;
}

static json_t *
row_json(const struct store_secret *row)
{
	return json_loadb((const char *)row->value.p, row->value.n, 0, NULL);
}

void
wrapping_lookup(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	auto_json json_t *o = NULL;
	struct store_secret row;

	if (!wrapping_find(c, &row, &mem))
		return;
	o = row_json(&row);
	call_ok(c,
	    json_pack("{s:o, s:I, s:s}", "creation_time",
		time_or_null(member_int(o, "created_s")), "creation_ttl",
		(json_int_t)member_int(o, "ttl_s"), "creation_path",
		doc_str(o, "path")));
}

static void
envelope_free(void *state)
{
	json_decref(state);
}

static void
unwrapped(struct call *c)
{
	json_t *envelope = c->state;

	c->wrap_ttl_s = 0;
	if (c->reply->ok) {
		c->state = NULL;
		call_envelope(c, envelope);
	} else if (c->reply->err.why == FAIL_BUSY) {
		call_error(c, 400,
		    "wrapping token is not valid or does not exist");
	} else {
		call_fail_reply(c);
	}
}

static json_t *
open_envelope(struct bytes token, const struct store_secret *row,
    struct error *e)
{
	auto_json json_t *o = row_json(row);
	const char *text = doc_str(o, "sealed");
	auto_buf struct buf sealed = { 0 };
	struct secret *plain;
	json_t *envelope = NULL;

	if (!base64_decode(text, strlen(text), &sealed)) {
		(void)error_set(e, FAIL_CORRUPT, "a wrapped answer is damaged");
		return NULL;
	}
	plain = secret_new(sealed.n);
	if (wrap_open(token, buf_bytes(&sealed), plain, e)) {
		envelope = json_loadb((const char *)secret_data(plain),
		    secret_len(plain), 0, NULL);
		if (envelope == NULL)
			(void)error_set(e, FAIL_CORRUPT,
			    "a wrapped answer is no JSON");
	}
	secret_free(plain);
	return envelope;
}

void
wrapping_unwrap(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch[2];
	struct store_secret row;
	struct error e = { 0 };

	if (!wrapping_find(c, &row, &mem))
		return;
	c->state = open_envelope(wrapping_token(c), &row, &e);
	c->state_free = envelope_free;
	if (c->state == NULL) {
		call_fail(c, &e);
		return;
	}
	/* Of two at once one finds the version changed. */
	ch[0] =
	    (struct store_secret_change){ .op = STORE_SECRET_SWAP, .row = row };
	ch[1] = (struct store_secret_change){ .op = STORE_SECRET_DELETE,
		.row = row };
	call_secrets(c, ch, 2, unwrapped);
}

/* ---- rewrap: the same answer under another token ---- */

struct rewrapping {
	struct secret *text;
	char accessor[TOKEN_RANDOM + 1];
	char path[512];
	int64_t ttl_s;
};

static void
rewrapping_free(void *state)
{
	struct rewrapping *r = state;

	secret_free(r->text);
	mem_free(r);
}

static void
rewrapped(struct call *c)
{
	struct rewrapping *r = c->state;

	if (c->reply->ok)
		call_wrap_info(c,
		    json_pack("{s:s%, s:s, s:I, s:o, s:s}", "token",
			secret_data(r->text), secret_len(r->text), "accessor",
			r->accessor, "ttl", (json_int_t)r->ttl_s,
			"creation_time", time_or_null(c->now_s),
			"creation_path", r->path));
	else if (c->reply->err.why == FAIL_BUSY)
		call_error(c, 400,
		    "wrapping token is not valid or does not exist");
	else
		call_fail_reply(c);
}

static void
rewrap_write(struct call *c, const struct store_secret *row,
    const json_t *envelope)
{
	struct rewrapping *r = c->state;
	struct bytes text = bytes_of(secret_data(r->text), secret_len(r->text));
	auto_buf struct buf value = { 0 };
	struct store_secret_change ch[3];
	int64_t asked = c->wrap_ttl_s;

	c->wrap_ttl_s = r->ttl_s;
	(void)snprintf(c->why, sizeof(c->why), "%s", r->path);
	wrapping_value(c, text, envelope, &value);
	c->wrap_ttl_s = asked;
	ch[0] = (struct store_secret_change){ .op = STORE_SECRET_SWAP,
		.row = *row };
	ch[1] = (struct store_secret_change){ .op = STORE_SECRET_DELETE,
		.row = *row };
	ch[2] = (struct store_secret_change){ .op = STORE_SECRET_PUT,
		.row = { .kind = WRAP_KIND,
		    .key = token_hash(text),
		    .alias = r->accessor,
		    .scope = "",
		    .expires_s = c->now_s + r->ttl_s,
		    .value = buf_bytes(&value) } };
	call_secrets(c, ch, 3, rewrapped);
}

void
wrapping_rewrap(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	auto_json json_t *o = NULL, *envelope = NULL;
	struct rewrapping *r;
	struct store_secret row;
	struct error e = { 0 };

	if (!wrapping_find(c, &row, &mem))
		return;
	envelope = open_envelope(wrapping_token(c), &row, &e);
	if (envelope == NULL) {
		call_fail(c, &e);
		return;
	}
	o = row_json(&row);
	r = mem_calloc(1, sizeof(*r));
	c->state = r;
	c->state_free = rewrapping_free;
	r->ttl_s = member_int(o, "ttl_s");
	(void)snprintf(r->path, sizeof(r->path), "%s", doc_str(o, "path"));
	r->text = secret_new(TOKEN_TEXT_MAX);
	token_text_random(r->text, TOKEN_PREFIX);
	token_accessor_random(r->accessor);
	rewrap_write(c, &row, envelope);
}
