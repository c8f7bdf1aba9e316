/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/secret.h>
#include <chancery/charter/charter.h>
#include <chancery/config/service.h>
#include <chancery/register/note.h>

#include "birth.h"
#include "cli.h"
#include "soft_home.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define LISTEN "127.0.0.1:8200"

/* ---- --soft --------------------------------------------------------------- */

static bool
check_charter(const char *name, struct error *e)
{
	const char *const *names = charter_template_names();
	auto_buf struct buf list = { 0 };

	for (size_t i = 0; names[i] != NULL; i++) {
		if (name != NULL && strcmp(names[i], name) == 0)
			return true;
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	if (name != NULL)
		return error_set(e, FAIL_USAGE,
		    "no charter template \"%s\"; there are: %s", name,
		    buf_cstr(&list));
	return error_set(e, FAIL_USAGE,
	    "--charter NAME is missing: what keys made through the API may "
	    "ever "
	    "sign. There is no default, because a limit that nobody chose "
	    "protects nobody; \"open\" limits nothing. There are: %s",
	    buf_cstr(&list));
}

static bool
make_soft_home(const struct cli *c, const char *dir, struct error *e)
{
	auto_mem char *file = path_join(dir, "chancery.yaml");
	struct soft_home h = { .dir = dir,
		.module = cli_flag(c, "module"),
		.charter = cli_flag(c, "charter"),
		.origin = cli_flag(c, "origin"),
		.listen = cli_flag(c, "listen") };
	struct sockaddr_storage addr;
	socklen_t len;

	if (access(file, F_OK) == 0)
		return true;
	if (h.module == NULL)
		h.module = SOFTHSM_MODULE;
	if (h.listen == NULL)
		h.listen = LISTEN;
	if (!check_charter(h.charter, e))
		return false;
	if (!service_listen_parse(h.listen, &addr, &len, e))
		return error_context(e, "--listen");
	return soft_home_create(&h, e);
}

/* ---- what is there, what is made --------------------------------------------- */

static void
tell(const struct cli *c, const char *key, bool made, const char *path)
{
	struct doc *row = doc_row(c->doc, "parts", "home");

	doc_text(row, "part", "part", key);
	doc_bool(row, "made", NULL, made);
	doc_text(row, "is", "is", made ? "made" : "there");
	doc_text(row, "path", "where", path);
}

static bool
init_tokens(const struct cli *c, const struct home *h, struct error *e)
{
	unsigned made;

	if (!birth_tokens(h, &made, e))
		return false;
	if (h->soft_token_dir != NULL)
		tell(c, "soft tokens", made > 0, h->soft_token_dir);
	return true;
}

static bool
init_register(const struct cli *c, const struct home *h, bool *made,
    struct error *e)
{
	auto_buf struct buf vkey = { 0 };

	*made = access(h->register_dir, F_OK) != 0;
	if (*made && !birth_register(h, cli_claim(c).who, true, &vkey, e))
		return false;
	tell(c, "register", *made, h->register_dir);
	doc_text(c->doc, "origin", "origin", h->origin);
	if (*made)
		doc_textn(c->doc, "vkey", "verifier key", buf_bytes(&vkey));
	return true;
}

static bool
init_store(const struct cli *c, const struct service_config *cfg,
    bool new_register, struct error *e)
{
	bool made;

	if (!birth_store(cfg->server.store, &made, e))
		return false;
	tell(c, "store", made, cfg->server.store);
	if (made && !new_register)
		doc_say(c->doc,
		    "The register was there before its store: \"chancery store "
		    "rebuild\" fills it.");
	return true;
}

static void
say_next(const struct cli *c, const struct service_config *cfg, const char *dir)
{
	const char *address =
	    cfg->server.listen.n > 0 ? cfg->server.listen.v[0] : NULL;

	doc_say(c->doc, "Next:");
	doc_say(c->doc, "  chanceryd --home %s", dir);
	doc_say(c->doc, "  chancery token root --home %s", dir);
	if (address != NULL)
		doc_say(c->doc, "  export VAULT_ADDR=https://%s", address);
	if (address != NULL && cfg->server.tls.certificate != NULL)
		doc_say(c->doc, "  export VAULT_CACERT=%s",
		    cfg->server.tls.certificate);
}

static bool
init_parts(const struct cli *c, const struct home *h,
    const struct service_config *cfg, struct error *e)
{
	bool new_register;

	return dir_create(cfg->run_dir, 0755, e) && init_tokens(c, h, e) &&
	    init_register(c, h, &new_register, e) &&
	    init_store(c, cfg, new_register, e) && birth_owners(cfg, h->dir, e);
}

static bool
init_home(const struct cli *c, const char *dir, struct error *e)
{
	auto_home struct home *h = home_open(dir, e);
	auto_yaml_doc struct yaml_doc *doc = NULL;
	struct service_config cfg;

	if (h == NULL)
		return false;
	doc = service_config_open(dir, &cfg, NULL, e);
	if (doc == NULL)
		return false;
	doc_text(c->doc, "home", "home", h->dir);
	doc_list(c->doc, "parts", "parts");
	if (!init_parts(c, h, &cfg, e))
		return false;
	say_next(c, &cfg, h->dir);
	return true;
}

static bool
run_init(struct cli *c, struct error *e)
{
	const char *soft = cli_flag(c, "soft");
	auto_home struct home *h = NULL;

	if (soft != NULL)
		return make_soft_home(c, soft, e) && init_home(c, soft, e);
	h = cli_home(c, e);
	return h != NULL && init_home(c, h->dir, e);
}

static const struct flag init_flags[] = {
	{ "soft", "DIR",
	    "make a home with software tokens there, for trying things out",
	    false, false },
	{ "charter", "NAME",
	    "with --soft: charter template of keys made through the API; no "
	    "default",
	    false, false },
	{ "listen", "ADDRESS", "with --soft: of the API; " LISTEN " by default",
	    false, false },
	{ "origin", "NAME", "with --soft: name of the log; HOST/chancery else",
	    false, false },
	{ "module", "FILE",
	    "with --soft: SoftHSM module; " SOFTHSM_MODULE " by default", false,
	    false },
	{ 0 },
};

const struct command init_commands[] = {
	{ .words = "init",
	    .usage = "",
	    .about = "first start: make what the home names and has not got",
	    .flags = init_flags,
	    .home = true,
	    .run = run_init,
	    .more = "Soft tokens, the log key and its register, the database. "
		    "What is there is left alone, so it can be run again. "
		    "With --soft DIR one command makes a whole home: "
		    "chancery.yaml, random PINs, a self-signed certificate." },
};
const size_t init_commands_n = countof(init_commands);
