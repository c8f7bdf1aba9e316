/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request for OCSP, from its octets to its answer. What can be answered from the cache needs
 * no signer; the rest waits for a signature. Errors are OCSPResponses too, under the statuses
 * that Vault gives them.
 */
#include <stdio.h>

#include <chancery/base/text.h>
#include <chancery/server/conditional.h>
#include <chancery/server/request.h>

#include "ocsp.h"

#define TYPE_OCSP "application/ocsp-response"

static const struct {
	enum ocsp_refusal refusal;
	int status;
} refusals[] = {
	{ OCSP_MALFORMED, 400 },
	{ OCSP_UNAUTHORIZED, 401 },
	{ OCSP_INTERNAL_ERROR, 500 },
	{ OCSP_TRY_LATER, 503 },
};

void
ocsp_refuse(struct call *c, enum ocsp_refusal r)
{
	uint8_t body[OCSP_REFUSAL_BYTES];
	int status = 500;

	for (size_t i = 0; i < countof(refusals); i++)
		if (refusals[i].refusal == r)
			status = refusals[i].status;
	(void)atomic_fetch_add_explicit(r == OCSP_TRY_LATER
		? &ocsp_counts.later
		: &ocsp_counts.refused,
	    1, memory_order_relaxed);
	if (status == 503)
		http_set_header(c->x, "Retry-After", "1");
	ocsp_refusal_write(r, body);
	call_raw(c, status, TYPE_OCSP, bytes_of(body, sizeof(body)));
}

/* ---- the answer as HTTP (RFC 9919 6.2) ---- */

static void
send_cacheable(struct call *c, const struct ocsp_cached *a)
{
	struct sha256 h = sha256(a->der);
	char etag[2 * 16 + 3], hex[2 * 16 + 1];
	int64_t left = a->next_s - c->now_s;
	const struct cached k = { .type = TYPE_OCSP,
		.etag = etag,
		.modified_s = a->this_s,
		.max_age_s =
		    left < LIMIT_OCSP_MAX_AGE_S ? left : LIMIT_OCSP_MAX_AGE_S,
		.expires_s = a->next_s,
		.more = ", no-transform, must-revalidate" };

	hex_encode(bytes_of(h.b, 16), hex);
	(void)snprintf(etag, sizeof(etag), "\"%s\"", hex);
	cached_bytes(c, &k, a->der);
}

void
ocsp_send(struct call *c, const struct ocsp_cached *a, bool cacheable)
{
	if (cacheable && c->op == OP_READ)
		send_cacheable(c, a);
	else
		call_raw(c, 200, TYPE_OCSP, a->der);
}

/* ---- the cache ---- */

static bool
is_still_so(struct call *c, const struct ocsp_index *x,
    const struct ocsp_issuer *i, const struct ocsp_cert_id *id,
    const struct ocsp_cached *a, uint64_t seen)
{
	struct ocsp_status_of now;
	struct error ignored;

	if (!ocsp_status_get(c->store, x->mount, i, id, &now, &ignored) ||
	    now.status != a->status.status ||
	    now.revoked_s != a->status.revoked_s ||
	    now.reason != a->status.reason)
		return false;
	ocsp_cache_checked(a, seen);
	return true;
}

/* True: answered. */
static bool
from_cache(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    const struct ocsp_request *r, struct bytes request)
{
	uint64_t seen = store_revocations(c->store);
	const struct ocsp_cached *a;
	struct sha256 key;
	bool current, old;

	ocsp_cache_key(x, i, &r->id[0], &key);
	a = ocsp_cache_get(&key, c->now_s, seen, &current, &old);
	if (a == NULL)
		return false;
	if (!current && !is_still_so(c, x, i, &r->id[0], a, seen)) {
		ocsp_cache_drop(&key);
		ocsp_cached_put(a);
		return false;
	}
	if (old)
		ocsp_renew(c, x, i, request);
	(void)atomic_fetch_add_explicit(&ocsp_counts.cached, 1,
	    memory_order_relaxed);
	ocsp_send(c, a, true);
	ocsp_cached_put(a);
	return true;
}

/* ---- who answers ---- */

static const struct ocsp_issuer *
signer_for(const struct ocsp_index *x, const struct ocsp_request *r)
{
	const struct ocsp_issuer *i = NULL;

	for (size_t n = 0; n < r->n && i == NULL; n++)
		i = ocsp_issuer_of(x, &r->id[n]);
	return i;
}

static bool
has_responder(const struct ocsp_issuer *i, int64_t now_s)
{
	return i->responder != NULL &&
	    i->responder->cert.tbs.not_after_s > now_s;
}

static void
no_responder(struct call *c, const struct ocsp_issuer *i)
{
	ocsp_responder_wanted(c->mount->path, i->issuer->id);
	ocsp_refuse(c,
	    ocsp_responder_refused(c->mount->path, i->issuer->id)
		? OCSP_UNAUTHORIZED
		: OCSP_TRY_LATER);
}

static void
answer_from(struct call *c, struct ocsp_index *x, const struct ocsp_request *r,
    struct bytes request)
{
	const struct ocsp_issuer *i = signer_for(x, r);

	if (x->disabled || i == NULL || !ocsp_request_hashes_known(r)) {
		ocsp_refuse(c, OCSP_UNAUTHORIZED);
		return;
	}
	if (!has_responder(i, c->now_s)) {
		no_responder(c, i);
		return;
	}
	if (ocsp_responder_due(i->responder, i->issuer, c->now_s))
		ocsp_responder_wanted(c->mount->path, i->issuer->id);
	if (r->n == 1 && r->nonce.n == 0 && from_cache(c, x, i, r, request))
		return;
	if (call_is_spare(c)) {
		ocsp_refuse(c, OCSP_TRY_LATER);
		return;
	}
	ocsp_ask(c, x, i, request);
}

static void
answer(struct call *c, struct bytes request)
{
	struct ocsp_index *x;
	struct ocsp_request r;
	struct error ignored;

	if (!ocsp_request_parse(request, &r, &ignored)) {
		ocsp_refuse(c, OCSP_MALFORMED);
		return;
	}
	x = ocsp_index_get(c->docs, c->mount->path);
	answer_from(c, x, &r, request);
	ocsp_index_put(x);
}

/* ---- POST and GET ---- */

void
ocsp_post(struct call *c)
{
	answer(c, http_body(c->x));
}

/* Behind that many segments of the path as it was sent: doubled slashes are base64's. */
static struct bytes
behind(struct bytes path, size_t segments)
{
	size_t at = 0;

	while (segments-- > 0) {
		while (at < path.n && path.p[at] == '/')
			at++;
		while (at < path.n && path.p[at] != '/')
			at++;
	}
	while (at < path.n && path.p[at] == '/')
		at++;
	return bytes_of(path.p + at, path.n - at);
}

/* "v1", the mount's, "ocsp". */
static size_t
segments_before(const struct call *c)
{
	size_t n = 3;

	for (const char *s = c->mount->path; *s != '\0'; s++)
		n += *s == '/';
	return n;
}

/* Some leave out what base64 is padded with, and a "=" is easily lost in a URL. */
static bool
decode(struct bytes text, struct buf *out)
{
	auto_buf struct buf padded = { 0 };

	buf_add_bytes(&padded, text);
	while (padded.n % 4 != 0)
		buf_add_byte(&padded, '=');
	return base64_decode(buf_cstr(&padded), padded.n, out);
}

void
ocsp_get(struct call *c)
{
	auto_buf struct buf path = { 0 }, request = { 0 };

	if (request_unescape(http_path(c->x), &path) &&
	    decode(behind(buf_bytes(&path), segments_before(c)), &request))
		answer(c, buf_bytes(&request));
	else
		ocsp_refuse(c, OCSP_MALFORMED);
}
