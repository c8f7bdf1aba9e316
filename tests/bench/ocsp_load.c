/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocsp_load PORT PATH CA-PEM SERIALS-FILE get|post|nonce CONNECTIONS SECONDS
 *
 * A closed-loop client of OCSP over plain HTTP: n connections that are kept, each with one
 * request outstanding, in one thread. Every answer has to be 200; one in VERIFY_EVERY is
 * verified up to the authority, with its nonce. Prints "answers/s  errors  p50 ms  p99 ms  own CPU s".
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <chancery/base/alloc.h>
#include <chancery/base/bytes.h>
#include <chancery/base/text.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>

#define VERIFY_EVERY 997
#define WARM_UP_S 1.0
#define CONNECTIONS_MAX 1024
/* Of the nonce, where the counter is put. */
static const uint8_t nonce_mark[16] = "the nonce's mark";

enum mode {
	MODE_GET,
	MODE_POST,
	MODE_NONCE
};

struct question {
	struct buf http, der;
	size_t nonce_at; /* in http */
};
struct conn {
	int fd;
	struct question *q;
	size_t sent;
	double began;
	uint64_t nonce;
	struct buf answer;
};
static struct {
	enum mode mode;
	X509 *ca;
	X509_STORE *store;
	struct question *questions;
	size_t n, cap, turn;
	struct conn conns[CONNECTIONS_MAX];
	unsigned connections;
	int epoll;
	bool measuring;
	uint64_t answers, errors, verified, counter;
	float *ms;
	size_t ms_n, ms_cap;
} load;

static double
now(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- questions ----------------------------------------------------------------- */

static void
http_of(struct question *q, const char *path)
{
	struct buf text = { 0 };

	if (load.mode == MODE_GET) {
		buf_add_base64(&text, buf_bytes(&q->der));
		buf_addf(&q->http,
		    "GET %s/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path,
		    buf_cstr(&text));
		buf_free(&text);
		return;
	}
	buf_addf(&q->http,
	    "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
	    "application/ocsp-request\r\nContent-Length: %zu\r\n\r\n",
	    path, q->der.n);
	buf_add_bytes(&q->http, buf_bytes(&q->der));
	if (load.mode == MODE_NONCE)
		q->nonce_at =
		    (size_t)((const uint8_t *)memmem(q->http.p, q->http.n,
				 nonce_mark, sizeof(nonce_mark)) -
			q->http.p);
}

static void
add_question(const char *serial, const char *path)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	BIGNUM *bn = NULL;
	ASN1_INTEGER *number;
	unsigned char *der = NULL;
	struct question *q;
	int n;

	if (BN_hex2bn(&bn, serial) == 0)
		errx(1, "not a serial: %s", serial);
	number = BN_to_ASN1_INTEGER(bn, NULL);
	(void)OCSP_request_add0_id(r,
	    OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(load.ca),
		X509_get0_pubkey_bitstr(load.ca), number));
	if (load.mode == MODE_NONCE)
		(void)OCSP_request_add1_nonce(r,
		    (unsigned char *)(uintptr_t)nonce_mark, sizeof(nonce_mark));
	n = i2d_OCSP_REQUEST(r, &der);
	load.questions = mem_grow(load.questions, load.n, &load.cap,
	    sizeof(load.questions[0]));
	q = &load.questions[load.n++];
	*q = (struct question){ 0 };
	buf_add(&q->der, der, (size_t)n);
	http_of(q, path);
	OPENSSL_free(der);
	ASN1_INTEGER_free(number);
	BN_free(bn);
	OCSP_REQUEST_free(r);
}

static void
read_questions(const char *file, const char *path)
{
	char line[128];
	FILE *f = fopen(file, "r");

	if (f == NULL)
		err(1, "%s", file);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			add_question(line, path);
	}
	(void)fclose(f);
	if (load.n == 0)
		errx(1, "%s: no serials", file);
}

static void
read_ca(const char *file)
{
	FILE *f = fopen(file, "r");

	load.ca = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (load.ca == NULL)
		errx(1, "%s: no certificate", file);
	(void)fclose(f);
	load.store = X509_STORE_new();
	(void)X509_STORE_add_cert(load.store, load.ca);
}

/* ---- answers -------------------------------------------------------------------- */

static void
verify(const struct conn *c, const uint8_t *body, size_t n)
{
	const unsigned char *p = body;
	OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)n);
	OCSP_BASICRESP *b = r != NULL ? OCSP_response_get1_basic(r) : NULL;

	if (b == NULL || OCSP_basic_verify(b, NULL, load.store, 0) != 1)
		errx(1, "an answer that does not verify");
	if (load.mode == MODE_NONCE &&
	    memmem(body, n, &c->nonce, sizeof(c->nonce)) == NULL)
		errx(1, "another one's nonce");
	load.verified++;
	OCSP_BASICRESP_free(b);
	OCSP_RESPONSE_free(r);
}

static void
note(struct conn *c, bool ok)
{
	if (!load.measuring)
		return;
	load.answers += ok;
	load.errors += !ok;
	load.ms =
	    mem_grow(load.ms, load.ms_n, &load.ms_cap, sizeof(load.ms[0]));
	load.ms[load.ms_n++] = (float)((now(CLOCK_MONOTONIC) - c->began) * 1e3);
}

static void
ask(struct conn *c)
{
	ssize_t n;

	c->q = &load.questions[load.turn++ % load.n];
	c->nonce = ++load.counter;
	if (load.mode == MODE_NONCE)
		memcpy(c->q->http.p + c->q->nonce_at, &c->nonce,
		    sizeof(c->nonce));
	buf_reset(&c->answer);
	c->began = now(CLOCK_MONOTONIC);
	n = send(c->fd, c->q->http.p, c->q->http.n, MSG_NOSIGNAL);
	if (n != (ssize_t)c->q->http.n)
		errx(1, "a request that does not leave in one");
}

/* One read is one answer, or a part of it. */
static void
receive(struct conn *c)
{
	const char *text, *body, *length;
	size_t n, want;
	ssize_t got;
	bool ok;

	got = recv(c->fd, buf_reserve(&c->answer, 4096), 4096, 0);
	if (got <= 0)
		errx(1, "a connection that breaks off");
	buf_commit(&c->answer, (size_t)got);
	text = buf_cstr(&c->answer);
	body = memmem(c->answer.p, c->answer.n, "\r\n\r\n", 4);
	if (body == NULL)
		return;
	body += 4;
	length = strcasestr(text, "\r\nContent-Length:");
	want = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
	n = c->answer.n - (size_t)(body - text);
	if (n < want)
		return;
	ok = strncmp(text + 9, "200", 3) == 0;
	note(c, ok);
	if (ok && load.counter % VERIFY_EVERY == 0)
		verify(c, (const uint8_t *)body, want);
	ask(c);
}

static void
conn_open(struct conn *c, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	const int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		err(1, "connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		err(1, "epoll_ctl");
}

static int
by_ms(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
run(double seconds)
{
	struct epoll_event ev[64];
	double start = now(CLOCK_MONOTONIC), from = 0, cpu = 0, t;

	for (unsigned i = 0; i < load.connections; i++)
		ask(&load.conns[i]);
	do {
		int n = epoll_wait(load.epoll, ev, 64, 1000);

		for (int i = 0; i < n; i++)
			receive(ev[i].data.ptr);
		t = now(CLOCK_MONOTONIC);
		if (!load.measuring && t > start + WARM_UP_S) {
			load.measuring = true;
			from = t;
			cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		}
	} while (!load.measuring || t < from + seconds);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	qsort(load.ms, load.ms_n, sizeof(load.ms[0]), by_ms);
	printf("%.0f %ju %.2f %.2f %.2f\n", (double)load.answers / (t - from),
	    (uintmax_t)load.errors,
	    load.ms_n > 0 ? (double)load.ms[load.ms_n / 2] : 0,
	    load.ms_n > 0 ? (double)load.ms[load.ms_n * 99 / 100] : 0, cpu);
	if (load.verified == 0 && load.answers > VERIFY_EVERY)
		errx(1, "nothing was verified");
}

int
main(int argc, char **argv)
{
	static const char *const modes[] = { "get", "post", "nonce" };
	uint64_t port, connections;

	if (argc != 8)
		errx(1, "usage: see the source");
	while (
	    load.mode <= MODE_NONCE && strcmp(modes[load.mode], argv[5]) != 0)
		load.mode++;
	if (load.mode > MODE_NONCE)
		errx(1, "%s: get, post or nonce", argv[5]);
	read_ca(argv[3]);
	read_questions(argv[4], argv[2]);
	if (!parse_u64(argv[1], 1, 65535, &port) ||
	    !parse_u64(argv[6], 1, CONNECTIONS_MAX, &connections))
		errx(1, "a port, 1 to %d connections", CONNECTIONS_MAX);
	load.connections = (unsigned)connections;
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < load.connections; i++)
		conn_open(&load.conns[i], (uint16_t)port);
	run(strtod(argv[7], NULL));
	return 0;
}
