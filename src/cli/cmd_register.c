/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/session.h>
#include <chancery/register/receipt.h>
#include <chancery/register/register.h>

#include "birth.h"
#include "cli.h"
#include "register_check.h"

static bool
number_arg(const char *text, uint64_t *out, struct error *e)
{
	return parse_u64(text, 0, INT64_MAX, out) ||
	    error_set(e, FAIL_USAGE, "\"%s\" is not a record number", text);
}

static bool
number_flag(const struct cli *c, const char *name, uint64_t dflt, uint64_t *out,
    struct error *e)
{
	const char *v = cli_flag(c, name);

	*out = dflt;
	return v == NULL || number_arg(v, out, e);
}

/* ---- init ---------------------------------------------------------------- */

static bool
run_init(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_buf struct buf vkey = { 0 };

	if (h == NULL ||
	    !birth_register(h, cli_claim(c).who, cli_has(c, "new-log-key"),
		&vkey, e))
		return false;
	doc_text(c->doc, "origin", "origin", h->origin);
	doc_textn(c->doc, "vkey", "verifier key", buf_bytes(&vkey));
	doc_text(c->doc, "register", "register", h->register_dir);
	return true;
}

/* ---- accept -------------------------------------------------------------- */

static bool
run_accept(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s = NULL;
	struct session_options opt = { .who = cli_claim(c).who };
	bool clock = cli_has(c, "clock"), anchor = cli_has(c, "anchor");
	const char *why = cli_flag(c, "why");

	if (clock == anchor)
		return error_set(e, FAIL_USAGE, "give --clock or --anchor");
	if (why == NULL)
		return error_set(e, FAIL_USAGE,
		    "--why TEXT is missing: the reason is recorded");
	opt.clear_clock = clock ? why : NULL;
	opt.accept_anchor = anchor ? why : NULL;
	h = cli_home(c, e);
	if (h == NULL || (s = session_open(h, &opt, e)) == NULL)
		return false;
	doc_text(c->doc, "accepted", "accepted", clock ? "clock" : "anchor");
	doc_text(c->doc, "why", "why", why);
	return session_close(take(s), e);
}

/* ---- verify -------------------------------------------------------------- */

static void
verify_counts(struct doc *d, const struct reg_verify_report *r)
{
	doc_int(d, "records", "records", (int64_t)r->records);
	doc_int(d, "intents", "intents", (int64_t)r->intents);
	doc_int(d, "signed", "signed", (int64_t)r->signed_);
	doc_int(d, "failed", "failed", (int64_t)r->failed);
	doc_int(d, "assumed", "assumed signed", (int64_t)r->assumed);
	doc_int(d, "open_intents", "without outcome", (int64_t)r->open_intents);
	doc_int(d, "refused", "refused", (int64_t)r->refused);
	doc_int(d, "imported_keys", "keys from outside an HSM",
	    (int64_t)r->imported);
	doc_int(d, "revoked", "revoked", (int64_t)r->revoked);
	doc_int(d, "checkpoints", "checkpoints", (int64_t)r->checkpoints);
	doc_int(d, "snapshots", "snapshots", (int64_t)r->snapshots);
	doc_int(d, "private_bodies", "private bodies",
	    (int64_t)r->private_bodies);
	doc_int(d, "private_missing", "private missing",
	    (int64_t)r->private_missing);
	doc_int(d, "signatures_checked", "signatures checked",
	    (int64_t)r->signatures_checked);
	doc_int(d, "torn_bytes", "torn bytes", (int64_t)r->torn_bytes);
	doc_hex(d, "root", "root", sha256_bytes(&r->root));
	if (r->records > 0) {
		doc_time(d, "first", "first record", r->first_ms / 1000);
		doc_time(d, "last", "last record", r->last_ms / 1000);
	}
}

static bool
run_verify(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	struct register_check check = { .signatures =
					    !cli_has(c, "no-signatures") };
	struct reg_verify_report r = { 0 };

	if (c->args > 0) {
		check.dir = c->arg[0];
	} else {
		if ((h = cli_home(c, e)) == NULL)
			return false;
		check.dir = h->register_dir;
		check.anchor_dir = h->anchor_dir;
		check.crl_dir = h->crl_dir;
	}
	if (!register_check(&check, &r, e))
		return false;
	doc_bool(c->doc, "ok", "verified", true);
	verify_counts(c->doc, &r);
	return true;
}

/* ---- show, follow -------------------------------------------------------- */

struct show {
	struct cli *c;
	uint64_t from, count, shown, next;
	enum record_type type;
	bool one_type;
};

static bool
show_line(struct show *s, struct bytes line, const struct record *r)
{
	char when[TIME_TEXT_SIZE];
	auto_buf struct buf text = { 0 };

	s->next = r->n + 1;
	if (s->one_type && r->type != s->type)
		return true;
	if (cli_json(s->c)) {
		out("%.*s\n", (int)line.n, line.p);
	} else {
		time_format_s(r->t_ms / 1000, when);
		buf_add_visible(&text, line);
		out("%llu  %s  %s\n    %s\n", (unsigned long long)r->n, when,
		    record_spec(r->type)->name, buf_cstr(&text));
	}
	return ++s->shown < s->count;
}

static bool
show_record(void *arg, struct bytes line, const struct record *r,
    struct error *e)
{
	struct show *s = arg;

	/* "enough" is not a failure: run_show looks at the reason. */
	return show_line(s, line, r) || error_set(e, FAIL_NONE, "enough");
}

static bool
show_setup(struct cli *c, struct show *s, struct error *e)
{
	const char *type = cli_flag(c, "type");

	s->c = c;
	c->quiet = true;
	if (type != NULL) {
		s->one_type = true;
		if (!record_type_by_name(bytes_str(type), &s->type))
			return error_set(e, FAIL_USAGE, "no record type \"%s\"",
			    type);
	}
	return number_flag(c, "from", 0, &s->from, e);
}

static bool
run_show(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	struct show s = { 0 };

	if (h == NULL || !show_setup(c, &s, e) ||
	    !number_flag(c, "count", UINT64_MAX, &s.count, e))
		return false;
	if (c->args == 1) {
		if (!number_arg(c->arg[0], &s.from, e))
			return false;
		s.count = 1;
	}
	if (s.count == 0)
		return true;
	if (!reg_walk(h->register_dir, s.from, show_record, &s, e) &&
	    e->why != FAIL_NONE)
		return false;
	if (c->args == 1 && s.shown == 0)
		return error_set(e, FAIL_NOT_FOUND, "no record %s", c->arg[0]);
	return true;
}

#define FOLLOW_PAUSE_MS 500

static bool
run_follow(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	struct show s = { .count = UINT64_MAX };

	if (h == NULL || !show_setup(c, &s, e))
		return false;
	s.next = s.from;
	for (;;) {
		if (!reg_walk(h->register_dir, s.next, show_record, &s, e) &&
		    e->why != FAIL_NOT_FOUND)
			return false;
		if (cli_has(c, "once"))
			return true;
		usleep(FOLLOW_PAUSE_MS * 1000);
	}
}

/* ---- prove, receipt, export ---------------------------------------------- */

static bool
run_prove(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	struct checkpoint at;
	struct tree_proof p;
	struct sha256 leaf;
	auto_buf struct buf line = { 0 }, store = { 0 }, text = { 0 },
			    note = { 0 };
	struct record rec;
	uint64_t n;

	if (h == NULL || !number_arg(c->arg[0], &n, e) ||
	    (r = session_read_register(h, e)) == NULL)
		return false;
	/* Under a signed root: what comes after it proves nothing yet. */
	if (!reg_newest_checkpoint(r, &note, &at, e) ||
	    !reg_prove(r, n, at.size, &p, e) ||
	    !reg_read(r, n, &line, &rec, &store, e))
		return false;
	leaf = record_leaf(buf_bytes(&line));
	if (!cli_json(c)) {
		proof_text_format(n, at.size, &at.root, &p, &text);
		c->quiet = true;
		out_bytes(buf_bytes(&text));
		return true;
	}
	doc_int(c->doc, "index", "index", (int64_t)n);
	doc_int(c->doc, "size", "size", (int64_t)at.size);
	doc_hex(c->doc, "root", "root", sha256_bytes(&at.root));
	doc_hex(c->doc, "leaf", "leaf hash", sha256_bytes(&leaf));
	doc_list(c->doc, "proof", "proof");
	for (unsigned i = 0; i < p.n; i++)
		doc_hex(doc_row(c->doc, "proof", "proof"), "hash", "hash",
		    sha256_bytes(&p.node[i]));
	doc_textn(c->doc, "line", NULL, buf_bytes(&line));
	return true;
}

static bool
run_receipt(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	auto_buf struct buf text = { 0 };
	const char *path = cli_flag(c, "out");
	uint64_t n;

	if (h == NULL || !number_arg(c->arg[0], &n, e) ||
	    (r = session_read_register(h, e)) == NULL ||
	    !reg_receipt(r, n, &text, e))
		return false;
	if (path == NULL) {
		if (!cli_json(c)) {
			c->quiet = true;
			out_bytes(buf_bytes(&text));
			return true;
		}
		doc_textn(c->doc, "receipt", "receipt", buf_bytes(&text));
		return true;
	}
	if (!file_create(path, buf_bytes(&text), 0644, e))
		return false;
	doc_text(c->doc, "file", "receipt", path);
	return true;
}

static bool
run_export(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	auto_buf struct buf note = { 0 };
	struct checkpoint at;

	if (h == NULL || !file_check_absent(c->arg[0], e) ||
	    (r = session_read_register(h, e)) == NULL ||
	    !reg_newest_checkpoint(r, &note, &at, e) ||
	    !reg_export(r, c->arg[0], e))
		return false;
	doc_text(c->doc, "directory", "exported to", c->arg[0]);
	doc_int(c->doc, "size", "records", (int64_t)at.size);
	return true;
}

/* ---- table --------------------------------------------------------------- */

static const struct flag init_flags[] = {
	{ "new-log-key", NULL,
	    "generate the log key first, under the label of chancery.yaml",
	    false, false },
	{ 0 },
};
static const struct flag accept_flags[] = {
	{ "clock", NULL,
	    "the last record is in the future: the clock was wrong", false,
	    false },
	{ "anchor", NULL,
	    "an anchor remembers more or other records: they are lost", false,
	    false },
	{ 0 },
};
static const struct flag verify_flags[] = {
	{ "no-signatures", NULL,
	    "do not verify each signature with its public key", false, false },
	{ 0 },
};
static const struct flag show_flags[] = {
	{ "from", "N", "first record", false, false },
	{ "count", "N", "how many", false, false },
	{ "type", "TYPE", "only records of this type, such as SIGNED", false,
	    false },
	{ 0 },
};
static const struct flag follow_flags[] = {
	{ "from", "N", "first record", false, false },
	{ "type", "TYPE", "only records of this type", false, false },
	{ "once", NULL, "stop at the end instead of waiting for more", false,
	    false },
	{ 0 },
};
static const struct flag receipt_flags[] = {
	{ "out", "FILE", "new file; else standard output", false, false },
	{ 0 },
};

const struct command register_commands[] = {
	{ "register init", "", "log birth: make a register for this home", 0, 0,
	    init_flags, true, run_init,
	    "A ceremony does this as one of its steps." },
	{ "register accept", "",
	    "let a register start that refuses to, for a reason (--why)", 0, 0,
	    accept_flags, true, run_accept,
	    "The act and its reason are recorded. After --anchor, what was "
	    "signed in the lost records is known to nobody here: find those "
	    "certificates and revoke them with revoke --cert." },
	{ "register verify", "[DIR]",
	    "walk everything from nothing and name the first wrong record", 0,
	    1, verify_flags, true, run_verify,
	    "With DIR, another register without its home." },
	{ "register show", "[N]", "print records", 0, 1, show_flags, true,
	    run_show, "With --json, the lines as they are in the register." },
	{ "register prove", "N",
	    "prove that a record is under the newest checkpoint", 1, 1, NULL,
	    true, run_prove,
	    "Prints what docs/verify.sh reads; with --json the record too." },
	{ "register follow", "", "print records as they are written", 0, 0,
	    follow_flags, true, run_follow, NULL },
	{ "register export", "DIR",
	    "write the public tree (tlog-tiles), without private bodies", 1, 1,
	    NULL, true, run_export, NULL },
	{ "register receipt", "N",
	    "a proof of one record that verifies offline", 1, 1, receipt_flags,
	    true, run_receipt, NULL },
};
const size_t register_commands_n = countof(register_commands);
