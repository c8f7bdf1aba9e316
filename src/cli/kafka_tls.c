/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_tls.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chancery/kafka/judge.h>

DEFINE_AUTO(ssl_ctx, SSL_CTX *, SSL_CTX_free)
DEFINE_AUTO(ssl, SSL *, SSL_free)
DEFINE_AUTO(addrinfo, struct addrinfo *, freeaddrinfo)
DEFINE_AUTO(bio, BIO *, BIO_free_all)
#define auto_ctx auto_cleanup(ssl_ctx_cleanup)
#define auto_ssl auto_cleanup(ssl_cleanup)

void
kafka_seen_free(struct kafka_seen *s)
{
	buf_free(&s->chain);
	buf_free(&s->names);
	SSL_SESSION_free(s->session);
	*s = (struct kafka_seen){ 0 };
}

/* ---- TCP --------------------------------------------------------------------- */

static int
try_address(const struct addrinfo *a)
{
	auto_fd int fd =
	    socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
	struct timeval wait = { .tv_sec = KAFKA_TLS_TIMEOUT_S };

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
	    connect(fd, a->ai_addr, a->ai_addrlen) != 0)
		return -1;
	return take_fd(&fd);
}

static int
dial(const struct kafka_tls *t, struct error *e)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	auto_cleanup(addrinfo_cleanup) struct addrinfo *all = NULL;
	int rc = getaddrinfo(t->host, t->port, &want, &all), fd = -1;

	if (rc != 0) {
		(void)error_set(e, FAIL_NOT_FOUND, "%s: %s", t->host,
		    gai_strerror(rc));
		return -1;
	}
	for (const struct addrinfo *a = all; a != NULL && fd < 0;
	     a = a->ai_next)
		fd = try_address(a);
	/* What SO_SNDTIMEO makes of a connect that takes too long. */
	if (fd < 0)
		(void)error_errno(e,
		    errno == EINPROGRESS ? FAIL_TIMEOUT : FAIL_IO, "%s:%s",
		    t->host, t->port);
	return fd;
}

/* ---- TLS ---------------------------------------------------------------------- */

struct call {
	const struct kafka_tls *t;
	struct kafka_seen *seen;
};

/* Called when the server asks for a certificate. */
static int
asked(SSL *ssl, void *arg)
{
	struct call *c = arg;

	c->seen->asked = true;
	if (c->t->cert == NULL)
		return 1;
	return SSL_use_cert_and_key(ssl, c->t->cert, c->t->key, c->t->chain, 1);
}

static int
no_check(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static struct call *
call_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* Sessions of TLS 1.3 come after the handshake; the last one is kept. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct kafka_seen *seen = call_of(ssl)->seen;

	SSL_SESSION_free(seen->session);
	seen->session = session;
	return 1;
}

/* What there is to be seen, also of servers that nobody should run. */
static SSL_CTX *
context(struct call *c, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_security_level(ctx, 0);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_max_proto_version(ctx, max_version);
	(void)SSL_CTX_set_app_data(ctx, c);
	SSL_CTX_set_cert_verify_callback(ctx, no_check, NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_cb(ctx, asked, c);
	(void)SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	return ctx;
}

/* What libssl says last: an alert of the peer, or why there is no handshake. */
static void
note_alert(struct kafka_seen *s)
{
	struct error e;

	(void)error_ossl(&e, "TLS");
	(void)snprintf(s->alert, sizeof(s->alert), "%.79s",
	    strlen(e.msg) > 5 ? e.msg + 5 : e.msg);
}

/* SO_RCVTIMEO looks to libssl like a read that is to be tried again; an end without
 * close_notify, like a broken protocol. */
static void
note_end(SSL *ssl, int rc, struct kafka_seen *s)
{
	int how = SSL_get_error(ssl, rc);
	bool cut = error_ossl_reason() == SSL_R_UNEXPECTED_EOF_WHILE_READING;

	s->answer = KAFKA_ANSWER_CLOSED;
	if (how == SSL_ERROR_WANT_READ || how == SSL_ERROR_WANT_WRITE) {
		s->answer = KAFKA_ANSWER_SILENT;
	} else if (how == SSL_ERROR_SSL && !cut) {
		s->answer = KAFKA_ANSWER_ALERT;
		note_alert(s);
	}
}

static void
note_names(const SSL *ssl, struct kafka_seen *s)
{
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);

	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		const unsigned char *der = NULL;
		size_t n = 0;

		if (X509_NAME_get0_der(sk_X509_NAME_value(names, i), &der,
			&n) == 1)
			buf_add(&s->names, der, n);
	}
}

static void
note_chain(const SSL *ssl, struct kafka_seen *s)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	auto_cleanup(bio_cleanup) BIO *pem = BIO_new(BIO_s_mem());
	char *p;
	long n;

	for (int i = 0; pem != NULL && i < sk_X509_num(chain); i++)
		if (PEM_write_bio_X509(pem, sk_X509_value(chain, i)) != 1)
			return;
	if (pem == NULL)
		return;
	n = BIO_get_mem_data(pem, &p);
	buf_add(&s->chain, p, (size_t)n);
}

static void
note_handshake(SSL *ssl, struct kafka_seen *s)
{
	s->tls = true;
	s->resumed = SSL_session_reused(ssl) == 1;
	(void)snprintf(s->protocol, sizeof(s->protocol), "%s",
	    SSL_get_version(ssl));
	(void)snprintf(s->cipher, sizeof(s->cipher), "%s",
	    SSL_get_cipher_name(ssl));
}

/* ---- Kafka ----------------------------------------------------------------------- */

/* ApiVersions request, version 0, correlation id "chan", no client id. */
static const uint8_t request[] = { 0, 0, 0, 10, 0, 18, 0, 0, 'c', 'h', 'a', 'n',
	0xff, 0xff };

static enum kafka_answer
what_came(const uint8_t *p, int n)
{
	return n >= 8 && memcmp(p + 4, request + 8, 4) == 0
	    ? KAFKA_ANSWER_KAFKA
	    : KAFKA_ANSWER_OTHER;
}

/* With TLS 1.3 a refusal of our certificate comes after the handshake: read to see it. */
static void
talk(SSL *ssl, struct kafka_seen *s)
{
	uint8_t answer[512];
	int n;

	ERR_clear_error();
	n = SSL_write(ssl, request, sizeof(request));
	if (n > 0)
		n = SSL_read(ssl, answer, sizeof(answer));
	if (n > 0)
		s->answer = what_came(answer, n);
	else
		note_end(ssl, n, s);
}

/* A copy: the macro casts the const away. */
static bool
send_name(SSL *ssl, const char *host)
{
	auto_mem char *own = mem_strdup(host);

	return kafka_is_address(host) ||
	    SSL_set_tlsext_host_name(ssl, own) == 1;
}

bool
kafka_tls_look(const struct kafka_tls *t, SSL_SESSION *resume, int max_version,
    struct kafka_seen *out, struct error *e)
{
	auto_fd int fd = dial(t, e);
	struct call c = { t, out };
	auto_ctx SSL_CTX *ctx = context(&c, max_version);
	auto_ssl SSL *ssl = NULL;
	int rc;

	if (fd < 0)
		return false;
	ERR_clear_error();
	if (ctx == NULL || (ssl = SSL_new(ctx)) == NULL ||
	    SSL_set_fd(ssl, fd) != 1 || !send_name(ssl, t->host) ||
	    (resume != NULL && SSL_set_session(ssl, resume) != 1))
		return error_ossl(e, "TLS");
	rc = SSL_connect(ssl);
	if (rc == 1) {
		note_handshake(ssl, out);
		talk(ssl, out);
	} else {
		note_end(ssl, rc, out);
	}
	note_chain(ssl, out);
	note_names(ssl, out);
	/* Without it a session of TLS 1.2 is taken for broken. */
	(void)SSL_shutdown(ssl);
	return true;
}
