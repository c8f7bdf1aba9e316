/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>
#include <chancery/kafka/bundle.h>
#include <chancery/pki/name.h>

#include "key.h"

struct certs {
	struct cert *v;
	size_t n, cap;
};

struct kafka_bundle {
	EVP_PKEY *key;
	struct buf spki_der;
	struct spki spki;
	struct certs certs, anchors;
	const struct cert *chain[KAFKA_CERTS_MAX]; /* of `certs` */
	size_t chain_n;
	const struct cert *root; /* of `certs`: above the chain; NULL */
};

static void
certs_free(struct certs *c)
{
	for (size_t i = 0; i < c->n; i++)
		cert_free(&c->v[i]);
	mem_free(c->v);
}

struct kafka_bundle *
kafka_bundle_new(void)
{
	return mem_calloc(1, sizeof(struct kafka_bundle));
}

void
kafka_bundle_free(struct kafka_bundle *b)
{
	if (b == NULL)
		return;
	EVP_PKEY_free(b->key);
	buf_free(&b->spki_der);
	certs_free(&b->certs);
	certs_free(&b->anchors);
	mem_free(b);
}

/* ---- the key ---------------------------------------------------------------- */

bool
bundle_take_key(struct kafka_bundle *b, EVP_PKEY *key, struct error *e)
{
	auto_pkey EVP_PKEY *owned = key;
	auto_buf struct buf der = { 0 };
	struct spki spki;

	if (owned == NULL || !private_public(owned, &der, e))
		return false;
	if (!spki_parse(buf_bytes(&der), &spki, e))
		return error_context(e, "private key");
	EVP_PKEY_free(b->key);
	b->key = take(owned);
	buf_free(&b->spki_der);
	b->spki_der = der;
	der = (struct buf){ 0 };
	return spki_parse(buf_bytes(&b->spki_der), &b->spki, e);
}

bool
kafka_bundle_set_key(struct kafka_bundle *b, struct bytes pem,
    const struct secret *password, const char *file, struct error *e)
{
	return bundle_take_key(b, private_read(pem, password, e), e) ||
	    error_context(e, "%s", file);
}

bool
kafka_bundle_make_key(struct kafka_bundle *b, const char *type, struct error *e)
{
	return bundle_take_key(b, private_make(type, e), e);
}

EVP_PKEY *
kafka_bundle_key(const struct kafka_bundle *b)
{
	return b->key;
}

const char *
kafka_bundle_key_type(const struct kafka_bundle *b)
{
	return b->key != NULL ? key_type_name(b->spki.type) : "";
}

/* ---- certificates ------------------------------------------------------------ */

static bool
has(const struct certs *c, const struct cert *one)
{
	for (size_t i = 0; i < c->n; i++)
		if (bytes_eq(buf_bytes(&c->v[i].der), buf_bytes(&one->der)))
			return true;
	return false;
}

static bool
add_all(struct certs *to, struct bytes pem, const char *file, struct error *e)
{
	struct cert *v = NULL;
	size_t n = 0;
	bool ok = true;

	if (!cert_parse_bundle(pem, file, &v, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (has(to, &v[i])) {
			cert_free(&v[i]);
			continue;
		}
		to->v = mem_grow(to->v, to->n, &to->cap, sizeof(*to->v));
		to->v[to->n++] = v[i];
		ok = ok && to->n <= KAFKA_CERTS_MAX;
	}
	mem_free(v);
	return ok ||
	    error_set(e, FAIL_BAD_INPUT, "%s: more than %d certificates", file,
		KAFKA_CERTS_MAX);
}

bool
kafka_bundle_add_certs(struct kafka_bundle *b, struct bytes pem,
    const char *file, struct error *e)
{
	b->chain_n = 0;
	return add_all(&b->certs, pem, file, e);
}

bool
kafka_bundle_add_anchors(struct kafka_bundle *b, struct bytes pem,
    const char *file, struct error *e)
{
	return add_all(&b->anchors, pem, file, e);
}

X509 *
kafka_x509(const struct cert *c)
{
	const unsigned char *p = c->der.p;

	return d2i_X509(NULL, &p, (long)c->der.n);
}

/* ---- who signed whom ---------------------------------------------------------- */

/* For messages: what a subject is called. */
static void
subject(const struct cert *c, struct buf *out)
{
	struct error ignored;

	if (!name_format(c->tbs.subject, out, &ignored))
		buf_add_str(out, "a certificate whose subject does not parse");
}

static bool
is_self_issued(const struct cert *c)
{
	return bytes_eq(c->tbs.subject, c->tbs.issuer);
}

/* *bad: one has the issuer's name, but not its key. */
static const struct cert *
signer_in(const struct certs *in, const struct cert *c, bool *bad)
{
	struct error no;

	for (size_t i = 0; i < in->n; i++) {
		const struct cert *up = &in->v[i];

		if (!bytes_eq(up->tbs.subject, c->tbs.issuer) || up == c ||
		    !up->tbs.key_ok)
			continue;
		if (cert_verify_signature(c, &up->tbs.key, &no))
			return up;
		*bad = true;
	}
	return NULL;
}

static const struct cert *
leaf_of(const struct kafka_bundle *b)
{
	for (size_t i = 0; i < b->certs.n; i++)
		if (bytes_eq(b->certs.v[i].tbs.spki_der,
			buf_bytes(&b->spki_der)))
			return &b->certs.v[i];
	return NULL;
}

static bool
in_chain(const struct kafka_bundle *b, const struct cert *c)
{
	for (size_t i = 0; i < b->chain_n; i++)
		if (b->chain[i] == c)
			return true;
	return c == b->root;
}

/* Up from the leaf as far as the certificates go; two that signed each other end it too. */
static bool
climb(struct kafka_bundle *b, const struct cert *c, struct error *e)
{
	auto_buf struct buf name = { 0 };
	bool bad = false;

	b->chain_n = 0;
	b->root = NULL;
	while (c != NULL && !in_chain(b, c)) {
		if (is_self_issued(c) && b->chain_n > 0) {
			b->root = c;
			return true;
		}
		b->chain[b->chain_n++] = c;
		bad = false;
		c = signer_in(&b->certs, c, &bad);
	}
	if (c != NULL || !bad)
		return true;
	subject(b->chain[b->chain_n - 1], &name);
	return error_set(e, FAIL_CRYPTO,
	    "%s is not signed by the certificate that has its issuer's name",
	    buf_cstr(&name));
}

/* Roots may lie about: nobody sends them. */
static bool
check_all_used(const struct kafka_bundle *b, struct error *e)
{
	auto_buf struct buf name = { 0 };

	for (size_t i = 0; i < b->certs.n; i++) {
		const struct cert *c = &b->certs.v[i];

		if (in_chain(b, c) || is_self_issued(c))
			continue;
		subject(c, &name);
		return error_set(e, FAIL_BAD_INPUT,
		    "%s is in the input and belongs neither to the key nor to "
		    "its chain",
		    buf_cstr(&name));
	}
	return true;
}

bool
kafka_bundle_is_anchor(const struct kafka_bundle *b, const struct cert *c)
{
	for (size_t i = 0; i < b->anchors.n; i++)
		if (bytes_eq(b->anchors.v[i].tbs.subject, c->tbs.subject) &&
		    bytes_eq(b->anchors.v[i].tbs.spki_der, c->tbs.spki_der))
			return true;
	return false;
}

static bool
check_anchored(const struct kafka_bundle *b, struct error *e)
{
	const struct cert *last = b->chain[b->chain_n - 1];
	auto_buf struct buf name = { 0 }, issuer = { 0 };
	struct error ignored;
	bool bad = false;

	if (b->anchors.n == 0)
		return true;
	for (size_t i = 0; i < b->chain_n; i++)
		if (kafka_bundle_is_anchor(b, b->chain[i]) ||
		    signer_in(&b->anchors, b->chain[i], &bad) != NULL)
			return true;
	subject(last, &name);
	if (!name_format(last->tbs.issuer, &issuer, &ignored))
		buf_add_str(&issuer, "?");
	return error_set(e, FAIL_REFUSED,
	    "the chain ends at %s, and its issuer %s is not among the trusted "
	    "authorities%s",
	    buf_cstr(&name), buf_cstr(&issuer),
	    bad ? ": one has its name, but another key" : "");
}

static bool
join(struct kafka_bundle *b, const struct cert *leaf, struct error *e)
{
	return climb(b, leaf, e) && check_all_used(b, e) &&
	    check_anchored(b, e);
}

bool
kafka_bundle_join_public(struct kafka_bundle *b, struct error *e)
{
	return b->certs.n > 0
	    ? join(b, &b->certs.v[0], e)
	    : error_set(e, FAIL_BAD_INPUT, "there is no certificate");
}

bool
kafka_bundle_join(struct kafka_bundle *b, struct error *e)
{
	const struct cert *leaf;

	if (b->key == NULL)
		return error_set(e, FAIL_BAD_INPUT, "there is no private key");
	if (b->certs.n == 0)
		return error_set(e, FAIL_BAD_INPUT, "there is no certificate");
	leaf = leaf_of(b);
	if (leaf == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "none of the %zu certificates is of this private key (%s)",
		    b->certs.n, key_type_name(b->spki.type));
	return join(b, leaf, e);
}

bool
kafka_bundle_trust_root(struct kafka_bundle *b)
{
	struct error ignored;

	if (b->anchors.n > 0)
		return true;
	if (b->root == NULL)
		return false;
	b->anchors.v = mem_calloc(1, sizeof(struct cert));
	b->anchors.cap = 1;
	b->anchors.n = cert_parse(buf_bytes(&b->root->der), "root",
	    &b->anchors.v[0], &ignored);
	return b->anchors.n == 1;
}

const struct cert *
kafka_bundle_chain(const struct kafka_bundle *b, size_t i)
{
	return i < b->chain_n ? b->chain[i] : NULL;
}

const struct cert *const *
kafka_bundle_whole_chain(const struct kafka_bundle *b, size_t *n)
{
	*n = b->chain_n;
	return b->chain;
}

const struct cert *
kafka_bundle_anchor_above(const struct kafka_bundle *b, const struct cert *c)
{
	bool ignored;

	return signer_in(&b->anchors, c, &ignored);
}

const struct cert *
kafka_bundle_anchor(const struct kafka_bundle *b, size_t i)
{
	return i < b->anchors.n ? &b->anchors.v[i] : NULL;
}
