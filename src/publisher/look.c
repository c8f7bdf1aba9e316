/* SPDX-License-Identifier: Apache-2.0 */
/* What is there, held against ours while it passes by. */
#include <chancery/base/clock.h>
#include <chancery/base/text.h>
#include <chancery/pki/crl_scan.h>

#include "object.h"

/* Letters of base64 that are decoded together: always so many, wherever a piece ends. */
#define LETTERS 4096

struct look {
	struct object *ours;
	struct crl_scan *scan; /* NULL: a certificate, which has no order */
	bool differs, scanning;
	uint64_t n;
	/* PEM becomes DER for the scan. */
	struct buf letters;
	bool in_body, padded, pem_ended, pem_broken;
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
	return l;
}

void
look_free(struct look *l)
{
	if (l == NULL)
		return;
	crl_scan_free(l->scan);
	buf_free(&l->letters);
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

/* What is behind the padding would be another text. */
static bool
decode_letters(struct look *l)
{
	auto_buf struct buf der = { 0 };
	const struct buf *b = &l->letters;

	l->pem_broken =
	    l->padded || !base64_decode((const char *)b->p, b->n, &der);
	l->padded = b->p[b->n - 1] == '=';
	buf_reset(&l->letters);
	return !l->pem_broken && crl_scan_add(l->scan, buf_bytes(&der));
}

static bool
scan_pem(struct look *l, struct bytes piece)
{
	struct bytes body = pem_body(l, piece);

	for (size_t i = 0; i < body.n; i++) {
		if (memchr(" \t\r\n", body.p[i], 4) != NULL)
			continue;
		buf_add_byte(&l->letters, body.p[i]);
		if (l->letters.n == LETTERS && !decode_letters(l))
			return false;
	}
	return true;
}

bool
look_add(struct look *l, struct bytes piece)
{
	l->n += piece.n;
	compare(l, piece);
	if (l->scanning)
		l->scanning = object_is_pem(l->ours)
		    ? scan_pem(l, piece)
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
	if (l->scanning && l->letters.n > 0)
		l->scanning = decode_letters(l);
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
