/* SPDX-License-Identifier: Apache-2.0 */
#include "renew.h"

#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/secret_source.h>
#include <chancery/kafka/principal.h>
#include <chancery/kafka/request.h>
#include <chancery/kafka/store.h>

/* ---- asking -------------------------------------------------------------------- */

static void
set_list(json_t *body, const char *key, const struct yaml_texts *v)
{
	auto_buf struct buf all = { 0 };

	for (size_t i = 0; i < v->n; i++)
		buf_addf(&all, "%s%s", i > 0 ? "," : "", v->v[i]);
	if (v->n > 0)
		(void)json_object_set_new(body, key,
		    json_stringn((const char *)all.p, all.n));
}

static json_t *
body_of(const struct renew_config *cfg)
{
	json_t *body = json_pack("{s:s, s:s}", "common_name", cfg->common_name,
	    "format", "pem");

	if (body == NULL)
		fatal("a request's texts are not UTF-8");
	set_list(body, "alt_names", &cfg->alt_names);
	set_list(body, "ip_sans", &cfg->ip_sans);
	if (cfg->ttl_s > 0)
		(void)json_object_set_new(body, "ttl",
		    json_sprintf("%llds", (long long)cfg->ttl_s));
	return body;
}

static bool
add_request(const struct renew_config *cfg, const struct kafka_bundle *b,
    json_t *body, struct error *e)
{
	const struct kafka_request r = {
		.common_name = cfg->common_name,
		.dns = (const char *const *)cfg->alt_names.v,
		.dns_n = cfg->alt_names.n,
		.ip = (const char *const *)cfg->ip_sans.v,
		.ip_n = cfg->ip_sans.n,
	};
	auto_buf struct buf pem = { 0 };

	if (!kafka_request_pem(b, &r, &pem, e))
		return false;
	(void)json_object_set_new(body, "csr",
	    json_stringn((const char *)pem.p, pem.n));
	return true;
}

bool
renew_trust(const struct renew_config *cfg, struct kafka_bundle *b,
    struct error *e)
{
	for (size_t i = 0; i < cfg->trust.n; i++) {
		auto_buf struct buf text = { 0 };

		if (!file_read(cfg->trust.v[i], KAFKA_INPUT_BYTES, &text, e) ||
		    !kafka_bundle_add_anchors(b, buf_bytes(&text),
			cfg->trust.v[i], e))
			return error_context(e, "trust");
	}
	return true;
}

/* ---- checking ------------------------------------------------------------------- */

/* Kafka takes no certificate with another subject into a running broker (3.7:
 * ssl.allow.dn.changes), and ACLs name it. */
static bool
check_same_subject(const struct kafka_bundle *b, const struct cert *old,
    struct error *e)
{
	const struct cert *leaf = kafka_bundle_chain(b, 0);
	auto_buf struct buf now = { 0 }, before = { 0 };

	if (bytes_eq(leaf->tbs.subject, old->tbs.subject))
		return true;
	if (!kafka_principal(leaf->tbs.subject, &now, e) ||
	    !kafka_principal(old->tbs.subject, &before, e))
		return false;
	return bytes_eq(buf_bytes(&now), buf_bytes(&before)) ||
	    error_set(e, FAIL_REFUSED,
		"the new certificate is of %s, the current one of %s: brokers "
		"and ACLs take them for two (--force takes it)",
		buf_cstr(&now), buf_cstr(&before));
}

static bool
check_new(const struct renew_config *cfg, const struct kafka_bundle *b,
    struct kafka_findings *f, struct error *e)
{
	size_t n;
	const struct cert *const *chain = kafka_bundle_whole_chain(b, &n);
	const struct kafka_judge how = {
		.use = (enum kafka_use)cfg->use,
		.now_s = clock_wall_ms(&clock_system) / 1000,
		.hosts = (const char *const *)cfg->alt_names.v,
		.hosts_n = cfg->use == KAFKA_BROKER ? cfg->alt_names.n : 0,
	};
	const struct renew_file *files = cfg->files.v;

	kafka_judge_chain(chain, n, &how, f);
	for (size_t i = 0; i < cfg->files.n; i++)
		if (files[i].kind == RENEW_PEM && cfg->use == KAFKA_BROKER) {
			kafka_judge_pem_key(chain[0]->tbs.key, f);
			break;
		}
	return findings_pass(f, e) ||
	    error_context(e, "the new certificate is not taken");
}

struct kafka_bundle *
renew_ask(const struct renew_config *cfg, struct vault_client *v,
    const struct cert *old, bool force, struct kafka_findings *f,
    struct error *e)
{
	auto_kafka_bundle struct kafka_bundle *b = kafka_bundle_new();
	auto_json json_t *body = body_of(cfg);
	auto_json json_t *answer = NULL;
	auto_mem char *path = mem_printf("%s/%s/%s", cfg->mount,
	    cfg->issue ? "issue" : "sign", cfg->role);

	if (cfg->issue)
		(void)json_object_set_new(body, "private_key_format",
		    json_string("pkcs8"));
	else if (!kafka_bundle_make_key(b, cfg->key_type, e) ||
	    !add_request(cfg, b, body, e))
		return NULL;
	if (!renew_trust(cfg, b, e) ||
	    !vault_ask(v, "POST", path, body, &answer, e) ||
	    !kafka_input_data(json_object_get(answer, "data"), path, b, e) ||
	    !kafka_bundle_join(b, e))
		return NULL;
	(void)kafka_bundle_trust_root(b);
	if (!check_new(cfg, b, f, e) ||
	    (old != NULL && !force && !check_same_subject(b, old, e)))
		return NULL;
	return take(b);
}

/* ---- writing ----------------------------------------------------------------------- */

struct writer {
	const struct renew_config *cfg;
	const struct kafka_bundle *b;
	const struct secret *password;
};

bool
renew_password(const struct renew_config *cfg, struct secret **out,
    struct error *e)
{
	auto_secret struct secret *s = NULL;

	*out = NULL;
	if (cfg->password == NULL)
		return true;
	s = secret_from(cfg->password, "password", LIMIT_PIN_BYTES, e);
	if (s == NULL || !kafka_password_check(s, e))
		return false;
	*out = take(s);
	return true;
}

static bool
no_root(const struct renew_file *f, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT,
	    "%s: the service answers with no root: `trust` has to say who is "
	    "trusted",
	    f->name);
}

static bool
has_trust(const struct writer *w, const struct renew_file *f, struct error *e)
{
	return kafka_bundle_anchor(w->b, 0) != NULL || no_root(f, e);
}

static bool
has_root(struct bytes pem, const char *path)
{
	struct cert *v = NULL;
	size_t n = 0;
	bool has = false;
	struct error no;

	if (!cert_parse_bundle(pem, path, &v, &n, &no))
		return false;
	for (size_t i = 0; i < n; i++) {
		has = has || bytes_eq(v[i].tbs.subject, v[i].tbs.issuer);
		cert_free(&v[i]);
	}
	mem_free(v);
	return has;
}

/* The default issuer's chain and itself: no role is asked without a certificate coming of it. */
static bool
mount_has_root(const struct renew_config *cfg, struct vault_client *v,
    bool *has, struct error *e)
{
	static const char *const paths[] = { "ca_chain", "ca/pem" };

	*has = false;
	for (size_t i = 0; !*has && i < countof(paths); i++) {
		auto_mem char *path = mem_printf("%s/%s", cfg->mount, paths[i]);
		auto_buf struct buf pem = { 0 };

		if (!vault_fetch(v, path, &pem, e))
			return false;
		*has = has_root(buf_bytes(&pem), path);
	}
	return true;
}

bool
renew_check_root(const struct renew_config *cfg, struct vault_client *v,
    struct error *e)
{
	const struct renew_file *f = cfg->files.v;
	bool has;

	for (size_t i = 0; cfg->trust.n == 0 && i < cfg->files.n; i++)
		if (f[i].kind == RENEW_TRUST || f[i].kind == RENEW_TRUST_P12)
			return mount_has_root(cfg, v, &has, e) &&
			    (has || no_root(&f[i], e));
	return true;
}

/* Contents of files without a key. */
static bool
public_text(const struct writer *w, const struct renew_file *f, struct buf *out,
    struct error *e)
{
	const struct kafka_p12 opt = {
		.alias = w->cfg->alias,
		.password = w->password,
		.legacy = w->cfg->legacy,
	};

	switch ((enum renew_kind)f->kind) {
	case RENEW_CERTIFICATE:
		kafka_chain_pem(w->b, out);
		return true;
	case RENEW_TRUST:
		kafka_trust_pem(w->b, out);
		return has_trust(w, f, e);
	case RENEW_TRUST_P12:
		return has_trust(w, f, e) &&
		    kafka_trust_p12(w->b, &opt, out, e);
	case RENEW_P12:
		return kafka_key_p12(w->b, &opt, out, e);
	case RENEW_PEM:
	case RENEW_KEY:
		break;
	}
	fatal("corrupt renew_kind %d", f->kind);
}

static bool
write_one(const struct writer *w, const struct renew_file *f,
    struct set_dir *set, struct error *e)
{
	bool key = f->kind == RENEW_PEM || f->kind == RENEW_KEY;
	auto_secret struct secret *pem = NULL;
	auto_buf struct buf text = { 0 };
	struct renew_owner o;
	struct bytes data;

	if (!renew_owner_of(f->owner, f->group, f->mode,
		key || f->kind == RENEW_P12 ? 0600 : 0644, &o, e))
		return error_context(e, "%s", f->name);
	if (key)
		pem = f->kind == RENEW_PEM ? kafka_key_pem(w->b, e)
					   : kafka_key_only_pem(w->b, e);
	if (key ? pem == NULL : !public_text(w, f, &text, e))
		return false;
	data = key ? secret_bytes(pem) : buf_bytes(&text);
	return set_dir_add(set, f->name, data, o.mode, o.uid, o.gid, e);
}

/* What the next run looks at: the chain, whom it was told to trust, and the settings. */
static bool
write_own(const struct writer *w, struct set_dir *set, struct error *e)
{
	auto_buf struct buf chain = { 0 }, trust = { 0 };

	kafka_chain_pem(w->b, &chain);
	kafka_trust_pem(w->b, &trust);
	return set_dir_add(set, RENEW_OWN, buf_bytes(&chain), 0600, (uid_t)-1,
		   (gid_t)-1, e) &&
	    set_dir_add(set, RENEW_OWN_TRUST, buf_bytes(&trust), 0600,
		(uid_t)-1, (gid_t)-1, e) &&
	    renew_settings_add(w->cfg, set, e);
}

bool
renew_write(const struct renew_config *cfg, const struct kafka_bundle *b,
    const struct secret *password, struct set_dir *set, struct error *e)
{
	const struct writer w = { cfg, b, password };
	const struct renew_file *f = cfg->files.v;

	for (size_t i = 0; i < cfg->files.n; i++)
		if (!write_one(&w, &f[i], set, e))
			return false;
	return write_own(&w, set, e);
}
