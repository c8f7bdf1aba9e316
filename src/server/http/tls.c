/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TLS: one SSL_CTX at a time, swapped as a whole on reload. */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "internal.h"

DEFINE_AUTO(ssl_ctx, SSL_CTX *, SSL_CTX_free)
DEFINE_AUTO(bio, BIO *, BIO_free)
DEFINE_AUTO(x509, X509 *, X509_free)
DEFINE_AUTO(pkey, EVP_PKEY *, EVP_PKEY_free)
#define auto_ssl_ctx auto_cleanup(ssl_ctx_cleanup)
#define auto_bio auto_cleanup(bio_cleanup)
#define auto_x509 auto_cleanup(x509_cleanup)
#define auto_pkey auto_cleanup(pkey_cleanup)

struct http_tls {
	pthread_mutex_t lock;
	SSL_CTX *ctx;
};

/* HTTP/1.1 or nothing: a client that offers other protocols only is told so (RFC 7301
 * 3.2). */
static int
alpn_select(unused_arg SSL *ssl, const unsigned char **out,
    unsigned char *out_n, const unsigned char *in, unsigned in_n,
    unused_arg void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, in,
		in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Who uses a client certificate decides whom it trusts (http_peer_cert); here only the key's
 * possession is proved, by the handshake itself. */
static int
client_verify(X509_STORE_CTX *store, unused_arg void *arg)
{
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* No prompt for an encrypted key. */
static int
no_passphrase(unused_arg char *buf, unused_arg int size, unused_arg int rw,
    unused_arg void *arg)
{
	return -1;
}

static bool
use_certificate(SSL_CTX *ctx, struct bytes pem, struct error *e)
{
	auto_bio BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	auto_x509 X509 *leaf =
	    PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	X509 *next;

	if (leaf == NULL || SSL_CTX_use_certificate(ctx, leaf) != 1)
		return error_ossl(e, "TLS certificate");
	while (
	    (next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
			X509_free(next);
			return error_ossl(e, "TLS certificate chain");
		}
	/* The end of the text is an error to PEM_read. */
	ERR_clear_error();
	return true;
}

static bool
use_key(SSL_CTX *ctx, struct bytes pem, struct error *e)
{
	auto_bio BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	auto_pkey EVP_PKEY *key =
	    PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	if (key == NULL || SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return error_ossl(e, "TLS key");
	return true;
}

static bool
use_client_ca(SSL_CTX *ctx, const char *path, struct error *e)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);

	if (names == NULL)
		return error_ossl(e, "client CA certificates");
	SSL_CTX_set_client_CA_list(ctx, names);
	return true;
}

/* A ticket has the leaf without its chain, or none from before certificates were asked for:
 * such a connection neither takes nor gives one. */
static bool
ask_certificate(SSL *ssl)
{
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	(void)SSL_set_options(ssl, SSL_OP_NO_TICKET);
	return SSL_set_num_tickets(ssl, 0) == 1;
}

static bool
set_protocol(SSL_CTX *ctx, struct error *e)
{
	/* The macro takes it as char *. */
	char groups[] = "X25519:P-256:P-384";

	(void)SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE |
		/* Lengths are HTTP's: a cut connection cuts no message. */
		SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* One read(2) a record instead of two. */
	SSL_CTX_set_read_ahead(ctx, 1);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_select, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, client_verify, NULL);
	SSL_CTX_set_max_cert_list(ctx, LIMIT_HTTP_CLIENT_CHAIN_BYTES);
	/* X25519 first: 0.15 ms a handshake less than P-256 with OpenSSL 3.0. Each
	 * ticket costs 45 us and a client uses one. */
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 1) != 1)
		return error_ossl(e, "TLS settings");
	return true;
}

static SSL_CTX *
ctx_new(const struct http_tls_config *cfg, struct error *e)
{
	auto_ssl_ctx SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL) {
		(void)error_ossl(e, "SSL_CTX_new");
		return NULL;
	}
	if (!set_protocol(ctx, e) ||
	    !use_certificate(ctx, cfg->certificate_pem, e) ||
	    !use_key(ctx, cfg->key_pem, e) ||
	    (cfg->client_ca != NULL && !use_client_ca(ctx, cfg->client_ca, e)))
		return NULL;
	return take(ctx);
}

struct http_tls *
http_tls_new(const struct http_tls_config *cfg, struct error *e)
{
	SSL_CTX *ctx = ctx_new(cfg, e);
	struct http_tls *t;

	if (ctx == NULL)
		return NULL;
	t = mem_calloc(1, sizeof(*t));
	(void)pthread_mutex_init(&t->lock, NULL);
	t->ctx = ctx;
	return t;
}

bool
http_tls_reload(struct http_tls *t, const struct http_tls_config *cfg,
    struct error *e)
{
	SSL_CTX *ctx = ctx_new(cfg, e), *old;

	if (ctx == NULL)
		return false;
	(void)pthread_mutex_lock(&t->lock);
	old = t->ctx;
	t->ctx = ctx;
	(void)pthread_mutex_unlock(&t->lock);
	/* Connections that use it hold it. */
	SSL_CTX_free(old);
	return true;
}

void
http_tls_free(struct http_tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	(void)pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

SSL *
http_tls_start(struct http_tls *t, int fd, bool ask)
{
	SSL_CTX *ctx;
	SSL *ssl;

	(void)pthread_mutex_lock(&t->lock);
	ctx = t->ctx;
	(void)SSL_CTX_up_ref(ctx);
	(void)pthread_mutex_unlock(&t->lock);
	ssl = SSL_new(ctx);
	ask |= sk_X509_NAME_num(SSL_CTX_get_client_CA_list(ctx)) > 0;
	SSL_CTX_free(ctx);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    (ask && !ask_certificate(ssl)))
		fatal("no TLS connection can be made");
	SSL_set_accept_state(ssl);
	return ssl;
}

static void
add_der(struct buf *out, X509 *crt)
{
	unsigned char *p;
	int n = i2d_X509(crt, NULL);

	if (n <= 0)
		return;
	p = buf_reserve(out, (size_t)n);
	buf_commit(out, (size_t)i2d_X509(crt, &p));
}

bool
http_tls_peer(SSL *ssl, struct buf *der)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

	if (leaf == NULL)
		return false;
	add_der(der, leaf);
	for (int i = 0; i < sk_X509_num(chain); i++)
		add_der(der, sk_X509_value(chain, i));
	return true;
}
