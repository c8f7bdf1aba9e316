/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What everybody may read: certificates of authorities and lists of revoked certificates
 * (vault-pki-api.md 4.13), also while the HSM is away. They may be cached, and say until
 * when; PEM ends with a newline, so that files can be joined.
 */
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/text.h>

#include "engine.h"

#define TYPE_DER "application/pkix-cert"
#define TYPE_PEM "application/pem-certificate-chain"
#define TYPE_CRL "application/pkix-crl"
#define TYPE_CRL_PEM "application/x-pem-file"
#define CA_MAX_AGE_S 3600

/* ---- certificates ------------------------------------------------------------------ */

static const struct doc *
default_issuer(struct call *c)
{
	struct error ignored;

	return issuer_find(c->docs, c->mount->path, "default", &ignored);
}

static void
nothing_yet(struct call *c, const char *type)
{
	call_raw(c, 204, type, bytes_of(NULL, 0));
}

/* Another certificate may take the place of this one and be older. */
static void
send_cert(struct call *c, const struct issuer *i, const char *type,
    struct bytes body)
{
	struct sha256 hash = sha256(body);
	char etag[24], hex[17];
	const struct cached k = { .type = type,
		.etag = etag,
		.modified_s = i->cert.tbs.not_before_s,
		.date_exact = true,
		.max_age_s = CA_MAX_AGE_S };

	hex_encode(bytes_of(hash.b, 8), hex);
	(void)snprintf(etag, sizeof(etag), "\"%s\"", hex);
	cached_bytes(c, &k, body);
}

void
ca_der(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		nothing_yet(c, TYPE_DER);
	else
		send_cert(c, issuer_of(doc), TYPE_DER,
		    buf_bytes(&issuer_of(doc)->cert.der));
}

void
ca_pem(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		nothing_yet(c, TYPE_PEM);
	else
		send_cert(c, issuer_of(doc), TYPE_PEM,
		    buf_bytes(&issuer_of(doc)->pem));
}

static void
chain_pem(struct call *c, const struct issuer *i, struct buf *out)
{
	const struct issuer *chain[CHAIN_MAX];
	struct issuer_set all;
	size_t n;

	issuer_set_load(c->docs, c->mount->path, &all);
	n = issuer_chain(&all, i, chain);
	for (size_t j = 0; j < n; j++)
		buf_add_bytes(out, buf_bytes(&chain[j]->pem));
	issuer_set_free(&all);
}

/* The type is the historical one that scripts know. */
void
ca_chain(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);
	auto_buf struct buf chain = { 0 };

	if (doc == NULL) {
		nothing_yet(c, TYPE_DER);
		return;
	}
	chain_pem(c, issuer_of(doc), &chain);
	send_cert(c, issuer_of(doc), TYPE_DER, buf_bytes(&chain));
}

void
issuer_pem(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		send_cert(c, issuer_of(doc), TYPE_PEM,
		    buf_bytes(&issuer_of(doc)->pem));
}

void
issuer_der(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		send_cert(c, issuer_of(doc), TYPE_DER,
		    buf_bytes(&issuer_of(doc)->cert.der));
}

/* cert/ca and cert/ca_chain: as a certificate that is not revoked. */
static void
no_default(struct call *c)
{
	call_error(c, 400, "no default issuer currently configured");
}

static json_t *
as_cert(const char *text, size_t n)
{
	while (n > 0 && text[n - 1] == '\n')
		n--;
	return json_pack("{s:s%,s:i,s:s}", "certificate", text, n,
	    "revocation_time", 0, "revocation_time_rfc3339", "");
}

void
cert_ca_json(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		no_default(c);
	else
		call_ok(c,
		    as_cert((const char *)issuer_of(doc)->pem.p,
			issuer_of(doc)->pem.n));
}

void
cert_chain_json(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);
	auto_buf struct buf chain = { 0 };
	json_t *data;

	if (doc == NULL) {
		no_default(c);
		return;
	}
	chain_pem(c, issuer_of(doc), &chain);
	data = as_cert((const char *)chain.p, chain.n);
	(void)json_object_set(data, "ca_chain",
	    json_object_get(data, "certificate"));
	call_ok(c, data);
}

/* ---- lists ----------------------------------------------------------------------------- */

#define ETAG_SIZE 48

/* Not longer than a new list may take to be noticed. */
static struct cached
list_cached(const struct call *c, const struct sha256 *key,
    const struct crl_file *f, const char *type, char etag[ETAG_SIZE])
{
	int64_t left = f->next_s - c->now_s;
	char hex[17];

	hex_encode(bytes_of(key->b, 8), hex);
	(void)snprintf(etag, ETAG_SIZE, "\"%s-%llu\"", hex,
	    (unsigned long long)f->number);
	return (struct cached){ .type = type,
		.etag = etag,
		.modified_s = f->modified_s,
		.max_age_s = left < 60 ? left : 60 };
}

static void
send_list(struct call *c, const struct issuer *i)
{
	char etag[ETAG_SIZE];
	struct crl_file f;
	struct cached k;

	if (!crl_open(&i->key, &f)) {
		nothing_yet(c, TYPE_CRL);
		return;
	}
	k = list_cached(c, &i->key, &f, TYPE_CRL, etag);
	cached_file(c, &k, f.fd, f.bytes);
}

static bool
read_all(const struct crl_file *f, struct buf *out)
{
	uint8_t *at = buf_reserve(out, f->bytes);

	for (uint64_t n = 0; n < f->bytes;) {
		ssize_t got = pread(f->fd, at + n, f->bytes - n, (off_t)n);

		if (got <= 0)
			return false;
		n += (uint64_t)got;
	}
	buf_commit(out, f->bytes);
	return true;
}

/* The whole list is in memory here: who has a large one, reads DER. */
static bool
list_pem(const struct crl_file *f, struct buf *pem)
{
	auto_buf struct buf der = { 0 };

	if (!read_all(f, &der))
		return false;
	pem_encode("X509 CRL", buf_bytes(&der), pem);
	return true;
}

static void
send_list_pem(struct call *c, const struct issuer *i)
{
	auto_buf struct buf pem = { 0 };
	char etag[ETAG_SIZE];
	struct crl_file f;
	struct cached k;

	if (!crl_open(&i->key, &f)) {
		nothing_yet(c, TYPE_CRL_PEM);
		return;
	}
	k = list_cached(c, &i->key, &f, TYPE_CRL_PEM, etag);
	if (!cached_settled(c, &k)) {
		if (list_pem(&f, &pem))
			cached_bytes(c, &k, buf_bytes(&pem));
		else
			call_error(c, 500, "the list cannot be read");
	}
	(void)close(f.fd);
}

/* cert/crl: as a certificate would be. */
static json_t *
list_json(const struct buf *pem, bool as_certificate)
{
	return as_certificate
	    ? as_cert((const char *)pem->p, pem->n)
	    : json_pack("{s:s%}", "crl", (const char *)pem->p, pem->n);
}

static void
send_list_json(struct call *c, const struct issuer *i, bool as_certificate)
{
	auto_buf struct buf pem = { 0 };
	struct crl_file f;
	bool ok;

	if (!crl_open(&i->key, &f)) {
		call_not_found(c);
		return;
	}
	ok = list_pem(&f, &pem);
	(void)close(f.fd);
	if (ok)
		call_ok(c, list_json(&pem, as_certificate));
	else
		call_error(c, 500, "the list cannot be read");
}

void
crl_der(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		nothing_yet(c, TYPE_CRL);
	else
		send_list(c, issuer_of(doc));
}

void
crl_pem(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		nothing_yet(c, TYPE_CRL_PEM);
	else
		send_list_pem(c, issuer_of(doc));
}

void
cert_crl_json(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		call_not_found(c);
	else
		send_list_json(c, issuer_of(doc), true);
}

void
issuer_crl_json(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		send_list_json(c, issuer_of(doc), false);
}

void
issuer_crl_pem(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		send_list_pem(c, issuer_of(doc));
}

void
issuer_crl_der(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		send_list(c, issuer_of(doc));
}

/* ---- crl/rotate --------------------------------------------------------------------- */

struct rotation {
	struct issuer_set all;
	size_t at;
};

static void
rotation_free(void *state)
{
	struct rotation *r = state;

	issuer_set_free(&r->all);
	mem_free(r);
}

/* One after the other; those without a key or the usage are passed over. */
static void
rotate_next(struct call *c)
{
	struct rotation *r = c->state;

	if (r->at < r->all.n)
		crl_then(c, r->all.v[r->at++], rotate_next);
	else
		call_ok(c, json_pack("{s:b}", "success", 1));
}

void
crl_rotate(struct call *c)
{
	struct rotation *r = mem_calloc(1, sizeof(*r));

	issuer_set_load(c->docs, c->mount->path, &r->all);
	c->state = r;
	c->state_free = rotation_free;
	rotate_next(c);
}
