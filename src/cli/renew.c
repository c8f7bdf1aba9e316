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

/* One look. */
struct pass {
	const struct renew_config *cfg;
	struct doc *doc;
	bool force;
	struct set_dir *set;
	struct kafka_bundle *known; /* the current certificates, without key */
	const struct cert *old;     /* their leaf; NULL: none that is read   */
	struct buf reason;          /* why it is renewed; empty: it is not   */
	int64_t now_s;
};

static void
pass_free(struct pass *p)
{
	set_dir_close(p->set);
	kafka_bundle_free(p->known);
	buf_free(&p->reason);
}
#define auto_pass auto_cleanup(pass_free)

/* ---- whether ---------------------------------------------------------------- */

static bool
read_own(const struct pass *p, const char *name,
    bool (*add)(struct kafka_bundle *, struct bytes, const char *,
	struct error *),
    struct kafka_bundle *to, struct error *e)
{
	auto_mem char *path = set_dir_file(p->set, name);
	auto_buf struct buf text = { 0 };

	return file_read(path, KAFKA_INPUT_BYTES, &text, e) &&
	    (text.n == 0 || add(to, buf_bytes(&text), path, e));
}

/* What is current; why it cannot be told is a reason to renew. */
static void
look_at_current(struct pass *p)
{
	struct error e;

	p->known = kafka_bundle_new();
	if (!set_dir_has_current(p->set)) {
		buf_add_str(&p->reason, "there is no certificate yet");
		return;
	}
	if (!read_own(p, RENEW_OWN_TRUST, kafka_bundle_add_anchors, p->known,
		&e) ||
	    !read_own(p, RENEW_OWN, kafka_bundle_add_certs, p->known, &e) ||
	    !kafka_bundle_join_public(p->known, &e))
		buf_addf(&p->reason, "the current certificate: %s", e.msg);
	else
		p->old = kafka_bundle_chain(p->known, 0);
}

static void
look_at_life(struct pass *p)
{
	int64_t from = p->old->tbs.not_before_s, to = p->old->tbs.not_after_s,
		left = to - p->now_s;

	if (left <= 0)
		buf_add_str(&p->reason, "the current certificate has expired");
	else if (left <= (to - from) * (int64_t)p->cfg->renew_left / 100)
		buf_addf(&p->reason,
		    "%lld per cent of the current certificate's life are left",
		    (long long)(left * 100 / (to - from)));
}

static void
look_at_names(struct pass *p)
{
	const struct yaml_texts *lists[] = { &p->cfg->alt_names,
		&p->cfg->ip_sans };
	auto_buf struct buf cn = { 0 };

	if (!name_get(p->old->tbs.subject, "CN", 0, &cn) ||
	    !bytes_eq(buf_bytes(&cn), bytes_str(p->cfg->common_name))) {
		buf_add_str(&p->reason,
		    "the configuration has another "
		    "common_name");
		return;
	}
	for (size_t l = 0; l < countof(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (!kafka_has_name(p->old, lists[l]->v[i])) {
				buf_addf(&p->reason,
				    "%s is not among its names",
				    lists[l]->v[i]);
				return;
			}
}

static void
look_at_key(struct pass *p)
{
	if (!p->cfg->issue && p->old->tbs.key_ok &&
	    strcmp(key_type_name(p->old->tbs.key.type), p->cfg->key_type) != 0)
		buf_addf(&p->reason, "its key is %s",
		    key_type_name(p->old->tbs.key.type));
}

static void
look_at_files(struct pass *p)
{
	const struct renew_file *f = p->cfg->files.v;

	for (size_t i = 0; i < p->cfg->files.n; i++) {
		auto_mem char *path = set_dir_file(p->set, f[i].name);

		if (access(path, F_OK) != 0) {
			buf_addf(&p->reason, "%s is not there yet", f[i].name);
			return;
		}
	}
}

static bool
same_anchors(const struct kafka_bundle *a, const struct kafka_bundle *b)
{
	for (size_t i = 0;; i++) {
		const struct cert *x = kafka_bundle_anchor(a, i),
				  *y = kafka_bundle_anchor(b, i);

		if (x == NULL || y == NULL)
			return x == y;
		if (!bytes_eq(buf_bytes(&x->der), buf_bytes(&y->der)))
			return false;
	}
}

/* Another file in `trust` reaches the stores with a new set only. */
static bool
look_at_trust(struct pass *p, struct error *e)
{
	auto_kafka_bundle struct kafka_bundle *now = kafka_bundle_new();

	if (!renew_trust(p->cfg, now, e))
		return false;
	if (p->cfg->trust.n > 0 && !same_anchors(now, p->known))
		buf_add_str(&p->reason, "the authorities in `trust` changed");
	return true;
}

static bool
find_reason(struct pass *p, struct error *e)
{
	static void (*const looks[])(struct pass *) = { look_at_life,
		look_at_names, look_at_key, look_at_files };

	look_at_current(p);
	if (p->reason.n == 0 && p->force)
		buf_add_str(&p->reason, "--force");
	for (size_t i = 0; p->reason.n == 0 && i < countof(looks); i++)
		looks[i](p);
	return p->reason.n > 0 || look_at_trust(p, e);
}

/* ---- telling -------------------------------------------------------------------- */

static bool
tell(const struct renew_config *cfg, struct error *e)
{
	return renew_exec(&cfg->reload, "reload", cfg->timeout_s, e) &&
	    renew_check(cfg, e);
}

/* The set before, and whoever was told of the new one is told again. */
static bool
go_back(struct pass *p, struct error *e)
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
finish(struct pass *p, struct error *e)
{
	if (!tell(p->cfg, e))
		return go_back(p, e);
	return set_dir_settle(p->set, e);
}

/* ---- renewing --------------------------------------------------------------------- */

static void
show_new(struct pass *p, const struct cert *leaf,
    const struct kafka_findings *f)
{
	doc_bool(p->doc, "renewed", "renewed", true);
	doc_textn(p->doc, "reason", "because", buf_bytes(&p->reason));
	doc_hex(p->doc, "serial", "serial", leaf->tbs.serial);
	doc_time(p->doc, "not_after", "not after", leaf->tbs.not_after_s);
	findings_show(p->doc, f);
}

static struct kafka_bundle *
obtain(struct pass *p, struct kafka_findings *f, struct error *e)
{
	auto_vault_client struct vault_client *v = renew_connect(p->cfg, e);
	struct kafka_bundle *b;

	if (v == NULL || !renew_login(p->cfg, v, e))
		return NULL;
	b = renew_ask(p->cfg, v, p->old, p->force, f, e);
	renew_logout(p->cfg, v);
	return b;
}

/* What would be in the way afterwards is told before anything is issued. */
static bool
check_ready(const struct pass *p, struct secret **password, struct error *e)
{
	const struct renew_file *f = p->cfg->files.v;
	struct renew_owner o;

	for (size_t i = 0; i < p->cfg->files.n; i++)
		if (!set_dir_name_free(p->set, f[i].name, e) ||
		    !renew_owner_of(f[i].owner, f[i].group, f[i].mode, 0, &o,
			e))
			return false;
	return renew_password(p->cfg, password, e);
}

static bool
renew(struct pass *p, struct error *e)
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
	return true;
}

static bool
keep(struct pass *p, struct error *e)
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
lists(struct pass *p, struct error *e)
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

static bool
one_pass(struct cli *c, const struct renew_config *cfg, struct error *e)
{
	auto_pass struct pass p = {
		.cfg = cfg,
		.doc = c->doc,
		.force = cli_has(c, "force"),
		.now_s = clock_wall_ms(&clock_system) / 1000,
	};

	p.set = set_dir_open(cfg->directory, e);
	if (p.set == NULL || !find_reason(&p, e))
		return false;
	if (cli_has(c, "dry-run")) {
		doc_bool(c->doc, "would_renew", "would renew", p.reason.n > 0);
		doc_textn(c->doc, "reason", "because",
		    p.reason.n > 0 ? buf_bytes(&p.reason)
				   : bytes_str("nothing is to be done"));
		return true;
	}
	return (p.reason.n > 0 ? renew(&p, e) : keep(&p, e)) && lists(&p, e);
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
	for (;;) {
		struct error e = { 0 };
		auto_buf struct buf text = { 0 };

		if (!one_pass(c, cfg, &e)) {
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
	struct renew_config cfg;
	auto_yaml_doc struct yaml_doc *doc =
	    renew_config_read(c->arg[0], &cfg, e);

	if (doc == NULL)
		return false;
	kafka_lock_memory();
	if (!cli_has(c, "once") && !cli_has(c, "dry-run"))
		resident(c, &cfg);
	return one_pass(c, &cfg, e);
}
