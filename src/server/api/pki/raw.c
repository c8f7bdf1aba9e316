/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What everybody may read: certificates of authorities (vault-pki-api.md 4.13; lists.c has the
 * lists of revoked ones), also while the HSM is away. They may be cached, and say until
 * when; PEM ends with a newline, so that files can be joined.
 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "engine.h"

#define TYPE_DER "application/pkix-cert"
#define TYPE_PEM "application/pem-certificate-chain"
#define CA_MAX_AGE_S 3600

/* ---- certificates ------------------------------------------------------------------ */

static const struct doc *
default_issuer(struct call *c)
{
	struct error ignored;

	return issuer_find(c->docs, c->mount->path, "default", &ignored);
}

void
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

static void
no_default(struct call *c)
{
	call_error(c, 400, "no default issuer currently configured");
}

json_t *
pem_as_cert(struct bytes pem)
{
	while (pem.n > 0 && pem.p[pem.n - 1] == '\n')
		pem.n--;
	return json_pack("{s:s%,s:i,s:s}", "certificate", (const char *)pem.p,
	    pem.n, "revocation_time", 0, "revocation_time_rfc3339", "");
}

void
cert_ca_json(struct call *c)
{
	auto_doc const struct doc *doc = default_issuer(c);

	if (doc == NULL)
		no_default(c);
	else
		call_ok(c, pem_as_cert(buf_bytes(&issuer_of(doc)->pem)));
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
	data = pem_as_cert(buf_bytes(&chain));
	(void)json_object_set(data, "ca_chain",
	    json_object_get(data, "certificate"));
	call_ok(c, data);
}
