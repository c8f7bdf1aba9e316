/* SPDX-License-Identifier: Apache-2.0 */
/* How calls end: envelope, errors, statuses (vault-pki-api.md §1.3, §1.4). */
#include <openssl/crypto.h>

#include <chancery/base/text.h>

#include "core.h"

/* A certificate with its chain: mostly nothing has to move. */
#define ANSWER_ROOM 8192

static const char type_json[] = "application/json";

/* The one place through which every answer goes. NULL: an internal call. */
static struct http_exchange *
finish(struct flight *f)
{
	struct http_exchange *x = f->c.x;
	struct bytes ns;

	if (f->answered)
		fatal("%s: answered twice", f->c.why);
	f->answered = true;
	if (x == NULL)
		return NULL;
	http_set_header(x, "Cache-Control",
	    f->cache_control != NULL ? f->cache_control : "no-store");
	if (http_header(x, "X-Vault-Namespace", &ns) && ns.n > 0)
		http_set_header(x, "X-Vault-Namespace", "root");
	return x;
}

void
flight_send(struct flight *f, int status, const char *type, struct bytes body)
{
	struct http_exchange *x = finish(f);

	if (x != NULL)
		http_send(x, status, type, body);
	else
		f->done(f->done_arg, status, body);
}

static void
send_errors(struct flight *f, int status, const char *text)
{
	auto_buf struct buf out = { 0 };
	auto_json json_t *body = json_pack("{s:[]}", "errors");

	if (text != NULL) {
		json_t *s = json_string(text);

		/* What a caller sent may be quoted in it, cut in a character. */
		if (s == NULL) {
			auto_buf struct buf plain = { 0 };

			buf_add_escaped(&plain, bytes_str(text));
			s = json_string(buf_cstr(&plain));
		}
		(void)json_array_append_new(json_object_get(body, "errors"), s);
	}
	if (status == 503 && f->c.x != NULL)
		http_set_header(f->c.x, "Retry-After", "1");
	request_dump(body, &out);
	buf_add_byte(&out, '\n');
	flight_send(f, status, type_json, buf_bytes(&out));
}

void
flight_refuse(struct flight *f, int status, const char *text)
{
	auto_mem char *s = mem_printf("1 error occurred:\n\t* %s\n\n", text);

	send_errors(f, status, s);
}

void
serve_overloaded(struct call *c)
{
	atomic_fetch_add_explicit(&c->api->metrics.overloaded, 1,
	    memory_order_relaxed);
	send_errors(flight_of(c), 503,
	    "too many requests are in flight: try again");
}

/* The envelope of this call. With `notes` the warnings about parameters too. */
static struct envelope
envelope_of(struct flight *f, const json_t *data)
{
	if (f->notes != NULL && json_array_size(f->notes) > 0) {
		if (f->c.warnings == NULL)
			f->c.warnings = json_array();
		(void)json_array_extend(f->c.warnings, f->notes);
		(void)json_array_clear(f->notes);
	}
	return (struct envelope){ .id = f->c.id,
		.lease_id = f->c.lease_id,
		.lease_s = f->c.lease_s,
		.data = data,
		.warnings = f->c.warnings,
		.auth = f->c.auth };
}

/* True: the wrapper has it. */
static bool
wrapped(struct flight *f, const json_t *data)
{
	struct envelope v;

	if (f->c.wrap_ttl_s <= 0)
		return false;
	v = envelope_of(f, data);
	f->c.api->cfg.wrap(&f->c, envelope_json(&v));
	return true;
}

static void
send_envelope(struct flight *f, int status, const struct envelope *v)
{
	auto_buf struct buf out = { 0 };

	(void)buf_reserve(&out, ANSWER_ROOM);
	envelope_write(v, &out);
	flight_send(f, status, type_json, buf_bytes(&out));
}

void
call_ok(struct call *c, json_t *data)
{
	struct flight *f = flight_of(c);
	auto_json json_t *owned = data;
	struct envelope v;

	if (wrapped(f, owned))
		return;
	v = envelope_of(f, owned);
	send_envelope(f, 200, &v);
}

void
call_accepted(struct call *c)
{
	struct flight *f = flight_of(c);
	struct envelope v = envelope_of(f, NULL);

	send_envelope(f, 202, &v);
}

void
call_auth(struct call *c)
{
	call_ok_secret(c, NULL);
}

void
call_no_content(struct call *c)
{
	struct flight *f = flight_of(c);
	struct envelope v = { .id = c->id, .warnings = c->warnings };

	if (json_array_size(c->warnings) > 0)
		send_envelope(f, 200, &v);
	else
		flight_send(f, 204, NULL, bytes_of(NULL, 0));
}

void
call_not_found(struct call *c)
{
	struct flight *f = flight_of(c);
	struct envelope v = { .id = c->id, .warnings = c->warnings };

	if (json_array_size(c->warnings) > 0)
		send_envelope(f, 404, &v);
	else
		send_errors(f, 404, NULL);
}

void
call_error(struct call *c, int status, const char *fmt, ...)
{
	auto_buf struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	send_errors(flight_of(c), status, buf_cstr(&text));
}

/* What a failure is over HTTP. */
static const int fail_status[] = {
	[FAIL_NONE] = 500,
	[FAIL_USAGE] = 400,
	[FAIL_BAD_INPUT] = 400,
	[FAIL_REFUSED] = 400,
	[FAIL_QUORUM] = 400,
	[FAIL_NOT_FOUND] = 404,
	[FAIL_EXISTS] = 400,
	[FAIL_PERMISSION] = 403,
	[FAIL_BUSY] = 503,
	[FAIL_PIN] = 503,
	[FAIL_HSM_GONE] = 503,
	[FAIL_HSM_KEY] = 500,
	[FAIL_HSM] = 500,
	[FAIL_TIMEOUT] = 503,
	[FAIL_IO] = 500,
	[FAIL_DISK_FULL] = 503,
	[FAIL_CORRUPT] = 500,
	[FAIL_ROLLBACK] = 500,
	[FAIL_CLOCK] = 503,
	[FAIL_CRYPTO] = 500,
	[FAIL_UNSUPPORTED] = 400,
	[FAIL_ABORTED] = 400,
	[FAIL_INTERNAL] = 500,
};
_Static_assert(countof(fail_status) == FAIL__COUNT, "one row per enum fail");

void
call_fail(struct call *c, const struct error *e)
{
	struct flight *f = flight_of(c);

	if (e->why == FAIL_PERMISSION)
		flight_refuse(f, 403, "permission denied");
	else if (e->why == FAIL_PIN)
		send_errors(f, 503, "sealed: the HSM is not logged in");
	else if (fail_status[e->why] == 500)
		flight_refuse(f, 500, e->msg);
	else
		send_errors(f, fail_status[e->why], e->msg);
}

void
call_fail_reply(struct call *c)
{
	const struct lane_reply *r = c->reply;
	struct error e = r->err;

	if (r->rule != NULL && *r->rule != '\0')
		(void)error_context(&e, "refused by rule %s%s%s", r->rule,
		    r->field != NULL && *r->field != '\0' ? ", " : "",
		    r->field != NULL ? r->field : "");
	call_fail(c, &e);
}

void
call_raw(struct call *c, int status, const char *type, struct bytes body)
{
	flight_send(flight_of(c), status, type, body);
}

static void
wipe_free(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

void
call_ok_secret(struct call *c, json_t *data)
{
	struct flight *f = flight_of(c);
	auto_json json_t *owned = data;
	struct envelope v;
	/* Grown by hand: what a realloc leaves behind would not be wiped. */
	auto_cleanup(wipe_free) struct buf out = { 0 };
	struct secret *body;

	if (wrapped(f, owned))
		return;
	v = envelope_of(f, owned);
	(void)buf_reserve(&out,
	    json_dumpb(owned, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) +
		json_dumpb(v.auth, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) +
		json_dumpb(v.warnings, NULL, 0,
		    JSON_COMPACT | JSON_ENCODE_ANY) +
		512);
	envelope_write(&v, &out);
	body = secret_new(out.n);
	if (!secret_set(body, out.p, out.n))
		fatal("a secret that does not fit its own size");
	if (f->c.x != NULL) {
		http_send_secret(finish(f), 200, type_json, body);
		return;
	}
	flight_send(f, 200, type_json,
	    bytes_of(secret_data(body), secret_len(body)));
	secret_free(body);
}

void
call_flat(struct call *c, int status, json_t *body)
{
	auto_json json_t *owned = body;
	auto_buf struct buf out = { 0 };

	request_dump(owned, &out);
	buf_add_byte(&out, '\n');
	flight_send(flight_of(c), status, type_json, buf_bytes(&out));
}

void
call_ok_flat(struct call *c, json_t *data)
{
	struct flight *f = flight_of(c);
	auto_json json_t *owned = data;
	struct envelope v = envelope_of(f, owned);
	json_t *body = envelope_json(&v);

	(void)json_object_update_missing(body, owned);
	call_flat(c, 200, body);
}

void
call_keys(struct call *c, json_t *keys, json_t *info)
{
	auto_json json_t *owned = info;
	json_t *data;

	if (json_array_size(keys) == 0) {
		json_decref(keys);
		call_not_found(c);
		return;
	}
	data = json_pack("{s:o}", "keys", keys);
	if (json_object_size(owned) > 0)
		(void)json_object_set(data, "key_info", owned);
	call_ok(c, data);
}

void
call_warn(struct call *c, const char *fmt, ...)
{
	auto_buf struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (c->warnings == NULL)
		c->warnings = json_array();
	(void)json_array_append_new(c->warnings, json_string(buf_cstr(&text)));
}

void
call_wrap_info(struct call *c, json_t *wrap_info)
{
	auto_json json_t *owned = wrap_info;
	struct envelope v = { .id = c->id, .wrap_info = owned };

	send_envelope(flight_of(c), 200, &v);
}

void
call_envelope(struct call *c, json_t *envelope)
{
	call_flat(c, 200, envelope);
}

void
call_cache_control(struct call *c, const char *value)
{
	flight_of(c)->cache_control = value;
}

bool
call_is_spare(const struct call *c)
{
	return ((const struct flight *)(const void *)c)->spare;
}

void
call_file(struct call *c, int status, const char *type, int fd, uint64_t from,
    uint64_t length)
{
	if (c->x != NULL) {
		http_send_file(finish(flight_of(c)), status, type, fd, from,
		    length);
		return;
	}
	(void)close(fd);
	flight_refuse(flight_of(c), 500, "not for internal calls");
}

void
call_stream(struct call *c, int status, const char *type, uint64_t length,
    http_next_fn *next, void (*release)(void *arg), void *arg)
{
	if (c->x != NULL) {
		http_send_stream_sized(finish(flight_of(c)), status, type,
		    length, next, release, arg);
		return;
	}
	release(arg);
	flight_refuse(flight_of(c), 500, "not for internal calls");
}

/* ---- streams: the envelope around what next() gives ---- */
struct stream {
	http_next_fn *next;
	void (*release)(void *arg);
	void *arg;
	struct buf head, tail;
};

static bool
stream_next(void *arg, struct buf *out, struct error *e)
{
	struct stream *s = arg;

	if (s->head.n > 0) {
		buf_add_bytes(out, buf_bytes(&s->head));
		buf_reset(&s->head);
	}
	if (s->next == NULL)
		return false;
	if (s->next(s->arg, out, e))
		return true;
	if (e->why != FAIL_NONE)
		return false;
	s->next = NULL;
	buf_add_bytes(out, buf_bytes(&s->tail));
	return false;
}

static void
stream_release(void *arg)
{
	struct stream *s = arg;

	if (s->release != NULL)
		s->release(s->arg);
	buf_free(&s->head);
	buf_free(&s->tail);
	mem_free(s);
}

void
call_ok_stream(struct call *c, http_next_fn *next, void (*release)(void *arg),
    void *arg)
{
	struct flight *f = flight_of(c);
	struct envelope v = envelope_of(f, NULL);
	struct stream *s;

	if (c->x == NULL) {
		release(arg);
		flight_refuse(f, 500, "not for internal calls");
		return;
	}
	s = mem_calloc(1, sizeof(*s));

	*s = (struct stream){ .next = next, .release = release, .arg = arg };
	envelope_head(&v, &s->head);
	envelope_tail(&v, &s->tail);
	http_send_stream(finish(f), 200, type_json, stream_next, stream_release,
	    s);
}
