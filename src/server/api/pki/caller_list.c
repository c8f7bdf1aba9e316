/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer/:ref/sign-revocation-list and resign-crls (vault-pki-api.md 4.14): a list whose entries
 * and number the caller says. What it says has to be true of the key: the signer refuses one that
 * leaves out, takes back or dates later one of its own revocations, and the charter has to
 * allow such lists at all.
 */
#include <stdlib.h>

#include <chancery/base/text.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/der.h>
#include <chancery/pki/ext_write.h>
#include <chancery/server/request.h>

#include "caller_list.h"

static void
listing_free(void *state)
{
	struct listing *l = state;

	docs_put(l->issuer);
	for (size_t i = 0; i < l->more_n; i++)
		buf_free(&l->more[i]);
	mem_free(l->more);
	mem_free(l->v);
	buf_free(&l->extra);
	buf_free(&l->tbs);
	mem_free(l);
}

struct listing *
listing_new(struct call *c)
{
	struct listing *l = mem_calloc(1, sizeof(*l));

	c->state = l;
	c->state_free = listing_free;
	return l;
}

struct crl_entry *
listing_add(struct listing *l)
{
	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(l->v[0]));
	l->v[l->n] = (struct crl_entry){ 0 };
	return &l->v[l->n++];
}

/* ---- extensions: {id, critical, value} ------------------------------------------- */

/* What the other fields say. */
static const struct {
	const char *oid, *what;
} reserved[] = {
	{ "2.5.29.20", "crl number" },
	{ "2.5.29.35", "authority key" },
	{ "2.5.29.27", "delta crl" },
};

static bool
extension_check(const char *id, const char *value, bool of_list,
    struct error *e)
{
	if (id == NULL)
		return error_set(e, FAIL_BAD_INPUT, "missing 'id' field");
	if (!pki_oid_valid(id))
		return error_set(e, FAIL_BAD_INPUT,
		    "id: \"%.60s\" is not an object identifier", id);
	for (size_t i = 0; of_list && i < countof(reserved); i++)
		if (strcmp(id, reserved[i].oid) == 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "%s object identifier (%s) is reserved",
			    reserved[i].what, reserved[i].oid);
	return value != NULL ||
	    error_set(e, FAIL_BAD_INPUT, "missing 'value' field");
}

static bool
add_extension(const json_t *o, bool of_list, struct buf *out, struct error *e)
{
	const char *id = json_string_value(json_object_get(o, "id")),
		   *text = json_string_value(json_object_get(o, "value"));
	auto_buf struct buf value = { 0 };
	auto_der_writer struct der_writer w = { 0 };
	size_t mark;

	if (!extension_check(id, text, of_list, e))
		return false;
	if (!base64_decode(text, strlen(text), &value))
		return error_set(e, FAIL_BAD_INPUT,
		    "failed base64 decoding 'value' field");
	der_w_init(&w, value.n + 64);
	mark = der_w_mark(&w);
	if (value.n > 0)
		der_w_raw(&w, buf_bytes(&value));
	ext_w_wrap(&w, id, json_is_true(json_object_get(o, "critical")), mark);
	buf_add_bytes(out, der_w_bytes(&w));
	return true;
}

static bool
add_extensions(const json_t *list, bool of_list, struct buf *out,
    struct error *e)
{
	size_t i;
	const json_t *o;

	if (list != NULL && !json_is_null(list) && !json_is_array(list))
		return error_set(e, FAIL_BAD_INPUT, "extensions: not a list");
	json_array_foreach(list, i,
	    o) if (!add_extension(o, of_list, out, e)) return error_context(e,
	    "failed parsing extension entry %zu", i);
	return true;
}

/* ---- entries: {serial_number, revocation_time, extensions} ---------------------------- */

static bool
take_time(const json_t *v, int64_t *out, struct error *e)
{
	const char *text = json_string_value(v);
	uint64_t n;

	if (v == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "missing 'revocation_time' field");
	if (json_is_integer(v))
		*out = json_integer_value(v);
	else if (text != NULL && parse_u64(text, 0, INT64_MAX, &n))
		*out = (int64_t)n;
	else if (text == NULL || !pki_time_parse(text, out))
		return error_set(e, FAIL_BAD_INPUT,
		    "neither a time of RFC 3339 nor seconds since 1970");
	return true;
}

static bool
take_serial(const json_t *v, uint8_t out[LIMIT_SERIAL_BYTES], struct error *e)
{
	const char *text = json_string_value(v);

	if (v == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "missing 'serial_number' field");
	return (text != NULL && pki_serial_parse(text, out)) ||
	    error_set(e, FAIL_BAD_INPUT, "not a serial number in hex");
}

static bool
take_entry(struct listing *l, const json_t *o, size_t i, struct error *e)
{
	struct crl_entry *entry;
	struct buf *more;

	if (!json_is_object(o))
		return error_set(e, FAIL_BAD_INPUT,
		    "revoked_certs: entry %zu is not an object", i);
	entry = listing_add(l);
	if (!take_serial(json_object_get(o, "serial_number"), entry->serial, e))
		return error_context(e,
		    "failed parsing serial_number from entry %zu", i);
	if (!take_time(json_object_get(o, "revocation_time"), &entry->revoked_s,
		e))
		return error_context(e,
		    "failed parsing revocation_time from entry %zu", i);
	l->more =
	    mem_grow(l->more, l->more_n, &l->more_cap, sizeof(l->more[0]));
	more = &l->more[l->more_n++];
	*more = (struct buf){ 0 };
	if (!add_extensions(json_object_get(o, "extensions"), false, more, e))
		return error_context(e,
		    "failed parsing extensions from entry %zu", i);
	entry->more = buf_bytes(more);
	return true;
}

static bool
take_entries(struct listing *l, const json_t *list, struct error *e)
{
	size_t i;
	const json_t *o;

	if (list == NULL || json_is_null(list))
		return true;
	if (json_is_object(list))
		return take_entry(l, list, 0, e);
	if (!json_is_array(list))
		return error_set(e, FAIL_BAD_INPUT,
		    "revoked_certs: not a list of objects");
	json_array_foreach(list, i,
	    o) if (!take_entry(l, o, i, e)) return false;
	return true;
}

static int
by_serial(const void *a, const void *b)
{
	const struct crl_entry *x = a, *y = b;
	int order = memcmp(x->serial, y->serial, sizeof(x->serial));

	if (order != 0)
		return order;
	return x->revoked_s < y->revoked_s ? -1 : x->revoked_s > y->revoked_s;
}

static bool
same_serial(const struct crl_entry *a, const struct crl_entry *b)
{
	return memcmp(a->serial, b->serial, sizeof(a->serial)) == 0;
}

/* Ascending; of several for one serial the earliest, where they may be there. */
bool
listing_order(struct listing *l, bool merge, struct error *e)
{
	auto_buf struct buf text = { 0 };
	size_t n = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(l->v[0]), by_serial);
	for (size_t i = 0; i < l->n; i++) {
		if (n == 0 || !same_serial(&l->v[n - 1], &l->v[i])) {
			l->v[n++] = l->v[i];
		} else if (!merge) {
			serial_text(l->v[i].serial, &text);
			return error_set(e, FAIL_BAD_INPUT,
			    "revoked_certs: %s is there twice",
			    buf_cstr(&text));
		}
	}
	l->n = n;
	return true;
}

/* ---- the list ------------------------------------------------------------------------ */

static bool
next_entry(void *arg, struct crl_entry *out)
{
	struct listing *l = arg;

	if (l->next == l->n)
		return false;
	*out = l->v[l->next++];
	return true;
}

static void
rewind_entries(void *arg)
{
	((struct listing *)arg)->next = 0;
}

static bool
sink(void *arg, struct bytes piece, struct error *e)
{
	struct listing *l = arg;

	(void)e;
	buf_add_bytes(&l->tbs, piece);
	return true;
}

static bool
take_format(struct call *c, struct listing *l, struct error *e)
{
	const char *text = call_str(c, "format");

	l->der = strcmp(text, "der") == 0;
	return l->der || strcmp(text, "pem") == 0 ||
	    error_set(e, FAIL_BAD_INPUT, "unknown format value of %.40s", text);
}

static bool
take_life(struct call *c, struct listing *l, struct error *e)
{
	const char *text = call_str(c, "next_update");
	int64_t life = 0;

	if (*text != '\0' && !request_duration(text, &life))
		return error_set(e, FAIL_BAD_INPUT,
		    "invalid value for next_update: %.40s", text);
	if (life < 1)
		return error_set(e, FAIL_BAD_INPUT,
		    "next_update parameter must be greater than 0");
	l->p.this_update_s = c->now_s;
	l->p.next_update_s = c->now_s + life;
	return true;
}

static bool
take_numbers(struct call *c, struct listing *l, struct error *e)
{
	int64_t number = call_int(c, "crl_number"),
		base = call_int(c, "delta_crl_base_number");

	if (number < 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "crl_number parameter must be 0 or greater");
	if (base < -1)
		return error_set(e, FAIL_BAD_INPUT,
		    "delta_crl_base_number parameter must be -1 or greater");
	l->p.number = (uint64_t)number;
	l->p.delta_base = base;
	return true;
}

/* What both paths share; the issuer first, as upstream has it. */
bool
listing_common(struct call *c, struct listing *l, struct error *e)
{
	const struct issuer *i = issuer_of(l->issuer);

	if (!crl_may_list(i))
		return error_set(e, FAIL_BAD_INPUT,
		    "issuer %s: without a key, or not for signing lists",
		    i->id);
	l->p = (struct crl_params){ .issuer = i->cert.tbs.subject,
		.alg = crl_alg_of(i) };
	memcpy(l->p.aki, i->ski, sizeof(l->p.aki));
	return take_numbers(c, l, e) && take_life(c, l, e) &&
	    take_format(c, l, e);
}

static void
signed_list(struct call *c)
{
	const struct listing *l = c->state;
	auto_buf struct buf head = { 0 }, tail = { 0 }, text = { 0 };

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	crl_outer(l->tbs.n, l->p.alg, c->reply->sig, &head, &tail);
	buf_add_bytes(&head, buf_bytes(&l->tbs));
	buf_add_bytes(&head, buf_bytes(&tail));
	if (l->der) {
		call_ok(c,
		    json_pack("{s:o}", "crl", base64_json(buf_bytes(&head))));
		return;
	}
	pem_encode("X509 CRL", buf_bytes(&head), &text);
	call_ok(c, json_pack("{s:s%}", "crl", (const char *)text.p, text.n));
}

void
listing_sign(struct call *c, struct listing *l)
{
	const struct crl_source source = { next_entry, rewind_entries, l };
	uint8_t digest[DIGEST_MAX];
	size_t digest_n;
	uint64_t bytes, entries;
	struct error e;
	struct lane_crl req = { .key = issuer_of(l->issuer)->key,
		.issuer = l->p.issuer,
		.alg = l->p.alg,
		.scope = "caller",
		.period_s = l->p.next_update_s - l->p.this_update_s };

	l->p.more = buf_bytes(&l->extra);
	memcpy(req.issuer_key_id, l->p.aki, sizeof(req.issuer_key_id));
	if (!crl_write_tbs(&l->p, &source, sink, l, digest, &digest_n, &bytes,
		&entries, &e)) {
		call_fail(c, &e);
		return;
	}
	req.tbs = buf_bytes(&l->tbs);
	if (req.tbs.n > LIMIT_PRIVATE_BYTES) {
		(void)error_set(&e, FAIL_BAD_INPUT,
		    "a list of %llu entries has %zu octets; lists of callers "
		    "have "
		    "at most %d",
		    (unsigned long long)entries, req.tbs.n,
		    LIMIT_PRIVATE_BYTES);
		call_fail(c, &e);
		return;
	}
	call_sign_crl(c, &req, signed_list);
}

void
sign_revocation_list(struct call *c)
{
	struct listing *l = listing_new(c);
	struct error e;

	l->issuer = issuer_of_call(c);
	if (l->issuer == NULL)
		return;
	if (listing_common(c, l, &e) &&
	    take_entries(l, call_json(c, "revoked_certs"), &e) &&
	    listing_order(l, false, &e) &&
	    add_extensions(call_json(c, "extensions"), true, &l->extra, &e))
		listing_sign(c, l);
	else
		call_fail(c, &e);
}
