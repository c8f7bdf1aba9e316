/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine at its edges: deadlines (by a clock that the test moves), limits, TLS, the
 * end of a worker, and curl as a client that is not ours.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <chancery/base/clock.h>
#include <chancery/base/limits.h>

#include "http_rig.h"

#define HOST "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

/* The engine's clock; 0: the real one. */
static _Atomic int64_t frozen_ns;
int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
int64_t
__wrap_clock_mono_ns(void)
{
	int64_t t = atomic_load(&frozen_ns);

	return t != 0 ? t : __real_clock_mono_ns();
}

static void
freeze(void)
{
	atomic_store(&frozen_ns, __real_clock_mono_ns());
}

static void
pass_ms(int64_t ms)
{
	atomic_fetch_add(&frozen_ns, ms * 1000000);
}

/* So many accept4 in a row fail for want of descriptors. */
static atomic_int accepts_failing;
int __real_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int
__wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags)
{
	if (atomic_load(&accepts_failing) > 0) {
		atomic_fetch_sub(&accepts_failing, 1);
		errno = EMFILE;
		return -1;
	}
	return __real_accept4(fd, sa, n, flags);
}

static void
ask(struct client *c)
{
	client_send(c, GET("/a"));
	client_says(c, 200, "GET /a? ");
}

/* ---- deadlines ---- */

/* Octets keep coming, the deadline does not move. */
static void
test_slow_head(unused_arg void **state)
{
	static const enum http_listener kinds[] = { HTTP_TLS, HTTP_UNIX,
		HTTP_PLAIN };
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);

	freeze();
	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c, idle;

		c = client_open(r, kinds[k]);
		idle = client_open(r, kinds[k]);
		ask(&idle);
		client_send(&c, "GET / HTTP/1.1\r\nX: ");
		pass_ms(LIMIT_HTTP_HEAD_MS - 1000);
		client_send(&c, "a");
		ask(&idle);
		pass_ms(1000 + LIMIT_HTTP_TICK_MS + 1);
		(void)client_try_send(&c, "b", 1);
		client_says(&c, 408, "took too long");
		assert_true(client_is_closed(&c));
		/* Between requests there is more time. */
		ask(&idle);
		client_close(&c);
		client_close(&idle);
	}
	rig_end(r);
	atomic_store(&frozen_ns, 0);
}

/* Let time pass until the server says or does something there: what was sent before may
 * not have been read yet. */
static void
pass_until_heard(struct client *c, int64_t ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	do {
		pass_ms(ms);
	} while (poll(&p, 1, 2000) == 0);
}

/* Each phase has its deadline; what waits for the handler has none. */
static void
test_deadlines(unused_arg void **state)
{
	static const struct {
		const char *name, *first, *more;
		int64_t ms;
		int status; /* 0: closed without a word */
	} cases[] = {
		{ "nothing at all", NULL, NULL, LIMIT_HTTP_HEAD_MS, 0 },
		{ "idle", GET("/a"), NULL, LIMIT_HTTP_IDLE_MS, 0 },
		{ "second head", GET("/a"), "GET / HTTP/1.1\r\n",
		    LIMIT_HTTP_HEAD_MS, 408 },
		{ "body", GET("/a"),
		    "POST / HTTP/1.1\r\n" HOST "Content-Length: 16384\r\n\r\n",
		    LIMIT_HTTP_BODY_MS + 1000, 408 },
	};
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);

	freeze();
	for (size_t i = 0; i < countof(cases); i++) {
		struct client c, held;

		held = client_open(r, HTTP_PLAIN);
		client_send(&held, GET("/hold"));
		rig_wait_held(r, 1);
		c = client_open(r, HTTP_PLAIN);
		if (cases[i].first != NULL) {
			client_send(&c, cases[i].first);
			client_says(&c, 200, "GET /a? ");
		}
		if (cases[i].more != NULL)
			client_send(&c, cases[i].more);
		pass_until_heard(&c, cases[i].ms + LIMIT_HTTP_TICK_MS);
		if (cases[i].status != 0)
			client_says(&c, cases[i].status, "took too long");
		assert_true(client_is_closed(&c));
		rig_let_go(r);
		client_says(&held, 200, "let go");
		client_close(&c);
		client_close(&held);
	}
	rig_end(r);
	atomic_store(&frozen_ns, 0);
}

/* A reader that takes nothing. */
static void
test_reader_too_slow(unused_arg void **state)
{
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);
	struct client c;

	freeze();
	c = client_open(r, HTTP_TLS);
	client_send(&c, GET("/file"));
	/* The first octets are here, so the answer has begun. */
	{
		struct pollfd p = { .fd = c.fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, -1), 1);
	}
	while (rig_sent(r) == 0) {
		pass_ms(LIMIT_HTTP_REPLY_MS + 600000);
		(void)poll(NULL, 0, 50);
	}
	client_close(&c);
	rig_end(r);
	atomic_store(&frozen_ns, 0);
}

/* ---- limits ---- */

static void
test_connections_of_a_peer(unused_arg void **state)
{
	static const struct rig_options o = { .limits = {
						  .connections_per_peer = 5 } };
	struct rig *r = rig_start(&o);
	struct http_counts n;
	struct client c[5], more;

	for (size_t i = 0; i < countof(c); i++) {
		c[i] = client_open(r, HTTP_PLAIN);
		ask(&c[i]);
	}
	more = client_open(r, HTTP_PLAIN);
	assert_true(client_is_closed(&more));
	client_close(&more);
	/* Who has no address is not counted. */
	more = client_open(r, HTTP_UNIX);
	ask(&more);
	client_close(&more);
	rig_counts(r, &n);
	assert_int_equal(n.turned_away, 1);
	/* One has left: there is room for one. */
	client_send(&c[0],
	    "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	client_says(&c[0], 200, "");
	assert_true(client_is_closed(&c[0]));
	client_close(&c[0]);
	do {
		rig_counts(r, &n);
	} while (n.open > 4);
	c[0] = client_open(r, HTTP_PLAIN);
	ask(&c[0]);
	for (size_t i = 0; i < countof(c); i++)
		client_close(&c[i]);
	rig_end(r);
}

/* Who comes when all places are taken waits, and is served. */
static void
test_connections_in_all(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2,
		.limits = { .connections = 4 } };
	struct rig *r = rig_start(&o);
	struct client c[4], more, operator;

	for (size_t i = 0; i < countof(c); i++) {
		c[i] = client_open(r, HTTP_PLAIN);
		ask(&c[i]);
	}
	more = client_open(r, HTTP_PLAIN);
	client_send(&more, GET("/waited"));
	/* The operator does not wait. */
	operator= client_open(r, HTTP_UNIX);
	ask(&operator);
	client_close(&operator);
	for (size_t i = 0; i < countof(c); i++) {
		ask(&c[i]);
		client_close(&c[i]);
	}
	client_says(&more, 200, "GET /waited? ");
	client_close(&more);
	rig_end(r);
}

static void
test_handshakes_wait_their_turn(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2,
		.limits = { .handshakes_per_s = 40 } };
	struct rig *r = rig_start(&o);
	struct http_counts n;

	for (unsigned i = 0; i < 40; i++) {
		struct client c = client_open(r, HTTP_TLS);

		ask(&c);
		client_close(&c);
	}
	rig_counts(r, &n);
	assert_int_equal(n.handshakes, 40);
	assert_int_equal(n.turned_away, 0);
	rig_end(r);
}

static void
test_out_of_descriptors(unused_arg void **state)
{
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);
	struct client c;

	atomic_store(&accepts_failing, 3);
	c = client_open(r, HTTP_TLS);
	ask(&c);
	assert_int_equal(atomic_load(&accepts_failing), 0);
	client_close(&c);
	rig_end(r);
}

/* Both sides of each connection are in this process. */
static unsigned
affordable_connections(unsigned want)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	return l.rlim_max / 2 - 100 < want ? (unsigned)(l.rlim_max / 2 - 100)
					   : want;
}

static void
test_thousands_of_idle_connections(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2 };
	struct rig *r = rig_start(&o);
	unsigned n = affordable_connections(4000);
	struct client *c = mem_calloc(n, sizeof(*c)), busy;
	struct http_counts counts;

	for (unsigned i = 0; i < n; i++)
		c[i] = client_open_raw(r, i % 2 == 0 ? HTTP_PLAIN : HTTP_TLS);
	busy = client_open(r, HTTP_TLS);
	for (unsigned i = 0; i < 100; i++)
		ask(&busy);
	do {
		rig_counts(r, &counts);
	} while (counts.accepted < n + 1);
	for (unsigned i = 0; i < n; i++)
		client_close(&c[i]);
	ask(&busy);
	do {
		rig_counts(r, &counts);
	} while (counts.open > 1);
	client_close(&busy);
	mem_free(c);
	rig_end(r);
}

/* Who asks a thousand things at once does not keep out who asks one. */
static void
test_pipeline_is_not_alone(unused_arg void **state)
{
	static const enum http_listener kinds[] = { HTTP_TLS, HTTP_UNIX,
		HTTP_PLAIN };
	static const struct rig_options o = { 0 };
	struct rig *rig = rig_start(&o);

	for (size_t k = 0; k < countof(kinds); k++) {
		struct client many = client_open(rig, kinds[k]);
		struct client one[2];
		auto_buf struct buf in = { 0 }, marks = { 0 };
		const char *last;

		for (size_t i = 0; i < countof(one); i++) {
			one[i] = client_open(rig, kinds[k]);
			client_send(&one[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
			client_says(&one[i], 200, "GET /a? ");
		}
		for (unsigned i = 0; i < 1000; i++)
			buf_add_str(&in,
			    "GET /mark?a HTTP/1.1\r\n" HOST "\r\n");
		rig_block(rig);
		client_send_n(&many, in.p, in.n);
		for (size_t i = 0; i < countof(one); i++)
			client_send(&one[i],
			    "GET /mark?b HTTP/1.1\r\n" HOST "\r\n");
		rig_unblock(rig);
		for (size_t i = 0; i < countof(one); i++)
			client_says(&one[i], 200, "ok");
		for (unsigned i = 0; i < 1000; i++)
			client_says(&many, 200, "ok");
		rig_marks(rig, &marks);
		last = strrchr(buf_cstr(&marks), 'b');
		assert_int_equal(marks.n, 1002);
		assert_true(last - (const char *)marks.p < 500);
		for (size_t i = 0; i < countof(one); i++)
			client_close(&one[i]);
		client_close(&many);
	}
	rig_end(rig);
}

/* ---- TLS ---- */

static void
test_no_tls_on_the_tls_port(unused_arg void **state)
{
	static const char garbage[] = "\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff"
				      "garbage that is no hello";
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);
	struct http_counts n;
	struct client c = client_open_raw(r, HTTP_TLS);
	auto_buf struct buf out = { 0 };

	client_send(&c, GET("/"));
	client_rest(&c, &out);
	assert_non_null(strstr((char *)out.p, "HTTP/1.0 400 "));
	assert_non_null(strstr((char *)out.p, "to an HTTPS server"));
	client_close(&c);
	c = client_open_raw(r, HTTP_TLS);
	client_send_n(&c, garbage, sizeof(garbage));
	client_rest(&c, &out);
	client_close(&c);
	c = client_open_raw(r, HTTP_TLS);
	client_close(&c);
	c = client_open(r, HTTP_TLS);
	ask(&c);
	client_close(&c);
	rig_counts(r, &n);
	assert_true(n.handshakes_failed >= 2);
	assert_int_equal(n.handshakes, 1);
	rig_end(r);
}

static void
set_tls11(struct client *c)
{
	SSL_set_security_level(c->ssl, 0);
	assert_int_equal(SSL_set_min_proto_version(c->ssl, TLS1_VERSION), 1);
	assert_int_equal(SSL_set_max_proto_version(c->ssl, TLS1_1_VERSION), 1);
}

static void
set_tls12(struct client *c)
{
	assert_int_equal(SSL_set_max_proto_version(c->ssl, TLS1_2_VERSION), 1);
}

static void
set_tls12_cbc(struct client *c)
{
	set_tls12(c);
	assert_int_equal(SSL_set_cipher_list(c->ssl, "ECDHE-ECDSA-AES128-SHA"),
	    1);
}

static void
set_p384(struct client *c)
{
	char group[] = "P-384";

	assert_int_equal(SSL_set1_groups_list(c->ssl, group), 1);
}

static void
set_h2(struct client *c)
{
	assert_int_equal(SSL_set_alpn_protos(c->ssl,
			     (const unsigned char *)"\x02h2", 3),
	    0);
}

static void
set_h2_and_http11(struct client *c)
{
	assert_int_equal(SSL_set_alpn_protos(c->ssl,
			     (const unsigned char *)"\x02h2\x08http/1.1", 12),
	    0);
}

static void
test_handshakes(unused_arg void **state)
{
	static const struct {
		const char *name;
		void (*set)(struct client *c);
		bool ok;
	} cases[] = {
		{ "TLS 1.1", set_tls11, false },
		{ "TLS 1.2", set_tls12, true },
		{ "TLS 1.2 without AEAD", set_tls12_cbc, false },
		{ "another group", set_p384, true },
		{ "HTTP/2 only", set_h2, false },
		{ "HTTP/2 or 1.1", set_h2_and_http11, true },
	};
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);

	for (size_t i = 0; i < countof(cases); i++) {
		struct client c = client_prepare(r);

		cases[i].set(&c);
		if (client_handshake(&c) != cases[i].ok)
			fail_msg("%s", cases[i].name);
		if (cases[i].ok)
			ask(&c);
		client_close(&c);
	}
	rig_end(r);
}

static void
test_no_renegotiation(unused_arg void **state)
{
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);
	struct client c = client_prepare(r);

	set_tls12(&c);
	assert_true(client_handshake(&c));
	ask(&c);
	assert_int_equal(SSL_renegotiate(c.ssl), 1);
	assert_int_not_equal(SSL_do_handshake(c.ssl), 1);
	client_close(&c);
	rig_end(r);
}

/* TLS 1.3 key updates change nothing. */
static void
test_key_update(unused_arg void **state)
{
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);
	struct client c = client_open(r, HTTP_TLS);

	for (int i = 0; i < 5; i++) {
		assert_int_equal(SSL_key_update(c.ssl,
				     SSL_KEY_UPDATE_REQUESTED),
		    1);
		ask(&c);
	}
	client_close(&c);
	rig_end(r);
}

static void
test_resumption(unused_arg void **state)
{
	for (int client_ca = 0; client_ca <= 1; client_ca++) {
		struct rig_options o = { .client_ca = client_ca == 1 };
		struct rig *r = rig_start(&o);
		struct client c = client_open(r, HTTP_TLS), again;

		ask(&c);
		again = client_prepare(r);
		assert_int_equal(SSL_set_session(again.ssl,
				     SSL_get0_session(c.ssl)),
		    1);
		assert_true(client_handshake(&again));
		ask(&again);
		/* With client certificates each handshake is a full one. */
		assert_int_equal(SSL_session_reused(again.ssl), 1 - client_ca);
		client_close(&c);
		client_close(&again);
		rig_end(r);
	}
}

static void
test_client_certificates(unused_arg void **state)
{
	static const struct {
		const char *name, *says;
	} cases[] = {
		{ NULL, "\r\n\r\nnone" },
		{ "client", "\r\n\r\n/CN=client" },
		/* Nobody we know signed it: who asks for it decides. */
		{ "other", "\r\n\r\n/CN=other" },
	};

	for (int how = 0; how <= 2; how++) {
		struct rig_options o = { .client_ca = how == 1,
			.wants_cert = how == 2 };
		struct rig *r = rig_start(&o);

		for (size_t i = 0; i < countof(cases); i++) {
			struct client c = client_open_cert(r, cases[i].name);

			client_send(&c, GET("/cert"));
			client_says(&c, 200, how > 0 ? cases[i].says : "none");
			client_close(&c);
		}
		rig_end(r);
	}
}

/* A connection with the client's certificate, on the session of another. */
static struct client
open_again(struct rig *r, struct client *before, int version)
{
	struct client c = client_prepare(r);

	assert_int_equal(SSL_set_max_proto_version(c.ssl, version), 1);
	assert_int_equal(SSL_use_certificate_file(c.ssl,
			     rig_path(r, "client.pem"), SSL_FILETYPE_PEM),
	    1);
	assert_int_equal(SSL_use_PrivateKey_file(c.ssl,
			     rig_path(r, "client.key"), SSL_FILETYPE_PEM),
	    1);
	if (before != NULL)
		assert_int_equal(SSL_set_session(c.ssl,
				     SSL_get0_session(before->ssl)),
		    1);
	assert_true(client_handshake(&c));
	return c;
}

/* A session from before certificates were asked for brings none, and one from afterwards is
 * no certificate either: only handshakes are. */
static void
test_certificates_and_tickets(unused_arg void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < countof(versions); i++) {
		static const struct rig_options o = { 0 };
		struct rig *r = rig_start(&o);
		struct client a = open_again(r, NULL, versions[i]), b, c, d;

		ask(&a);
		b = open_again(r, &a, versions[i]);
		assert_true(SSL_session_reused(b.ssl));
		ask(&b);
		rig_wants_cert(r, true);
		c = open_again(r, &b, versions[i]);
		assert_false(SSL_session_reused(c.ssl));
		client_send(&c, GET("/cert"));
		client_says(&c, 200, "\r\n\r\n/CN=client");
		d = open_again(r, &c, versions[i]);
		assert_false(SSL_session_reused(d.ssl));
		client_send(&d, GET("/cert"));
		client_says(&d, 200, "\r\n\r\n/CN=client");
		client_close(&a);
		client_close(&b);
		client_close(&c);
		client_close(&d);
		rig_end(r);
	}
}

static void
name_is(struct client *c, const char *want)
{
	X509 *crt = SSL_get0_peer_certificate(c->ssl);
	char name[64];

	assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(crt),
			NID_commonName, name, sizeof(name)) > 0);
	assert_string_equal(name, want);
}

static void
test_reload(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2 };
	struct rig *r = rig_start(&o);
	struct client before = client_open(r, HTTP_TLS), after;

	ask(&before);
	rig_reload(r, "server two");
	after = client_open(r, HTTP_TLS);
	name_is(&before, "server one");
	name_is(&after, "server two");
	ask(&before);
	ask(&after);
	client_close(&before);
	client_close(&after);
	rig_end(r);
}

static void
test_bad_certificates(unused_arg void **state)
{
	static const struct {
		const char *name, *crt, *key, *says;
	} cases[] = {
		{ "nothing", "", "", "TLS certificate" },
		{ "no PEM", "hello", "hello", "TLS certificate" },
	};
	struct error e;

	for (size_t i = 0; i < countof(cases); i++) {
		struct http_tls_config cfg = { bytes_str(cases[i].crt),
			bytes_str(cases[i].key), NULL };

		assert_null(http_tls_new(&cfg, &e));
		assert_non_null(strstr(e.msg, cases[i].says));
	}
}

/* ---- workers ---- */

/* What is in flight is answered, what is idle is closed, the others wait outside. */
static void
test_stop(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2 };
	struct rig *r = rig_start(&o);
	struct client busy = client_open(r, HTTP_TLS);
	struct client idle = client_open(r, HTTP_TLS);

	ask(&idle);
	client_send(&busy, GET("/hold"));
	rig_wait_held(r, 1);
	rig_stop(r);
	assert_true(client_is_closed(&idle));
	rig_let_go(r);
	client_says(&busy, 200, "\r\nConnection: close\r\n");
	assert_true(client_is_closed(&busy));
	rig_join(r);
	client_close(&busy);
	client_close(&idle);
	rig_end(r);
}

/* Its client has left, but the handler is still at it: the worker waits for it. */
static void
test_stop_waits_for_handlers(unused_arg void **state)
{
	static const struct rig_options o = { 0 };
	struct rig *r = rig_start(&o);
	struct client c = client_open(r, HTTP_TLS);

	client_send(&c, GET("/hold"));
	rig_wait_held(r, 1);
	client_close(&c);
	rig_stop(r);
	rig_let_go(r);
	rig_join(r);
	assert_int_equal(rig_sent(r), 1);
	rig_end(r);
}

static void *
pass_on(void *arg)
{
	atomic_bool *done = arg;

	while (!atomic_load(done)) {
		pass_ms(LIMIT_STOP_MS);
		(void)poll(NULL, 0, 50);
	}
	return NULL;
}

/* A thread of its own lets time pass until the workers have ended. */
static void
pass_until_stopped(struct rig *r)
{
	atomic_bool done = false;
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, pass_on, &done), 0);
	rig_join(r);
	atomic_store(&done, true);
	assert_int_equal(pthread_join(t, NULL), 0);
}

static void
test_stop_gives_up(unused_arg void **state)
{
	static const struct rig_options o = { 0 };
	struct rig *r;
	struct client c;

	freeze();
	r = rig_start(&o);
	c = client_open(r, HTTP_PLAIN);
	client_send(&c, GET("/hold"));
	rig_wait_held(r, 1);
	rig_stop(r);
	pass_until_stopped(r);
	assert_int_equal(rig_sent(r), 0);
	client_close(&c);
	rig_let_go(r);
	rig_end(r);
	atomic_store(&frozen_ns, 0);
}

struct posts {
	struct http_worker *w;
	atomic_uint n;
};

static void
count_post(void *arg)
{
	struct posts *p = arg;

	if (atomic_fetch_add(&p->n, 1) + 1 == 4 * 5000)
		http_worker_stop(p->w);
}

static void *
post_many(void *arg)
{
	struct posts *p = arg;

	for (int i = 0; i < 5000; i++)
		http_worker_post(p->w, count_post, p);
	return NULL;
}

static void
test_posts(unused_arg void **state)
{
	const struct http_config cfg = { 0 };
	struct http_shared *s = http_shared_new(&cfg);
	struct posts p = { .w = http_worker_new(s, 3) };
	pthread_t t[4];

	assert_int_equal(http_worker_index(p.w), 3);
	for (size_t i = 0; i < countof(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, post_many, &p), 0);
	http_worker_run(p.w);
	for (size_t i = 0; i < countof(t); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(atomic_load(&p.n), 4 * 5000);
	/* Nobody runs it any more: it runs in the end. */
	http_worker_post(p.w, count_post, &p);
	http_worker_free(p.w);
	assert_int_equal(atomic_load(&p.n), 4 * 5000 + 1);
	http_shared_free(s);
}

/* ---- curl ---- */

static struct rig *curl_rig;

static void
curl(const char *what, char *const args[], const char *says)
{
	auto_buf struct buf out = { 0 };
	char ca[128], url[128];
	char *argv[32] = { (char[]){ "curl" }, (char[]){ "-s" },
		(char[]){ "--noproxy" }, (char[]){ "*" },
		(char[]){ "--cacert" }, ca };
	size_t n = 6;

	(void)snprintf(ca, sizeof(ca), "%s", rig_path(curl_rig, "ca.pem"));
	(void)snprintf(url, sizeof(url), "https://localhost:%d/a",
	    rig_port(curl_rig, HTTP_TLS));
	for (size_t i = 0; args[i] != NULL; i++)
		argv[n++] = strcmp(args[i], "URL") == 0 ? url : args[i];
	if (rig_run(argv, &out) != 0 || strstr((char *)out.p, says) == NULL)
		fail_msg("%s: no \"%s\" in \"%s\"", what, says,
		    (const char *)out.p);
}

#define ARGS(...) ((char *const[]){ __VA_ARGS__, NULL })
#define S(text) ((char[]){ text })

static void
test_curl(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2, .client_ca = true };
	char pem[128], key[128], sock[128], file[128], data[136], plain[128];

	curl_rig = rig_start(&o);
	(void)snprintf(pem, sizeof(pem), "%s",
	    rig_path(curl_rig, "client.pem"));
	(void)snprintf(key, sizeof(key), "%s",
	    rig_path(curl_rig, "client.key"));
	(void)snprintf(sock, sizeof(sock), "%s", rig_path(curl_rig, "sock"));
	(void)snprintf(file, sizeof(file), "%s", rig_path(curl_rig, "file"));
	(void)snprintf(data, sizeof(data), "@%s", file);
	(void)snprintf(plain, sizeof(plain), "http://localhost:%d/length",
	    rig_port(curl_rig, HTTP_PLAIN));
	curl("GET", ARGS(S("URL")), "GET /a? ");
	curl("LIST", ARGS(S("-X"), S("LIST"), S("URL")), "LIST /a? ");
	curl("HEAD", ARGS(S("-I"), S("URL")), "Content-Length: 9");
	curl("POST", ARGS(S("-d"), S("{\"a\":1}"), S("URL")),
	    "POST /a? {\"a\":1}");
	curl("keep-alive",
	    ARGS(S("-w"), S("%{num_connects} "), S("URL"), S("URL"), S("URL")),
	    "GET /a? 1 GET /a? 0 GET /a? 0 ");
	/* 8 MiB, with Expect: 100-continue. */
	curl("large body", ARGS(S("--data-binary"), data, plain), "8388608");
	curl("client certificate",
	    ARGS(S("--cert"), pem, S("--key"), key, S("-w"),
		S("%{http_version}"), S("URL")),
	    "GET /a? 1.1");
	curl("unix socket",
	    ARGS(S("--unix-socket"), sock, S("http://localhost/peer")),
	    "unix:");
	rig_end(curl_rig);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_head),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_reader_too_slow),
		cmocka_unit_test(test_connections_of_a_peer),
		cmocka_unit_test(test_connections_in_all),
		cmocka_unit_test(test_handshakes_wait_their_turn),
		cmocka_unit_test(test_out_of_descriptors),
		cmocka_unit_test(test_thousands_of_idle_connections),
		cmocka_unit_test(test_pipeline_is_not_alone),
		cmocka_unit_test(test_no_tls_on_the_tls_port),
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_key_update),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_client_certificates),
		cmocka_unit_test(test_certificates_and_tickets),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_bad_certificates),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_waits_for_handlers),
		cmocka_unit_test(test_stop_gives_up),
		cmocka_unit_test(test_posts),
		cmocka_unit_test(test_curl),
	};

	http_memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
