/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/catalog.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/issue.h>
#include <chancery/ceremony/session.h>
#include <chancery/charter/charter.h>
#include <chancery/pki/name.h>

#include "cli.h"
#include "subject.h"

/* Everything that one signing command holds. */
struct job {
	struct home *home;
	struct session *session;
	struct catalog_chain chain; /* issuer first */
	struct cert foreign;        /* --issuer-cert */
	const struct cert *issuer;
	struct profile profile;
	struct policy_types policy;
	enum cert_format format;
	struct buf subject;
	struct issue issue;
};

static void
job_free(struct job *j)
{
	issue_free(&j->issue);
	buf_free(&j->subject);
	cert_free(&j->foreign);
	catalog_chain_free(&j->chain);
	session_free(j->session);
	home_free(j->home);
}
#define auto_job auto_cleanup(job_free)

/* What can be checked before a token is opened. */
static bool
job_check_flags(const struct cli *c, struct job *j, const char *profile,
    struct error *e)
{
	const struct profile *p = profile_builtin(profile);
	const char *format = cli_flag(c, "format"),
		   *subject = cli_flag(c, "subject");

	if (p == NULL)
		return error_set(e, FAIL_USAGE,
		    "no profile \"%s\" (chancery help sign csr lists them)",
		    profile);
	if (p->ca && !cli_knows(c, "path-len"))
		return error_set(e, FAIL_USAGE,
		    "profile %s is for a CA: use sign intermediate", profile);
	j->profile = *p;
	if (!policy_from_flags(c, &j->profile, &j->policy, e) ||
	    !profile_from_flags(c, &j->profile, e) ||
	    !life_flag(c, &j->issue.life_s, e) ||
	    !output_check(cli_flag(c, "out"), e))
		return false;
	if (format != NULL && !cert_format_by_name(format, &j->format, e))
		return false;
	return subject == NULL || name_parse(subject, &j->subject, e);
}

/* The signing key of --issuer or --parent and its certificate. */
static bool
job_issuer(const struct cli *c, struct job *j, const char *flag,
    struct error *e)
{
	struct reg *reg = signer_register(j->session->signer);
	const struct state_key *k =
	    find_key(reg_get_state(reg), cli_flag(c, flag), e);
	const char *file = cli_flag(c, "issuer-cert"),
		   *alg = cli_flag(c, "sig-alg");

	if (k == NULL)
		return false;
	j->issue.key = k->key;
	if (file != NULL) {
		if (!issuer_file(file, &k->key, &j->foreign, e))
			return false;
		j->issuer = &j->foreign;
	} else {
		if (!catalog_chain(j->home->register_dir, &k->key, &j->chain,
			e))
			return error_context(e, "issuer \"%s\"", k->label);
		j->issuer = &j->chain.v[0];
	}
	if (!j->issuer->tbs.key_ok)
		return error_set(e, FAIL_BAD_INPUT,
		    "the issuer's certificate has a key that is not usable");
	j->issue.alg = sig_alg_default(j->issuer->tbs.key.type);
	if (alg != NULL &&
	    (!sig_alg_by_name(alg, &j->issue.alg) ||
		!sig_alg_fits(j->issue.alg, j->issuer->tbs.key.type)))
		return error_set(e, FAIL_USAGE,
		    "--sig-alg \"%s\" does not fit a key of type %s", alg,
		    key_type_name(j->issuer->tbs.key.type));
	return true;
}

/* One key, one name: a CA key that stands under another subject already, or a leaf
 * under a CA's key, would let one holder speak for two. */
struct reuse {
	struct bytes spki, subject;
	bool ca;
};

static bool
reuse_entry(void *arg, const struct catalog_entry *en, struct error *e)
{
	const struct reuse *r = arg;
	auto_buf struct buf name = { 0 };
	struct tbs_view v;

	if (!tbs_parse(en->tbs, &v, e))
		return false;
	if ((!r->ca && !en->ca) || !bytes_eq(v.spki_der, r->spki) ||
	    (r->ca && en->ca && bytes_eq(v.subject, r->subject)))
		return true;
	if (!name_format(v.subject, &name, e))
		return false;
	return error_set(e, FAIL_REFUSED,
	    "this key was certified before, as %s (record %llu)",
	    buf_cstr(&name), (unsigned long long)en->outcome);
}

/* The subject as it will be certified: policy may have left attributes out. */
static bool
job_check_reuse(const struct job *j, struct error *e)
{
	struct tbs_view v;
	struct reuse r = { .ca = j->profile.ca };

	if (!tbs_parse(buf_bytes(&j->issue.tbs), &v, e))
		return false;
	r.spki = v.spki_der;
	r.subject = v.subject;
	return catalog_walk(j->home->register_dir, reuse_entry, &r, e);
}

static void
job_answer(struct cli *c, const struct job *j)
{
	const struct issue *i = &j->issue;
	auto_buf struct buf subject = { 0 };
	struct error ignored = { 0 };
	struct tbs_view v;

	if (!tbs_parse(buf_bytes(&i->tbs), &v, &ignored) ||
	    !name_format(v.subject, &subject, &ignored))
		buf_add_str(&subject, "?");
	doc_text(c->doc, "file", "certificate", cli_flag(c, "out"));
	doc_textn(c->doc, "subject", "subject", buf_bytes(&subject));
	doc_hex(c->doc, "serial", "serial",
	    bytes_of(i->serial, sizeof(i->serial)));
	doc_time(c->doc, "not_before", "not before", i->not_before_s);
	doc_time(c->doc, "not_after", "not after", i->not_after_s);
	doc_hex(c->doc, "sha256", "SHA-256", sha256_bytes(&i->hash));
	doc_hex(c->doc, "tbs_sha256", NULL, sha256_bytes(&i->tbs_hash));
	doc_text(c->doc, "profile", "profile", i->profile->name);
	doc_text(c->doc, "algorithm", "signature", sig_alg_info(i->alg)->name);
	doc_int(c->doc, "intent", "INTENT record", (int64_t)i->intent);
	doc_int(c->doc, "signed", "SIGNED record", (int64_t)i->signed_);
	doc_list(c->doc, "lint", "lint");
	for (size_t k = 0; k < i->lint.n; k++) {
		struct doc *row = doc_row(c->doc, "lint", "lint");

		doc_text(row, "rule", "rule", i->lint.v[k].rule->name);
		doc_text(row, "source", "source", i->lint.v[k].rule->source);
		doc_text(row, "text", "finding", i->lint.v[k].text);
	}
}

/* The signature exists: what goes wrong from here is about the file only. */
static bool
job_write(struct cli *c, struct job *j, struct error *e)
{
	auto_buf struct buf text = { 0 };
	const struct cert *chain =
	    j->foreign.der.n > 0 ? &j->foreign : j->chain.v;
	size_t n = j->foreign.der.n > 0 ? 1 : j->chain.n;
	char serial[2 * LIMIT_SERIAL_BYTES + 1];

	cert_write_format(buf_bytes(&j->issue.der), j->format, chain, n, &text);
	if (file_create(cli_flag(c, "out"), buf_bytes(&text), 0644, e))
		return true;
	hex_encode(bytes_of(j->issue.serial, LIMIT_SERIAL_BYTES), serial);
	return error_context(e,
	    "the certificate is in the register, \"cert show %s --out FILE\" "
	    "writes it",
	    serial);
}

static bool
job_sign(struct cli *c, struct job *j, struct error *e)
{
	struct issue *i = &j->issue;

	i->signer = j->session->signer;
	i->issuer = j->issuer;
	i->profile = &j->profile;
	i->now_s = clock_wall_ms(&clock_system) / 1000;
	i->strict = j->profile.ca;
	i->retry_of = UINT64_MAX;
	i->claim = cli_claim(c);
	if (!issue_prepare(i, e) || !job_check_reuse(j, e) ||
	    !issue_sign(i, e) || !job_write(c, j, e))
		return false;
	job_answer(c, j);
	return session_close(take(j->session), e);
}

/* ---- sign intermediate, sign csr ----------------------------------------- */

static bool
sign_request(struct cli *c, struct job *j, const struct csr *csr,
    struct error *e)
{
	j->issue.subject_key = &csr->key;
	j->issue.subject =
	    j->subject.n > 0 ? buf_bytes(&j->subject) : csr->subject;
	j->session = cli_session(c, 0, &j->home, e);
	return j->session != NULL &&
	    request_not_listed(j->home->weak_keys, &csr->key, e) &&
	    job_issuer(c, j, "issuer", e) && job_sign(c, j, e);
}

static bool
run_intermediate(struct cli *c, struct error *e)
{
	auto_job struct job j = { 0 };
	auto_csr struct csr csr = { 0 };

	/* Of the request only the key is taken, and its subject when no other is
	 * given: extensions are never copied. */
	return job_check_flags(c, &j, "intermediate", e) &&
	    request_read(cli_flag(c, "csr"), &csr, e) &&
	    sign_request(c, &j, &csr, e);
}

static bool
run_csr(struct cli *c, struct error *e)
{
	auto_job struct job j = { 0 };
	auto_csr struct csr csr = { 0 };
	auto_mem struct san_list *san = mem_calloc(1, sizeof(*san));

	if (!job_check_flags(c, &j, cli_flag(c, "profile"), e))
		return false;
	if (!san_from_flags(c, san, e) ||
	    !request_read(cli_flag(c, "csr"), &csr, e))
		return false;
	if (san->n == 0 && j.profile.san_allowed &&
	    !cli_has(c, "no-csr-names") && !san_from_request(&csr, san, e))
		return false;
	j.issue.san = san->v;
	j.issue.sans = san->n;
	return sign_request(c, &j, &csr, e);
}

/* ---- issuer create, issuer list ------------------------------------------ */

static bool
new_key(struct cli *c, struct job *j, struct sha256 *key, struct error *e)
{
	auto_charter struct charter *t = NULL;
	auto_buf struct buf charter = { 0 };
	struct hsm_custody custody = { 0 };
	struct signer_keygen req = {
		.token = session_token_index(j->session, cli_flag(c, "token")),
		.label = cli_flag(c, "label"),
		.destroyable = true,
		.claim = cli_claim(c),
	};
	const char *name = cli_flag(c, "charter");

	if (!key_type_by_name(cli_flag(c, "type"), &req.type))
		return error_set(e, FAIL_USAGE, "--type: unknown key type");
	if (name != NULL) {
		t = charter_template(name);
		charter_to_json(t, &charter);
	}
	req.charter_json = buf_bytes(&charter);
	return signer_key_generate(j->session->signer, &req, key, &custody, e);
}

static bool
check_new_key_flags(const struct cli *c, const struct home *h, struct error *e)
{
	static const char *const needed[] = { "token", "label", "type" };
	const char *name = cli_flag(c, "charter");
	struct key_type type;

	if (cli_has(c, "key"))
		return true;
	for (size_t i = 0; i < countof(needed); i++)
		if (!cli_has(c, needed[i]))
			return error_set(e, FAIL_USAGE,
			    "--%s is missing (or --key for one that is there)",
			    needed[i]);
	if (!label_flag_check(c, e))
		return false;
	if (home_find_token(h, cli_flag(c, "token")) == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "no token \"%s\" in chancery.yaml", cli_flag(c, "token"));
	if (!key_type_by_name(cli_flag(c, "type"), &type) ||
	    !key_type_can_generate(type))
		return error_set(e, FAIL_USAGE, "--type: unknown key type");
	if (name != NULL && charter_template_yaml(name) == NULL)
		return error_set(e, FAIL_USAGE, "no charter template \"%s\"",
		    name);
	return true;
}

static bool
authority_key(struct cli *c, struct job *j, struct buf *spki, struct error *e)
{
	struct reg *reg = signer_register(j->session->signer);
	const struct state_key *k;
	struct sha256 key;

	if (cli_has(c, "key")) {
		k = find_key(reg_get_state(reg), cli_flag(c, "key"), e);
		if (k == NULL)
			return false;
	} else {
		if (!new_key(c, j, &key, e))
			return false;
		k = reg_state_key(reg_get_state(reg), &key);
	}
	buf_add_bytes(spki, k->spki);
	doc_text(c->doc, "label", "key", k->label);
	doc_hex(c->doc, "key", "SPKI SHA-256", sha256_bytes(&k->key));
	return true;
}

static bool
run_create(struct cli *c, struct error *e)
{
	auto_job struct job j = { 0 };
	auto_buf struct buf spki = { 0 };
	struct session_options opt = { .flags = SESSION_WRITE,
		.who = cli_claim(c).who };
	struct spki key;

	j.home = cli_home(c, e);
	if (j.home == NULL || !check_new_key_flags(c, j.home, e) ||
	    !job_check_flags(c, &j, "intermediate", e))
		return false;
	j.session = session_open(j.home, &opt, e);
	/* The parent first: no key is made for a certificate that cannot be. */
	if (j.session == NULL || !job_issuer(c, &j, "parent", e) ||
	    !authority_key(c, &j, &spki, e) ||
	    !spki_parse(buf_bytes(&spki), &key, e))
		return false;
	j.issue.subject = buf_bytes(&j.subject);
	j.issue.subject_key = &key;
	return job_sign(c, &j, e);
}

static bool
issuer_row(void *arg, const struct catalog_entry *en, struct error *e)
{
	struct cli *c = arg;
	struct tbs_view v;
	struct doc *row;
	struct sha256 h;
	auto_buf struct buf name = { 0 };

	if (!en->ca || en->assumed)
		return true;
	if (!tbs_parse(en->tbs, &v, e) || !name_format(v.subject, &name, e))
		return false;
	h = sha256(v.spki_der);
	row = doc_row(c->doc, "issuers", "issuers");
	doc_textn(row, "subject", "subject", buf_bytes(&name));
	doc_time(row, "not_after", "not after", v.not_after_s);
	doc_int(row, "record", "record", (int64_t)en->outcome);
	doc_hex(row, "serial", "serial", v.serial);
	doc_hex(row, "key", NULL, sha256_bytes(&h));
	return true;
}

static bool
run_list(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);

	if (h == NULL)
		return false;
	doc_list(c->doc, "issuers", "issuers");
	return catalog_walk(h->register_dir, issuer_row, c, e);
}

static bool
run_profiles(struct cli *c, unused_arg struct error *e)
{
	for (size_t i = 0; i < profiles_count; i++) {
		struct doc *row = doc_row(c->doc, "profiles", "profiles");

		doc_text(row, "name", "name", profiles[i].name);
		doc_int(row, "life_days", "days", profiles[i].life_s / 86400);
		doc_bool(row, "ca", "CA", profiles[i].ca);
		doc_text(row, "about", "about", profiles[i].about);
	}
	return true;
}

/* ---- table --------------------------------------------------------------- */

#define ISSUER_FLAGS                                                           \
	{ "issuer", "KEY", "label or hash of the issuer's key", true, false }, \
	{                                                                      \
		"issuer-cert", "FILE",                                         \
		    "the issuer's certificate, when another authority signed " \
		    "it",                                                      \
		    false, false                                               \
	}

static const struct flag intermediate_flags[] = {
	ISSUER_FLAGS,
	{ "csr", "FILE", "the request, PEM or DER", true, false },
	{ "subject", "DN", "RFC 4514 name; else the request's, by policy",
	    false, false },
	POLICY_FLAGS,
	OUT_FLAGS,
	URL_FLAGS,
	CA_FLAGS,
	{ 0 },
};
static const struct flag csr_flags[] = {
	ISSUER_FLAGS,
	{ "profile", "NAME",
	    "kafka-broker, kafka-client, ocsp-responder or generic", true,
	    false },
	{ "csr", "FILE", "the request, PEM or DER", true, false },
	{ "subject", "DN", "RFC 4514 name; else the request's, by policy",
	    false, false },
	LEAF_NAME_FLAGS,
	{ "no-csr-names", NULL,
	    "do not take alternative names from the request", false, false },
	POLICY_FLAGS,
	OUT_FLAGS,
	URL_FLAGS,
	{ 0 },
};
static const struct flag create_flags[] = {
	{ "parent", "KEY", "label or hash of the key that signs", true, false },
	{ "issuer-cert", "FILE",
	    "the parent's certificate, when another authority signed it", false,
	    false },
	{ "token", "NAME", "where the new key is made", false, false },
	{ "label", "LABEL", "name of the new key", false, false },
	{ "type", "TYPE", "type of the new key", false, false },
	{ "charter", "NAME", "charter template; else the token's", false,
	    false },
	{ "key", "KEY", "a key of the register instead of a new one", false,
	    false },
	{ "subject", "DN", "RFC 4514 name", true, false },
	POLICY_FLAGS,
	OUT_FLAGS,
	URL_FLAGS,
	CA_FLAGS,
	{ 0 },
};

const struct command issue_commands[] = {
	{ "issuer create", "",
	    "make an intermediate authority, both keys in the HSM", 0, 0,
	    create_flags, true, run_create,
	    "Should it stop after the key was made, --key goes on with it." },
	{ "issuer list", "", "list the CA certificates of the register", 0, 0,
	    NULL, true, run_list, NULL },
	{ "sign intermediate", "",
	    "certify the CA key of a request, such as Vault's", 0, 0,
	    intermediate_flags, true, run_intermediate,
	    "Of the request only the public key is taken, and the subject when "
	    "no other is given. The request's signature must prove possession "
	    "of the key." },
	{ "sign csr", "", "certify a request under a leaf profile", 0, 0,
	    csr_flags, true, run_csr,
	    "Without alternative names on the command line those of the "
	    "request are taken where the profile allows them." },
	{ "sign profiles", "", "list the profiles", 0, 0, NULL, false,
	    run_profiles, NULL },
};
const size_t issue_commands_n = countof(issue_commands);
