/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>

#include "chars.h"
#include "head.h"

static struct http_span
span_of(const struct http_parse *p, struct bytes s)
{
	return (struct http_span){ (uint16_t)(s.p - p->raw.p), (uint16_t)s.n };
}

static bool
starts_with(struct bytes s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && http_same_name(bytes_of(s.p, n), bytes_str(prefix));
}

/* Path and query: characters of RFC 3986, "%" with two hex digits. */
static bool
target_check(struct bytes t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (http_is(t.p[i], HTTP_TARGET))
			continue;
		if (t.p[i] != '%' || t.n - i < 3 ||
		    !http_all(bytes_of(t.p + i + 1, 2), HTTP_HEX))
			return false;
		i += 2;
	}
	return true;
}

static bool
origin_form(struct http_parse *p, struct bytes t)
{
	const uint8_t *mark = memchr(t.p, '?', t.n);
	size_t n = mark != NULL ? (size_t)(mark - t.p) : t.n;

	if (!target_check(t))
		return http_parse_bad(p, 400, "bad character in the target");
	p->path = span_of(p, bytes_of(t.p, n));
	if (mark != NULL)
		p->query = span_of(p, bytes_of(mark + 1, t.n - n - 1));
	return true;
}

/* RFC 9112 3.2.2: a server takes it, though only proxies are sent it. The authority is
 * not ours to judge by: nothing is routed by it. */
static bool
absolute_form(struct http_parse *p, struct bytes t)
{
	const uint8_t *colon = memchr(t.p, ':', t.n);
	struct bytes rest =
	    bytes_of(colon + 3, t.n - (size_t)(colon + 3 - t.p));
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	if (n == 0 || !http_all(bytes_of(rest.p, n), HTTP_HOST))
		return http_parse_bad(p, 400, "bad authority in the target");
	rest = bytes_of(rest.p + n, rest.n - n);
	if (rest.n > 0 && rest.p[0] == '/')
		return origin_form(p, rest);
	/* No path is "/" (RFC 9110 4.2.3): the second slash of "://" serves. */
	if (!origin_form(p, rest.n > 0 ? rest : bytes_of(t.p + t.n, 0)))
		return false;
	p->path = span_of(p, bytes_of(colon + 1, 1));
	return true;
}

static bool
target_take(struct http_parse *p, struct bytes t)
{
	struct bytes method = http_parse_get(p, p->method);

	if (t.n > LIMIT_HTTP_TARGET_BYTES)
		return http_parse_bad(p, 414, "request target too long");
	if (bytes_eq(method, bytes_str("CONNECT")))
		return http_parse_bad(p, 501, "this is no proxy");
	if (t.n > 0 && t.p[0] == '/')
		return origin_form(p, t);
	if (starts_with(t, "http://") || starts_with(t, "https://"))
		return absolute_form(p, t);
	if (bytes_eq(t, bytes_str("*")) &&
	    bytes_eq(method, bytes_str("OPTIONS"))) {
		p->path = span_of(p, t);
		return true;
	}
	return http_parse_bad(p, 400, "bad request target");
}

static bool
version_take(struct http_parse *p, struct bytes v)
{
	if (bytes_eq(v, bytes_str("HTTP/1.1")))
		return true;
	if (bytes_eq(v, bytes_str("HTTP/1.0"))) {
		p->http10 = p->close = true;
		return true;
	}
	/* RFC 9112 2.3: exactly a digit, a point, a digit, and in capitals. */
	if (v.n == 8 && memcmp(v.p, "HTTP/", 5) == 0 && v.p[5] >= '0' &&
	    v.p[5] <= '9' && v.p[6] == '.' && v.p[7] >= '0' && v.p[7] <= '9')
		return http_parse_bad(p, 505, "only HTTP/1.1 is spoken here");
	return http_parse_bad(p, 400, "bad HTTP version");
}

/* method SP target SP version, one blank each (RFC 9112 3). */
bool
http_head_request_line(struct http_parse *p, struct http_span line)
{
	struct bytes l = http_parse_get(p, line);
	const uint8_t *a = memchr(l.p, ' ', l.n);
	size_t m = a != NULL ? (size_t)(a - l.p) : l.n;
	const uint8_t *b;

	if (m == 0 || !http_all(bytes_of(l.p, m), HTTP_TCHAR))
		return http_parse_bad(p, 400, "bad method");
	if (m > LIMIT_HTTP_METHOD_BYTES)
		return http_parse_bad(p, 501, "unknown method");
	p->method = span_of(p, bytes_of(l.p, m));
	b = a != NULL ? memchr(a + 1, ' ', l.n - m - 1) : NULL;
	if (b == NULL)
		return http_parse_bad(p, 400, "bad request line");
	return target_take(p, bytes_of(a + 1, (size_t)(b - a) - 1)) &&
	    version_take(p, bytes_of(b + 1, l.n - (size_t)(b + 1 - l.p)));
}

/* ---- fields whose meaning is the framing's ---- */

static bool
host_take(struct http_parse *p, struct bytes v)
{
	if (p->has_host)
		return http_parse_bad(p, 400, "more than one Host");
	p->has_host = true;
	if (v.n == 0 || !http_all(v, HTTP_HOST))
		return http_parse_bad(p, 400, "bad Host");
	return true;
}

/* RFC 9112 6.3 lets a list of equal numbers pass; proxies differ in what they forward,
 * so only one number is taken. */
static bool
length_take(struct http_parse *p, struct bytes v)
{
	if (p->has_length)
		return http_parse_bad(p, 400, "more than one Content-Length");
	p->has_length = true;
	if (v.n == 0 || v.n > LIMIT_HTTP_LENGTH_DIGITS)
		return http_parse_bad(p, 400, "bad Content-Length");
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return http_parse_bad(p, 400, "bad Content-Length");
		p->body_n = p->body_n * 10 + (size_t)(v.p[i] - '0');
	}
	return true;
}

static bool
coding_take(struct http_parse *p, unused_arg struct bytes v)
{
	p->has_coding = true;
	return true;
}

static bool
connection_take(struct http_parse *p, struct bytes v)
{
	struct bytes option;

	while (http_next_element(&v, &option))
		if (http_same_name(option, bytes_str("close")))
			p->close = true;
	return true;
}

static bool
expect_take(struct http_parse *p, struct bytes v)
{
	/* RFC 9110 10.1.1: of a 1.0 client it is ignored. */
	if (p->http10)
		return true;
	if (!http_same_name(v, bytes_str("100-continue")))
		return http_parse_bad(p, 417, "unknown expectation");
	p->expects_continue = true;
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct http_parse *p, struct bytes v);
} known[] = {
	{ "host", host_take },
	{ "content-length", length_take },
	{ "transfer-encoding", coding_take },
	{ "connection", connection_take },
	{ "expect", expect_take },
};

bool
http_head_field(struct http_parse *p, struct http_span line)
{
	struct bytes l = http_parse_get(p, line), name, value;
	const uint8_t *colon = memchr(l.p, ':', l.n);

	/* RFC 9112 5.2. */
	if (l.p[0] == ' ' || l.p[0] == '\t')
		return http_parse_bad(p, 400, "folded field");
	if (colon == NULL)
		return http_parse_bad(p, 400, "field without a colon");
	name = bytes_of(l.p, (size_t)(colon - l.p));
	/* RFC 9112 5.1: a blank before the colon has made ways around firewalls. */
	if (name.n == 0 || !http_all(name, HTTP_TCHAR))
		return http_parse_bad(p, 400, "bad field name");
	if (p->n_fields == LIMIT_HTTP_FIELDS)
		return http_parse_bad(p, 431, "too many fields");
	value = http_trim(bytes_of(colon + 1, l.n - name.n - 1));
	p->fields[p->n_fields++] =
	    (struct http_field){ span_of(p, name), span_of(p, value) };
	for (size_t i = 0; i < countof(known); i++)
		if (http_same_name(name, bytes_str(known[i].name)))
			return known[i].read(p, value);
	return true;
}

bool
http_head_finish(struct http_parse *p, size_t body_max)
{
	if (!p->has_host && !p->http10)
		return http_parse_bad(p, 400, "no Host");
	if (p->has_coding && p->has_length)
		return http_parse_bad(p, 400,
		    "Content-Length beside Transfer-Encoding");
	if (p->has_coding)
		return http_parse_bad(p, 501, "no transfer coding is taken");
	if (p->body_n > body_max)
		return http_parse_bad(p, 413, "request body too large");
	return true;
}
