/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intermediate of a Vault or OpenBao mount, signed here. What was made lies in a
 * directory of its own between the steps (the request, then the certificate with its chain),
 * so that a run that was aborted is gone on with, and nothing is signed twice.
 */
#include "vault_sign.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/name.h>

#include "daemon.h"

struct job {
	struct cli *c;
	struct vault_client *v;
	struct service_config cfg;
	const char *mount;
	char *dir, *request, *certificate; /* paths */
	bool dry, have_request;
	struct csr csr;
	struct cert *chain; /* ours first, the root last */
	size_t n;
	char *issuer_id; /* there */
	bool has_key;    /* it is of a key of the mount */
};

static void
chain_free(struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		cert_free(&j->chain[i]);
	mem_free(j->chain);
	j->chain = NULL;
	j->n = 0;
}

static void
job_free(struct job *j)
{
	chain_free(j);
	csr_free(&j->csr);
	vault_client_free(j->v);
	mem_free(j->dir);
	mem_free(j->request);
	mem_free(j->certificate);
	mem_free(j->issuer_id);
}
#define auto_job auto_cleanup(job_free)

void
vault_step(struct cli *c, const char *what, const char *state, const char *fmt,
    ...)
{
	struct doc *row = doc_row(c->doc, "steps", "steps");
	auto_buf struct buf text = { 0 }, visible = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	doc_text(row, "step", "step", what);
	doc_text(row, "state", "state", state);
	doc_textn(row, "about", "about", buf_bytes(&text));
	buf_add_visible(&visible, buf_bytes(&text));
	if (!cli_json(c))
		out("%-14s %-13s %s\n", what, state, buf_cstr(&visible));
}

/* ---- what lies in the directory ------------------------------------------------ */

static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static bool
load_request(struct job *j, const char *path, struct error *e)
{
	auto_buf struct buf text = { 0 };

	if (!file_read_arg(path, LIMIT_CSR_BYTES, &text, e) ||
	    !csr_parse(buf_bytes(&text), path, &j->csr, e) ||
	    !csr_verify(&j->csr, e))
		return error_context(e, "request");
	j->have_request = true;
	return true;
}

static bool
check_chain(const struct job *j, struct error *e)
{
	const struct cert *last = &j->chain[j->n - 1];

	if (!j->chain[0].tbs.key_ok ||
	    !bytes_eq(j->chain[0].tbs.spki_der, j->csr.key.der))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s is of another key than %s: remove what is old",
		    j->certificate, j->request);
	for (size_t i = 0; i < j->n; i++) {
		const struct cert *by = i + 1 < j->n ? &j->chain[i + 1] : last;

		if (!bytes_eq(j->chain[i].tbs.issuer, by->tbs.subject))
			return error_set(e, FAIL_BAD_INPUT,
			    "%s: the chain does not end with its root",
			    j->certificate);
		if (!by->tbs.key_ok ||
		    !cert_verify_signature(&j->chain[i], &by->tbs.key, e))
			return error_context(e, "%s", j->certificate);
	}
	return true;
}

static bool
load_certificate(struct job *j, struct error *e)
{
	auto_buf struct buf text = { 0 };

	chain_free(j);
	return file_read(j->certificate, LIMIT_CONFIG_BYTES, &text, e) &&
	    cert_parse_bundle(buf_bytes(&text), j->certificate, &j->chain,
		&j->n, e) &&
	    check_chain(j, e);
}

/* ---- 1: the request ------------------------------------------------------------- */

static void
set_text(json_t *o, const char *key, const char *v)
{
	if (v != NULL)
		(void)json_object_set_new(o, key, json_string(v));
}

static bool
request_body(const struct cli *c, json_t *body, struct error *e)
{
	const char *bits = cli_flag(c, "key-bits");
	const char *type = cli_flag(c, "key-type");
	int64_t n = 0;

	if (cli_flag(c, "common-name") == NULL)
		return error_set(e, FAIL_USAGE,
		    "--common-name NAME is missing (or --csr FILE)");
	set_text(body, "common_name", cli_flag(c, "common-name"));
	set_text(body, "organization", cli_flag(c, "organization"));
	set_text(body, "country", cli_flag(c, "country"));
	set_text(body, "key_ref", cli_flag(c, "existing-key"));
	if (cli_has(c, "existing-key"))
		return true;
	if (bits != NULL && !parse_u64(bits, 0, 8192, (uint64_t *)&n))
		return error_set(e, FAIL_USAGE, "--key-bits: want a number");
	set_text(body, "key_type", type != NULL ? type : "ec");
	(void)json_object_set_new(body, "key_bits",
	    json_integer(n != 0 || type != NULL ? n : 256));
	return true;
}

static bool
generate(struct job *j, struct error *e)
{
	auto_json json_t *body = json_object(), *answer = NULL;
	auto_mem char *path = mem_printf("%s/intermediate/generate/%s",
	    j->mount, cli_has(j->c, "existing-key") ? "existing" : "internal");
	const char *csr;

	if (!request_body(j->c, body, e))
		return false;
	if (j->dry) {
		vault_step(j->c, "request", "would be done", "POST %s", path);
		return true;
	}
	if (!vault_ask(j->v, "POST", path, body, &answer, e))
		return false;
	csr = json_text(json_object_get(answer, "data"), "csr");
	if (!file_create(j->request, bytes_str(csr), 0644, e) ||
	    !load_request(j, j->request, e))
		return false;
	vault_step(j->c, "request", "done", "POST %s: %s", path, j->request);
	return true;
}

static bool
step_request(struct job *j, struct error *e)
{
	const char *given = cli_flag(j->c, "csr");

	if (given != NULL) {
		if (!load_request(j, given, e))
			return false;
		vault_step(j->c, "request", "was there", "%s", given);
		return true;
	}
	if (!is_file(j->request))
		return generate(j, e);
	if (!load_request(j, j->request, e))
		return false;
	vault_step(j->c, "request", "was there", "%s", j->request);
	return true;
}

/* ---- 2: the certificate ----------------------------------------------------------- */

/* "root-ca" is a mount here, "root-ca/2026" an issuer of it. */
static char *
service_path(const char *issuer)
{
	const char *slash = strrchr(issuer, '/');

	if (slash == NULL)
		return mem_printf("%s/root/sign-intermediate", issuer);
	return mem_printf("%.*s/issuer/%s/sign-intermediate",
	    (int)(slash - issuer), issuer, slash + 1);
}

static void
add_pem(struct buf *out, const char *pem)
{
	buf_add_str(out, pem);
	if (out->n > 0 && out->p[out->n - 1] != '\n')
		buf_add_byte(out, '\n');
}

static bool
bundle_of(const json_t *data, struct buf *out, struct error *e)
{
	const json_t *chain = json_object_get(data, "ca_chain");

	add_pem(out, json_text(data, "certificate"));
	if (out->n == 0)
		return error_set(e, FAIL_BAD_INPUT, "no certificate came back");
	for (size_t i = 0; i < json_array_size(chain); i++) {
		const char *pem = json_string_value(json_array_get(chain, i));

		if (pem != NULL &&
		    strcmp(pem, json_text(data, "certificate")) != 0)
			add_pem(out, pem);
	}
	return true;
}

static bool
sign_by_service(struct job *j, struct error *e)
{
	auto_mem char *path = service_path(cli_flag(j->c, "issuer"));
	auto_json json_t *body = json_object(), *answer = NULL;
	auto_buf struct buf pem = { 0 }, bundle = { 0 };

	pem_encode("CERTIFICATE REQUEST", buf_bytes(&j->csr.der), &pem);
	set_text(body, "csr", buf_cstr(&pem));
	set_text(body, "ttl", cli_flag(j->c, "life"));
	set_text(body, "max_path_length", cli_flag(j->c, "path-len"));
	(void)json_object_set_new(body, "use_csr_values", json_true());
	if (!daemon_ask(&j->cfg, "POST", path, body, &answer, e) ||
	    !bundle_of(json_object_get(answer, "data"), &bundle, e))
		return false;
	return file_create(j->certificate, buf_bytes(&bundle), 0644, e);
}

/* As the command "sign intermediate" does it, by it. */
static bool
sign_offline(struct job *j, struct error *e)
{
	static const char *const passed[] = { "life", "path-len", "who",
		"why" };
	const char *dir = cli_home_dir(j->c, e);
	char *argv[32];
	int n = 0, words, at = 0;
	struct cli sub = { .doc = doc_new() };
	bool ok;

	argv[n++] = mem_strdup("sign");
	argv[n++] = mem_strdup("intermediate");
	argv[n++] = mem_printf("--home=%s", dir);
	argv[n++] = mem_printf("--issuer=%s", cli_flag(j->c, "issuer"));
	argv[n++] = mem_printf("--csr=%s",
	    cli_has(j->c, "csr") ? cli_flag(j->c, "csr") : j->request);
	argv[n++] = mem_printf("--out=%s", j->certificate);
	argv[n++] = mem_strdup("--format=pem_bundle");
	for (size_t i = 0; i < countof(passed); i++)
		if (cli_has(j->c, passed[i]))
			argv[n++] = mem_printf("--%s=%s", passed[i],
			    cli_flag(j->c, passed[i]));
	sub.cmd = command_find(n, argv, &words);
	ok = cli_parse(&sub, sub.cmd, n - words, argv + words, e) &&
	    sub.cmd->run(&sub, e);
	doc_free(sub.doc);
	while (at < n)
		mem_free(argv[at++]);
	return ok;
}

static bool
step_certificate(struct job *j, struct error *e)
{
	bool service = supervisor_is_up(&j->cfg);
	const char *how = service ? "by the running service, over its socket"
				  : "by this home, offline";

	if (j->have_request && is_file(j->certificate)) {
		if (!load_certificate(j, e))
			return false;
		vault_step(j->c, "certificate", "was there", "%s",
		    j->certificate);
		return true;
	}
	if (j->dry) {
		vault_step(j->c, "certificate", "would be done",
		    "signed by \"%s\" %s", cli_flag(j->c, "issuer"), how);
		return true;
	}
	if (!(service ? sign_by_service(j, e) : sign_offline(j, e)) ||
	    !load_certificate(j, e))
		return false;
	vault_step(j->c, "certificate", "done", "signed by \"%s\" %s: %s",
	    cli_flag(j->c, "issuer"), how, j->certificate);
	return true;
}

/* ---- 3: back into the mount ---------------------------------------------------------- */

static bool
same_certificate(const char *pem, const struct cert *with)
{
	auto_cert struct cert c = { 0 };
	struct error e = { 0 };

	return cert_parse(bytes_str(pem), "certificate", &c, &e) &&
	    bytes_eq(buf_bytes(&c.der), buf_bytes(&with->der));
}

/* False only when it could not be looked for. */
static bool
find_issuer(struct job *j, struct error *e)
{
	auto_mem char *list = mem_printf("%s/issuers", j->mount);
	auto_json json_t *ids = vault_list(j->v, list, e);

	if (ids == NULL)
		return false;
	for (size_t i = 0; j->n > 0 && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		auto_mem char *path =
		    mem_printf("%s/issuer/%s", j->mount, id != NULL ? id : "");
		auto_json json_t *data = vault_read(j->v, path, e);

		if (data == NULL)
			return false;
		if (!same_certificate(json_text(data, "certificate"),
			&j->chain[0]))
			continue;
		mem_free(j->issuer_id);
		j->issuer_id = mem_strdup(id);
		j->has_key = *json_text(data, "key_id") != '\0';
	}
	return true;
}

/* Before it is made the default one. */
static bool
check_key(const struct job *j, struct error *e)
{
	return j->has_key ||
	    error_set(e, FAIL_BAD_INPUT,
		"issuer %s there has no key: the request was of another mount",
		j->issuer_id);
}

static bool
set_signed(struct job *j, const char *path, struct error *e)
{
	auto_json json_t *body = json_object(), *answer = NULL;
	auto_buf struct buf bundle = { 0 };

	for (size_t i = 0; i < j->n; i++)
		pem_encode("CERTIFICATE", buf_bytes(&j->chain[i].der), &bundle);
	set_text(body, "certificate", buf_cstr(&bundle));
	if (!vault_ask(j->v, "POST", path, body, &answer, e) ||
	    !find_issuer(j, e))
		return false;
	if (j->issuer_id == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: taken, but no issuer there has the certificate", path);
	return check_key(j, e);
}

static bool
step_set_signed(struct job *j, struct error *e)
{
	auto_mem char *path =
	    mem_printf("%s/intermediate/set-signed", j->mount);

	if (!find_issuer(j, e))
		return false;
	if (j->issuer_id != NULL) {
		vault_step(j->c, "set-signed", "was there", "issuer %s",
		    j->issuer_id);
		return check_key(j, e);
	}
	if (j->dry) {
		vault_step(j->c, "set-signed", "would be done", "POST %s",
		    path);
		return true;
	}
	if (!set_signed(j, path, e))
		return false;
	vault_step(j->c, "set-signed", "done", "POST %s: issuer %s", path,
	    j->issuer_id);
	return true;
}

/* ---- 4: urls, 5: the default ------------------------------------------------------------ */

static const struct {
	const char *flag, *field, *tail;
} urls[] = {
	{ "ca-url", "issuing_certificates", "ca" },
	{ "crl-url", "crl_distribution_points", "crl" },
	{ "ocsp-url", "ocsp_servers", NULL },
};

/* What flags say; else, where there is nothing, the mount's own addresses. */
static json_t *
urls_wanted(const struct job *j, const json_t *have)
{
	json_t *want = json_object();

	for (size_t i = 0; i < countof(urls); i++) {
		const char *v = cli_flag(j->c, urls[i].flag);
		auto_mem char *own = urls[i].tail == NULL
		    ? NULL
		    : mem_printf("%s/v1/%s/%s", cli_flag(j->c, "address"),
			  j->mount, urls[i].tail);

		if (v == NULL &&
		    json_array_size(json_object_get(have, urls[i].field)) == 0)
			v = own;
		if (v != NULL)
			(void)json_object_set_new(want, urls[i].field,
			    json_pack("[s]", v));
	}
	return want;
}

static bool
urls_there(const json_t *want, const json_t *have)
{
	for (size_t i = 0; i < countof(urls); i++) {
		const json_t *w = json_object_get(want, urls[i].field);

		if (w != NULL &&
		    !json_equal(w, json_object_get(have, urls[i].field)))
			return false;
	}
	return true;
}

static bool
step_urls(struct job *j, struct error *e)
{
	auto_mem char *path = mem_printf("%s/config/urls", j->mount);
	auto_json json_t *have = NULL, *want = NULL, *answer = NULL;

	if (cli_has(j->c, "no-urls")) {
		vault_step(j->c, "urls", "not asked for", "--no-urls");
		return true;
	}
	have = vault_read(j->v, path, e);
	if (have == NULL && e->why != FAIL_NOT_FOUND)
		return false;
	want = urls_wanted(j, have);
	if (urls_there(want, have)) {
		vault_step(j->c, "urls", "was there", "%s", path);
		return true;
	}
	if (!j->dry && !vault_ask(j->v, "POST", path, want, &answer, e))
		return false;
	vault_step(j->c, "urls", j->dry ? "would be done" : "done", "POST %s",
	    path);
	return true;
}

static bool
step_default(struct job *j, struct error *e)
{
	auto_mem char *path = mem_printf("%s/config/issuers", j->mount);
	auto_json json_t *have = NULL, *body = NULL, *answer = NULL;

	if (cli_has(j->c, "keep-default")) {
		vault_step(j->c, "default", "not asked for", "--keep-default");
		return true;
	}
	have = vault_read(j->v, path, e);
	if (have == NULL && e->why != FAIL_NOT_FOUND)
		return false;
	if (j->issuer_id != NULL &&
	    strcmp(json_text(have, "default"), j->issuer_id) == 0) {
		vault_step(j->c, "default", "was there", "issuer %s",
		    j->issuer_id);
		return true;
	}
	if (j->dry) {
		vault_step(j->c, "default", "would be done", "POST %s", path);
		return true;
	}
	body = json_pack("{s:s}", "default", j->issuer_id);
	if (!vault_ask(j->v, "POST", path, body, &answer, e))
		return false;
	vault_step(j->c, "default", "done", "POST %s: issuer %s, before \"%s\"",
	    path, j->issuer_id, json_text(have, "default"));
	return true;
}

/* ---- 6: read back -------------------------------------------------------------------------- */

static bool
check_issuer(const struct job *j, const json_t *data, struct error *e)
{
	const json_t *chain = json_object_get(data, "ca_chain");

	if (!same_certificate(json_text(data, "certificate"), &j->chain[0]))
		return error_set(e, FAIL_BAD_INPUT,
		    "the issuer there has another certificate");
	if (json_array_size(chain) != j->n)
		return error_set(e, FAIL_BAD_INPUT,
		    "its chain there has %zu certificates, ours %zu",
		    json_array_size(chain), j->n);
	for (size_t i = 0; i < j->n; i++) {
		const char *pem = json_string_value(json_array_get(chain, i));

		if (pem == NULL || !same_certificate(pem, &j->chain[i]))
			return error_set(e, FAIL_BAD_INPUT,
			    "its chain there has another certificate at %zu",
			    i);
	}
	return true;
}

static bool
step_check(struct job *j, struct error *e)
{
	const bool keep = cli_has(j->c, "keep-default");
	auto_mem char *path = mem_printf("%s/issuer/%s", j->mount,
	    keep && j->issuer_id != NULL ? j->issuer_id : "default");
	auto_json json_t *data = NULL;

	if (j->dry && j->issuer_id == NULL) {
		vault_step(j->c, "check", "would be done", "GET %s", path);
		return true;
	}
	data = vault_read(j->v, path, e);
	if (data == NULL || !check_issuer(j, data, e))
		return error_context(e, "%s", path);
	vault_step(j->c, "check", "done",
	    "GET %s: certificate, key and a chain of %zu up to the root are "
	    "the same",
	    path, j->n);
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
open_dir(struct job *j, const char *home, struct error *e)
{
	const char *given = cli_flag(j->c, "dir");
	auto_mem char *vault = path_join(home, "vault");
	auto_mem char *name = mem_strdup(j->mount);

	for (char *p = name; *p != '\0'; p++)
		if (*p == '/')
			*p = '-';
	j->dir = given != NULL ? mem_strdup(given) : path_join(vault, name);
	j->request = path_join(j->dir, "request.pem");
	j->certificate = path_join(j->dir, "certificate.pem");
	if (j->dry)
		return true;
	return (given != NULL || dir_create(vault, 0755, e)) &&
	    dir_create(j->dir, 0755, e);
}

static bool
run_steps(struct job *j, struct error *e)
{
	static bool (*const steps[])(struct job * j, struct error * e) = {
		step_request,
		step_certificate,
		step_set_signed,
		step_urls,
		step_default,
		step_check,
	};

	for (size_t i = 0; i < countof(steps); i++)
		if (!steps[i](j, e))
			return false;
	return true;
}

bool
vault_sign_run(struct cli *c, struct error *e)
{
	auto_job struct job j = { .c = c,
		.mount = cli_flag(c, "mount"),
		.dry = cli_has(c, "dry-run") };
	const char *home = cli_home_dir(c, e);
	auto_yaml_doc struct yaml_doc *doc = NULL;

	if (home == NULL || !vault_mount_check(j.mount, "--mount", e))
		return false;
	doc = service_config_open(home, &j.cfg, NULL, e);
	if (doc == NULL || (j.v = vault_client_new(c, e)) == NULL ||
	    !open_dir(&j, home, e))
		return false;
	doc_list(c->doc, "steps", "steps");
	if (!run_steps(&j, e))
		return false;
	doc_text(c->doc, "issuer", "issuer",
	    j.issuer_id != NULL ? j.issuer_id : "");
	c->quiet = !cli_json(c);
	return true;
}
