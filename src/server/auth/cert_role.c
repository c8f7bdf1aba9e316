/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a role trusts: its certificates as OpenSSL's store, and the verdict over a client's. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "cert_client.h"

DEFINE_AUTO(ctx, X509_STORE_CTX *, X509_STORE_CTX_free)
DEFINE_AUTO(x509, X509 *, X509_free)
#define auto_ctx auto_cleanup(ctx_cleanup)
#define auto_x509 auto_cleanup(x509_cleanup)

/* Certificates between leaf and anchor. */
#define CERT_DEPTH 8
/* OpenSSL's levels: 112 bits. RSA from 2048 on, nothing signed with SHA-1. */
#define CERT_LEVEL 2

struct cert_role {
	X509_STORE *store; /* all of them are anchors, self-signed or not */
	bool leaf;         /* the first one is no authority */
};

/* ---- a role's certificates ---- */

void
cert_role_free(struct cert_role *r)
{
	if (r == NULL)
		return;
	X509_STORE_free(r->store);
	mem_free(r);
}

static bool
is_authority(X509 *x)
{
	return X509_check_ca(x) == 1;
}

/* One that could never log in is a mistake of whoever writes the role. */
static bool
check_leaf(X509 *x, struct error *e)
{
	if (X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0) == 1)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "nonCA certificates should have TLS client authentication set as "
	    "an extended key usage");
}

static bool
role_add(struct cert_role *r, X509 *x, size_t n, struct error *e)
{
	if (n == 0)
		r->leaf = !is_authority(x);
	if (!is_authority(x) && !check_leaf(x, e))
		return false;
	return X509_STORE_add_cert(r->store, x) == 1 ||
	    error_ossl(e, "certificate");
}

static bool
add_block(struct cert_role *r, struct bytes der, size_t n, struct error *e)
{
	const uint8_t *p = der.p;
	auto_x509 X509 *x = d2i_X509(NULL, &p, (long)der.n);

	if (x != NULL && p == der.p + der.n)
		return role_add(r, x, n, e);
	ERR_clear_error();
	return error_set(e, FAIL_BAD_INPUT, "failed to parse certificate");
}

static bool
read_certificates(struct cert_role *r, struct bytes pem, struct error *e)
{
	auto_buf struct buf der = { 0 };
	size_t at = 0, n = 0;

	for (; cert_pem_next(pem, &at, &der, e); n++)
		if (!add_block(r, buf_bytes(&der), n, e))
			return false;
	if (n > 0 && e->why == FAIL_NOT_FOUND)
		return true;
	return error_set(e, FAIL_BAD_INPUT, "failed to parse certificate");
}

struct cert_role *
cert_role_new(const json_t *doc, struct error *e)
{
	struct cert_role *r = mem_calloc(1, sizeof(*r));

	r->store = X509_STORE_new();
	if (r->store == NULL)
		fatal("no memory for a store of certificates");
	if (read_certificates(r, bytes_str(doc_str(doc, "certificate")), e))
		return r;
	cert_role_free(r);
	return NULL;
}

bool
cert_role_is_leaf(const struct cert_role *r)
{
	return r->leaf;
}

void *
cert_role_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	(void)scope;
	(void)name;
	return cert_role_new(json, e);
}

void
cert_role_release(void *parsed)
{
	cert_role_free(parsed);
}

/* ---- the verdict ---- */

/* Nobody signed it whom this role knows. */
static bool
is_unknown(int error)
{
	return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	    error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	    error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	    error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
	    error == X509_V_ERR_CERT_SIGNATURE_FAILURE ||
	    error == X509_V_ERR_CERT_UNTRUSTED;
}

static enum cert_verdict
verify(X509_STORE_CTX *ctx, const struct cert_role *r,
    const struct client_cert *c, int64_t now_s, struct error *e)
{
	X509_VERIFY_PARAM *p;
	int error;

	if (X509_STORE_CTX_init(ctx, r->store, c->leaf, c->chain) != 1)
		fatal("no memory to verify a certificate");
	p = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(p, (time_t)now_s);
	X509_VERIFY_PARAM_set_depth(p, CERT_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(p, CERT_LEVEL);
	if (X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_CLIENT) != 1 ||
	    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		fatal("X509_VERIFY_PARAM");
	if (X509_verify_cert(ctx) == 1)
		return CERT_GOOD;
	error = X509_STORE_CTX_get_error(ctx);
	ERR_clear_error();
	if (is_unknown(error))
		return CERT_UNKNOWN;
	(void)error_set(e, FAIL_BAD_INPUT, "%s",
	    X509_verify_cert_error_string(error));
	return CERT_BROKEN;
}

bool
cert_serial(const ASN1_INTEGER *i, uint8_t out[LIMIT_SERIAL_BYTES])
{
	BIGNUM *n = ASN1_INTEGER_to_BN(i, NULL);
	bool ok = n != NULL && !BN_is_negative(n) &&
	    BN_bn2binpad(n, out, LIMIT_SERIAL_BYTES) == LIMIT_SERIAL_BYTES;

	BN_free(n);
	ERR_clear_error();
	return ok;
}

static struct sha256
key_hash(X509 *x)
{
	auto_buf struct buf der = { 0 };
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), NULL);
	unsigned char *p;

	if (n <= 0)
		fatal("a key that was read cannot be written");
	p = buf_reserve(&der, (size_t)n);
	buf_commit(&der, (size_t)i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &p));
	return sha256(buf_bytes(&der));
}

/* All of the chain, the anchor too: who trusts it may not know yet. */
static enum cert_verdict
ask_revoked(STACK_OF(X509) *chain, cert_revoked_fn *revoked, void *arg,
    struct error *e)
{
	int n = sk_X509_num(chain);

	for (int i = 0; i < n; i++) {
		X509 *x = sk_X509_value(chain, i);
		struct cert_link link = { .issuer = X509_get_issuer_name(x) };
		struct sha256 key;

		if (!cert_serial(X509_get0_serialNumber(x), link.serial))
			return CERT_UNFIT;
		if (i + 1 < n) {
			key = key_hash(sk_X509_value(chain, i + 1));
			link.issuer_key = &key;
		}
		e->why = FAIL_NONE;
		if (revoked(arg, &link, e))
			return CERT_UNFIT;
		if (e->why != FAIL_NONE)
			return CERT_UNDECIDED;
	}
	return CERT_GOOD;
}

enum cert_verdict
cert_role_judge(const struct cert_role *r, const json_t *doc,
    const struct client_cert *c, int64_t now_s, cert_revoked_fn *revoked,
    void *arg, struct error *e)
{
	auto_ctx X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum cert_verdict v;

	if (ctx == NULL)
		fatal("no memory to verify a certificate");
	v = verify(ctx, r, c, now_s, e);
	if (v != CERT_GOOD)
		return v;
	if (!cert_role_fits(doc, c))
		return CERT_UNFIT;
	return ask_revoked(X509_STORE_CTX_get0_chain(ctx), revoked, arg, e);
}
