/* SPDX-License-Identifier: Apache-2.0 */

/* The store, offline: is it whole, and is it what the register makes of it. */
#include <unistd.h>

#include <chancery/base/text.h>
#include <chancery/config/service.h>
#include <chancery/server/catchup.h>

#include "cli.h"
#include "store_swap.h"

static struct yaml_doc *
read_config(const struct cli *c, struct service_config *cfg, struct error *e)
{
	auto_buf struct buf report = { 0 };
	const char *dir = cli_home_dir(c, e);

	return dir == NULL ? NULL : service_config_open(dir, cfg, &report, e);
}

static void
tell_digest(struct doc *d, const char *key, const char *label,
    const struct sha256 *h)
{
	doc_hex(d, key, label, sha256_bytes(h));
}

/* ---- check --------------------------------------------------------------- */

static bool
tell_log(void *arg, const char *origin, uint64_t position)
{
	struct doc *row = doc_row(arg, "logs", "logs");

	doc_text(row, "origin", "origin", origin);
	doc_int(row, "position", "records", (int64_t)position);
	return true;
}

static bool
tell_secrets(void *arg, const char *kind, uint64_t n)
{
	struct doc *row = doc_row(arg, "secrets", "only here");

	doc_text(row, "kind", "kind", kind);
	doc_int(row, "n", "rows", (int64_t)n);
	return true;
}

static bool
check(struct doc *d, struct store *s, struct error *e)
{
	struct store_report r;
	struct sha256 digest;

	if (!store_check(s, &r, e) || !store_digest(s, &digest, e))
		return false;
	doc_bool(d, "ok", "whole", true);
	doc_int(d, "schema", "schema", r.schema);
	doc_int(d, "certificates", "certificates", (int64_t)r.certs);
	doc_int(d, "revoked", "revoked", (int64_t)r.revoked);
	doc_int(d, "not_stored", "rows without certificate",
	    (int64_t)r.not_stored);
	doc_int(d, "documents", "documents", (int64_t)r.docs);
	doc_int(d, "bytes", "bytes", (int64_t)r.bytes);
	tell_digest(d, "digest", "digest", &digest);
	doc_list(d, "logs", "logs");
	doc_list(d, "secrets", "only here");
	return store_log_each(s, tell_log, d, e) &&
	    store_secret_counts(s, tell_secrets, d, e);
}

static bool
run_check(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = read_config(c, &cfg, e);
	struct store_config open = { .read_only = true };
	auto_store struct store *s = NULL;

	if (doc == NULL)
		return false;
	open.path = cfg.server.store;
	s = store_open(&open, e);
	return s != NULL && check(c->doc, s, e);
}

/* ---- rebuild ------------------------------------------------------------- */

#define PROGRESS_RECORDS (25 * CATCHUP_STEP)

static void
progress(unused_arg void *arg, uint64_t next, uint64_t certs)
{
	if (next % PROGRESS_RECORDS == 0)
		complain("%llu records, %llu certificates",
		    (unsigned long long)next, (unsigned long long)certs);
}

static bool
build(const struct cli *c, const struct service_config *cfg, const char *path,
    struct catchup_report *r, struct error *e)
{
	struct store_config open = { .path = path,
		.create = true,
		.bulk = true };
	struct catchup_options opt = { 0 };
	struct store *s;

	if (!cli_json(c) && isatty(STDERR_FILENO))
		opt.progress = progress;
	if (!store_swap_discard(path, e) || (s = store_open(&open, e)) == NULL)
		return false;
	if (catchup_run(s, cfg->register_dir, &opt, r, e))
		return store_close(s, e);
	store_free(s);
	return false;
}

struct outcome {
	uint64_t until; /* both stores are at this record */
	bool compared, equal;
	struct store_difference difference;
	struct error why; /* not compared */
};

static void
tell_difference(struct doc *d, const struct store_difference *x)
{
	doc_int(d, "certificates_missing", "certificates missing now",
	    (int64_t)x->certs_missing);
	doc_int(d, "certificates_added", "certificates new now",
	    (int64_t)x->certs_added);
	doc_int(d, "certificates_changed", "certificates that differ",
	    (int64_t)x->certs_changed);
	doc_int(d, "documents_missing", "documents missing now",
	    (int64_t)x->docs_missing);
	doc_int(d, "documents_added", "documents new now",
	    (int64_t)x->docs_added);
	doc_int(d, "documents_changed", "documents that differ",
	    (int64_t)x->docs_changed);
	doc_text(d, "first_difference", "the first", x->first);
}

/* `was` is brought to the same record first: being behind is no difference. */
static bool
compare(const struct cli *c, const struct service_config *cfg,
    struct store *was, struct store *is, struct outcome *o, struct error *e)
{
	struct catchup_options opt = { .until = o->until };
	struct sha256 a, b;

	if (!catchup_run(was, cfg->register_dir, &opt, NULL, e) ||
	    !store_digest(was, &a, e) || !store_digest(is, &b, e))
		return false;
	o->compared = true;
	o->equal = memcmp(&a, &b, sizeof(a)) == 0;
	doc_bool(c->doc, "equal", "equal", o->equal);
	tell_digest(c->doc, "digest", "digest", &b);
	if (o->equal)
		return true;
	tell_digest(c->doc, "digest_was", "digest before", &a);
	if (!store_compare(was, is, &o->difference, e))
		return false;
	tell_difference(c->doc, &o->difference);
	return true;
}

/* What can be said of a store that cannot be opened is why. */
static bool
compare_with_old(const struct cli *c, const struct service_config *cfg,
    const char *path, struct outcome *o, struct error *e)
{
	struct store_config old = { .path = cfg->server.store };
	struct store_config made = { .path = path, .read_only = true };
	auto_store struct store *was = store_open(&old, e);
	auto_store struct store *is = NULL;

	if (was == NULL && e->why == FAIL_BUSY)
		return error_context(e, "the service has to be stopped first");
	if (was != NULL) {
		is = store_open(&made, e);
		if (is == NULL)
			return false;
		doc_list(c->doc, "secrets", "only in the store before");
		if (store_secret_counts(was, tell_secrets, c->doc, e) &&
		    compare(c, cfg, was, is, o, e))
			return true;
	}
	o->compared = false;
	o->why = *e;
	doc_text(c->doc, "not_compared", "not compared", e->msg);
	return true;
}

static bool
verdict(const struct outcome *o, struct error *e)
{
	const struct store_difference *x = &o->difference;

	if (o->compared && o->equal)
		return true;
	if (!o->compared) {
		*e = o->why;
		return error_context(e, "not compared");
	}
	return error_set(e, FAIL_CORRUPT,
	    "the store is not what the register makes of it: certificates "
	    "missing %llu, new %llu, different %llu; documents %llu, %llu, "
	    "%llu (from the store to the new one); the first: %.200s",
	    (unsigned long long)x->certs_missing,
	    (unsigned long long)x->certs_added,
	    (unsigned long long)x->certs_changed,
	    (unsigned long long)x->docs_missing,
	    (unsigned long long)x->docs_added,
	    (unsigned long long)x->docs_changed, x->first);
}

static bool
rebuild(struct cli *c, const struct service_config *cfg, const char *path,
    struct error *e)
{
	struct catchup_report r = { 0 };
	struct outcome o = { 0 };

	if (!build(c, cfg, path, &r, e))
		return false;
	doc_text(c->doc, "origin", "log", r.origin);
	doc_int(c->doc, "records", "records", (int64_t)r.next);
	doc_int(c->doc, "certificates", "certificates", (int64_t)r.certs);
	doc_int(c->doc, "revocations", "revocations", (int64_t)r.revocations);
	doc_int(c->doc, "changes", "changes of configuration",
	    (int64_t)r.configs);
	o.until = r.next;
	if (!compare_with_old(c, cfg, path, &o, e))
		return false;
	if (!cli_has(c, "replace")) {
		doc_text(c->doc, "made", "made", path);
		return verdict(&o, e);
	}
	doc_say(c->doc,
	    "Tokens, secret-ids and wrapped answers are in no register: who "
	    "had one logs in again.");
	return store_swap(cfg->server.store, path, e);
}

static bool
run_rebuild(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = read_config(c, &cfg, e);
	auto_mem char *path = NULL;

	if (doc == NULL)
		return false;
	path = mem_printf("%s.rebuilt", cfg.server.store);
	return rebuild(c, &cfg, path, e);
}

static const struct flag rebuild_flags[] = {
	{ "replace", NULL,
	    "put it in the place of the store, which is kept as FILE.replaced",
	    false, false },
	{ 0 },
};

const struct command store_commands[] = {
	{ "store check", "", "read all of the store and say what is in it", 0,
	    0, NULL, true, run_check,
	    "It can run beside the service. Certificates and configuration "
	    "come from the register; what is listed as \"only here\" does "
	    "not." },
	{ "store rebuild", "",
	    "make the store anew from the register and compare it with the "
	    "one that is there",
	    0, 0, rebuild_flags, true, run_rebuild,
	    "The service has to be stopped. The new one lies beside the store "
	    "as FILE.rebuilt. It is a failure when the two differ, unless with "
	    "--replace. Tokens and what else is in no register are left out of "
	    "the comparison and of the new store." },
};
const size_t store_commands_n = countof(store_commands);
