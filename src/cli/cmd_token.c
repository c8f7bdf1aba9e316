/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/secret_source.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/session.h>
#include <chancery/ceremony/soft.h>
#include <chancery/hsm/hsm.h>

#include "cli.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"

static struct secret *
read_pin(const struct cli *c, const char *flag, struct error *e)
{
	struct secret *pin =
	    secret_from(cli_flag(c, flag), "PIN", LIMIT_PIN_BYTES, e);

	if (pin == NULL)
		error_context(e, "--%s", flag);
	return pin;
}

static bool
run_create(struct cli *c, struct error *e)
{
	const char *module = cli_flag(c, "module"), *dir = cli_flag(c, "dir"),
		   *label = cli_flag(c, "label");
	struct secret *so, *pin;
	bool ok;

	if (module == NULL)
		module = SOFTHSM_MODULE;
	so = read_pin(c, "so-pin", e);
	if (so == NULL)
		return false;
	pin = read_pin(c, "pin", e);
	ok = pin != NULL && dir_create(dir, 0700, e) &&
	    hsm_softtoken_create(module, dir, label, so, pin, e);
	secret_free(so);
	secret_free(pin);
	if (!ok)
		return false;
	doc_text(c->doc, "label", "token", label);
	doc_textf(c->doc, "uri", "URI", "pkcs11:token=%s", label);
	doc_textf(c->doc, "conf", "SOFTHSM2_CONF", "%s/softhsm2.conf", dir);
	doc_text(c->doc, "module", "module", module);
	return true;
}

static void
token_row(struct doc *d, const struct hsm_token_info *t)
{
	struct doc *row = doc_row(d, "tokens", "tokens");

	doc_text(row, "label", "label", t->label);
	doc_text(row, "serial", "serial", t->serial);
	doc_text(row, "model", "model", t->model);
	doc_text(row, "manufacturer", "manufacturer", t->manufacturer);
	doc_textf(row, "firmware", "firmware", "%u.%u", t->fw_major,
	    t->fw_minor);
	doc_bool(row, "initialised", "initialised", t->initialised);
	doc_bool(row, "pin_locked", "PIN locked", t->pin_locked);
	doc_bool(row, "pin_count_low", "PIN tries low",
	    t->pin_count_low || t->pin_final_try);
}

static bool
run_list(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_hsm_module struct hsm_module *m = NULL;
	struct hsm_module_info info;
	struct hsm_token_info *v = NULL;
	size_t n = 0;

	if (h == NULL || (m = session_load_module(h, e)) == NULL ||
	    !hsm_module_info(m, &info, e) || !hsm_tokens(m, &v, &n, e))
		return false;
	doc_text(c->doc, "module", "module", info.path);
	doc_text(c->doc, "manufacturer", "manufacturer", info.manufacturer);
	doc_textf(c->doc, "library_version", "library", "%s %u.%u",
	    info.description, info.lib_major, info.lib_minor);
	doc_hex(c->doc, "module_sha256", "module SHA-256",
	    sha256_bytes(&info.file_hash));
	doc_list(c->doc, "tokens", "tokens");
	for (size_t i = 0; i < n; i++)
		token_row(c->doc, &v[i]);
	mem_free(v);
	return true;
}

static const struct flag create_flags[] = {
	{ "module", "FILE", "SoftHSM module; " SOFTHSM_MODULE " by default",
	    false, false },
	{ "dir", "DIR", "where the token lives", true, false },
	{ "label", "LABEL", "name of the token", true, false },
	{ "so-pin", "SOURCE",
	    "security officer's PIN: fd:N, file:PATH, credential:NAME, prompt",
	    true, false },
	{ "pin", "SOURCE", "user's PIN", true, false },
	{ 0 },
};

const struct command token_commands[] = {
	{ "token create", "", "make a SoftHSM token in a directory", 0, 0,
	    create_flags, false, run_create,
	    "For tests, rehearsals and demonstrations: the keys of such a "
	    "token are files." },
	{ "token list", "", "list the module's tokens; no login", 0, 0, NULL,
	    true, run_list, NULL },
};
const size_t token_commands_n = countof(token_commands);
