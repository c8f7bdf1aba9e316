/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/ceremony.h>
#include <chancery/ceremony/plan.h>
#include <chancery/ceremony/words.h>

#include "cli.h"

static struct plan *
read_plan(const char *path, struct error *e)
{
	auto_buf struct buf report = { 0 };
	struct plan *p = plan_read(path, &report, e);

	if (p == NULL && report.n > 0) {
		/* Every mistake, not only the first. */
		out_err(buf_cstr(&report));
	}
	return p;
}

static void
hash_rows(struct doc *d, const char *key, const char *label,
    const struct sha256 *h)
{
	auto_buf struct buf groups = { 0 };

	doc_hex(d, key, NULL, sha256_bytes(h));
	buf_add_hex_groups(&groups, sha256_bytes(h));
	doc_say(d, "%s:\n  %s", label, buf_cstr(&groups));
}

static void
hash_words(struct doc *d, const struct sha256 *h)
{
	auto_buf struct buf words = { 0 };

	words_add(&words, sha256_bytes(h));
	doc_say(d, "%s", buf_cstr(&words));
	doc_textn(d, "words", NULL, buf_bytes(&words));
}

static bool
run_lint(struct cli *c, struct error *e)
{
	auto_plan struct plan *p = read_plan(c->arg[0], e);

	if (p == NULL)
		return false;
	doc_text(c->doc, "id", "plan", p->id);
	doc_bool(c->doc, "ok", "good", true);
	hash_rows(c->doc, "sha256", "plan hash", &p->hash);
	hash_rows(c->doc, "core_sha256", "hash of its core", &p->core_hash);
	return true;
}

static bool
run_hash(struct cli *c, struct error *e)
{
	auto_plan struct plan *p = read_plan(c->arg[0], e);

	if (p == NULL)
		return false;
	hash_rows(c->doc, "sha256", "plan hash", &p->hash);
	hash_words(c->doc, &p->hash);
	doc_hex(c->doc, "core_sha256", NULL, sha256_bytes(&p->core_hash));
	return true;
}

static bool
run_show(struct cli *c, struct error *e)
{
	auto_plan struct plan *p = read_plan(c->arg[0], e);
	auto_buf struct buf core = { 0 };

	if (p == NULL)
		return false;
	plan_core_json(p, &core);
	doc_text(c->doc, "id", "plan", p->id);
	doc_text(c->doc, "title", "title", p->title);
	hash_rows(c->doc, "sha256", "plan hash", &p->hash);
	doc_raw(c->doc, "core", NULL, buf_bytes(&core));
	doc_list(c->doc, "people", "people");
	for (size_t i = 0; i < p->people.n; i++) {
		const struct plan_person *v = p->people.v;
		struct doc *row = doc_row(c->doc, "people", "people");

		doc_text(row, "name", "name", v[i].name);
		doc_text(row, "role", "role",
		    plan_role_name((enum plan_role)v[i].role));
	}
	doc_list(c->doc, "steps", "steps");
	for (size_t i = 0; i < ceremony_step_count(p); i++) {
		struct ceremony_step_text t;
		struct doc *row = doc_row(c->doc, "steps", "steps");

		ceremony_step_text(p, i, &t);
		doc_text(row, "step", "step", t.id);
		doc_text(row, "title", "title", t.title);
		doc_text(row, "type", "to be typed",
		    t.words == NULL ? "-" : t.words);
		doc_text(row, "about", NULL, t.about);
	}
	return true;
}

static const char *
home_dir(const struct cli *c, struct error *e)
{
	const char *dir = cli_flag(c, "home");

	if (dir == NULL)
		dir = getenv("CHANCERY_HOME");
	if (dir == NULL || *dir == '\0')
		error_set(e, FAIL_USAGE,
		    "no home directory: give --home DIR or set CHANCERY_HOME");
	return dir != NULL && *dir != '\0' ? dir : NULL;
}

/* With --json the answer alone goes to standard output. */
static void
say_people(void *arg, const char *text)
{
	const struct cli *c = arg;

	if (!cli_json(c))
		out("%s", text);
	else
		out_err(text);
}

/* Longer than any confirmation, name or deviation. */
#define ANSWER_MAX 1024

static bool
ask_people(void *arg, const char *prompt, struct buf *line, struct error *e)
{
	char text[ANSWER_MAX];
	size_t n;

	say_people(arg, prompt);
	if (fgets(text, sizeof(text), stdin) == NULL) {
		say_people(arg, "\n");
		return error_set(e, FAIL_ABORTED, "the input ended");
	}
	/* A terminal has echoed the end of the line. */
	if (!isatty(STDIN_FILENO))
		say_people(arg, "\n");
	n = strcspn(text, "\r\n");
	if (text[n] == '\0')
		return error_set(e, FAIL_ABORTED,
		    "the answer is too long or the input ended");
	buf_add(line, text, n);
	return true;
}

static bool
perform(struct cli *c, bool resume, struct error *e)
{
	auto_plan struct plan *p = NULL;
	struct ceremony_io io = { .say = say_people,
		.ask = ask_people,
		.arg = c };
	struct ceremony_options opt = {
		.home = home_dir(c, e),
		.who = cli_claim(c).who,
		.rehearse = cli_has(c, "rehearse"),
		.yes = cli_has(c, "yes"),
		.resume = resume,
		.io = &io,
		.soft_module = cli_flag(c, "soft-module"),
		.stop_after = cli_flag(c, "stop-after"),
	};
	struct ceremony_result r = { 0 };

	if (opt.home == NULL || (p = read_plan(c->arg[0], e)) == NULL ||
	    !ceremony_perform(p, &opt, &r, e))
		return false;
	doc_text(c->doc, "id", "ceremony", p->id);
	doc_bool(c->doc, "rehearsal", "rehearsal", opt.rehearse);
	doc_text(c->doc, "transcript", "transcript", r.transcript);
	doc_text(c->doc, "report", "report", r.report);
	doc_hex(c->doc, "transcript_sha256", "transcript SHA-256",
	    sha256_bytes(&r.transcript_hash));
	ceremony_result_free(&r);
	return true;
}

static bool
run_run(struct cli *c, struct error *e)
{
	return perform(c, false, e);
}

static bool
run_resume(struct cli *c, struct error *e)
{
	return perform(c, true, e);
}

static bool
run_report(struct cli *c, struct error *e)
{
	auto_buf struct buf out_text = { 0 };
	const char *html = cli_flag(c, "html"), *text = cli_flag(c, "text");

	if (!ceremony_report(c->arg[0], html, text, &out_text, e))
		return false;
	if (html == NULL && text == NULL && !cli_json(c)) {
		c->quiet = true;
		out_bytes(buf_bytes(&out_text));
		return true;
	}
	doc_text(c->doc, "transcript", "transcript", c->arg[0]);
	doc_bool(c->doc, "ok", "chain holds", true);
	if (html != NULL)
		doc_text(c->doc, "html", "HTML", html);
	if (text != NULL)
		doc_text(c->doc, "text", "text", text);
	return true;
}

static const struct flag run_flags[] = {
	{ "rehearse", NULL,
	    "with soft tokens made for it, names marked as a rehearsal", false,
	    false },
	{ "yes", NULL, "give the confirmations (rehearsals only)", false,
	    false },
	{ "soft-module", "FILE", "SoftHSM module for rehearsals", false,
	    false },
	{ "stop-after", "STEP", "stop as if interrupted (rehearsals only)",
	    false, false },
	{ 0 },
};
static const struct flag report_flags[] = {
	{ "html", "FILE", "new file: self-contained HTML", false, false },
	{ "text", "FILE", "new file: plain text", false, false },
	{ 0 },
};

const struct command ceremony_commands[] = {
	{ "ceremony plan lint", "PLAN",
	    "check a plan; every mistake as file:line:column", 1, 1, NULL,
	    false, run_lint, "No module is loaded." },
	{ "ceremony plan hash", "PLAN",
	    "print a plan's hash in hex groups and words", 1, 1, NULL, false,
	    run_hash, NULL },
	{ "ceremony plan show", "PLAN", "print what a plan will do", 1, 1, NULL,
	    false, run_show, NULL },
	{ "ceremony run", "PLAN", "perform a ceremony, or rehearse it", 1, 1,
	    run_flags, true, run_run,
	    "A real run needs the transcript of a rehearsal of the same plan "
	    "in the same home. Words are typed literally." },
	{ "ceremony resume", "PLAN", "go on after an abort", 1, 1, run_flags,
	    true, run_resume, "Nothing is generated or signed twice." },
	{ "ceremony report", "TRANSCRIPT",
	    "verify a transcript and write the report again", 1, 1,
	    report_flags, false, run_report, NULL },
};
const size_t ceremony_commands_n = countof(ceremony_commands);
