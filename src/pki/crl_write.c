/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 5280 5.1: two passes over the entries, one to measure and check, one to
 * write; nothing is held but one buffer. */
#include <chancery/pki/crl.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/der.h>

#include "crl_entry.h"
#include <chancery/pki/ext_write.h>

#define PIECE_BYTES ((size_t)64 << 10)

static const struct {
	enum crl_reason reason;
	const char *name;
} reasons[] = {
	{ CRL_UNSPECIFIED, "unspecified" },
	{ CRL_KEY_COMPROMISE, "keyCompromise" },
	{ CRL_CA_COMPROMISE, "cACompromise" },
	{ CRL_AFFILIATION_CHANGED, "affiliationChanged" },
	{ CRL_SUPERSEDED, "superseded" },
	{ CRL_CESSATION, "cessationOfOperation" },
	{ CRL_HOLD, "certificateHold" },
	{ CRL_REMOVE, "removeFromCRL" },
	{ CRL_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn" },
	{ CRL_AA_COMPROMISE, "aACompromise" },
};

const char *
crl_reason_name(enum crl_reason r)
{
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].reason == r)
			return reasons[i].name;
	fatal("corrupt crl_reason %d", (int)r);
}

bool
crl_reason_by_name(const char *name, enum crl_reason *out)
{
	for (size_t i = 0; i < countof(reasons); i++) {
		if (strcmp(reasons[i].name, name) != 0)
			continue;
		*out = reasons[i].reason;
		return true;
	}
	return false;
}

bool
crl_reason_valid(uint64_t value)
{
	for (size_t i = 0; i < countof(reasons); i++)
		if ((uint64_t)reasons[i].reason == value)
			return true;
	return false;
}

static bool
measure(const struct crl_source *src, uint64_t *bytes, uint64_t *entries,
    struct error *e)
{
	auto_cleanup(crl_entry_writer_free) struct crl_entry_writer w;
	struct crl_entry entry = { 0 }, last = { 0 };
	uint64_t n = 0, total = 0;

	crl_entry_writer_init(&w);
	src->rewind(src->arg);
	for (; src->next(src->arg, &entry); n++) {
		if (!crl_entry_check(&entry, n == 0 ? NULL : &last, n, e))
			return false;
		total += crl_entry_size(&w, &entry);
		last = entry;
	}
	*bytes = total;
	*entries = n;
	return true;
}

/* The last of the URLs in *urls, which is taken off; false: there is none. */
static bool
last_url(struct bytes *urls, struct bytes *out)
{
	const uint8_t *space;
	size_t at;

	if (urls->p == NULL)
		return false;
	space = memrchr(urls->p, ' ', urls->n);
	at = space == NULL ? 0 : (size_t)(space - urls->p) + 1;
	*out = bytes_of(urls->p + at, urls->n - at);
	*urls = space == NULL ? (struct bytes){ 0 } : bytes_of(urls->p, at - 1);
	return true;
}

static void
write_urls(struct der_writer *w, const char *text)
{
	struct bytes urls = bytes_str(text), one;

	while (last_url(&urls, &one))
		der_w_tlv(w, DER_CONTEXT(6), one);
}

static bool
check_urls(const char *text, struct error *e)
{
	static const char *const http[] = { "http://", "https://", "ldap://",
		NULL };
	struct bytes urls = bytes_str(text), one;

	while (last_url(&urls, &one))
		if (!url_valid(one, http))
			return error_set(e, FAIL_BAD_INPUT,
			    "CRL: IDP URL \"%.*s\"",
			    (int)(one.n < 100 ? one.n : 100), one.p);
	return true;
}

/* RFC 5280 5.2.5: critical; URLs and the onlyContains flags. */
static void
write_idp(struct der_writer *w, const struct crl_params *p)
{
	static const uint8_t yes = 0xff;
	size_t mark = der_w_mark(w);

	if (p->idp_only_ca)
		der_w_tlv(w, DER_CONTEXT(2), bytes_of(&yes, 1));
	if (p->idp_only_user)
		der_w_tlv(w, DER_CONTEXT(1), bytes_of(&yes, 1));
	if (p->idp_url != NULL) {
		size_t name = der_w_mark(w);

		write_urls(w, p->idp_url);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), name);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), name);
	}
	der_w_wrap(w, DER_SEQUENCE, mark);
	ext_w_wrap(w, CRL_OID_IDP, true, mark);
}

static void
write_crl_extensions(struct der_writer *w, const struct crl_params *p)
{
	size_t mark = der_w_mark(w), one;

	if (p->more.n > 0)
		der_w_raw(w, p->more);
	if (p->idp_url != NULL || p->idp_only_user || p->idp_only_ca)
		write_idp(w, p);
	one = der_w_mark(w);
	if (p->delta_base >= 0) {
		der_w_uint(w, (uint64_t)p->delta_base);
		ext_w_wrap(w, CRL_OID_DELTA, true, one);
	}
	one = der_w_mark(w);
	der_w_uint(w, p->number);
	ext_w_wrap(w, CRL_OID_NUMBER, false, one);
	ext_w_aki(w, p->aki);
	der_w_wrap(w, DER_SEQUENCE, mark);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark);
}

/* version, signature, issuer, thisUpdate, nextUpdate: forwards into *out. */
static void
write_front(struct der_writer *w, const struct crl_params *p, struct buf *out)
{
	der_w_reset(w);
	der_w_time(w, p->next_update_s);
	der_w_time(w, p->this_update_s);
	der_w_raw(w, p->issuer);
	der_w_raw(w, sig_alg_info(p->alg)->der);
	der_w_uint(w, 1); /* v2: 5.1.2.1 */
	buf_add_bytes(out, der_w_bytes(w));
}

/* Buffered way to the sink, hashing what passes. */
struct stream {
	struct buf buf;
	struct digest *digest;
	crl_sink *sink;
	void *arg;
};

static void
stream_free(struct stream *s)
{
	buf_free(&s->buf);
	if (s->digest != NULL)
		digest_free(s->digest);
}

static bool
stream_flush(struct stream *s, struct error *e)
{
	struct bytes piece = buf_bytes(&s->buf);

	if (piece.n == 0)
		return true;
	if (s->digest != NULL)
		digest_add(s->digest, piece);
	if (!s->sink(s->arg, piece, e))
		return false;
	buf_reset(&s->buf);
	return true;
}

static bool
stream_add(struct stream *s, struct bytes v, struct error *e)
{
	if (s->buf.n + v.n > PIECE_BYTES && !stream_flush(s, e))
		return false;
	buf_add_bytes(&s->buf, v);
	return true;
}

static bool
stream_entries(struct stream *s, const struct crl_source *src, uint64_t bytes,
    struct error *e)
{
	auto_cleanup(crl_entry_writer_free) struct crl_entry_writer w;
	struct crl_entry entry = { 0 };
	struct bytes one;
	uint64_t total = 0;

	crl_entry_writer_init(&w);
	src->rewind(src->arg);
	while (src->next(src->arg, &entry)) {
		one = crl_entry_encode(&w, &entry);
		total += one.n;
		if (total > bytes)
			break;
		if (!stream_add(s, one, e))
			return false;
	}
	return total == bytes ||
	    error_set(e, FAIL_INTERNAL,
		"CRL: the entries changed between the two passes");
}

static bool
check_params(const struct crl_params *p, struct error *e)
{
	if (!name_check(p->issuer, e))
		return error_context(e, "CRL: issuer");
	if (p->this_update_s < 0 || p->next_update_s > TIME_MAX_S ||
	    p->next_update_s <= p->this_update_s)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL: nextUpdate is not after thisUpdate");
	if (p->idp_only_user && p->idp_only_ca)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL: both only user and only CA certificates");
	if (p->idp_url != NULL && !check_urls(p->idp_url, e))
		return false;
	if (p->delta_base >= 0 && (uint64_t)p->delta_base >= p->number)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL: delta base is not below its number");
	return true;
}

/* The two parts of fixed size, and the lengths around the entries. */
struct frame {
	struct buf head; /* SEQUENCE … header of revokedCertificates */
	struct buf tail; /* crlExtensions                             */
};

static void
frame_free(struct frame *f)
{
	buf_free(&f->head);
	buf_free(&f->tail);
}

static uint64_t
make_frame(struct frame *f, struct der_writer *w, const struct crl_params *p,
    uint64_t bytes)
{
	auto_buf struct buf front = { 0 };
	uint8_t list[DER_HEADER_MAX];
	size_t list_n = 0;
	uint64_t body;

	der_w_reset(w);
	write_crl_extensions(w, p);
	buf_add_bytes(&f->tail, der_w_bytes(w));
	write_front(w, p, &front);
	/* RFC 5280 5.1.2.6: absent when there is nothing revoked. */
	if (bytes > 0)
		list_n = der_header(DER_SEQUENCE, bytes, list);
	body = front.n + list_n + bytes + f->tail.n;
	der_add_header(&f->head, DER_SEQUENCE, body);
	body += f->head.n;
	buf_add_bytes(&f->head, buf_bytes(&front));
	buf_add(&f->head, list, list_n);
	return body;
}

bool
crl_write_tbs(const struct crl_params *p, const struct crl_source *src,
    crl_sink *sink, void *arg, uint8_t *digest, size_t *digest_len,
    uint64_t *tbs_bytes, uint64_t *entries, struct error *e)
{
	const struct sig_alg_info *alg = sig_alg_info(p->alg);
	auto_cleanup(
	    stream_free) struct stream s = { .sink = sink, .arg = arg };
	auto_cleanup(frame_free) struct frame f = { 0 };
	auto_der_writer struct der_writer w = { 0 };
	uint64_t bytes = 0, n = 0, total;

	if (!check_params(p, e) || !measure(src, &bytes, &n, e))
		return false;
	*tbs_bytes = total = make_frame(&f, &w, p, bytes);
	if (alg->prehash)
		s.digest = digest_new(alg->digest);
	if (!stream_add(&s, buf_bytes(&f.head), e) ||
	    !stream_entries(&s, src, bytes, e) ||
	    !stream_add(&s, buf_bytes(&f.tail), e) || !stream_flush(&s, e))
		return false;
	*digest_len = alg->prehash ? digest_finish(take(s.digest), digest) : 0;
	*entries = n;
	return true;
}

void
crl_outer(uint64_t tbs_bytes, enum sig_alg alg, struct bytes sig,
    struct buf *head, struct buf *tail)
{
	size_t before = tail->n;

	buf_add_bytes(tail, sig_alg_info(alg)->der);
	der_add_header(tail, DER_BIT_STRING, sig.n + 1);
	buf_add_byte(tail, 0); /* unused bits */
	buf_add_bytes(tail, sig);
	der_add_header(head, DER_SEQUENCE, tbs_bytes + tail->n - before);
}
