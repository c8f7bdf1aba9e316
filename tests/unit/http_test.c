/* SPDX-License-Identifier: Apache-2.0 */
/* The engine from outside: what is asked, refused and answered, over TLS, a unix socket
 * and plain TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <chancery/base/limits.h>

#include "http_rig.h"

#define HOST "Host: localhost\r\n"
static const enum http_listener kinds[] = { HTTP_TLS, HTTP_UNIX, HTTP_PLAIN };
static struct rig *rig;

static int
start(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2 };

	rig = rig_start(&o);
	return 0;
}

static int
end(unused_arg void **state)
{
	rig_end(rig);
	return 0;
}

static void
test_keep_alive(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);

		for (int i = 0; i < 50; i++) {
			client_send(&c,
			    "POST /v1/a?b=c HTTP/1.1\r\n" HOST
			    "Content-Length: 4\r\n\r\nbody");
			client_says(&c, 200, "\r\n\r\nPOST /v1/a?b=c body");
			client_send(&c, "LIST /l HTTP/1.1\r\n" HOST "\r\n");
			client_says(&c, 200, "\r\n\r\nLIST /l? ");
		}
		client_close(&c);
	}
}

static void
test_octet_by_octet(unused_arg void **state)
{
	static const char text[] =
	    "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";

	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);

		for (size_t i = 0; i < sizeof(text) - 1; i++)
			client_send_n(&c, text + i, 1);
		client_says(&c, 200, "PUT /x? abc");
		client_close(&c);
	}
}

/* A later request is not answered before an earlier one. */
static void
test_pipeline_keeps_the_order(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);

		client_send(&c,
		    "GET /hold HTTP/1.1\r\n" HOST "\r\n"
		    "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"
		    "GET /hold HTTP/1.1\r\n" HOST "\r\n"
		    "GET /4 HTTP/1.1\r\n" HOST "\r\n");
		rig_wait_held(rig, 1);
		rig_let_go(rig);
		client_says(&c, 200, "let go");
		client_says(&c, 200, "POST /2? x");
		rig_wait_held(rig, 1);
		rig_let_go(rig);
		client_says(&c, 200, "let go");
		client_says(&c, 200, "GET /4? ");
		client_close(&c);
	}
}

/* More than is read ahead, while the first waits. */
static void
test_long_pipeline(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);
		auto_buf struct buf in = { 0 };

		buf_add_str(&in, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
		for (unsigned i = 0; i < 2000; i++)
			buf_addf(&in, "GET /%u HTTP/1.1\r\n" HOST "\r\n", i);
		client_send_n(&c, in.p, in.n);
		rig_wait_held(rig, 1);
		rig_let_go(rig);
		client_says(&c, 200, "let go");
		for (unsigned i = 0; i < 2000; i++) {
			char want[32];

			(void)snprintf(want, sizeof(want), "GET /%u? ", i);
			client_says(&c, 200, want);
		}
		client_close(&c);
	}
}

/* Each is answered in Vault's shape, and the connection ends. What the parser refuses
 * has its own test; here is one of each status. */
static void
test_refused(unused_arg void **state)
{
	static const struct {
		const char *name, *in;
		int status;
	} cases[] = {
		{ "bare LF", "GET / HTTP/1.1\n", 400 },
		{ "CL.TE",
		    "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\n\r\n",
		    400 },
		{ "chunked",
		    "POST / HTTP/1.1\r\n" HOST
		    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    501 },
		{ "too large",
		    "POST / HTTP/1.1\r\n" HOST "Content-Length: 33554433\r\n"
		    "Expect: 100-continue\r\n\r\n",
		    413 },
		{ "expectation",
		    "POST / HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", 417 },
		{ "version", "GET / HTTP/3.0\r\n", 505 },
		{ "behind a good one",
		    "GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n\r\n",
		    200 },
	};
	unsigned before = rig_refused(rig);

	for (size_t k = 0; k < countof(kinds); k++)
		for (size_t i = 0; i < countof(cases); i++) {
			struct client c = client_open(rig, kinds[k]);
			auto_buf struct buf out = { 0 };

			client_send(&c, cases[i].in);
			assert_int_equal(client_answer(&c, false, &out),
			    cases[i].status);
			if (cases[i].status == 200) {
				buf_reset(&out);
				assert_int_equal(client_answer(&c, false, &out),
				    400);
			}
			assert_non_null(
			    strstr((char *)out.p, "\r\nConnection: close\r\n"));
			assert_non_null(strstr((char *)out.p,
			    "\r\nContent-Type: application/json\r\n"));
			assert_non_null(
			    strstr((char *)out.p, "\r\n\r\n{\"errors\":[\""));
			assert_true(client_is_closed(&c));
			client_close(&c);
		}
	assert_int_equal(rig_refused(rig) - before,
	    countof(kinds) * countof(cases));
}

/* Octets that nobody takes stand between the client and its answer. */
static void
test_large_bodies(unused_arg void **state)
{
	static const struct {
		size_t n;
		int status;
		const char *says;
	} cases[] = {
		{ LIMIT_HTTP_BODY_BYTES, 200, "33554432" },
		{ LIMIT_HTTP_BODY_BYTES + 1, 413, "too large" },
		{ 1234567, 200, "1234567" },
	};
	uint8_t *body = mem_calloc(1, LIMIT_HTTP_BODY_BYTES + 1);

	for (size_t k = 0; k < countof(kinds); k++)
		for (size_t i = 0; i < countof(cases); i++) {
			struct client c = client_open(rig, kinds[k]);
			char head[128];

			(void)snprintf(head, sizeof(head),
			    "POST /length HTTP/1.1\r\n" HOST
			    "Content-Length: %zu\r\n\r\n",
			    cases[i].n);
			client_send(&c, head);
			(void)client_try_send(&c, body, cases[i].n);
			client_says(&c, cases[i].status, cases[i].says);
			client_close(&c);
		}
	mem_free(body);
}

/* Claims of large bodies share one budget; a claim costs nothing else. */
static void
test_budget_of_bodies(unused_arg void **state)
{
	static const char head[] =
	    "POST /length HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
	    "Content-Length: 33554432\r\n\r\n";
	struct client c[8], more;

	for (size_t i = 0; i < countof(c); i++) {
		c[i] = client_open(rig, HTTP_PLAIN);
		client_send(&c[i], head);
		client_says(&c[i], 100, "");
	}
	more = client_open(rig, HTTP_TLS);
	client_send(&more, head);
	client_says(&more, 503, "\r\nRetry-After: ");
	client_close(&more);
	/* An ordinary body is not part of it. */
	more = client_open(rig, HTTP_TLS);
	client_send(&more,
	    "POST /length HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	client_says(&more, 200, "\r\n\r\n3");
	client_close(&more);
	for (size_t i = 0; i < countof(c); i++)
		client_close(&c[i]);
}

static void
test_expect_continue(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);

		client_send(&c,
		    "POST /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
		    "Expect: 100-continue\r\n\r\n");
		client_says(&c, 100, "HTTP/1.1 100 Continue\r\n\r\n");
		client_send(&c, "hello");
		client_says(&c, 200, "POST /a? hello");
		/* Who does not wait for it is not told. */
		client_send(&c,
		    "POST /b HTTP/1.1\r\n" HOST "Content-Length: 2\r\n"
		    "Expect: 100-continue\r\n\r\nhi");
		client_says(&c, 200, "POST /b? hi");
		client_close(&c);
	}
}

static void
test_head(unused_arg void **state)
{
	static const struct {
		const char *path, *says;
	} cases[] = {
		{ "/a", "\r\nContent-Length: 9\r\n" },
		{ "/secret", "\r\nContent-Length: 100000\r\n" },
		{ "/file", "\r\nContent-Length: 8388608\r\n" },
		{ "/stream", "\r\nTransfer-Encoding: chunked\r\n" },
		{ "/sized", "\r\nContent-Length: 8000000\r\n" },
	};

	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);

		for (size_t i = 0; i < countof(cases); i++) {
			auto_buf struct buf out = { 0 };
			char req[64];

			(void)snprintf(req, sizeof(req),
			    "HEAD %s HTTP/1.1\r\n" HOST "\r\n", cases[i].path);
			client_send(&c, req);
			assert_int_equal(client_answer(&c, true, &out), 200);
			assert_non_null(strstr((char *)out.p, cases[i].says));
		}
		client_send(&c, "GET /z HTTP/1.1\r\n" HOST "\r\n");
		client_says(&c, 200, "GET /z? ");
		client_close(&c);
	}
}

static void
test_no_content(unused_arg void **state)
{
	struct client c = client_open(rig, HTTP_TLS);
	auto_buf struct buf out = { 0 };

	client_send(&c, "DELETE /nothing HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_answer(&c, false, &out), 204);
	assert_null(strstr((char *)out.p, "Content-"));
	assert_null(strstr((char *)out.p, "Transfer-"));
	client_send(&c, "GET /z HTTP/1.1\r\n" HOST "\r\n");
	client_says(&c, 200, "GET /z? ");
	client_close(&c);
}

static void
test_headers_cannot_be_split(unused_arg void **state)
{
	struct client c = client_open(rig, HTTP_PLAIN);
	auto_buf struct buf out = { 0 };

	client_send(&c, "GET /headers HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_answer(&c, false, &out), 200);
	assert_non_null(
	    strstr((char *)out.p, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr((char *)out.p, " GMT\r\n"));
	assert_null(strstr((char *)out.p, "X-"));
	assert_null(strstr((char *)out.p, "X Name"));
	client_close(&c);
}

static void
check_file(const struct buf *out)
{
	const uint8_t *p = (const uint8_t *)strstr((char *)out->p, "\r\n\r\n");
	size_t n = out->n - (size_t)(p + 4 - out->p);

	assert_int_equal(n, 8 << 20);
	for (size_t i = 0; i < n; i++)
		if (p[4 + i] != (uint8_t)(i % 251))
			fail_msg("octet %zu differs", i);
}

/* The pieces of a stream whose length is known, as one body; then the next request. */
static void
test_sized_stream(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);
		auto_buf struct buf b = { 0 };
		size_t head;

		client_send(&c, "GET /sized HTTP/1.1\r\n" HOST "\r\n");
		assert_int_equal(client_answer(&c, false, &b), 200);
		assert_null(strstr((char *)b.p, "chunked"));
		head =
		    (size_t)(strstr((char *)b.p, "\r\n\r\n") + 4 - (char *)b.p);
		assert_int_equal(b.n - head, 200 * 40000);
		for (size_t i = head; i < b.n; i++)
			assert_int_equal(b.p[i], 'a' + (i - head) / 40000 % 26);
		client_send(&c, "GET /z HTTP/1.1\r\n" HOST "\r\n");
		client_says(&c, 200, "GET /z? ");
		client_close(&c);
	}
}

/* Longer than any socket buffer: the answer waits for its reader, again and again. */
static void
test_long_answers(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);
		auto_buf struct buf a = { 0 }, b = { 0 }, s = { 0 };
		size_t head;

		client_send(&c,
		    "GET /file HTTP/1.1\r\n" HOST
		    "\r\nGET /stream HTTP/1.1\r\n" HOST
		    "\r\nGET /secret HTTP/1.1\r\n" HOST "\r\n");
		assert_int_equal(client_answer(&c, false, &a), 200);
		check_file(&a);
		assert_int_equal(client_answer(&c, false, &b), 200);
		head =
		    (size_t)(strstr((char *)b.p, "\r\n\r\n") + 4 - (char *)b.p);
		assert_int_equal(b.n - head, 200 * 40000);
		for (unsigned i = 0; i < 200; i++)
			assert_int_equal(b.p[head + i * 40000], 'a' + i % 26);
		assert_int_equal(client_answer(&c, false, &s), 200);
		head =
		    (size_t)(strstr((char *)s.p, "\r\n\r\n") + 4 - (char *)s.p);
		assert_int_equal(s.n - head, 100000);
		client_close(&c);
	}
}

/* What cannot be finished must not look whole. */
static void
test_broken_answers(unused_arg void **state)
{
	static const char *const paths[] = { "/file-short", "/stream-broken",
		"/sized-broken", "/sized-short", "/sized-long" };

	for (size_t k = 0; k < countof(kinds); k++)
		for (size_t i = 0; i < countof(paths); i++) {
			struct client c = client_open(rig, kinds[k]);
			auto_buf struct buf out = { 0 };
			char req[64];

			(void)snprintf(req, sizeof(req),
			    "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
			client_send(&c, req);
			assert_int_equal(client_answer(&c, false, &out), 0);
			client_close(&c);
		}
}

static void
test_http10(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);
		auto_buf struct buf out = { 0 };
		const char *body;

		client_send(&c,
		    "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		client_says(&c, 200, "\r\nConnection: close\r\n");
		assert_true(client_is_closed(&c));
		client_close(&c);
		c = client_open(rig, kinds[k]);
		client_send(&c, "GET /stream HTTP/1.0\r\n\r\n");
		client_rest(&c, &out);
		assert_null(strstr((char *)out.p, "chunked"));
		body = strstr((char *)out.p, "\r\n\r\n") + 4;
		assert_int_equal(out.n - (size_t)(body - (char *)out.p),
		    200 * 40000);
		client_close(&c);
	}
}

static void
test_close_is_kept(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(rig, kinds[k]);

		client_send(&c,
		    "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
		    "GET /b HTTP/1.1\r\n" HOST "\r\n");
		client_says(&c, 200, "\r\nConnection: close\r\n");
		assert_true(client_is_closed(&c));
		client_close(&c);
	}
}

/* `printf … | nc -N`: all that was asked is answered. */
static void
test_half_closed(unused_arg void **state)
{
	static const enum http_listener plain[] = { HTTP_UNIX, HTTP_PLAIN };

	for (size_t k = 0; k < countof(plain); k++) {
		struct client c = client_open(rig, plain[k]);

		client_send(&c,
		    "GET /hold HTTP/1.1\r\n" HOST "\r\n"
		    "GET /2 HTTP/1.1\r\n" HOST "\r\n"
		    "GET /3 HTTP/1.1\r\n");
		assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
		rig_wait_held(rig, 1);
		rig_let_go(rig);
		client_says(&c, 200, "let go");
		client_says(&c, 200, "GET /2? ");
		assert_true(client_is_closed(&c));
		client_close(&c);
	}
}

static void
test_peer_is_named(unused_arg void **state)
{
	struct client c = client_open(rig, HTTP_UNIX);
	char want[80];

	(void)snprintf(want, sizeof(want), "unix:%d %u %u %d", (int)getpid(),
	    (unsigned)getuid(), (unsigned)getgid(), (int)getpid());
	client_send(&c, "GET /peer HTTP/1.1\r\n" HOST "\r\n");
	client_says(&c, 200, want);
	client_close(&c);
	c = client_open(rig, HTTP_TLS);
	client_send(&c, "GET /peer HTTP/1.1\r\n" HOST "\r\n");
	client_says(&c, 200, "\r\n\r\n127.0.0.1:");
	client_close(&c);
}

/* The handler answers somebody who has left. */
static void
test_peer_gone_before_the_answer(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		unsigned before = rig_sent(rig);
		struct client c = client_open(rig, kinds[k]);

		client_send(&c, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
		rig_wait_held(rig, 1);
		client_close(&c);
		/* The worker has seen the end when it has served this one after it. */
		c = client_open(rig, HTTP_PLAIN);
		client_send(&c, "GET / HTTP/1.1\r\n" HOST "\r\n");
		client_says(&c, 200, "GET /? ");
		rig_let_go(rig);
		rig_wait_sent(rig, before + 2);
		client_close(&c);
	}
}

/* A reset in the midst of an answer. */
static void
test_peer_gone_during_the_answer(unused_arg void **state)
{
	for (size_t k = 0; k < countof(kinds); k++) {
		unsigned before = rig_sent(rig);
		struct client c = client_open(rig, kinds[k]);

		client_send(&c, "GET /file HTTP/1.1\r\n" HOST "\r\n");
		client_close(&c);
		rig_wait_sent(rig, before + 1);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_octet_by_octet),
		cmocka_unit_test(test_pipeline_keeps_the_order),
		cmocka_unit_test(test_long_pipeline),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_budget_of_bodies),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_no_content),
		cmocka_unit_test(test_headers_cannot_be_split),
		cmocka_unit_test(test_sized_stream),
		cmocka_unit_test(test_long_answers),
		cmocka_unit_test(test_broken_answers),
		cmocka_unit_test(test_http10),
		cmocka_unit_test(test_close_is_kept),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_peer_is_named),
		cmocka_unit_test(test_peer_gone_before_the_answer),
		cmocka_unit_test(test_peer_gone_during_the_answer),
	};

	return cmocka_run_group_tests(tests, start, end);
}
