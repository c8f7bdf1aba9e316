/* SPDX-License-Identifier: Apache-2.0 */
#include "list_pem.h"

#include <unistd.h>

#define LABEL "X509 CRL"

struct stream {
	int fd;
	uint64_t der_bytes;
	uint64_t at, end;        /* octets of the text */
	const char *head, *tail; /* of JSON */
	struct buf text;
};

static struct stream *
stream_new(const struct crl_file *f, uint64_t from, uint64_t n)
{
	struct stream *s = mem_calloc(1, sizeof(*s));

	*s = (struct stream){ .fd = f->fd,
		.der_bytes = f->bytes,
		.at = from,
		.end = from + n };
	return s;
}

static void
stream_free(void *arg)
{
	struct stream *s = arg;

	(void)close(s->fd);
	buf_free(&s->text);
	mem_free(s);
}

static bool
read_piece(int fd, const struct pem_piece *p, uint8_t *out, struct error *e)
{
	for (size_t n = 0; n < p->n;) {
		ssize_t got = pread(fd, out + n, p->n - n, (off_t)(p->at + n));

		if (got <= 0)
			return error_set(e, FAIL_IO, "the list cannot be read");
		n += (size_t)got;
	}
	return true;
}

/* The next lines. */
static bool
next_text(struct stream *s, struct buf *out, struct error *e)
{
	struct pem_piece p = pem_piece_at(LABEL, s->der_bytes, s->at);
	uint8_t der[PEM_PIECE_BYTES];
	size_t before = out->n;

	if (!read_piece(s->fd, &p, der, e))
		return false;
	pem_piece_encode(LABEL, s->der_bytes, &p, bytes_of(der, p.n), out);
	if (out->n - before > s->end - s->at)
		out->n = before + (size_t)(s->end - s->at);
	s->at += out->n - before;
	return true;
}

static bool
next_pem(void *arg, struct buf *out, struct error *e)
{
	struct stream *s = arg;

	return next_text(s, out, e) && s->at < s->end;
}

void
list_pem(struct call *c, const struct cached *k, const struct crl_file *f)
{
	uint64_t from, n;
	int status = cached_begin(c, k, pem_length(LABEL, f->bytes), &from, &n);

	if (status == 0)
		(void)close(f->fd);
	else
		call_stream(c, status, k->type, n, next_pem, stream_free,
		    stream_new(f, from, n));
}

/* ---- JSON ---- */

/* Nothing else in PEM has to be escaped. */
static void
add_lines(struct bytes text, struct buf *out)
{
	for (size_t at = 0, end; at < text.n; at = end + 1) {
		for (end = at; end < text.n && text.p[end] != '\n';)
			end++;
		buf_add(out, text.p + at, end - at);
		if (end < text.n)
			buf_add_str(out, "\\n");
	}
}

static bool
next_json(void *arg, struct buf *out, struct error *e)
{
	struct stream *s = arg;

	if (s->head != NULL)
		buf_add_str(out, take(s->head));
	buf_reset(&s->text);
	if (!next_text(s, &s->text, e))
		return false;
	add_lines(buf_bytes(&s->text), out);
	if (s->at < s->end)
		return true;
	buf_add_str(out, s->tail);
	return false;
}

static void
stream_json(struct call *c, const struct crl_file *f, bool as_certificate)
{
	uint64_t n = pem_length(LABEL, f->bytes);
	/* The one keeps its last newline. */
	struct stream *s = stream_new(f, 0, as_certificate ? n - 1 : n);

	s->head = as_certificate ? "{\"certificate\":\"" : "{\"crl\":\"";
	s->tail = as_certificate ? "\",\"revocation_time\":0,"
				   "\"revocation_time_rfc3339\":\"\"}"
				 : "\"}";
	call_ok_stream(c, next_json, stream_free, s);
}

static void
whole_json(struct call *c, const struct crl_file *f, bool as_certificate)
{
	struct stream *s = stream_new(f, 0, pem_length(LABEL, f->bytes));
	struct error e = { 0 };
	struct bytes pem;

	while (s->at < s->end && next_text(s, &s->text, &e)) {
	}
	pem = buf_bytes(&s->text);
	if (s->at < s->end)
		call_fail(c, &e);
	else
		call_ok(c,
		    as_certificate ? pem_as_cert(pem)
				   : json_pack("{s:s%}", "crl",
					 (const char *)pem.p, pem.n));
	stream_free(s);
}

void
list_pem_json(struct call *c, const struct crl_file *f, bool as_certificate)
{
	if (c->wrap_ttl_s <= 0) {
		stream_json(c, f, as_certificate);
	} else if (f->bytes <= LIMIT_CRL_WRAP_BYTES) {
		whole_json(c, f, as_certificate);
	} else {
		call_error(c, 400,
		    "a list of %llu octets cannot be wrapped (at most %llu "
		    "can): read it without X-Vault-Wrap-TTL",
		    (unsigned long long)f->bytes,
		    (unsigned long long)LIMIT_CRL_WRAP_BYTES);
		(void)close(f->fd);
	}
}
