/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include <chancery/base/file.h>
#include <chancery/charter/charter.h>
#include <chancery/pki/profile.h>
#include <chancery/signer/rebuild.h>

#include "signer_fixture.h"

static bool
fake_sign(void *arg, unused_arg struct hsm_key *key, enum sig_alg alg,
    struct bytes in, struct buf *sig, unsigned *attempts, struct error *e)
{
	struct fixture *f = arg;
	EVP_PKEY_CTX *ctx;
	size_t n = 256;

	assert_int_equal(alg, SIG_ECDSA_SHA256);
	f->signs++;
	*attempts = 0;
	switch (f->mode) {
	case FAKE_GOOD:
		break;
	case FAKE_FAIL_UNSIGNED:
		return error_set(e, FAIL_HSM_GONE, "no session");
	case FAKE_FAIL_SIGNED:
		*attempts = 2;
		return error_set(e, FAIL_HSM_GONE, "token removed");
	case FAKE_DIE:
		(void)kill(getpid(), SIGKILL);
	}
	*attempts = 1;
	ctx = EVP_PKEY_CTX_new(f->ca, NULL);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, buf_reserve(sig, n), &n, in.p,
			     in.n),
	    1);
	buf_commit(sig, n);
	EVP_PKEY_CTX_free(ctx);
	return true;
}

static bool
log_sign(void *arg, struct bytes message, uint8_t sig[64],
    unused_arg struct error *e)
{
	struct fixture *f = arg;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 64;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, f->log), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, message.p, message.n), 1);
	EVP_MD_CTX_free(ctx);
	return true;
}

static int64_t
fixture_wall(void *arg)
{
	const struct fixture *f = arg;

	return f->now_ms != 0 ? f->now_ms : clock_wall_ms(&clock_system);
}

/* The tests move the wall clock; drift against this one is not their subject. */
static int64_t
fixture_boot(void *arg)
{
	return fixture_wall(arg);
}

static const char *
origin_of(const struct fixture *f)
{
	return f->origin != NULL ? f->origin : "test.example/log";
}

struct signer_config
fixture_config(struct fixture *f)
{
	return (struct signer_config){
		.reg = { .dir = f->reg_dir,
		    .origin = origin_of(f),
		    .clock = &f->clock,
		    .log_key = &f->log_signer,
		    .anchor_dir = f->anchor_dir,
		    .software = "test",
		    .who = "test",
		    .offline = !f->online,
		    .segment_bytes = f->segment_bytes },
		.sign = fake_sign,
		.sign_arg = f,
		.crl_dir = f->crl_dir,
		.list_part = f->list_part,
		.foreign_responders = f->foreign_responders,
	};
}

static void
spki_of(EVP_PKEY *k, struct buf *der, struct spki *out)
{
	unsigned char *p = NULL;
	struct error e;
	int n = i2d_PUBKEY(k, &p);

	assert_true(n > 0);
	buf_add(der, p, (size_t)n);
	OPENSSL_free(p);
	assert_true(spki_parse(buf_bytes(der), out, &e));
}

static void
append(struct reg *r, const struct record *rec)
{
	struct error e;
	uint64_t n;

	if (!reg_append(r, rec, (struct bytes){ 0 }, &n, &e) ||
	    !reg_commit(r, &e))
		fail_msg("append: %s", e.msg);
}

/* What KEY_GENERATE would have written. */
static void
enrol_key(struct fixture *f, struct reg *r)
{
	auto_charter struct charter *c =
	    charter_template(f->charter != NULL ? f->charter : "open");
	auto_buf struct buf json = { 0 };
	static const uint8_t id[20] = { 1, 2, 3 };
	struct record rec;

	assert_non_null(c);
	charter_to_json(c, &json);
	record_init(&rec, REC_KEYGEN_INTENT);
	record_bytes(&rec, "id", bytes_of(id, sizeof(id)));
	record_text(&rec, "label", "ca");
	record_text(&rec, "token", "0001");
	record_text(&rec, "type", "ec-p256");
	record_text(&rec, "who", "test");
	record_text(&rec, "why", "test");
	append(r, &rec);
	record_init(&rec, REC_KEYGEN_DONE);
	record_int(&rec, "intent", (int64_t)reg_size(r) - 1);
	record_hash(&rec, "key", &f->key);
	record_text(&rec, "module", "fake");
	record_bytes(&rec, "spki", buf_bytes(&f->ca_spki));
	append(r, &rec);
	if (f->no_charter)
		return;
	record_init(&rec, REC_CHARTER);
	record_json(&rec, "charter", buf_bytes(&json));
	record_hash(&rec, "key", &f->key);
	record_text(&rec, "who", "test");
	record_text(&rec, "why", "test");
	append(r, &rec);
}

void
fixture_make(struct fixture *f)
{
	struct signer_config cfg;
	uint8_t pub[32];
	size_t n = sizeof(pub);
	struct error e;
	struct reg *r;

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/chancery-signer-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->reg_dir = path_join(f->dir, "register");
	f->anchor_dir = path_join(f->dir, "anchor");
	f->crl_dir = path_join(f->dir, "crl");
	assert_true(dir_create(f->anchor_dir, 0700, &e));
	f->clock = (struct clock){ fixture_wall, fixture_boot, f };
	f->ca = EVP_EC_gen("P-256");
	f->leaf = EVP_EC_gen("P-256");
	f->log = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	spki_of(f->ca, &f->ca_spki, &f->ca_key);
	spki_of(f->leaf, &f->leaf_spki, &f->leaf_key);
	f->key = sha256(buf_bytes(&f->ca_spki));
	assert_true(
	    name_parse("CN=Test Issuing CA,O=Acme,C=US", &f->ca_name, &e));
	assert_int_equal(EVP_PKEY_get_raw_public_key(f->log, pub, &n), 1);
	note_key_init(&f->log_signer.key, origin_of(f), 1, pub);
	f->log_signer.sign = log_sign;
	f->log_signer.arg = f;
	cfg = fixture_config(f);
	r = reg_create(&cfg.reg, &e);
	if (r == NULL)
		fail_msg("reg_create: %s", e.msg);
	enrol_key(f, r);
	reg_close(r);
}

void
fixture_open(struct fixture *f)
{
	struct signer_config cfg = fixture_config(f);
	struct error e;

	f->s = signer_open(&cfg, &e);
	if (f->s == NULL)
		fail_msg("signer_open: %s", e.msg);
}

int
fixture_setup(struct fixture *f, struct fixture how)
{
	*f = how;
	fixture_make(f);
	fixture_open(f);
	return 0;
}

void
fixture_close(struct fixture *f)
{
	struct error e;

	if (f->s != NULL && !signer_close(f->s, &e))
		fail_msg("signer_close: %s", e.msg);
	f->s = NULL;
}

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *at)
{
	return remove(path);
}

void
fixture_free(struct fixture *f)
{
	signer_free(f->s);
	EVP_PKEY_free(f->ca);
	EVP_PKEY_free(f->log);
	EVP_PKEY_free(f->leaf);
	buf_free(&f->ca_spki);
	buf_free(&f->leaf_spki);
	buf_free(&f->ca_name);
	mem_free(f->reg_dir);
	mem_free(f->anchor_dir);
	mem_free(f->crl_dir);
	(void)nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
fixture_tbs(struct fixture *f, const char *profile, const uint8_t *serial,
    struct buf *out)
{
	struct tbs_issuer issuer = { .name = buf_bytes(&f->ca_name),
		.alg = SIG_ECDSA_SHA256 };
	const struct profile *p = profile_builtin(profile);
	auto_tbs_template struct tbs_template *t = NULL;
	auto_buf struct buf subject = { 0 };
	const struct general_name san = { GN_DNS, bytes_str("broker.example") };
	int64_t now_s = fixture_wall(f) / 1000;
	uint8_t own[1][LIMIT_SERIAL_BYTES];
	struct tbs_request r = { 0 };
	struct error e;

	assert_non_null(p);
	spki_key_id(&f->ca_key, issuer.key_id);
	issuer.not_before_s = now_s - 86400;
	issuer.not_after_s = now_s + 10 * 365L * 86400;
	t = tbs_template_new(p, &issuer, &e);
	if (t == NULL)
		fail_msg("tbs_template_new: %s", e.msg);
	if (serial == NULL) {
		assert_true(signer_serials(f->s, 1, own, &e));
		serial = own[0];
	}
	if (f->self)
		buf_add_bytes(&subject, buf_bytes(&f->ca_name));
	else
		assert_true(
		    name_parse("CN=broker.example,O=Acme,C=US", &subject, &e));
	r.serial = bytes_of(serial, LIMIT_SERIAL_BYTES);
	r.not_before_s = now_s;
	r.not_after_s = now_s + (f->life_s != 0 ? f->life_s : 86400);
	r.subject = buf_bytes(&subject);
	r.key = f->self ? &f->ca_key : &f->leaf_key;
	r.san = p->san_allowed ? &san : NULL;
	r.san_count = p->san_allowed ? 1 : 0;
	if (!tbs_write(t, &r, out, &e))
		fail_msg("tbs_write: %s", e.msg);
}

struct signer_certify
fixture_request(struct fixture *f, const struct buf *tbs)
{
	return (struct signer_certify){ .key = f->key,
		.tbs = buf_bytes(tbs),
		.profile = "test",
		.claim = { .who = "me", .why = "test" },
		.retry_of = UINT64_MAX };
}

bool
fixture_certify(struct fixture *f, const char *profile,
    struct signer_reply *out, struct error *e)
{
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;

	fixture_tbs(f, profile, NULL, &tbs);
	req = fixture_request(f, &tbs);
	return signer_certify_wait(f->s, &req, NULL, out, e);
}

struct signer_crl
fixture_crl(struct fixture *f)
{
	struct signer_crl c = { .key = f->key,
		.issuer = buf_bytes(&f->ca_name),
		.alg = SIG_ECDSA_SHA256,
		.scope = "full",
		.period_s = 7L * 86400,
		.claim = { .who = "me", .why = "test" } };

	spki_key_id(&f->ca_key, c.issuer_key_id);
	return c;
}

void
fixture_verify(struct fixture *f, struct reg_verify_report *out)
{
	struct reg_verify_options opt = { .anchor_dir = f->anchor_dir,
		.check_sig = rebuild_check_sig };
	struct signer_config cfg = fixture_config(f);
	auto_reg struct reg *r = NULL;
	struct error e;

	fixture_close(f);
	r = reg_open_read(&cfg.reg, &e);
	if (r == NULL)
		fail_msg("reg_open_read: %s", e.msg);
	opt.arg = r;
	if (!reg_verify(f->reg_dir, &opt, out, &e))
		fail_msg("reg_verify: %s", e.msg);
}

struct counter {
	enum record_type type;
	size_t n;
	uint64_t last;
};

static bool
count_each(void *arg, unused_arg struct bytes line, const struct record *rec,
    unused_arg struct error *e)
{
	struct counter *c = arg;

	if (rec->type == c->type) {
		c->n++;
		c->last = rec->n;
	}
	return true;
}

size_t
fixture_count(struct fixture *f, enum record_type type, uint64_t *last)
{
	struct counter c = { .type = type };
	struct error e;

	if (!reg_walk(f->reg_dir, 0, count_each, &c, &e))
		fail_msg("reg_walk: %s", e.msg);
	if (last != NULL)
		*last = c.last;
	return c.n;
}
