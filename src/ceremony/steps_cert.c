/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/catalog.h>
#include <chancery/ceremony/issue.h>
#include <chancery/pki/name.h>

#include "internal.h"

static const struct plan_authority *
root_of(const struct ceremony *c)
{
	return &c->plan->root;
}

static bool
is_root(const struct ceremony *c)
{
	return step_authority(c) == root_of(c);
}

/* Key hash by label, from whichever side of the register is open. */
static bool
key_hash(struct ceremony *c, const char *label, struct sha256 *out,
    struct error *e)
{
	auto_reg struct reg *r = NULL;
	const struct reg_state *s;
	const struct state_key *k;

	if (c->session != NULL && c->session->signer != NULL) {
		s = reg_get_state(signer_register(c->session->signer));
	} else {
		r = session_read_register(c->home, e);
		if (r == NULL)
			return false;
		s = reg_get_state(r);
	}
	k = find_key(s, label, e);
	if (k == NULL)
		return false;
	*out = k->key;
	return true;
}

static bool
certificate_of(struct ceremony *c, const struct plan_authority *a,
    struct cert *out, struct error *e)
{
	struct sha256 key;

	return key_hash(c, a->label, &key, e) &&
	    catalog_issuer(c->home->register_dir, &key, out, NULL, e);
}

/* ---- the certificate ----------------------------------------------------------- */

static bool
write_certificate(struct ceremony *c, const struct plan_authority *a,
    struct bytes der, struct error *e)
{
	auto_buf struct buf pem = { 0 };

	pem_encode("CERTIFICATE", der, &pem);
	return output_settle(c, a->file, buf_bytes(&pem), e);
}

bool
restore_certificate(struct ceremony *c, struct error *e)
{
	const struct plan_authority *a = step_authority(c);
	auto_cert struct cert cert = { 0 };

	return certificate_of(c, a, &cert, e) &&
	    write_certificate(c, a, buf_bytes(&cert.der), e);
}

static bool
show_tbs(struct ceremony *c, const struct issue *i, struct error *e)
{
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE],
	    serial[2 * LIMIT_SERIAL_BYTES + 1];
	auto_buf struct buf subject = { 0 };

	time_format_s(i->not_before_s, from);
	time_format_s(i->not_after_s, to);
	hex_encode(bytes_of(i->serial, LIMIT_SERIAL_BYTES), serial);
	if (!name_format(i->subject, &subject, e) ||
	    !show(c, "subject", e, "%s", buf_cstr(&subject)) ||
	    !show(c, "serial", e, "%s", serial) ||
	    !show(c, "not before", e, "%s", from) ||
	    !show(c, "not after", e, "%s", to))
		return false;
	for (size_t k = 0; k < i->lint.n; k++)
		if (!show(c, "lint", e, "%s (%s): %s", i->lint.v[k].rule->name,
			i->lint.v[k].rule->source, i->lint.v[k].text))
			return false;
	return show(c, "lint", e,
		   "%zu findings, none that stops; rehearsed with a "
		   "throw-away key over the very bytes",
		   i->lint.n) &&
	    show_hash(c, "TBS hash, before signing", &i->tbs_hash, e);
}

/* An INTENT of an aborted run whose signature nobody knows: the new one says what
 * it repeats. */
struct last_attempt {
	struct sha256 key;
	struct bytes subject_key;
	uint64_t intent;
};

static bool
attempt_entry(void *arg, const struct catalog_entry *en, struct error *e)
{
	struct last_attempt *l = arg;
	struct tbs_view v;

	if (!en->ca || !en->assumed ||
	    !bytes_eq(sha256_bytes(&en->key), sha256_bytes(&l->key)))
		return true;
	if (!tbs_parse(en->tbs, &v, e))
		return false;
	if (bytes_eq(v.spki_der, l->subject_key))
		l->intent = en->intent;
	return true;
}

struct certifying {
	struct issue i;
	struct profile profile;
	struct cert issuer;
	struct buf subject, spki;
	struct spki key;
};

static void
certifying_free(struct certifying *x)
{
	issue_free(&x->i);
	cert_free(&x->issuer);
	buf_free(&x->subject);
	buf_free(&x->spki);
}

static bool
fill(struct ceremony *c, const struct plan_authority *a, struct certifying *x,
    struct error *e)
{
	auto_mem char *subject = NULL;
	struct reg *reg = signer_register(c->session->signer);
	const struct state_key *k = find_key(reg_get_state(reg), a->label, e);

	if (k == NULL ||
	    !plan_subject(a->subject, c->opt->rehearse, &subject, e) ||
	    !name_parse(subject, &x->subject, e))
		return false;
	buf_add_bytes(&x->spki, k->spki);
	if (!spki_parse(buf_bytes(&x->spki), &x->key, e) ||
	    !spki_check_strong(&x->key, e))
		return false;
	plan_profile(a, is_root(c), &x->profile);
	x->i.key = k->key;
	x->i.alg = sig_alg_default(x->key.type);
	if (!is_root(c)) {
		if (!certificate_of(c, root_of(c), &x->issuer, e) ||
		    !key_hash(c, root_of(c)->label, &x->i.key, e))
			return false;
		x->i.issuer = &x->issuer;
		x->i.alg = sig_alg_default(x->issuer.tbs.key.type);
	}
	x->i.signer = c->session->signer;
	x->i.profile = &x->profile;
	x->i.subject = buf_bytes(&x->subject);
	x->i.subject_key = &x->key;
	/* The root's backdate counts from its own notBefore. */
	x->i.life_s = is_root(c) ? a->life_s : 0;
	x->i.now_s = clock_wall_ms(&clock_system) / 1000;
	x->i.strict = true;
	x->i.claim = ceremony_claim(c);
	return true;
}

static bool
find_attempt(struct ceremony *c, struct certifying *x, struct error *e)
{
	struct last_attempt l = { .key = x->i.key,
		.subject_key = buf_bytes(&x->spki),
		.intent = UINT64_MAX };

	if (!catalog_walk(c->home->register_dir, attempt_entry, &l, e))
		return false;
	x->i.retry_of = l.intent;
	return l.intent == UINT64_MAX ||
	    show(c, "earlier attempt", e,
		"record %llu counts as signed; this is another "
		"certificate with another serial",
		(unsigned long long)l.intent);
}

static bool
sign_certificate(struct ceremony *c, const struct plan_authority *a,
    struct certifying *x, struct error *e)
{
	const struct step *s = NULL;

	for (size_t i = 0; i < steps_count; i++)
		if (strncmp(c->step, steps[i].id, strlen(steps[i].id)) == 0)
			s = &steps[i];
	if (s == NULL)
		fatal("step %s is not in the table", c->step);
	if (!fill(c, a, x, e) || !find_attempt(c, x, e) ||
	    !issue_prepare(&x->i, e) || !show_tbs(c, &x->i, e) ||
	    !confirm(c, s->words, e) || !issue_sign(&x->i, e))
		return false;
	return true;
}

bool
step_certificate(struct ceremony *c, struct error *e)
{
	const struct plan_authority *a = step_authority(c);
	auto_cleanup(certifying_free) struct certifying x = { 0 };
	auto_cert struct cert have = { 0 };
	struct error none = { 0 };
	struct sha256 h;

	/* SIGNED in an earlier run: the file is written again, nothing signed. */
	if (certificate_of(c, a, &have, &none)) {
		h = sha256(buf_bytes(&have.der));
		return show(c, "earlier attempt", e,
			   "the certificate is in the register") &&
		    show_hash(c, "certificate hash", &h, e) &&
		    write_certificate(c, a, buf_bytes(&have.der), e);
	}
	if (none.why != FAIL_NOT_FOUND) {
		*e = none;
		return false;
	}
	return sign_certificate(c, a, &x, e) &&
	    show_hash(c, "certificate hash", &x.i.hash, e) &&
	    write_certificate(c, a, buf_bytes(&x.i.der), e);
}

/* ---- independent check --------------------------------------------------------- */

static bool
show_program(struct ceremony *c, struct error *e)
{
	const char *argv[] = { c->plan->openssl, "version", NULL };
	auto_buf struct buf text = { 0 };
	int status;

	if (!run_program(c->plan->openssl, argv, &text, &status, e))
		return false;
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	return show(c, "checked with", e, "%s", buf_cstr(&text));
}

bool
step_check(struct ceremony *c, struct error *e)
{
	auto_mem char *root = path_join(c->out_dir, root_of(c)->file);
	auto_mem char *file = path_join(c->out_dir, step_authority(c)->file);
	const char *argv[] = { c->plan->openssl, "verify", "-check_ss_sig",
		"-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", root,
		file, NULL };
	auto_buf struct buf text = { 0 };
	int status;

	if (!show_program(c, e) ||
	    !run_program(c->plan->openssl, argv, &text, &status, e))
		return false;
	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (!show(c, "openssl verify", e, "%s", buf_cstr(&text)))
		return false;
	return status == 0 ||
	    error_set(e, FAIL_CRYPTO, "openssl verify ended with status %d",
		status);
}

/* ---- CRL -------------------------------------------------------------------------- */

static bool
write_crl(struct ceremony *c, uint64_t number, struct error *e)
{
	auto_buf struct buf der = { 0 }, pem = { 0 };
	auto_cert struct cert root = { 0 };
	struct sha256 h, key;

	if (!key_hash(c, root_of(c)->label, &key, e) ||
	    !certificate_of(c, root_of(c), &root, e) ||
	    !kept_crl_read(c->home, &key, number, &root, &der, e))
		return false;
	h = sha256(buf_bytes(&der));
	pem_encode("X509 CRL", buf_bytes(&der), &pem);
	return show_hash(c, "CRL hash", &h, e) &&
	    output_settle(c, c->plan->crl.file, buf_bytes(&pem), e);
}

static bool
note_crl(struct ceremony *c, uint64_t number, struct error *e)
{
	auto_mem char *text = mem_printf("%llu", (unsigned long long)number);

	return note(c, "crl", e, "number", text, NULL);
}

bool
restore_crl(struct ceremony *c, struct error *e)
{
	auto_mem char *out = path_join(c->out_dir, c->plan->crl.file);
	const struct journal_entry *en =
	    journal_find(c->journal, "crl", c->step);
	auto_buf struct buf text = { 0 };
	uint64_t number;

	if (access(out, F_OK) == 0)
		return true;
	if (en == NULL || !journal_get_text(en, "number", &text) ||
	    !parse_u64(buf_cstr(&text), 1, INT64_MAX, &number))
		return error_set(e, FAIL_CORRUPT,
		    "the journal does not say which CRL it is");
	return write_crl(c, number, e);
}

static bool
make_crl(struct ceremony *c, const struct cert *root, const struct sha256 *key,
    struct error *e)
{
	struct signer_crl req = {
		.key = *key,
		.issuer = root->tbs.subject,
		.alg = sig_alg_default(root->tbs.key.type),
		.scope = "full",
		.period_s = c->plan->crl.life_s,
		.claim = ceremony_claim(c),
	};
	struct signer_reply reply = { 0 };

	spki_key_id(&root->tbs.key, req.issuer_key_id);
	if (!confirm(c, "sign the first CRL", e) ||
	    !signer_sign_crl_wait(c->session->signer, &req, &reply, e))
		return false;
	return show(c, "CRL number", e, "%llu",
		   (unsigned long long)reply.crl_number) &&
	    note_crl(c, reply.crl_number, e) &&
	    write_crl(c, reply.crl_number, e);
}

bool
step_crl(struct ceremony *c, struct error *e)
{
	auto_cert struct cert root = { 0 };
	auto_mem char *path = NULL;
	struct sha256 key;
	const struct state_crl *have;

	if (!key_hash(c, root_of(c)->label, &key, e) ||
	    !certificate_of(c, root_of(c), &root, e))
		return false;
	have = reg_state_crl(reg_get_state(signer_register(c->session->signer)),
	    &key, "full");
	if (have != NULL && have->this_s != 0) {
		path = kept_crl_path(c->home, &key, have->number);
		if (access(path, F_OK) == 0)
			return show(c, "earlier attempt", e,
				   "CRL number %llu is in the register",
				   (unsigned long long)have->number) &&
			    note_crl(c, have->number, e) &&
			    write_crl(c, have->number, e);
	}
	return make_crl(c, &root, &key, e);
}

/* ---- closing ------------------------------------------------------------------------ */

bool
step_closing(struct ceremony *c, struct error *e)
{
	struct reg *reg = signer_register(c->session->signer);
	struct sha256 root;

	if (!reg_checkpoint(reg, e))
		return false;
	root = reg_root(reg);
	return show(c, "register", e, "%llu records",
		   (unsigned long long)reg_durable_size(reg)) &&
	    show_hash(c, "checkpoint root", &root, e) && restore_closing(c, e);
}

/* The checkpoint that was read aloud; later ones are in the register. */
bool
restore_closing(struct ceremony *c, struct error *e)
{
	auto_mem char *out = path_join(c->out_dir, "checkpoint");
	auto_mem char *from = path_join(c->home->register_dir, "checkpoint");
	auto_buf struct buf text = { 0 };

	if (access(out, F_OK) == 0)
		return true;
	return file_read(from, LIMIT_CONFIG_BYTES, &text, e) &&
	    output_settle(c, "checkpoint", buf_bytes(&text), e);
}
