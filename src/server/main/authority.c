/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's certificate from one of its own mounts (server.tls.authority): a key made
 * here, a request signed through <mount>/sign-verbatim like any other, kept beside the
 * store, renewed when two thirds of its life are over. Until the mount can sign, the
 * self-signed one serves.
 */
#include <openssl/crypto.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/log.h>
#include <chancery/server/request.h>

#include "certfile.h"

#define TRY_EVERY_MS 10000

static const char certificate_name[] = "tls-issued.crt";
static const char key_name[] = "tls-issued.key";

/* ---- what is kept ---- */

static bool
life_of(struct bytes pem, int64_t *from_s, int64_t *until_s)
{
	auto_bio BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	auto_x509 X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	struct tm from, until;
	struct error e = { 0 };

	if (x == NULL || ASN1_TIME_to_tm(X509_get0_notBefore(x), &from) != 1 ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(x), &until) != 1) {
		(void)error_ossl(&e, "PEM");
		return false;
	}
	*from_s = timegm(&from);
	*until_s = timegm(&until);
	return true;
}

bool
authority_kept(const struct service_config *cfg, int64_t now_s,
    struct buf *certificate, struct buf *key, int64_t *renew_s)
{
	auto_mem char *cert_at = cert_path(cfg, certificate_name);
	auto_mem char *key_at = cert_path(cfg, key_name);
	struct error e = { 0 };
	int64_t from, until;

	if (!file_read(cert_at, LIMIT_CONFIG_BYTES, certificate, &e) ||
	    !file_read(key_at, LIMIT_CONFIG_BYTES, key, &e) ||
	    !life_of(buf_bytes(certificate), &from, &until) || until <= now_s) {
		buf_reset(certificate);
		buf_reset(key);
		return false;
	}
	*renew_s = from + (until - from) / 3 * 2;
	return true;
}

/* ---- a new one ---- */

static bool
request_pem(const struct service_config *cfg, EVP_PKEY *key, struct buf *out,
    struct error *e)
{
	auto_x509_req X509_REQ *req = X509_REQ_new();
	auto_bio BIO *pem = BIO_new(BIO_s_mem());
	auto_buf struct buf sans = { 0 };
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *san;
	bool ok;

	cert_sans(cfg, &sans);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    buf_cstr(&sans));
	ok = req != NULL && pem != NULL && san != NULL &&
	    sk_X509_EXTENSION_push(exts, san) > 0 &&
	    X509_REQ_add_extensions(req, exts) == 1 &&
	    X509_REQ_set_pubkey(req, key) == 1 &&
	    X509_REQ_sign(req, key, EVP_sha256()) > 0 &&
	    PEM_write_bio_X509_REQ(pem, req) == 1;
	if (ok)
		cert_bio_take(pem, out);
	sk_X509_EXTENSION_free(exts);
	X509_EXTENSION_free(san);
	return ok ? true
		  : error_ossl(e, "request for the server's certificate");
}

static bool
key_pem(EVP_PKEY *key, struct buf *out, struct error *e)
{
	auto_bio BIO *pem = BIO_new(BIO_s_secmem());

	if (pem == NULL ||
	    PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1)
		return error_ossl(e, "PEM");
	cert_bio_take(pem, out);
	return true;
}

static void
add_pem(struct buf *out, const json_t *v)
{
	if (json_string_length(v) == 0)
		return;
	buf_add(out, json_string_value(v), json_string_length(v));
	if (out->p[out->n - 1] != '\n')
		buf_add_byte(out, '\n');
}

/* Leaf first; the root, which clients have, is left out. */
static bool
chain_of(struct bytes body, struct buf *out, struct error *e)
{
	auto_json json_t *answer = request_body(body, bytes_str(""), e);
	const json_t *data = json_object_get(answer, "data");
	const json_t *chain = json_object_get(data, "ca_chain");

	add_pem(out, json_object_get(data, "certificate"));
	if (out->n == 0)
		return error_set(e, FAIL_BAD_INPUT, "no certificate came back");
	for (size_t i = 0; i + 1 < json_array_size(chain); i++)
		add_pem(out, json_array_get(chain, i));
	return true;
}

static bool
keep(struct room *r, struct bytes chain, struct error *e)
{
	auto_mem char *cert_at = cert_path(&r->cfg, certificate_name);
	auto_mem char *key_at = cert_path(&r->cfg, key_name);
	auto_buf struct buf key = { 0 };
	bool ok;

	(void)buf_reserve(&key, 4096);
	ok = key_pem(r->authority.key, &key, e) &&
	    file_replace(key_at, buf_bytes(&key), 0600, e) &&
	    file_replace(cert_at, chain, 0644, e);
	OPENSSL_cleanse(key.p, key.cap);
	return ok;
}

/* In worker 0's thread; the control loop takes it from here (AUTHORITY_ISSUED). */
static void
answered(void *arg, int status, struct bytes body)
{
	struct room *r = arg;
	auto_buf struct buf chain = { 0 };
	struct error e = { 0 };
	bool ok = status == 200 && chain_of(body, &chain, &e) &&
	    keep(r, buf_bytes(&chain), &e);

	if (!ok)
		log_line(LOG_LEVEL_WARNING,
		    "server certificate from %s: status %d %s",
		    r->cfg.server.tls.authority, status,
		    status == 200 ? e.msg : "");
	EVP_PKEY_free(r->authority.key);
	r->authority.key = NULL;
	atomic_store(&r->authority.state,
	    ok ? AUTHORITY_ISSUED : AUTHORITY_IDLE);
}

static void
ask(void *arg)
{
	struct room *r = arg;
	auto_buf struct buf csr = { 0 };
	auto_mem char *path =
	    mem_printf("%s/sign-verbatim", r->cfg.server.tls.authority);
	struct api_own_call own = { .op = OP_WRITE };
	struct error e = { 0 };

	r->authority.key = EVP_EC_gen("P-256");
	if (r->authority.key == NULL ||
	    !request_pem(&r->cfg, r->authority.key, &csr, &e)) {
		log_line(LOG_LEVEL_WARNING, "server certificate: %s", e.msg);
		EVP_PKEY_free(r->authority.key);
		r->authority.key = NULL;
		atomic_store(&r->authority.state, AUTHORITY_IDLE);
		return;
	}
	own.path = path;
	own.given = json_pack("{s:s,s:s,s:s}", "csr", buf_cstr(&csr), "format",
	    "pem", "ext_key_usage", "ServerAuth");
	api_call(r->api, 0, &own, answered, r);
}

static void
take_over(struct room *r)
{
	struct error e = { 0 };

	if (room_tls(r, &e))
		log_line(LOG_LEVEL_INFO, "server certificate issued by %s",
		    r->cfg.server.tls.authority);
	else
		log_line(LOG_LEVEL_ERROR, "server certificate: %s", e.msg);
}

void
authority_tick(struct room *r, int64_t now_ms)
{
	const char *mount = r->cfg.server.tls.authority;
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;

	if (mount == NULL || *mount == '\0')
		return;
	if (atomic_load(&r->authority.state) == AUTHORITY_ISSUED) {
		atomic_store(&r->authority.state, AUTHORITY_IDLE);
		take_over(r);
	}
	if (atomic_load(&r->authority.state) != AUTHORITY_IDLE ||
	    now_s < r->authority.renew_s || r->stopping ||
	    api_lanes_up(r->api) == 0 || now_ms < r->authority.try_ms)
		return;
	r->authority.try_ms = now_ms + TRY_EVERY_MS;
	atomic_store(&r->authority.state, AUTHORITY_ASKED);
	http_worker_post(r->worker[0].http, ask, r);
}
