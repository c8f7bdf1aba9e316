/* SPDX-License-Identifier: Apache-2.0 */
#include "renew.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/alg.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret_source.h>
#include <chancery/base/text.h>
#include <chancery/config/service.h>
#include <chancery/kafka/store.h>

/* More files than any program reads certificates from. */
#define FILES_MAX 32
#define YEAR_S (366LL * 86400)

static const char *const kinds[] = { "pem", "key", "certificate", "trust",
	"p12", "trust_p12", NULL };
static const char *const methods[] = { "token", "approle", "cert", "socket",
	NULL };
static const char *const uses[] = { "broker", "client", NULL };

static bool
check_source(const char *v, struct error *e)
{
	struct secret_source src;

	return secret_source_parse(v, "secret", &src, e) ||
	    error_set(e, FAIL_BAD_INPUT,
		"want file:/path, credential:NAME or fd:N");
}

static bool
check_mount(const char *v, struct error *e)
{
	return vault_mount_check(v, "mount", e);
}

static bool
check_key_type(const char *v, struct error *e)
{
	struct key_type t;

	return (key_type_by_name(v, &t) && key_type_can_generate(t)) ||
	    error_set(e, FAIL_BAD_INPUT,
		"\"%s\": must be rsa-2048, rsa-3072, rsa-4096, ec-p256, "
		"ec-p384 or ed25519",
		v);
}

static bool
check_absolute(const char *v, struct error *e)
{
	return v[0] == '/' ||
	    error_set(e, FAIL_BAD_INPUT, "\"%s\" is not an absolute path", v);
}

static bool
check_mode(const char *v, struct error *e)
{
	return (strlen(v) == 4 && v[0] == '0' && strspn(v, "01234567") == 4) ||
	    error_set(e, FAIL_BAD_INPUT,
		"\"%s\": want four octal digits, such as \"0640\"", v);
}

#define OWNER_FIELDS(row)                                                      \
	{ .key = "owner",                                                      \
		.type = YAML_TEXT,                                             \
		.offset = offsetof(row, owner),                                \
		.about = "user, by name or number; without, who runs this" },  \
	    { .key = "group",                                                  \
		    .type = YAML_TEXT,                                         \
		    .offset = offsetof(row, group),                            \
		    .about = "group" },                                        \
	{                                                                      \
		.key = "mode", .type = YAML_TEXT,                              \
		.offset = offsetof(row, mode), .check = check_mode,            \
		.about = "\"0600\" where a key is in it, else \"0644\", by "   \
			 "default"                                             \
	}

/* clang-format off */
#define F(f) offsetof(struct renew_file, f)
static const struct yaml_field file_fields[] = {
	{ .key = "name", .type = YAML_TEXT, .offset = F(name), .required = true,
	  .dflt = "broker.pem", .check = set_dir_name_check,
	  .about = "of the file in the directory" },
	{ .key = "kind", .type = YAML_ENUM, .offset = F(kind), .required = true,
	  .names = kinds, .dflt = "pem",
	  .about = "pem: key, certificate and intermediates, as Kafka's PEM "
	      "stores want them; key, certificate: the two halves; trust: the "
	      "authorities; p12, trust_p12: PKCS#12 stores" },
	OWNER_FIELDS(struct renew_file),
	{ 0 },
};
#define L(f) offsetof(struct renew_crl, f)
static const struct yaml_field crl_fields[] = {
	{ .key = "name", .type = YAML_TEXT, .offset = L(name), .required = true,
	  .dflt = "crls.pem", .check = set_dir_name_check,
	  .about = "of the file in the directory" },
	{ .key = "paths", .type = YAML_TEXT_LIST, .offset = L(paths), .min = 1,
	  .max = 16, .required = true, .dflt = "kafka-int-ca/crl/pem",
	  .about = "paths of the lists below v1/, as PEM; they are put one "
	      "behind the other" },
	OWNER_FIELDS(struct renew_crl),
	{ 0 },
};
#define A(f) offsetof(struct renew_auth, f)
static const struct yaml_field auth_fields[] = {
	{ .key = "method", .type = YAML_ENUM, .offset = A(method),
	  .names = methods, .dflt = "token",
	  .about = "token: out of a file that something else keeps fresh; "
	      "approle; cert: the certificate that is renewed, or another; "
	      "socket: whoever may use the unix socket" },
	{ .key = "token", .type = YAML_TEXT, .offset = A(token),
	  .check = check_source,
	  .about = "of method token: file:PATH, credential:NAME or fd:N" },
	{ .key = "role_id", .type = YAML_TEXT, .offset = A(role_id),
	  .about = "of method approle" },
	{ .key = "secret_id", .type = YAML_TEXT, .offset = A(secret_id),
	  .check = check_source,
	  .about = "of method approle: file:PATH, credential:NAME or fd:N" },
	{ .key = "mount", .type = YAML_TEXT, .offset = A(mount),
	  .check = check_mount,
	  .about = "where the method lies below auth/; its name by default" },
	{ .key = "role", .type = YAML_TEXT, .offset = A(role),
	  .about = "of method cert: the role there; without, any that fits" },
	{ .key = "certificate", .type = YAML_TEXT, .offset = A(certificate),
	  .check = check_absolute,
	  .about = "of method cert: PEM file; without, the current one of the "
	      "directory, of which there has to be a file of kind pem" },
	{ .key = "key", .type = YAML_TEXT, .offset = A(key),
	  .check = check_absolute, .about = "its key" },
	{ 0 },
};
#define C(f) offsetof(struct renew_config, f)
const struct yaml_field renew_schema[] = {
	{ .key = "url", .type = YAML_TEXT, .offset = C(url),
	  .check = service_address_check,
	  .about = "https://HOST[:PORT] of the service" },
	{ .key = "socket", .type = YAML_TEXT, .offset = C(socket),
	  .check = check_absolute,
	  .about = "instead of `url`: its unix socket" },
	{ .key = "ca_file", .type = YAML_TEXT, .offset = C(ca_file),
	  .check = check_absolute,
	  .about = "PEM file: the authorities of its certificate; without, "
	      "the system's" },
	{ .key = "namespace", .type = YAML_TEXT, .offset = C(name_space),
	  .about = "namespace there" },
	{ .key = "auth", .type = YAML_SECTION, .offset = C(auth),
	  .fields = auth_fields, .about = "how to log in" },
	{ .key = "mount", .type = YAML_TEXT, .offset = C(mount),
	  .required = true, .dflt = "kafka-int-ca", .check = check_mount,
	  .about = "the PKI mount" },
	{ .key = "role", .type = YAML_TEXT, .offset = C(role),
	  .required = true, .dflt = "kafka-server", .check = check_mount,
	  .about = "its role" },
	{ .key = "issue", .type = YAML_BOOL, .offset = C(issue),
	  .dflt = "false",
	  .about = "true: the service makes the key (issue/ROLE); else it is "
	      "made here and never leaves this host (sign/ROLE)" },
	{ .key = "key_type", .type = YAML_TEXT, .offset = C(key_type),
	  .dflt = "ec-p256", .check = check_key_type,
	  .about = "rsa-2048, rsa-3072, rsa-4096, ec-p256, ec-p384 or "
	      "ed25519; each certificate has a key of its own" },
	{ .key = "common_name", .type = YAML_TEXT, .offset = C(common_name),
	  .required = true, .dflt = "broker-1.kafka.acme.com", .max = 64,
	  .about = "CN" },
	{ .key = "alt_names", .type = YAML_TEXT_LIST, .offset = C(alt_names),
	  .max = LIMIT_SANS, .about = "DNS names (subjectAltName)" },
	{ .key = "ip_sans", .type = YAML_TEXT_LIST, .offset = C(ip_sans),
	  .max = LIMIT_SANS, .about = "addresses (subjectAltName)" },
	{ .key = "ttl", .type = YAML_DURATION, .offset = C(ttl_s), .max = 10 * YEAR_S,
	  .about = "how long it is to be good; without, as the role says" },
	{ .key = "for", .type = YAML_ENUM, .offset = C(use), .names = uses,
	  .required = true, .dflt = "broker",
	  .about = "what it has to allow: broker (server and client) or "
	      "client" },
	{ .key = "directory", .type = YAML_TEXT, .offset = C(directory),
	  .required = true, .dflt = "/etc/kafka/tls", .check = check_absolute,
	  .about = "where the files go; it is there and nobody else may write "
	      "to it" },
	{ .key = "files", .type = YAML_SECTION_LIST, .offset = C(files),
	  .fields = file_fields, .size = sizeof(struct renew_file),
	  .min = 1, .max = FILES_MAX, .required = true,
	  .about = "what is made of a certificate; all change at once" },
	{ .key = "crls", .type = YAML_SECTION_LIST, .offset = C(crls),
	  .fields = crl_fields, .size = sizeof(struct renew_crl),
	  .max = FILES_MAX,
	  .about = "lists of revoked certificates for programs that do not "
	      "fetch them (librdkafka, curl); looked at in each run" },
	{ .key = "password", .type = YAML_TEXT, .offset = C(password),
	  .check = check_source,
	  .about = "of the PKCS#12 files: file:PATH, credential:NAME or fd:N" },
	{ .key = "alias", .type = YAML_TEXT, .offset = C(alias),
	  .dflt = "kafka", .check = kafka_alias_check,
	  .about = "of the entries in PKCS#12 files" },
	{ .key = "legacy", .type = YAML_BOOL, .offset = C(legacy),
	  .dflt = "false",
	  .about = "PKCS#12 with 3DES and SHA-1, for Java before 8u301 and "
	      "11.0.12" },
	{ .key = "trust", .type = YAML_TEXT_LIST, .offset = C(trust),
	  .max = 16, .check = check_absolute,
	  .about = "PEM files of the authorities that are trusted, and at one of "
	      "which a new chain has to end; without, the root that the "
	      "service answers with" },
	{ .key = "renew_left", .type = YAML_UINT, .offset = C(renew_left),
	  .min = 1, .max = 95, .dflt = "33",
	  .about = "per cent of its life that are left when another one is "
	      "asked for" },
	{ .key = "reload", .type = YAML_TEXT_LIST, .offset = C(reload),
	  .max = 64,
	  .about = "program and arguments, without a shell: tells whoever uses "
	      "the files that they are new" },
	{ .key = "check", .type = YAML_TEXT_LIST, .offset = C(check),
	  .max = 64,
	  .about = "program and arguments, run after `reload`: when it fails "
	      "until `check_within` is over, the files before come back, and "
	      "`reload` is run again" },
	{ .key = "check_within", .type = YAML_DURATION,
	  .offset = C(check_within_s), .max = 3600, .dflt = "30s",
	  .about = "for so long a check that fails is repeated, because "
	      "`reload` may end before the files are in use; 0s: it is run "
	      "once" },
	{ .key = "timeout", .type = YAML_DURATION, .offset = C(timeout_s),
	  .min = 1, .max = 3600, .dflt = "1m",
	  .about = "after which those programs are ended" },
	{ .key = "interval", .type = YAML_DURATION, .offset = C(interval_s),
	  .min = 1, .max = 30 * 86400, .dflt = "1h",
	  .about = "between two looks, without --once" },
	{ .key = "jitter", .type = YAML_DURATION, .offset = C(jitter_s),
	  .max = 86400, .dflt = "10m",
	  .about = "at most this much, by chance, is added to it" },
	{ 0 },
};
/* clang-format on */

/* ---- checks across fields -------------------------------------------------------- */

static void
check_files(struct yaml_checker *k, struct renew_config *cfg)
{
	struct renew_file *v = cfg->files.v;
	struct renew_crl *crl = cfg->crls.v;

	for (size_t i = 0; i < cfg->crls.n; i++)
		for (size_t j = 0; crl[i].name != NULL && j < i; j++)
			if (crl[j].name != NULL &&
			    strcmp(crl[i].name, crl[j].name) == 0)
				yaml_mistake(k, &crl[i].name,
				    "\"%s\" is there twice", crl[i].name);
	for (size_t i = 0; i < cfg->files.n; i++) {
		if (v[i].kind >= RENEW_P12 && cfg->password == NULL &&
		    !yaml_checker_given(k, &cfg->password))
			yaml_mistake(k, &v[i].kind, "PKCS#12 needs `password`");
		for (size_t j = 0; v[i].name != NULL && j < i; j++)
			if (v[j].name != NULL &&
			    strcmp(v[i].name, v[j].name) == 0)
				yaml_mistake(k, &v[i].name,
				    "\"%s\" is there twice", v[i].name);
		for (size_t j = 0; v[i].name != NULL && j < cfg->crls.n; j++)
			if (crl[j].name != NULL &&
			    strcmp(v[i].name, crl[j].name) == 0)
				yaml_mistake(k, &crl[j].name,
				    "\"%s\" is there twice", v[i].name);
	}
}

static bool
has_kind(const struct renew_config *cfg, enum renew_kind kind)
{
	const struct renew_file *v = cfg->files.v;

	for (size_t i = 0; i < cfg->files.n; i++)
		if (v[i].kind == (int)kind)
			return true;
	return false;
}

/* What each method needs. */
static void
check_auth(struct yaml_checker *k, struct renew_config *cfg)
{
	struct renew_auth *a = &cfg->auth;

	switch ((enum renew_method)a->method) {
	case RENEW_TOKEN:
		if (!yaml_checker_given(k, &a->token))
			yaml_mistake(k, &a->token,
			    "method token needs `token`");
		return;
	case RENEW_APPROLE:
		if (!yaml_checker_given(k, &a->role_id) ||
		    !yaml_checker_given(k, &a->secret_id))
			yaml_mistake(k, &a->role_id,
			    "method approle needs `role_id` and `secret_id`");
		return;
	case RENEW_CERT:
		if ((a->certificate == NULL) != (a->key == NULL))
			yaml_mistake(k, &a->certificate,
			    "`certificate` and `key`: both or none");
		else if (a->certificate == NULL && !has_kind(cfg, RENEW_PEM))
			yaml_mistake(k, &a->certificate,
			    "method cert needs `certificate` and `key`, or a "
			    "file of kind pem");
		return;
	case RENEW_SOCKET:
		if (!yaml_checker_given(k, &cfg->socket))
			yaml_mistake(k, &a->method,
			    "method socket needs `socket`");
		return;
	}
}

static void
check_command(struct yaml_checker *k, struct yaml_texts *argv, const char *what)
{
	if (argv->n > 0 && argv->v[0][0] != '/')
		yaml_mistake(k, argv,
		    "%s: \"%s\" is not an absolute path: no shell looks for it",
		    what, argv->v[0]);
}

static void
check_all(struct yaml_checker *k, void *filled, void *arg)
{
	struct renew_config *cfg = filled;

	(void)arg;
	if (yaml_checker_given(k, &cfg->url) ==
	    yaml_checker_given(k, &cfg->socket))
		yaml_mistake(k, &cfg->url, "`url` or `socket`: one of them");
	check_files(k, cfg);
	check_auth(k, cfg);
	check_command(k, &cfg->reload, "reload");
	check_command(k, &cfg->check, "check");
}

struct yaml_doc *
renew_config_read(const char *path, struct renew_config *out, struct error *e)
{
	auto_buf struct buf text = { 0 }, report = { 0 };
	struct yaml_doc *doc;

	if (!file_read(path, LIMIT_CONFIG_BYTES, &text, e))
		return NULL;
	doc = yaml_bind_cross(buf_bytes(&text), path, renew_schema, out,
	    sizeof(*out), check_all, NULL, &report, e);
	if (doc == NULL)
		out_err_lines(buf_bytes(&report));
	return doc;
}

/* ---- owners ------------------------------------------------------------------------ */

static bool
user_id(const char *name, uid_t *out, struct error *e)
{
	const struct passwd *pw;
	uint64_t n;

	if (name == NULL)
		return true;
	if (parse_u64(name, 0, UINT32_MAX - 1, &n)) {
		*out = (uid_t)n;
		return true;
	}
	pw = getpwnam(name);
	if (pw == NULL)
		return error_set(e, FAIL_NOT_FOUND, "there is no user \"%s\"",
		    name);
	*out = pw->pw_uid;
	return true;
}

static bool
group_id(const char *name, gid_t *out, struct error *e)
{
	const struct group *gr;
	uint64_t n;

	if (name == NULL)
		return true;
	if (parse_u64(name, 0, UINT32_MAX - 1, &n)) {
		*out = (gid_t)n;
		return true;
	}
	gr = getgrnam(name);
	if (gr == NULL)
		return error_set(e, FAIL_NOT_FOUND, "there is no group \"%s\"",
		    name);
	*out = gr->gr_gid;
	return true;
}

bool
renew_owner_of(const char *owner, const char *group, const char *mode,
    unsigned usual, struct renew_owner *out, struct error *e)
{
	*out = (struct renew_owner){ (uid_t)-1, (gid_t)-1, usual };
	if (mode != NULL)
		out->mode = (unsigned)strtoul(mode, NULL, 8);
	return user_id(owner, &out->uid, e) && group_id(group, &out->gid, e);
}
