/* SPDX-License-Identifier: Apache-2.0 */

#include <chancery/pki/cert.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>

#include "internal.h"

static const char *const cert_labels[] = { "CERTIFICATE", NULL };

void
cert_free(struct cert *c)
{
	buf_free(&c->der);
	*c = (struct cert){ 0 };
}

/* c->der holds the bytes; everything else is filled from them. */
static bool
parse_outer(struct cert *c, struct error *e)
{
	struct der_reader r;
	struct bytes tbs;
	uint8_t tag = 0, alg_tag = 0;

	if (!der_unwrap(buf_bytes(&c->der), DER_SEQUENCE, &r))
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: not one DER SEQUENCE");
	tbs = der_r_any(&r, &tag);
	c->outer_alg_der = der_r_any(&r, &alg_tag);
	c->sig = der_r_bit_string(&r);
	if (!der_r_done(&r) || tag != DER_SEQUENCE || alg_tag != DER_SEQUENCE)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: malformed signature or algorithm");
	if (!tbs_parse(tbs, &c->tbs, e))
		return false;
	/* RFC 5280 4.1.1.2: the same bytes as inside. */
	if (!bytes_eq(c->outer_alg_der, c->tbs.sig_alg_der))
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: signatureAlgorithm is not the signature "
		    "field's");
	c->alg = c->tbs.alg;
	return true;
}

static bool
parse_der(struct bytes der, struct cert *out, struct error *e)
{
	auto_cert struct cert c = { 0 };

	if (der.n > LIMIT_CERT_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: %zu bytes, limit %d", der.n,
		    LIMIT_CERT_BYTES);
	buf_add_bytes(&c.der, der);
	if (!parse_outer(&c, e))
		return false;
	*out = c;
	c = (struct cert){ 0 };
	return true;
}

bool
is_der(struct bytes in)
{
	/* No text has a second octet with the high bit; no certificate, CRL or
	 * request is shorter than 128 octets. */
	return in.n > 2 && in.p[0] == DER_SEQUENCE && in.p[1] >= 0x80;
}

bool
cert_parse(struct bytes in, const char *file, struct cert *out, struct error *e)
{
	auto_buf struct buf der = { 0 };
	const char *label;
	size_t at = 0;

	if (is_der(in))
		return parse_der(in, out, e) || error_context(e, "%s", file);
	if (!pem_next(in, &at, cert_labels, &der, &label, e))
		return error_context(e, "%s", file);
	return parse_der(buf_bytes(&der), out, e) ||
	    error_context(e, "%s", file);
}

struct cert_list {
	struct cert *v;
	size_t n, cap;
};

static void
cert_list_free(struct cert_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		cert_free(&l->v[i]);
	mem_free(l->v);
}

bool
cert_parse_bundle(struct bytes in, const char *file, struct cert **out,
    size_t *n, struct error *e)
{
	auto_cleanup(cert_list_free) struct cert_list l = { 0 };
	auto_buf struct buf der = { 0 };
	const char *label;
	size_t at = 0;

	for (;;) {
		buf_reset(&der);
		if (!pem_next(in, &at, cert_labels, &der, &label, e))
			break;
		l.v = mem_grow(l.v, l.n, &l.cap, sizeof(l.v[0]));
		if (!parse_der(buf_bytes(&der), &l.v[l.n], e))
			return error_context(e, "%s: certificate %zu", file,
			    l.n + 1);
		l.n++;
	}
	if (e->why != FAIL_NOT_FOUND || l.n == 0)
		return error_context(e, "%s", file);
	error_clear(e);
	*n = l.n;
	*out = take(l.v);
	l.n = 0;
	return true;
}

bool
cert_verify_signature(const struct cert *c, const struct spki *issuer,
    struct error *e)
{
	if (!c->tbs.alg_known)
		return error_set(e, FAIL_UNSUPPORTED,
		    "certificate: signature algorithm is not one we know");
	return spki_verify(issuer, c->alg, c->tbs.der, c->sig, e) ||
	    error_context(e, "certificate");
}

void
cert_assemble(struct bytes tbs, enum sig_alg alg, struct bytes sig,
    struct buf *der)
{
	struct bytes id = sig_alg_info(alg)->der;
	uint8_t head[DER_HEADER_MAX];
	size_t bits = der_header(DER_BIT_STRING, sig.n + 1, head);

	(void)buf_reserve(der, 2 * DER_HEADER_MAX + tbs.n + id.n + 1 + sig.n);
	der_add_header(der, DER_SEQUENCE, tbs.n + id.n + bits + 1 + sig.n);
	buf_add_bytes(der, tbs);
	buf_add_bytes(der, id);
	buf_add(der, head, bits);
	buf_add_byte(der, 0); /* unused bits */
	buf_add_bytes(der, sig);
}
