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

/* ---- both passes ------------------------------------------------------- */

struct crl_writer {
	const struct crl_params *p;
	const struct crl_source *src;
	const bool *paused;
	struct crl_entry_writer encoder;
	struct crl_entry entry, last;
	struct stream s;
	struct frame f;
	uint64_t measured, n, encoded;
	bool writing; /* the second pass */
	struct crl_written out;
};

struct crl_writer *
crl_writer_new(const struct crl_params *p, const struct crl_source *src,
    const bool *paused, crl_sink *sink, void *arg, struct error *e)
{
	struct crl_writer *w;

	if (!check_params(p, e))
		return NULL;
	w = mem_calloc(1, sizeof(*w));
	*w = (struct crl_writer){ .p = p,
		.src = src,
		.paused = paused,
		.s = { .sink = sink, .arg = arg } };
	crl_entry_writer_init(&w->encoder);
	src->rewind(src->arg);
	return w;
}

void
crl_writer_free(struct crl_writer *w)
{
	if (w == NULL)
		return;
	crl_entry_writer_free(&w->encoder);
	stream_free(&w->s);
	frame_free(&w->f);
	mem_free(w);
}

const struct crl_written *
crl_writer_written(const struct crl_writer *w)
{
	return &w->out;
}

static bool
measure(struct crl_writer *w, struct error *e)
{
	const struct crl_source *src = w->src;

	for (; src->next(src->arg, &w->entry); w->n++) {
		if (!crl_entry_check(&w->entry, w->n == 0 ? NULL : &w->last,
			w->n, e))
			return false;
		w->measured += crl_entry_size(&w->encoder, &w->entry);
		w->last = w->entry;
	}
	return true;
}

static bool
begin_writing(struct crl_writer *w, struct error *e)
{
	const struct sig_alg_info *alg = sig_alg_info(w->p->alg);
	auto_der_writer struct der_writer d = { 0 };

	w->writing = true;
	w->out.entries = w->n;
	w->out.tbs_bytes = make_frame(&w->f, &d, w->p, w->measured);
	if (alg->prehash)
		w->s.digest = digest_new(alg->digest);
	w->src->rewind(w->src->arg);
	return stream_add(&w->s, buf_bytes(&w->f.head), e);
}

static bool
changed(struct error *e)
{
	return error_set(e, FAIL_INTERNAL,
	    "CRL: the entries changed between the two passes");
}

static bool
write_entries(struct crl_writer *w, struct error *e)
{
	struct bytes one;

	while (w->src->next(w->src->arg, &w->entry)) {
		one = crl_entry_encode(&w->encoder, &w->entry);
		w->encoded += one.n;
		if (w->encoded > w->measured)
			return changed(e);
		if (!stream_add(&w->s, one, e))
			return false;
	}
	return true;
}

static bool
end_writing(struct crl_writer *w, struct error *e)
{
	if (w->encoded != w->measured)
		return changed(e);
	if (!stream_add(&w->s, buf_bytes(&w->f.tail), e) ||
	    !stream_flush(&w->s, e))
		return false;
	if (w->s.digest != NULL)
		w->out.digest_n =
		    digest_finish(take(w->s.digest), w->out.digest);
	return true;
}

/* The source has no more for now. */
static bool
pauses(const struct crl_writer *w)
{
	return w->paused != NULL && *w->paused;
}

bool
crl_writer_go_on(struct crl_writer *w, bool *done, struct error *e)
{
	*done = false;
	if (!w->writing) {
		if (!measure(w, e))
			return false;
		if (pauses(w))
			return true;
		if (!begin_writing(w, e))
			return false;
	}
	if (!write_entries(w, e))
		return false;
	if (pauses(w))
		return true;
	*done = true;
	return end_writing(w, e);
}

bool
crl_write_tbs(const struct crl_params *p, const struct crl_source *src,
    crl_sink *sink, void *arg, uint8_t *digest, size_t *digest_len,
    uint64_t *tbs_bytes, uint64_t *entries, struct error *e)
{
	auto_crl_writer struct crl_writer *w =
	    crl_writer_new(p, src, NULL, sink, arg, e);
	bool done = false;

	while (w != NULL && !done)
		if (!crl_writer_go_on(w, &done, e))
			return false;
	if (w == NULL)
		return false;
	memcpy(digest, w->out.digest, w->out.digest_n);
	*digest_len = w->out.digest_n;
	*tbs_bytes = w->out.tbs_bytes;
	*entries = w->out.entries;
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
