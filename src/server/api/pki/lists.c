/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of revoked certificates as everybody may read them (vault-pki-api.md 4.13), also while
 * the HSM is away, and crl/rotate. PEM ends with a newline, so that files can be joined.
 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "list_pem.h"
#include "partition.h"

#define TYPE_CRL "application/pkix-crl"
#define TYPE_CRL_PEM "application/x-pem-file"
#define ETAG_SIZE 64

/* ---- which one ------------------------------------------------------------------- */

struct which {
	struct sha256 key;
	unsigned part;
	bool there; /* there is, or will be, such a list */
};

/* A partition is one key's, whichever issuer is the default today. */
static bool
of_range(struct call *c, const struct sha256 *key, struct which *out)
{
	auto_doc const struct doc *range =
	    range_with(c->docs, c->mount->path, out->part);

	if (range == NULL ||
	    (key != NULL &&
		memcmp(range_of(range)->key.b, key->b, SHA256_LEN) != 0))
		return false;
	out->key = range_of(range)->key;
	out->there = true;
	return true;
}

static bool
of_issuer(struct call *c, struct which *out)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc == NULL)
		return false;
	out->key = issuer_of(doc)->key;
	out->there = true;
	if (out->part == CRL_FULL || out->part == CRL_DELTA)
		return true;
	if (of_range(c, &out->key, out))
		return true;
	call_not_found(c);
	return false;
}

static bool
of_mount(struct call *c, struct which *out)
{
	auto_doc const struct doc *doc = NULL;
	struct error ignored;

	if (out->part != CRL_FULL && out->part != CRL_DELTA) {
		if (of_range(c, NULL, out))
			return true;
		call_not_found(c);
		return false;
	}
	doc = issuer_find(c->docs, c->mount->path, "default", &ignored);
	out->there = doc != NULL;
	if (out->there)
		out->key = issuer_of(doc)->key;
	return true;
}

/* False: answered. */
static bool
find(struct call *c, unsigned part, struct which *out)
{
	const char *list = json_string_value(call_get(c, "list"));

	*out = (struct which){ .part = part };
	if (list != NULL && !crl_part(list, &out->part)) {
		call_not_found(c);
		return false;
	}
	return call_get(c, "ref") != NULL ? of_issuer(c, out)
					  : of_mount(c, out);
}

static bool
open_it(struct call *c, const struct which *w, struct crl_file *f)
{
	return w->there && !crl_disabled(c->docs, c->mount->path) &&
	    crl_open(&w->key, w->part, f);
}

/* ---- its forms --------------------------------------------------------------------- */

/* Not longer than a new list may take to be noticed. */
static struct cached
cached(const struct call *c, const struct which *w, const struct crl_file *f,
    const char *type, char etag[ETAG_SIZE])
{
	int64_t left = f->next_s - c->now_s;
	char hex[17], scope[CRL_SCOPE_SIZE];

	hex_encode(bytes_of(w->key.b, 8), hex);
	crl_scope(w->part, scope);
	(void)snprintf(etag, ETAG_SIZE, "\"%s-%s%s%llu\"", hex,
	    w->part == CRL_FULL ? "" : scope, w->part == CRL_FULL ? "" : "-",
	    (unsigned long long)f->number);
	return (struct cached){ .type = type,
		.etag = etag,
		.modified_s = f->modified_s,
		.max_age_s = left < 60 ? left : 60 };
}

static void
send_der(struct call *c, unsigned part)
{
	char etag[ETAG_SIZE];
	struct crl_file f;
	struct cached k;
	struct which w;

	if (!find(c, part, &w))
		return;
	if (!open_it(c, &w, &f)) {
		nothing_yet(c, TYPE_CRL);
		return;
	}
	k = cached(c, &w, &f, TYPE_CRL, etag);
	cached_file(c, &k, f.fd, f.bytes);
}

static void
send_pem(struct call *c, unsigned part)
{
	char etag[ETAG_SIZE];
	struct crl_file f;
	struct cached k;
	struct which w;

	if (!find(c, part, &w))
		return;
	if (!open_it(c, &w, &f)) {
		nothing_yet(c, TYPE_CRL_PEM);
		return;
	}
	k = cached(c, &w, &f, TYPE_CRL_PEM, etag);
	list_pem(c, &k, &f);
}

static void
send_json(struct call *c, unsigned part, bool as_certificate)
{
	struct crl_file f;
	struct which w;

	if (!find(c, part, &w))
		return;
	if (open_it(c, &w, &f))
		list_pem_json(c, &f, as_certificate);
	/* As the raw ones, where there will never be one. */
	else if (w.there && crl_disabled(c->docs, c->mount->path))
		nothing_yet(c, "application/json");
	else
		call_not_found(c);
}

void
crl_der(struct call *c)
{
	send_der(c, CRL_FULL);
}

void
crl_pem(struct call *c)
{
	send_pem(c, CRL_FULL);
}

void
crl_json(struct call *c)
{
	send_json(c, CRL_FULL, false);
}

void
cert_crl_json(struct call *c)
{
	send_json(c, CRL_FULL, true);
}

void
delta_der(struct call *c)
{
	send_der(c, CRL_DELTA);
}

void
delta_pem(struct call *c)
{
	send_pem(c, CRL_DELTA);
}

void
delta_json(struct call *c)
{
	send_json(c, CRL_DELTA, false);
}

void
cert_delta_json(struct call *c)
{
	send_json(c, CRL_DELTA, true);
}

/* ---- crl/rotate --------------------------------------------------------------------- */

struct rotation {
	struct issuer_set all;
	size_t at;
	unsigned part;
	struct error why; /* of the first list that was not made */
};

static void
rotation_free(void *state)
{
	struct rotation *r = state;

	issuer_set_free(&r->all);
	mem_free(r);
}

static void
warn_large(struct call *c, const struct doc *issuer)
{
	struct crl_file f;

	if (crl_look(&issuer_of(issuer)->key, CRL_FULL, &f))
		crl_warn_large(c, &f);
}

static void rotate_next(struct call *c);

static void
rotated(struct call *c)
{
	struct rotation *r = c->state;

	if (!c->reply->ok && r->why.why == FAIL_NONE)
		r->why = c->reply->err;
	if (r->part == CRL_FULL)
		warn_large(c, r->all.v[r->at - 1]);
	rotate_next(c);
}

/* One after the other; those without a key or the usage are passed over. One that fails keeps
 * nobody else from his list. */
static void
rotate_next(struct call *c)
{
	struct rotation *r = c->state;
	bool off = crl_disabled(c->docs, c->mount->path);

	while (r->at < r->all.n &&
	    (off || !crl_may_list(issuer_of(r->all.v[r->at]))))
		r->at++;
	if (r->at < r->all.n)
		crl_first(c, r->all.v[r->at++], r->part, rotated);
	else if (r->why.why != FAIL_NONE)
		call_fail(c, &r->why);
	else
		call_ok(c, json_pack("{s:b}", "success", 1));
}

static void
rotate(struct call *c, unsigned part)
{
	struct rotation *r = mem_calloc(1, sizeof(*r));

	issuer_set_load(c->docs, c->mount->path, &r->all);
	r->part = part;
	c->state = r;
	c->state_free = rotation_free;
	rotate_next(c);
}

/* The full ones now, those of partitions within seconds: they may be many. */
void
crl_rotate(struct call *c)
{
	if (crl_disabled(c->docs, c->mount->path))
		call_warn(c,
		    "config/crl has disable: no list of this mount is made");
	else
		crl_wanted_partitions(c->docs, c->mount->path);
	rotate(c, CRL_FULL);
}

void
crl_rotate_delta(struct call *c)
{
	if (crl_has_delta(c->docs, c->mount->path)) {
		rotate(c, CRL_DELTA);
		return;
	}
	call_warn(c,
	    "requested rebuild of delta CRL when delta CRL is not enabled; "
	    "this is a no-op");
	call_ok(c, json_pack("{s:b}", "success", 1));
}
