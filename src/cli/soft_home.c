/* SPDX-License-Identifier: Apache-2.0 */
#include "soft_home.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>

#include "tls_file.h"

#define PIN_BYTES 12

static void
add_text(struct buf *out, const char *before, const char *text)
{
	struct json_writer w;

	buf_add_str(out, before);
	json_begin(&w, out);
	json_str(&w, text);
	buf_add_byte(out, '\n');
}

/* Hex, because everybody can type it into another program. */
static bool
make_pin(const char *dir, const char *name, struct error *e)
{
	auto_mem char *path = path_join(dir, name);
	uint8_t raw[PIN_BYTES];
	char hex[2 * sizeof(raw) + 1];
	bool ok;

	if (access(path, F_OK) == 0)
		return true;
	random_bytes(raw, sizeof(raw));
	hex_encode(bytes_of(raw, sizeof(raw)), hex);
	ok = file_create(path, bytes_str(hex), 0600, e);
	explicit_bzero(hex, sizeof(hex));
	return ok;
}

static void
add_tokens(const struct soft_home *h, struct buf *out)
{
	buf_add_str(out,
	    "\n# The tokens by name. A key that is made through the API gets "
	    "the "
	    "charter of its\n# token: what it may ever sign (\"chancery "
	    "charter "
	    "templates\" lists them). \"open\"\n# refuses nothing, and every "
	    "report says so.\ntokens:\n  ca:\n"
	    "    uri: \"pkcs11:token=ca\"\n"
	    "    pin: \"file:pins/ca\"\n    role: ca\n");
	add_text(out, "    charter: ", h->charter);
	buf_add_str(out,
	    "  log:                  # signs the register's checkpoints\n"
	    "    uri: \"pkcs11:token=log\"\n"
	    "    pin: \"file:pins/log\"\n    role: log\n");
}

static void
add_server(const struct soft_home *h, struct buf *out)
{
	buf_add_str(out, "\n# The API: VAULT_ADDR=https://");
	buf_addf(out, "%s, VAULT_CACERT=tls/certificate.pem.\nserver:\n",
	    h->listen);
	buf_addf(out, "  listen: [\"%s\"]\n", h->listen);
	buf_add_str(out,
	    "  # plain_listen: [\"127.0.0.1:8280\"]  # CRLs and CA "
	    "certificates "
	    "without TLS\n"
	    "  socket: run/chancery.sock\n"
	    "  tls:\n"
	    "    certificate: tls/certificate.pem  # self-signed; yours "
	    "instead\n"
	    "    key: tls/key.pem\n"
	    "  store: store/store.sqlite\n"
	    "  access_log: logs/access.jsonl\n");
}

static void
configuration(const struct soft_home *h, struct buf *out)
{
	char host[64] = "localhost";
	auto_mem char *own = NULL;

	if (h->origin == NULL) {
		(void)gethostname(host, sizeof(host) - 1);
		own = mem_printf("%s/chancery", host);
	}
	buf_add_str(out,
	    "# A Chancery home with software tokens: its keys are files. For "
	    "trying things out,\n# not for certificates that anybody relies "
	    "on. \"chancery config show --defaults\"\n# lists every key, "
	    "\"chancery config check\" finds mistakes.\n\n"
	    "# Name of the log; it stands in every checkpoint and cannot "
	    "change.\n");
	add_text(out, "origin: ", h->origin != NULL ? h->origin : own);
	buf_add_str(out,
	    "\n# The PKCS#11 module and where SoftHSM keeps its tokens.\n");
	add_text(out, "module: ", h->module);
	buf_add_str(out, "soft_token_dir: tokens\n");
	add_tokens(h, out);
	add_server(h, out);
}

static bool
make_dirs(const char *dir, struct error *e)
{
	static const char *const subs[] = { "pins", "tls", "logs" };

	if (!dir_create(dir, 0700, e))
		return false;
	for (size_t i = 0; i < countof(subs); i++) {
		auto_mem char *path = path_join(dir, subs[i]);

		if (!dir_create(path, 0700, e))
			return false;
	}
	return true;
}

bool
soft_home_create(const struct soft_home *h, struct error *e)
{
	auto_mem char *file = path_join(h->dir, "chancery.yaml"),
		      *pins = path_join(h->dir, "pins"),
		      *tls = path_join(h->dir, "tls");
	auto_buf struct buf text = { 0 };

	if (!make_dirs(h->dir, e) || !make_pin(pins, "ca", e) ||
	    !make_pin(pins, "log", e) || !tls_file_create(tls, h->listen, e))
		return false;
	configuration(h, &text);
	return file_create(file, buf_bytes(&text), 0600, e);
}
