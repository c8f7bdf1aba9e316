/* SPDX-License-Identifier: Apache-2.0 */
#include "renew.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/pki/name.h>

static void
pass_free(struct renew_pass *p)
{
	set_dir_close(p->set);
	kafka_bundle_free(p->known);
	buf_free(&p->reason);
}
#define auto_pass auto_cleanup(pass_free)

/* ---- telling -------------------------------------------------------------------- */

static bool
tell(const struct renew_config *cfg, struct error *e)
{
	return renew_exec(&cfg->reload, "reload", cfg->timeout_s, e) &&
	    renew_check(cfg, e);
}

/* The set before, and whoever was told of the new one is told again. */
static bool
go_back(struct renew_pass *p, struct error *e)
{
	struct error again;

	if (!set_dir_back(p->set, &again))
		return error_context(e,
		    "the new files stay, because there are none before them; "
		    "the next run tells of them again");
	(void)error_context(e, "the files before are back");
	if (renew_exec(&p->cfg->reload, "reload", p->cfg->timeout_s, &again) &&
	    set_dir_settle(p->set, &again))
		return false;
	return error_context(e, "and then: %s", again.msg);
}

static bool
finish(struct renew_pass *p, struct error *e)
{
	if (!tell(p->cfg, e))
		return go_back(p, e);
	return set_dir_settle(p->set, e);
}

/* ---- renewing --------------------------------------------------------------------- */

static void
show_new(struct renew_pass *p, const struct cert *leaf,
    const struct kafka_findings *f)
{
	doc_bool(p->doc, "renewed", "renewed", true);
	doc_textn(p->doc, "reason", "because", buf_bytes(&p->reason));
	doc_hex(p->doc, "serial", "serial", leaf->tbs.serial);
	doc_time(p->doc, "not_after", "not after", leaf->tbs.not_after_s);
	findings_show(p->doc, f);
}

/* Who is told that somebody has to say whom to trust, is told so before anything is issued. A set
 * that has authorities got them from this very role. */
static bool
check_root(const struct renew_pass *p, struct vault_client *v, struct error *e)
{
	return kafka_bundle_anchor(p->known, 0) != NULL ||
	    renew_check_root(p->cfg, v, e);
}

static struct kafka_bundle *
obtain(struct renew_pass *p, struct kafka_findings *f, struct error *e)
{
	auto_vault_client struct vault_client *v = renew_connect(p->cfg, e);
	struct kafka_bundle *b;

	if (v == NULL || !check_root(p, v, e) || !renew_login(p->cfg, v, e))
		return NULL;
	b = renew_ask(p->cfg, v, p->old, p->force, f, e);
	renew_logout(p->cfg, v);
	return b;
}

static bool
check_owner(const struct renew_pass *p, const char *name, const char *owner,
    const char *group, struct error *e)
{
	struct renew_owner o;

	return (renew_owner_of(owner, group, NULL, 0, &o, e) &&
		   ((owner == NULL && group == NULL) ||
		       set_dir_try_owner(p->set, o.uid, o.gid, e))) ||
	    error_context(e, "%s", name);
}

/* What would be in the way afterwards is told before anything is issued. */
static bool
check_ready(const struct renew_pass *p, struct secret **password,
    struct error *e)
{
	const struct renew_file *f = p->cfg->files.v;
	const struct renew_crl *c = p->cfg->crls.v;

	for (size_t i = 0; i < p->cfg->files.n; i++)
		if (!set_dir_name_free(p->set, f[i].name, e) ||
		    !check_owner(p, f[i].name, f[i].owner, f[i].group, e))
			return false;
	for (size_t i = 0; i < p->cfg->crls.n; i++)
		if (!check_owner(p, c[i].name, c[i].owner, c[i].group, e))
			return false;
	return renew_password(p->cfg, password, e);
}

static bool
renew(struct renew_pass *p, struct error *e)
{
	auto_kafka_findings struct kafka_findings f = { 0 };
	auto_kafka_bundle struct kafka_bundle *b = NULL;
	auto_secret struct secret *password = NULL;

	if (!check_ready(p, &password, e) || (b = obtain(p, &f, e)) == NULL ||
	    !set_dir_begin(p->set, p->now_s, e) ||
	    !renew_write(p->cfg, b, password, p->set, e) ||
	    !set_dir_switch(p->set, e) || !finish(p, e))
		return false;
	show_new(p, kafka_bundle_chain(b, 0), &f);
	kafka_bundle_free(p->known);
	p->known = take(b);
	p->old = kafka_bundle_chain(p->known, 0);
	return true;
}

static bool
keep(struct renew_pass *p, struct error *e)
{
	bool pending = set_dir_is_pending(p->set);

	if (pending && !finish(p, e))
		return false;
	doc_bool(p->doc, "renewed", "renewed", false);
	doc_time(p->doc, "not_after", "not after", p->old->tbs.not_after_s);
	if (pending)
		doc_say(p->doc,
		    "An earlier run ended before it told of its files; that "
		    "is done now.");
	return true;
}

static bool
lists(struct renew_pass *p, struct error *e)
{
	auto_vault_client struct vault_client *v = NULL;
	size_t changed = 0;

	if (p->cfg->crls.n == 0)
		return true;
	v = renew_connect(p->cfg, e);
	if (v == NULL || !renew_lists(p->cfg, v, p->known, &changed, e))
		return false;
	doc_int(p->doc, "lists", "lists that changed", (int64_t)changed);
	return true;
}

bool
renew_both(struct error *e, const struct error *second)
{
	struct error first = *e;

	return error_set(e, first.why, "%s; %s", first.msg, second->msg);
}

/* A certificate that cannot be renewed is no reason to let the lists run out. */
static bool
lists_too(struct renew_pass *p, bool ok, struct error *e)
{
	struct error second;

	if (ok || p->old == NULL)
		return ok && lists(p, e);
	return lists(p, &second) ? false : renew_both(e, &second);
}

static void
show_reason(struct renew_pass *p)
{
	doc_bool(p->doc, "would_renew", "would renew", p->reason.n > 0);
	doc_textn(p->doc, "reason", "because",
	    p->reason.n > 0 ? buf_bytes(&p->reason)
			    : bytes_str("nothing is to be done"));
}

/* *force is over once a certificate was renewed because of it. */
static bool
certificate(struct renew_pass *p, bool *force, struct error *e)
{
	if (!renew_find_reason(p, e))
		return false;
	if (p->reason.n == 0)
		return keep(p, e);
	if (!renew(p, e))
		return false;
	*force = false;
	return true;
}

static bool
one_pass(struct cli *c, const struct renew_config *cfg, bool *force,
    struct error *e)
{
	auto_pass struct renew_pass p = {
		.cfg = cfg,
		.doc = c->doc,
		.force = *force,
		.now_s = clock_wall_ms(&clock_system) / 1000,
	};

	p.set = set_dir_open(cfg->directory, e);
	if (p.set == NULL)
		return false;
	if (!cli_has(c, "dry-run"))
		return lists_too(&p, certificate(&p, force, e), e);
	if (!renew_find_reason(&p, e))
		return false;
	show_reason(&p);
	return true;
}

/* ---- again and again ----------------------------------------------------------------- */

static void
rest(const struct renew_config *cfg)
{
	struct timespec t = { .tv_sec = (time_t)cfg->interval_s };
	uint64_t r;

	random_bytes(&r, sizeof(r));
	if (cfg->jitter_s > 0)
		t.tv_sec += (time_t)(r % (uint64_t)cfg->jitter_s);
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		continue;
}

/* For hosts without timers: until a signal ends it. */
_Noreturn static void
resident(struct cli *c, const struct renew_config *cfg)
{
	bool force = cli_has(c, "force");

	for (;;) {
		struct error e = { 0 };
		auto_buf struct buf text = { 0 };

		if (!one_pass(c, cfg, &force, &e)) {
			buf_add_visible(&text, bytes_str(e.msg));
			complain("%s", buf_cstr(&text));
		} else {
			doc_print_json(c->doc, &text);
			out_bytes(buf_bytes(&text));
		}
		doc_free(c->doc);
		c->doc = doc_new();
		rest(cfg);
	}
}

bool
renew_run(struct cli *c, struct error *e)
{
	bool force = cli_has(c, "force");
	struct renew_config cfg;
	auto_yaml_doc struct yaml_doc *doc =
	    renew_config_read(c->arg[0], &cfg, e);

	if (doc == NULL)
		return false;
	kafka_lock_memory();
	if (!cli_has(c, "once") && !cli_has(c, "dry-run"))
		resident(c, &cfg);
	return one_pass(c, &cfg, &force, e);
}
