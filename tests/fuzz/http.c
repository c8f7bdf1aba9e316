/* SPDX-License-Identifier: Apache-2.0 */
/* A request is the same however the stream is cut; what is taken keeps the rules that
 * framing rests on. */
#include <assert.h>

#include <chancery/base/cleanup.h>

#include "../../src/server/http/chars.h"
#include "../../src/server/http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define BODY_MAX 4096

static size_t
feed(struct http_parse *p, struct bytes in, size_t step)
{
	size_t at = 0;

	while (at < in.n && p->state != HTTP_PARSE_DONE &&
	    p->state != HTTP_PARSE_BAD) {
		size_t n = step < in.n - at ? step : in.n - at;

		at += http_parse_feed(p, BODY_MAX, bytes_of(in.p + at, n));
	}
	return at;
}

static void
check_same(const struct http_parse *a, const struct http_parse *b)
{
	assert(a->state == b->state && a->status == b->status);
	if (a->state == HTTP_PARSE_BAD) {
		assert(a->why == b->why && a->status >= 400);
		return;
	}
	assert(bytes_eq(buf_bytes(&a->raw), buf_bytes(&b->raw)));
	assert(a->n_fields == b->n_fields && a->head_n == b->head_n);
	assert(a->body_n == b->body_n && a->close == b->close);
}

static void
check_head(const struct http_parse *p)
{
	unsigned hosts = 0, lengths = 0;

	assert(p->head_n <= LIMIT_HTTP_HEAD_BYTES && p->body_n <= BODY_MAX);
	assert(p->method.n > 0 && p->path.n > 0 &&
	    p->path.at + p->path.n <= p->head_n);
	assert(http_all(http_parse_get(p, p->method), HTTP_TCHAR));
	for (unsigned i = 0; i < p->n_fields; i++) {
		struct bytes name = http_parse_get(p, p->fields[i].name);
		struct bytes value = http_parse_get(p, p->fields[i].value);

		assert(name.n > 0 && http_all(name, HTTP_TCHAR));
		assert(http_all(value, HTTP_VALUE));
		assert(value.p + value.n <= p->raw.p + p->head_n);
		assert(!http_same_name(name, bytes_str("transfer-encoding")));
		hosts += http_same_name(name, bytes_str("host"));
		lengths += http_same_name(name, bytes_str("content-length"));
	}
	assert(lengths <= 1 && hosts <= 1 && (hosts == 1 || p->http10));
	assert(lengths == 1 || p->body_n == 0);
}

/* One request; returns what is left, or nothing when it did not end. */
static struct bytes
one_request(struct bytes in)
{
	struct http_parse whole = { 0 }, single = { 0 }, odd = { 0 };
	size_t n = feed(&whole, in, in.n);

	(void)feed(&single, in, 1);
	(void)feed(&odd, in, 5);
	check_same(&whole, &single);
	check_same(&whole, &odd);
	if (whole.state == HTTP_PARSE_BODY || whole.state == HTTP_PARSE_DONE)
		check_head(&whole);
	if (whole.state == HTTP_PARSE_DONE)
		assert(n > 0 && http_parse_body(&whole).n == whole.body_n);
	else
		n = in.n;
	http_parse_free(&whole);
	http_parse_free(&single);
	http_parse_free(&odd);
	return bytes_of(in.p + n, in.n - n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes rest = bytes_of(p, n);

	while (rest.n > 0)
		rest = one_request(rest);
	return 0;
}
