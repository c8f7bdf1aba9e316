/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_bundle.h"

#include <string.h>
#include <sys/stat.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/kafka/file_set.h>
#include <chancery/kafka/judge.h>
#include <chancery/kafka/principal.h>
#include <chancery/kafka/store.h>

/* What is to be written, and where. */
struct job {
	struct cli *c;
	struct kafka_bundle *bundle;
	struct file_set *set;
	struct secret *password;
	bool pem, p12;
};

static void
job_free(struct job *j)
{
	kafka_bundle_free(j->bundle);
	file_set_free(j->set);
	secret_free(j->password);
}
#define auto_job auto_cleanup(job_free)

/* ---- flags ------------------------------------------------------------------- */

static bool
format_flags(struct job *j, bool wants_password, struct error *e)
{
	const char *f;

	for (size_t i = 0; (f = cli_flag_at(j->c, "format", i)) != NULL; i++) {
		j->pem = j->pem || strcmp(f, "pem") == 0;
		j->p12 = j->p12 || strcmp(f, "p12") == 0;
		if (strcmp(f, "pem") != 0 && strcmp(f, "p12") != 0)
			return error_set(e, FAIL_USAGE,
			    "--format \"%s\": must be pem or p12", f);
	}
	if (!cli_has(j->c, "format")) {
		j->pem = true;
		j->p12 = j->password != NULL || !wants_password;
	}
	if (j->p12 && wants_password && j->password == NULL)
		return error_set(e, FAIL_USAGE,
		    "--password SOURCE is missing: of PKCS#12");
	return true;
}

/* Asked before the key of the bundle is read, and named as it was given. */
static bool
out_is_there(const struct cli *c, struct error *e)
{
	const char *dir = cli_flag(c, "out");
	struct stat st;

	return (stat(dir, &st) == 0 && S_ISDIR(st.st_mode)) ||
	    error_set(e, FAIL_NOT_FOUND, "--out %s: no such directory", dir);
}

static bool
begin(struct job *j, struct cli *c, bool wants_password, struct error *e)
{
	kafka_lock_memory();
	j->c = c;
	j->bundle = kafka_bundle_new();
	j->set = file_set_new();
	return kafka_alias_check(c->arg[0], e) && out_is_there(c, e) &&
	    password_flag(c, "password", &j->password, e) &&
	    (j->password == NULL || kafka_password_check(j->password, e) ||
		error_context(e, "--password")) &&
	    format_flags(j, wants_password, e);
}

/* ---- files -------------------------------------------------------------------- */

static bool
add_file(struct job *j, const char *name, const char *ext, struct bytes data,
    unsigned mode, struct error *e)
{
	auto_mem char *path =
	    mem_printf("%s/%s.%s", cli_flag(j->c, "out"), name, ext);
	struct doc *row = doc_row(j->c->doc, "files", "files");

	doc_text(row, "file", "file", path);
	return file_set_add(j->set, path, data, mode, cli_has(j->c, "replace"),
	    e);
}

static struct kafka_p12
p12_options(const struct job *j, const char *alias)
{
	return (struct kafka_p12){
		.alias = alias,
		.password = j->password,
		.legacy = cli_has(j->c, "legacy"),
	};
}

static const char *
alias_of(const struct job *j)
{
	const char *alias = cli_flag(j->c, "alias");

	return alias != NULL ? alias : j->c->arg[0];
}

static bool
add_key_stores(struct job *j, struct error *e)
{
	struct kafka_p12 opt = p12_options(j, alias_of(j));
	auto_buf struct buf p12 = { 0 };

	if (j->pem) {
		auto_secret struct secret *pem = kafka_key_pem(j->bundle, e);

		if (pem == NULL ||
		    !add_file(j, j->c->arg[0], "pem", secret_bytes(pem), 0600,
			e))
			return false;
	}
	return !j->p12 ||
	    (kafka_key_p12(j->bundle, &opt, &p12, e) &&
		add_file(j, j->c->arg[0], "p12", buf_bytes(&p12), 0600, e));
}

static bool
add_trust_stores(struct job *j, const char *name, const char *alias,
    struct error *e)
{
	struct kafka_p12 opt = p12_options(j, alias);
	auto_buf struct buf pem = { 0 }, p12 = { 0 };

	if (j->pem) {
		kafka_trust_pem(j->bundle, &pem);
		if (!add_file(j, name, "pem", buf_bytes(&pem), 0644, e))
			return false;
	}
	return !j->p12 ||
	    (kafka_trust_p12(j->bundle, &opt, &p12, e) &&
		add_file(j, name, "p12", buf_bytes(&p12), 0644, e));
}

/* ---- kafka bundle -------------------------------------------------------------- */

static bool
judge(struct job *j, struct kafka_findings *f, struct error *e)
{
	size_t n;
	const struct cert *const *chain =
	    kafka_bundle_whole_chain(j->bundle, &n);
	const char *use = cli_flag(j->c, "for"), *hosts[CLI_FLAGS_MAX];
	struct kafka_judge how = {
		.now_s = clock_wall_ms(&clock_system) / 1000,
		.hosts = hosts,
	};

	if (strcmp(use, "broker") != 0 && strcmp(use, "client") != 0)
		return error_set(e, FAIL_USAGE,
		    "--for \"%s\": must be broker or client", use);
	how.use = strcmp(use, "broker") == 0 ? KAFKA_BROKER : KAFKA_CLIENT;
	while ((hosts[how.hosts_n] = cli_flag_at(j->c, "host", how.hosts_n)) !=
	    NULL)
		how.hosts_n++;
	kafka_judge_chain(chain, n, &how, f);
	if (n == 1 && kafka_bundle_anchor(j->bundle, 0) == NULL)
		kafka_find(f, KAFKA_WRONG, "leaf-only",
		    "there is no intermediate with the certificate: Java peers "
		    "that trust the root refuse it (--chain, or --ca where its "
		    "issuer is trusted itself)");
	if (j->pem)
		kafka_judge_pem_key(chain[0]->tbs.key, f);
	return findings_accept(j->c, f, e) && findings_pass(f, e);
}

static bool
show(struct job *j, const struct kafka_findings *f, struct error *e)
{
	const struct cert *leaf = kafka_bundle_chain(j->bundle, 0);
	auto_buf struct buf principal = { 0 }, names = { 0 };
	struct doc *d = j->c->doc;
	size_t n;

	if (!kafka_principal(leaf->tbs.subject, &principal, e))
		return error_context(e, "subject");
	kafka_names_text(leaf, &names);
	(void)kafka_bundle_whole_chain(j->bundle, &n);
	doc_textf(d, "principal", "principal", "User:%s", buf_cstr(&principal));
	doc_textn(d, "names", "names", buf_bytes(&names));
	doc_hex(d, "serial", "serial", leaf->tbs.serial);
	doc_time(d, "not_after", "not after", leaf->tbs.not_after_s);
	doc_text(d, "key", "key", kafka_bundle_key_type(j->bundle));
	doc_int(d, "chain", "certificates", (int64_t)n);
	findings_show(d, f);
	return true;
}

bool
kafka_bundle_run(struct cli *c, struct error *e)
{
	auto_job struct job j = { 0 };
	auto_kafka_findings struct kafka_findings f = { 0 };
	const char *trust = cli_flag(c, "trust");

	if (!begin(&j, c, true, e) || !kafka_input(c, j.bundle, e) ||
	    !kafka_bundle_join(j.bundle, e) || !judge(&j, &f, e) ||
	    !add_key_stores(&j, e))
		return false;
	if (trust != NULL && !kafka_bundle_trust_root(j.bundle))
		return error_set(e, FAIL_USAGE,
		    "--ca FILE is missing: there is no root in the input");
	return (trust == NULL ||
		   (kafka_alias_check(trust, e) &&
		       add_trust_stores(&j, trust, trust, e))) &&
	    show(&j, &f, e) && file_set_commit(j.set, e);
}

/* ---- kafka trust ----------------------------------------------------------------- */

/* An end entity in a trust store is trusted as it stands, without CRL or name. */
static bool
check_authorities(const struct job *j, struct error *e)
{
	const struct cert *c;

	for (size_t i = 0; (c = kafka_bundle_anchor(j->bundle, i)) != NULL;
	     i++) {
		auto_buf struct buf name = { 0 };

		if (!kafka_principal(c->tbs.subject, &name, e))
			return false;
		if (!c->tbs.is_ca)
			return error_set(e, FAIL_REFUSED,
			    "%s is not the certificate of an authority",
			    buf_cstr(&name));
		doc_textn(doc_row(j->c->doc, "authorities", "authorities"),
		    "subject", "subject", buf_bytes(&name));
	}
	return true;
}

bool
kafka_trust_run(struct cli *c, struct error *e)
{
	auto_job struct job j = { 0 };
	bool open = cli_has(c, "no-password");

	if (open && cli_has(c, "password"))
		return error_set(e, FAIL_USAGE,
		    "--password and --no-password: one of them");
	return begin(&j, c, !open, e) &&
	    kafka_input_files(c, "ca", kafka_bundle_add_anchors, j.bundle, e) &&
	    check_authorities(&j, e) &&
	    add_trust_stores(&j, c->arg[0], alias_of(&j), e) &&
	    file_set_commit(j.set, e);
}
