/* SPDX-License-Identifier: Apache-2.0 */
/* What of the configuration a set was made with, kept beside its files. The password is not in
 * it: whether a store opens with it tells as much. */
#include "renew.h"

#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret_source.h>
#include <chancery/kafka/store.h>

#define OWN_SETTINGS ".settings.json"

/* ---- the settings -------------------------------------------------------------- */

/* In no order: {"localhost": true, …}. */
static json_t *
texts(const struct yaml_texts *v)
{
	json_t *out = json_object();

	for (size_t i = 0; i < v->n; i++)
		(void)json_object_set_new(out, v->v[i], json_true());
	return out;
}

static json_t *
file_settings(const struct renew_config *cfg, const struct renew_file *f)
{
	bool store = f->kind >= RENEW_P12;

	return json_pack("{s:i, s:s?, s:s?, s:s?, s:s?, s:b}", "kind", f->kind,
	    "owner", f->owner, "group", f->group, "mode", f->mode, "alias",
	    store ? cfg->alias : NULL, "legacy", store && cfg->legacy);
}

static json_t *
settings_of(const struct renew_config *cfg)
{
	const struct renew_file *f = cfg->files.v;
	json_t *files = json_object();

	for (size_t i = 0; i < cfg->files.n; i++)
		(void)json_object_set_new(files, f[i].name,
		    file_settings(cfg, &f[i]));
	return json_pack("{s:o, s:o, s:b, s:o}", "alt_names",
	    texts(&cfg->alt_names), "ip_sans", texts(&cfg->ip_sans), "trust",
	    cfg->trust.n > 0, "files", files);
}

bool
renew_settings_add(const struct renew_config *cfg, struct set_dir *set,
    struct error *e)
{
	auto_json json_t *now = settings_of(cfg);
	char *text = json_dumps(now, JSON_COMPACT | JSON_SORT_KEYS);
	bool ok;

	if (text == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "the configuration has a text that is not UTF-8");
	ok = set_dir_add(set, OWN_SETTINGS, bytes_str(text), 0600, (uid_t)-1,
	    (gid_t)-1, e);
	free(text);
	return ok;
}

/* ---- whether they are others now ------------------------------------------------- */

static void
compare_files(json_t *was, json_t *now, struct buf *reason)
{
	const char *name;
	json_t *one;

	json_object_foreach(now, name,
	    one) if (!json_equal(one, json_object_get(was, name)))
	{
		buf_addf(reason, "the settings of %s changed", name);
		return;
	}
	json_object_foreach(was, name,
	    one) if (json_object_get(now, name) == NULL)
	{
		buf_addf(reason, "%s is not wanted any more", name);
		return;
	}
}

static void
compare(const json_t *was, const json_t *now, struct buf *reason)
{
	static const char *const keys[] = { "alt_names", "ip_sans", "trust" };

	for (size_t i = 0; i < countof(keys); i++)
		if (!json_equal(json_object_get(was, keys[i]),
			json_object_get(now, keys[i]))) {
			buf_addf(reason, "`%s` changed", keys[i]);
			return;
		}
	compare_files(json_object_get(was, "files"),
	    json_object_get(now, "files"), reason);
}

void
renew_look_at_settings(struct renew_pass *p)
{
	auto_mem char *path = set_dir_file(p->set, OWN_SETTINGS);
	auto_json json_t *now = settings_of(p->cfg);
	auto_json json_t *was = NULL;
	auto_buf struct buf text = { 0 };
	struct error no;

	if (file_read(path, LIMIT_CONFIG_BYTES, &text, &no))
		was = json_loadb((const char *)text.p, text.n, 0, NULL);
	if (was == NULL)
		buf_add_str(&p->reason,
		    "with which settings the current files were made is not "
		    "known");
	else
		compare(was, now, &p->reason);
}

/* ---- the password ------------------------------------------------------------------ */

static bool
opens(const struct renew_pass *p, const struct renew_file *f,
    const struct secret *password)
{
	auto_mem char *path = set_dir_file(p->set, f->name);
	auto_buf struct buf der = { 0 };
	struct error no;

	return file_read(path, KAFKA_INPUT_BYTES, &der, &no) &&
	    kafka_p12_is_password(buf_bytes(&der), password);
}

/* A descriptor gives it once, which is when the stores are made. */
static bool
is_readable_again(const char *source)
{
	struct secret_source src;
	struct error no;

	return source != NULL &&
	    secret_source_parse(source, "password", &src, &no) &&
	    src.kind != SECRET_FD;
}

bool
renew_look_at_password(struct renew_pass *p, struct error *e)
{
	const struct renew_file *f = p->cfg->files.v;
	auto_secret struct secret *password = NULL;

	if (!is_readable_again(p->cfg->password))
		return true;
	if (!renew_password(p->cfg, &password, e))
		return false;
	for (size_t i = 0; i < p->cfg->files.n; i++)
		if (f[i].kind >= RENEW_P12 && !opens(p, &f[i], password)) {
			buf_addf(&p->reason, "`password` does not open %s",
			    f[i].name);
			return true;
		}
	return true;
}
