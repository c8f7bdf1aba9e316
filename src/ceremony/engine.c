/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>

#include "internal.h"

/* ---- the order of steps --------------------------------------------------- */

/* First and one past the last of the per_intermediate rows. */
static void
repeated_rows(size_t *from, size_t *to)
{
	for (*from = 0; *from < steps_count; (*from)++)
		if (steps[*from].per_intermediate)
			break;
	for (*to = *from; *to < steps_count; (*to)++)
		if (!steps[*to].per_intermediate)
			break;
}

size_t
ceremony_step_count(const struct plan *p)
{
	size_t from, to;

	repeated_rows(&from, &to);
	return steps_count - (to - from) + (to - from) * p->intermediates.n;
}

static const struct step *
step_at(const struct plan *p, size_t i, size_t *instance)
{
	size_t from, to, rows;

	repeated_rows(&from, &to);
	rows = to - from;
	*instance = 0;
	if (i < from)
		return &steps[i];
	i -= from;
	if (i < rows * p->intermediates.n) {
		*instance = i / rows;
		return &steps[from + i % rows];
	}
	return &steps[to + i - rows * p->intermediates.n];
}

/* "root-key"; "intermediate-key-2" for the second intermediate. */
static void
step_name(const struct step *s, size_t instance, char *out, size_t size)
{
	int n;

	if (s->per_intermediate)
		n = snprintf(out, size, "%s-%zu", s->id, instance + 1);
	else
		n = snprintf(out, size, "%s", s->id);
	if (n < 0 || (size_t)n >= size)
		fatal("step name");
}

void
ceremony_step_text(const struct plan *p, size_t i,
    struct ceremony_step_text *out)
{
	size_t instance;
	const struct step *s = step_at(p, i, &instance);
	bool asked =
	    s->ask != ASK_NOT && (p->confirmations == CONFIRM_EVERY || s->key);

	step_name(s, instance, out->id, sizeof(out->id));
	out->title = s->title;
	out->about = s->about;
	out->words = asked ? s->words : NULL;
}

const struct plan_authority *
step_authority(const struct ceremony *c)
{
	return strncmp(c->step, "intermediate-", 13) == 0
	    ? plan_intermediate(c->plan, c->instance)
	    : &c->plan->root;
}

struct signer_claim
ceremony_claim(const struct ceremony *c)
{
	return (struct signer_claim){ .who = c->opt->who, .why = c->plan->id };
}

/* ---- module, tokens, register --------------------------------------------- */

bool
ceremony_need(struct ceremony *c, enum step_need need, struct error *e)
{
	struct session_options opt = { .flags = SESSION_TOKENS | SESSION_WRITE,
		.who = c->opt->who };

	if (need == NEED_NOTHING)
		return true;
	if (c->home == NULL && (c->home = home_open(c->dir, e)) == NULL)
		return false;
	if (c->session == NULL &&
	    (c->session = session_open(c->home, &opt, e)) == NULL)
		return false;
	if (need == NEED_TOKENS || c->session->signer != NULL)
		return true;
	opt.flags = SESSION_WRITE;
	return session_start_signer(c->session, &opt, e);
}

/* The step in the register too, with the journal's hash at that point. */
static bool
record_step(struct ceremony *c, struct error *e)
{
	struct record rec;
	auto_buf struct buf data = { 0 };
	struct json_writer w;
	struct sha256 head = journal_head(c->journal);

	if (c->session == NULL || c->session->signer == NULL)
		return true;
	json_begin(&w, &data);
	json_object_begin(&w);
	json_kv_hex(&w, "journal", sha256_bytes(&head));
	json_kv_str(&w, "plan", c->plan->id);
	json_object_end(&w);
	record_init(&rec, REC_EVENT);
	record_json(&rec, "data", buf_bytes(&data));
	record_text(&rec, "step", c->step);
	record_text(&rec, "what", "ceremony-step");
	return signer_record(c->session->signer, &rec, bytes_of(NULL, 0), NULL,
	    e);
}

/* ---- one step --------------------------------------------------------------- */

static bool
perform_step(struct ceremony *c, const struct step *s, struct error *e)
{
	bool asked = c->plan->confirmations == CONFIRM_EVERY || s->key;

	say(c, "\n== %s (%s)\n   %s\n", s->title, c->step, s->about);
	if (!note(c, "begin", e, "title", s->title, NULL) ||
	    !ceremony_need(c, s->need, e) || !s->run(c, e))
		return false;
	if (s->ask == ASK_AFTER && asked && !confirm(c, s->words, e))
		return false;
	return record_step(c, e) && note(c, "done", e, NULL);
}

static bool
repeat_step(struct ceremony *c, const struct step *s, struct error *e)
{
	say(c, "-- %s: done before\n", c->step);
	if (c->home == NULL && (c->home = home_open(c->dir, e)) == NULL)
		return false;
	return s->restore == NULL || s->restore(c, e);
}

static bool
stop_here(const struct ceremony *c, struct error *e)
{
	if (c->opt->stop_after == NULL || !c->opt->rehearse ||
	    strcmp(c->opt->stop_after, c->step) != 0)
		return true;
	return error_set(e, FAIL_ABORTED, "stopped after %s, as asked",
	    c->step);
}

static bool
all_steps(struct ceremony *c, struct error *e)
{
	for (size_t i = 0; i < ceremony_step_count(c->plan); i++) {
		const struct step *s = step_at(c->plan, i, &c->instance);

		step_name(s, c->instance, c->step, sizeof(c->step));
		if (journal_find(c->journal, "done", c->step) != NULL) {
			if (!repeat_step(c, s, e))
				return false;
			continue;
		}
		if (!perform_step(c, s, e))
			return error_context(e, "step %s", c->step);
		if (!stop_here(c, e))
			return false;
	}
	return true;
}

/* ---- opening the journal ------------------------------------------------------ */

static bool
journal_header(struct ceremony *c, const char *what,
    const struct sha256 *rehearsal, struct error *e)
{
	auto_buf struct buf data = { 0 };
	struct json_writer w;
	struct sha256 program;

	if (!program_hash(&program, e))
		return false;
	json_begin(&w, &data);
	json_object_begin(&w);
	json_kv_hex(&w, "core_sha256", sha256_bytes(&c->plan->core_hash));
	json_kv_str(&w, "id", c->plan->id);
	json_kv_str(&w, "mode", c->opt->rehearse ? "rehearsal" : "real");
	json_key(&w, "people");
	plan_people_json(&w, c->plan);
	json_kv_hex(&w, "plan_sha256", sha256_bytes(&c->plan->hash));
	if (rehearsal != NULL)
		json_kv_hex(&w, "rehearsal_sha256", sha256_bytes(rehearsal));
	json_kv_str(&w, "software", "chancery " CHANCERY_VERSION);
	json_kv_str(&w, "title", c->plan->title);
	json_kv_hex(&w, "tool_sha256", sha256_bytes(&program));
	json_kv_str(&w, "who", c->opt->who);
	json_object_end(&w);
	return journal_add(c->journal, what, "", buf_bytes(&data), e);
}

static bool
check_same_plan(const struct ceremony *c, struct error *e)
{
	const struct journal_entry *open =
	    journal_find(c->journal, "open", NULL);
	char hex[2 * SHA256_LEN + 1];
	auto_buf struct buf have = { 0 };

	if (open == NULL)
		return error_set(e, FAIL_CORRUPT,
		    "the journal does not begin with an opening");
	hex_encode(sha256_bytes(&c->plan->hash), hex);
	if (!journal_get_text(open, "plan_sha256", &have) ||
	    !bytes_eq(buf_bytes(&have), bytes_str(hex)))
		return error_set(e, FAIL_REFUSED,
		    "the ceremony was begun with another plan (its hash was "
		    "%s)",
		    buf_cstr(&have));
	return true;
}

static bool
begin(struct ceremony *c, const char *path, struct error *e)
{
	struct sha256 rehearsal;
	const struct sha256 *before = NULL;

	if (!output_check_absent(c, e))
		return false;
	if (!c->opt->rehearse) {
		if (!rehearsal_find(c, &rehearsal, e))
			return false;
		before = &rehearsal;
	}
	c->journal = journal_create(path, NULL, e);
	return c->journal != NULL && journal_header(c, "open", before, e);
}

static bool
finished(const struct ceremony *c)
{
	return journal_find(c->journal, "finish", NULL) != NULL;
}

static bool
open_journal(struct ceremony *c, struct error *e)
{
	auto_mem char *dir = path_join(c->dir, "ceremony");
	auto_mem char *path = path_join(dir, "journal");
	bool there = access(path, F_OK) == 0;

	if (!dir_create(dir, 0700, e))
		return false;
	if (!c->opt->resume) {
		if (there)
			return error_set(e, FAIL_EXISTS,
			    "a ceremony was begun in %s: \"ceremony resume\" "
			    "goes on, another one needs another home",
			    c->dir);
		return begin(c, path, e);
	}
	if (!there)
		return error_set(e, FAIL_NOT_FOUND,
		    "no ceremony was begun in %s", c->dir);
	c->journal = journal_open(path, NULL, e);
	if (c->journal == NULL)
		return false;
	/* Killed before its first line was whole. */
	if (journal_find(c->journal, "open", NULL) == NULL)
		return error_set(e, FAIL_CORRUPT,
		    "%s holds nothing: remove it and run again", path);
	return check_same_plan(c, e) &&
	    (finished(c) || journal_header(c, "resume", NULL, e));
}

/* ---- where ---------------------------------------------------------------------- */

#define REHEARSALS_MAX 1000

/* A new number for a run, the newest there is for a resume. */
static bool
rehearsal_dir(const char *home, bool resume, char **out, struct error *e)
{
	auto_mem char *last = NULL;

	for (unsigned n = 1; n <= REHEARSALS_MAX; n++) {
		auto_mem char *dir = mem_printf("%s/rehearsal-%u", home, n);

		if (access(dir, F_OK) == 0) {
			mem_free(last);
			last = take(dir);
			continue;
		}
		if (resume && last == NULL)
			return error_set(e, FAIL_NOT_FOUND,
			    "no rehearsal was begun in %s", home);
		*out = resume ? take(last) : take(dir);
		return true;
	}
	return error_set(e, FAIL_EXISTS, "%d rehearsals in %s", REHEARSALS_MAX,
	    home);
}

static bool
choose_dir(struct ceremony *c, struct error *e)
{
	char full[PATH_MAX];

	if (!dir_create(c->opt->home, 0700, e))
		return false;
	if (realpath(c->opt->home, full) == NULL)
		return error_errno(e, FAIL_IO, "%s", c->opt->home);
	if (!c->opt->rehearse)
		c->dir = mem_strdup(full);
	else if (!rehearsal_dir(full, c->opt->resume, &c->dir, e) ||
	    !dir_create(c->dir, 0700, e))
		return false;
	c->out_dir = path_join(c->dir, c->plan->outputs);
	return true;
}

static void
ceremony_free(struct ceremony *c)
{
	session_free(c->session);
	home_free(c->home);
	journal_close(c->journal);
	mem_free(c->dir);
	mem_free(c->out_dir);
}

/* ---- the whole -------------------------------------------------------------------- */

/* Everything that is said afterwards stands in the files. */
static bool
write_reports(struct ceremony *c, struct ceremony_result *out, struct error *e)
{
	auto_buf struct buf text = { 0 }, html = { 0 };
	struct bytes transcript;

	c->step[0] = '\0';
	if (!finished(c) && !note(c, "finish", e, NULL))
		return false;
	transcript = journal_text(c->journal);
	report_text(c->journal, &text);
	report_html(c->journal, &html);
	if (!output_settle(c, "transcript.jsonl", transcript, e) ||
	    !output_settle(c, "report.txt", buf_bytes(&text), e) ||
	    !output_settle(c, "report.html", buf_bytes(&html), e))
		return false;
	out->transcript_hash = sha256(transcript);
	out->transcript = path_join(c->out_dir, "transcript.jsonl");
	out->report = path_join(c->out_dir, "report.html");
	return true;
}

static bool
run_all(struct ceremony *c, struct ceremony_result *out, struct error *e)
{
	struct session *s;

	if (!choose_dir(c, e) || !open_journal(c, e) ||
	    !dir_create(c->out_dir, 0755, e))
		return false;
	if (c->opt->resume && !finished(c) &&
	    journal_find(c->journal, "done", "log-birth") != NULL &&
	    (!ceremony_need(c, NEED_SIGNER, e) || !sweep_sacrificial(c, e) ||
		!inventory(c, true, false, e)))
		return false;
	if (!all_steps(c, e))
		return false;
	s = take(c->session);
	return (s == NULL || session_close(s, e)) && write_reports(c, out, e);
}

bool
ceremony_perform(const struct plan *p, const struct ceremony_options *opt,
    struct ceremony_result *out, struct error *e)
{
	struct ceremony c = { .plan = p, .opt = opt };
	bool ok;

	if (opt->yes && !opt->rehearse)
		return error_set(e, FAIL_USAGE,
		    "--yes is for rehearsals: in a real ceremony people type "
		    "the words");
	if (opt->stop_after != NULL && !opt->rehearse)
		return error_set(e, FAIL_USAGE,
		    "--stop-after is for rehearsals");
	ok = run_all(&c, out, e);
	ceremony_free(&c);
	return ok;
}

void
ceremony_result_free(struct ceremony_result *r)
{
	mem_free(r->transcript);
	mem_free(r->report);
}
