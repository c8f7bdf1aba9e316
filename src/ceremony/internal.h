/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The engine's own state, and what a step handler may use of it. */
#include <chancery/ceremony/ceremony.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/journal.h>
#include <chancery/ceremony/session.h>
#include <chancery/signer/signer.h>

struct ceremony {
	const struct plan *plan;
	const struct ceremony_options *opt;
	char *dir; /* the home of this run, absolute */
	char *out_dir;
	struct journal *journal;
	struct home *home;
	struct session *session;
	char step[64];   /* id of the running step */
	size_t instance; /* which intermediate */
};

enum step_need {
	NEED_NOTHING,
	NEED_TOKENS, /* module loaded, tokens open */
	NEED_SIGNER  /* register open too */
};
enum step_ask {
	ASK_NOT,
	ASK_AFTER,
	ASK_INSIDE /* the handler asks, before it signs */
};

struct step {
	const char *id, *title, *about, *words;
	bool key; /* "key-steps" asks here too               */
	enum step_ask ask;
	enum step_need need;
	bool per_intermediate;
	/* Safe to repeat: what exists already is found, not made again. */
	bool (*run)(struct ceremony *c, struct error *e);
	/* Done in an earlier run: bring back missing files. May be NULL. */
	bool (*restore)(struct ceremony *c, struct error *e);
};
extern const struct step steps[];
extern const size_t steps_count;

/* ---- for handlers (people.c) --------------------------------------------- */

void say(const struct ceremony *c, const char *fmt, ...) printf_like(2, 3);
/* Say it and write it to the journal; `value` may come from outside. */
bool show(struct ceremony *c, const char *label, struct error *e,
    const char *fmt, ...) printf_like(4, 5) must_check;
/* Hex groups and words. */
bool show_hash(struct ceremony *c, const char *label, const struct sha256 *h,
    struct error *e) must_check;
/* The words of the running step, typed literally. FAIL_ABORTED otherwise. */
bool confirm(struct ceremony *c, const char *words, struct error *e) must_check;
/* One of two words; *first tells which. In an automatic rehearsal: the first. */
bool choose(struct ceremony *c, const char *question, const char *a,
    const char *b, bool *first, struct error *e) must_check;
/* A journal line of the running step with text fields, keys in sorted order:
 * name, value, …, NULL. */
bool note(struct ceremony *c, const char *what, struct error *e, ...)
    __attribute__((sentinel)) must_check;

/* ---- for handlers (settings.c, engine.c) --------------------------------- */

struct signer_claim ceremony_claim(const struct ceremony *c);
bool ceremony_need(struct ceremony *c, enum step_need need,
    struct error *e) must_check;
/* The authority of the running step: the root, or intermediate `instance`. */
const struct plan_authority *step_authority(const struct ceremony *c);
/* A file below outputs: made, or found with exactly these bytes. FAIL_EXISTS when
 * it is there with others. */
bool output_settle(struct ceremony *c, const char *name, struct bytes data,
    struct error *e) must_check;
bool output_check_absent(const struct ceremony *c, struct error *e) must_check;
/* chancery.yaml of this run. */
bool settings_write(struct ceremony *c, struct error *e) must_check;
/* Soft tokens of a rehearsal, with PINs of their own. */
bool rehearsal_tokens(struct ceremony *c, struct error *e) must_check;
/* A finished rehearsal of the same core by the same program; its transcript's hash.
 * FAIL_REFUSED when there is none. */
bool rehearsal_find(const struct ceremony *c, struct sha256 *out,
    struct error *e) must_check;
bool program_hash(struct sha256 *out, struct error *e) must_check;
/* Destroy sacrificial keys that an aborted run left. */
bool sweep_sacrificial(struct ceremony *c, struct error *e) must_check;
/* Objects on the tokens against the key map. `planned`: keys of this ceremony may
 * be there; `complete`: they must. */
bool inventory(struct ceremony *c, bool planned, bool complete,
    struct error *e) must_check;

/* ---- reports (report.c) -------------------------------------------------- */

void report_text(const struct journal *j, struct buf *out);
void report_html(const struct journal *j, struct buf *out);

/* ---- handlers ------------------------------------------------------------- */

bool step_opening(struct ceremony *c, struct error *e) must_check;
bool step_plan(struct ceremony *c, struct error *e) must_check;
bool step_tokens(struct ceremony *c, struct error *e) must_check;
bool step_log_birth(struct ceremony *c, struct error *e) must_check;
bool step_sacrifice(struct ceremony *c, struct error *e) must_check;
bool step_key(struct ceremony *c, struct error *e) must_check;
bool step_custody(struct ceremony *c, struct error *e) must_check;
bool step_certificate(struct ceremony *c, struct error *e) must_check;
bool restore_certificate(struct ceremony *c, struct error *e) must_check;
bool step_check(struct ceremony *c, struct error *e) must_check;
bool step_crl(struct ceremony *c, struct error *e) must_check;
bool restore_crl(struct ceremony *c, struct error *e) must_check;
bool step_inventory(struct ceremony *c, struct error *e) must_check;
bool step_closing(struct ceremony *c, struct error *e) must_check;
bool restore_closing(struct ceremony *c, struct error *e) must_check;
