/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include <chancery/base/file.h>
#include <chancery/pki/profile.h>
#include <chancery/signer/rebuild.h>

#include "faulty.h"
#include "signer_rig.h"

static struct hsm_token *
open_other(struct rig *r)
{
	const struct hsm_token_config tc = { .uri = "pkcs11:token=other",
		.read_write = true };
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct hsm_token *t;
	struct error e = { 0 };

	t = hsm_token_open(r->soft.m, &tc, pin, &e);
	must(t != NULL, &e, "other token");
	secret_free(pin);
	return t;
}

static void
open_tokens(struct rig *r)
{
	softtoken_open(&r->soft, FAULT_MODULE, true);
	r->other = open_other(r);
}

static void
close_tokens(struct rig *r)
{
	hsm_token_close(take(r->other));
	softtoken_close(&r->soft);
}

void
rig_start(struct rig *r)
{
	struct error e = { 0 };

	softtoken_make(&r->soft);
	/* The token gives up before the queue does. */
	r->soft.deadline_ms = 3000;
	softtoken_add(&r->soft, "other");
	faulty_start();
	faulty_rules("");
	open_tokens(r);
	must(name_parse("CN=HSM CA", &r->name, &e), &e, "name");
}

void
rig_stop(struct rig *r)
{
	hsm_token_close(take(r->other));
	softtoken_remove(&r->soft);
	buf_free(&r->name);
}

void
rig_setup(struct rig *r)
{
	static unsigned n;

	r->reg_dir = mem_printf("%s/register-%u", r->soft.dir, n);
	r->crl_dir = mem_printf("%s/crl-%u", r->soft.dir, n++);
	r->charter = "open";
	r->online = false;
	r->workers = 1;
	r->deadline_ms = 0;
	rig_open(r, true, 2, false);
}

void
rig_teardown(struct rig *r)
{
	faulty_rules("");
	signer_free(r->s);
	r->s = NULL;
	mem_free(take(r->reg_dir));
	mem_free(take(r->crl_dir));
}

void
rig_open(struct rig *r, bool create, size_t tokens, bool swapped)
{
	struct signer_config cfg = { .reg = { .dir = r->reg_dir,
					 .origin = "test.example/log",
					 .software = "test",
					 .who = "test",
					 .log_key = r->log,
					 .offline = !r->online },
		.tokens = tokens,
		.workers = r->workers,
		.sign_deadline_ms = r->deadline_ms,
		.crl_dir = r->crl_dir,
		.module_name = "softhsm",
		.create = create };
	struct error e;

	cfg.token[swapped ? 1 : 0].token = r->soft.t;
	cfg.token[swapped ? 0 : 1].token = r->other;
	cfg.token[0].charter_template = r->charter;
	cfg.token[1].charter_template = r->charter;
	r->s = signer_open(&cfg, &e);
	if (r->s == NULL)
		fail_msg("signer_open: %s", e.msg);
}

void
rig_close(struct rig *r)
{
	struct error e;

	if (!signer_close(take(r->s), &e))
		fail_msg("signer_close: %s", e.msg);
}

void
rig_reopen(struct rig *r)
{
	rig_close(r);
	rig_open(r, false, 2, false);
}

void
rig_killed(struct rig *r, void (*fn)(struct rig *r))
{
	int status;
	pid_t pid;

	rig_close(r);
	close_tokens(r);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		open_tokens(r);
		rig_open(r, false, 2, false);
		fn(r);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	open_tokens(r);
	rig_open(r, false, 2, false);
}

/* ---- requests ---------------------------------------------------------- */

struct signer_claim
rig_claim(void)
{
	return (struct signer_claim){ .who = "me", .why = "test" };
}

bool
rig_generate(struct rig *r, const char *type, bool destroyable,
    struct sha256 *key, struct error *e)
{
	struct signer_keygen gen = { .destroyable = destroyable,
		.claim = rig_claim() };
	auto_mem char *label = NULL;
	uint8_t random[8];
	uint64_t n;

	random_bytes(random, sizeof(random));
	memcpy(&n, random, sizeof(n));
	label = mem_printf("key-%llu", (unsigned long long)n);
	gen.label = label;
	assert_true(key_type_by_name(type, &gen.type));
	return signer_key_generate(r->s, &gen, key, NULL, e);
}

static void
spki_of(struct rig *r, const struct sha256 *key, struct spki *out)
{
	const struct state_key *k =
	    reg_state_key(reg_get_state(signer_register(r->s)), key);
	struct error e;

	assert_non_null(k);
	assert_true(spki_parse(k->spki, out, &e));
}

EVP_PKEY *
rig_public(struct rig *r, const struct sha256 *key)
{
	const struct state_key *k =
	    reg_state_key(reg_get_state(signer_register(r->s)), key);
	const unsigned char *p = k->spki.p;
	EVP_PKEY *out = d2i_PUBKEY(NULL, &p, (long)k->spki.n);

	assert_non_null(out);
	return out;
}

static void
leaf_key(struct buf *der, struct spki *out)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	unsigned char *p = NULL;
	int n = i2d_PUBKEY(k, &p);
	struct error e;

	assert_true(n > 0);
	buf_add(der, p, (size_t)n);
	OPENSSL_free(p);
	EVP_PKEY_free(k);
	assert_true(spki_parse(buf_bytes(der), out, &e));
}

static void
leaf_tbs(struct rig *r, const struct spki *ca, struct buf *out)
{
	const struct general_name san = { GN_DNS, bytes_str("a.example") };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct tbs_issuer issuer = { .name = buf_bytes(&r->name),
		.alg = sig_alg_default(ca->type),
		.not_before_s = now_s - 86400,
		.not_after_s = now_s + 864000 };
	struct tbs_request req = { .san = &san,
		.san_count = 1,
		.not_before_s = now_s,
		.not_after_s = now_s + 86400 };
	auto_tbs_template struct tbs_template *t = NULL;
	auto_buf struct buf subject = { 0 }, der = { 0 };
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	struct spki leaf;
	struct error e;

	leaf_key(&der, &leaf);
	spki_key_id(ca, issuer.key_id);
	t = tbs_template_new(profile_builtin("kafka-broker"), &issuer, &e);
	if (t == NULL || !name_parse("CN=a.example", &subject, &e) ||
	    !signer_serials(r->s, 1, serial, &e))
		fail_msg("request: %s", e.msg);
	req.key = &leaf;
	req.serial = bytes_of(serial[0], LIMIT_SERIAL_BYTES);
	req.subject = buf_bytes(&subject);
	if (!tbs_write(t, &req, out, &e))
		fail_msg("tbs: %s", e.msg);
}

bool
rig_certify(struct rig *r, const struct sha256 *key, struct buf *cert,
    struct signer_reply *out, struct error *e)
{
	auto_buf struct buf tbs = { 0 }, sig = { 0 };
	struct signer_certify req = { .key = *key,
		.claim = rig_claim(),
		.retry_of = UINT64_MAX };
	struct spki ca;

	*out = (struct signer_reply){ .intent = UINT64_MAX };
	spki_of(r, key, &ca);
	leaf_tbs(r, &ca, &tbs);
	req.tbs = buf_bytes(&tbs);
	if (!signer_certify_wait(r->s, &req, &sig, out, e)) {
		assert_int_equal(sig.n, 0);
		return false;
	}
	if (cert != NULL)
		cert_assemble(buf_bytes(&tbs), sig_alg_default(ca.type),
		    buf_bytes(&sig), cert);
	return true;
}

bool
rig_crl(struct rig *r, const struct sha256 *key, struct signer_reply *out,
    struct buf *file, struct error *e)
{
	struct signer_crl req = { .key = *key,
		.issuer = buf_bytes(&r->name),
		.scope = "full",
		.period_s = 86400,
		.claim = rig_claim() };
	auto_mem char *path = mem_printf("%s-%llu.crl", r->crl_dir,
	    (unsigned long long)reg_size(signer_register(r->s)));
	struct spki ca;

	spki_of(r, key, &ca);
	req.alg = sig_alg_default(ca.type);
	spki_key_id(&ca, req.issuer_key_id);
	req.path = path;
	if (!signer_sign_crl_wait(r->s, &req, out, e))
		return false;
	return file == NULL || file_read(path, 1 << 20, file, e);
}

/* ---- what the register says -------------------------------------------- */

struct listing {
	struct buf *out;
	enum record_type type;
	size_t n;
};

static bool
list_each(void *arg, unused_arg struct bytes line, const struct record *rec,
    unused_arg struct error *e)
{
	struct listing *l = arg;

	if (l->out != NULL) {
		buf_add_str(l->out, record_spec(rec->type)->name);
		buf_add_byte(l->out, ' ');
	}
	l->n += rec->type == l->type;
	return true;
}

void
rig_records(struct rig *r, uint64_t from, struct buf *out)
{
	struct listing l = { .out = out };
	struct error e;

	if (!reg_walk(r->reg_dir, from, list_each, &l, &e))
		fail_msg("reg_walk: %s", e.msg);
	(void)buf_cstr(out);
}

size_t
rig_count(struct rig *r, enum record_type type)
{
	struct listing l = { .type = type };
	struct error e;

	if (!reg_walk(r->reg_dir, 0, list_each, &l, &e))
		fail_msg("reg_walk: %s", e.msg);
	return l.n;
}

void
rig_verify(struct rig *r)
{
	struct reg_verify_options opt = { .check_sig = rebuild_check_sig,
		.arg = signer_register(r->s) };
	struct reg_verify_report report;
	struct error e;

	if (!reg_verify(r->reg_dir, &opt, &report, &e))
		fail_msg("reg_verify: %s", e.msg);
	assert_int_equal(report.signatures_checked, report.signed_);
	assert_int_equal(report.intents,
	    report.signed_ + report.failed + report.assumed +
		report.open_intents);
}
