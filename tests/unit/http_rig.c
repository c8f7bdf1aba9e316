/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "http_certs.h"
#include "http_rig.h"

#define HELD_MAX 64

struct rig {
	char dir[64];
	char path[100]; /* shorter than sun_path */
	struct test_cert ca, server, client, other;
	struct http_tls *tls;
	struct http_shared *shared;
	struct http_worker *worker[RIG_WORKERS_MAX];
	pthread_t thread[RIG_WORKERS_MAX];
	unsigned n_workers;
	bool joined;
	int listener[3];
	int port[3];
	/* requests of /hold */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct http_exchange *held[HELD_MAX];
	unsigned n_held, standing;
	bool blocked;
	struct buf marks;
	atomic_uint sent, refused;
	_Atomic bool wants_cert;
};

/* ---- what the handler answers ---- */

static void
on_sent(void *arg, unused_arg int status, unused_arg uint64_t bytes)
{
	struct rig *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	atomic_fetch_add(&r->sent, 1);
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

/* method path?query body */
static void
echo(unused_arg struct rig *r, struct http_exchange *x)
{
	auto_buf struct buf out = { 0 };

	buf_add_bytes(&out, http_method(x));
	buf_add_byte(&out, ' ');
	buf_add_bytes(&out, http_path(x));
	buf_add_byte(&out, '?');
	buf_add_bytes(&out, http_query(x));
	buf_add_byte(&out, ' ');
	buf_add_bytes(&out, http_body(x));
	http_send(x, 200, "text/plain", buf_bytes(&out));
}

static void
nothing(unused_arg struct rig *r, struct http_exchange *x)
{
	http_send(x, 204, NULL, bytes_of(NULL, 0));
}

static void
length(unused_arg struct rig *r, struct http_exchange *x)
{
	auto_buf struct buf out = { 0 };

	buf_addf(&out, "%zu", http_body(x).n);
	http_send(x, 200, "text/plain", buf_bytes(&out));
}

static void
headers(unused_arg struct rig *r, struct http_exchange *x)
{
	http_set_header(x, "Cache-Control", "no-store");
	http_set_header(x, "X-Split", "a\r\nX-Evil: 1");
	http_set_header(x, "X Name", "b");
	http_send(x, 200, "text/plain", bytes_str("ok"));
}

static void
secret(unused_arg struct rig *r, struct http_exchange *x)
{
	struct secret *s = secret_new(100000);
	uint8_t *p = mem_alloc(100000);

	memset(p, 'k', 100000);
	assert(secret_set(s, p, 100000));
	mem_free(p);
	http_send_secret(x, 200, "application/json", s);
}

/* 8 MiB of octets 0, 1, 2, … 250, 0, … */
#define FILE_BYTES (8UL << 20)

static void
file(struct rig *r, struct http_exchange *x)
{
	int fd = open(rig_path(r, "file"), O_RDONLY | O_CLOEXEC);

	assert(fd >= 0);
	http_send_file(x, 200, "application/pkix-crl", fd, 0, FILE_BYTES);
}

/* Longer than the file is: the connection has to break. */
static void
file_short(struct rig *r, struct http_exchange *x)
{
	int fd = open(rig_path(r, "file"), O_RDONLY | O_CLOEXEC);

	assert(fd >= 0);
	http_send_file(x, 200, "application/pkix-crl", fd, 10, FILE_BYTES);
}

struct stream {
	unsigned n, fail_at;
	struct rig *r;
};

/* 200 pieces of 40,000 octets. */
static bool
stream_next(void *arg, struct buf *out, struct error *e)
{
	struct stream *s = arg;

	if (s->n == s->fail_at)
		return error_set(e, FAIL_IO, "broken on purpose");
	memset(buf_reserve(out, 40000), 'a' + (int)(s->n % 26), 40000);
	buf_commit(out, 40000);
	return ++s->n < 200;
}

static void
stream_release(void *arg)
{
	mem_free(arg);
}

static void
stream_from(struct rig *r, struct http_exchange *x, unsigned fail_at)
{
	struct stream *s = mem_calloc(1, sizeof(*s));

	s->fail_at = fail_at;
	s->r = r;
	http_send_stream(x, 200, "application/json", stream_next,
	    stream_release, s);
}

static void
stream(struct rig *r, struct http_exchange *x)
{
	stream_from(r, x, UINT32_MAX);
}

static void
stream_broken(struct rig *r, struct http_exchange *x)
{
	stream_from(r, x, 100);
}

static void
sized_from(struct http_exchange *x, unsigned fail_at, uint64_t length)
{
	struct stream *s = mem_calloc(1, sizeof(*s));

	s->fail_at = fail_at;
	http_send_stream_sized(x, 200, "application/json", length, stream_next,
	    stream_release, s);
}

static void
sized(unused_arg struct rig *r, struct http_exchange *x)
{
	sized_from(x, UINT32_MAX, UINT64_C(200) * 40000);
}

static void
sized_broken(unused_arg struct rig *r, struct http_exchange *x)
{
	sized_from(x, 100, UINT64_C(200) * 40000);
}

/* Its stream gives less, and more. */
static void
sized_short(unused_arg struct rig *r, struct http_exchange *x)
{
	sized_from(x, UINT32_MAX, UINT64_C(200) * 40000 + 1);
}

static void
sized_long(unused_arg struct rig *r, struct http_exchange *x)
{
	sized_from(x, UINT32_MAX, UINT64_C(200) * 40000 - 1);
}

/* The client's certificate: how many octets, or "none". */
static void
cert(unused_arg struct rig *r, struct http_exchange *x)
{
	auto_buf struct buf der = { 0 }, out = { 0 };
	char name[256];
	const uint8_t *p;
	X509 *crt;

	if (!http_peer_cert(x, &der)) {
		http_send(x, 200, "text/plain", bytes_str("none"));
		return;
	}
	p = der.p;
	crt = d2i_X509(NULL, &p, (long)der.n);
	assert(crt != NULL);
	buf_add_str(&out,
	    X509_NAME_oneline(X509_get_subject_name(crt), name, sizeof(name)));
	X509_free(crt);
	http_send(x, 200, "text/plain", buf_bytes(&out));
}

static void
peer(unused_arg struct rig *r, struct http_exchange *x)
{
	auto_buf struct buf out = { 0 };
	unsigned uid, gid;
	int pid;

	buf_addf(&out, "%s", http_peer(x));
	if (http_peer_cred(x, &uid, &gid, &pid))
		buf_addf(&out, " %u %u %d", uid, gid, pid);
	http_send(x, 200, "text/plain", buf_bytes(&out));
}

static void
hold(struct rig *r, struct http_exchange *x)
{
	(void)pthread_mutex_lock(&r->lock);
	assert(r->n_held < HELD_MAX);
	r->held[r->n_held++] = x;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

static void
mark(struct rig *r, struct http_exchange *x)
{
	(void)pthread_mutex_lock(&r->lock);
	buf_add_bytes(&r->marks, http_query(x));
	(void)pthread_mutex_unlock(&r->lock);
	http_send(x, 200, "text/plain", bytes_str("ok"));
}

static const struct {
	const char *path;
	void (*answer)(struct rig *r, struct http_exchange *x);
} paths[] = {
	{ "/nothing", nothing },
	{ "/length", length },
	{ "/headers", headers },
	{ "/secret", secret },
	{ "/file", file },
	{ "/file-short", file_short },
	{ "/stream", stream },
	{ "/stream-broken", stream_broken },
	{ "/sized", sized },
	{ "/sized-broken", sized_broken },
	{ "/sized-short", sized_short },
	{ "/sized-long", sized_long },
	{ "/cert", cert },
	{ "/peer", peer },
	{ "/hold", hold },
	{ "/mark", mark },
};

static void
handle(void *arg, struct http_exchange *x)
{
	struct rig *r = arg;

	http_on_sent(x, on_sent, r);
	for (size_t i = 0; i < countof(paths); i++)
		if (bytes_eq(http_path(x), bytes_str(paths[i].path))) {
			paths[i].answer(r, x);
			return;
		}
	echo(r, x);
}

static void
answer_held(void *arg)
{
	http_send(arg, 200, "text/plain", bytes_str("let go"));
}

void
rig_wait_held(struct rig *r, unsigned n)
{
	(void)pthread_mutex_lock(&r->lock);
	while (r->n_held < n)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
}

void
rig_let_go(struct rig *r)
{
	(void)pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < r->n_held; i++)
		http_worker_post(http_get_worker(r->held[i]), answer_held,
		    r->held[i]);
	r->n_held = 0;
	(void)pthread_mutex_unlock(&r->lock);
}

static void
stand_still(void *arg)
{
	struct rig *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	r->standing++;
	(void)pthread_cond_broadcast(&r->changed);
	while (r->blocked)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	r->standing--;
	(void)pthread_mutex_unlock(&r->lock);
}

void
rig_block(struct rig *r)
{
	r->blocked = true;
	for (unsigned i = 0; i < r->n_workers; i++)
		http_worker_post(r->worker[i], stand_still, r);
	(void)pthread_mutex_lock(&r->lock);
	while (r->standing < r->n_workers)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
}

void
rig_unblock(struct rig *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->blocked = false;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

void
rig_marks(struct rig *r, struct buf *out)
{
	(void)pthread_mutex_lock(&r->lock);
	buf_add_bytes(out, buf_bytes(&r->marks));
	buf_reset(&r->marks);
	(void)pthread_mutex_unlock(&r->lock);
}

/* ---- start and end ---- */

const char *
rig_path(struct rig *r, const char *name)
{
	(void)snprintf(r->path, sizeof(r->path), "%s/%s", r->dir, name);
	return r->path;
}

static void
write_file(struct rig *r, const char *name, struct bytes data)
{
	struct error e;

	if (!file_create(rig_path(r, name), data, 0600, &e))
		errx(1, "%s", e.msg);
}

static void
write_cert(struct rig *r, const struct test_cert *c, const char *crt_name,
    const char *key_name)
{
	auto_buf struct buf crt = { 0 }, key = { 0 };

	test_cert_pem(c, &crt, &key);
	write_file(r, crt_name, buf_bytes(&crt));
	write_file(r, key_name, buf_bytes(&key));
}

static void
make_files(struct rig *r)
{
	auto_buf struct buf data = { 0 };
	uint8_t *p = buf_reserve(&data, FILE_BYTES);

	(void)snprintf(r->dir, sizeof(r->dir), "%s/chancery-http-XXXXXX",
	    "/tmp");
	if (mkdtemp(r->dir) == NULL)
		err(1, "%s", r->dir);
	r->ca = test_cert_new("Test CA", NULL);
	r->server = test_cert_new("server one", &r->ca);
	r->client = test_cert_new("client", &r->ca);
	r->other = test_cert_new("other", NULL);
	write_cert(r, &r->ca, "ca.pem", "ca.key");
	write_cert(r, &r->client, "client.pem", "client.key");
	write_cert(r, &r->other, "other.pem", "other.key");
	for (size_t i = 0; i < FILE_BYTES; i++)
		p[i] = (uint8_t)(i % 251);
	buf_commit(&data, FILE_BYTES);
	write_file(r, "file", buf_bytes(&data));
}

static int
listen_tcp(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &n) != 0)
		err(1, "listening on 127.0.0.1");
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
unix_address(struct rig *r, struct sockaddr_un *sun)
{
	const char *path = rig_path(r, "sock");

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sun->sun_path))
		errx(1, "%s: too long for a socket", path);
	memcpy(sun->sun_path, path, strlen(path));
}

static int
listen_unix(struct rig *r)
{
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unix_address(r, &sun);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(fd, 128) != 0)
		err(1, "listening on %s", sun.sun_path);
	return fd;
}

static void *
run(void *arg)
{
	http_worker_run(arg);
	return NULL;
}

static void
refused(void *arg, unused_arg const char *who, unused_arg int status,
    unused_arg const char *why)
{
	struct rig *r = arg;

	atomic_fetch_add(&r->refused, 1);
}

static void
tls_config(struct rig *r, const struct test_cert *c, bool client_ca,
    struct http_tls_config *cfg, struct buf *crt, struct buf *key)
{
	test_cert_pem(c, crt, key);
	*cfg = (struct http_tls_config){ buf_bytes(crt), buf_bytes(key),
		client_ca ? rig_path(r, "ca.pem") : NULL };
}

static void
start_tls(struct rig *r, bool client_ca)
{
	auto_buf struct buf crt = { 0 }, key = { 0 };
	struct http_tls_config cfg;
	struct error e;

	tls_config(r, &r->server, client_ca, &cfg, &crt, &key);
	r->tls = http_tls_new(&cfg, &e);
	if (r->tls == NULL)
		errx(1, "%s", e.msg);
}

void
rig_reload(struct rig *r, const char *name)
{
	auto_buf struct buf crt = { 0 }, key = { 0 };
	struct test_cert c = test_cert_new(name, &r->ca);
	struct http_tls_config cfg;
	struct error e;

	tls_config(r, &c, false, &cfg, &crt, &key);
	if (!http_tls_reload(r->tls, &cfg, &e))
		errx(1, "%s", e.msg);
	test_cert_free(&c);
}

static void
start_worker(struct rig *r, unsigned i)
{
	struct http_worker *w = http_worker_new(r->shared, i);

	r->worker[i] = w;
	for (int k = HTTP_TLS; k <= HTTP_PLAIN; k++)
		http_worker_listen(w, (enum http_listener)k, r->listener[k]);
	if (pthread_create(&r->thread[i], NULL, run, w) != 0)
		errx(1, "no thread");
}

static bool
wants_cert(void *arg)
{
	struct rig *r = arg;

	return atomic_load(&r->wants_cert);
}

void
rig_wants_cert(struct rig *r, bool wants)
{
	atomic_store(&r->wants_cert, wants);
}

struct rig *
rig_start(const struct rig_options *o)
{
	struct rig *r = mem_calloc(1, sizeof(*r));
	struct http_config cfg = { .limits = o->limits,
		.handler = handle,
		.refused = refused,
		.wants_cert = wants_cert,
		.arg = r };

	make_files(r);
	rig_wants_cert(r, o->wants_cert);
	start_tls(r, o->client_ca);
	cfg.tls = r->tls;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->changed, NULL);
	r->shared = http_shared_new(&cfg);
	r->listener[HTTP_TLS] = listen_tcp(&r->port[HTTP_TLS]);
	r->listener[HTTP_PLAIN] = listen_tcp(&r->port[HTTP_PLAIN]);
	r->listener[HTTP_UNIX] = listen_unix(r);
	r->n_workers = o->workers == 0 ? 1 : o->workers;
	for (unsigned i = 0; i < r->n_workers; i++)
		start_worker(r, i);
	return r;
}

void
rig_stop(struct rig *r)
{
	for (unsigned i = 0; i < r->n_workers; i++)
		http_worker_stop(r->worker[i]);
}

void
rig_join(struct rig *r)
{
	for (unsigned i = 0; i < r->n_workers && !r->joined; i++)
		(void)pthread_join(r->thread[i], NULL);
	r->joined = true;
}

static void
remove_files(struct rig *r)
{
	static const char *const names[] = { "ca.pem", "ca.key", "client.pem",
		"client.key", "other.pem", "other.key", "file", "sock" };

	for (size_t i = 0; i < countof(names); i++)
		(void)unlink(rig_path(r, names[i]));
	(void)rmdir(r->dir);
}

void
rig_end(struct rig *r)
{
	rig_stop(r);
	rig_join(r);
	for (unsigned i = 0; i < r->n_workers; i++)
		http_worker_free(r->worker[i]);
	http_shared_free(r->shared);
	http_tls_free(r->tls);
	for (size_t k = 0; k < countof(r->listener); k++)
		(void)close(r->listener[k]);
	test_cert_free(&r->ca);
	test_cert_free(&r->server);
	test_cert_free(&r->client);
	test_cert_free(&r->other);
	remove_files(r);
	buf_free(&r->marks);
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->changed);
	mem_free(r);
}

void
rig_counts(struct rig *r, struct http_counts *out)
{
	http_shared_counts(r->shared, out);
}

int
rig_port(const struct rig *r, enum http_listener kind)
{
	return r->port[kind];
}

unsigned
rig_sent(struct rig *r)
{
	return atomic_load(&r->sent);
}

void
rig_wait_sent(struct rig *r, unsigned n)
{
	(void)pthread_mutex_lock(&r->lock);
	while (atomic_load(&r->sent) < n)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
}

unsigned
rig_refused(struct rig *r)
{
	return atomic_load(&r->refused);
}
