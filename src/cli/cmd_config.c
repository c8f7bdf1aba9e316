/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret_source.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/home.h>
#include <chancery/charter/charter.h>
#include <chancery/config/pass.h>
#include <chancery/config/service.h>
#include <chancery/config/show.h>

#include "cli.h"

/* Every mistake that the table and the checks across fields find goes to standard error,
 * a line each; what needs the libraries above (charters) comes after. */
static struct yaml_doc *
read_config(const char *dir, struct service_config *cfg, struct error *e)
{
	auto_buf struct buf report = { 0 };
	struct yaml_doc *doc = service_config_open(dir, cfg, &report, e);

	if (doc == NULL)
		out_err_lines(buf_bytes(&report));
	return doc;
}

static void
check_charter(const struct yaml_doc *doc, const struct service_token *t,
    struct buf *report)
{
	auto_charter struct charter *c = NULL;
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };

	if (t->charter != NULL) {
		c = charter_template(t->charter);
		if (c == NULL)
			buf_addf(report, "%s: no charter template \"%s\"\n",
			    yaml_where(doc, &t->charter), t->charter);
	} else if (t->charter_file != NULL) {
		if (file_read(t->charter_file, LIMIT_CONFIG_BYTES, &text, &e))
			c = charter_parse_yaml(buf_bytes(&text),
			    t->charter_file, NULL, &e);
		if (c == NULL)
			buf_addf(report, "%s: %s\n",
			    yaml_where(doc, &t->charter_file), e.msg);
	}
}

/* What the schema's library cannot know. */
static bool
check_tokens(const struct yaml_doc *doc, const struct service_config *cfg,
    struct error *e)
{
	const struct service_token *t = cfg->tokens.v;
	auto_buf struct buf report = { 0 };
	const char *text;

	for (size_t i = 0; i < cfg->tokens.n; i++)
		check_charter(doc, &t[i], &report);
	if (report.n == 0)
		return true;
	text = buf_cstr(&report);
	out_err(text);
	return error_set(e, FAIL_BAD_INPUT, "%.*s", (int)strcspn(text, "\n"),
	    text);
}

static bool
run_check(struct cli *c, struct error *e)
{
	const char *dir = cli_home_dir(c, e);
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = NULL;
	auto_home struct home *h = NULL;

	if (dir == NULL || (doc = read_config(dir, &cfg, e)) == NULL ||
	    !check_tokens(doc, &cfg, e) || (h = home_open(dir, e)) == NULL)
		return false;
	doc_bool(c->doc, "ok", "valid", true);
	doc_int(c->doc, "tokens", "tokens", (int64_t)cfg.tokens.n);
	doc_text(c->doc, "home", "home", h->dir);
	return true;
}

/* What is shown may be kept, mailed, put into a ticket. */
static void
hide_pins(struct service_config *cfg)
{
	static char hidden[] = "(hidden)";
	struct service_token *t = cfg->tokens.v;

	for (size_t i = 0; i < cfg->tokens.n; i++)
		if (t[i].pin_in_this_file_i_accept_the_risk != NULL)
			t[i].pin_in_this_file_i_accept_the_risk = hidden;
}

static void
show_config(struct cli *c, const struct service_config *cfg)
{
	auto_buf struct buf b = { 0 };

	if (cli_json(c)) {
		schema_pack(service_schema, cfg, &b);
		buf_add_byte(&b, '\n');
	} else {
		schema_show(service_schema, cfg, &b);
	}
	out_bytes(buf_bytes(&b));
	c->quiet = true;
}

static bool
run_show(struct cli *c, struct error *e)
{
	auto_buf struct buf b = { 0 };
	auto_yaml_doc struct yaml_doc *doc = NULL;
	struct service_config cfg;
	const char *dir;

	if (cli_has(c, "defaults")) {
		yaml_document(service_schema, &b);
		out_bytes(buf_bytes(&b));
		c->quiet = true;
		return true;
	}
	dir = cli_home_dir(c, e);
	if (dir == NULL)
		return false;
	doc = read_config(dir, &cfg, e);
	if (doc == NULL)
		return false;
	hide_pins(&cfg);
	show_config(c, &cfg);
	return true;
}

static const struct flag show_flags[] = {
	{ "defaults", NULL,
	    "every key with its default and what it is for; needs no home",
	    false, false },
	{ 0 },
};

const struct command config_commands[] = {
	{ "config check", "", "every mistake of chancery.yaml at once", 0, 0,
	    NULL, true, run_check,
	    "As FILE:LINE:COLUMN with what was expected. Nothing is opened or "
	    "changed." },
	{ "config show", "", "the settings in force, defaults included", 0, 0,
	    show_flags, true, run_show,
	    "As YAML that reads back, with absolute paths." },
};
const size_t config_commands_n = countof(config_commands);
