/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list is taken apart by its headers alone: what stands before the entries is collected
 * until it is whole (head), of the rest only the last octets are kept (tail), and the octets
 * of the TBSCertList are hashed as they pass. In the end head and tail, put together without
 * entries, are a short list that crl_parse reads.
 */
#include <chancery/pki/crl_scan.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/pki/der.h>

#include "internal.h"

struct crl_scan {
	const struct spki *issuer;
	struct buf head, tail;
	uint64_t seen; /* octets that came */
	bool laid_out;
	/* Offsets in the list. */
	uint64_t tbs, fields; /* of the TBSCertList: its header, its contents */
	uint64_t entries, entries_end; /* equal: none are there */
	uint64_t tbs_end, end;
	enum sig_alg alg;
	struct digest
	    *digest; /* NULL: the message itself is signed, kept in `whole` */
	struct buf whole, small, owned;
	struct error why;
	bool failed;
};

struct crl_scan *
crl_scan_new(const struct spki *issuer)
{
	struct crl_scan *s = mem_calloc(1, sizeof(*s));

	s->issuer = issuer;
	return s;
}

void
crl_scan_free(struct crl_scan *s)
{
	if (s == NULL)
		return;
	digest_free(s->digest);
	buf_free(&s->head);
	buf_free(&s->tail);
	buf_free(&s->whole);
	buf_free(&s->small);
	buf_free(&s->owned);
	mem_free(s);
}

static bool
fail(struct crl_scan *s, enum fail why, const char *what)
{
	if (!s->failed)
		(void)error_set(&s->why, why, "CRL: %s", what);
	s->failed = true;
	return false;
}

/* ---- the head ------------------------------------------------------------------ */

/* Header at `at`: false: it is not there yet, or it is none that DER has (tag 0). */
static bool
header(struct bytes in, size_t at, uint8_t *tag, size_t *n, uint64_t *length)
{
	size_t octets;

	*tag = 0;
	if (in.n - at < 2)
		return false;
	octets = in.p[at + 1] < 0x80 ? 0 : in.p[at + 1] & 0x7fU;
	if (in.p[at + 1] == 0x80 || octets > 8 || in.n - at < 2 + octets)
		return false;
	*length = octets == 0 ? in.p[at + 1] : 0;
	for (size_t i = 0; i < octets; i++)
		*length = *length << 8 | in.p[at + 2 + i];
	*tag = in.p[at];
	*n = 2 + octets;
	return *length <= LIMIT_LIST_BYTES;
}

/* Passes over the element at *at. */
static bool
skip(struct bytes in, size_t *at, uint8_t *tag)
{
	uint64_t length;
	size_t n;

	if (!header(in, *at, tag, &n, &length) || length > in.n - *at - n)
		return false;
	*at += n + (size_t)length;
	return true;
}

static bool
is_time(uint8_t tag)
{
	return tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME;
}

/* Up to where the entries begin: version, algorithm, issuer and times, or a part of them. */
static size_t
before_entries(struct crl_scan *s, struct bytes in, size_t at, bool *whole)
{
	size_t alg, end = at, times = 0;
	uint8_t tag;

	*whole = false;
	if (!skip(in, &end, &tag))
		return at;
	if (tag == DER_INTEGER) {
		at = end;
		if (!skip(in, &end, &tag))
			return at;
	}
	alg = at;
	if (!sig_alg_by_der(bytes_of(in.p + alg, end - alg), &s->alg)) {
		(void)fail(s, FAIL_UNSUPPORTED,
		    "signature algorithm is not one we know");
		return at;
	}
	if (!skip(in, &end, &tag))
		return at;
	for (at = end; times < 2 && skip(in, &end, &tag) && is_time(tag);
	     times++)
		at = end;
	*whole = times == 2;
	return at;
}

static bool
lay_out(struct crl_scan *s)
{
	struct bytes in = buf_bytes(&s->head);
	uint64_t length;
	uint8_t tag;
	size_t n, at;
	bool whole;

	if (!header(in, 0, &tag, &n, &length) || tag != DER_SEQUENCE)
		return false;
	s->tbs = n;
	s->end = n + length;
	if (!header(in, n, &tag, &n, &length) || tag != DER_SEQUENCE)
		return false;
	s->fields = s->tbs + n;
	s->tbs_end = s->fields + length;
	at = before_entries(s, in, (size_t)s->fields, &whole);
	if (!whole)
		return false;
	s->entries = s->entries_end = at;
	if (at < s->tbs_end) {
		if (!header(in, at, &tag, &n, &length))
			return false;
		if (tag == DER_SEQUENCE)
			s->entries_end = at + n + length;
	}
	return s->entries_end <= s->tbs_end && s->tbs_end <= s->end;
}

/* ---- what passes ------------------------------------------------------------------ */

static bool
sign_over(struct crl_scan *s, struct bytes piece)
{
	if (s->digest != NULL) {
		digest_add(s->digest, piece);
		return true;
	}
	if (s->whole.n + piece.n > LIMIT_LIST_WHOLE_BYTES)
		return fail(s, FAIL_UNSUPPORTED,
		    "too long to check its Ed25519 signature");
	buf_add_bytes(&s->whole, piece);
	return true;
}

/* The part of a piece, which begins at offset `from`, that is TBSCertList; and the tail. */
static bool
pass(struct crl_scan *s, struct bytes piece, uint64_t from)
{
	uint64_t a = s->tbs > from ? s->tbs - from : 0;
	uint64_t b = s->tbs_end > from ? s->tbs_end - from : 0;

	b = b < piece.n ? b : piece.n;
	if (a < b && !sign_over(s, bytes_of(piece.p + a, (size_t)(b - a))))
		return false;
	buf_add_bytes(&s->tail, piece);
	if (s->tail.n > 4UL * LIMIT_LIST_HEAD_BYTES) {
		size_t drop = s->tail.n - LIMIT_LIST_HEAD_BYTES;

		memmove(s->tail.p, s->tail.p + drop, LIMIT_LIST_HEAD_BYTES);
		s->tail.n = LIMIT_LIST_HEAD_BYTES;
	}
	return true;
}

static bool
begin(struct crl_scan *s)
{
	const struct sig_alg_info *a;

	s->laid_out = true;
	if (!lay_out(s))
		return fail(s, FAIL_BAD_INPUT, "it does not begin like one");
	a = sig_alg_info(s->alg);
	if (a->prehash)
		s->digest = digest_new(a->digest);
	return pass(s, buf_bytes(&s->head), 0);
}

bool
crl_scan_add(struct crl_scan *s, struct bytes piece)
{
	size_t n = LIMIT_LIST_HEAD_BYTES - s->head.n;

	if (s->failed)
		return false;
	if (!s->laid_out) {
		n = n < piece.n ? n : piece.n;
		buf_add(&s->head, piece.p, n);
		s->seen += n;
		piece = bytes_of(piece.p + n, piece.n - n);
		if (s->head.n < LIMIT_LIST_HEAD_BYTES)
			return true;
		if (!begin(s))
			return false;
	}
	s->seen += piece.n;
	if (s->seen > s->end)
		return fail(s, FAIL_BAD_INPUT, "it goes on behind its end");
	return pass(s, piece, s->seen - piece.n);
}

/* ---- the end ------------------------------------------------------------------------ */

/* What the tail has of the list from an offset on. */
static struct bytes
from_tail(const struct crl_scan *s, uint64_t from, uint64_t to)
{
	uint64_t first = s->end - s->tail.n;

	if (from < first || to < from)
		return bytes_of(NULL, 0);
	return bytes_of(s->tail.p + (from - first), (size_t)(to - from));
}

/* The list without its entries. */
static bool
shorten(struct crl_scan *s)
{
	struct bytes before =
	    bytes_of(s->head.p + s->fields, (size_t)(s->entries - s->fields));
	struct bytes after = from_tail(s, s->entries_end, s->tbs_end);
	struct bytes outer = from_tail(s, s->tbs_end, s->end);
	auto_buf struct buf tbs = { 0 };

	if (after.p == NULL || outer.p == NULL)
		return fail(s, FAIL_BAD_INPUT,
		    "what follows its entries is too long");
	der_add_header(&tbs, DER_SEQUENCE, before.n + after.n);
	buf_add_bytes(&tbs, before);
	buf_add_bytes(&tbs, after);
	der_add_header(&s->small, DER_SEQUENCE, tbs.n + outer.n);
	buf_add_bytes(&s->small, buf_bytes(&tbs));
	buf_add_bytes(&s->small, outer);
	return true;
}

static bool
verify(struct crl_scan *s, const struct crl_view *v, struct error *e)
{
	uint8_t digest[DIGEST_MAX];
	size_t n;

	if (s->digest == NULL)
		return spki_verify(s->issuer, s->alg, buf_bytes(&s->whole),
		    v->sig, e);
	n = digest_finish(take(s->digest), digest);
	return spki_verify_digest(s->issuer, s->alg, bytes_of(digest, n),
	    v->sig, e);
}

bool
crl_scan_end(struct crl_scan *s, struct crl_view *out, struct error *e)
{
	struct crl_view v;

	if (!s->failed && !s->laid_out)
		(void)begin(s);
	if (!s->failed && s->seen != s->end)
		(void)fail(s, FAIL_BAD_INPUT, "it is cut short");
	if (s->failed || !shorten(s)) {
		*e = s->why;
		return false;
	}
	if (!crl_parse(buf_bytes(&s->small), "list", &s->owned, &v, e))
		return false;
	if (!verify(s, &v, e))
		return error_context(e, "CRL");
	v.der = v.tbs = v.entries = bytes_of(NULL, 0);
	*out = v;
	return true;
}
