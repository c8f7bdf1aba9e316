/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of revoked certificates that were handed to a mount. */
#include <openssl/bn.h>
#include <stdlib.h>

#include <chancery/base/text.h>
#include <chancery/pki/crl.h>

#include "cert.h"

struct serial {
	uint8_t b[LIMIT_SERIAL_BYTES];
};
struct cert_crl {
	X509_NAME *issuer;
	struct serial *v; /* sorted */
	size_t n, cap;
};

void
cert_crl_free(struct cert_crl *l)
{
	if (l == NULL)
		return;
	X509_NAME_free(l->issuer);
	mem_free(l->v);
	mem_free(l);
}

static int
by_serial(const void *a, const void *b)
{
	return memcmp(a, b, LIMIT_SERIAL_BYTES);
}

static bool
read_entries(struct cert_crl *l, const struct crl_view *v, struct error *e)
{
	struct crl_entry entry;
	size_t at = 0;

	while (crl_next_entry(v, &at, &entry, e)) {
		l->v = mem_grow(l->v, l->n, &l->cap, sizeof(*l->v));
		memcpy(l->v[l->n++].b, entry.serial, LIMIT_SERIAL_BYTES);
	}
	if (e->why != FAIL_NONE)
		return false;
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_serial);
	return true;
}

static struct cert_crl *
crl_of(struct bytes der, struct error *e)
{
	auto_buf struct buf owned = { 0 };
	struct cert_crl *l;
	struct crl_view v;
	const uint8_t *p;

	if (!crl_parse(der, "crl", &owned, &v, e))
		return NULL;
	if (v.has_delta) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "a delta is not the whole list: hand in the complete one");
		return NULL;
	}
	l = mem_calloc(1, sizeof(*l));
	p = v.issuer.p;
	l->issuer = d2i_X509_NAME(NULL, &p, (long)v.issuer.n);
	if ((l->issuer != NULL || error_ossl(e, "issuer of the list")) &&
	    read_entries(l, &v, e))
		return l;
	cert_crl_free(l);
	return NULL;
}

/* crl_parse takes PEM and DER; what the document keeps is DER. */
static bool
to_der(struct bytes in, struct buf *der, struct error *e)
{
	auto_buf struct buf owned = { 0 };
	struct crl_view v;

	if (!crl_parse(in, "crl", &owned, &v, e))
		return false;
	buf_add_bytes(der, v.der);
	return true;
}

bool
cert_crl_read(struct bytes in, struct buf *der, struct error *e)
{
	auto_buf struct buf plain = { 0 };
	struct cert_crl *l;
	size_t n = in.n;

	while (n > 0 && strchr(" \r\n\t", in.p[n - 1]) != NULL)
		n--;
	if (base64_decode((const char *)in.p, n, &plain))
		in = buf_bytes(&plain);
	if (!to_der(in, der, e))
		return error_context(e, "failed to parse CRL");
	if (der->n > LIMIT_AUTH_CRL_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "crl: %zu octets, at most %d are kept", der->n,
		    LIMIT_AUTH_CRL_BYTES);
	l = crl_of(buf_bytes(der), e);
	if (l == NULL)
		return error_context(e, "failed to parse CRL");
	cert_crl_free(l);
	return true;
}

struct cert_crl *
cert_crl_new(const json_t *doc, struct error *e)
{
	auto_buf struct buf der = { 0 };
	const char *text = doc_str(doc, "crl");

	if (!base64_decode(text, strlen(text), &der)) {
		(void)error_set(e, FAIL_CORRUPT, "a list that is not base64");
		return NULL;
	}
	return crl_of(buf_bytes(&der), e);
}

bool
cert_crl_has(const struct cert_crl *l, const struct cert_link *c)
{
	return l->n > 0 && X509_NAME_cmp(l->issuer, c->issuer) == 0 &&
	    bsearch(c->serial, l->v, l->n, sizeof(*l->v), by_serial) != NULL;
}

json_t *
cert_crl_serials(const struct cert_crl *l)
{
	json_t *out = json_object();

	for (size_t i = 0; i < l->n; i++) {
		BIGNUM *n = BN_bin2bn(l->v[i].b, LIMIT_SERIAL_BYTES, NULL);
		char *text = n == NULL ? NULL : BN_bn2dec(n);

		if (text == NULL)
			fatal("no memory for a number");
		(void)json_object_set_new(out, text, json_object());
		OPENSSL_free(text);
		BN_free(n);
	}
	return out;
}

void *
cert_crl_parse_doc(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	(void)scope;
	(void)name;
	return cert_crl_new(json, e);
}

void
cert_crl_release(void *parsed)
{
	cert_crl_free(parsed);
}
