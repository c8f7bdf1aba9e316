/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/wire/frame.h>

static void
put(uint8_t *out, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get(const uint8_t *in, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)in[i] << (8 * i);
	return v;
}

void
frame_write(const struct frame *f, uint8_t out[FRAME_HEADER])
{
	put(out, f->type, 2);
	put(out + 2, f->flags, 2);
	put(out + 4, f->len, 4);
	put(out + 8, f->id, 8);
}

bool
frame_read(const uint8_t in[FRAME_HEADER], struct frame *out)
{
	out->type = (uint16_t)get(in, 2);
	out->flags = (uint16_t)get(in + 2, 2);
	out->len = (uint32_t)get(in + 4, 4);
	out->id = get(in + 8, 8);
	return (out->flags & ~FRAME_FLAGS) == 0;
}

void
wire_u32(struct buf *out, uint32_t v)
{
	put(buf_reserve(out, 4), v, 4);
	buf_commit(out, 4);
}

void
wire_u64(struct buf *out, uint64_t v)
{
	put(buf_reserve(out, 8), v, 8);
	buf_commit(out, 8);
}

void
wire_bytes(struct buf *out, struct bytes v)
{
	wire_u32(out, (uint32_t)v.n);
	buf_add_bytes(out, v);
}

void
wire_text(struct buf *out, const char *v)
{
	if (v == NULL)
		wire_u32(out, 0);
	else
		wire_bytes(out, bytes_of(v, strlen(v) + 1));
}

bool
wire_text_ok(const char *v, size_t max)
{
	return v == NULL || (strlen(v) <= max && utf8_valid(bytes_str(v)));
}

void
wire_message(struct buf *out, const char *v, size_t max)
{
	auto_buf struct buf mended = { 0 };

	if (wire_text_ok(v, max)) {
		wire_text(out, v);
		return;
	}
	buf_add_escaped(&mended, bytes_str(v));
	if (mended.n > max)
		mended.n = max;
	/* Escaping leaves whole characters; the cut may not. */
	while (!utf8_valid(buf_bytes(&mended)))
		mended.n--;
	wire_text(out, buf_cstr(&mended));
}

void
wire_read(struct wire_reader *r, struct bytes in)
{
	*r = (struct wire_reader){ .in = in };
}

/* The next n octets, or NULL for ever. */
static const uint8_t *
next(struct wire_reader *r, size_t n)
{
	static const uint8_t none[1];

	if (r->failed || n > r->in.n - r->at) {
		r->failed = true;
		return NULL;
	}
	r->at += n;
	return n == 0 ? none : r->in.p + r->at - n;
}

uint32_t
wire_get_u32(struct wire_reader *r)
{
	const uint8_t *p = next(r, 4);

	return p == NULL ? 0 : (uint32_t)get(p, 4);
}

uint64_t
wire_get_u64(struct wire_reader *r)
{
	const uint8_t *p = next(r, 8);

	return p == NULL ? 0 : get(p, 8);
}

bool
wire_get_bool(struct wire_reader *r)
{
	uint32_t v = wire_get_u32(r);

	r->failed |= v > 1;
	return !r->failed && v == 1;
}

void
wire_get_fixed(struct wire_reader *r, void *out, size_t n)
{
	const uint8_t *p = next(r, n);

	if (p == NULL)
		memset(out, 0, n);
	else
		memcpy(out, p, n);
}

struct bytes
wire_get_bytes(struct wire_reader *r, size_t max)
{
	size_t n = wire_get_u32(r);
	const uint8_t *p;

	r->failed |= n > max;
	p = next(r, n);
	return p == NULL ? (struct bytes){ 0 } : bytes_of(p, n);
}

const char *
wire_get_text(struct wire_reader *r, size_t max)
{
	struct bytes v = wire_get_bytes(r, max + 1);

	if (r->failed || v.n == 0)
		return NULL;
	/* utf8_valid takes no NUL, so that the one at the end is the only one. */
	if (v.p[v.n - 1] != '\0' || !utf8_valid(bytes_of(v.p, v.n - 1))) {
		r->failed = true;
		return NULL;
	}
	return (const char *)v.p;
}

bool
wire_done(const struct wire_reader *r)
{
	return !r->failed && r->at == r->in.n;
}
