/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chancery/base/file.h>

#include "bench.h"

void
bench_fail(const char *what, const struct error *e)
{
	(void)fprintf(stderr, "%s: %s\n", what, e->msg);
	hsm_exit(1);
}

static double
seconds(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double
bench_cpu(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double
bench_wall(void)
{
	return seconds(CLOCK_MONOTONIC);
}

static void
one_csr(struct buf *out, bool rsa)
{
	EVP_PKEY *k = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"broker-1.kafka.acme.example", -1, -1, 0);
	(void)X509_REQ_set_subject_name(req, name);
	(void)X509_REQ_set_pubkey(req, k);
	(void)X509_REQ_sign(req, k, EVP_sha256());
	(void)PEM_write_bio_X509_REQ(bio, req);
	n = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)n);
	BIO_free(bio);
	X509_NAME_free(name);
	X509_REQ_free(req);
	EVP_PKEY_free(k);
}

void
bench_csrs_make(struct bench_csrs *c, size_t n, bool rsa)
{
	size_t i;

	c->pem = mem_calloc(n, sizeof(*c->pem));
	c->n = n;
	for (i = 0; i < n; i++)
		one_csr(&c->pem[i], rsa);
}

void
bench_csrs_free(struct bench_csrs *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		buf_free(&c->pem[i]);
	mem_free(c->pem);
}

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

void
bench_open(struct bench *b)
{
	const char *tmp = getenv("TMPDIR");
	struct hsm_module_config mc = { 0 };
	const struct hsm_token_config tc = { .uri = "pkcs11:token=bench",
		.read_write = true };
	struct secret *so = secret_new(16);
	struct error e;

	(void)snprintf(b->dir, sizeof(b->dir), "%s/bench-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(b->dir) == NULL)
		fatal("mkdtemp");
	b->module_path = getenv("CHANCERY_BENCH_MODULE");
	if (b->module_path == NULL)
		b->module_path = SOFTHSM;
	b->pin = secret_new(16);
	if (!secret_set(so, "12345678", 8) || !secret_set(b->pin, "1234", 4) ||
	    !hsm_softtoken_create(SOFTHSM, b->dir, "bench", so, b->pin, &e))
		bench_fail("softtoken", &e);
	secret_free(so);
	mc.path = b->module_path;
	b->module = hsm_module_load(&mc, &e);
	if (b->module == NULL)
		bench_fail("module", &e);
	b->token = hsm_token_open(b->module, &tc, b->pin, &e);
	if (b->token == NULL)
		bench_fail("token", &e);
}

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *at)
{
	return remove(path);
}

void
bench_close(struct bench *b)
{
	hsm_token_close(b->token);
	hsm_module_unload(b->module);
	secret_free(b->pin);
	(void)nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
ca_issuer(struct bench_ca *c)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct error e;

	if (!name_parse("CN=Bench Issuing CA,O=Acme,C=US", &c->name, &e) ||
	    !spki_parse(buf_bytes(&c->spki_der), &c->spki, &e))
		bench_fail("issuer", &e);
	c->alg = sig_alg_default(c->spki.type);
	c->issuer = (struct tbs_issuer){ .name = buf_bytes(&c->name),
		.alg = c->alg,
		.not_before_s = now_s - 86400,
		.not_after_s = now_s + INT64_C(315360000) };
	spki_key_id(&c->spki, c->issuer.key_id);
	c->tmpl =
	    tbs_template_new(profile_builtin("kafka-broker"), &c->issuer, &e);
	if (c->tmpl == NULL)
		bench_fail("template", &e);
}

void
bench_ca_open(struct bench_ca *c, struct bench *b, const char *type,
    unsigned workers)
{
	char *reg = mem_printf("%s/register-%s-%u", b->dir, type, workers);
	struct signer_config cfg = {
		.reg = { .dir = reg,
		    .origin = "bench.example/log",
		    .software = "bench",
		    .who = "bench",
		    .offline = true },
		.token = { { .token = b->token, .charter_template = "open" } },
		.tokens = 1,
		.workers = workers,
		.create = true,
		.module_name = "bench",
	};
	struct signer_keygen gen = { .label = reg,
		.claim = { .who = "bench", .why = "bench" } };
	struct error e;

	memset(c, 0, sizeof(*c));
	c->b = b;
	c->cfg = cfg;
	c->s = signer_open(&cfg, &e);
	if (c->s == NULL)
		bench_fail("signer", &e);
	if (!key_type_by_name(type, &gen.type) ||
	    !signer_key_generate(c->s, &gen, &c->key, NULL, &e))
		bench_fail("key", &e);
	buf_add_bytes(&c->spki_der,
	    hsm_key_get_info(signer_key_handle(c->s, &c->key))->spki);
	ca_issuer(c);
	/* reg is kept by the signer's configuration until the end. */
}

void
bench_ca_start(struct bench_ca *c)
{
	struct error e;

	c->cfg.create = false;
	c->s = signer_open(&c->cfg, &e);
	if (c->s == NULL)
		bench_fail("open", &e);
}

void
bench_ca_close(struct bench_ca *c)
{
	struct error e;

	tbs_template_free(c->tmpl);
	buf_free(&c->spki_der);
	buf_free(&c->name);
	if (!signer_close(c->s, &e))
		bench_fail("close", &e);
}
