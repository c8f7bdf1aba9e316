/* SPDX-License-Identifier: Apache-2.0 */

/* Several logs: the register of an offline authority as one file, and that file taken in. */
#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/session.h>
#include <chancery/register/bundle.h>
#include <chancery/signer/import.h>

#include "cli.h"
#include "daemon.h"

#define VKEY_BYTES_MAX 1024

/* ---- register bundle ------------------------------------------------------ */

static bool
run_bundle(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	auto_buf struct buf out = { 0 };
	struct checkpoint at;
	struct sha256 hash;

	if (h == NULL || !file_check_absent(c->arg[0], e) ||
	    (r = session_read_register(h, e)) == NULL ||
	    !bundle_write(r, cli_flag(c, "kit"), &out, &at, e) ||
	    !file_create(c->arg[0], buf_bytes(&out), 0644, e))
		return false;
	hash = sha256(buf_bytes(&out));
	doc_text(c->doc, "file", "bundle", c->arg[0]);
	doc_text(c->doc, "origin", "log", at.origin);
	doc_int(c->doc, "size", "records", (int64_t)at.size);
	doc_hex(c->doc, "sha256", "SHA-256", sha256_bytes(&hash));
	return true;
}

/* ---- import --------------------------------------------------------------- */

static bool
read_vkey(const struct cli *c, struct buf *out, struct error *e)
{
	const char *path = cli_flag(c, "vkey");

	if (path == NULL)
		return true;
	if (!file_read(path, VKEY_BYTES_MAX, out, e))
		return error_context(e, "--vkey");
	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	return utf8_valid(buf_bytes(out)) ||
	    error_set(e, FAIL_BAD_INPUT, "--vkey %s: not a verifier key", path);
}

static void
tell_list(struct doc *d, const json_t *list)
{
	struct doc *row = doc_row(d, "lists", "lists");

	doc_text(row, "scope", "scope",
	    json_string_value(json_object_get(list, "scope")));
	doc_int(row, "number", "number",
	    json_integer_value(json_object_get(list, "number")));
	doc_text(row, "key", "key",
	    json_string_value(json_object_get(list, "key")));
}

/* What the signer told, through the API or of this process. */
static void
tell(struct cli *c, const json_t *told)
{
	const json_t *lists = json_object_get(told, "lists");

	doc_text(c->doc, "origin", "log",
	    json_string_value(json_object_get(told, "origin")));
	doc_int(c->doc, "size", "records",
	    json_integer_value(json_object_get(told, "size")));
	doc_text(c->doc, "root", "root",
	    json_string_value(json_object_get(told, "root")));
	doc_text(c->doc, "vkey", "pinned key",
	    json_string_value(json_object_get(told, "vkey")));
	doc_int(c->doc, "record", "IMPORT record",
	    json_integer_value(json_object_get(told, "n")));
	doc_list(c->doc, "lists", "lists");
	for (size_t i = 0; i < json_array_size(lists); i++)
		tell_list(c->doc, json_array_get(lists, i));
}

/* ---- … by the service ----------------------------------------------------- */

static bool
make_mount(const struct service_config *cfg, const char *mount, struct error *e)
{
	auto_mem char *path = mem_printf("sys/mounts/%s", mount);
	auto_json json_t *body = json_pack("{s:s,s:s}", "type", "pki",
	    "description", "an offline authority, by chancery import");
	auto_json json_t *answer = NULL;
	long status = 0;

	if (!daemon_call(cfg, "GET", path, NULL, &status, &answer, e))
		return false;
	/* What else is wrong, the import is told. */
	if (status != 400)
		return true;
	json_decref(take(answer));
	return daemon_ask(cfg, "POST", path, body, &answer, e) ||
	    error_context(e, "mount %s", mount);
}

static void
tell_issuers(struct cli *c, const json_t *data)
{
	static const char *const names[] = { "imported_issuers",
		"existing_issuers" };

	doc_list(c->doc, "issuers", "issuers");
	for (size_t n = 0; n < countof(names); n++) {
		const json_t *list = json_object_get(data, names[n]);

		for (size_t i = 0; i < json_array_size(list); i++) {
			struct doc *row = doc_row(c->doc, "issuers", "issuers");

			doc_text(row, "id", "id",
			    json_string_value(json_array_get(list, i)));
			doc_bool(row, "new", "new", n == 0);
		}
	}
}

static bool
by_service(struct cli *c, const struct service_config *cfg, const char *mount,
    struct bytes bundle, const char *vkey, struct error *e)
{
	auto_mem char *path = mem_printf("%s/issuers/import/register", mount);
	auto_buf struct buf text = { 0 };
	auto_json json_t *answer = NULL, *body = NULL;

	buf_add_base64(&text, bundle);
	body = json_pack("{s:s,s:s}", "bundle", buf_cstr(&text), "vkey", vkey);
	if (!make_mount(cfg, mount, e))
		return false;
	if (!daemon_ask(cfg, "POST", path, body, &answer, e)) {
		/* A rule of the signer's is named: as when no service runs. */
		if (e->why == FAIL_BAD_INPUT &&
		    strstr(e->msg, "import-") != NULL)
			e->why = FAIL_REFUSED;
		return false;
	}
	doc_text(c->doc, "mount", "mount", mount);
	tell(c, json_object_get(answer, "data"));
	tell_issuers(c, json_object_get(answer, "data"));
	return true;
}

/* ---- … by this process, while no service runs ----------------------------- */

static bool
take_in(struct cli *c, struct session *s, const char *mount,
    struct bytes bundle, const char *vkey, struct error *e)
{
	const struct signer_import req = { .bundle = bundle,
		.mount = mount,
		.vkey = vkey,
		.claim = cli_claim(c) };
	auto_import_job struct import_job *j = import_begin(s->signer, &req, e);
	struct import_done done = { 0 };
	auto_json json_t *told = NULL;
	bool ok;

	if (j == NULL)
		return false;
	import_check(j);
	ok = import_finish(s->signer, j, &done, e);
	if (ok) {
		told =
		    json_loadb((const char *)done.json.p, done.json.n, 0, NULL);
		doc_text(c->doc, "mount", "mount", mount);
		tell(c, told);
		doc_say(c->doc,
		    "Recorded, and its lists are in place. Certificates of "
		    "authorities are configuration of the service: run this "
		    "command again when it runs.");
	}
	buf_free(&done.json);
	return ok;
}

static bool
offline(struct cli *c, const char *mount, struct bytes bundle, const char *vkey,
    struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s = cli_session(c, 0, &h, e);

	return s != NULL && take_in(c, s, mount, bundle, vkey, e) &&
	    session_close(take(s), e);
}

static bool
run_import(struct cli *c, struct error *e)
{
	struct service_config cfg;
	const char *mount = cli_flag(c, "mount");
	auto_yaml_doc struct yaml_doc *doc = daemon_config(c, &cfg, e);
	auto_buf struct buf bundle = { 0 }, vkey = { 0 };

	if (doc == NULL ||
	    !file_read_arg(c->arg[0], LIMIT_BUNDLE_BYTES, &bundle, e) ||
	    !read_vkey(c, &vkey, e))
		return false;
	return supervisor_is_up(&cfg)
	    ? by_service(c, &cfg, mount, buf_bytes(&bundle), buf_cstr(&vkey), e)
	    : offline(c, mount, buf_bytes(&bundle), buf_cstr(&vkey), e);
}

/* ---- table ---------------------------------------------------------------- */

static const struct flag bundle_flags[] = {
	{ "kit", "DIR",
	    "add the lists (*.crl) of this emergency kit; they stay sealed",
	    false, false },
	{ 0 },
};
static const struct flag import_flags[] = {
	{ "mount", "PATH", "where the service shows it, such as root-ca", true,
	    false },
	{ "vkey", "FILE",
	    "the other log's verifier key (log.vkey of its ceremony); needed "
	    "the first time, pinned then",
	    false, false },
	{ 0 },
};

const struct command import_commands[] = {
	{ "register bundle", "FILE",
	    "write the register up to its newest checkpoint as one file for "
	    "`import`",
	    1, 1, bundle_flags, true, run_bundle,
	    "What is public of it: records without private bodies. The other "
	    "side makes certificates and lists from these records again." },
	{ "import", "BUNDLE",
	    "verify the register of an offline authority and serve its "
	    "certificates and lists",
	    1, 1, import_flags, true, run_import,
	    "Every record, rule and signature is recomputed; what was taken in "
	    "before has to be its beginning. An older, forked, altered or "
	    "foreign bundle is refused by the name of the rule, and nothing "
	    "changes. While the service runs it is asked over its socket." },
};
const size_t import_commands_n = countof(import_commands);
