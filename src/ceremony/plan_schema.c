/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/plan.h>

#include <stddef.h>
#include <string.h>

#include <chancery/base/alg.h>
#include <chancery/base/secret_source.h>
#include <chancery/base/text.h>
#include <chancery/pki/name.h>

static const char *const role_names[] = { "administrator", "operator",
	"custodian", "safe-controller", "witness", "auditor", "recovery",
	NULL };
static const char *const token_roles[] = { "ca", "log", NULL };
static const char *const confirm_names[] = { "every-step", "key-steps", NULL };

const char *
plan_role_name(enum plan_role r)
{
	return role_names[r];
}

static bool
check_absolute(const char *v, struct error *e)
{
	if (v[0] == '/')
		return true;
	return error_set(e, FAIL_BAD_INPUT, "must be an absolute path");
}

static bool
check_key_type(const char *v, struct error *e)
{
	struct key_type t;

	if (key_type_by_name(v, &t) && key_type_can_generate(t))
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "must be rsa-2048, rsa-3072, rsa-4096, ec-p256, ec-p384 or "
	    "ed25519");
}

static bool
check_subject(const char *v, struct error *e)
{
	auto_buf struct buf der = { 0 };

	return name_parse(v, &der, e);
}

static bool
check_pin(const char *v, struct error *e)
{
	struct secret_source src;

	/* A relative path is made absolute when the plan is read. */
	if (strncmp(v, "file:", 5) == 0 && v[5] != '\0')
		return true;
	return secret_source_parse(v, "PIN", &src, e);
}

static bool
check_uri(const char *v, struct error *e)
{
	/* A plan is printed, hashed and kept; a PIN is not. */
	if (strcasestr(v, "pin-value") != NULL ||
	    strcasestr(v, "pin-source") != NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "must name a token and no PIN: that is what pin is for");
	if (strncmp(v, "pkcs11:", 7) == 0)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "must be a PKCS#11 URI (RFC 7512), such as "
	    "\"pkcs11:token=ca\"");
}

/* A file name inside the home, nothing that leaves it. */
static bool
check_relative(const char *v, struct error *e)
{
	if (v[0] == '\0' || v[0] == '/' || strcmp(v, "..") == 0 ||
	    strncmp(v, "../", 3) == 0 || strstr(v, "/../") != NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "must be a path inside the home directory");
	return true;
}

static bool
check_word(const char *v, struct error *e)
{
	if (strspn(v,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_.") == strlen(v) &&
	    v[0] != '.' && v[0] != '\0')
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "must be letters, digits, '-', '_' and '.'");
}

static bool
check_file_name(const char *v, struct error *e)
{
	static const char *const ours[] = { "transcript.jsonl", "report.txt",
		"report.html", "checkpoint", "log.vkey" };

	for (size_t i = 0; i < countof(ours); i++)
		if (strcmp(v, ours[i]) == 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "is a file that the ceremony writes itself");
	return check_word(v, e);
}

static bool
check_outputs(const char *v, struct error *e)
{
	static const char *const ours[] = { "register", "crl", "ceremony",
		"chancery.yaml" };
	size_t n;

	while (strncmp(v, "./", 2) == 0)
		v += 2;
	n = strcspn(v, "/");
	for (size_t i = 0; i < countof(ours); i++)
		if (strlen(ours[i]) == n && strncmp(v, ours[i], n) == 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "is a directory that the home uses itself");
	if (strncmp(v, "rehearsal-", 10) == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "is a directory that the home uses itself");
	return check_relative(v, e);
}

static bool
check_origin(const char *v, struct error *e)
{
	if (strpbrk(v, " +\t") == NULL && v[0] != '\0')
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "must be a log origin without space or plus, such as "
	    "\"acme.example/root\"");
}

static bool
check_sha256(const char *v, struct error *e)
{
	uint8_t h[SHA256_LEN];

	if (hex_decode_fixed(v, h, sizeof(h)))
		return true;
	return error_set(e, FAIL_BAD_INPUT, "must be 64 hex digits");
}

#define P(f) offsetof(struct plan, f)
#define A(f) offsetof(struct plan_authority, f)
#define T(f) offsetof(struct plan_token, f)
#define W(f) offsetof(struct plan_person, f)
#define DAY 86400

/* clang-format off */
static const struct yaml_field module_fields[] = {
	{ .key = "path", .type = YAML_TEXT, .offset = P(module.path) - P(module),
	  .required = true, .check = check_absolute,
	  .about = "PKCS#11 module, absolute" },
	{ .key = "init_args", .type = YAML_TEXT,
	  .offset = P(module.init_args) - P(module),
	  .about = "string for C_Initialize (NSS)" },
	{ .key = "sha256", .type = YAML_TEXT, .check = check_sha256,
	  .offset = P(module.sha256) - P(module),
	  .about = "hash of the module's file; another one stops" },
	{ .key = "soft_token_dir", .type = YAML_TEXT,
	  .offset = P(module.soft_token_dir) - P(module),
	  .about = "directory of SoftHSM tokens (sets SOFTHSM2_CONF)" },
	{ 0 },
};

static const struct yaml_field person_fields[] = {
	{ .key = "name", .type = YAML_TEXT, .offset = W(name), .required = true,
	  .min = 1, .max = 100, .about = "as on the identity document" },
	{ .key = "role", .type = YAML_ENUM, .offset = W(role), .required = true,
	  .names = role_names, .about = "one person, one role" },
	{ 0 },
};

static const struct yaml_field token_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = T(name), .check = check_word,
	  .about = "how the plan calls the token" },
	{ .key = "uri", .type = YAML_TEXT, .offset = T(uri), .required = true,
	  .check = check_uri, .about = "RFC 7512, names exactly one token" },
	{ .key = "pin", .type = YAML_TEXT, .offset = T(pin), .required = true,
	  .check = check_pin,
	  .about = "fd:N, file:PATH, credential:NAME or prompt" },
	{ .key = "role", .type = YAML_ENUM, .offset = T(role), .required = true,
	  .names = token_roles, .about = "ca keys or the log key" },
	{ .key = "charter", .type = YAML_TEXT, .offset = T(charter),
	  .about = "template for keys made on it after the ceremony" },
	{ .key = "keys", .type = YAML_TEXT_LIST, .offset = T(keys),
	  .about = "key map: labels that are expected on it beforehand" },
	{ 0 },
};

static const struct yaml_field log_fields[] = {
	{ .key = "origin", .type = YAML_TEXT, .required = true,
	  .offset = P(log.origin) - P(log), .check = check_origin, .max = 200,
	  .about = "name of the log, for checkpoints" },
	{ .key = "token", .type = YAML_TEXT, .required = true,
	  .offset = P(log.token) - P(log), .about = "a token of role log" },
	{ .key = "label", .type = YAML_TEXT, .dflt = "log-key",
	  .offset = P(log.label) - P(log), .check = check_word,
	  .about = "of the Ed25519 log key" },
	{ 0 },
};

#define AUTHORITY_COMMON                                                       \
	{ .key = "label", .type = YAML_TEXT, .offset = A(label),               \
	  .required = true, .check = check_word, .max = 60,                    \
	  .about = "of the key on its token" },                                \
	{ .key = "token", .type = YAML_TEXT, .offset = A(token),               \
	  .required = true, .about = "a token of role ca" },                   \
	{ .key = "type", .type = YAML_TEXT, .offset = A(type),                 \
	  .required = true, .check = check_key_type, .about = "key type" },    \
	{ .key = "charter", .type = YAML_TEXT, .offset = A(charter),           \
	  .about = "charter template" },                                       \
	{ .key = "charter_file", .type = YAML_TEXT, .offset = A(charter_file), \
	  .about = "charter file instead of a template" },                     \
	{ .key = "subject", .type = YAML_TEXT, .offset = A(subject),           \
	  .required = true, .check = check_subject, .about = "RFC 4514" },     \
	{ .key = "file", .type = YAML_TEXT, .offset = A(file),                 \
	  .required = true, .check = check_file_name,                          \
	  .about = "certificate file below outputs" }

static const struct yaml_field root_fields[] = {
	AUTHORITY_COMMON,
	{ .key = "life", .type = YAML_DURATION, .offset = A(life_s),
	  .required = true, .min = 30 * DAY, .max = 14600 * (uint64_t)DAY,
	  .about = "of the certificate" },
	{ 0 },
};

static const struct yaml_field intermediate_fields[] = {
	AUTHORITY_COMMON,
	{ .key = "life", .type = YAML_DURATION, .offset = A(life_s),
	  .required = true, .min = DAY, .max = 14600 * (uint64_t)DAY,
	  .about = "of the certificate, within the root's" },
	{ .key = "path_len", .type = YAML_UINT, .offset = A(path_len), .min = 0,
	  .max = 8, .dflt = "0", .about = "CA certificates below it" },
	{ .key = "crl_urls", .type = YAML_TEXT_LIST, .offset = A(crl_urls),
	  .max = PROFILE_URLS_MAX - 1,
	  .about = "where the root's CRL will be" },
	{ .key = "ca_urls", .type = YAML_TEXT_LIST, .offset = A(ca_urls),
	  .max = PROFILE_URLS_MAX - 1,
	  .about = "where the root's certificate will be" },
	{ .key = "permit_dns", .type = YAML_TEXT_LIST, .offset = A(permit_dns),
	  .max = PROFILE_CONSTRAINTS_MAX - 1,
	  .about = "name constraints: permitted DNS subtrees" },
	{ .key = "exclude_dns", .type = YAML_TEXT_LIST,
	  .offset = A(exclude_dns), .max = PROFILE_CONSTRAINTS_MAX - 1,
	  .about = "name constraints: excluded DNS subtrees" },
	{ 0 },
};

static const struct yaml_field crl_fields[] = {
	{ .key = "life", .type = YAML_DURATION, .required = true,
	  .offset = P(crl.life_s) - P(crl), .min = 3600, .max = 366 * DAY,
	  .about = "nextUpdate after thisUpdate" },
	{ .key = "file", .type = YAML_TEXT, .required = true,
	  .offset = P(crl.file) - P(crl), .check = check_file_name,
	  .about = "CRL file below outputs" },
	{ 0 },
};

const struct yaml_field plan_schema[] = {
	{ .key = "version", .type = YAML_UINT, .offset = P(version),
	  .required = true, .min = 1, .max = 1, .about = "of this format: 1" },
	{ .key = "id", .type = YAML_TEXT, .offset = P(id), .required = true,
	  .check = check_word, .min = 1, .max = 60,
	  .about = "name of the ceremony" },
	{ .key = "title", .type = YAML_TEXT, .offset = P(title),
	  .required = true, .min = 1, .max = 200, .about = "for the report" },
	{ .key = "people", .type = YAML_SECTION_LIST, .offset = P(people),
	  .required = true, .min = 2, .max = 40, .fields = person_fields,
	  .size = sizeof(struct plan_person), .about = "who takes part" },
	{ .key = "module", .type = YAML_SECTION, .offset = P(module),
	  .required = true, .fields = module_fields,
	  .about = "the PKCS#11 module" },
	{ .key = "tokens", .type = YAML_SECTION_MAP, .offset = P(tokens),
	  .required = true, .min = 1, .max = 8, .fields = token_fields,
	  .size = sizeof(struct plan_token), .about = "tokens by name" },
	{ .key = "log", .type = YAML_SECTION, .offset = P(log),
	  .required = true, .fields = log_fields, .about = "the register" },
	{ .key = "root", .type = YAML_SECTION, .offset = P(root),
	  .required = true, .fields = root_fields,
	  .about = "root key and certificate" },
	{ .key = "crl", .type = YAML_SECTION, .offset = P(crl),
	  .required = true, .fields = crl_fields, .about = "the first CRL" },
	{ .key = "intermediates", .type = YAML_SECTION_LIST,
	  .offset = P(intermediates), .max = 4, .fields = intermediate_fields,
	  .size = sizeof(struct plan_authority),
	  .about = "authorities below the root, with keys on our tokens" },
	{ .key = "outputs", .type = YAML_TEXT, .offset = P(outputs),
	  .dflt = "out", .check = check_outputs,
	  .about = "directory for files, inside the home" },
	{ .key = "anchor_dir", .type = YAML_TEXT, .offset = P(anchor_dir),
	  .about = "where the newest checkpoint is also kept: another disk" },
	{ .key = "openssl", .type = YAML_TEXT, .offset = P(openssl),
	  .dflt = "/usr/bin/openssl", .check = check_absolute,
	  .about = "program for the independent check" },
	{ .key = "confirmations", .type = YAML_ENUM, .offset = P(confirmations),
	  .dflt = "every-step", .names = confirm_names,
	  .about = "where words must be typed" },
	{ .key = "rehearsal", .type = YAML_TEXT, .offset = P(rehearsal),
	  .check = check_sha256,
	  .about = "SHA-256 of the rehearsal's transcript" },
	{ 0 },
};
/* clang-format on */
