/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/secret.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/soft.h>

#include "internal.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define TRANSCRIPT_MAX (16L << 20)
#define REHEARSALS_MAX 1000

/* ---- chancery.yaml ------------------------------------------------------- */

/* A JSON string is a YAML one. */
static void
add_field(struct buf *out, const char *indent, const char *key,
    const char *value)
{
	struct json_writer w;

	if (value == NULL)
		return;
	buf_addf(out, "%s%s: ", indent, key);
	json_begin(&w, out);
	json_str(&w, value);
	buf_add_byte(out, '\n');
}

static const char *
soft_module(const struct ceremony *c)
{
	if (c->opt->soft_module != NULL)
		return c->opt->soft_module;
	return strstr(c->plan->module.path, "softhsm") != NULL
	    ? c->plan->module.path
	    : SOFTHSM_MODULE;
}

static void
add_token(const struct ceremony *c, const struct plan_token *t, struct buf *out)
{
	auto_mem char *uri = NULL, *pin = NULL;

	if (c->opt->rehearse) {
		uri = mem_printf("pkcs11:token=rehearsal-%s", t->name);
		pin = mem_strdup("file:pin");
	} else {
		uri = mem_strdup(t->uri);
		pin = pin_source_resolve(c->plan->dir, t->pin);
	}
	buf_addf(out, "  %s:\n", t->name);
	add_field(out, "    ", "uri", uri);
	add_field(out, "    ", "pin", pin);
	add_field(out, "    ", "role", t->role == HOME_ROLE_LOG ? "log" : "ca");
	add_field(out, "    ", "charter", t->charter);
}

static void
add_module(const struct ceremony *c, struct buf *out)
{
	const struct plan *p = c->plan;
	auto_mem char *soft = NULL;

	if (c->opt->rehearse) {
		add_field(out, "", "module", soft_module(c));
		add_field(out, "", "soft_token_dir", "tokens");
		return;
	}
	add_field(out, "", "module", p->module.path);
	add_field(out, "", "module_args", p->module.init_args);
	if (p->module.soft_token_dir != NULL) {
		soft = path_resolve(p->dir, p->module.soft_token_dir);
		add_field(out, "", "soft_token_dir", soft);
	}
}

static char *
run_origin(const struct ceremony *c)
{
	return mem_printf("%s%s", c->plan->log.origin,
	    c->opt->rehearse ? "/rehearsal" : "");
}

bool
settings_write(struct ceremony *c, struct error *e)
{
	auto_buf struct buf text = { 0 }, have = { 0 };
	auto_mem char *path = path_join(c->dir, "chancery.yaml");
	auto_mem char *origin = run_origin(c);
	auto_mem char *anchor = NULL;
	const struct plan_token *t = c->plan->tokens.v;

	buf_addf(&text, "# Written by the ceremony %s%s.\n", c->plan->id,
	    c->opt->rehearse ? " (REHEARSAL)" : "");
	add_field(&text, "", "origin", origin);
	add_field(&text, "", "log_key", c->plan->log.label);
	add_field(&text, "", "openssl", c->plan->openssl);
	if (c->plan->anchor_dir != NULL && !c->opt->rehearse) {
		anchor = path_resolve(c->plan->dir, c->plan->anchor_dir);
		add_field(&text, "", "anchor_dir", anchor);
	}
	add_module(c, &text);
	buf_add_str(&text, "tokens:\n");
	for (size_t i = 0; i < c->plan->tokens.n; i++)
		add_token(c, &t[i], &text);
	if (access(path, F_OK) != 0)
		return file_create(path, buf_bytes(&text), 0600, e);
	return (file_read(path, TRANSCRIPT_MAX, &have, e) &&
		   bytes_eq(buf_bytes(&have), buf_bytes(&text))) ||
	    error_set(e, FAIL_EXISTS, "%s is there and differs", path);
}

/* ---- soft tokens of a rehearsal ------------------------------------------- */

/* Read it when it is there: an aborted rehearsal goes on with its tokens. */
static struct secret *
own_pin(const char *path, struct error *e)
{
	uint8_t raw[12];
	char hex[2 * sizeof(raw) + 1];
	auto_buf struct buf have = { 0 };
	struct secret *s = secret_new(64);

	if (access(path, F_OK) == 0) {
		if (file_read(path, 64, &have, e) &&
		    secret_set(s, have.p, have.n))
			return s;
		secret_free(s);
		return NULL;
	}
	random_bytes(raw, sizeof(raw));
	hex_encode(bytes_of(raw, sizeof(raw)), hex);
	if (!secret_set(s, hex, strlen(hex)) ||
	    !file_create(path, bytes_str(hex), 0600, e)) {
		secret_free(s);
		return NULL;
	}
	return s;
}

static bool
make_tokens(struct ceremony *c, const struct secret *so,
    const struct secret *pin, struct error *e)
{
	auto_mem char *dir = path_join(c->dir, "tokens");
	const struct plan_token *t = c->plan->tokens.v;

	/* Of an attempt that was aborted right here: nothing is on them. */
	if (!soft_tokens_remove(dir, e))
		return false;
	for (size_t i = 0; i < c->plan->tokens.n; i++) {
		auto_mem char *label = mem_printf("rehearsal-%s", t[i].name);

		if (!hsm_softtoken_create(soft_module(c), dir, label, so, pin,
			e))
			return false;
	}
	return hsm_softtoken_keep(dir, e);
}

bool
rehearsal_tokens(struct ceremony *c, struct error *e)
{
	auto_mem char *pin_path = path_join(c->dir, "pin"),
		      *so_path = path_join(c->dir, "so-pin");
	struct secret *pin = own_pin(pin_path, e), *so;
	bool ok;

	if (pin == NULL)
		return false;
	so = own_pin(so_path, e);
	ok = so != NULL && make_tokens(c, so, pin, e);
	secret_free(pin);
	secret_free(so);
	return ok;
}

/* ---- the rehearsal that a real run needs ---------------------------------- */

bool
program_hash(struct sha256 *out, struct error *e)
{
	auto_buf struct buf b = { 0 };

	if (!file_read("/proc/self/exe", 256L << 20, &b, e))
		return false;
	*out = sha256(buf_bytes(&b));
	return true;
}

static bool
field_is(const struct journal_entry *en, const char *key, const char *want)
{
	auto_buf struct buf v = { 0 };

	return journal_get_text(en, key, &v) &&
	    bytes_eq(buf_bytes(&v), bytes_str(want));
}

/* Why this transcript does not do; FAIL_NONE when it does. */
static bool
rehearsal_fits(const struct ceremony *c, struct bytes text, struct error *e)
{
	auto_journal struct journal *j = journal_parse(text, e);
	const struct journal_entry *open;
	struct sha256 program;
	char core[2 * SHA256_LEN + 1], tool[2 * SHA256_LEN + 1];

	if (j == NULL || !program_hash(&program, e))
		return false;
	hex_encode(sha256_bytes(&c->plan->core_hash), core);
	hex_encode(sha256_bytes(&program), tool);
	open = journal_find(j, "open", NULL);
	if (open == NULL || open->n != 0 ||
	    !field_is(open, "mode", "rehearsal"))
		return error_set(e, FAIL_REFUSED, "not a rehearsal");
	if (journal_find(j, "finish", NULL) == NULL)
		return error_set(e, FAIL_REFUSED, "it was not finished");
	if (!field_is(open, "core_sha256", core))
		return error_set(e, FAIL_REFUSED,
		    "of another plan: its core differs");
	if (!field_is(open, "tool_sha256", tool))
		return error_set(e, FAIL_REFUSED,
		    "by another build of this program");
	return true;
}

bool
rehearsal_find(const struct ceremony *c, struct sha256 *out, struct error *e)
{
	auto_buf struct buf why = { 0 };
	char hex[2 * SHA256_LEN + 1];

	for (unsigned n = REHEARSALS_MAX; n > 0; n--) {
		auto_mem char *path =
		    mem_printf("%s/rehearsal-%u/%s/transcript.jsonl", c->dir, n,
			c->plan->outputs);
		auto_buf struct buf text = { 0 };
		struct error no = { 0 };

		if (access(path, F_OK) != 0)
			continue;
		if (!file_read(path, TRANSCRIPT_MAX, &text, &no) ||
		    !rehearsal_fits(c, buf_bytes(&text), &no)) {
			buf_addf(&why, "; rehearsal-%u: %s", n, no.msg);
			continue;
		}
		*out = sha256(buf_bytes(&text));
		hex_encode(sha256_bytes(out), hex);
		if (c->plan->rehearsal == NULL ||
		    strcasecmp(c->plan->rehearsal, hex) == 0)
			return true;
		buf_addf(&why,
		    "; rehearsal-%u: the plan names another "
		    "transcript",
		    n);
	}
	return error_set(e, FAIL_REFUSED,
	    "no finished rehearsal of this plan in %s: run it with --rehearse "
	    "first%s",
	    c->dir, buf_cstr(&why));
}
