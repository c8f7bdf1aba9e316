/* SPDX-License-Identifier: Apache-2.0 */
/* The request parser: what it takes, and each shape that has smuggled a request past
 * somebody. Every row is fed at once, octet by octet, and cut in two everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>

#include "../../src/server/http/chars.h"
#include "../../src/server/http/parse.h"

#define BODY_MAX 1000

/* What is left of one request once it was fed: a text to compare. */
static void
describe(struct buf *out, const struct http_parse *p)
{
	buf_addf(out, "state %d", (int)p->state);
	if (p->state == HTTP_PARSE_BAD)
		buf_addf(out, " %d %s", p->status, p->why);
	if (p->state != HTTP_PARSE_DONE && p->state != HTTP_PARSE_BODY)
		return;
	buf_add_str(out, " ");
	buf_add_bytes(out, http_parse_get(p, p->method));
	buf_add_str(out, " ");
	buf_add_bytes(out, http_parse_get(p, p->path));
	buf_add_str(out, "?");
	buf_add_bytes(out, http_parse_get(p, p->query));
	buf_addf(out, " %s%s%s", p->http10 ? "1.0 " : "",
	    p->close ? "close " : "", p->expects_continue ? "continue " : "");
	for (unsigned i = 0; i < p->n_fields; i++) {
		buf_add_bytes(out, http_parse_get(p, p->fields[i].name));
		buf_add_str(out, "=[");
		buf_add_bytes(out, http_parse_get(p, p->fields[i].value));
		buf_add_str(out, "] ");
	}
	buf_addf(out, "%zu:", p->body_n);
	buf_add_bytes(out, http_parse_body(p));
}

/* Feed in pieces of `step`, the first one of `first` octets. */
static size_t
feed(struct http_parse *p, struct bytes in, size_t first, size_t step)
{
	size_t at = 0, n = first;

	while (at < in.n && p->state != HTTP_PARSE_DONE &&
	    p->state != HTTP_PARSE_BAD) {
		n = n < in.n - at ? n : in.n - at;
		at += http_parse_feed(p, BODY_MAX, bytes_of(in.p + at, n));
		n = step;
	}
	return at;
}

static void
same_in_pieces(struct bytes in, const struct buf *whole, size_t first,
    size_t step)
{
	struct http_parse p = { 0 };
	auto_buf struct buf got = { 0 };

	(void)feed(&p, in, first, step);
	describe(&got, &p);
	assert_string_equal(buf_cstr(&got), (const char *)whole->p);
	http_parse_free(&p);
}

/* Feed it in every way; *p is the one that was fed at once. */
static size_t
parse(struct http_parse *p, struct bytes in)
{
	auto_buf struct buf whole = { 0 };
	size_t n = feed(p, in, in.n, in.n);

	describe(&whole, p);
	(void)buf_cstr(&whole);
	same_in_pieces(in, &whole, 1, 1);
	same_in_pieces(in, &whole, 3, 7);
	for (size_t cut = 1; cut < in.n && cut < 400; cut++)
		same_in_pieces(in, &whole, cut, in.n);
	return n;
}

#define HOST "Host: a\r\n"

static const struct {
	const char *name, *in;
	const char *want; /* method path?query flags fields length:body */
	size_t left;      /* octets that belong to the next request */
} good[] = {
	{ "least", "GET / HTTP/1.1\r\n" HOST "\r\n", "GET /? Host=[a] 0:", 0 },
	{ "query", "GET /v1/pki/certs?list=true&x HTTP/1.1\r\n" HOST "\r\n",
	    "GET /v1/pki/certs?list=true&x Host=[a] 0:", 0 },
	{ "question marks", "GET /a??b? HTTP/1.1\r\n" HOST "\r\n",
	    "GET /a??b? Host=[a] 0:", 0 },
	{ "any method token", "LIST /v1/pki/roles HTTP/1.1\r\n" HOST "\r\n",
	    "LIST /v1/pki/roles? Host=[a] 0:", 0 },
	{ "method in lower case", "get / HTTP/1.1\r\n" HOST "\r\n",
	    "get /? Host=[a] 0:", 0 },
	{ "odd method", "M-SEARCH!#$ / HTTP/1.1\r\n" HOST "\r\n",
	    "M-SEARCH!#$ /? Host=[a] 0:", 0 },
	{ "body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	    "POST /? Host=[a] Content-Length=[3] 3:abc", 0 },
	{ "body of GET", "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx",
	    "GET /? Host=[a] Content-Length=[1] 1:x", 0 },
	{ "no body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
	    "POST /? Host=[a] Content-Length=[0] 0:", 0 },
	{ "leading zeros are decimal",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 0000000002\r\n\r\nab",
	    "POST /? Host=[a] Content-Length=[0000000002] 2:ab", 0 },
	{ "longest body",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n",
	    "POST /? Host=[a] Content-Length=[1000] 1000:", 0 },
	{ "field in any case", "GET / HTTP/1.1\r\nhOsT: a\r\n\r\n",
	    "GET /? hOsT=[a] 0:", 0 },
	{ "blanks around a value",
	    "GET / HTTP/1.1\r\nHost:\t  a \t\r\nX:\r\nY: \t \r\n\r\n",
	    "GET /? Host=[a] X=[] Y=[] 0:", 0 },
	{ "colon at once", "GET / HTTP/1.1\r\nHost:a\r\nX:b:c\r\n\r\n",
	    "GET /? Host=[a] X=[b:c] 0:", 0 },
	{ "obs-text in a value",
	    "GET / HTTP/1.1\r\n" HOST "X: \xc3\xa4\r\n\r\n",
	    "GET /? Host=[a] X=[\xc3\xa4] 0:", 0 },
	{ "one empty line before it", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
	    "GET /? Host=[a] 0:", 0 },
	{ "the next one is left",
	    "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n",
	    "GET /1? Host=[a] 0:", 17 },
	{ "what follows a body is left",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nabGET",
	    "POST /? Host=[a] Content-Length=[2] 2:ab", 3 },
	{ "close", "GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n",
	    "GET /? close Host=[a] Connection=[x, Close] 0:", 0 },
	{ "close in the second",
	    "GET / HTTP/1.1\r\n" HOST
	    "Connection: ,\r\nConnection: close\r\n\r\n",
	    "GET /? close Host=[a] Connection=[,] Connection=[close] 0:", 0 },
	{ "not close", "GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n",
	    "GET /? Host=[a] Connection=[closed] 0:", 0 },
	{ "expect",
	    "PUT / HTTP/1.1\r\n" HOST
	    "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
	    "PUT /? continue Host=[a] Expect=[100-Continue] "
	    "Content-Length=[1] 1:",
	    0 },
	{ "1.0 ends the connection",
	    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	    "GET /? 1.0 close Connection=[keep-alive] 0:", 0 },
	{ "1.0 has no expectations",
	    "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
	    "POST /? 1.0 close Expect=[100-continue] 0:", 0 },
	{ "absolute form",
	    "GET http://h.example:80/a?b HTTP/1.1\r\n" HOST "\r\n",
	    "GET /a?b Host=[a] 0:", 0 },
	{ "absolute form, https", "GET HTTPS://h/ HTTP/1.1\r\n" HOST "\r\n",
	    "GET /? Host=[a] 0:", 0 },
	{ "absolute form without path", "GET http://h HTTP/1.1\r\n" HOST "\r\n",
	    "GET /? Host=[a] 0:", 0 },
	{ "absolute form, query only",
	    "GET http://h?q HTTP/1.1\r\n" HOST "\r\n",
	    "GET /?q Host=[a] 0:", 0 },
	{ "asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
	    "OPTIONS *? Host=[a] 0:", 0 },
	{ "not decoded here",
	    "GET /%2e%2E/a//b/./..;x=1@:&=+$,!*'() HTTP/1.1\r\n" HOST "\r\n",
	    "GET /%2e%2E/a//b/./..;x=1@:&=+$,!*'()? Host=[a] 0:", 0 },
	{ "address as Host", "GET / HTTP/1.1\r\nHost: [::1]:8200\r\n\r\n",
	    "GET /? Host=[[::1]:8200] 0:", 0 },
};

static void
test_good(unused_arg void **state)
{
	for (size_t i = 0; i < countof(good); i++) {
		struct http_parse p = { 0 };
		auto_buf struct buf got = { 0 }, want = { 0 };
		struct bytes in = bytes_str(good[i].in);

		assert_int_equal(in.n - parse(&p, in), good[i].left);
		describe(&got, &p);
		buf_addf(&want, "state %d %s", (int)p.state, good[i].want);
		assert_string_equal(buf_cstr(&got), buf_cstr(&want));
		assert_int_equal(p.state,
		    p.body_n > http_parse_body(&p).n ? HTTP_PARSE_BODY
						     : HTTP_PARSE_DONE);
		http_parse_free(&p);
	}
}

#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST
#define BODY "\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n" HOST "\r\n"
#define IN(s) s, sizeof(s) - 1

static const struct {
	const char *name, *in;
	size_t n;
	int status;
} bad[] = {
	/* line ends */
	{ "bare LF after the request line",
	    IN("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400 },
	{ "bare LF after a field", IN(GET "Host: a\n\r\n"), 400 },
	{ "bare LF at the end", IN(GET HOST "\n"), 400 },
	{ "bare LF hides a field",
	    IN(POST "X: a\nTransfer-Encoding: chunked\r\n"
		    "Content-Length: 5" BODY),
	    400 },
	{ "bare CR in a value", IN(GET HOST "X: a\rb\r\n\r\n"), 400 },
	{ "bare CR before a name", IN(GET HOST "\rX: b\r\n\r\n"), 400 },
	{ "CR CR LF", IN(GET HOST "\r\r\n"), 400 },
	{ "bare CR in the request line", IN("GET /\r HTTP/1.1\r\n"), 400 },
	{ "two empty lines before it", IN("\r\n\r\n" GET HOST "\r\n"), 400 },
	{ "LF before it", IN("\n" GET HOST "\r\n"), 400 },
	/* request line */
	{ "no blank", IN("GET/HTTP/1.1\r\n"), 400 },
	{ "HTTP/0.9", IN("GET /\r\n"), 400 },
	{ "two blanks", IN("GET  / HTTP/1.1\r\n"), 400 },
	{ "two blanks before the version", IN("GET /  HTTP/1.1\r\n"), 400 },
	{ "blank behind the version", IN("GET / HTTP/1.1 \r\n"), 400 },
	{ "blank before the method", IN(" GET / HTTP/1.1\r\n"), 400 },
	{ "tab between", IN("GET\t/ HTTP/1.1\r\n"), 400 },
	{ "tab before the version", IN("GET /\tHTTP/1.1\r\n"), 400 },
	{ "bad method", IN("G(T / HTTP/1.1\r\n"), 400 },
	{ "method of high octets", IN("G\xc3\xa4T / HTTP/1.1\r\n"), 400 },
	{ "long method", IN("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n"),
	    501 },
	{ "HTTP/2", IN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400 },
	{ "HTTP/2.0", IN("GET / HTTP/2.0\r\n"), 505 },
	{ "HTTP/1.2", IN("GET / HTTP/1.2\r\n"), 505 },
	{ "HTTP/0.9 named", IN("GET / HTTP/0.9\r\n"), 505 },
	{ "HTTP/1", IN("GET / HTTP/1\r\n"), 400 },
	{ "HTTP/1.10", IN("GET / HTTP/1.10\r\n"), 400 },
	{ "HTTP/01.1", IN("GET / HTTP/01.1\r\n"), 400 },
	{ "http/1.1", IN("GET / http/1.1\r\n"), 400 },
	{ "HTTP/+1.1", IN("GET / HTTP/+1.1\r\n"), 400 },
	{ "HTTPS/1.1", IN("GET / HTTPS/1.1\r\n"), 400 },
	{ "version with junk", IN("GET / HTTP/1.1x\r\n"), 400 },
	/* target */
	{ "no slash", IN("GET v1/sys HTTP/1.1\r\n"), 400 },
	{ "authority form", IN("GET example.com:80 HTTP/1.1\r\n"), 400 },
	{ "CONNECT", IN("CONNECT example.com:80 HTTP/1.1\r\n"), 501 },
	{ "asterisk form of GET", IN("GET * HTTP/1.1\r\n"), 400 },
	{ "other scheme", IN("GET ftp://h/ HTTP/1.1\r\n"), 400 },
	{ "absolute form with a user", IN("GET http://u@h/ HTTP/1.1\r\n"),
	    400 },
	{ "absolute form without authority", IN("GET http:///x HTTP/1.1\r\n"),
	    400 },
	{ "absolute form cut", IN("GET http:// HTTP/1.1\r\n"), 400 },
	{ "absolute form, backslash", IN("GET http://h\\x/ HTTP/1.1\r\n"),
	    400 },
	{ "absolute form without Host", IN("GET http://h/ HTTP/1.1\r\n\r\n"),
	    400 },
	{ "fragment", IN("GET /a#b HTTP/1.1\r\n"), 400 },
	{ "backslash", IN("GET /a\\b HTTP/1.1\r\n"), 400 },
	{ "bad percent", IN("GET /%zz HTTP/1.1\r\n"), 400 },
	{ "cut percent", IN("GET /%2 HTTP/1.1\r\n"), 400 },
	{ "percent alone", IN("GET /% HTTP/1.1\r\n"), 400 },
	{ "percent in the query", IN("GET /?a=%4 HTTP/1.1\r\n"), 400 },
	{ "high octet", IN("GET /\xc3\xa4 HTTP/1.1\r\n"), 400 },
	{ "quote", IN("GET /\"x\" HTTP/1.1\r\n"), 400 },
	{ "NUL in the target", IN("GET /a\0b HTTP/1.1\r\n"), 400 },
	{ "DEL in the target", IN("GET /a\x7f HTTP/1.1\r\n"), 400 },
	/* fields */
	{ "blank before the colon", IN(GET "Host : a\r\n\r\n"), 400 },
	{ "tab before the colon", IN(POST "Content-Length\t: 1\r\n\r\n"), 400 },
	{ "chunked behind a blank",
	    IN(POST "Content-Length: 5\r\n"
		    "Transfer-Encoding : chunked\r\n" BODY),
	    400 },
	{ "folded", IN(GET HOST "X: a\r\n b\r\n\r\n"), 400 },
	{ "folded by a tab", IN(GET HOST "X: a\r\n\tb\r\n\r\n"), 400 },
	{ "folded length", IN(POST "Content-Length:\r\n 5\r\n\r\n"), 400 },
	{ "blank before the first field", IN(GET " Host: a\r\n\r\n"), 400 },
	{ "line of blanks", IN(GET HOST " \r\n\r\n"), 400 },
	{ "no colon", IN(GET HOST "Xyz\r\n\r\n"), 400 },
	{ "no name", IN(GET HOST ": x\r\n\r\n"), 400 },
	{ "name with a slash", IN(GET HOST "a/b: x\r\n\r\n"), 400 },
	{ "name in quotes", IN(GET HOST "\"a\": x\r\n\r\n"), 400 },
	{ "name of high octets", IN(GET HOST "X\xe9: x\r\n\r\n"), 400 },
	{ "NUL in a name", IN(POST "Content-Length\0: 5\r\n\r\n"), 400 },
	{ "NUL in a value", IN(GET HOST "X: a\0b\r\n\r\n"), 400 },
	{ "vertical tab", IN(POST "Transfer-Encoding:\vchunked\r\n\r\n"), 400 },
	{ "form feed", IN(POST "Transfer-Encoding: \fchunked\r\n\r\n"), 400 },
	{ "DEL in a value", IN(GET HOST "X: \x7f\r\n\r\n"), 400 },
	{ "escape in a value", IN(GET HOST "X: \x1b[2J\r\n\r\n"), 400 },
	/* Host */
	{ "no Host", IN(GET "\r\n"), 400 },
	{ "two Hosts", IN(GET HOST HOST "\r\n"), 400 },
	{ "two Hosts of 1.0", IN("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400 },
	{ "empty Host", IN(GET "Host:\r\n\r\n"), 400 },
	{ "Host with a path", IN(GET "Host: a/b\r\n\r\n"), 400 },
	{ "Host with a user", IN(GET "Host: u@a\r\n\r\n"), 400 },
	{ "Host as a list", IN(GET "Host: a, b\r\n\r\n"), 400 },
	{ "Host with a blank", IN(GET "Host: a b\r\n\r\n"), 400 },
	/* lengths */
	{ "length twice",
	    IN(POST "Content-Length: 5\r\nContent-Length: 6\r\n"
		    "\r\n"),
	    400 },
	{ "length twice, the same",
	    IN(POST "Content-Length: 5\r\n"
		    "Content-Length: 5\r\n\r\n"),
	    400 },
	{ "length twice, other case",
	    IN(POST "Content-Length: 5\r\n"
		    "content-lengtH: 0\r\n\r\n"),
	    400 },
	{ "list of lengths", IN(POST "Content-Length: 5, 5\r\n\r\n"), 400 },
	{ "plus", IN(POST "Content-Length: +5\r\n\r\n"), 400 },
	{ "minus", IN(POST "Content-Length: -5\r\n\r\n"), 400 },
	{ "hex", IN(POST "Content-Length: 0x5\r\n\r\n"), 400 },
	{ "fraction", IN(POST "Content-Length: 5.0\r\n\r\n"), 400 },
	{ "exponent", IN(POST "Content-Length: 1e1\r\n\r\n"), 400 },
	{ "blank in a length", IN(POST "Content-Length: 1 2\r\n\r\n"), 400 },
	{ "empty length", IN(POST "Content-Length:\r\n\r\n"), 400 },
	{ "length in quotes", IN(POST "Content-Length: \"5\"\r\n\r\n"), 400 },
	{ "11 digits", IN(POST "Content-Length: 00000000005\r\n\r\n"), 400 },
	{ "2^64 + 5", IN(POST "Content-Length: 18446744073709551621\r\n\r\n"),
	    400 },
	{ "one too long", IN(POST "Content-Length: 1001\r\n\r\n"), 413 },
	{ "ten digits", IN(POST "Content-Length: 9999999999\r\n\r\n"), 413 },
	/* codings */
	{ "chunked", IN(POST "Transfer-Encoding: chunked\r\n" BODY), 501 },
	{ "identity", IN(POST "Transfer-Encoding: identity\r\n\r\n"), 501 },
	{ "gzip, chunked", IN(POST "Transfer-Encoding: gzip, chunked\r\n" BODY),
	    501 },
	{ "xchunked", IN(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501 },
	{ "chunked in quotes",
	    IN(POST "Transfer-Encoding: \"chunked\"\r\n"
		    "\r\n"),
	    501 },
	{ "empty coding", IN(POST "Transfer-Encoding:\r\n\r\n"), 501 },
	{ "chunked of 1.0",
	    IN("POST / HTTP/1.0\r\n"
	       "Transfer-Encoding: chunked\r\n" BODY),
	    501 },
	{ "CL.TE",
	    IN(POST "Content-Length: 6\r\n"
		    "Transfer-Encoding: chunked\r\n" BODY),
	    400 },
	{ "TE.CL",
	    IN(POST "Transfer-Encoding: chunked\r\n"
		    "Content-Length: 3\r\n" BODY),
	    400 },
	{ "TE.TE",
	    IN(POST "Transfer-Encoding: chunked\r\n"
		    "Transfer-encoding: cow\r\n" BODY),
	    501 },
	{ "TE in other case", IN(POST "tRANSFER-eNCODING: CHUNKED\r\n" BODY),
	    501 },
	/* the rest */
	{ "expectation", IN(GET HOST "Expect: 200-ok\r\n\r\n"), 417 },
	{ "TLS hello", IN("\x16\x03\x01\x02\x00\x01\x00"), 400 },
	{ "SSH", IN("SSH-2.0-OpenSSH_9.2\r\n"), 400 },
	{ "zeros", IN("\0\0\0\0"), 400 },
};

static void
test_bad(unused_arg void **state)
{
	for (size_t i = 0; i < countof(bad); i++) {
		struct http_parse p = { 0 };

		(void)parse(&p, bytes_of(bad[i].in, bad[i].n));
		if (p.state != HTTP_PARSE_BAD || p.status != bad[i].status)
			fail_msg("%s: state %d, status %d, not %d", bad[i].name,
			    (int)p.state, p.status, bad[i].status);
		assert_non_null(p.why);
		http_parse_free(&p);
	}
}

static void
test_prefixes_wait(unused_arg void **state)
{
	static const char whole[] =
	    "POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";

	for (size_t n = 1; n < sizeof(whole) - 1; n++) {
		struct http_parse p = { 0 };

		assert_int_equal(parse(&p, bytes_of(whole, n)), n);
		assert_int_equal(p.state,
		    n < sizeof(whole) - 3 ? HTTP_PARSE_HEAD : HTTP_PARSE_BODY);
		http_parse_free(&p);
	}
}

/* A head with something repeated until it is `n` octets long. */
static void
parse_grown(struct http_parse *p, const char *start, const char *more, size_t n,
    const char *end)
{
	auto_buf struct buf in = { 0 };

	buf_add_str(&in, start);
	while (in.n + strlen(more) + strlen(end) <= n)
		buf_add_str(&in, more);
	buf_add_str(&in, end);
	(void)parse(p, buf_bytes(&in));
}

static void
test_limits(unused_arg void **state)
{
	static const struct {
		const char *name, *start, *more, *end;
		size_t n;
		int status; /* 0: taken */
	} cases[] = {
		{ "longest target", "GET /", "a", " HTTP/1.1\r\n" HOST "\r\n",
		    4 + LIMIT_HTTP_TARGET_BYTES + 22, 0 },
		{ "target too long", "GET /", "a", " HTTP/1.1\r\n" HOST "\r\n",
		    4 + LIMIT_HTTP_TARGET_BYTES + 23, 414 },
		{ "target without end", "GET /", "a", "", 10000, 414 },
		{ "method without end", "", "A", "", 10000, 414 },
		{ "longest head", GET HOST "X: ", "a", "\r\n\r\n",
		    LIMIT_HTTP_HEAD_BYTES, 0 },
		{ "head too long", GET HOST "X: ", "a", "\r\n\r\n",
		    LIMIT_HTTP_HEAD_BYTES + 1, 431 },
		{ "value without end", GET HOST "X: ", "a", "", 20000, 431 },
		{ "name without end", GET HOST, "a", "", 20000, 431 },
		{ "most fields", GET HOST, "a: b\r\n", "\r\n", 25 + 99 * 6 + 2,
		    0 },
		{ "too many fields", GET HOST, "a: b\r\n", "\r\n",
		    25 + 100 * 6 + 2, 431 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct http_parse p = { 0 };

		parse_grown(&p, cases[i].start, cases[i].more, cases[i].n,
		    cases[i].end);
		if (p.status != cases[i].status ||
		    (p.status == 0 && p.state != HTTP_PARSE_DONE))
			fail_msg("%s: state %d, status %d, not %d",
			    cases[i].name, (int)p.state, p.status,
			    cases[i].status);
		http_parse_free(&p);
	}
}

/* Every octet at the places where it could matter; what the table allows there. */
static void
test_every_octet(unused_arg void **state)
{
	static const struct {
		const char *before, *after, *allowed;
	} cases[] = {
		{ "GE", "T / HTTP/1.1\r\n" HOST "\r\n",
		    "!#$%&'*+-.^_`|~"
		    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz" },
		{ "GET /a", "b HTTP/1.1\r\n" HOST "\r\n",
		    "!$&'()*+,-./:;=?@_~"
		    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz" },
		{ GET HOST "X", "y: z\r\n\r\n",
		    "!#$%&'*+-.^_`|~:"
		    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz" },
	};

	for (size_t i = 0; i < countof(cases); i++)
		for (unsigned c = 0; c < 256; c++) {
			struct http_parse p = { 0 };
			auto_buf struct buf in = { 0 };

			buf_add_str(&in, cases[i].before);
			buf_add_byte(&in, (uint8_t)c);
			buf_add_str(&in, cases[i].after);
			(void)feed(&p, buf_bytes(&in), in.n, in.n);
			assert_int_equal(p.state,
			    c != 0 && strchr(cases[i].allowed, (int)c) != NULL
				? HTTP_PARSE_DONE
				: HTTP_PARSE_BAD);
			http_parse_free(&p);
		}
}

static void
test_field_lookup(unused_arg void **state)
{
	struct http_parse p = { 0 };
	struct bytes v;

	(void)parse(&p,
	    bytes_str(GET HOST "X-Vault-Token: one\r\nx-vault-token: two\r\n"
			       "\r\n"));
	assert_true(http_parse_field(&p, "x-VAULT-token", &v));
	assert_true(bytes_eq(v, bytes_str("one")));
	assert_false(http_parse_field(&p, "X-Vault", &v));
	assert_int_equal(v.n, 0);
	http_parse_free(&p);
}

static void
test_elements(unused_arg void **state)
{
	struct bytes rest = bytes_str(" a ,, \t,b,c d , "), e;
	auto_buf struct buf got = { 0 };

	while (http_next_element(&rest, &e)) {
		buf_add_bytes(&got, e);
		buf_add_str(&got, "|");
	}
	assert_string_equal(buf_cstr(&got), "a|b|c d|");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_prefixes_wait),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_field_lookup),
		cmocka_unit_test(test_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
