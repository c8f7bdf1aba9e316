/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/session.h>
#include <chancery/signer/crl_audit.h>

#include "crl_audit.h"

const struct flag crl_audit_flags[] = {
	{ "issuer", "KEY", "only lists of this key: its label or hash", false,
	    false },
	{ "lists", "DIR", "where the lists of REGISTER lie", false, false },
	{ "rebuild", "N",
	    "also make lists again from the records and compare: all, or those "
	    "of number N",
	    false, false },
	{ 0 },
};

static void
one_list(void *arg, const struct crl_audit_list *l)
{
	struct doc *row = doc_row(arg, "lists", "newest lists");

	doc_text(row, "key", "key", l->key->label);
	doc_text(row, "scope", "scope", l->scope);
	doc_int(row, "number", "number", (int64_t)l->number);
	doc_int(row, "entries", "entries", (int64_t)l->entries);
	doc_int(row, "waiting", "waiting", (int64_t)l->waiting);
	doc_time(row, "next_update", "next update", l->next_s);
	doc_time(row, "this_update", NULL, l->this_s);
	doc_int(row, "bytes", NULL, (int64_t)l->bytes);
	doc_hex(row, "key_id", NULL, sha256_bytes(&l->key->key));
	doc_text(row, "file", NULL, l->path);
}

static void
one_finding(void *arg, const struct crl_audit_finding *f)
{
	struct doc *row = doc_row(arg, "findings", "findings");

	doc_text(row, "rule", "rule", f->rule);
	doc_text(row, "key", "key", f->key->label);
	doc_text(row, "scope", "scope", f->scope);
	doc_int(row, "number", "number", (int64_t)f->number);
	doc_text(row, "text", "text", f->text);
	doc_hex(row, "key_id", NULL, sha256_bytes(&f->key->key));
}

static bool
rebuild_flag(const struct cli *c, struct crl_audit *a, struct error *e)
{
	const char *text = cli_flag(c, "rebuild");

	if (text == NULL)
		return true;
	a->rebuild = CRL_REBUILD_ALL;
	if (strcmp(text, "all") == 0)
		return true;
	a->rebuild = CRL_REBUILD_NUMBER;
	return parse_u64(text, 0, INT64_MAX, &a->number) ||
	    error_set(e, FAIL_USAGE,
		"--rebuild \"%s\" is neither the number of a list nor all",
		text);
}

/* A home's, or a register's without one. */
static struct reg *
open_register(struct cli *c, struct home **h, struct crl_audit *a,
    struct error *e)
{
	struct reg_config cfg = { .offline = true };

	a->crl_dir = cli_flag(c, "lists");
	if ((c->args == 1) != (a->crl_dir != NULL)) {
		(void)error_set(e, FAIL_USAGE,
		    "REGISTER and --lists DIR go together");
		return NULL;
	}
	if (c->args == 1) {
		cfg.dir = c->arg[0];
		return reg_open_read(&cfg, e);
	}
	*h = cli_home(c, e);
	if (*h == NULL)
		return NULL;
	a->crl_dir = (*h)->crl_dir;
	return session_read_register(*h, e);
}

static void
print_counts(struct doc *d, const struct crl_audit *a,
    const struct crl_audit_counts *n)
{
	doc_int(d, "revoked", "revoked", (int64_t)n->revoked);
	doc_int(d, "unexpired", "of these unexpired", (int64_t)n->unexpired);
	doc_int(d, "waiting", "of these not on a full list yet",
	    (int64_t)n->waiting);
	doc_int(d, "signed", "lists ever signed", (int64_t)n->signed_);
	doc_int(d, "current", "newest of their scope", (int64_t)n->current);
	if (a->rebuild != CRL_REBUILD_NONE)
		doc_int(d, "rebuilt", "made again, byte for byte",
		    (int64_t)n->rebuilt);
	doc_int(d, "wrong", "findings", (int64_t)n->findings);
	doc_bool(d, "ok", "in order", n->findings == 0);
}

bool
run_crl_audit(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_reg struct reg *r = NULL;
	struct crl_audit a = { .now_s = clock_wall_ms(&clock_system) / 1000,
		.list = one_list,
		.finding = one_finding,
		.arg = c->doc };
	const char *issuer = cli_flag(c, "issuer");
	const struct state_key *k = NULL;
	struct crl_audit_counts n;

	if (!rebuild_flag(c, &a, e) ||
	    (r = open_register(c, &h, &a, e)) == NULL ||
	    (issuer != NULL &&
		(k = find_key(reg_get_state(r), issuer, e)) == NULL))
		return false;
	a.reg = r;
	a.key = k == NULL ? NULL : &k->key;
	doc_list(c->doc, "lists", "newest lists");
	doc_list(c->doc, "findings", "findings");
	if (!crl_audit(&a, &n, e))
		return false;
	print_counts(c->doc, &a, &n);
	c->answers = n.findings > 0;
	return n.findings == 0 ||
	    error_set(e, FAIL_CORRUPT,
		"%llu findings: the lists are not what the register says",
		(unsigned long long)n.findings);
}
