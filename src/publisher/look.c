/* SPDX-License-Identifier: Apache-2.0 */
/* What is there, held against ours while it passes by. */
#include <openssl/evp.h>

#include <chancery/base/clock.h>
#include <chancery/pki/crl_scan.h>

#include "object.h"

struct look {
	struct object *ours;
	struct crl_scan *scan; /* NULL: a certificate, which has no order */
	bool differs, scanning;
	uint64_t n;
	/* PEM becomes DER for the scan. */
	EVP_ENCODE_CTX *pem;
	bool in_body, pem_ended, pem_broken;
};

struct look *
look_new(struct object *ours)
{
	struct look *l = mem_calloc(1, sizeof(*l));

	l->ours = ours;
	object_rewind(ours);
	if (!object_is_list(ours))
		return l;
	l->scan = crl_scan_new(&ours->issuer.tbs.key);
	l->scanning = true;
	if (object_is_pem(ours)) {
		l->pem = EVP_ENCODE_CTX_new();
		if (l->pem == NULL)
			fatal("EVP_ENCODE_CTX");
		EVP_DecodeInit(l->pem);
	}
	return l;
}

void
look_free(struct look *l)
{
	if (l == NULL)
		return;
	crl_scan_free(l->scan);
	EVP_ENCODE_CTX_free(l->pem);
	mem_free(l);
}

static void
compare(struct look *l, struct bytes piece)
{
	uint8_t ours[16384];
	bool ok = true;

	while (piece.n > 0 && !l->differs) {
		size_t want = piece.n < sizeof(ours) ? piece.n : sizeof(ours);
		size_t n = object_read(l->ours, ours, want, &ok);

		l->differs = n == 0 || !ok || memcmp(ours, piece.p, n) != 0;
		piece = bytes_of(piece.p + n, piece.n - n);
	}
}

/* Between the lines that begin with dashes. */
static struct bytes
pem_body(struct look *l, struct bytes piece)
{
	const uint8_t *p;

	if (!l->in_body) {
		p = memchr(piece.p, '\n', piece.n);
		if (p == NULL)
			return bytes_of(NULL, 0);
		l->in_body = true;
		piece = bytes_of(p + 1, piece.n - (size_t)(p + 1 - piece.p));
	}
	if (piece.n == 0 || l->pem_ended)
		return bytes_of(NULL, 0);
	p = memchr(piece.p, '-', piece.n);
	if (p != NULL) {
		l->pem_ended = true;
		piece.n = (size_t)(p - piece.p);
	}
	return piece;
}

/* EVP_DecodeUpdate keeps what is not whole yet; it writes no more than it is given. */
static bool
scan_pem(struct look *l, struct bytes piece)
{
	uint8_t der[4096 + 64];
	struct bytes body = pem_body(l, piece);
	int n;

	while (body.n > 0) {
		int part = body.n < 4096 ? (int)body.n : 4096;

		l->pem_broken =
		    EVP_DecodeUpdate(l->pem, der, &n, body.p, part) < 0;
		if (l->pem_broken)
			return false;
		if (n > 0 && !crl_scan_add(l->scan, bytes_of(der, (size_t)n)))
			return false;
		body = bytes_of(body.p + part, body.n - (size_t)part);
	}
	return true;
}

bool
look_add(struct look *l, struct bytes piece)
{
	l->n += piece.n;
	compare(l, piece);
	if (l->scanning)
		l->scanning = l->pem != NULL ? scan_pem(l, piece)
					     : crl_scan_add(l->scan, piece);
	return (!l->differs || l->scanning) && l->n <= LIMIT_LIST_BYTES;
}

static bool
same_kind(const struct facts *a, const struct facts *b)
{
	return a->delta == b->delta &&
	    memcmp(a->url.b, b->url.b, SHA256_LEN) == 0;
}

/* By what is signed: a list that is not the issuer's counts for nothing. */
static enum there
judge(const struct object *ours, const struct crl_view *v, struct facts *f)
{
	const struct facts *o = &ours->facts;

	*f = facts_of(v);
	if (!bytes_eq(v->issuer, ours->issuer.tbs.subject) || !same_kind(f, o))
		return THERE_OTHER;
	return f->number > o->number || f->this_s > o->this_s ? THERE_NEWER
							      : THERE_OLDER;
}

bool
look_end(struct look *l, enum there *out, struct facts *facts, struct error *e)
{
	struct error why = { 0 };
	struct crl_view v;
	uint8_t one;
	bool ok;

	if (!l->differs && object_read(l->ours, &one, 1, &ok) == 0 && ok) {
		*out = THERE_SAME;
		*facts = l->ours->facts;
		return true;
	}
	*out = THERE_OTHER;
	/* What stood before the garbage may have been a whole list. */
	if (l->scan == NULL || l->pem_broken)
		return true;
	if (crl_scan_end(l->scan, &v, &why))
		*out = judge(l->ours, &v, facts);
	else if (why.why == FAIL_UNSUPPORTED) {
		*e = why;
		return error_context(e, "what is there cannot be judged");
	}
	return true;
}
