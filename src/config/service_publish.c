/* SPDX-License-Identifier: Apache-2.0 */
/* Where lists are published: keys, and what they may say together. */
#include "service_publish.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "service_checks.h"

const char *const service_target_kinds[] = { "files", "http", "s3", NULL };

#define T(f) offsetof(struct service_target, f)

/* clang-format off */
const struct yaml_field service_target_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = T(name), .min = 1, .max = 63,
	  .check = check_service_name,
	  .about = "how log, metrics and status call it" },
	{ .key = "kind", .type = YAML_ENUM, .offset = T(kind), .required = true,
	  .names = service_target_kinds, .dflt = "files",
	  .about = "a directory, HTTP PUT, or an S3-compatible store" },
	{ .key = "directory", .type = YAML_TEXT, .offset = T(directory),
	  .about = "kind files: the directory, which the publisher may write" },
	{ .key = "address", .type = YAML_TEXT, .offset = T(address),
	  .check = check_target_url,
	  .about = "kind http: URL that objects are put below; kind s3: the endpoint. "
	      "https://HOST[:PORT][/PATH]; http:// for 127.0.0.1, [::1] and "
	      "localhost alone" },
	{ .key = "region", .type = YAML_TEXT, .offset = T(region),
	  .check = check_service_name, .about = "kind s3: region of the signature" },
	{ .key = "bucket", .type = YAML_TEXT, .offset = T(bucket),
	  .check = check_service_name,
	  .about = "kind s3: the bucket, as first part of the path; without it the "
	      "endpoint names it" },
	{ .key = "prefix", .type = YAML_TEXT, .offset = T(prefix),
	  .check = service_object_name_check,
	  .about = "kind s3: what the names of all objects begin with, a path" },
	{ .key = "webdav", .type = YAML_BOOL, .offset = T(webdav),
	  .dflt = "false",
	  .about = "kind http: put under another name, then MOVE; missing "
	      "collections are made" },
	{ .key = "conditions", .type = YAML_BOOL, .offset = T(conditions),
	  .dflt = "true",
	  .about = "kinds http and s3: put with If-Match or If-None-Match; false for "
	      "a service that refuses them" },
	{ .key = "token_file", .type = YAML_TEXT, .offset = T(token_file),
	  .about = "kind http: file of a bearer token" },
	{ .key = "password_file", .type = YAML_TEXT,
	  .offset = T(password_file),
	  .about = "kind http: file with USER:PASSWORD" },
	{ .key = "keys_file", .type = YAML_TEXT, .offset = T(keys_file),
	  .about = "kind s3: file with KEY-ID:SECRET" },
	{ .key = "ca_certificate", .type = YAML_TEXT,
	  .offset = T(ca_certificate),
	  .about = "PEM file: the authorities of its certificate, and of "
	      "public_url's; the system's are not asked" },
	{ .key = "client_certificate", .type = YAML_TEXT,
	  .offset = T(client_certificate),
	  .about = "PEM file that the publisher shows at `address`" },
	{ .key = "client_key", .type = YAML_TEXT, .offset = T(client_key),
	  .about = "PEM file of its private key" },
	{ .key = "public_url", .type = YAML_TEXT, .offset = T(public_url),
	  .check = check_public_url,
	  .about = "URL below which readers find the objects: what was "
	      "published is fetched from there and compared" },
	{ .key = "mounts", .type = YAML_TEXT_LIST, .offset = T(mounts),
	  .max = 64, .about = "authorities that are published; without it all" },
	{ .key = "lists", .type = YAML_TEXT, .offset = T(lists),
	  .dflt = "{mount}/{issuer}/{scope}.crl", .check = check_pattern,
	  .about = "names of lists, from {mount}, {issuer}, {name}, {key} and "
	      "{scope}; none where it is empty. Without {scope} full lists alone, "
	      "without {issuer}, {name} and {key} the default issuer's alone" },
	{ .key = "lists_pem", .type = YAML_TEXT, .offset = T(lists_pem), .check = check_pattern,
	  .about = "the same as PEM; without it none" },
	{ .key = "certificates", .type = YAML_TEXT, .offset = T(certificates), .dflt = "{mount}/{issuer}.crt", .check = check_pattern,
	  .about = "names of the issuers' certificates; none where it is empty" },
	{ .key = "certificates_pem", .type = YAML_TEXT,
	  .offset = T(certificates_pem), .check = check_pattern,
	  .about = "the same as PEM; without it none" },
	{ .key = "max_age", .type = YAML_DURATION, .offset = T(max_age_s),
	  .max = 86400, .dflt = "5m",
	  .about = "kinds http and s3: how long caches may keep an object" },
	{ .key = "timeout", .type = YAML_DURATION, .offset = T(timeout_s),
	  .min = 1, .max = 86400, .dflt = "10m",
	  .about = "longest time for one object" },
	{ .key = "check", .type = YAML_DURATION, .offset = T(check_s),
	  .min = 1, .max = 86400, .dflt = "10m",
	  .about = "how often what is there is looked at when nothing is new" },
	{ 0 },
};
/* clang-format on */

/* ---- names of objects ------------------------------------------------------- */

static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "0123456789-_.~";

bool
service_object_name_check(const char *name, struct error *e)
{
	const char *p = name;

	while (*p != '\0') {
		size_t n = strspn(p, safe);

		if (n == 0 || *p == '.' || (p[n] != '/' && p[n] != '\0') ||
		    (p[n] == '/' && p[n + 1] == '\0'))
			break;
		p += n + (p[n] == '/');
	}
	return (*p == '\0' && *name != '\0' &&
		   strlen(name) <= LIMIT_OBJECT_NAME_BYTES) ||
	    error_set(e, FAIL_BAD_INPUT,
		"\"%.64s\" is no name of an object: letters, digits, - _ . ~ "
		"between slashes, no part beginning with a dot",
		name);
}

/* The end of "{word}" at p, NULL: there is none. */
static const char *
word_end(const char *p)
{
	const char *end = *p == '{' ? strchr(p, '}') : NULL;

	return end != NULL ? end + 1 : NULL;
}

static const char *
word_value(const struct service_object *o, const char *p, size_t n)
{
	const struct {
		const char *word, *value;
	} words[] = { { "{mount}", o->mount }, { "{issuer}", o->issuer },
		{ "{name}", o->name }, { "{key}", o->key },
		{ "{scope}", o->scope } };

	for (size_t i = 0; i < countof(words); i++)
		if (strlen(words[i].word) == n &&
		    memcmp(words[i].word, p, n) == 0)
			return words[i].value;
	return NULL;
}

bool
service_object_name(const char *pattern, const struct service_object *o,
    struct buf *out, struct error *e)
{
	auto_buf struct buf name = { 0 };

	for (const char *p = pattern; *p != '\0';) {
		const char *end = word_end(p), *value;

		if (end == NULL) {
			buf_add_byte(&name, (uint8_t)*p++);
			continue;
		}
		value = word_value(o, p, (size_t)(end - p));
		if (value == NULL)
			return error_set(e, FAIL_BAD_INPUT,
			    "%.*s is none of {mount}, {issuer}, {name}, {key}, "
			    "{scope}",
			    (int)(end - p), p);
		buf_add_str(&name, value);
		p = end;
	}
	if (!service_object_name_check(buf_cstr(&name), e))
		return false;
	buf_add_bytes(out, buf_bytes(&name));
	return true;
}

bool
service_pattern_has(const char *pattern, const char *word)
{
	const char *p = pattern != NULL ? pattern : "";
	size_t n = strlen(word);

	while ((p = strchr(p, '{')) != NULL)
		if (strncmp(++p, word, n) == 0 && p[n] == '}')
			return true;
	return false;
}

/* With names that stand for any. */
bool
check_pattern(const char *v, struct error *e)
{
	static const struct service_object any = { "m", "i", "n", "k", "s" };
	auto_buf struct buf ignored = { 0 };

	return *v == '\0' || service_object_name(v, &any, &ignored, e);
}

/* ---- across fields ----------------------------------------------------------- */

static void
paths_of(struct service_target *t, char **out[7])
{
	char **const paths[7] = { &t->directory, &t->token_file,
		&t->password_file, &t->keys_file, &t->ca_certificate,
		&t->client_certificate, &t->client_key };

	memcpy(out, paths, sizeof(paths));
}

void
publish_absolute(struct yaml_checker *c, struct service_config *cfg,
    const char *dir)
{
	struct service_target *t = cfg->publish.v;
	char **paths[7];

	for (size_t i = 0; i < cfg->publish.n; i++) {
		paths_of(&t[i], paths);
		for (size_t k = 0; k < countof(paths); k++)
			if (*paths[k] != NULL && **paths[k] != '\0' &&
			    **paths[k] != '/')
				*paths[k] =
				    yaml_keep(c, path_join(dir, *paths[k]));
	}
}

static void
check_files(struct yaml_checker *c, struct service_target *t)
{
	char **paths[7];
	struct stat st;

	paths_of(t, paths);
	for (size_t i = 0; i < countof(paths); i++)
		if (*paths[i] != NULL && stat(*paths[i], &st) != 0)
			yaml_mistake(c, paths[i],
			    i == 0 ? "%s: there is no such directory"
				   : "%s: there is no such file",
			    *paths[i]);
}

/* What a kind needs, and what has no meaning with it. */
static void
check_kind(struct yaml_checker *c, const struct service_target *t)
{
	const struct {
		const char *key;
		char *const *field;
		bool needed[3], known[3]; /* files, http, s3 */
	} rows[] = {
		{ "directory", &t->directory, { true }, { true } },
		{ "address", &t->address, { false, true, true },
		    { false, true, true } },
		{ "region", &t->region, { false, false, true },
		    { false, false, true } },
		{ "keys_file", &t->keys_file, { false, false, true },
		    { false, false, true } },
		{ "bucket", &t->bucket, { false }, { false, false, true } },
		{ "prefix", &t->prefix, { false }, { false, false, true } },
		{ "token_file", &t->token_file, { false }, { false, true } },
		{ "password_file", &t->password_file, { false },
		    { false, true } },
		{ "client_certificate", &t->client_certificate, { false },
		    { false, true, true } },
		{ "client_key", &t->client_key, { false },
		    { false, true, true } },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		bool given = *rows[i].field != NULL ||
		    yaml_checker_given(c, rows[i].field);

		if (rows[i].needed[t->kind] && !given)
			yaml_mistake(c, &t->kind, "target %s: %s is missing",
			    t->name, rows[i].key);
		if (!rows[i].known[t->kind] && given)
			yaml_mistake(c, rows[i].field,
			    "target %s: %s is not for kind %s", t->name,
			    rows[i].key, service_target_kinds[t->kind]);
	}
}

static void
check_credentials(struct yaml_checker *c, const struct service_target *t)
{
	bool tls =
	    (t->address != NULL && strncmp(t->address, "https:", 6) == 0) ||
	    (t->public_url != NULL && strncmp(t->public_url, "https:", 6) == 0);

	if (t->token_file != NULL && t->password_file != NULL)
		yaml_mistake(c, &t->password_file,
		    "target %s: token_file or password_file, not both",
		    t->name);
	if ((t->client_certificate == NULL) != (t->client_key == NULL))
		yaml_mistake(c,
		    t->client_key == NULL ? &t->client_certificate
					  : &t->client_key,
		    "client_certificate and client_key: both or neither");
	if (tls && t->ca_certificate == NULL)
		yaml_mistake(c, &t->kind,
		    "target %s: ca_certificate is missing: which authorities "
		    "its certificate may be of",
		    t->name);
	if (t->webdav && t->kind != SERVICE_TARGET_HTTP)
		yaml_mistake(c, &t->webdav, "target %s: webdav is for http",
		    t->name);
}

/* Two objects under one name would take turns there. */
static void
check_pattern_names(struct yaml_checker *c, const struct service_target *t)
{
	char *const *patterns[] = { &t->lists, &t->lists_pem, &t->certificates,
		&t->certificates_pem };
	bool any = false;

	for (size_t i = 0; i < countof(patterns); i++) {
		const char *p = *patterns[i];

		if (p == NULL || *p == '\0')
			continue;
		any = true;
		if (!service_pattern_has(p, "mount") && t->mounts.n != 1 &&
		    !service_pattern_has(p, "issuer") &&
		    !service_pattern_has(p, "key"))
			yaml_mistake(c, patterns[i],
			    "target %s: without {mount} exactly one mount has "
			    "to be named in `mounts`",
			    t->name);
		if (i >= 2 && service_pattern_has(p, "scope"))
			yaml_mistake(c, patterns[i],
			    "target %s: certificates have no {scope}", t->name);
		for (size_t k = 0; k < i; k++)
			if (*patterns[k] != NULL &&
			    strcmp(*patterns[k], p) == 0)
				yaml_mistake(c, patterns[i],
				    "target %s: two patterns are the same",
				    t->name);
	}
	if (!any)
		yaml_mistake(c, &t->kind, "target %s: nothing to publish",
		    t->name);
}

static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n > 0 && dir[n - 1] == '/')
		n--;
	return path != NULL && strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

/* The publisher may write there, and whoever reads lists reads there. */
static void
check_directory(struct yaml_checker *c, const struct service_config *cfg,
    const struct service_target *t)
{
	const char *const others[] = { cfg->register_dir, cfg->anchor_dir,
		cfg->soft_token_dir, cfg->crl_dir, cfg->run_dir,
		cfg->server.store, cfg->server.tls.key, t->token_file,
		t->password_file, t->keys_file, t->client_key };

	for (size_t i = 0; t->directory != NULL && i < countof(others); i++)
		if (is_below(others[i], t->directory) ||
		    (others[i] != NULL && is_below(t->directory, others[i]))) {
			yaml_mistake(c, &t->directory,
			    "target %s: give what is published a directory of "
			    "its own",
			    t->name);
			return;
		}
}

void
check_publish(struct yaml_checker *c, struct service_config *cfg, bool exists)
{
	struct service_target *t = cfg->publish.v;

	for (size_t i = 0; i < cfg->publish.n; i++) {
		if (exists)
			check_files(c, &t[i]);
		if (t[i].name == NULL)
			continue;
		check_kind(c, &t[i]);
		check_credentials(c, &t[i]);
		check_pattern_names(c, &t[i]);
		check_directory(c, cfg, &t[i]);
	}
}
