/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that the crash matrix kills: a signer on SoftHSM that does a bit of
 * everything.
 *
 *   crash_worker prepare DIR        token, register, CA key
 *   crash_worker work DIR OUT       certify, revoke, CRL; what was released goes to
 *                                   OUT, and each digest given to C_Sign
 *   crash_worker check DIR OUT      start again, sign once more, then hold OUT
 *                                   against the register
 *
 * OUT lines: "S <digest hex>" before C_Sign, "R <index of SIGNED> <signature hex>"
 * after a release. `check` exits 0 when all promises held, else says which did not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/x509.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/pki/profile.h>
#include <chancery/pki/tbs.h>
#include <chancery/signer/signer.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define CERTS 6
#define ROUNDS 4

static int out_fd = -1;

static _Noreturn void
stop(const char *what, const struct error *e)
{
	(void)fprintf(stderr, "crash_worker: %s: %s\n", what, e->msg);
	hsm_exit(1);
}

static void
say(char kind, uint64_t n, struct bytes v)
{
	auto_buf struct buf line = { 0 };

	buf_addf(&line, "%c %llu ", kind, (unsigned long long)n);
	buf_add_hex(&line, v);
	buf_add_byte(&line, '\n');
	if (out_fd >= 0 && write(out_fd, line.p, line.n) != (ssize_t)line.n)
		fatal("the worker's own notes");
}

/* hsm_sign, with a note of what is about to be signed. */
static bool
noted_sign(unused_arg void *arg, struct hsm_key *key, enum sig_alg alg,
    struct bytes in, struct buf *sig, unsigned *attempts, struct error *e)
{
	say('S', 0, in);
	return hsm_sign(key, alg, in, sig, attempts, e);
}

struct rig {
	struct secret *pin;
	struct hsm_module *module;
	struct hsm_token *token;
	struct signer *s;
	struct sha256 key;
	struct buf spki_der, name;
	struct spki spki;
	char *reg, *crl, *anchor;
};

static void
open_token(struct rig *r, const char *dir)
{
	struct hsm_module_config mc = { .path = getenv("CRASH_MODULE") };
	const struct hsm_token_config tc = { .uri = "pkcs11:token=crash",
		.read_write = true };
	auto_mem char *conf = path_join(dir, "softhsm2.conf");
	struct error e;

	if (!hsm_softtoken_mend(dir, &e))
		stop("mend", &e);
	if (mc.path == NULL)
		mc.path = SOFTHSM;
	r->pin = secret_new(16);
	if (setenv("SOFTHSM2_CONF", conf, 1) != 0 ||
	    !secret_set(r->pin, "1234", 4))
		fatal("setenv");
	r->module = hsm_module_load(&mc, &e);
	if (r->module == NULL)
		stop("module", &e);
	r->token = hsm_token_open(r->module, &tc, r->pin, &e);
	if (r->token == NULL)
		stop("token", &e);
	if (!hsm_softtoken_keep(dir, &e))
		stop("keep", &e);
}

static void
open_signer(struct rig *r, const char *dir, bool create)
{
	struct signer_config cfg = { .reg = { .origin = "crash.example/log",
					 .software = "crash",
					 .who = "crash",
					 .offline = true,
					 .segment_bytes = 8192 },
		.tokens = 1,
		.workers = 2,
		.create = create,
		.sign = noted_sign,
		.module_name = "softhsm" };
	struct error e;

	r->reg = path_join(dir, "register");
	r->crl = path_join(dir, "crl");
	r->anchor = path_join(dir, "anchor");
	if (!dir_create(r->anchor, 0700, &e))
		stop("anchor", &e);
	cfg.reg.dir = r->reg;
	cfg.reg.anchor_dir = r->anchor;
	cfg.crl_dir = r->crl;
	cfg.token[0].token = r->token;
	cfg.token[0].charter_template = "open";
	r->s = signer_open(&cfg, &e);
	if (r->s == NULL)
		stop("signer", &e);
}

static void
find_key(struct rig *r)
{
	const struct reg_state *st = reg_get_state(signer_register(r->s));
	struct error e;

	if (reg_state_keys(st) == 0)
		fatal("the register lost its key");
	r->key = reg_state_key_at(st, 0)->key;
	buf_add_bytes(&r->spki_der, reg_state_key_at(st, 0)->spki);
	if (!spki_parse(buf_bytes(&r->spki_der), &r->spki, &e) ||
	    !name_parse("CN=Crash CA", &r->name, &e))
		stop("key", &e);
}

static void
close_all(struct rig *r)
{
	struct error e;

	if (!signer_close(r->s, &e))
		stop("close", &e);
	hsm_token_close(r->token);
	hsm_module_unload(r->module);
	secret_free(r->pin);
	buf_free(&r->spki_der);
	buf_free(&r->name);
	mem_free(r->reg);
	mem_free(r->crl);
	mem_free(r->anchor);
}

static int
prepare(const char *dir)
{
	struct signer_keygen gen = { .type = { KEY_EC_P256, 0 },
		.label = "crash-ca",
		.claim = { .who = "crash", .why = "crash" } };
	struct secret *so = secret_new(16);
	struct rig r = { 0 };
	struct error e;

	r.pin = secret_new(16);
	if (!secret_set(so, "12345678", 8) || !secret_set(r.pin, "1234", 4) ||
	    !hsm_softtoken_create(SOFTHSM, dir, "crash", so, r.pin, &e))
		stop("softtoken", &e);
	secret_free(so);
	secret_free(r.pin);
	open_token(&r, dir);
	open_signer(&r, dir, true);
	if (!signer_key_generate(r.s, &gen, &r.key, NULL, &e))
		stop("key", &e);
	close_all(&r);
	return 0;
}

/* ---- work -------------------------------------------------------------- */

static uint64_t last_signed;

static void
released(void *arg, const struct signer_reply *a)
{
	unsigned *failed = arg;

	if (!a->ok) {
		(*failed)++;
		return;
	}
	last_signed = a->signed_;
	say('R', a->signed_, a->sig);
}

static void
certify(struct rig *r, unsigned *failed)
{
	struct tbs_issuer issuer = { .name = buf_bytes(&r->name),
		.alg = SIG_ECDSA_SHA256 };
	auto_tbs_template struct tbs_template *t = NULL;
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	const struct general_name san = { GN_DNS, bytes_str("a.example") };
	auto_buf struct buf subject = { 0 };
	auto_buf struct buf tbs = { 0 };
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	struct tbs_request req = { .key = &r->spki,
		.san = &san,
		.san_count = 1,
		.not_before_s = now_s,
		.not_after_s = now_s + 86400 };
	struct signer_certify c = { .key = r->key,
		.retry_of = UINT64_MAX,
		.claim = { .who = "crash", .why = "crash" } };
	EVP_PKEY *leaf = EVP_EC_gen("P-256");
	auto_buf struct buf leaf_der = { 0 };
	struct spki leaf_key;
	uint8_t *p;
	struct error e;

	p = buf_reserve(&leaf_der, 256);
	buf_commit(&leaf_der, (size_t)i2d_PUBKEY(leaf, &p));
	EVP_PKEY_free(leaf);
	spki_key_id(&r->spki, issuer.key_id);
	issuer.not_before_s = now_s - 86400;
	issuer.not_after_s = now_s + 864000;
	t = tbs_template_new(profile_builtin("kafka-broker"), &issuer, &e);
	if (t == NULL || !spki_parse(buf_bytes(&leaf_der), &leaf_key, &e) ||
	    !name_parse("CN=a.example", &subject, &e) ||
	    !signer_serials(r->s, 1, serial, &e))
		stop("request", &e);
	req.key = &leaf_key;
	req.serial = bytes_of(serial[0], LIMIT_SERIAL_BYTES);
	req.subject = buf_bytes(&subject);
	if (!tbs_write(t, &req, &tbs, &e))
		stop("tbs", &e);
	c.tbs = buf_bytes(&tbs);
	if (!signer_certify(r->s, &c, released, failed, &e))
		(*failed)++;
}

static bool
crl(struct rig *r, struct error *e)
{
	struct signer_crl c = { .key = r->key,
		.issuer = buf_bytes(&r->name),
		.alg = SIG_ECDSA_SHA256,
		.scope = "full",
		.period_s = 86400,
		.claim = { .who = "crash", .why = "crash" } };
	struct signer_reply a;

	spki_key_id(&r->spki, c.issuer_key_id);
	return signer_sign_crl_wait(r->s, &c, &a, e);
}

/* Certificates in flight together, then one revoked, then the list. */
static void
round_of_work(struct rig *r, unsigned certs, unsigned *failed)
{
	struct signer_revoke rev = { .key = r->key,
		.reason = CRL_SUPERSEDED,
		.claim = { .who = "crash", .why = "crash" } };
	struct signer_reply a;
	struct error e;
	unsigned i;

	for (i = 0; i < certs; i++)
		certify(r, failed);
	if (!signer_drain(r->s, &e))
		stop("drain", &e);
	rev.cert = last_signed;
	if (*failed == 0 && !signer_revoke_wait(r->s, &rev, &a, &e))
		stop("revoke", &e);
	if (!crl(r, &e))
		stop("crl", &e);
}

static int
work(const char *dir)
{
	struct rig r = { 0 };
	unsigned failed = 0;
	int i;

	open_token(&r, dir);
	open_signer(&r, dir, false);
	find_key(&r);
	for (i = 0; i < ROUNDS; i++)
		round_of_work(&r, i % 2 == 0 ? CERTS : 1, &failed);
	close_all(&r);
	return failed == 0 ? 0 : 2;
}

/* ---- check ------------------------------------------------------------- */

/* What the register knows, as text lines in the notes' own form. */
struct known {
	struct buf signed_; /* "R n hex\n" */
	struct buf intents; /* "S 0 digest\n" */
};

static bool
remember(void *arg, unused_arg struct bytes line, const struct record *rec,
    unused_arg struct error *e)
{
	struct known *k = arg;

	if (rec->type == REC_INTENT) {
		buf_add_str(&k->intents, "S 0 ");
		buf_add_hex(&k->intents, record_get(rec, "sha256"));
		buf_add_byte(&k->intents, '\n');
	} else if (rec->type == REC_SIGNED) {
		buf_addf(&k->signed_, "R %llu ", (unsigned long long)rec->n);
		buf_add_hex(&k->signed_, record_get(rec, "sig"));
		buf_add_byte(&k->signed_, '\n');
	}
	return true;
}

static bool
check_sig(unused_arg void *arg, const struct record *intent,
    const struct record *signed_, struct bytes spki, struct error *e)
{
	struct bytes digest = record_get(intent, "sha256");
	struct spki k;

	return spki_parse(spki, &k, e) &&
	    spki_verify_digest(&k, SIG_ECDSA_SHA256, digest,
		record_get(signed_, "sig"), e);
}

/* Each line of the notes must stand, whole, among what the register knows. */
static int
compare_notes(struct known *k, struct buf *notes)
{
	const char *at = buf_cstr(notes), *end;
	int wrong = 0;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		auto_mem char *line = mem_printf("%.*s\n", (int)(end - at), at);
		const char *in =
		    *at == 'S' ? buf_cstr(&k->intents) : buf_cstr(&k->signed_);

		if (strstr(in, line) == NULL) {
			(void)fprintf(stderr, "not in the register: %s", line);
			wrong = 1;
		}
	}
	return wrong;
}

static int
check(const char *dir, const char *out)
{
	struct reg_verify_options opt = { .check_sig = check_sig };
	struct reg_verify_report report;
	struct known k = { 0 };
	struct buf notes = { 0 };
	struct rig r = { 0 };
	unsigned failed = 0;
	struct error e;
	auto_mem char *reg = path_join(dir, "register");
	auto_mem char *anchor = path_join(dir, "anchor");

	open_token(&r, dir);
	open_signer(&r, dir, false);
	find_key(&r);
	certify(&r, &failed);
	if (!signer_drain(r.s, &e) || !crl(&r, &e))
		stop("after the restart", &e);
	close_all(&r);
	opt.anchor_dir = anchor;
	if (!reg_verify(reg, &opt, &report, &e))
		stop("verify", &e);
	if (failed > 0 || report.open_intents > 0)
		fatal("the signer did not come back whole");
	if (!reg_walk(reg, 0, remember, &k, &e) ||
	    !file_read(out, 1 << 20, &notes, &e))
		stop("notes", &e);
	return compare_notes(&k, &notes);
}

int
main(int argc, char **argv)
{
	int status;

	if (argc >= 4)
		out_fd = open(argv[3],
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (argc == 3 && strcmp(argv[1], "prepare") == 0)
		status = prepare(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "work") == 0)
		status = work(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "check") == 0)
		status = check(argv[2], argv[3]);
	else
		status = 64;
	hsm_exit(status);
}
